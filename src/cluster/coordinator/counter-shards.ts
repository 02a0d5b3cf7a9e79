import { readClustering } from '../../model/clustering.ts'
import { counterContext, counterShard } from '../../model/counter-context.ts'
import { LiveRow } from '../../model/live-row.ts'
import {
  MUTATION_HEADER_WORDS,
  MutationBuilder,
  UPDATE_HAS_DELETION,
  UPDATE_KEY_WORD,
} from '../../model/mutation.ts'
import { FULL_RING } from '../../model/read-command.ts'
import {
  CELL_MAY_BE_DEAD,
  CellReader,
  cellsAt,
  clusteringAt,
  ROW_HAS_LIVENESS,
  ROW_HEADER_WORDS,
  ROW_STATIC,
  type Words,
  wordsOf,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import { applyHere, type LocalWriteParts } from '../replica/replica-metrics.ts'

/** A cell of a mutation that adds to a counter has what is added as its value; one that has shards is longer. */
export const DELTA_BYTES = 8

export interface CounterParts extends LocalWriteParts {
  readonly engine: StorageEngine
  /** 16 bytes that name this node's shards. */
  readonly counterId: Uint8Array
}

/**
 * Turns what is to be added to counters into this node's shards: the sums of what it has and what is added, with greater clocks
 * (`CounterMutation.applyCounterMutation`). What this node reads and writes is done in one turn, so that nothing comes between.
 */
export class CounterShards {
  readonly #parts: CounterParts
  readonly #counterId: Uint8Array
  readonly #tableOf: (handle: number) => TableMetadata
  readonly #one = new MutationBuilder(1 << 12)
  readonly #live = new LiveRow()
  readonly #cell = new CellReader()
  #row = new Int32Array(256)

  constructor(parts: CounterParts, tableOf: (handle: number) => TableMetadata) {
    this.#parts = parts
    this.#counterId = parts.counterId
    this.#tableOf = tableOf
  }

  /**
   * Applies the updates at those words of a mutation to this node, one after another, and adds to `out` what was written: for
   * the other replicas. Throws what applying throws.
   */
  apply(mutation: Words, updates: readonly number[], nowMicros: number, out: MutationBuilder): void {
    for (const at of updates) {
      this.#one.begin()
      this.#writeUpdate(mutation, at, nowMicros)
      this.#one.finish()
      applyHere(this.#parts, this.#one)
      out.copyUpdate(this.#one, MUTATION_HEADER_WORDS)
    }
  }

  #writeUpdate(source: Words, at: number, nowMicros: number): void {
    const { i32, u8 } = source
    const table = this.#tableOf(i32[at + 1]!)
    const keyLength = i32[at + 4]!
    const key = u8.slice((at + UPDATE_KEY_WORD) << 2, ((at + UPDATE_KEY_WORD) << 2) + keyLength)
    const out = this.#one
    out.beginUpdate(table.handle, i32[at + 2]!, i32[at + 3]!, key, 0, keyLength)
    let p = at + UPDATE_KEY_WORD + wordsOf(keyLength)
    const [flags, rows, tombstones] = [i32[p]!, i32[p + 1]!, i32[p + 2]!]
    p += 3
    if (flags & UPDATE_HAS_DELETION) {
      out.partitionDeletion(i32[p]!, i32[p + 1]!, i32[p + 2]!)
      p += 3
    }
    for (let i = 0; i < rows; i++) {
      this.#writeRow(source, p, table, { key, tokenHi: i32[at + 2]!, tokenLo: i32[at + 3]! }, nowMicros)
      p += i32[p]! >>> 2
    }
    for (let i = 0; i < tombstones; i++) {
      out.copyRangeTombstone(source, p)
      p += i32[p]! >>> 2
    }
    out.endUpdate()
  }

  #writeRow(
    source: Words,
    at: number,
    table: TableMetadata,
    key: { readonly key: Uint8Array; readonly tokenHi: number; readonly tokenLo: number },
    nowMicros: number,
  ): void {
    const { i32, u8 } = source
    const end = at + (i32[at]! >>> 2)
    const head = cellsAt(i32, at) - at
    const flags = i32[at + 1]!
    const [rowHi, rowLo] =
      flags & ROW_HAS_LIVENESS ? [i32[at + ROW_HEADER_WORDS]!, i32[at + ROW_HEADER_WORDS + 1]!] : [0, 0]
    const current = this.#find(source, at, table, key)
    let to = this.#copy(i32, at, at + head, 0)
    const cell = this.#cell
    for (let p = at + head; p < end; p = cell.next) {
      cell.read(i32, p, rowHi, rowLo)
      const column = table.columnsById[cell.columnId]
      const isDelta =
        column !== undefined &&
        column.type.kind === 'counter' &&
        (cell.flags & CELL_MAY_BE_DEAD) === 0 &&
        cell.valueLength === DELTA_BYTES
      if (!isDelta) {
        to = this.#copy(i32, p, cell.next, to)
        continue
      }
      const delta = new DataView(u8.buffer, u8.byteOffset + cell.valueOffset, DELTA_BYTES).getBigInt64(0)
      const existing = current?.get(column.id) ?? null
      const shard = existing === null ? null : counterShard(existing, this.#counterId)
      const clock = shard === null || shard.clock < nowMicros ? BigInt(nowMicros) : shard.clock + 1n
      const count = BigInt.asIntN(64, (shard?.count ?? 0n) + delta)
      const value = counterContext(this.#counterId, clock, count)
      // What is in front of the value stays as it is, but for its length.
      const valueAt = cell.valueOffset >>> 2
      const cellTo = to
      to = this.#copy(i32, p, valueAt, to)
      this.#row[cellTo + 1] = value.length
      to = this.#append(value, to)
    }
    this.#row[0] = to << 2
    this.#one.copyRow({ i32: this.#row, u8: new Uint8Array(this.#row.buffer) }, 0)
  }

  /** The row as this node has it, or null. */
  #find(
    source: Words,
    at: number,
    table: TableMetadata,
    key: { readonly key: Uint8Array; readonly tokenHi: number; readonly tokenLo: number },
  ): ReadonlyMap<number, Uint8Array | null> | null {
    const isStatic = (source.i32[at + 1]! & ROW_STATIC) !== 0
    const components = isStatic
      ? []
      : readClustering(source, clusteringAt(source.i32, at), table.clusterings.length)
    const slices = isStatic
      ? []
      : [{ start: { components, side: 0 as const }, end: { components, side: 1 as const } }]
    const reader = this.#parts.engine.read({ table, keys: [key], range: FULL_RING, slices, reversed: false })
    try {
      if (!reader.nextPartition()) return null
      if (!(isStatic ? reader.staticRow() : reader.nextRow())) return null
      const live = this.#live
      live.dropTimes = table.dropTimes
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, 0)
      const columns = isStatic ? table.statics : table.regulars
      return new Map(columns.map(({ id }) => [id, live.copySimple(id)]))
    } finally {
      reader.close()
    }
  }

  #copy(i32: Int32Array, from: number, end: number, to: number): number {
    this.#reserve(to + end - from)
    this.#row.set(i32.subarray(from, end), to)
    return to + end - from
  }

  #append(bytes: Uint8Array, to: number): number {
    const end = to + wordsOf(bytes.length)
    this.#reserve(end)
    this.#row[end - 1] = 0
    new Uint8Array(this.#row.buffer).set(bytes, to << 2)
    return end
  }

  #reserve(words: number): void {
    if (words <= this.#row.length) return
    const grown = new Int32Array(words * 2)
    grown.set(this.#row)
    this.#row = grown
  }
}
