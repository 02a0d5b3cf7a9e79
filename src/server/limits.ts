import type { NativeTransportConfig } from './config.ts'

const NANOS_PER_SECOND = 1e9
const BURST_NANOS = NANOS_PER_SECOND

/** Permits at a steady rate, with up to a second's worth saved up (`NonBlockingRateLimiter`). */
export class RateLimiter {
  readonly permitsPerSecond: number
  private readonly intervalNanos: number
  private nextNanos: number

  constructor(permitsPerSecond: number, nowMs: number) {
    this.permitsPerSecond = permitsPerSecond
    this.intervalNanos = Math.floor(NANOS_PER_SECOND / permitsPerSecond)
    this.nextNanos = nowMs * 1e6
  }

  /** Takes a permit if there is one now. */
  tryReserve(nowMs: number): boolean {
    const now = nowMs * 1e6
    const first = Math.max(this.nextNanos, now - BURST_NANOS)
    if (now < first) return false
    this.nextNanos = first + this.intervalNanos
    return true
  }

  /** Takes the next permit, and returns the milliseconds until it is valid. */
  reserve(nowMs: number): number {
    const now = nowMs * 1e6
    const first = Math.max(this.nextNanos, now - BURST_NANOS)
    this.nextNanos = first + this.intervalNanos
    return Math.max(0, first - now) / 1e6
  }
}

/** How long a queue has to be in order until the next trouble counts as a new one. */
const INCIDENT_MS = 1_000
/** Requests held up at one severity. */
const HELD_UP_A_LEVEL = 10

/**
 * How long connections are not read while requests wait too long: the longer that goes on, the longer
 * (`QueueBackpressure`).
 */
export class QueueBackpressure {
  readonly #minMs: number
  readonly #maxMs: number
  #lastMs = -1
  #severity = 0
  #heldUp = 0

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs
    this.#maxMs = maxMs
  }

  /** Another request has come while the oldest one had waited too long. Returns the milliseconds to hold its connection. */
  mark(nowMs: number): number {
    if (this.#lastMs > 0 && nowMs - this.#lastMs >= INCIDENT_MS) {
      this.#severity = 1
      this.#heldUp = 1
    } else if (this.#heldUp < HELD_UP_A_LEVEL) {
      if (this.#severity === 0) this.#severity = 1
      this.#heldUp++
    } else {
      this.#severity++
      this.#heldUp = 1
    }
    this.#lastMs = nowMs
    return Math.min(this.#maxMs, this.#severity * this.#minMs)
  }
}

/** Bytes of requests in flight against a limit. */
export class ByteLimit {
  readonly limit: number
  using = 0

  constructor(limit: number) {
    this.limit = limit
  }
}

/** What all connections from one address share. */
export class Endpoint {
  readonly address: string
  readonly bytes: ByteLimit
  connections = 0

  constructor(address: string, limit: number) {
    this.address = address
    this.bytes = new ByteLimit(limit)
  }
}

/** Connections and request bytes of the whole server (`ClientResourceLimits`, `ConnectionLimitHandler`). */
export class ServerLimits {
  readonly global: ByteLimit
  connections = 0
  private readonly config: NativeTransportConfig
  private readonly endpoints = new Map<string, Endpoint>()

  constructor(config: NativeTransportConfig) {
    this.config = config
    this.global = new ByteLimit(config.native_transport_max_request_data_in_flight)
  }

  /** Counts a connection in; null when there are too many already. */
  admit(address: string): Endpoint | null {
    const config = this.config
    let endpoint = this.endpoints.get(address)
    const total = config.native_transport_max_concurrent_connections
    const perIp = config.native_transport_max_concurrent_connections_per_ip
    if (total >= 0 && this.connections >= total) return null
    if (perIp > 0 && (endpoint?.connections ?? 0) >= perIp) return null
    if (endpoint === undefined) {
      endpoint = new Endpoint(address, config.native_transport_max_request_data_in_flight_per_ip)
      this.endpoints.set(address, endpoint)
    }
    endpoint.connections++
    this.connections++
    return endpoint
  }

  leave(endpoint: Endpoint): void {
    this.connections--
    if (--endpoint.connections === 0) this.endpoints.delete(endpoint.address)
  }

  fits(endpoint: Endpoint, bytes: number): boolean {
    return (
      endpoint.bytes.using + bytes <= endpoint.bytes.limit && this.global.using + bytes <= this.global.limit
    )
  }

  allocate(endpoint: Endpoint, bytes: number): void {
    endpoint.bytes.using += bytes
    this.global.using += bytes
  }

  release(endpoint: Endpoint, bytes: number): void {
    endpoint.bytes.using -= bytes
    this.global.using -= bytes
  }
}
