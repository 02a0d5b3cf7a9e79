import type { Endpoint } from '../endpoint.ts'

/** What clients that registered for it are told (`Event.TopologyChange`, `Event.StatusChange`). */
export type ClientEvent =
  | {
      readonly kind: 'TOPOLOGY_CHANGE'
      readonly change: 'NEW_NODE' | 'REMOVED_NODE' | 'MOVED_NODE'
      /** Where the node serves clients. */
      readonly node: Endpoint
    }
  | { readonly kind: 'STATUS_CHANGE'; readonly change: 'UP' | 'DOWN'; readonly node: Endpoint }

/** What is known of the nodes that events are about. */
export interface ClientView {
  readonly local: Endpoint
  /** Where this node serves clients. */
  readonly localNative: Endpoint
  nativeAddress(endpoint: Endpoint): Endpoint
  isRpcReady(endpoint: Endpoint): boolean
}

interface LatestEvent {
  readonly status: 'UP' | 'DOWN' | null
  readonly topology: 'NEW_NODE' | 'REMOVED_NODE' | 'MOVED_NODE' | null
}

/**
 * Makes events for clients of what becomes of nodes (`Server.EventNotifier`): none twice in a row, and a new node is
 * announced when it serves clients.
 */
export class EventNotifier {
  readonly #view: ClientView
  readonly #send: (event: ClientEvent) => void
  readonly #latest = new Map<string, LatestEvent>()
  /** Nodes that joined and don't serve clients yet. */
  readonly #pending = new Set<string>()

  constructor(view: ClientView, send: (event: ClientEvent) => void) {
    this.#view = view
    this.#send = send
  }

  onJoinCluster(endpoint: Endpoint): void {
    if (this.#view.isRpcReady(endpoint)) this.#topology(endpoint, 'NEW_NODE')
    else this.#pending.add(endpoint.text)
  }

  onLeaveCluster(endpoint: Endpoint, native: Endpoint): void {
    this.#topology(endpoint, 'REMOVED_NODE', native)
  }

  onMove(endpoint: Endpoint): void {
    this.#topology(endpoint, 'MOVED_NODE')
  }

  onUp(endpoint: Endpoint): void {
    if (this.#pending.delete(endpoint.text)) this.onJoinCluster(endpoint)
    this.#status(endpoint, 'UP')
  }

  onDown(endpoint: Endpoint): void {
    this.#status(endpoint, 'DOWN')
  }

  #topology(endpoint: Endpoint, change: NonNullable<LatestEvent['topology']>, native?: Endpoint): void {
    const latest = this.#latest.get(endpoint.text)
    if (latest?.topology === change) return
    this.#latest.set(endpoint.text, { status: latest?.status ?? null, topology: change })
    const node = native ?? this.#view.nativeAddress(endpoint)
    if (this.#isOf(endpoint, node)) this.#send({ kind: 'TOPOLOGY_CHANGE', change, node })
  }

  #status(endpoint: Endpoint, change: 'UP' | 'DOWN'): void {
    if (this.#latest.get(endpoint.text)?.status === change) return
    this.#latest.set(endpoint.text, { status: change, topology: null })
    const node = this.#view.nativeAddress(endpoint)
    if (this.#isOf(endpoint, node)) this.#send({ kind: 'STATUS_CHANGE', change, node })
  }

  /** Another node that says this node's address, such as localhost, would send clients astray. */
  #isOf(endpoint: Endpoint, node: Endpoint): boolean {
    return endpoint.text === this.#view.local.text || node.text !== this.#view.localNative.text
  }
}
