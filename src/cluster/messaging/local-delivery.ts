import type { OutboundMessage } from './outbound-message.ts'
import type { Turn, TurnTask } from './turn.ts'

/** Messages of this node to itself: they are handled at the end of the turn, without sockets. */
export class LocalDelivery implements TurnTask {
  readonly #turn: Turn
  readonly #deliver: (message: OutboundMessage) => void
  #queue: OutboundMessage[] = []

  constructor(turn: Turn, deliver: (message: OutboundMessage) => void) {
    this.#turn = turn
    this.#deliver = deliver
  }

  add(message: OutboundMessage, payload: Uint8Array): void {
    // A typed array of its own: aligned, and what `slice` of a Buffer would not copy.
    message.payload = new Uint8Array(payload)
    if (this.#queue.length === 0) this.#turn.add(this)
    this.#queue.push(message)
  }

  endOfTurn(): void {
    const queue = this.#queue
    this.#queue = []
    for (const message of queue) this.#deliver(message)
  }
}
