import { type ApplicationState, isDeadStatus, Status, stateOrdinal } from './application-state.ts'
import { splitValue, type VersionedValue } from './versioned-value.ts'

/**
 * The pulse of a node (`HeartBeatState`): the generation grows with each start (seconds since 1970 at it), the
 * version with each round within a generation.
 */
export interface HeartBeatState {
  readonly generation: number
  readonly version: number
}

/** The version of a state that nobody said: it was made of what system.peers kept. */
export const EMPTY_VERSION = -1

/** The pulse of a node that was known before this one started, and has not been heard since. */
export const EMPTY_HEARTBEAT: HeartBeatState = { generation: 0, version: EMPTY_VERSION }

/** After a goodbye nothing of that generation is newer than what the goodbye said (`Integer.MAX_VALUE`). */
export const HIGHEST_VERSION = 0x7fff_ffff

/** What is said of a node in a message: its pulse and some or all of its application states. */
export interface EndpointStateView {
  readonly heartbeat: HeartBeatState
  readonly states: ReadonlyMap<ApplicationState, VersionedValue>
  /** States up to this version are left out: it is for who has these already. Without it, all are here. */
  readonly since?: number
}

/** What this node knows of one (`EndpointState`); mutable, and never shared with a message. */
export class EndpointState implements EndpointStateView {
  heartbeat: HeartBeatState
  readonly states: Map<ApplicationState, VersionedValue>
  /** Whether it answered and was not convicted since. */
  alive = true
  /** Milliseconds of the monotonic clock at which something new was heard of it. */
  updatedAtMs: number

  constructor(
    heartbeat: HeartBeatState,
    states: Iterable<readonly [ApplicationState, VersionedValue]>,
    nowMs: number,
  ) {
    this.heartbeat = heartbeat
    this.states = new Map(states)
    this.updatedAtMs = nowMs
  }

  /** The value of a state without its version, or undefined. */
  value(state: ApplicationState): string | undefined {
    return this.states.get(state)?.value
  }

  /** Parts of the status, or undefined where none is known. */
  get statusPieces(): string[] | undefined {
    return statusPieces(this)
  }

  /** The first word of the status; empty where none is known. */
  get status(): string {
    return this.statusPieces?.[0] ?? ''
  }

  /** Left, removed, about to be removed or hibernating: it is not expected to be heard. */
  get isDead(): boolean {
    return isDeadStatus(this.status)
  }

  get isShutdown(): boolean {
    return this.status === Status.SHUTDOWN
  }

  get isRpcReady(): boolean {
    return this.value('RPC_READY') === 'true'
  }

  /** Nobody said anything of it since this node started: not to be passed on (`isEmptyWithoutStatus`). */
  get isEmptyWithoutStatus(): boolean {
    return this.heartbeat.version === EMPTY_VERSION && this.statusPieces === undefined
  }
}

/** The greatest version of the pulse and the states (`Gossiper.getMaxEndpointStateVersion`). */
export function maxVersion(state: EndpointStateView): number {
  let greatest = state.heartbeat.version
  for (const { version } of state.states.values()) if (version > greatest) greatest = version
  return greatest
}

/** Parts of the status of a state, or undefined where none is known. */
export function statusPieces(state: EndpointStateView): string[] | undefined {
  const value = state.states.get('STATUS_WITH_PORT') ?? state.states.get('STATUS')
  return value === undefined ? undefined : splitValue(value.value)
}

/** The states in the order of their numbers: so does Cassandra (an EnumMap), and scripts read `gossipinfo`. */
export function statesInOrder(state: EndpointStateView): [ApplicationState, VersionedValue][] {
  return [...state.states].sort(([a], [b]) => stateOrdinal(a) - stateOrdinal(b))
}
