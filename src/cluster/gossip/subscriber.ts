import type { Endpoint } from '../endpoint.ts'
import type { ApplicationState } from './application-state.ts'
import type { EndpointState } from './endpoint-state.ts'
import type { VersionedValue } from './versioned-value.ts'

/** Who is told what gossip learns (`IEndpointStateChangeSubscriber`); called within the call that learned it. */
export interface EndpointStateSubscriber {
  /** A node that was not known, or one of a new generation; `state` is all that is known of it. */
  onJoin(endpoint: Endpoint, state: EndpointState): void
  /** A state has a newer value, which need not be another one. */
  onChange(endpoint: Endpoint, state: ApplicationState, value: VersionedValue): void
  onAlive(endpoint: Endpoint, state: EndpointState): void
  onDead(endpoint: Endpoint, state: EndpointState): void
  /** It is no member any more; gossip may still remember it. */
  onRemove(endpoint: Endpoint): void
  /** It started again; `before` is what was known of it until now. */
  onRestart(endpoint: Endpoint, before: EndpointState): void
}

/** What the gossiper has to know of the ring. */
export interface RingMembers {
  /** Whether it owns tokens. */
  isMember(endpoint: Endpoint): boolean
}

export interface GossipLogger {
  info(message: string): void
  warn(message: string): void
}
