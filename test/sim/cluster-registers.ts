import type { Answer, Row, Statement } from './cluster-client.ts'
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
const ROWS = 6
const ALL_ROWS: readonly number[] = Array.from({ length: ROWS }, (_, c) => c)
const COLUMNS = ['v', 'w'] as const

interface Write {
  readonly timestamp: number
  /** What a cell has by it; null of a deletion. */
  readonly value: string | null
  readonly calledAt: number
  /** Infinite unless it was acknowledged. */
  ackedAt: number
  guarantee: Guarantee
  isNothingDone: boolean
}

/** What is known of one cell, in the order of calls. */
class Cell {
  readonly writes: Write[] = []
  /** What reads have shown: it must not be forgotten by later ones. */
  readonly seen: { readonly timestamp: number; readonly at: number; readonly guarantee: Guarantee }[] = []

  /** The least timestamp that a read may show which is called then; 0 where there need be nothing. */
  floor(calledAt: number, read: Guarantee, dataCenters: number): number {
    let floor = 0
    for (const { timestamp, ackedAt, guarantee } of this.writes) {
      if (timestamp > floor && ackedAt < calledAt && overlaps(guarantee, read, dataCenters)) floor = timestamp
    }
    for (const { timestamp, at, guarantee } of this.seen) {
      if (timestamp > floor && at < calledAt && overlaps(guarantee, read, dataCenters)) floor = timestamp
    }
    return floor
  }
}

/** Rows whose writes have timestamps of their own: the last write wins, and one that was acknowledged is not forgotten. */
export class Registers implements Part {
  readonly tables = ['regs']
  readonly ddl: readonly string[]
  readonly #context: PartContext
  readonly #cells = new Map<string, Cell>()
  readonly #start = 1_700_000_000_000_000
  #number = 0

  constructor(context: PartContext) {
    this.#context = context
    const chance = context.random.pick(["'99p'", "'99p'", "'50ms'", "'ALWAYS'", "'NONE'"])
    this.ddl = [
      `CREATE TABLE ks.regs (p int, c int, v text, w text, PRIMARY KEY (p, c)) WITH speculative_retry = ${chance}`,
    ]
  }

  #cell(p: number, c: number, column: string): Cell {
    const key = `${p}/${c}/${column}`
    let cell = this.#cells.get(key)
    if (cell === undefined) this.#cells.set(key, (cell = new Cell()))
    return cell
  }

  async act(): Promise<void> {
    const { random } = this.#context
    if (random.chance(0.55)) await this.#write()
    else if (random.chance(0.6)) await this.#readOne()
    else if (random.chance(0.5)) await this.#readFirst()
    else await this.#readPages()
  }

  async #write(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const n = ++this.#number
    const late = random.chance(0.2) ? random.below(8) : 0
    const timestamp = this.#start + (n - late) * 1000 + (n % 1000)
    const value = `r${n}`
    const p = random.below(KEYS)
    const c = random.below(ROWS)
    const using = `USING TIMESTAMP ${timestamp}`
    const [statement, rows, columns, isDeletion] = random.pick([
      this.#insert(p, c, value, using),
      this.#insert(p, c, value, using),
      this.#update(p, c, value, using),
      random.pick([
        [{ cql: `DELETE FROM ks.regs ${using} WHERE p = ? AND c = ?`, values: [p, c] }, [c], COLUMNS, true],
        [{ cql: `DELETE w FROM ks.regs ${using} WHERE p = ? AND c = ?`, values: [p, c] }, [c], ['w'], true],
        [{ cql: `DELETE FROM ks.regs ${using} WHERE p = ?`, values: [p] }, ALL_ROWS, COLUMNS, true],
        [
          { cql: `DELETE FROM ks.regs ${using} WHERE p = ? AND c >= ? AND c < ?`, values: [p, c, c + 3] },
          ALL_ROWS.slice(c, c + 3),
          COLUMNS,
          true,
        ],
      ] as const),
    ]) as readonly [Statement, readonly number[], readonly string[], boolean]
    const level = writeLevel(this.#context)
    const write: Write = {
      timestamp,
      value: isDeletion ? null : value,
      calledAt: client.cluster.time.nowMs,
      ackedAt: Infinity,
      guarantee: guaranteeOf(host, level),
      isNothingDone: false,
    }
    for (const row of rows) for (const column of columns) this.#cell(p, row, column).writes.push(write)
    const answer = await client.ask(host, statement, { level })
    unexpected(answer, statement)
    if (answer.kind === 'done') write.ackedAt = answer.returnedAt
    else if (answer.kind === 'failed') write.isNothingDone = answer.isNothingDone
  }

  #insert(p: number, c: number, value: string, using: string): unknown {
    const cql = `INSERT INTO ks.regs (p, c, v, w) VALUES (?, ?, ?, ?) ${using}`
    return [{ cql, values: [p, c, value, value] }, [c], COLUMNS, false]
  }

  #update(p: number, c: number, value: string, using: string): unknown {
    const cql = `UPDATE ks.regs ${using} SET v = ? WHERE p = ? AND c = ?`
    return [{ cql, values: [value, p, c] }, [c], ['v'], false]
  }

  async #readOne(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const p = random.below(KEYS)
    const isRow = random.chance(0.5)
    const c = random.below(ROWS)
    const statement = isRow
      ? { cql: 'SELECT c, v, w FROM ks.regs WHERE p = ? AND c = ?', values: [p, c] }
      : { cql: 'SELECT c, v, w FROM ks.regs WHERE p = ?', values: [p] }
    const level = readLevel(this.#context)
    const answer = await client.ask(host, statement, { level })
    const found = rowsOf(answer, statement)
    if (found === null) return
    for (const row of isRow ? [c] : ALL_ROWS) {
      const values = found.find((one) => one['c'] === row)
      this.#judgeRow(p, row, values, answer.calledAt, answer.returnedAt, guaranteeOf(host, level))
    }
  }

  /** The first row that is left of a partition, from either end. Replicas stop at their own first rows. */
  async #readFirst(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const p = random.below(KEYS)
    const isReversed = random.chance(0.5)
    const order = isReversed ? ' ORDER BY c DESC' : ''
    const statement = { cql: `SELECT c, v, w FROM ks.regs WHERE p = ?${order} LIMIT 1`, values: [p] }
    const level = readLevel(this.#context)
    const answer = await client.ask(host, statement, { level })
    const found = rowsOf(answer, statement)
    if (found === null) return
    this.#context.count('limitedReads')
    for (const c of isReversed ? ALL_ROWS.toReversed() : ALL_ROWS) {
      const isIt = found[0]?.['c'] === c
      const values = isIt ? found[0] : undefined
      this.#judgeRow(p, c, values, answer.calledAt, answer.returnedAt, guaranteeOf(host, level))
      if (isIt) break
    }
  }

  /** The whole table, page after page, each of another node. */
  async #readPages(): Promise<void> {
    const { client, random } = this.#context
    const statement: Statement = { cql: 'SELECT p, c, v, w FROM ks.regs', values: [] }
    const level = random.pick([readLevel(this.#context), 4 as const])
    const pageSize = 1 + random.below(6)
    let pagingState: Uint8Array | null = null
    let first: Answer | null = null
    const found: { row: Row; answer: Answer }[] = []
    do {
      const host = client.pick()
      if (host === null) return
      const answer: Answer = await client.ask(host, statement, { level, pageSize, pagingState })
      first ??= answer
      const rows = rowsOf(answer, statement)
      if (rows === null || answer.kind !== 'rows') return
      for (const row of rows) found.push({ row, answer })
      pagingState = answer.pagingState
      if (found.length > 100) throw new Violation('the pages have no end')
    } while (pagingState !== null)
    this.#context.count('pagedReads')
    const last = client.cluster.time.nowMs
    // Pages may be of different data centres: what all of them see is what a read of each would.
    const guarantee = guaranteeOf(first.host, level)
    const isOneCenter = this.#context.dataCenters === 1 || level !== 6
    for (let p = 0; p < KEYS; p++) {
      for (let c = 0; c < ROWS; c++) {
        const at = found.filter(({ row }) => row['p'] === p && row['c'] === c)
        if (at.length > 1) throw new Violation(`row ${p}/${c} came ${at.length} times`)
        const returnedAt = at[0]?.answer.returnedAt ?? last
        if (isOneCenter) this.#judgeRow(p, c, at[0]?.row, first.calledAt, returnedAt, guarantee)
      }
    }
  }

  #judgeRow(
    p: number,
    c: number,
    row: Row | undefined,
    calledAt: number,
    returnedAt: number,
    read: Guarantee,
  ): void {
    for (const column of COLUMNS) {
      if (row !== undefined && !(column in row)) continue
      const cell = this.#cell(p, c, column)
      const value = (row?.[column] ?? null) as string | null
      const where = `cell ${p}/${c}/${column} read at level ${read.level} is ${value}`
      const floor = cell.floor(calledAt, read, this.#context.dataCenters)
      const possible = cell.writes.filter(
        (write) => write.value === value && write.calledAt <= returnedAt && !write.isNothingDone,
      )
      if (possible.length === 0 && (value !== null || floor > 0)) {
        throw new Violation(
          `${where}, which ${value === null ? `must be of ${floor} or later` : 'nobody wrote'}`,
        )
      }
      const enough = possible.filter(({ timestamp }) => timestamp >= floor)
      if (enough.length === 0 && floor > 0) {
        throw new Violation(
          `${where} of ${possible.map(({ timestamp }) => timestamp)}, but ${floor} was known`,
        )
      }
      if (enough.length === 0) continue
      const timestamp = Math.min(...enough.map((write) => write.timestamp))
      // Where it need not be a deletion that was seen, nothing was learnt.
      if (value === null && floor === 0) continue
      cell.seen.push({ timestamp, at: returnedAt, guarantee: read })
    }
  }

  async finish(rows: (table: string) => readonly Row[]): Promise<void> {
    const now = this.#context.client.cluster.time.nowMs
    const all = rows('regs')
    const read: Guarantee = { level: 5, dataCenter: '' }
    for (let p = 0; p < KEYS; p++) {
      for (let c = 0; c < ROWS; c++) {
        const row = all.find((one) => one['p'] === p && one['c'] === c)
        this.#judgeRow(p, c, row, now, now, read)
      }
    }
  }
}
