/**
 * A workload over a whole database (statements, schema, storage engine, commit log) on the simulated disk: sessions of
 * statements of all kinds on a few small tables, columns dropped and added, tables truncated, dropped and made again,
 * counters, values that expire, while memtables are flushed and SSTables compacted again and again, and asked to be;
 * each session ended by a crash at any point, also while it opens. A model says what the tables hold after each
 * statement: what is there after a crash must be what it said after one of them, and not before the last that was
 * acknowledged.
 */
import type { Clock } from '../../src/io/clock.ts'
import { type Database, openDatabase } from '../../src/node/database.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { settingsOf } from '../../src/node/settings.ts'
import type { ColumnFamilyStore } from '../../src/storage/column-family-store.ts'
import { CommitLogFailedError } from '../../src/storage/commitlog/errors.ts'
import { createTask } from '../../src/storage/tasks/create-task.ts'
import { TaskStoppedError } from '../../src/storage/tasks/task-runner.ts'
import { checkFiles, checkReads, digestOf, execute, hasTransactions } from './engine-checks.ts'
import { type EngineCoverage, SessionCoverage } from './engine-coverage.ts'
import { copyOf, digest, type Model, type ModelPartition } from './engine-model.ts'
import { EngineStatements, type RandomStatement, TABLES } from './engine-statements.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

/** More turns than anything takes that comes to an end. */
const TURNS_MAX = 5000

export class EngineWorkload {
  readonly #random: SimRandom
  readonly #disk: SimDisk
  readonly #clock = new SimClock()
  readonly #options: SibylOptions
  readonly #coverage: EngineCoverage
  readonly #statements: EngineStatements
  #session: SessionCoverage
  #model: Model = { tables: new Map(), counters: new Map() }
  /** What the model was after each statement. */
  #history: Model[] = [this.#model]
  #afterKill = 0
  #afterPowerLoss = 0
  #lastCrash: 'kill' | 'power' = 'kill'
  /** What the engine logged as an error, or what went wrong in the background, without a crash. */
  #failure: Error | null = null
  #snapshots = 0

  /** Hears of what is done, to find out what went wrong. */
  readonly #trace: (what: string) => void

  constructor(seed: number, coverage: EngineCoverage, trace: (what: string) => void = () => undefined) {
    this.#trace = trace
    this.#random = new SimRandom(seed)
    this.#disk = new SimDisk(new SimRandom(seed ^ 0x5bd1e995))
    this.#coverage = coverage
    this.#session = new SessionCoverage(coverage, this.#disk)
    this.#statements = new EngineStatements(this.#random)
    const sync = this.#random.pick(['periodic', 'batch', 'group'] as const)
    this.#options = {
      dir: '/data',
      numTokens: 1,
      memtableSpaceMiB: 1,
      commitlogSync: sync,
      settings: {
        ...(sync === 'periodic' ? { commitlog_sync_period: this.#random.pick([20, 100, 10_000]) } : {}),
        commitlog_segment_size: this.#random.pick(['256KiB', '512KiB']),
        commitlog_total_space: this.#random.pick(['1B', '150KiB', '600KiB', '2MiB']),
        memtable_cleanup_threshold: this.#random.pick([0.1, 0.33]),
        auto_snapshot: this.#random.chance(0.5),
        compaction_throughput: this.#random.pick(['64MiB/s', '2MiB/s']),
        concurrent_compactors: this.#random.pick([1, 2]),
        column_index_size: this.#random.pick(['1KiB', '64KiB']),
        file_cache_size: this.#random.pick(['0B', '1MiB']),
        key_cache_size: this.#random.pick(['0B', '64KiB']),
      },
    }
  }

  async run(): Promise<void> {
    const sessions = 2 + this.#random.below(5)
    for (let i = 0; i < sessions; i++) await this.#runSession()
    this.#session = new SessionCoverage(this.#coverage, this.#disk)
    const timers = new SimTimers(this.#clock)
    const database = await this.#open(timers)
    await this.#checkAll(database, timers)
    this.#throwFailure()
  }

  async #runSession(): Promise<void> {
    this.#session = new SessionCoverage(this.#coverage, this.#disk)
    const timers = new SimTimers(this.#clock)
    let database: Database | null = null
    if (this.#random.chance(0.6)) {
      this.#disk.crashAfter(this.#random.below(this.#random.pick([20, 100, 600, 3000])))
    }
    try {
      database = await this.#open(timers)
      this.#session.opened(database)
      this.#lastCrash = 'kill'
      if (this.#random.chance(0.3)) await this.#checkAll(database, timers)
      await this.#work(database, timers)
      if (this.#random.chance(0.25)) {
        await timers.run(database.close())
        // A log that had failed before just closes.
        if (!this.#disk.hasCrashed) {
          this.#afterKill = this.#afterPowerLoss = this.#history.length - 1
          this.#session.count('cleanStops')
        }
      }
    } catch (error) {
      if (!this.#disk.hasCrashed) throw error
    }
    this.#throwFailure()
    const kind = this.#random.chance(0.5) ? 'power' : 'kill'
    this.#trace(`${kind} ${JSON.stringify(this.#disk.death)?.slice(0, 300)}`)
    this.#session.ended(kind)
    if (kind === 'power') this.#lastCrash = 'power'
    timers.clear()
    this.#disk.crash(kind)
    this.#clock.advance(1000 + this.#random.below(5000))
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }

  /** Remembers what must not happen unless the disk is gone. */
  #failed(error: Error): void {
    if (!this.#disk.hasCrashed) this.#failure ??= error
  }

  get #nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
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
    const session = this.#session
    const logger = {
      info: (): void => undefined,
      warn: (): void => undefined,
      error: (text: unknown): void => {
        if (session === this.#session) this.#failed(new Error(`logged: ${text}`))
      },
    }
    const disk = this.#disk.attach(timers)
    disk.mkdirpSync('/data')
    const ports = { disk, clock, timers, random: this.#random, createTask }
    const opening = openDatabase(this.#options, settingsOf(this.#options), ports, logger, () => undefined)
    const database = await timers.run(opening)
    this.#trace(`opened ${this.#nowSeconds} ${sstablesOf(database)}`)
    this.#judge(database)
    if (database.schema.current.table('ks', 'counters') === null) {
      this.#execute(
        database,
        "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      )
      this.#execute(
        database,
        "CREATE TABLE ks.counters (p int PRIMARY KEY, n counter) WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2}",
      )
      await timers.run(Promise.resolve(database.processor.commit()))
    }
    return database
  }

  /** Finds the statement after which the model was as the database is now. */
  #judge(database: Database): void {
    const now = this.#nowSeconds
    const text = digestOf(database)
    const isPower = this.#lastCrash === 'power'
    const promised = isPower ? this.#afterPowerLoss : this.#afterKill
    const matches = this.#history
      .map((model, i) => (i >= promised && digest(model, now) === text ? i : -1))
      .filter((i) => i >= 0)
    if (matches.length === 0) {
      const before = this.#history.findLastIndex((model) => digest(model, now) === text)
      throw new Error(
        `after ${this.#lastCrash} (${this.#options.commitlogSync}) the state ` +
          `${before < 0 ? 'never was' : `is that after ${before} statements`}, promised were ${promised} of ` +
          `${this.#history.length - 1}\n${text}\n--- promised\n${digest(this.#history[promised], now)}`.replaceAll(
            /x{9,}/g,
            'xx..',
          ),
      )
    }
    const first = matches[0]
    const last = matches[matches.length - 1]
    this.#session.lost(this.#history.length - 1 - last)
    const candidates = matches.map((i) => this.#history[i])
    this.#model = this.#history[last]
    // What is there after a loss of power is on the platter. After a kill it may not be yet.
    this.#history = this.#history.slice(isPower ? first : 0, last + 1)
    this.#afterKill = isPower ? 0 : first
    if (isPower) this.#afterPowerLoss = 0
    this.#makeCertain(database, candidates)
  }

  /**
   * States that look the same may not be the same: what is there may expire at another time in each. Such partitions are
   * deleted.
   */
  #makeCertain(database: Database, candidates: readonly Model[]): void {
    for (const name of TABLES) {
      for (let p = 0; p < 3; p++) {
        const states = candidates.map((model) => hidden(model.tables.get(name)?.partitions.get(p)))
        if (states.every((state) => state === states[0])) continue
        const next = copyOf(this.#model, name)
        next.tables.get(name)?.partitions.delete(p)
        this.#push(next)
        this.#execute(database, `DELETE FROM ks.${name} WHERE p = ${p}`)
      }
    }
  }

  #push(model: Model): void {
    this.#model = model
    this.#history.push(model)
  }

  /** All reads, and after all has been flushed, and after all has been compacted; and the files. */
  async #checkAll(database: Database, timers: SimTimers): Promise<void> {
    const { engine } = database
    const check = (when: string): void => {
      try {
        const text = digestOf(database)
        const expected = digest(this.#model, this.#nowSeconds)
        if (text !== expected)
          throw new Error(`${text}\n--- instead of\n${expected}`.replaceAll(/x{9,}/g, 'x..'))
        checkReads(database, this.#model, this.#nowSeconds, this.#random)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        throw new Error(`${when}: ${error.message}`, { cause: error })
      }
    }
    check('opened')
    await timers.run(engine.flushTables())
    check('flushed')
    for (const store of engine.stores) {
      const major = engine.compactions?.major(store, this.#random.chance(0.2))
      await timers.run(this.#stoppable(major ?? Promise.resolve()))
    }
    check('compacted')
    // The time at which a truncation or a drop that was replayed has removed its files.
    await timers.run(engine.drain())
    for (let turn = 0; turn < TURNS_MAX && hasTransactions(database, this.#disk); turn++)
      await timers.runNext()
    checkFiles(database, this.#disk)
    this.#session.count('checks')
  }

  /** A compaction that is stopped, for the table is gone or another one begins, is none that fails. */
  async #stoppable(compaction: Promise<void>): Promise<void> {
    await compaction.catch((error: unknown) => {
      if (!(error instanceof TaskStoppedError)) throw error
    })
  }

  #execute(database: Database, statement: string): void {
    this.#trace(`${this.#clock.nowMs()} ${statement.replaceAll(/x{9,}/g, 'x..')}`)
    const result = execute(database, statement)
    if (!(result instanceof Promise)) return
    if (!statement.startsWith('TRUNCATE')) throw new Error(`'${statement}' takes several turns`)
    // The table is empty at once; the promise is of its files.
    this.#session.truncating(result)
  }

  async #work(database: Database, timers: SimTimers): Promise<void> {
    const turns = this.#random.below(this.#random.pick([30, 400]))
    const background: Promise<void>[] = []
    for (let turn = 0; turn < turns; turn++) {
      const statements = this.#random.below(5)
      for (let i = 0; i < statements; i++) this.#statement(database)
      this.#commit(database, background)
      if (this.#random.chance(0.05)) await this.#administer(database, timers)
      const what = this.#random.below(100)
      if (what < 20) await timers.advance(this.#random.below(60))
      else if (what < 60) await timers.runNext()
      else if (what < 63) this.#clock.advance(this.#random.pick([1000, 6000, 61_000]))
    }
    if (this.#random.chance(0.5)) await timers.run(Promise.all(background))
  }

  /** What an operator asks for. */
  async #administer({ engine }: Database, timers: SimTimers): Promise<void> {
    const stores = engine.stores.filter(
      ({ table }) => table.keyspace !== 'system' || this.#random.chance(0.2),
    )
    const store = this.#random.pick(stores)
    const compactions = engine.compactions!
    const what = this.#random.below(8)
    this.#trace(`administer ${what} ${store.table.name}`)
    switch (what) {
      case 0:
        this.#inBackground(engine.flushTables())
        return
      case 1:
      case 2:
        this.#inBackground(engine.flushTables([store]))
        return
      case 3:
      case 4:
        this.#session.count('majors')
        this.#inBackground(this.#stoppable(compactions.major(store, this.#random.chance(0.2))))
        return
      case 5:
        this.#snapshot(engine.snapshots!, stores)
        return
      case 6:
        if (this.#random.chance(0.5)) await timers.run(compactions.stop(store))
        else this.#inBackground(this.#stoppable(compactions.userDefined(store, store.sstables)))
        return
      default:
        this.#session.count('drains')
        await timers.run(engine.drain())
    }
  }

  #snapshot(snapshots: NonNullable<Database['engine']['snapshots']>, stores: ColumnFamilyStore[]): void {
    this.#session.count('snapshots')
    snapshots.take(stores, { name: `s${this.#snapshots++}`, ttlSeconds: null })
  }

  #inBackground(work: Promise<void>): void {
    const session = this.#session
    work.catch((error: unknown) => {
      if (session === this.#session) this.#failed(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #commit(database: Database, background: Promise<void>[]): void {
    const count = this.#history.length - 1
    const synced = database.processor.commit()
    this.#afterKill = count
    const isPeriodic = this.#options.commitlogSync === 'periodic'
    if (synced === null) {
      this.#session.committed()
      return
    }
    const session = this.#session
    const promise = (): void => {
      if (session !== this.#session) return
      session.committed()
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
    const name = this.#random.pick(TABLES)
    const next = copyOf(this.#model, name)
    const statement = this.#statements.choose(next, name, this.#nowSeconds)
    if (statement === null) return
    this.#session.executing(statement.kind, name)
    this.#push(next)
    this.#executeRandom(database, statement)
  }

  #executeRandom(database: Database, { text }: RandomStatement): void {
    try {
      this.#execute(database, text)
    } catch (error) {
      throw new Error(`${text.slice(0, 200)}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
  }
}

/** The SSTables of all tables, and where in the commit log their data was. */
function sstablesOf({ engine }: Database): string {
  return engine.stores
    .filter(({ table, sstables }) => table.keyspace === 'ks' && sstables.length > 0)
    .map(({ table, sstables }) => {
      const each = sstables.map(({ sstable: { descriptor, statistics } }) => {
        const intervals = statistics.stats.commitLogIntervals.flatMap(([start, end]) => [
          `${start.segmentId}:${start.position}-${end.segmentId}:${end.position}`,
        ])
        return `${descriptor.id} (${intervals})`
      })
      return `${table.name}: ${each}`
    })
    .join(' ')
}

/** All of a partition, with what does not show. */
function hidden(partition: ModelPartition | undefined): string {
  if (partition === undefined) return ''
  const rows = [...partition.rows].sort(([a], [b]) => a - b)
  return JSON.stringify([
    partition.s,
    rows.map(([c, { marker, cells, map }]) => [c, marker, [...cells].sort(), [...map].sort()]),
  ])
}
