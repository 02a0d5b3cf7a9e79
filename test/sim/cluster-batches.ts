import { ConsistencyLevel as Level, WriteTimeoutError } from '../../src/common/errors.ts'
import type { Row } from './cluster-client.ts'
import { isStrong } from './cluster-levels.ts'
import { type Part, type PartContext, rowsOf, unexpected, Violation, writeLevel } from './cluster-part.ts'

const KEYS = 5

interface Batch {
  readonly keys: readonly number[]
  isAcked: boolean
  /** It was kept for sure, and not executed in time. */
  isKept: boolean
  isNothingDone: boolean
}

/** Logged batches over partitions of two tables: in the end each has been executed as a whole, or not at all. */
export class Batches implements Part {
  readonly tables = ['bat1', 'bat2']
  readonly ddl = [
    'CREATE TABLE ks.bat1 (p int, c int, v int, PRIMARY KEY (p, c))',
    'CREATE TABLE ks.bat2 (p int, c int, v int, PRIMARY KEY (p, c))',
  ]
  readonly #context: PartContext
  readonly #batches: Batch[] = []

  constructor(context: PartContext) {
    this.#context = context
  }

  async act(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const c = this.#batches.length
    const keys = [random.below(KEYS), random.below(KEYS), random.below(KEYS)]
    const level = writeLevel(this.#context)
    const batch = { keys, isAcked: false, isKept: false, isNothingDone: false }
    this.#batches.push(batch)
    const statements = keys.map((p, i) => ({
      cql: `INSERT INTO ks.${this.#table(i)} (p, c, v) VALUES (?, ?, ?)`,
      values: [p, c, i],
    }))
    const answer = await client.batch(host, statements, level)
    unexpected(answer, statements[0]!)
    batch.isAcked = answer.kind === 'done'
    batch.isNothingDone = answer.kind === 'failed' && answer.isNothingDone
    if (answer.kind === 'failed' && answer.error instanceof WriteTimeoutError)
      batch.isKept = answer.error.writeType === 'BATCH'
    if (!batch.isAcked || !isStrong(level, this.#context.dataCenters)) return
    const reader = client.pick()
    if (reader === null) return
    const i = random.below(3)
    const statement = {
      cql: `SELECT v FROM ks.${this.#table(i)} WHERE p = ? AND c = ?`,
      values: [keys[i]!, c],
    }
    const rows = rowsOf(await client.ask(reader, statement, { level: Level.QUORUM }), statement)
    if (rows !== null && rows.length === 0)
      throw new Violation(`batch ${c} was acknowledged, and is not to be seen`)
  }

  /** The first two go to one table, the third one to another. */
  #table(i: number): string {
    return i < 2 ? 'bat1' : 'bat2'
  }

  async finish(rows: (table: string) => readonly Row[]): Promise<void> {
    const found = new Set<string>()
    for (const table of this.tables)
      for (const row of rows(table)) found.add(`${table} ${row['p']} ${row['c']}`)
    for (const [c, { keys, isAcked, isKept, isNothingDone }] of this.#batches.entries()) {
      const there = keys.filter((p, i) => found.has(`${this.#table(i)} ${p} ${c}`)).length
      if (there !== 0 && there !== keys.length)
        throw new Violation(`of batch ${c} ${there} of ${keys.length} are there`)
      if (isAcked && there === 0) throw new Violation(`batch ${c} was acknowledged, and is not there`)
      if (isKept && there === 0) throw new Violation(`batch ${c} was in the batchlog, and is not there`)
      if (isNothingDone && there > 0) throw new Violation(`batch ${c} was refused, and is there`)
    }
  }
}
