import type { Endpoint } from './endpoint.ts'
import type { RingNode } from './ring/ring.ts'

/** What hints, the batchlog and Paxos have to know of the ring and its nodes, as they are now. */
export interface RingView {
  /** This node. */
  readonly local: RingNode
  /** Whether this node has its tokens (again): before, it does not know what it is a replica of. */
  readonly isJoined: boolean
  /** Nodes that own tokens, this one among them. */
  readonly memberCount: number
  /** Where the node with that host id is; undefined where no node has it (`StorageService.getEndpointForHostId`). */
  endpointOf(hostId: string): Endpoint | undefined
  /** This node itself is always alive. */
  isAlive(endpoint: Endpoint): boolean
  /** Milliseconds since a node was found dead, 0 where it is alive (`Gossiper.getEndpointDowntime`). */
  downtimeMs(endpoint: Endpoint): number
  /** Natural replicas of a token, then pending ones; none where there is no such keyspace. */
  replicas(keyspace: string, tokenHi: number, tokenLo: number): readonly RingNode[]
}
