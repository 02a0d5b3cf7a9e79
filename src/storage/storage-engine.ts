import { OverloadedError } from '../common/errors.ts'
import type { Clock } from '../io/clock.ts'
import type { Timers } from '../io/timers.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import { MUTATION_HEADER_WORDS, UPDATE_KEY_WORD } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CommitLogLogger, CommitLogSnapshot } from './commitlog/commit-log.ts'
import { CommitLogFailedError, MutationTooLargeError } from './commitlog/errors.ts'
import { LogCompaction } from './log-compaction.ts'
import { Memtable } from './memtable/memtable.ts'
import { MemtableReader } from './memtable/memtable-reader.ts'
import {
  applyTranslation,
  describeTable,
  encodeJsonRecord,
  onlyDeletes,
  RECORD_DESCRIPTOR,
  RECORD_MUTATION,
  RECORD_TRUNCATE,
  type RecordTranslation,
  recordKind,
  type TableDescriptor,
} from './records.ts'

/** What the engine needs of the commit log. */
export interface MutationLog {
  /** Segment that the next record will go to; moves on with `reserve`. */
  readonly segmentId: number
  /** Makes sure that a record of this payload will go to the segment that `segmentId` then names. */
  reserve(payloadLength: number): void
  append(buffer: Uint8Array, offset: number, length: number): void
  /** The same for a record that is `length` bytes of words. */
  appendWords(words: Int32Array, length: number): void
  /** Hands what was appended to the operating system; a promise where an fsync has to be waited for. */
  flush(): Promise<void> | null
  /** Why nothing can be appended any more. */
  readonly failure: Error | undefined
  /** Bytes of all segments. */
  readonly sizeBytes: number
  /** Begins to replace all that the log holds by what is appended from here on; see CommitLog. */
  beginSnapshot(): CommitLogSnapshot
}

/** What the engine needs to write its log anew in the background. */
export interface CompactionPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly logger?: CommitLogLogger
}

/** Settings of the engine, by cassandra.yaml's names where it has them. */
export interface StorageConfig {
  /** Bytes that all memtables may take together: memtable_offheap_space. */
  readonly memtableSpaceBytes: number
  /** Bytes of one mutation: max_mutation_size. */
  readonly maxMutationSizeBytes: number
  /** Bytes of the commit log beyond which it is written anew: commitlog_total_space. Default 1 GiB. */
  readonly commitLogTotalSpaceBytes?: number
}

export const DEFAULT_COMMIT_LOG_TOTAL_SPACE = 1024 * 1024 * 1024

/** How replay finds the table that a record names, as the schema is at that point of the log. */
export interface ReplaySchema {
  /** The table with that id, or null when there is none (any more). */
  table(id: string): TableMetadata | null
  /** Told of each partition that a replayed mutation changed. */
  applied(table: TableMetadata, key: Uint8Array): void
}

/** A table, and the record that describes it. */
interface Described {
  readonly table: TableMetadata
  readonly record: Uint8Array
}

/** What of the memory beyond the limit is kept for deletions, at least. */
const SPACE_RESERVE_BYTES = 4 * 1024 * 1024

const NONE: readonly Described[] = []
/** More than an entry's header in the log. */
const ENTRY_OVERHEAD_BYTES = 64

/** Figures of one table's memtable. */
export interface TableStatistics {
  readonly partitions: number
  readonly reservedBytes: number
  readonly usedBytes: number
}

/**
 * The storage engine of one node: it applies mutations to commit log and memtables, and reads
 * (`Keyspace.apply`, `ReadCommand.executeLocally`). All of it is synchronous but the wait for an fsync.
 */
export class StorageEngine {
  readonly #memtables = new Map<number, Memtable>()
  readonly #config: StorageConfig
  #log: MutationLog | null = null
  #ports: CompactionPorts | null = null
  #compaction: LogCompaction | null = null
  #compacted: Promise<void> = Promise.resolve()
  /** The log is looked at when it comes to a new segment, and let be up to this size after a failed compaction. */
  #checkedSegment = -1
  #compactAboveBytes: number
  /** Something was appended since the last flush; and why some of that is lost. */
  #hasUnflushed = false
  #appendFailure: CommitLogFailedError | null = null
  #reservedBytes = 0
  /** Table version described in the current segment, by table handle. */
  readonly #described = new Map<number, TableMetadata>()
  #describedSegment = -1
  readonly #freeReaders: MemtableReader[] = []
  readonly #onReserve = (bytes: number): void => {
    this.#reservedBytes += bytes
  }

  constructor(config: StorageConfig) {
    this.#config = config
    this.#compactAboveBytes = config.commitLogTotalSpaceBytes ?? DEFAULT_COMMIT_LOG_TOTAL_SPACE
  }

  /**
   * From now on mutations are logged before they are applied. Without a log, data lives in memory only. With ports, a
   * log that has outgrown the data is written anew in the background.
   */
  useLog(log: MutationLog, ports: CompactionPorts | null = null): void {
    this.#log = log
    this.#ports = ports
  }

  /** Ends what the engine does in the background. To be called before the log is closed. */
  async close(): Promise<void> {
    this.#ports = null
    this.#compaction?.stop()
    await this.#compacted
  }

  /** Whether the log is being written anew. */
  get isCompacting(): boolean {
    return this.#compaction !== null
  }

  /** Whether mutations are logged before they are applied. */
  get isLogged(): boolean {
    return this.#log !== null
  }

  /** Bytes that the memtables have taken from the system. */
  get reservedBytes(): number {
    return this.#reservedBytes
  }

  /** Makes a table known, or a new version of its metadata. */
  setTable(table: TableMetadata): void {
    const memtable = this.#memtables.get(table.handle)
    if (memtable === undefined) this.#memtables.set(table.handle, new Memtable(table, this.#onReserve))
    else memtable.setTable(table)
  }

  /** Forgets a dropped table and its data. */
  dropTable(handle: number): void {
    this.#memtables.get(handle)?.clear()
    this.#memtables.delete(handle)
    this.#described.delete(handle)
  }

  /** Tables that the engine holds. */
  get tables(): readonly TableMetadata[] {
    return [...this.#memtables.values()].map((memtable) => memtable.table)
  }

  statistics(table: TableMetadata): TableStatistics {
    const memtable = this.#memtable(table.handle)
    return {
      partitions: memtable.partitionCount,
      reservedBytes: memtable.slabs.reservedBytes,
      usedBytes: memtable.slabs.usedBytes,
    }
  }

  /**
   * Logs and applies a finished mutation. It is durable once `flush` says so. Throws an OverloadedError over the
   * memory limit; nothing is applied then. The caller has checked the size against max_mutation_size.
   */
  apply(mutation: MutationBuilder): void {
    const size = mutation.finish()
    if (this.#reservedBytes + size > this.#config.memtableSpaceBytes) this.#checkSpace(mutation, size)
    if (this.#log !== null) {
      if (this.#compaction?.isInSchema === true && this.#changesSchema(mutation))
        this.#compaction.finishSchema()
      this.#append(this.#log, mutation, size)
    }
    this.#applyUpdates(mutation)
  }

  #changesSchema(mutation: Words): boolean {
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      if (this.#memtable(mutation.i32[at + 1]!).table.keyspace === 'system_schema') return true
      at += mutation.i32[at]! >>> 2
    }
    return false
  }

  /**
   * Near the limit memory is counted in slabs: what fits into blocks that are free already is let in. So are
   * deletions, and what the server writes for itself, or a full table could not be emptied; for them, and for blocks
   * that are free but of the wrong size, there is some room above the limit.
   */
  #checkSpace(mutation: Words, size: number): void {
    const limit = this.#config.memtableSpaceBytes
    const { table, slabs } = this.#memtable(mutation.i32[MUTATION_HEADER_WORDS + 1]!)
    if (table.keyspace === 'system' || table.keyspace === 'system_schema') return
    const over = this.#reservedBytes + size - limit
    const reserve = Math.max(limit / 8, SPACE_RESERVE_BYTES)
    if (over <= reserve && onlyDeletes(mutation)) return
    // Deletions need what is left then.
    if (over <= reserve / 4 && slabs.reservedBytes - slabs.usedBytes > size * 4 + 4096) return
    throw new OverloadedError(
      `Too much data in memtables: ${this.#reservedBytes} of ${limit} bytes are in use (memtable_offheap_space). Rows have to be deleted, or tables truncated, before more is written`,
    )
  }

  /** Appends a finished mutation, and in front of it what says which tables and columns it means. */
  #append(log: MutationLog, mutation: MutationBuilder, size: number): void {
    if (size > this.#config.maxMutationSizeBytes) {
      throw new MutationTooLargeError(size, this.#config.maxMutationSizeBytes)
    }
    if (log.failure !== undefined) throw log.failure
    this.#hasUnflushed = true
    try {
      const descriptors = this.#reserve(log, mutation, size)
      for (const { table, record } of descriptors) {
        log.append(record, 0, record.length)
        this.#described.set(table.handle, table)
      }
      log.appendWords(mutation.i32, size)
    } catch (error) {
      // With commit_failure_policy ignore the log goes on, but what this turn has appended before may be lost.
      if (error instanceof CommitLogFailedError) this.#appendFailure ??= error
      throw error
    }
  }

  /** Makes room in one segment for a mutation and the descriptors that it needs there; returns those. */
  #reserve(log: MutationLog, mutation: Words, size: number): readonly Described[] {
    for (;;) {
      const segment = log.segmentId
      if (segment !== this.#describedSegment) {
        this.#described.clear()
        this.#describedSegment = segment
      }
      const missing = this.#undescribed(mutation)
      let bytes = size
      for (const { record } of missing) bytes += record.length + ENTRY_OVERHEAD_BYTES
      const limit = 2 * this.#config.maxMutationSizeBytes
      if (bytes > limit) throw new MutationTooLargeError(bytes, limit)
      log.reserve(bytes)
      if (log.segmentId === segment) return missing
    }
  }

  #undescribed(mutation: Words): readonly Described[] {
    let missing: Described[] | null = null
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      const { table } = this.#memtable(mutation.i32[at + 1]!)
      at += mutation.i32[at]! >>> 2
      if (this.#described.get(table.handle) === table) continue
      if (missing?.some((described) => described.table === table)) continue
      missing ??= []
      missing.push({ table, record: encodeJsonRecord(RECORD_DESCRIPTOR, describeTable(table)) })
    }
    return missing ?? NONE
  }

  #applyUpdates(mutation: Words): void {
    const count = mutation.i32[1]!
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < count; i++) {
      this.#memtable(mutation.i32[at + 1]!).apply(mutation, at)
      at += mutation.i32[at]! >>> 2
    }
  }

  #memtable(handle: number): Memtable {
    const memtable = this.#memtables.get(handle)
    if (memtable === undefined) throw new Error(`no table with handle ${handle}`)
    return memtable
  }

  /** Removes all rows of a table, durably with the next `flush`. */
  truncate(table: TableMetadata): void {
    const memtable = this.#memtable(table.handle)
    if (this.#log !== null) {
      const record = encodeJsonRecord(RECORD_TRUNCATE, { table: table.id })
      if (this.#log.failure !== undefined) throw this.#log.failure
      this.#hasUnflushed = true
      try {
        this.#log.append(record, 0, record.length)
      } catch (error) {
        if (error instanceof CommitLogFailedError) this.#appendFailure ??= error
        throw error
      }
    }
    memtable.clear()
  }

  /**
   * Makes what was applied durable: at once (null), or when the promise resolves. Throws, or rejects, when the commit
   * log failed: none of what was applied since the last call may be acknowledged then. Where nothing was, nothing is
   * lost, and reads go on with a failed log.
   */
  flush(): Promise<void> | null {
    const log = this.#log
    if (log === null) return null
    const hasUnflushed = this.#hasUnflushed
    const appendFailure = this.#appendFailure
    this.#hasUnflushed = false
    this.#appendFailure = null
    if (!hasUnflushed && log.failure !== undefined) return null
    const flushed = log.flush()
    if (appendFailure !== null) {
      flushed?.catch(() => undefined)
      throw appendFailure
    }
    if (log.segmentId !== this.#checkedSegment) this.#considerCompaction(log)
    return flushed
  }

  /** Writes the log anew if it has grown over its limit, and would become half as big at least. */
  #considerCompaction(log: MutationLog): void {
    this.#checkedSegment = log.segmentId
    const ports = this.#ports
    if (ports === null || this.#compaction !== null || log.failure !== undefined) return
    const before = log.sizeBytes
    if (before <= this.#compactAboveBytes) return
    let liveBytes = 0
    for (const { slabs } of this.#memtables.values()) liveBytes += slabs.usedBytes
    if (before < 2 * liveBytes) return
    const compaction = new LogCompaction({
      clock: ports.clock,
      timers: ports.timers,
      memtables: this.#memtables.values(),
      maxMutationSizeBytes: this.#config.maxMutationSizeBytes,
      beginSnapshot: () => log.beginSnapshot(),
      append: (mutation) => this.#append(log, mutation, mutation.finish()),
      onSchemaWritten: () => this.#described.clear(),
    })
    this.#compaction = compaction
    this.#compacted = compaction.run().then(
      (isComplete) => {
        this.#compaction = null
        if (!isComplete) return
        this.#compactAboveBytes = this.#config.commitLogTotalSpaceBytes ?? DEFAULT_COMMIT_LOG_TOTAL_SPACE
        ports.logger?.info(`The commit log was written anew: ${before} bytes before, ${log.sizeBytes} after`)
        // What was written meanwhile may be too much again.
        this.#considerCompaction(log)
      },
      (error: unknown) => {
        this.#compaction = null
        this.#compactAboveBytes = 2 * before
        const text = error instanceof Error ? error.message : String(error)
        ports.logger?.warn(`The commit log could not be written anew: ${text}`)
      },
    )
  }

  /** A reader over what the command asks for. To be closed when done with. */
  read(command: ReadCommand): PartitionReader {
    const reader = this.#freeReaders.pop() ?? new MemtableReader((done) => this.#freeReaders.push(done))
    reader.open(this.#memtable(command.table.handle), command)
    return reader
  }

  readonly #translations = new Map<string, Map<number, RecordTranslation | null>>()

  /**
   * Applies a record of the commit log that was written before. Records come in the order of the log; `scope` keeps
   * apart what different writers called by the same handle (a segment each).
   */
  replay(record: Words, scope: string, schema: ReplaySchema): 'applied' | 'skipped' {
    switch (recordKind(record)) {
      case RECORD_DESCRIPTOR: {
        const descriptor = decodeJson(record) as TableDescriptor
        let handles = this.#translations.get(scope)
        if (handles === undefined) {
          this.#translations.clear()
          handles = new Map()
          this.#translations.set(scope, handles)
        }
        // A table may have been altered since: what a record says is read by the schema of its own time.
        handles.set(descriptor.handle, { descriptor, table: schema.table(descriptor.id) })
        return 'applied'
      }
      case RECORD_TRUNCATE: {
        const { table } = decodeJson(record) as { readonly table: string }
        const found = schema.table(table)
        if (found !== null) this.#memtable(found.handle).clear()
        return found === null ? 'skipped' : 'applied'
      }
      case RECORD_MUTATION: {
        const handles = this.#translations.get(scope)
        let at = MUTATION_HEADER_WORDS
        let applied = false
        for (let i = 0; i < (record.i32[1]! & 0xffffff); i++) {
          const next = at + (record.i32[at]! >>> 2)
          const translation = handles?.get(record.i32[at + 1]!)
          // A segment describes each table before the first record of it.
          if (translation == null)
            throw new Error(
              `Segment ${scope} of the commit log does not say what table ${record.i32[at + 1]} is`,
            )
          if (translation.table !== null) {
            const { table } = translation
            const memtable = this.#memtables.get(table.handle)
            if (memtable !== undefined) {
              const key = (at + UPDATE_KEY_WORD) << 2
              const length = record.i32[at + 4]!
              const translated = applyTranslation(record, at, translation.descriptor, table)
              memtable.apply(translated.words, translated.at)
              schema.applied(table, record.u8.subarray(key, key + length))
              applied = true
            }
          }
          at = next
        }
        return applied ? 'applied' : 'skipped'
      }
      default:
        return 'skipped'
    }
  }
}

function decodeJson(record: Words): unknown {
  const size = record.i32[0]!
  return JSON.parse(
    Buffer.from(record.u8.buffer, record.u8.byteOffset + 8, size - 8)
      .toString('utf8')
      .trimEnd(),
  )
}
