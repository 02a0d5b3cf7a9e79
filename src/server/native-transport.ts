import type { Authenticator } from '../auth/index.ts'
import { AllowAllAuthenticator } from '../auth/index.ts'
import type { Clock } from '../io/clock.ts'
import type { Listener, Network, NetworkConnection, TlsInfo, TlsSettings } from '../io/network.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeTimers } from '../io/node-timers.ts'
import type { Timers } from '../io/timers.ts'
import type { ServerEvent } from '../protocol/index.ts'
import type { QueryHandler } from '../query/query-handler.ts'
import { ClientConnection } from './client-connection.ts'
import type { NativeTransportConfig } from './config.ts'
import { defaultConfig } from './config.ts'
import type { ConnectionStage } from './connected-client.ts'
import type { ConnectionContext, HandledRequests } from './connection-context.ts'
import { QueueBackpressure, RateLimiter, ServerLimits } from './limits.ts'
import type { TransportLogger } from './logger.ts'
import { SILENT, withoutSpam } from './logger.ts'
import { Turn } from './turn.ts'

export interface NativeTransportOptions {
  readonly network: Network
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly handler: QueryHandler
  /** Settings other than Cassandra's defaults. */
  readonly config?: Partial<NativeTransportConfig>
  readonly authenticator?: Authenticator
  readonly tls?: TlsSettings
  readonly logger?: TransportLogger
  readonly clock?: Clock
  readonly timers?: Timers
}

/** A client as system_views.clients shows it. */
export interface ConnectionInfo {
  readonly address: string
  readonly port: number
  readonly username: string
  readonly connectionStage: ConnectionStage
  readonly protocolVersion: number
  readonly clientOptions: ReadonlyMap<string, string>
  readonly driverName: string | null
  readonly driverVersion: string | null
  readonly requestCount: number
  readonly keyspace: string | null
  readonly tls: TlsInfo | null
}

/** How long clients have to take their last answers when the server stops. */
const STOP_TIMEOUT_MS = 5_000
const ANONYMOUS = 'anonymous'

/** The CQL server: listens, keeps the connections, and pushes events to them (`transport/Server.java`). */
export class NativeTransport {
  private readonly context: ConnectionContext
  private listener: Listener
  private readonly listen: (port: number) => Promise<Listener>
  private readonly clients: Set<ClientConnection>
  private readonly timers: Timers
  private unsubscribe: () => void
  private readonly idleTimeoutMs: number
  private isStopping = false
  private onEmpty: (() => void) | null = null

  private constructor(
    context: ConnectionContext,
    listener: Listener,
    listen: (port: number) => Promise<Listener>,
    clients: Set<ClientConnection>,
    timers: Timers,
  ) {
    this.context = context
    this.listener = listener
    this.listen = listen
    this.clients = clients
    this.timers = timers
    this.unsubscribe = this.subscribe()
    this.idleTimeoutMs = context.config.native_transport_idle_timeout
    if (this.idleTimeoutMs > 0) this.watchIdle()
  }

  private subscribe(): () => void {
    return this.context.handler.onSchemaChange((change) => this.push({ kind: 'SCHEMA_CHANGE', change }))
  }

  /** Resolves when clients are accepted. */
  static async start(options: NativeTransportOptions): Promise<NativeTransport> {
    const config = { ...defaultConfig(), ...options.config }
    const clock = options.clock ?? nodeClock
    const timers = options.timers ?? nodeTimers
    const logger = withoutSpam(options.logger ?? SILENT, () => clock.monotonicMs())
    const { handler } = options
    const clients = new Set<ClientConnection>()
    let transport: NativeTransport | null = null
    const context: ConnectionContext = {
      handler,
      authenticator: options.authenticator ?? new AllowAllAuthenticator(),
      config,
      limits: new ServerLimits(config),
      rateLimiter: config.native_transport_rate_limiting_enabled
        ? new RateLimiter(config.native_transport_max_requests_per_second, clock.monotonicMs())
        : null,
      queueAgeMaxMs: queueAgeMax(config),
      queueBackpressure: new QueueBackpressure(
        config.native_transport_min_backoff_on_queue_overload,
        config.native_transport_max_backoff_on_queue_overload,
      ),
      turn: new Turn(clock, timers, () => handler.commit(), logger),
      timers,
      logger,
      handled: { requests: 0, authRequests: 0 },
    }
    const onClosed = (connection: ClientConnection): void => {
      clients.delete(connection)
      context.limits.leave(connection.endpoint)
      if (clients.size === 0) transport?.onEmpty?.()
    }
    const { network, host, port, tls } = options
    const listen = (at: number): Promise<Listener> =>
      network.listen({ host, port: at, tls }, (connection) => {
        if (transport?.isStopping === true) connection.destroy()
        else accept(connection, context, clients, onClosed)
      })
    transport = new NativeTransport(context, await listen(port), listen, clients, timers)
    return transport
  }

  /** Accepts clients again, where it did before it was stopped. Rejects where the address can't be had any more. */
  async restart(): Promise<void> {
    this.listener = await this.listen(this.listener.port)
    this.isStopping = false
    this.onEmpty = null
    this.unsubscribe = this.subscribe()
    if (this.idleTimeoutMs > 0) this.watchIdle()
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.listener.host, port: this.listener.port }
  }

  /** The clients that are connected now. */
  connections(): ConnectionInfo[] {
    return Array.from(this.clients, describeConnection)
  }

  /** How many requests there have been. */
  get handled(): Readonly<HandledRequests> {
    return this.context.handled
  }

  /** Bytes of requests that count against native_transport_max_request_data_in_flight now. */
  get requestBytesInFlight(): number {
    return this.context.limits.global.using
  }

  /** Pushes an event to the clients that registered for it. */
  push(event: ServerEvent): void {
    for (const client of this.clients) client.pushEvent(event)
  }

  /** Accepts nobody any more, answers the requests that are being handled, and closes every connection. */
  async stop(timeoutMs: number = STOP_TIMEOUT_MS): Promise<void> {
    this.isStopping = true
    this.unsubscribe()
    await this.listener.close()
    if (this.clients.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.onEmpty = resolve
    })
    for (const client of [...this.clients]) client.end()
    const timer = this.timers.setTimeout(() => {
      for (const client of [...this.clients]) client.abort()
    }, timeoutMs)
    await empty
    this.timers.clearTimeout(timer)
  }

  private watchIdle(): void {
    this.timers.setTimeout(
      () => {
        if (this.isStopping) return
        const limit = this.context.turn.nowMs() - this.idleTimeoutMs
        for (const client of [...this.clients]) {
          if (client.lastActiveMs < limit) client.abort()
        }
        this.watchIdle()
      },
      Math.max(10, this.idleTimeoutMs / 4),
      { unref: true },
    )
  }
}

/** In milliseconds; infinite where it does not matter (`Dispatcher.hasQueueCapacity`). */
function queueAgeMax(config: NativeTransportConfig): number {
  const share = config.native_transport_queue_max_item_age_threshold
  return share <= 0 ? Number.POSITIVE_INFINITY : config.native_transport_timeout * share
}

function accept(
  connection: NetworkConnection,
  context: ConnectionContext,
  clients: Set<ClientConnection>,
  onClosed: (connection: ClientConnection) => void,
): void {
  const endpoint = context.limits.admit(connection.remoteAddress)
  if (endpoint === null) {
    context.logger.error('Exceeded maximum native connection limit, a connection is closed')
    connection.destroy()
    return
  }
  clients.add(new ClientConnection(connection, endpoint, context, onClosed))
}

function describeConnection({ client, network }: ClientConnection): ConnectionInfo {
  const options = client.startupOptions
  return {
    address: client.remoteAddress,
    port: client.remotePort,
    username: client.user ?? ANONYMOUS,
    connectionStage: client.stage,
    protocolVersion: client.protocolVersion,
    clientOptions: options,
    driverName: options.get('DRIVER_NAME') ?? null,
    driverVersion: options.get('DRIVER_VERSION') ?? null,
    requestCount: client.requestCount,
    keyspace: client.keyspace,
    tls: network.tls,
  }
}
