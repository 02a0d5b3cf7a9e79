import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import type { Answer, ClusterClient, Row, Statement } from './cluster-client.ts'
import type { SimHost } from './cluster-host.ts'
import type { Guarantee } from './cluster-levels.ts'
import type { SimRandom } from './sim-random.ts'

/** What parts of a workload share. */
export interface PartContext {
  readonly client: ClusterClient
  readonly random: SimRandom
  readonly dataCenters: number
  /** Something happened so often. */
  readonly count: (what: string) => void
}

/** One kind of tables, what is done to them, and what must be true of them. Failures are thrown. */
export interface Part {
  /** Tables, made once at the beginning. */
  readonly ddl: readonly string[]
  readonly tables: readonly string[]
  /** Asks one thing of any node, and judges what is answered. */
  act(): Promise<void>
  /** When all is whole again, and all replicas are equal. `rows` are those of a table. */
  finish(rows: (table: string) => readonly Row[]): Promise<void>
}

export class Violation extends Error {}

export function guaranteeOf(host: SimHost, level: Level): Guarantee {
  return { level, dataCenter: host.options.dataCenter! }
}

/** Levels of writes and reads, those most often by which clients see what they wrote. */
export function writeLevel({ random, dataCenters }: PartContext): Level {
  if (random.chance(0.6)) return Level.QUORUM
  const others = [Level.LOCAL_QUORUM, Level.LOCAL_QUORUM, Level.ALL, Level.ONE, Level.TWO, Level.LOCAL_ONE]
  return random.pick(dataCenters > 1 ? [...others, Level.EACH_QUORUM, Level.EACH_QUORUM] : others)
}

export function readLevel({ random }: PartContext): Level {
  return random.chance(0.7)
    ? Level.QUORUM
    : random.pick([Level.LOCAL_QUORUM, Level.ALL, Level.ONE, Level.TWO])
}

/** The rows of an answer, or null where there are none for whatever reason. Throws of errors that must not be. */
export function rowsOf(answer: Answer, what: Statement): readonly Row[] | null {
  if (answer.kind === 'rows') return answer.rows
  unexpected(answer, what)
  return null
}

/** Throws of an answer that no fault explains. */
export function unexpected(answer: Answer, what: Statement): void {
  if (answer.kind !== 'failed') return
  const { name } = answer.error.constructor
  if (EXPECTED.has(name)) return
  // The leader of a counter may find that too few replicas are alive when the coordinator doesn't.
  if (name === 'WriteFailureError' && what.cql.includes('ks.counts')) return
  // A node's own read that comes too late fails, where that of another would time out (`StorageProxy.LocalReadRunnable`).
  const isLate = answer.returnedAt - answer.calledAt >= READ_TIMEOUT_MS
  if (name === 'ReadFailureError' && isLate && answer.error.message.includes(': UNKNOWN from /')) return
  throw new Violation(`${what.cql} at ${answer.host.name}: ${name}: ${answer.error.message}`)
}

/** read_request_timeout */
const READ_TIMEOUT_MS = 5_000

const EXPECTED = new Set([
  'UnavailableError',
  'WriteTimeoutError',
  'ReadTimeoutError',
  'CasWriteUnknownError',
  'TruncateError',
])
