import type { Endpoint } from '../endpoint.ts'
import { isDeadStatus, Status } from './application-state.ts'
import { type EndpointStateView, statusPieces } from './endpoint-state.ts'
import type { EndpointStates } from './message.ts'

/**
 * The round before the first (`Gossiper.doShadowRound`): a node that starts asks what is known, and first of all of
 * its own address, before it says anything of itself.
 */
export class ShadowRound {
  readonly #local: string
  readonly #seeds: readonly Endpoint[]
  readonly #asking = new Set<string>()
  #states: EndpointStates = []
  #done = false

  constructor(local: Endpoint, seeds: readonly Endpoint[]) {
    this.#local = local.text
    this.#seeds = seeds
  }

  get done(): boolean {
    return this.#done
  }

  /** What was learned; nothing where no node could tell. */
  get states(): EndpointStates {
    return this.#states
  }

  /** Nobody answered, or nobody knows anything: what was learned has to do. */
  finish(): void {
    this.#done = true
  }

  /**
   * An answer came. One without anything is of a node that is asking itself: when all seeds do, there is nothing to
   * learn. One that knows this address but not whose it is can't be trusted yet.
   */
  answered(from: Endpoint, states: EndpointStates, isEmpty: boolean): void {
    if (this.#done) return
    if (isEmpty) {
      this.#asking.add(from.text)
      if (this.#seeds.every((seed) => this.#asking.has(seed.text))) this.#done = true
      return
    }
    const own = stateOf(states, this.#local)
    if (own !== undefined && !isDeadStatus(statusOf(own)) && !own.states.has('HOST_ID')) return
    this.#states = states
    this.#done = true
  }
}

function stateOf(states: EndpointStates, endpoint: string): EndpointStateView | undefined {
  return states.find(([of]) => of.text === endpoint)?.[1]
}

function statusOf(state: EndpointStateView): string {
  return statusPieces(state)?.[0] ?? ''
}

/** What a node knows of itself when it starts. */
export interface StartingNode {
  readonly endpoint: Endpoint
  readonly hostId: string
  /** It never was in the ring and is about to fetch data for its share. */
  readonly bootstrapping: boolean
  /** It was in the ring before (`SystemKeyspace.bootstrapComplete`). */
  readonly bootstrapComplete: boolean
}

/** Statuses that a node which is about to bootstrap must not find at its own address. */
const TAKEN: ReadonlySet<string> = new Set(['', Status.NORMAL, Status.SHUTDOWN])

/** Whether the address is free, or this node's own, by what others know (`Gossiper.isSafeForStartup`). */
export function isSafeForStartup(node: StartingNode, states: EndpointStates): boolean {
  const known = stateOf(states, node.endpoint.text)
  if (known === undefined) return true
  const status = statusOf(known)
  if (status === Status.HIBERNATE && !node.bootstrapComplete) return false
  if (isDeadStatus(status)) return true
  if (node.bootstrapping) return !TAKEN.has(status)
  return known.states.get('HOST_ID')?.value.toLowerCase() === node.hostId.toLowerCase()
}

/** The text of the refusal (`StorageService.checkForEndpointCollision`). */
export function endpointCollisionText(endpoint: Endpoint): string {
  return (
    `A node with address /${endpoint.text} already exists, cancelling join. ` +
    'Use cassandra.replace_address if you want to replace this node.'
  )
}

/**
 * The generation of this start: the time in seconds, or one more than the last one where the clock says less
 * (`SystemKeyspace.incrementAndGetGeneration`). `saved` is system.local's `gossip_generation`.
 */
export function nextGeneration(saved: number | null, nowMs: number): number {
  const seconds = Math.floor(nowMs / 1000)
  return saved === null ? seconds : Math.max(saved + 1, seconds)
}
