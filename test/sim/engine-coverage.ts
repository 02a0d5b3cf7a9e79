/** Counts what the seeds of the engine's crash proof reached, to see that they reach it all. */
import type { Database } from '../../src/node/database.ts'
import type { StatementKind } from './engine-statements.ts'
import type { SimDisk } from './sim-disk.ts'

const COUNTERS = [
  'sessions',
  'kills',
  'powerLosses',
  'cleanStops',
  'checks',
  'flushes',
  'relogs',
  'compactions',
  'majors',
  'drains',
  'snapshots',
  'schemaChanges',
  'schemaChangesInFlush',
  'schemaChangesInCompaction',
  'truncatesInFlush',
  'truncatesInCompaction',
  'dropsInFlush',
  'dropsInCompaction',
  'crashedInside',
  'crashedInRecovery',
  'crashedInFlushOfRecovery',
  'crashedInFlush',
  'crashedInRelog',
  'crashedInCompaction',
  'crashedInSSTable',
  'crashedInTransaction',
  'crashedInCommit',
  'crashedInRemoval',
  'crashedInTruncate',
  'crashedInDrop',
  'crashedInSchemaChange',
  'crashedInSnapshot',
  'lost',
] as const

export type EngineCoverage = Record<(typeof COUNTERS)[number], number>

export function newEngineCoverage(): EngineCoverage {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as EngineCoverage
}

/** What one session comes to, and where it ends. */
export class SessionCoverage {
  readonly #coverage: EngineCoverage
  readonly #disk: SimDisk
  #database: Database | null = null
  #truncating = 0
  #uncommittedSchema = false
  /** Directories of tables that were dropped. */
  readonly #dropped: string[] = []

  constructor(coverage: EngineCoverage, disk: SimDisk) {
    this.#coverage = coverage
    this.#disk = disk
  }

  count(what: keyof EngineCoverage): void {
    this.#coverage[what]++
  }

  lost(statements: number): void {
    this.#coverage.lost += statements
  }

  opened(database: Database): void {
    this.#database = database
  }

  executing(kind: StatementKind, table: string): void {
    const { engine, schema } = this.#database!
    const isFlushing = engine.pendingFlushes > 0
    const isCompacting = engine.compactions!.running.some(({ store }) => store.table.name === table)
    const count = (inFlush: keyof EngineCoverage, inCompaction: keyof EngineCoverage): void => {
      if (isFlushing) this.count(inFlush)
      if (isCompacting) this.count(inCompaction)
    }
    if (kind === 'data') return
    if (kind === 'truncate') {
      count('truncatesInFlush', 'truncatesInCompaction')
      return
    }
    this.count('schemaChanges')
    count('schemaChangesInFlush', 'schemaChangesInCompaction')
    this.#uncommittedSchema = true
    if (kind !== 'drop') return
    count('dropsInFlush', 'dropsInCompaction')
    const metadata = schema.current.table('ks', table)
    if (metadata !== null) this.#dropped.push(engine.storeOf(metadata).directory)
  }

  committed(): void {
    this.#uncommittedSchema = false
  }

  truncating(done: Promise<unknown>): void {
    this.#truncating++
    const end = (): void => {
      this.#truncating--
    }
    done.then(end, end)
  }

  /** The session has ended so. */
  ended(kind: 'kill' | 'power'): void {
    this.count('sessions')
    this.count(kind === 'power' ? 'powerLosses' : 'kills')
    const { death } = this.#disk
    if (death !== null) this.#diedAt(death)
    if (this.#database === null) {
      this.count('crashedInRecovery')
      if (death !== null && /\/nb-\d+-big-[^/]*$/.test(death.path)) this.count('crashedInFlushOfRecovery')
      return
    }
    const { engine } = this.#database
    this.#coverage.flushes += engine.completedFlushes
    this.#coverage.relogs += engine.relogger!.completed
    if (engine.relogger!.pending > 0) this.count('crashedInRelog')
    this.#coverage.compactions += engine.compactions!.completed
    if (engine.pendingFlushes > 0) this.count('crashedInFlush')
    if (engine.compactions!.running.length > 0) this.count('crashedInCompaction')
    if (this.#truncating > 0) this.count('crashedInTruncate')
    if (this.#dropped.some((directory) => this.#hasSSTables(directory))) this.count('crashedInDrop')
    if (this.#uncommittedSchema) this.count('crashedInSchemaChange')
  }

  #hasSSTables(directory: string): boolean {
    return (
      this.#disk.isDirectory(directory) && this.#disk.list(directory).some((name) => name.startsWith('nb-'))
    )
  }

  #diedAt({ call, path, text }: NonNullable<SimDisk['death']>): void {
    this.count('crashedInside')
    if (path.includes('/snapshots/')) this.count('crashedInSnapshot')
    else if (path.includes('_txn_')) {
      this.count('crashedInTransaction')
      if (text.includes('COMMIT')) this.count('crashedInCommit')
    } else if (/\/nb-\d+-big-[^/]*$/.test(path)) {
      this.count(call === 'unlink' ? 'crashedInRemoval' : 'crashedInSSTable')
    }
  }
}
