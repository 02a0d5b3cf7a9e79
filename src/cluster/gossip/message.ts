import type { Endpoint } from '../endpoint.ts'
import type { EndpointStateView } from './endpoint-state.ts'

/** How new what the sender knows of a node is (`GossipDigest`). */
export interface GossipDigest {
  readonly endpoint: Endpoint
  readonly generation: number
  readonly maxVersion: number
}

/** States of nodes, each with the node it speaks of. */
export type EndpointStates = readonly (readonly [Endpoint, EndpointStateView])[]

/** What I know of; without digests it is a shadow round's question for all that you know (`GossipDigestSyn`). */
export interface GossipDigestSyn {
  readonly verb: 'GOSSIP_DIGEST_SYN'
  readonly clusterName: string
  readonly partitioner: string
  readonly digests: readonly GossipDigest[]
}

/** What I want to know, from which version on, and what you lack (`GossipDigestAck`). */
export interface GossipDigestAck {
  readonly verb: 'GOSSIP_DIGEST_ACK'
  readonly digests: readonly GossipDigest[]
  readonly states: EndpointStates
}

/** What you asked for (`GossipDigestAck2`). */
export interface GossipDigestAck2 {
  readonly verb: 'GOSSIP_DIGEST_ACK2'
  readonly states: EndpointStates
}

/** A goodbye, with the last state of the sender (`GossipShutdown`). */
export interface GossipShutdown {
  readonly verb: 'GOSSIP_SHUTDOWN'
  readonly state: EndpointStateView
}

export type GossipMessage = GossipDigestSyn | GossipDigestAck | GossipDigestAck2 | GossipShutdown

/** Are you there? A node that is not shutting down answers with nothing. */
export interface EchoRequest {
  readonly verb: 'ECHO_REQ'
  /** To be given back to `Gossiper.echoed` with the answer. */
  readonly attempt: number
}

/** Something to be sent. Nothing is promised: what gets lost, a later round says again. */
export interface Outgoing {
  readonly to: Endpoint
  readonly message: GossipMessage | EchoRequest
}
