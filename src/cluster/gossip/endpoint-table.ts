import type { Random } from '../../io/random.ts'
import { compareEndpoints, type Endpoint } from '../endpoint.ts'
import { shuffled } from '../random-choice.ts'
import type { ApplicationState } from './application-state.ts'
import { EMPTY_VERSION, type EndpointState, type EndpointStateView, maxVersion } from './endpoint-state.ts'
import type { GossipDigest } from './message.ts'
import type { VersionedValue } from './versioned-value.ts'

/** A node and what is known of it. */
export interface KnownEndpoint {
  readonly endpoint: Endpoint
  readonly state: EndpointState
}

/** All that is known of all nodes (`Gossiper.endpointStateMap`), and what of it another node lacks. */
export class EndpointTable {
  readonly #states = new Map<string, KnownEndpoint>()
  readonly #local: string

  /** `local`: the text of this node's own address. */
  constructor(local: string) {
    this.#local = local
  }

  get size(): number {
    return this.#states.size
  }

  get(endpoint: Endpoint): EndpointState | undefined {
    return this.#states.get(endpoint.text)?.state
  }

  set(endpoint: Endpoint, state: EndpointState): void {
    this.#states.set(endpoint.text, { endpoint, state })
  }

  delete(endpoint: Endpoint): void {
    this.#states.delete(endpoint.text)
  }

  /** In the order of addresses; a copy, so that the table may change meanwhile. */
  all(): KnownEndpoint[] {
    return [...this.#states.values()].sort((a, b) => compareEndpoints(a.endpoint, b.endpoint))
  }

  /** A digest of each node, in random order: where a message has no room for all, another part is said each time. */
  digests(random: Random): GossipDigest[] {
    const digests = this.all().map(({ endpoint, state }) => ({
      endpoint,
      generation: state.heartbeat.generation,
      maxVersion: maxVersion(state),
    }))
    return shuffled(digests, random)
  }

  /** What is newer than `version` of a node, with its pulse; undefined where nothing is. */
  newerThan(endpoint: Endpoint, version: number): EndpointStateView | undefined {
    const state = this.get(endpoint)
    if (state === undefined) return undefined
    const states = new Map<ApplicationState, VersionedValue>()
    for (const [name, value] of state.states) if (value.version > version) states.set(name, value)
    // An older pulse goes along with newer states; who has it already throws it away.
    if (states.size === 0 && state.heartbeat.version <= version) return undefined
    return { heartbeat: state.heartbeat, states, ...(version > 0 ? { since: version } : {}) }
  }

  /**
   * What to answer to the digests of another node (`Gossiper.examineGossiper`): for what to ask it, from which
   * version on, and what it lacks.
   */
  examine(digests: readonly GossipDigest[]): {
    readonly wanted: GossipDigest[]
    readonly lacking: [Endpoint, EndpointStateView][]
  } {
    const wanted: GossipDigest[] = []
    const lacking: [Endpoint, EndpointStateView][] = []
    const offer = (endpoint: Endpoint, version: number): void => {
      const state = this.newerThan(endpoint, version)
      if (state !== undefined) lacking.push([endpoint, state])
    }
    for (const { endpoint, generation, maxVersion: remote } of digests) {
      const state = this.get(endpoint)
      if (state === undefined || generation > state.heartbeat.generation) {
        wanted.push({ endpoint, generation, maxVersion: 0 })
        continue
      }
      const local = maxVersion(state)
      const same = generation === state.heartbeat.generation
      if (same && remote === local) continue
      if (!same || endpoint.text === this.#local) offer(endpoint, EMPTY_VERSION)
      else if (remote > local) wanted.push({ endpoint, generation, maxVersion: local })
      else offer(endpoint, remote)
    }
    return { wanted, lacking }
  }
}
