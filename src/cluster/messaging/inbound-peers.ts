import type { NetworkConnection } from '../../io/network.ts'
import type { Endpoint } from '../endpoint.ts'
import type { MessagingContext } from './context.ts'
import { type Dispatch, InboundConnection } from './inbound-connection.ts'
import { receiveHandshake } from './inbound-handshake.ts'
import { InboundFigures } from './messaging-metrics.ts'
import { QueueCapacity, ResourceLimit } from './resource-limit.ts'

/** What connections of one peer share. */
export interface InboundPeer {
  readonly from: Endpoint
  /** What they have borrowed beyond their own capacities. */
  readonly reserve: ResourceLimit
  readonly figures: InboundFigures
}

/** The connections that peers have made to this node (`InboundMessageHandlers`, for all peers). */
export class InboundPeers {
  readonly #context: MessagingContext
  readonly #dispatch: Dispatch
  readonly #globalReserve: ResourceLimit
  /** By endpoints, those whose connections are gone too. */
  readonly #peers = new Map<string, InboundPeer>()
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

  /** Who has ever connected. */
  get peers(): Iterable<InboundPeer> {
    return this.#peers.values()
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
        const { from } = accepted
        let peer = this.#peers.get(from.text)
        if (peer === undefined) {
          const limit = settings.internode_application_receive_queue_reserve_endpoint_capacity
          peer = { from, reserve: new ResourceLimit(limit), figures: new InboundFigures() }
          this.#peers.set(from.text, peer)
        }
        const { reserve, figures } = peer
        const own = settings.internode_application_receive_queue_capacity
        const capacity = new QueueCapacity(own, reserve, this.#globalReserve)
        const connection = new InboundConnection(
          context,
          accepted,
          capacity,
          figures,
          this.#dispatch,
          (closed) => {
            this.#connections.delete(closed)
            this.released()
          },
        )
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
