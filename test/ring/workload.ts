/** Clients of the stock driver that write, read and compare, and remember what they were told. */

import cassandra, { type Client, types } from 'cassandra-driver'
import { sleep } from '../../compat-tests/harness.ts'
import { type Call, findViolation } from '../sim/ring/linearizability.ts'

const { consistencies } = types

type Info = cassandra.policies.retry.OperationInfo
type Decision = cassandra.policies.retry.DecisionInfo

/** What is idempotent is tried at other nodes until one of them can do it: the policy of the README. */
export class NextHostRetryPolicy extends cassandra.policies.retry.RetryPolicy {
  #next(info: Info, consistency: types.consistencies | undefined): Decision {
    return info.nbRetry < 10 ? this.retryResult(consistency!, false) : this.rethrowResult()
  }

  override onUnavailable(info: Info, consistency: types.consistencies): Decision {
    return this.#next(info, consistency)
  }

  override onReadTimeout(info: Info, consistency: types.consistencies): Decision {
    return this.#next(info, consistency)
  }

  override onWriteTimeout(info: Info, consistency: types.consistencies): Decision {
    return this.#next(info, consistency)
  }

  override onRequestError(info: Info, consistency: types.consistencies | undefined): Decision {
    return this.#next(info, consistency)
  }
}

export function ringClient(hosts: readonly string[], isIdempotent: boolean): Client {
  const { retry } = cassandra.policies
  return new cassandra.Client({
    contactPoints: [...hosts],
    localDataCenter: 'datacenter1',
    queryOptions: { consistency: consistencies.quorum, isIdempotent, prepare: true },
    policies: {
      retry: isIdempotent
        ? new retry.IdempotenceAwareRetryPolicy(new NextHostRetryPolicy())
        : new retry.FallthroughRetryPolicy(),
    },
    socketOptions: { readTimeout: 4000, connectTimeout: 2000 },
    // A node that is back is tried again soon.
    pooling: { heartBeatInterval: 1000 },
  })
}

export const SCHEMA = [
  "CREATE KEYSPACE IF NOT EXISTS ring WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
  'CREATE TABLE IF NOT EXISTS ring.log (k int, n int, v text, PRIMARY KEY (k, n))',
  'CREATE TABLE IF NOT EXISTS ring.register (k int PRIMARY KEY, v int)',
  'CREATE TABLE IF NOT EXISTS ring.agreed (k int PRIMARY KEY, v int)',
]

/** What is wrong, in words. */
export type Complaint = string

/** One client writes rows and overwrites a register, and reads what it was told that it has written. */
export class Writer {
  readonly failed: Complaint[] = []
  readonly #client: Client
  readonly #k: number
  #acknowledged = 0
  #longestMs = 0

  constructor(client: Client, k: number) {
    this.#client = client
    this.#k = k
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  get longestMs(): number {
    return this.#longestMs
  }

  async run(isOver: () => boolean): Promise<void> {
    const k = this.#k
    for (let n = 1; !isOver(); n++) {
      const write =
        (await this.#ask('INSERT INTO ring.log (k, n, v) VALUES (?, ?, ?)', [k, n, `v${n}`])) !== null &&
        (await this.#ask('UPDATE ring.register SET v = ? WHERE k = ?', [n, k])) !== null
      if (!write) return
      this.#acknowledged = n
      const read = await this.#ask('SELECT v FROM ring.register WHERE k = ?', [k])
      if (read === null) return
      const seen = read.first()?.['v'] as number | undefined
      if (seen !== n)
        this.failed.push(`register ${k} was ${n} when it was written, and ${seen} when it was read`)
    }
  }

  async #ask(query: string, parameters: readonly unknown[]): Promise<types.ResultSet | null> {
    const startedAt = performance.now()
    try {
      return await this.#client.execute(query, [...parameters])
    } catch (error) {
      this.failed.push(`client ${this.#k}: ${query}: ${textOf(error)}`)
      return null
    } finally {
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedAt)
    }
  }

  /** All rows that were acknowledged are to be there. */
  async judge(): Promise<void> {
    const rows = new Set<number>()
    const query = 'SELECT n FROM ring.log WHERE k = ?'
    const rowsOf = this.#client.stream(query, [this.#k], {
      fetchSize: 500,
    }) as unknown as AsyncIterable<types.Row>
    for await (const row of rowsOf) rows.add(row['n'] as number)
    for (let n = 1; n <= this.#acknowledged; n++)
      if (!rows.has(n)) this.failed.push(`row ${this.#k}, ${n} is lost`)
  }
}

/** Clients that compare and set one register after another. */
export class Comparers {
  readonly failed: Complaint[] = []
  readonly #client: Client
  readonly #first: number
  #decided = 0
  #unknown = 0

  constructor(client: Client, first: number) {
    this.#client = client
    this.#first = first
  }

  get decided(): number {
    return this.#decided
  }

  get unknown(): number {
    return this.#unknown
  }

  async run(isOver: () => boolean, clients: number, each: number): Promise<void> {
    for (let k = this.#first; !isOver(); k++) {
      const history: Call<number>[] = []
      await this.#begin(k, isOver)
      await Promise.all(
        Array.from({ length: clients }, async (_, client) => {
          for (let i = 0; i < each && !isOver(); i++) await this.#compare(k, client * 1000 + i + 1, history)
        }),
      )
      const violation = findViolation(history, 0)
      if (violation !== null) this.failed.push(`register ${k} is not linearizable: ${violation}`)
    }
  }

  /** The register is there, with 0. */
  async #begin(k: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        await this.#client.execute('INSERT INTO ring.agreed (k, v) VALUES (?, 0) IF NOT EXISTS', [k])
        return
      } catch {
        // Whoever asks again is told that it is there, or makes it.
        await sleep(20)
      }
    }
  }

  async #compare(k: number, value: number, history: Call<number>[]): Promise<void> {
    const expected = await this.#read(k, history)
    if (expected === null) return
    const calledAt = performance.now()
    const text = `${expected}->${value}`
    try {
      const query = 'UPDATE ring.agreed SET v = ? WHERE k = ? IF v = ?'
      const answer = (await this.#client.execute(query, [value, k, expected])).first()
      const returnedAt = performance.now()
      this.#decided++
      if (answer['[applied]'] === true) {
        const apply = (state: number) => (state === expected ? value : null)
        history.push({ calledAt, returnedAt, apply, text })
      } else {
        const seen = answer['v'] as number
        const apply = (state: number) => (state === seen && state !== expected ? state : null)
        history.push({ calledAt, returnedAt, apply, text: `${text} but ${seen}` })
      }
    } catch {
      this.#unknown++
      const apply = (state: number) => (state === expected ? value : state)
      history.push({ calledAt, returnedAt: Infinity, apply, text: `${text}?` })
    }
  }

  async #read(k: number, history: Call<number>[]): Promise<number | null> {
    const calledAt = performance.now()
    try {
      const options = { consistency: consistencies.serial, isIdempotent: true }
      const answer = await this.#client.execute('SELECT v FROM ring.agreed WHERE k = ?', [k], options)
      const seen = answer.first()['v'] as number
      const apply = (state: number) => (state === seen ? state : null)
      history.push({ calledAt, returnedAt: performance.now(), apply, text: `read ${seen}` })
      this.#decided++
      return seen
    } catch {
      this.#unknown++
      return null
    }
  }
}

function textOf(error: unknown): string {
  if (error instanceof cassandra.errors.NoHostAvailableError) {
    const inner = Object.entries(error.innerErrors).map(([host, each]) => `${host}: ${textOf(each)}`)
    return `no host: ${inner.join('; ')}`
  }
  return error instanceof Error ? error.message : String(error)
}
