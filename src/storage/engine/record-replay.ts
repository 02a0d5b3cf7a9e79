import { MUTATION_HEADER_WORDS, UPDATE_KEY_WORD } from '../../model/mutation.ts'
import { LIVE_HI, LIVE_LO } from '../../model/read-command.ts'
import type { Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { ColumnFamilyStore } from '../column-family-store.ts'
import {
  applyTranslation,
  RECORD_DESCRIPTOR,
  RECORD_MUTATION,
  RECORD_TRUNCATE,
  type RecordTranslation,
  recordKind,
  type TableDescriptor,
  type Truncation,
} from '../records.ts'
import type { LogPosition } from '../tasks/storage-task.ts'
import { isServersOwn } from './table-stores.ts'

/** How replay finds the table that a record names, as the schema is at that point of the log. */
export interface ReplaySchema {
  /** The table with that id, or null when there is none (any more). */
  table(id: string): TableMetadata | null
  /** Told of each partition that a replayed mutation changed. */
  applied(table: TableMetadata, key: Uint8Array): void
}

/**
 * Which records are applied: all, those of the server's own tables, or the others. Where the schema is in SSTables, each of its
 * tables may be ahead of the log by another piece, so it is brought to the log's end before anything is opened by it.
 */
type ReplayedPart = 'all' | 'own' | 'others'

/** What replay does to the tables. */
export interface ReplayTarget {
  store(handle: number): ColumnFamilyStore | undefined
  truncated(store: ColumnFamilyStore, truncation: Truncation, position: LogPosition): void
}

/**
 * Applies the records of the commit log again, in the order of the log (`CommitLogReplayer`). All of them: that some are
 * in SSTables too does no harm, and what was purged since cannot come back, for its tombstone stands behind it in
 * the log.
 */
export class RecordReplay {
  readonly #target: ReplayTarget
  #isOwnApplied = false
  readonly #translations = new Map<number, Map<number, RecordTranslation | null>>()

  constructor(target: ReplayTarget) {
    this.#target = target
  }

  /** Applies what a record has of the tables `system` and `system_schema`; `apply` passes that over then. */
  applyOwn(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#isOwnApplied = true
    this.#apply(record, position, schema, 'own')
  }

  /** Applies a record that stands at `position`. */
  apply(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#apply(record, position, schema, this.#isOwnApplied ? 'others' : 'all')
  }

  /** What writers called by the same handle is kept apart by segment. */
  #apply(record: Words, position: LogPosition, schema: ReplaySchema, part: ReplayedPart): void {
    switch (recordKind(record)) {
      case RECORD_DESCRIPTOR:
        this.#describe(decodeJson(record) as TableDescriptor, position.segmentId, schema)
        return
      case RECORD_TRUNCATE: {
        if (part === 'own') return
        const truncation = decodeJson(record) as Truncation
        const table = schema.table(truncation.table)
        const store = table === null ? undefined : this.#target.store(table.handle)
        if (store !== undefined) this.#target.truncated(store, truncation, position)
        return
      }
      case RECORD_MUTATION:
        this.#mutation(record, position, schema, part)
    }
  }

  #describe(descriptor: TableDescriptor, segmentId: number, schema: ReplaySchema): void {
    let handles = this.#translations.get(segmentId)
    if (handles === undefined) {
      this.#translations.clear()
      handles = new Map()
      this.#translations.set(segmentId, handles)
    }
    // A table may have been altered since: what a record says is read by the schema of its own time.
    handles.set(descriptor.handle, { descriptor, table: schema.table(descriptor.id) })
  }

  #mutation(record: Words, { segmentId }: LogPosition, schema: ReplaySchema, part: ReplayedPart): void {
    const handles = this.#translations.get(segmentId)
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < (record.i32[1]! & 0xffffff); i++) {
      const next = at + (record.i32[at]! >>> 2)
      const handle = record.i32[at + 1]!
      const translation = handles?.get(handle)
      // A segment describes each table before the first record of it.
      if (translation == null) {
        throw new Error(`Segment ${segmentId} of the commit log does not say what table ${handle} is`)
      }
      const { table } = translation
      const isApplied = table !== null && (part === 'all' || isServersOwn(table) === (part === 'own'))
      const store = isApplied ? this.#target.store(table.handle) : undefined
      if (table !== null && store !== undefined) {
        const key = (at + UPDATE_KEY_WORD) << 2
        const length = record.i32[at + 4]!
        const translated = applyTranslation(record, at, translation.descriptor, table)
        store.memtable.apply(translated.words, translated.at)
        // Nobody looks for the least of its timestamps.
        store.memtable.noteTimestamp(LIVE_HI, LIVE_LO)
        if (segmentId < store.dirtySince) store.dirtySince = segmentId
        schema.applied(table, record.u8.subarray(key, key + length))
      }
      at = next
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
