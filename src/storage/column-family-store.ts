import { uuidText } from '../common/uuid.ts'
import type { Clock } from '../io/clock.ts'
import type { Disk } from '../io/disk.ts'
import type { Timers } from '../io/timers.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CommitLogLogger } from './commitlog/commit-log.ts'
import { type DiskFailures, UnknownTransactionError } from './disk-failures.ts'
import {
  lastGeneration,
  listSSTables,
  namesIn,
  removeTableDirectory,
  tableDirectory,
} from './lifecycle/directories.ts'
import { LogTransaction } from './lifecycle/log-transaction.ts'
import { isLeftover, recoverTransactions } from './lifecycle/recovery.ts'
import type { ImportTarget } from './lifecycle/sstable-importer.ts'
import { LiveSSTable, type StorageCaches } from './live-sstable.ts'
import { frozenParts } from './memtable/frozen-memtable.ts'
import { Memtable } from './memtable/memtable.ts'
import type { SlabPool } from './memtable/slab-allocator.ts'
import { CorruptSSTableError } from './sstable/corruption.ts'
import { componentPath, type Descriptor, descriptorName, parseFileName } from './sstable/descriptor.ts'
import { SSTable } from './sstable/sstable.ts'
import type { Statistics } from './sstable/statistics.ts'
import { UnsupportedSSTableError } from './sstable/unsupported.ts'
import { isReadable } from './sstable/version.ts'
import { TableTracker } from './table-view.ts'
import type { FlushJob, JobTarget, LogPosition, WrittenSSTable } from './tasks/storage-task.ts'
import { tableParts } from './tasks/table-parts.ts'
import type { TaskRunner } from './tasks/task-runner.ts'

/** What the tables of an engine with a directory share. */
export interface StoragePorts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly runner: TaskRunner
  readonly caches: StorageCaches
  readonly logger: CommitLogLogger
  /** disk_failure_policy. */
  readonly failures: DiskFailures
  /** Directory of keyspaces. */
  readonly dataDirectory: string
  /** column_index_size, in bytes. */
  readonly columnIndexSizeBytes: number
  /** concurrent_compactors. */
  readonly concurrentCompactors: number
  /** A new time UUID as text, for names of transaction logs. */
  timeUuid(): string
}

/** What a table tells the engine, and asks of it. */
export interface StoreListener {
  onReserve(bytes: number): void
  /** Memory of memtables that are gone; null where none is ever freed. */
  readonly pool: SlabPool | null
  /** A memtable that was flushed or thrown away is read by nobody any more. */
  onMemtableFree(memtable: Memtable): void
  /** Where the next record of the commit log will stand; null where there is none. */
  logPosition(): LogPosition | null
  hostId(): string
}

/** Tokens are those of this partitioner alone. */
const PARTITIONER = 'org.apache.cassandra.dht.Murmur3Partitioner'

/** Throws a CorruptSSTableError where keys are in another order (`SSTableReaderLoadingBuilder.validatePartitioner`). */
function checkPartitioner(sstable: SSTable): void {
  const { partitioner } = sstable.statistics.validation
  if (partitioner === PARTITIONER) return
  sstable.close()
  const { descriptor } = sstable
  throw new CorruptSSTableError(
    componentPath(descriptor, 'Statistics.db'),
    -1,
    `Cannot open ${descriptorName(descriptor)}; partitioner ${partitioner} does not match system partitioner ${PARTITIONER}`,
  )
}

/** Nothing of a memtable is in the commit log. */
export const CLEAN = Number.POSITIVE_INFINITY

/** A memtable that is being flushed, or will be again after a failure. */
export interface Flushing {
  readonly memtable: Memtable
  /** The commit log's segment with the first of its mutations. */
  readonly dirtySince: number
  readonly start: LogPosition
  readonly end: LogPosition
  /** Bytes of memory that it holds. */
  readonly reservedBytes: number
}

const NO_POSITION: LogPosition = { segmentId: -1, offset: 0 }

/**
 * One table's data: the memtable that is written to, those that are being flushed, and SSTables
 * (`ColumnFamilyStore`). Without ports it lives in memory alone.
 */
export class ColumnFamilyStore {
  table: TableMetadata
  memtable: Memtable
  /** Segment of the commit log with the first mutation of the memtable; CLEAN where it has none. */
  dirtySince = CLEAN
  readonly tracker: TableTracker
  readonly flushing: Flushing[] = []
  /** How often writes have gone on to another memtable (`MemtableSwitchCount`). */
  memtableSwitches = 0
  /** The table was dropped. */
  isDropped = false
  readonly directory: string
  /** The last generation given to an SSTable; see JobTarget. */
  readonly generations = new SharedArrayBuffer(4)
  readonly #ports: StoragePorts | null
  readonly #listener: StoreListener
  #memtableStart: LogPosition
  /**
   * SSTables whose files go when nobody reads them any more, and the transactions that say so: two where a compaction was
   * committed while what it read was truncated.
   */
  readonly #obsolete = new Map<LiveSSTable, LogTransaction[]>()

  /**
   * Opens what the table's directory has. Throws a CorruptSSTableError, an UnsupportedSSTableError, or what recovering a
   * transaction throws.
   */
  constructor(table: TableMetadata, listener: StoreListener, ports: StoragePorts | null) {
    this.table = table
    this.#ports = ports
    this.#listener = listener
    this.directory =
      ports === null ? '' : tableDirectory(ports.dataDirectory, table.keyspace, table.name, table.id)
    this.memtable = new Memtable(table, listener.onReserve, listener.pool)
    this.#memtableStart = listener.logPosition() ?? NO_POSITION
    this.tracker = new TableTracker(this.memtable, this.#openAll(), listener.onMemtableFree)
  }

  #openAll(): LiveSSTable[] {
    if (this.#ports === null) return []
    const { disk } = this.#ports
    // A node has hundreds of tables: what nobody writes to is listed once.
    let names = namesIn(disk, this.directory)
    if (names.length === 0) return []
    if (names.some(isLeftover)) {
      recoverTransactions(disk, this.directory)
      names = namesIn(disk, this.directory)
    }
    const { sstables, problems } = listSSTables(disk, this.directory, names)
    const { failures } = this.#ports
    for (const { descriptor, path, reason } of problems) {
      if (!isReadable(descriptor)) throw new UnsupportedSSTableError(path, descriptor)
      failures.atStart(new CorruptSSTableError(path, -1, reason), this.table.keyspace)
    }
    Atomics.store(new Int32Array(this.generations), 0, lastGeneration(disk, this.directory, names))
    const opened: LiveSSTable[] = []
    try {
      for (const { descriptor } of sstables) {
        try {
          opened.push(this.open(descriptor))
        } catch (error) {
          failures.atStart(error, this.table.keyspace)
        }
      }
    } catch (error) {
      for (const sstable of opened) sstable.release()
      throw error
    }
    return opened
  }

  /** SSTables that are not the table's any more, but are read still. */
  get obsoleteSSTables(): readonly LiveSSTable[] {
    return [...this.#obsolete.keys()]
  }

  #unknown: string | null = null

  /** A transaction of the table is neither completed nor taken back, and only a start can tell what counts. */
  becomeUnknown({ path }: LogTransaction): void {
    this.#unknown = path
  }

  /** Throws an UnknownTransactionError where nothing may be written to the table's directory, or removed from it. */
  checkKnown(): void {
    if (this.#unknown === null) return
    throw new UnknownTransactionError(`${this.table.keyspace}.${this.table.name}`, this.#unknown)
  }

  get isUnknown(): boolean {
    return this.#unknown !== null
  }

  /** SSTables that reads see. */
  get sstables(): readonly LiveSSTable[] {
    return this.tracker.view.sstables
  }

  /** Takes another version of the table's metadata (after ALTER). */
  setTable(table: TableMetadata): void {
    this.table = table
    this.tracker.setTable(table)
  }

  /** Opens an SSTable of the table's directory. Throws a CorruptSSTableError. */
  open(descriptor: Descriptor): LiveSSTable {
    const { disk, logger } = this.#ports!
    const warn = (message: string): void => logger.warn(message)
    const opened = SSTable.open(disk, descriptor, this.table, { repair: 'save', warn })
    checkPartitioner(opened)
    return this.#live(opened)
  }

  /** Opens one that was just written, which takes no time. Throws a DiskError, and a CorruptSSTableError where a file is gone. */
  openWritten({ descriptor, components }: WrittenSSTable): LiveSSTable {
    return this.#live(SSTable.adopt(this.#ports!.disk, descriptor, this.table, components))
  }

  #live(opened: SSTable): LiveSSTable {
    const { descriptor } = opened
    return new LiveSSTable(opened, this.#ports!.caches, (sstable) => {
      const transactions = this.#obsolete.get(sstable)
      if (transactions === undefined) return
      this.#obsolete.delete(sstable)
      const removing = transactions.map((transaction) => transaction.releaseLater(descriptor))
      this.#removing = Promise.all(removing).then(() => {
        if (this.isDropped) this.removeDirectory()
      })
    })
  }

  /** The last removal of files that was begun. */
  #removing: Promise<void> = Promise.resolve()

  /** Resolves when the files are gone whose removal has begun. */
  async removed(): Promise<void> {
    await this.#removing
  }

  /**
   * Removes the files of SSTables that the caller holds and reads see no more, and lets go of them; resolves when the files
   * are gone that nobody reads. Rejects with a DiskError.
   */
  async remove(sstables: readonly LiveSSTable[]): Promise<void> {
    const { disk, timeUuid } = this.#ports!
    const transaction = LogTransaction.begin(disk, this.directory, 'unknowncompactiontype', timeUuid())
    // A compaction may have ended at the same moment, and sees to what it read.
    const unseen = sstables.filter((sstable) => !this.#obsolete.has(sstable))
    try {
      await transaction.commitReplacing(unseen.map(({ sstable }) => sstable.descriptor))
      this.obsolete(unseen, transaction)
    } catch (error) {
      await transaction.abortLater()
      throw error
    } finally {
      for (const sstable of sstables) sstable.release()
    }
    await transaction.removeLater()
    await this.removed()
  }

  /** The directory of a dropped table goes, unless something is kept in it, or read of it still. */
  removeDirectory(): void {
    const { disk, logger } = this.#ports!
    if (this.#obsolete.size > 0) return
    try {
      removeTableDirectory(disk, this.directory)
    } catch (error) {
      logger.warn(`${this.directory} could not be removed: ${error instanceof Error ? error.message : error}`)
    }
  }

  /**
   * The files of SSTables go when the last read of them ends, as the transaction says, which is committed. To be called
   * while they are held.
   */
  obsolete(sstables: readonly LiveSSTable[], transaction: LogTransaction): void {
    for (const sstable of sstables) {
      this.#obsolete.set(sstable, [...(this.#obsolete.get(sstable) ?? []), transaction])
    }
  }

  /** Where in this node's commit log an SSTable's data was. */
  ownIntervals({ sstable }: LiveSSTable): Statistics['stats']['commitLogIntervals'] {
    const { originatingHostId, commitLogIntervals } = sstable.statistics.stats
    const isOwn = originatingHostId !== null && uuidText(originatingHostId) === this.#listener.hostId()
    return isOwn ? commitLogIntervals : []
  }

  /** Writes go to a fresh memtable from now on; the one before is to be flushed. Null where that is empty. */
  switchMemtable(): Flushing | null {
    if (this.memtable.partitionCount === 0) return null
    const { memtable, dirtySince } = this
    const end = this.#listener.logPosition() ?? NO_POSITION
    const flushing: Flushing = {
      memtable,
      dirtySince,
      start: this.#start,
      end,
      reservedBytes: memtable.slabs.reservedBytes,
    }
    this.#freshMemtable(end)
    this.memtableSwitches++
    this.tracker.switchMemtable(this.memtable)
    this.flushing.push(flushing)
    return flushing
  }

  /** Where in the commit log the memtable begins. It was there before the log, where it is replayed into. */
  get #start(): LogPosition {
    if (this.#memtableStart.segmentId >= 0 || this.dirtySince === CLEAN) return this.#memtableStart
    return { segmentId: this.dirtySince, offset: 0 }
  }

  #freshMemtable(start: LogPosition): void {
    this.memtable = new Memtable(this.table, this.#listener.onReserve, this.#listener.pool)
    this.#memtableStart = start
    this.dirtySince = CLEAN
  }

  /** Everything but `kept` is gone at once, for reads that begin from now on. */
  truncate(kept: readonly LiveSSTable[] = []): void {
    if (this.memtable.partitionCount > 0) this.memtableSwitches++
    this.#freshMemtable(this.#listener.logPosition() ?? NO_POSITION)
    this.flushing.length = 0
    this.tracker.truncate(this.memtable, kept)
  }

  /** The table is no more. */
  drop(): void {
    this.isDropped = true
    this.flushing.length = 0
    this.dirtySince = CLEAN
    this.tracker.close()
  }

  /** Whether a memtable is still the table's: it is not, after a truncation or a drop. */
  holds({ memtable }: Flushing): boolean {
    return this.tracker.view.memtables.includes(memtable)
  }

  /** The least timestamp of what is in memory, microseconds; null where nothing is. */
  get memtableMinTimestamp(): bigint | null {
    let min: bigint | null = null
    for (const { partitionCount, minTimestampHi, minTimestampLo } of this.tracker.view.memtables) {
      if (partitionCount === 0) continue
      const timestamp = (BigInt(minTimestampHi) << 32n) | BigInt(minTimestampLo >>> 0)
      if (min === null || timestamp < min) min = timestamp
    }
    return min
  }

  /** Bytes of all files of SSTables of the table (`SSTableReader.bytesOnDisk`). */
  bytesOnDisk(sstables: readonly LiveSSTable[]): number {
    if (sstables.length === 0) return 0
    const { disk } = this.#ports!
    const names = new Set(sstables.map(({ sstable }) => descriptorName(sstable.descriptor)))
    let bytes = 0
    for (const name of disk.readdirSync(this.directory)) {
      const file = parseFileName(this.directory, name)
      if (file === null || name.endsWith('.tmp') || !names.has(descriptorName(file.descriptor))) continue
      bytes += disk.fileSizeSync(`${this.directory}/${name}`)
    }
    return bytes
  }

  /** Where SSTables from elsewhere are taken. Throws an Error without files. */
  importTarget(): ImportTarget {
    if (this.#ports === null) throw new Error('Data lives in memory alone: there are no SSTables')
    const { disk, timeUuid } = this.#ports
    const { table, directory, generations } = this
    return { disk, table, directory, generations, timeUuid }
  }

  /** Where and how SSTables of the table are to be written, as part of that transaction. */
  target(transaction: string): JobTarget {
    return {
      table: tableParts(this.table),
      directory: this.directory,
      generations: this.generations,
      transaction,
      columnIndexSizeBytes: this.#ports!.columnIndexSizeBytes,
      hostId: this.#listener.hostId(),
    }
  }

  flushJob({ memtable, start, end }: Flushing, transaction: string): FlushJob {
    return {
      ...this.target(transaction),
      kind: 'flush',
      memtable: frozenParts(memtable),
      memtableBytes: memtable.slabs.usedBytes,
      commitLogIntervals: start.segmentId < 0 ? [] : [{ start, end }],
    }
  }
}
