import { expect, test } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { int32Bytes, toHex, utf8Bytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { ALL_ROWS } from '../../model/clustering.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../../model/mutation.ts'
import { FULL_RING } from '../../model/read-command.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_STATIC,
  RowHeader,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { alterTable, createTableMetadata } from '../../schema/index.ts'
import { mapType, native } from '../../types/index.ts'
import { Memtable } from './memtable.ts'
import { MemtableReader } from './memtable-reader.ts'
import { MemtableWalk } from './memtable-walk.ts'

const MAP = mapType(native.int, native.blob, true)
const EMPTY = new Uint8Array(0)

function makeTable(isWide: boolean): TableMetadata {
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    columns: [
      { name: 'p', kind: 'partition_key', type: native.int },
      ...(isWide
        ? ([
            { name: 'c', kind: 'clustering', type: native.int },
            { name: 'd', kind: 'clustering', type: native.text },
            { name: 's', kind: 'static', type: native.blob },
          ] as const)
        : []),
      { name: 'm', kind: 'regular', type: MAP },
      { name: 'v', kind: 'regular', type: native.blob },
      { name: 'w', kind: 'regular', type: native.blob },
    ],
  })
}

/** Random mutations of one table: few keys, few timestamps, so that all meets all. */
class Writes {
  readonly random: SimRandom
  readonly mutation = new MutationBuilder()
  table: TableMetadata
  readonly #token = new Int32Array(2)
  readonly #valueBytes: number

  constructor(random: SimRandom, table: TableMetadata) {
    this.random = random
    this.table = table
    this.#valueBytes = random.pick([4, 40, 400])
  }

  next(): MutationBuilder {
    const { random, mutation } = this
    mutation.begin()
    const key = int32Bytes(random.below(12))
    murmur3Token(key, 0, 4, this.#token)
    mutation.beginUpdate(this.table.handle, this.#token[0]!, this.#token[1]!, key, 0, 4)
    if (random.chance(0.03)) mutation.partitionDeletion(0, this.#timestamp(), 7)
    const isWide = this.table.clusterings.length > 0
    if (isWide && random.chance(0.2)) this.#row(true)
    const rows = random.below(3)
    for (let i = 0; i < rows; i++) this.#row(false)
    if (isWide && random.chance(0.15)) {
      const from = random.below(8)
      mutation.beginRangeTombstone(0, this.#timestamp(), 7)
      mutation.bound([int32Bytes(from)], random.chance(0.5) ? 0 : 1)
      mutation.bound([int32Bytes(from + random.below(3))], random.chance(0.5) ? 0 : 1)
      mutation.endRangeTombstone()
    }
    mutation.endUpdate()
    mutation.finish()
    return mutation
  }

  #timestamp(): number {
    return 1 + this.random.below(30)
  }

  #row(isStatic: boolean): void {
    const { random, mutation, table } = this
    let flags = isStatic ? ROW_STATIC : 0
    if (!isStatic && random.chance(0.5)) flags |= ROW_HAS_LIVENESS
    if (!isStatic && random.chance(0.1)) flags |= ROW_HAS_DELETION
    const timestamp = this.#timestamp()
    mutation.beginRow(flags, 0, timestamp, 0, 0, 0, this.#timestamp(), 7)
    if (!isStatic && table.clusterings.length > 0) {
      mutation.clustering(int32Bytes(random.below(8)), 0, 4)
      const text = utf8Bytes('ab'.slice(0, random.below(3)))
      mutation.clustering(text, 0, text.length)
    }
    mutation.endClustering()
    for (const column of (isStatic ? table.statics : table.regulars).toSorted((a, b) => a.id - b.id)) {
      if (random.chance(0.4)) continue
      if (column.type !== MAP) {
        this.#cell(column.id, random.chance(0.5) ? timestamp : this.#timestamp(), null)
        continue
      }
      if (random.chance(0.2)) {
        const at = this.#timestamp()
        mutation.cell(column.id, CELL_COMPLEX_DELETION, 0, at, 0, 7, EMPTY, 0, -1, EMPTY, 0, 0)
      }
      for (let path = 0; path < 12; path++) {
        if (random.chance(0.4)) this.#cell(column.id, timestamp, int32Bytes(path))
      }
    }
    mutation.endRow()
  }

  #cell(id: number, timestamp: number, path: Uint8Array | null): void {
    const { random, mutation } = this
    const flags = random.pick([0, 0, 0, CELL_TOMBSTONE, CELL_EXPIRES])
    const value = new Uint8Array(flags === CELL_TOMBSTONE ? 0 : random.below(this.#valueBytes)).fill(
      timestamp,
    )
    const bytes = path ?? EMPTY
    mutation.cell(
      id,
      flags,
      0,
      timestamp,
      flags === CELL_EXPIRES ? 60 : 0,
      flags === 0 ? 0 : 7,
      bytes,
      0,
      path === null ? -1 : 4,
      value,
      0,
      value.length,
    )
  }
}

/** What a memtable says, without what is deleted by what it says itself. */
function contentOf(memtable: Memtable): string[] {
  const lines: string[] = []
  const reader = new MemtableReader(() => undefined)
  reader.open(memtable, {
    table: memtable.table,
    keys: null,
    range: FULL_RING,
    slices: ALL_ROWS,
    reversed: false,
  })
  const header = new RowHeader()
  const cell = new CellReader()
  const row = (): void => {
    const { i32, u8 } = reader.row
    header.read(i32, reader.rowAt)
    const isDeleted = (header.flags & ROW_HAS_DELETION) !== 0
    const covers = (hi: number, lo: number): boolean =>
      compare64(hi, lo, reader.rowDeletionHi, reader.rowDeletionLo) > 0 &&
      (!isDeleted || compare64(hi, lo, header.deletionHi, header.deletionLo) > 0)
    const isCovered =
      compare64(header.deletionHi, header.deletionLo, reader.rowDeletionHi, reader.rowDeletionLo) <= 0
    const name = toHex(u8.subarray(header.clustering << 2, header.cells << 2))
    let text = header.flags & ROW_STATIC ? ' static' : ''
    const nothing = text
    if (header.flags & ROW_HAS_LIVENESS && covers(header.livenessHi, header.livenessLo))
      text += ` live ${header.livenessLo}`
    if (isDeleted && !isCovered) text += ` deleted ${header.deletionLo}`
    let complex = { id: -1, hi: 0, lo: 0 }
    for (let p = header.cells; p < header.end; p = cell.next) {
      cell.read(i32, p, header.livenessHi, header.livenessLo)
      if (memtable.table.columnsById[cell.columnId] === undefined) continue
      if (!covers(cell.timestampHi, cell.timestampLo)) continue
      if (cell.flags & CELL_COMPLEX_DELETION)
        complex = { id: cell.columnId, hi: cell.timestampHi, lo: cell.timestampLo }
      else if (
        cell.columnId === complex.id &&
        compare64(cell.timestampHi, cell.timestampLo, complex.hi, complex.lo) <= 0
      )
        continue
      const path =
        cell.pathLength < 0 ? '' : toHex(u8.subarray(cell.pathOffset, cell.pathOffset + cell.pathLength))
      const value = toHex(u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength))
      text += ` ${cell.columnId}[${path}]=${value}@${cell.timestampLo}/${cell.flags & (CELL_TOMBSTONE | CELL_EXPIRES | CELL_COMPLEX_DELETION)}/${cell.ttl}/${cell.localDeletionTime}`
    }
    // What a deletion covers may be freed or not.
    if (text !== nothing)
      lines.push(`  ${name}${text} covered ${reader.rowDeletionHi} ${reader.rowDeletionLo}`)
  }
  while (reader.nextPartition()) {
    lines.push(toHex(reader.keyBytes.subarray(reader.keyOffset, reader.keyOffset + reader.keyLength)))
    if (reader.staticRow()) row()
    while (reader.nextRow()) row()
  }
  reader.close()
  return lines
}

function applyTo(memtable: Memtable, mutation: MutationBuilder): void {
  let at = MUTATION_HEADER_WORDS
  for (let i = 0; i < mutation.i32[1]!; i++) {
    memtable.apply(mutation, at)
    at += mutation.i32[at]! >>> 2
  }
}

test('what is written out between other writes, TRUNCATEs and ALTERs adds up to the memtable', () => {
  let parts = 0
  for (let seed = 1; seed <= Number(process.env['SEEDS'] ?? 150); seed++) {
    const random = new SimRandom(seed)
    const writes = new Writes(random, makeTable(random.chance(0.7)))
    const memtable = new Memtable(writes.table, () => undefined)
    const copy = new Memtable(writes.table, () => undefined)
    const count = random.pick([5, 50, 400])
    for (let i = 0; i < count; i++) applyTo(memtable, writes.next())
    if (random.chance(0.5)) drop(writes, memtable, copy)
    const limits = { mutationBytes: random.pick([100, 1000, 20_000]), rowBytes: random.pick([50, 500, 5000]) }
    const walk = new MemtableWalk(memtable)
    const mutation = new MutationBuilder()
    for (let hasMore = true; hasMore; ) {
      mutation.begin()
      hasMore = walk.fill(mutation, limits)
      mutation.finish()
      parts++
      applyTo(copy, mutation)
      if (random.chance(0.3)) {
        // In the log, what comes after stands behind what was written out so far.
        applyTo(memtable, writes.next())
        applyTo(copy, writes.mutation)
      }
      if (random.chance(0.003)) {
        memtable.clear()
        copy.clear()
      }
      if (random.chance(0.01)) drop(writes, memtable, copy)
    }
    expect(contentOf(copy), `seed ${seed}`).toEqual(contentOf(memtable))
  }
  expect(parts).toBeGreaterThan(1000)
})

/** Drops a column and adds it again: the cells of the first are gone. */
function drop(writes: Writes, ...memtables: readonly Memtable[]): void {
  const column = writes.table.columns.get('v')!
  const dropped = { name: 'v', kind: 'regular', type: column.type, droppedTimeMicros: 1n } as const
  const without = alterTable(writes.table, { drop: [dropped] })
  writes.table = alterTable(without, { add: [{ name: 'v', kind: 'regular', type: column.type }] })
  for (const memtable of memtables) memtable.setTable(writes.table)
}

test('a row longer than a mutation may be is cut, and single cells get mutations of their own', () => {
  const table = makeTable(true)
  const map = table.columns.get('m')!
  const memtable = new Memtable(table, () => undefined)
  const mutation = new MutationBuilder()
  const key = int32Bytes(1)
  const token = new Int32Array(2)
  murmur3Token(key, 0, 4, token)
  for (let i = 0; i < 40; i++) {
    const value = new Uint8Array(i % 10 === 5 ? 30_000 : 3_000).fill(i)
    mutation.begin()
    mutation.beginUpdate(table.handle, token[0]!, token[1]!, key, 0, 4)
    mutation.beginRow(i % 20 === 7 ? ROW_HAS_LIVENESS : 0, 0, 100 + i, 0, 0, 0, 0, 0)
    mutation.clustering(int32Bytes(1), 0, 4)
    mutation.clustering(EMPTY, 0, 0)
    mutation.endClustering()
    mutation.cell(map.id, 0, 0, 100 + i, 0, 0, int32Bytes(i), 0, 4, value, 0, value.length)
    mutation.endRow()
    mutation.endUpdate()
    mutation.finish()
    applyTo(memtable, mutation)
  }
  const copy = new Memtable(table, () => undefined)
  const walk = new MemtableWalk(memtable)
  const sizes: number[] = []
  for (let hasMore = true; hasMore; ) {
    mutation.begin()
    hasMore = walk.fill(mutation, { mutationBytes: 8192, rowBytes: 16_384 })
    sizes.push(mutation.finish())
    applyTo(copy, mutation)
  }
  expect(contentOf(copy)).toEqual(contentOf(memtable))
  expect(Math.max(...sizes)).toBeLessThan(30_200)
  expect(sizes.filter((size) => size > 17_000).length).toBe(4)
  expect(sizes.length).toBeGreaterThan(8)
})
