export type { ApplicationState } from './application-state.ts'
export { type ClientEvent, EventNotifier } from './client-events.ts'
export { GossipFormatError } from './codec.ts'
export type { EndpointState } from './endpoint-state.ts'
export { failureDetectorSettings } from './failure-detector.ts'
export { Gossiper } from './gossiper.ts'
export { Membership } from './membership.ts'
export type { LocalMember, MembershipEvent, MemberTokens } from './membership-event.ts'
export { messagingTransport, serveGossip } from './messaging-transport.ts'
export {
  type PeerChange,
  type PeerColumns,
  type PeerRow,
  peerOf,
  peersColumns,
  peersV2Columns,
} from './peers.ts'
export {
  type GossipPorts,
  GossipService,
  type GossipTransport,
  type LocalStates,
  type SavedGossip,
} from './service.ts'
export { type GossipChoice, type GossipSettings, gossipSettings, quickGossipSettings } from './settings.ts'
export { nextGeneration } from './shadow-round.ts'
export type { GossipLogger } from './subscriber.ts'
export { stateValue } from './versioned-value.ts'
export {
  type ClusterDescription,
  describeClusterText,
  gossipInfoText,
  type NodeStatus,
  nodeStatuses,
  releaseVersions,
  schemaVersions,
  statusText,
} from './views.ts'
