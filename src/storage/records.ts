import { countsAt, rowsAt, updatesAt } from '../model/mutation.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_TOMBSTONE,
  cellsAt,
  endOfCell,
  ROW_HAS_LIVENESS,
  type Words,
} from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'

/**
 * Records of the commit log. The second word of each holds its kind in the high byte:
 *
 * - mutation (0): as `MutationBuilder` makes it. It names tables by handle and columns by id, which mean something only
 *   to the process that wrote it.
 * - descriptor (1): JSON that says what a handle and its column ids are. It stands in each segment before the first
 *   mutation of a table, and again after the table was altered.
 * - truncate (2): JSON with the id of a table, whose rows so far are gone, and the ids of its SSTables then.
 */
export const RECORD_MUTATION = 0
export const RECORD_DESCRIPTOR = 1
export const RECORD_TRUNCATE = 2

export interface TableDescriptor {
  readonly handle: number
  readonly id: string
  readonly keyspace: string
  readonly table: string
  /** Static and regular columns: id and name. */
  readonly columns: readonly (readonly [id: number, name: string])[]
}

/** What a truncate record says. */
export interface Truncation {
  /** UUID of the table, as text. */
  readonly table: string
  /** The SSTables that it had. */
  readonly sstables?: readonly string[]
}

/** A descriptor that was read, with the table it means, or null when that is gone. */
export interface RecordTranslation {
  readonly descriptor: TableDescriptor
  readonly table: TableMetadata | null
}

export function recordKind(record: Words): number {
  return record.i32[1]! >>> 24
}

export function describeTable(table: TableMetadata): TableDescriptor {
  return {
    handle: table.handle,
    id: table.id,
    keyspace: table.keyspace,
    table: table.name,
    columns: [...table.statics, ...table.regulars].map((column) => [column.id, column.name] as const),
  }
}

/** Whether a mutation adds no data, only deletes. */
export function onlyDeletes(mutation: Words): boolean {
  const I = mutation.i32
  for (const at of updatesAt(mutation)) {
    const counts = countsAt(I, at)
    let row = rowsAt(I, counts)
    for (let rows = I[counts + 1]!; rows > 0; rows--) {
      const end = row + (I[row]! >>> 2)
      if (I[row + 1]! & ROW_HAS_LIVENESS) return false
      for (let p = cellsAt(I, row); p < end; p = endOfCell(I, p)) {
        if ((I[p]! & (CELL_TOMBSTONE | CELL_COMPLEX_DELETION)) === 0) return false
      }
      row = end
    }
  }
  return true
}

/** A JSON record: size and kind words, then the text padded with spaces to whole words. */
export function encodeJsonRecord(kind: number, value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value), 'utf8')
  const size = 8 + ((text.length + 3) & ~3)
  const record = new Uint8Array(size).fill(0x20)
  const words = new Int32Array(record.buffer, 0, 2)
  words[0] = size
  words[1] = kind << 24
  record.set(text, 8)
  return record
}

/**
 * The update at word `at` of a replayed record in terms of the table as it is now: its handle, its column ids.
 * Cells of columns that are no more are left out. The result is the record itself, changed, or a copy.
 */
export function applyTranslation(
  record: Words,
  at: number,
  descriptor: TableDescriptor,
  table: TableMetadata,
): { words: Words; at: number } {
  record.i32[at + 1] = table.handle
  const ids = columnIds(descriptor, table)
  if (ids === null) return { words: record, at }
  const size = record.i32[at]! >>> 2
  const out = new Int32Array(size)
  const I = record.i32
  const counts = countsAt(I, at)
  let from = rowsAt(I, counts)
  let to = from - at
  out.set(I.subarray(at, from))
  for (let rows = I[counts + 1]!; rows > 0; rows--) {
    const end = from + (I[from]! >>> 2)
    const rowTo = to
    let p = cellsAt(I, from)
    out.set(I.subarray(from, p), to)
    to += p - from
    const kept: { id: number; start: number; end: number }[] = []
    while (p < end) {
      const next = endOfCell(I, p)
      const id = ids[I[p]! & 0xffff]!
      if (id >= 0) kept.push({ id, start: p, end: next })
      p = next
    }
    // Cells are ordered by id, and ids may have changed places; the order within a column stays.
    kept.sort((a, b) => a.id - b.id || a.start - b.start)
    for (const cell of kept) {
      out.set(I.subarray(cell.start, cell.end), to)
      out[to] = (I[cell.start]! & ~0xffff) | cell.id
      to += cell.end - cell.start
    }
    out[rowTo] = (to - rowTo) << 2
    out[rowTo + 2] = kept.length
    from = end
  }
  const end = at + size
  out.set(I.subarray(from, end), to)
  to += end - from
  out[0] = to << 2
  return { words: { i32: out, u8: new Uint8Array(out.buffer) }, at: 0 }
}

const translations = new WeakMap<TableDescriptor, { table: TableMetadata; ids: number[] | null }>()

/** Ids now by ids then (-1: gone), or null when they are the same. */
function columnIds(descriptor: TableDescriptor, table: TableMetadata): number[] | null {
  const known = translations.get(descriptor)
  if (known !== undefined && known.table === table) return known.ids
  let same = true
  const ids: number[] = []
  for (const [id, name] of descriptor.columns) {
    const column = table.columns.get(name)
    const now =
      column !== undefined && (column.kind === 'static' || column.kind === 'regular') ? column.id : -1
    ids[id] = now
    if (now !== id) same = false
  }
  translations.set(descriptor, { table, ids: same ? null : ids })
  return same ? null : ids
}
