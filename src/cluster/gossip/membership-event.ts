import type { Endpoint } from '../endpoint.ts'
import type { RingMember } from '../ring/ring.ts'

/** What becomes of a node, as the rest of this node is told (`IEndpointLifecycleSubscriber` and more). */
export type MembershipEvent =
  /** It answers, or is silent: for hints, connections and read repair. */
  | { readonly kind: 'alive' | 'dead'; readonly endpoint: Endpoint }
  /** It serves clients, or does not: for those who tell clients. */
  | { readonly kind: 'up' | 'down'; readonly endpoint: Endpoint }
  | { readonly kind: 'joined' | 'moved' | 'restarted'; readonly endpoint: Endpoint }
  /** It left for good; `native` is where it served clients, since nothing more is known of it soon. */
  | {
      readonly kind: 'left'
      readonly endpoint: Endpoint
      readonly native: Endpoint
      readonly hostId: string | null
    }
  /** It said which schema it has; perhaps the same as before. */
  | { readonly kind: 'schema'; readonly endpoint: Endpoint; readonly version: string }
  /** Tokens, owners, data centres or racks changed: `Membership.ring` and `ringChanges` give others. */
  | { readonly kind: 'ring' }

/** A node and its tokens, ascending. */
export interface MemberTokens extends RingMember {
  readonly tokens: readonly bigint[]
}

/** Who this node is. */
export interface LocalMember {
  readonly endpoint: Endpoint
  /** A UUID in lower case. */
  readonly hostId: string
  readonly dataCenter: string
  readonly rack: string
  /** Where it serves clients. */
  readonly native: Endpoint
}
