/**
 * What a node says of itself by gossip (`org.apache.cassandra.gms.ApplicationState`): the names in Cassandra's
 * order. A state's place in this list is its number in messages: none is ever removed, new ones come at the end.
 */
export const APPLICATION_STATES = [
  'STATUS',
  'LOAD',
  'SCHEMA',
  'DC',
  'RACK',
  'RELEASE_VERSION',
  'REMOVAL_COORDINATOR',
  'INTERNAL_IP',
  'RPC_ADDRESS',
  'X_11_PADDING',
  'SEVERITY',
  'NET_VERSION',
  'HOST_ID',
  'TOKENS',
  'RPC_READY',
  'INTERNAL_ADDRESS_AND_PORT',
  'NATIVE_ADDRESS_AND_PORT',
  'STATUS_WITH_PORT',
  'SSTABLE_VERSIONS',
  'DISK_USAGE',
  'INDEX_STATUS',
] as const

export type ApplicationState = (typeof APPLICATION_STATES)[number]

const ORDINALS: ReadonlyMap<string, number> = new Map(APPLICATION_STATES.map((name, index) => [name, index]))

/** The number of a state in messages. */
export function stateOrdinal(state: ApplicationState): number {
  return ORDINALS.get(state)!
}

/** First words of STATUS_WITH_PORT (`VersionedValue`). */
export const Status = {
  BOOTSTRAPPING: 'BOOT',
  BOOTSTRAPPING_REPLACE: 'BOOT_REPLACE',
  NORMAL: 'NORMAL',
  LEAVING: 'LEAVING',
  LEFT: 'LEFT',
  MOVING: 'MOVING',
  REMOVING: 'removing',
  REMOVED: 'removed',
  HIBERNATE: 'hibernate',
  SHUTDOWN: 'shutdown',
} as const

/** Nodes of which nobody expects to hear (`Gossiper.DEAD_STATES`). */
const DEAD: ReadonlySet<string> = new Set([Status.REMOVING, Status.REMOVED, Status.LEFT, Status.HIBERNATE])

/** Nodes on their way into the ring (`VersionedValue.BOOTSTRAPPING_STATUS`). */
const BOOTSTRAPPING: ReadonlySet<string> = new Set([Status.BOOTSTRAPPING, Status.BOOTSTRAPPING_REPLACE])

export function isDeadStatus(status: string): boolean {
  return DEAD.has(status)
}

export function isBootstrappingStatus(status: string): boolean {
  return BOOTSTRAPPING.has(status)
}

/** A node of which nobody would miss the goodbye leaves without one (`Gossiper.SILENT_SHUTDOWN_STATES`). */
export function isSilentShutdownStatus(status: string): boolean {
  return DEAD.has(status) || BOOTSTRAPPING.has(status)
}
