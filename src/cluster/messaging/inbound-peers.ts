import type { NetworkConnection } from '../../io/network.ts'
import type { MessagingContext } from './context.ts'
import { type Dispatch, InboundConnection } from './inbound-connection.ts'
import { receiveHandshake } from './inbound-handshake.ts'
import { QueueCapacity, ResourceLimit } from './resource-limit.ts'

/** The connections that peers have made to this node (`InboundMessageHandlers`, for all peers). */
export class InboundPeers {
  readonly #context: MessagingContext
  readonly #dispatch: Dispatch
  readonly #globalReserve: ResourceLimit
  /** By endpoints: what the connections of one peer may borrow. */
  readonly #reserves = new Map<string, ResourceLimit>()
  readonly #opening = new Set<NetworkConnection>()
  readonly #connections = new Set<InboundConnection>()
  #isRetrying = false

  constructor(context: MessagingContext, dispatch: Dispatch) {
    this.#context = context
    this.#dispatch = dispatch
    this.#globalReserve = new ResourceLimit(
      context.settings.internode_application_receive_queue_reserve_global_capacity,
    )
  }

  get connections(): ReadonlySet<InboundConnection> {
    return this.#connections
  }

  /** Bytes borrowed from what all connections share. */
  get borrowedBytes(): number {
    return this.#globalReserve.using
  }

  accept(network: NetworkConnection): void {
    const context = this.#context
    this.#opening.add(network)
    receiveHandshake(
      context,
      network,
      (accepted) => {
        if (!this.#opening.delete(network)) return
        const { settings } = context
        let reserve = this.#reserves.get(accepted.from.text)
        if (reserve === undefined) {
          reserve = new ResourceLimit(settings.internode_application_receive_queue_reserve_endpoint_capacity)
          this.#reserves.set(accepted.from.text, reserve)
        }
        const own = settings.internode_application_receive_queue_capacity
        const capacity = new QueueCapacity(own, reserve, this.#globalReserve)
        const connection = new InboundConnection(context, accepted, capacity, this.#dispatch, (closed) => {
          this.#connections.delete(closed)
          this.released()
        })
        this.#connections.add(connection)
        context.logger.info(
          `${accepted.from.text}->${context.self.text} messaging connection established, version = ${accepted.version}`,
        )
        connection.start(accepted.rest)
      },
      () => this.#opening.delete(network),
    )
  }

  /** There may be room for messages that wait. */
  released(): void {
    if (this.#isRetrying) return
    for (const connection of this.#connections) {
      if (!connection.isStarved) continue
      this.#isRetrying = true
      this.#context.timers.setImmediate(() => {
        this.#isRetrying = false
        for (const starved of [...this.#connections]) starved.retry()
      })
      return
    }
  }

  close(): void {
    for (const network of this.#opening) network.destroy()
    this.#opening.clear()
    for (const connection of [...this.#connections]) connection.close()
  }
}
