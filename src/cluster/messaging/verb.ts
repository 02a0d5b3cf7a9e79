/**
 * What a message asks for (`net/Verb.java`): ids, names, priorities and kinds of timeouts are Cassandra's. Responses
 * have verbs of their own, which `InboundMessage.respond` finds by the request's.
 */

/** P0 goes on the urgent connection; the others say how bad it is to lose the message. */
export type Priority = 0 | 1 | 2 | 3 | 4

/** By which setting of cassandra.yaml a message expires that brings no time of its own (`VerbTimeouts`). */
export type TimeoutKind =
  | 'write'
  | 'counter'
  | 'read'
  | 'range'
  | 'truncate'
  | 'rpc'
  | 'ping'
  | 'long'
  | 'repair'
  | 'none'

export interface Verb {
  readonly id: number
  readonly name: string
  readonly priority: Priority
  readonly timeout: TimeoutKind
  /** The verb of the answer; null where none is expected. */
  readonly response: Verb | null
}

/** Ids are below this. */
export const VERB_IDS = 256

const byId: (Verb | undefined)[] = new Array(VERB_IDS).fill(undefined)

function define(id: number, name: string, priority: Priority, timeout: TimeoutKind, response?: Verb): Verb {
  return (byId[id] = { id, name, priority, timeout, response: response ?? null })
}

/** A request `NAME_REQ` and its response `NAME_RSP`. */
function pair<const Name extends string>(
  name: Name,
  request: readonly [id: number, priority: Priority],
  response: readonly [id: number, priority: Priority],
  timeout: TimeoutKind,
): Readonly<Record<`${Name}_REQ` | `${Name}_RSP`, Verb>> {
  const answer = define(response[0], `${name}_RSP`, response[1], timeout)
  const asked = define(request[0], `${name}_REQ`, request[1], timeout, answer)
  return { [asked.name]: asked, [answer.name]: answer } as Record<`${Name}_REQ` | `${Name}_RSP`, Verb>
}

export const Verb = {
  ...pair('MUTATION', [0, 3], [60, 1], 'write'),
  ...pair('HINT', [1, 4], [61, 1], 'write'),
  ...pair('READ_REPAIR', [2, 1], [62, 1], 'write'),
  ...pair('BATCH_STORE', [5, 3], [65, 1], 'write'),
  ...pair('BATCH_REMOVE', [6, 3], [66, 1], 'write'),

  ...pair('PAXOS_PREPARE', [33, 2], [93, 2], 'write'),
  ...pair('PAXOS_PROPOSE', [34, 2], [94, 2], 'write'),
  ...pair('PAXOS_COMMIT', [35, 2], [95, 2], 'write'),

  ...pair('TRUNCATE', [19, 0], [79, 0], 'truncate'),
  ...pair('COUNTER_MUTATION', [24, 2], [84, 1], 'counter'),
  ...pair('READ', [3, 3], [63, 2], 'read'),
  ...pair('RANGE', [9, 3], [69, 2], 'range'),

  GOSSIP_DIGEST_SYN: define(14, 'GOSSIP_DIGEST_SYN', 0, 'long'),
  GOSSIP_DIGEST_ACK: define(15, 'GOSSIP_DIGEST_ACK', 0, 'long'),
  GOSSIP_DIGEST_ACK2: define(16, 'GOSSIP_DIGEST_ACK2', 0, 'long'),
  GOSSIP_SHUTDOWN: define(29, 'GOSSIP_SHUTDOWN', 0, 'rpc'),

  ...pair('ECHO', [31, 0], [91, 0], 'rpc'),
  ...pair('PING', [37, 1], [97, 1], 'ping'),

  ...pair('SCHEMA_PUSH', [18, 1], [98, 1], 'rpc'),
  ...pair('SCHEMA_PULL', [28, 1], [88, 1], 'rpc'),
  ...pair('SCHEMA_VERSION', [20, 1], [80, 1], 'rpc'),

  ...pair('REPLICATION_DONE', [22, 0], [82, 0], 'rpc'),
  ...pair('SNAPSHOT', [27, 0], [87, 0], 'rpc'),

  ...pair('PAXOS2_PREPARE', [40, 2], [50, 2], 'write'),
  ...pair('PAXOS2_PREPARE_REFRESH', [41, 2], [51, 2], 'write'),
  ...pair('PAXOS2_PROPOSE', [42, 2], [52, 2], 'write'),
  ...pair('PAXOS2_COMMIT_AND_PREPARE', [43, 2], [53, 2], 'write'),
  ...pair('PAXOS2_REPAIR', [44, 2], [54, 2], 'write'),

  /** A failure instead of an answer; its payload is the reason. */
  FAILURE_RSP: define(99, 'FAILURE_RSP', 0, 'none'),
} as const

/** The verb of that id, or undefined: a newer peer may know more. */
export function verbOf(id: number): Verb | undefined {
  return byId[id]
}

/** All verbs by their ids. */
export const VERBS: readonly Verb[] = byId.filter((verb) => verb !== undefined)

/** Milliseconds by kinds, Cassandra's defaults (`cassandra.yaml`, `VerbTimeouts`). */
export const DEFAULT_TIMEOUTS_MS: Readonly<Record<TimeoutKind, number>> = {
  write: 2_000,
  counter: 5_000,
  read: 5_000,
  range: 10_000,
  truncate: 60_000,
  rpc: 10_000,
  ping: 10_000,
  long: 5 * 60_000,
  repair: 120_000,
  none: Number.POSITIVE_INFINITY,
}
