import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import type { Row } from './cluster-client.ts'
import type { Guarantee } from './cluster-levels.ts'
import { overlaps } from './cluster-levels.ts'
import {
  guaranteeOf,
  type Part,
  type PartContext,
  readLevel,
  rowsOf,
  unexpected,
  Violation,
  writeLevel,
} from './cluster-part.ts'

const KEYS = 3

interface Insert {
  readonly p: number
  readonly c: number
  readonly calledAt: number
  ackedAt: number
  guarantee: Guarantee
  isNothingDone: boolean
}

/** Rows that are written once, with the timestamps of nodes: none that was acknowledged is missing. */
export class Inserts implements Part {
  readonly tables: readonly string[]
  readonly ddl: readonly string[]
  readonly #context: PartContext
  readonly #inserts: Insert[] = []
  readonly #table: string
  readonly #isTruncated: boolean
  /** When the last TRUNCATE that was asked for was called, and when it came back, for sure or not. */
  #truncatedFrom = Infinity
  #truncatedUntil = -Infinity

  constructor(context: PartContext, table: string, isTruncated: boolean) {
    this.#context = context
    this.#table = table
    this.tables = [table]
    this.#isTruncated = isTruncated
    this.ddl = [`CREATE TABLE ks.${table} (p int, c int, v text, PRIMARY KEY (p, c))`]
  }

  async act(): Promise<void> {
    const { random } = this.#context
    if (this.#isTruncated && random.chance(0.08)) await this.#truncate()
    else if (random.chance(0.65)) await this.#insert()
    else await this.#read()
  }

  async #insert(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const c = this.#inserts.length
    const p = random.below(KEYS)
    const level = random.chance(0.1) ? Level.ANY : writeLevel(this.#context)
    const insert: Insert = {
      p,
      c,
      calledAt: client.cluster.time.nowMs,
      ackedAt: Infinity,
      guarantee: guaranteeOf(host, level),
      isNothingDone: false,
    }
    this.#inserts.push(insert)
    const statement = {
      cql: `INSERT INTO ks.${this.#table} (p, c, v) VALUES (?, ?, ?)`,
      values: [p, c, `i${c}`],
    }
    const answer = await client.ask(host, statement, { level })
    unexpected(answer, statement)
    if (answer.kind === 'done') insert.ackedAt = answer.returnedAt
    else if (answer.kind === 'failed') insert.isNothingDone = answer.isNothingDone
  }

  async #truncate(): Promise<void> {
    const { client, count } = this.#context
    const host = client.pick()
    if (host === null) return
    const { time } = client.cluster
    this.#truncatedFrom = Math.min(this.#truncatedFrom, time.nowMs)
    this.#truncatedUntil = Infinity
    const statement = { cql: `TRUNCATE ks.${this.#table}`, values: [] }
    const answer = await client.ask(host, statement, { level: Level.ONE })
    unexpected(answer, statement)
    // A node that did not answer in time may truncate later, but not when it is given up with its request.
    this.#truncatedUntil = time.nowMs + (answer.kind === 'done' ? 0 : 120_000)
    if (answer.kind === 'done') count('truncates')
  }

  async #read(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const p = random.below(KEYS)
    const level = readLevel(this.#context)
    const statement = { cql: `SELECT p, c, v FROM ks.${this.#table} WHERE p = ?`, values: [p] }
    const answer = await client.ask(host, statement, { level })
    const rows = rowsOf(answer, statement)
    if (rows !== null) this.#judge(rows, p, answer.calledAt, answer.returnedAt, guaranteeOf(host, level))
  }

  #judge(
    rows: readonly Row[],
    key: number | null,
    calledAt: number,
    returnedAt: number,
    read: Guarantee,
  ): void {
    const found = new Map(rows.map((row) => [row['c'] as number, row]))
    const { dataCenters } = this.#context
    for (const { p, c, ackedAt, guarantee, isNothingDone } of this.#inserts) {
      if (key !== null && p !== key) continue
      const row = found.get(c)
      found.delete(c)
      if (row !== undefined) {
        if (row['v'] !== `i${c}` || row['p'] !== p)
          throw new Violation(`insert ${c} is ${JSON.stringify(row)}`)
        if (isNothingDone) throw new Violation(`insert ${c} of ${this.#table} was refused, and is there`)
        continue
      }
      // A TRUNCATE may take what was written before it, or while it was under way.
      const isTruncated = this.#truncatedFrom < Infinity && this.#inserts[c]!.calledAt < this.#truncatedUntil
      if (isTruncated || ackedAt >= calledAt || !overlaps(guarantee, read, dataCenters)) continue
      throw new Violation(
        `insert ${c} of ${this.#table}, acknowledged at level ${guarantee.level}, is not there`,
      )
    }
    if (found.size > 0) throw new Violation(`rows that nobody wrote: ${JSON.stringify([...found.values()])}`)
    void returnedAt
  }

  async finish(rows: (table: string) => readonly Row[]): Promise<void> {
    const now = this.#context.client.cluster.time.nowMs
    this.#judge(rows(this.#table), null, now, now, { level: Level.ALL, dataCenter: '' })
  }
}
