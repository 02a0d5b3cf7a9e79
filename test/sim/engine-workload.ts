/**
 * A workload over a whole database (statements, schema, storage engine, commit log) on the simulated disk: sessions of
 * statements of all kinds on a few small tables, columns dropped and added, tables truncated, dropped and made again,
 * counters, while memtables are flushed again and again; each session ended by a crash at any point. A model that
 * knows nothing of timestamps or tombstones says what the tables hold after each statement: what is there
 * after a crash must be what it said after one of them, and not before the last that was acknowledged.
 */
import { ConsistencyLevel } from '../../src/common/errors.ts'
import type { Clock } from '../../src/io/clock.ts'
import { NO_VALUES, type QueryOptions } from '../../src/model/query-options.ts'
import type { QueryResult } from '../../src/model/query-result.ts'
import { type Database, openDatabase } from '../../src/node/database.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { settingsOf } from '../../src/node/settings.ts'
import type { ClientState } from '../../src/query/query-handler.ts'
import { CommitLogFailedError } from '../../src/storage/commitlog/errors.ts'
import { createTask } from '../../src/storage/tasks/create-task.ts'
import { toCqlLiteral } from '../../src/types/index.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

const OPTIONS: QueryOptions = {
  consistency: ConsistencyLevel.ONE,
  values: NO_VALUES,
  names: null,
  skipMetadata: false,
  pageSize: -1,
  pagingState: null,
  serialConsistency: ConsistencyLevel.SERIAL,
  hasTimestamp: false,
  timestampHi: 0,
  timestampLo: 0,
  nowInSeconds: null,
  keyspace: null,
  protocolVersion: 5,
}
const NO_FLAGS = { tracing: false, customPayload: null }
const STATE: ClientState = {
  keyspace: null,
  user: null,
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  protocolVersion: 5,
  startupOptions: new Map(),
}

/** Columns that come and go; `v` stays. */
const COLUMNS: Readonly<Record<string, string>> = {
  m: 'map<int, text>',
  s: 'text static',
  w: 'text',
}

interface ModelRow {
  isInserted: boolean
  readonly cells: Map<string, string>
  readonly map: Map<number, string>
}

interface ModelPartition {
  s: string | null
  readonly rows: Map<number, ModelRow>
}

interface ModelTable {
  readonly columns: Set<string>
  readonly partitions: Map<number, ModelPartition>
}

interface Model {
  readonly tables: Map<string, ModelTable>
  readonly counters: Map<string, number>
}

/** Counts what the seeds reached, to see that they reach it all. */
export interface EngineCoverage {
  sessions: number
  kills: number
  powerLosses: number
  cleanStops: number
  diedInside: number
  flushes: number
  endedInFlush: number
  schemaChanges: number
  schemaChangesInFlush: number
  truncatesInFlush: number
  lost: number
}

export function newEngineCoverage(): EngineCoverage {
  return {
    sessions: 0,
    kills: 0,
    powerLosses: 0,
    cleanStops: 0,
    diedInside: 0,
    flushes: 0,
    endedInFlush: 0,
    schemaChanges: 0,
    schemaChangesInFlush: 0,
    truncatesInFlush: 0,
    lost: 0,
  }
}

export class EngineWorkload {
  readonly #random: SimRandom
  readonly #disk: SimDisk
  readonly #clock = new SimClock()
  readonly #options: SibylOptions
  readonly #coverage: EngineCoverage
  #model: Model = { tables: new Map(), counters: new Map() }
  /** What the model said after each statement. */
  #history: { readonly text: string; readonly model: Model }[] = []
  #afterKill = 0
  #afterPowerLoss = 0
  #number = 1

  constructor(seed: number, coverage: EngineCoverage) {
    this.#random = new SimRandom(seed)
    this.#disk = new SimDisk(new SimRandom(seed ^ 0x5bd1e995))
    this.#coverage = coverage
    const sync = this.#random.pick(['periodic', 'batch', 'group'] as const)
    this.#options = {
      dir: '/data',
      numTokens: 1,
      memtableSpaceMiB: 1,
      commitlogSync: sync,
      settings: {
        ...(sync === 'periodic' ? { commitlog_sync_period: this.#random.pick([20, 100, 10_000]) } : {}),
        commitlog_segment_size: this.#random.pick(['256KiB', '512KiB']),
        commitlog_total_space: this.#random.pick(['1B', '600KiB', '2MiB']),
      },
    }
    this.#history.push({ text: digest(this.#model), model: this.#model })
  }

  async run(): Promise<void> {
    const sessions = 2 + this.#random.below(5)
    for (let i = 0; i < sessions; i++) await this.#session()
    const timers = new SimTimers(this.#clock)
    await this.#open(timers)
  }

  #lastCrash: 'kill' | 'power' = 'kill'

  async #session(): Promise<void> {
    this.#coverage.sessions++
    const timers = new SimTimers(this.#clock)
    let database: Database | null = null
    if (this.#random.chance(0.6)) {
      this.#disk.crashAfter(this.#random.below(this.#random.pick([20, 100, 600])))
    }
    try {
      database = await this.#open(timers)
      this.#lastCrash = 'kill'
      await this.#work(database, timers)
      if (this.#random.chance(0.25)) {
        await timers.run(database.close())
        // A log that had failed before just closes.
        if (!this.#disk.hasCrashed) {
          this.#afterKill = this.#afterPowerLoss = this.#history.length - 1
          this.#coverage.cleanStops++
        }
      }
    } catch (error) {
      if (!this.#disk.hasCrashed) throw error
    }
    if (this.#disk.hasCrashed) this.#coverage.diedInside++
    this.#coverage.flushes += database?.engine.completedFlushes ?? 0
    if ((database?.engine.pendingFlushes ?? 0) > 0) this.#coverage.endedInFlush++
    const kind = this.#random.chance(0.5) ? 'power' : 'kill'
    if (kind === 'power') this.#lastCrash = 'power'
    this.#coverage[kind === 'power' ? 'powerLosses' : 'kills']++
    timers.clear()
    this.#disk.crash(kind)
    this.#clock.advance(1000 + this.#random.below(5000))
  }

  async #open(timers: SimTimers): Promise<Database> {
    let spent = 0
    const step = this.#random.pick([0.1, 0.5, 1.6, 4])
    const clock: Clock = {
      nowMs: () => this.#clock.nowMs(),
      nowMicros: () => this.#clock.nowMicros(),
      // Work takes time, so that what is done in slices is.
      monotonicMs: () => this.#clock.monotonicMs() + (spent += step),
    }
    const logger = {
      info: (): void => undefined,
      warn: (): void => undefined,
      error: (): void => undefined,
    }
    const disk = this.#disk.attach(timers)
    disk.mkdirpSync('/data')
    const ports = { disk, clock, timers, random: this.#random, createTask }
    const opening = openDatabase(this.#options, settingsOf(this.#options), ports, logger, () => undefined)
    const database = await timers.run(opening)
    await this.#judge(database)
    if (database.schema.current.table('ks', 'counters') === null) {
      this.#execute(
        database,
        "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      )
      this.#execute(database, 'CREATE TABLE ks.counters (p int PRIMARY KEY, n counter)')
      await timers.run(Promise.resolve(database.processor.commit()))
    }
    return database
  }

  /** Finds the statement after which the model was as the database is now. */
  async #judge(database: Database): Promise<void> {
    const text = await this.#read(database)
    const promised = this.#lastCrash === 'power' ? this.#afterPowerLoss : this.#afterKill
    let found = this.#history.length - 1
    while (found >= promised && this.#history[found].text !== text) found--
    if (found < promised) {
      const before = this.#history.findLastIndex((entry) => entry.text === text)
      throw new Error(
        `after ${this.#lastCrash} (${this.#options.commitlogSync}) the state ` +
          `${before < 0 ? 'never was' : `is that after ${before} statements`}, promised were ${promised} of ` +
          `${this.#history.length - 1}\n${text}\n--- promised\n${this.#history[promised].text}`.replaceAll(
            /x{9,}/g,
            'xx..',
          ),
      )
    }
    this.#coverage.lost += this.#history.length - 1 - found
    this.#model = this.#history[found].model
    this.#history = this.#history.slice(0, found + 1)
    this.#afterKill = found
    if (this.#lastCrash === 'kill') return
    // What is there after a loss of power is on the platter. After a kill it may not be yet.
    this.#history = [this.#history[found]]
    this.#afterKill = 0
    this.#afterPowerLoss = 0
  }

  /** All that the tables hold, in the form of `digest`. */
  async #read(database: Database): Promise<string> {
    const lines: string[] = []
    const keyspace = database.schema.current.keyspace('ks')
    for (const { name } of [...(keyspace?.tables.values() ?? [])].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const result = this.#execute(database, `SELECT * FROM ks.${name}`)
      if (result.kind !== 'rows') throw new Error(`no rows but ${result.kind}`)
      const data = new DataView(result.content.buffer, result.content.byteOffset)
      let at = 0
      lines.push(`${name} (${result.metadata.columns.map((column) => column.name).sort()})`)
      const rows: string[] = []
      for (let i = 0; i < result.rowCount; i++) {
        const values: string[] = []
        for (const column of result.metadata.columns) {
          const length = data.getInt32(at)
          at += 4
          if (length < 0) continue
          values.push(`${column.name}=${toCqlLiteral(column.type, result.content.slice(at, at + length))}`)
          at += length
        }
        rows.push(`  ${values.sort().join(' ')}`)
      }
      lines.push(...rows.sort())
    }
    return lines.length === 1 ? '' : lines.join('\n')
  }

  #execute(database: Database, statement: string): QueryResult {
    const result = database.processor.query(statement, OPTIONS, STATE, NO_FLAGS)
    if (!(result instanceof Promise)) return result
    if (!statement.startsWith('TRUNCATE')) throw new Error(`'${statement}' takes several turns`)
    // The table is empty at once; the promise is of its files.
    result.catch(() => undefined)
    return { kind: 'void' }
  }

  async #work(database: Database, timers: SimTimers): Promise<void> {
    const turns = this.#random.below(this.#random.pick([30, 400]))
    const background: Promise<void>[] = []
    for (let turn = 0; turn < turns; turn++) {
      const statements = this.#random.below(5)
      for (let i = 0; i < statements; i++) this.#statement(database)
      this.#commit(database, background)
      const what = this.#random.below(10)
      if (what < 2) await timers.advance(this.#random.below(60))
      else if (what < 6) await timers.runNext()
    }
    if (this.#random.chance(0.5)) await timers.run(Promise.all(background))
  }

  #commit(database: Database, background: Promise<void>[]): void {
    const count = this.#history.length - 1
    const synced = database.processor.commit()
    this.#afterKill = count
    const isPeriodic = this.#options.commitlogSync === 'periodic'
    if (synced === null) return
    const promise = (): void => {
      if (!isPeriodic) this.#afterPowerLoss = Math.max(this.#afterPowerLoss, count)
    }
    background.push(
      synced.then(promise, (error: unknown) => {
        if (!(error instanceof CommitLogFailedError)) throw error
      }),
    )
  }

  /** Executes a random statement, on the model too. If it dies in the middle, it may or may not be there. */
  #statement(database: Database): void {
    const next = copyOf(this.#model)
    const statement = this.#choose(next)
    if (statement === null) return
    const isFlushing = database.engine.pendingFlushes > 0
    this.#model = next
    this.#history.push({ text: digest(next), model: next })
    try {
      this.#execute(database, statement)
    } catch (error) {
      throw new Error(`${statement.slice(0, 200)}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
    if (/^(CREATE|ALTER|DROP)/.test(statement)) {
      this.#coverage.schemaChanges++
      if (isFlushing) this.#coverage.schemaChangesInFlush++
    } else if (statement.startsWith('TRUNCATE') && isFlushing) this.#coverage.truncatesInFlush++
  }

  #value(): string {
    const length = this.#random.chance(0.5) ? 0 : this.#random.below(this.#random.pick([100, 3000, 30_000]))
    return `${this.#number++}${'x'.repeat(length)}`
  }

  /** A statement, done to the model already; null when there is nothing to do it to. */
  #choose(model: Model): string | null {
    const random = this.#random
    const name = `t${random.below(3)}`
    const table = model.tables.get(name)
    if (table === undefined) {
      if (!random.chance(0.5)) return null
      const columns = Object.keys(COLUMNS).filter(() => random.chance(0.8))
      model.tables.set(name, { columns: new Set(columns), partitions: new Map() })
      const defined = columns.map((column) => `, ${column} ${COLUMNS[column]}`).join('')
      return `CREATE TABLE ks.${name} (p int, c int, v text${defined}, PRIMARY KEY (p, c))`
    }
    const { columns } = table
    const p = random.below(2)
    const c = random.below(4)
    const where = `WHERE p = ${p} AND c = ${c}`
    const partition = table.partitions.get(p) ?? { s: null, rows: new Map<number, ModelRow>() }
    const row = partition.rows.get(c) ?? { isInserted: false, cells: new Map(), map: new Map() }
    const put = (): void => {
      table.partitions.set(p, partition)
      partition.rows.set(c, row)
    }
    switch (random.below(24)) {
      case 0:
      case 1: {
        const key = random.below(3)
        const by = 1 + random.below(5)
        model.counters.set(String(key), (model.counters.get(String(key)) ?? 0) + by)
        return `UPDATE ks.counters SET n = n + ${by} WHERE p = ${key}`
      }
      case 2: {
        // Changes no data, but writes the row without which replay does not see the keyspace.
        if (random.chance(0.3)) return `ALTER KEYSPACE ks WITH durable_writes = ${random.chance(0.5)}`
        if (random.chance(0.7)) return null
        table.partitions.clear()
        return `TRUNCATE ks.${name}`
      }
      case 3: {
        if (random.chance(0.8)) return null
        model.tables.delete(name)
        return `DROP TABLE ks.${name}`
      }
      case 4:
      case 5: {
        if (random.chance(0.5)) return null
        const column = random.pick(Object.keys(COLUMNS))
        if (!columns.has(column)) {
          columns.add(column)
          return `ALTER TABLE ks.${name} ADD ${column} ${COLUMNS[column]}`
        }
        columns.delete(column)
        for (const each of table.partitions.values()) {
          if (column === 's') each.s = null
          for (const { cells, map } of each.rows.values()) {
            cells.delete(column)
            if (column === 'm') map.clear()
          }
        }
        return `ALTER TABLE ks.${name} DROP ${column}`
      }
      case 6: {
        table.partitions.delete(p)
        return `DELETE FROM ks.${name} WHERE p = ${p}`
      }
      case 7: {
        partition.rows.delete(c)
        return `DELETE FROM ks.${name} ${where}`
      }
      case 8: {
        const end = c + random.below(4)
        for (const key of [...partition.rows.keys()]) if (key >= c && key < end) partition.rows.delete(key)
        return `DELETE FROM ks.${name} WHERE p = ${p} AND c >= ${c} AND c < ${end}`
      }
      case 9: {
        row.cells.delete('v')
        return `DELETE v FROM ks.${name} ${where}`
      }
      case 10: {
        if (!columns.has('m')) return null
        const key = random.below(4)
        row.map.delete(key)
        return `DELETE m[${key}] FROM ks.${name} ${where}`
      }
      case 11:
      case 12: {
        if (!columns.has('m')) return null
        const key = random.below(4)
        const value = this.#value()
        put()
        row.map.set(key, value)
        return `UPDATE ks.${name} SET m[${key}] = '${value}' ${where}`
      }
      case 13: {
        if (!columns.has('m')) return null
        const value = this.#value()
        put()
        row.map.clear()
        row.map.set(9, value)
        return `UPDATE ks.${name} SET m = {9: '${value}'} ${where}`
      }
      case 14: {
        if (!columns.has('s')) return null
        const value = this.#value()
        table.partitions.set(p, partition)
        partition.s = value
        return `UPDATE ks.${name} SET s = '${value}' WHERE p = ${p}`
      }
      case 15:
      case 16: {
        const column = random.chance(0.5) && columns.has('w') ? 'w' : 'v'
        const value = this.#value()
        put()
        row.cells.set(column, value)
        return `UPDATE ks.${name} USING TTL 500000 SET ${column} = '${value}' ${where}`
      }
      case 17: {
        const v = this.#value()
        const other = c + 1
        put()
        row.isInserted = true
        row.cells.set('v', v)
        const second = partition.rows.get(other) ?? { isInserted: false, cells: new Map(), map: new Map() }
        partition.rows.set(other, second)
        second.cells.set('v', v)
        return `BEGIN UNLOGGED BATCH INSERT INTO ks.${name} (p, c, v) VALUES (${p}, ${c}, '${v}'); UPDATE ks.${name} SET v = '${v}' WHERE p = ${p} AND c = ${other}; APPLY BATCH`
      }
      default: {
        const v = this.#value()
        put()
        row.isInserted = true
        row.cells.set('v', v)
        if (!columns.has('w')) return `INSERT INTO ks.${name} (p, c, v) VALUES (${p}, ${c}, '${v}')`
        const w = this.#value()
        row.cells.set('w', w)
        return `INSERT INTO ks.${name} (p, c, v, w) VALUES (${p}, ${c}, '${v}', '${w}')`
      }
    }
  }
}

function copyOf(model: Model): Model {
  const tables = new Map<string, ModelTable>()
  for (const [name, { columns, partitions }] of model.tables) {
    const copies = new Map<number, ModelPartition>()
    for (const [p, { s, rows }] of partitions) {
      const copied = new Map<number, ModelRow>()
      for (const [c, { isInserted, cells, map }] of rows) {
        copied.set(c, { isInserted, cells: new Map(cells), map: new Map(map) })
      }
      copies.set(p, { s, rows: copied })
    }
    tables.set(name, { columns: new Set(columns), partitions: copies })
  }
  return { tables, counters: new Map(model.counters) }
}

/** What SELECT * of each table gives. */
function digest(model: Model): string {
  if (model.tables.size === 0 && model.counters.size === 0) return ''
  const lines: string[] = ['counters (n,p)']
  lines.push(...[...model.counters].map(([p, n]) => `  n=${n} p=${p}`).sort())
  for (const [name, { columns, partitions }] of [...model.tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${name} (${['p', 'c', 'v', ...columns].sort()})`)
    const found: string[] = []
    for (const [p, { s, rows }] of partitions) {
      const fixed = s === null ? [`p=${p}`] : [`p=${p}`, `s='${s}'`]
      let count = 0
      for (const [c, { isInserted, cells, map }] of rows) {
        if (!isInserted && cells.size === 0 && map.size === 0) continue
        const values = [...fixed, `c=${c}`, ...[...cells].map(([column, value]) => `${column}='${value}'`)]
        const entries = [...map].sort(([a], [b]) => a - b).map(([key, value]) => `${key}: '${value}'`)
        if (map.size > 0) values.push(`m={${entries.join(', ')}}`)
        found.push(`  ${values.sort().join(' ')}`)
        count++
      }
      if (count === 0 && s !== null) found.push(`  ${fixed.join(' ')}`)
    }
    lines.push(...found.sort())
  }
  return lines.join('\n')
}
