import type { Endpoint } from '../../../src/cluster/endpoint.ts'
import {
  type InboundMessage,
  type MessageHandler,
  type MessagingService,
  type RequestCallback,
  RequestFailureReason,
  type SendOptions,
  Verb,
} from '../../../src/cluster/messaging/index.ts'
import type { TimerHandle, TimerOptions, Timers } from '../../../src/io/timers.ts'
import type { SimClock, SimTimers } from '../sim-clock.ts'
import type { SimRandom } from '../sim-random.ts'

/** How likely a message is lost or comes twice, and how long it takes. */
export interface BusFaults {
  loss: number
  duplication: number
  maxDelayMs: number
  /** How likely a message takes ten times as long, and comes behind others. */
  slowness: number
  /** How likely requests of some verbs are lost, where that is more than `loss`. */
  readonly lossOf: Map<Verb, number>
}

const DEFAULT_TIMEOUT_MS = 2_000

/**
 * Messages between the nodes of one process, worse than any connection: they are lost, come twice and overtake each other, as
 * the seed says. What a node that died was waiting for never comes.
 *
 * A proposal of Paxos never comes twice, as none does on a connection: whoever is told by all that it was refused
 * proposes again, and a second copy may be refused behind a first one that was accepted.
 */
export class SimBus {
  readonly faults: BusFaults = { loss: 0, duplication: 0, maxDelayMs: 5, slowness: 0, lossOf: new Map() }
  readonly #clock: SimClock
  readonly #timers: SimTimers
  readonly #random: SimRandom
  readonly #nodes = new Map<string, BusNode>()
  /** Pairs `from>to` between which nothing gets through. */
  readonly cut = new Set<string>()
  delivered = 0
  lost = 0

  constructor(clock: SimClock, timers: SimTimers, random: SimRandom) {
    this.#clock = clock
    this.#timers = timers
    this.#random = random
  }

  /** A process at that endpoint, in the place of the one before. */
  start(self: Endpoint): BusNode {
    const node = new BusNode(self, this)
    this.#nodes.set(self.text, node)
    return node
  }

  /** The process is gone. */
  crash(self: Endpoint): void {
    const node = this.#nodes.get(self.text)
    if (node !== undefined) node.isDead = true
    this.#nodes.delete(self.text)
  }

  /** Where in a buffer the next payload lies. */
  offset(): number {
    return this.#random.below(9)
  }

  nowMs(): number {
    return this.#clock.monotonicMs()
  }

  later(callback: () => void, delayMs: number): void {
    this.#timers.setTimeout(callback, delayMs)
  }

  /** Timers of a node, which end with it. */
  timersOf(node: BusNode): Timers {
    const timers = this.#timers
    const alive = (callback: () => void) => () => {
      if (!node.isDead) callback()
    }
    return {
      setTimeout: (callback: () => void, delayMs: number, options?: TimerOptions): TimerHandle =>
        timers.setTimeout(alive(callback), delayMs, options),
      clearTimeout: (handle) => timers.clearTimeout(handle),
      setImmediate: (callback) => timers.setImmediate(alive(callback)),
    }
  }

  /** Brings a message over, once, twice or never. */
  carry(from: Endpoint, to: Endpoint, verb: Verb | null, deliver: (node: BusNode) => void): void {
    const random = this.#random
    const { duplication, maxDelayMs, slowness, lossOf } = this.faults
    const loss = Math.max(this.faults.loss, verb === null ? 0 : (lossOf.get(verb) ?? 0))
    const isOwn = from.text === to.text
    const copies = !isOwn && verb !== Verb.PAXOS_PROPOSE_REQ && random.chance(duplication) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (!isOwn && random.chance(loss)) {
        this.lost++
        continue
      }
      const delayMs = isOwn ? 0 : random.below(maxDelayMs + 1) * (random.chance(slowness) ? 10 : 1)
      this.later(() => {
        const node = this.#nodes.get(to.text)
        if (node === undefined || this.cut.has(`${from.text}>${to.text}`)) this.lost++
        else {
          this.delivered++
          deliver(node)
        }
      }, delayMs)
    }
  }
}

/** A payload as sockets give it: a Buffer, anywhere in a larger one. */
function lent(payload: Uint8Array, offset: number): Uint8Array {
  const buffer = Buffer.alloc(payload.length + offset + 8)
  buffer.set(payload, offset)
  return buffer.subarray(offset, offset + payload.length)
}

/** One process on the bus. */
export class BusNode implements MessagingService {
  readonly self: Endpoint
  isDead = false
  readonly #bus: SimBus
  readonly #handlers = new Map<Verb, MessageHandler>()

  constructor(self: Endpoint, bus: SimBus) {
    this.self = self
    this.#bus = bus
  }

  handle(verb: Verb, handler: MessageHandler): void {
    this.#handlers.set(verb, handler)
  }

  interrupt(): void {}

  closeOutbound(): void {}

  send(to: Endpoint, verb: Verb, payload: Uint8Array, options: SendOptions = {}): void {
    if (this.isDead) return
    const bytes = payload.slice()
    const expiresMs = this.#bus.nowMs() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    this.#bus.carry(this.self, to, verb, (node) =>
      node.#receive(this.self, verb, bytes, expiresMs, () => undefined),
    )
  }

  request(to: Endpoint, verb: Verb, payload: Uint8Array, callback: RequestCallback): void {
    if (this.isDead) return
    const bytes = payload.slice()
    const timeoutMs = callback.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const expiresMs = this.#bus.nowMs() + timeoutMs
    let isOver = false
    const end = (work: () => void) => {
      if (isOver || this.isDead) return
      isOver = true
      work()
    }
    this.#bus.later(() => end(() => callback.onFailure(RequestFailureReason.TIMEOUT, to)), timeoutMs)
    this.#bus.carry(this.self, to, verb, (node) =>
      node.#receive(this.self, verb, bytes, expiresMs, (answer, reason) => {
        this.#bus.carry(to, this.self, null, (asker) => {
          // An answer to a process that died is nobody's.
          if (asker !== this) return
          end(() => {
            if (reason !== null) callback.onFailure(reason, to)
            else callback.onResponse(lent(answer, this.#bus.offset()), to)
          })
        })
      }),
    )
  }

  #receive(
    from: Endpoint,
    verb: Verb,
    payload: Uint8Array,
    expiresMs: number,
    answer: (payload: Uint8Array, reason: RequestFailureReason | null) => void,
  ): void {
    const bus = this.#bus
    let isAnswered = false
    const once = (bytes: Uint8Array, reason: RequestFailureReason | null) => {
      if (isAnswered || this.isDead) return
      isAnswered = true
      answer(bytes, reason)
    }
    const message: InboundMessage = {
      from,
      verb,
      payload: lent(payload, bus.offset()),
      session: null,
      get remainingMs() {
        return expiresMs - bus.nowMs()
      },
      isRequest: verb.response !== null,
      respond: (bytes) => once(bytes.slice(), null),
      fail: (reason) => once(new Uint8Array(0), reason),
      drop: () => {
        isAnswered = true
      },
    }
    this.#handlers.get(verb)?.(message)
  }
}
