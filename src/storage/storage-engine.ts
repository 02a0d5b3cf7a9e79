import { OverloadedError } from '../common/errors.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import { MUTATION_HEADER_WORDS, UPDATE_KEY_WORD } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { Memtable } from './memtable/memtable.ts'
import { MemtableReader } from './memtable/memtable-reader.ts'
import {
  applyTranslation,
  describeTable,
  encodeJsonRecord,
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
  /** Hands what was appended to the operating system; a promise where an fsync has to be waited for. */
  flush(): Promise<void> | null
}

/** Settings of the engine, by cassandra.yaml's names where it has them. */
export interface StorageConfig {
  /** Bytes that all memtables may take together: memtable_offheap_space. */
  readonly memtableSpaceBytes: number
  /** Bytes of one mutation: max_mutation_size. */
  readonly maxMutationSizeBytes: number
}

/** How replay finds the table that a record names, as the schema is at that point of the log. */
export interface ReplaySchema {
  /** The table with that id, or null when there is none (any more). */
  table(id: string): TableMetadata | null
  /** Told of each partition that a replayed mutation changed. */
  applied(table: TableMetadata, key: Uint8Array): void
}

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
  }

  /** From now on mutations are logged before they are applied. Without a log, data lives in memory only. */
  useLog(log: MutationLog): void {
    this.#log = log
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
    if (this.#log !== null) this.#append(this.#log, mutation, size)
    this.#applyUpdates(mutation)
  }

  /**
   * Near the limit: memory is counted in slabs, so what fits into blocks that are free already is still let in when
   * it only overwrites. Deletions and overwrites of a full table must stay possible; what adds is refused.
   */
  #checkSpace(mutation: Words, size: number): void {
    const handle = mutation.i32[MUTATION_HEADER_WORDS + 1]!
    const slabs = this.#memtables.get(handle)?.slabs
    if (slabs !== undefined && slabs.reservedBytes - slabs.usedBytes > size * 4 + 4096) return
    throw new OverloadedError(
      `Memtables hold ${this.#reservedBytes} bytes, the limit is ${this.#config.memtableSpaceBytes} bytes`,
    )
  }

  #append(log: MutationLog, mutation: MutationBuilder, size: number): void {
    log.reserve(size)
    if (log.segmentId !== this.#describedSegment) {
      this.#described.clear()
      this.#describedSegment = log.segmentId
    }
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      const handle = mutation.i32[at + 1]!
      const table = this.#memtable(handle).table
      if (this.#described.get(handle) !== table) {
        const record = encodeJsonRecord(RECORD_DESCRIPTOR, describeTable(table))
        log.reserve(record.length + size + 64)
        if (log.segmentId !== this.#describedSegment) {
          this.#append(log, mutation, size)
          return
        }
        log.append(record, 0, record.length)
        this.#described.set(handle, table)
      }
      at += mutation.i32[at]! >>> 2
    }
    log.append(mutation.u8, 0, size)
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
    if (this.#log !== null) {
      const record = encodeJsonRecord(RECORD_TRUNCATE, { table: table.id })
      this.#log.reserve(record.length)
      this.#log.append(record, 0, record.length)
    }
    this.#memtable(table.handle).clear()
  }

  /** Makes what was applied durable: at once (null), or when the promise resolves. */
  flush(): Promise<void> | null {
    return this.#log === null ? null : this.#log.flush()
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
          if (translation?.table != null) {
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
