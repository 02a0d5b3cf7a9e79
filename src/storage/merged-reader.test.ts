import { beforeEach, describe, expect, test } from 'vitest'
import { applyTo, DEFAULT_WRITE, SSTableFolder } from '../../test/merge/tables.ts'
import { SimClock, SimTimers } from '../../test/sim/sim-clock.ts'
import { SimDisk } from '../../test/sim/sim-disk.ts'
import { SimRandom } from '../../test/sim/sim-random.ts'
import { int32Bytes, readInt32 } from '../common/bytes.ts'
import { murmur3Token } from '../common/murmur3.ts'
import type { Disk } from '../io/disk.ts'
import { ALL_ROWS, type ClusteringBound, type Slice } from '../model/clustering.ts'
import { LiveRow } from '../model/live-row.ts'
import { MutationBuilder } from '../model/mutation.ts'
import { type DecoratedKey, FULL_RING, type ReadCommand } from '../model/read-command.ts'
import { CELL_EXPIRES, ROW_HAS_LIVENESS, ROW_STATIC } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { createTableMetadata } from '../schema/index.ts'
import { mapType, native } from '../types/index.ts'
import { ChunkCache } from './cache/chunk-cache.ts'
import { KeyCache } from './cache/key-cache.ts'
import type { LiveSSTable } from './live-sstable.ts'
import { Memtable } from './memtable/memtable.ts'
import { MergedReader } from './merged-reader.ts'
import { CorruptSSTableError } from './sstable/corruption.ts'
import { componentPath } from './sstable/descriptor.ts'
import { TableTracker } from './table-view.ts'

/** Named cases; that the answers are right whatever is written is for test/merge. */

const NO_BYTES = new Uint8Array(0)
const NOW = 1000

const plain = createTableMetadata({
  keyspace: 'ks',
  name: 't',
  id: '00000000-0000-0000-0000-000000000001',
  columns: [
    { name: 'p', kind: 'partition_key', type: native.int },
    { name: 'c', kind: 'clustering', type: native.int },
    { name: 's', kind: 'static', type: native.int },
    { name: 'v', kind: 'regular', type: native.int },
    { name: 'w', kind: 'regular', type: native.int },
    { name: 'm', kind: 'regular', type: mapType(native.int, native.int, true) },
  ],
})

function keyOf(n: number): DecoratedKey {
  const key = int32Bytes(n)
  const token = new Int32Array(2)
  murmur3Token(key, 0, 4, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

function idsOf(...names: string[]): ReadonlySet<number> {
  return new Set(names.map((name) => plain.columns.get(name)!.id))
}

interface RowSpec {
  readonly c?: number
  readonly at: number
  readonly cells: Readonly<Record<string, number>>
  /** Seconds; with it all expires. */
  readonly expires?: number
}

class Fixture {
  readonly disk: Disk = new SimDisk(new SimRandom(1)).attach(new SimTimers(new SimClock()))
  readonly caches = { chunks: new ChunkCache(1 << 20), keys: new KeyCache(4096) }
  readonly folder = new SSTableFolder(this.disk, '/data', this.caches)
  readonly freed: Memtable[] = []
  readonly tracker = new TableTracker(this.memtable(), [], (memtable) => this.freed.push(memtable))
  readonly mutation = new MutationBuilder()

  memtable(): Memtable {
    return new Memtable(plain, () => undefined)
  }

  #update(key: number, fill: () => void): void {
    const { mutation } = this
    const { key: bytes, tokenHi, tokenLo } = keyOf(key)
    mutation.begin()
    mutation.beginUpdate(plain.handle, tokenHi, tokenLo, bytes, 0, 4)
    fill()
    mutation.endUpdate()
    mutation.finish()
    applyTo(this.tracker.view.memtables[0]!, mutation)
  }

  write(key: number, ...rows: RowSpec[]): void {
    const { mutation } = this
    this.#update(key, () => {
      for (const { c, at, cells, expires } of rows) {
        const live = expires === undefined ? ROW_HAS_LIVENESS : ROW_HAS_LIVENESS | 2
        mutation.beginRow(c === undefined ? ROW_STATIC : live, 0, at, 1, expires ?? 0, 0, 0, 0)
        if (c !== undefined) mutation.clustering(int32Bytes(c), 0, 4)
        mutation.endClustering()
        const columns = Object.entries(cells).map(([name, value]) => ({ ...plain.columns.get(name)!, value }))
        for (const { id, type, value } of columns.sort((a, b) => a.id - b.id)) {
          const flags = expires === undefined ? 0 : CELL_EXPIRES
          const path = type.multiCell ? int32Bytes(at) : NO_BYTES
          const length = type.multiCell ? 4 : -1
          mutation.cell(id, flags, 0, at, 1, expires ?? 0, path, 0, length, int32Bytes(value), 0, 4)
        }
        mutation.endRow()
      }
    })
  }

  deletePartition(key: number, at: number): void {
    this.#update(key, () => this.mutation.partitionDeletion(0, at, 900))
  }

  deleteRange(key: number, at: number, from: ClusteringBound, to: ClusteringBound): void {
    this.#update(key, () => {
      this.mutation.beginRangeTombstone(0, at, 900)
      this.mutation.bound(from.components, from.side)
      this.mutation.bound(to.components, to.side)
      this.mutation.endRangeTombstone()
    })
  }

  flush(): LiveSSTable {
    const memtable = this.tracker.switchMemtable(this.memtable())
    const sstable = this.folder.flush(memtable, DEFAULT_WRITE, false)!
    this.tracker.flushed(memtable, [sstable])
    return sstable
  }

  open(command: Partial<ReadCommand>): MergedReader {
    const reader = new MergedReader()
    const base = { table: plain, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false }
    reader.open(this.tracker.view, { ...base, ...command })
    return reader
  }
}

const live = new LiveRow()

/** The rows left, as `key/clustering v`. */
function drain(reader: MergedReader, next = true): string[] {
  const rows: string[] = []
  while (!next || reader.nextPartition()) {
    next = true
    const key = readInt32(reader.keyBytes, reader.keyOffset)
    while (reader.nextRow()) {
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, NOW)
      const clustering = readInt32(live.u8, (live.clusteringAt + 1) << 2)
      const value = live.copySimple(plain.columns.get('v')!.id)
      if (live.exists) rows.push(`${key}/${clustering} ${value === null ? 'null' : readInt32(value, 0)}`)
    }
  }
  return rows
}

function rowOf(c: number): readonly Slice[] {
  const components = [int32Bytes(c)]
  return [{ start: { components, side: 0 }, end: { components, side: 1 } }]
}

let fixture: Fixture

function readAll(command: Partial<ReadCommand>): string[] {
  const reader = fixture.open(command)
  const rows = drain(reader)
  reader.close()
  return rows
}

beforeEach(() => {
  fixture = new Fixture()
})

describe('one row', () => {
  const read = (command: Partial<ReadCommand>): readonly [string[], number] => {
    const reader = fixture.open({ keys: [keyOf(1)], slices: rowOf(5), ...command })
    const rows = drain(reader)
    const { sstablesRead } = reader
    reader.close()
    return [rows, sstablesRead]
  }

  test('older SSTables are not read when all that is asked for is newer', () => {
    for (let at = 1; at <= 4; at++) {
      fixture.write(1, { c: 5, at, cells: { v: at, w: at, m: at } })
      fixture.flush()
    }
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 4'], 1])
    expect(read({ queried: idsOf('v'), reversed: true })).toEqual([['1/5 4'], 1])
    // Of a map, and of a static row that is nowhere, older ones may have more.
    expect(read({ queried: idsOf('v', 'm') })).toEqual([['1/5 4'], 4])
    expect(read({ queried: idsOf('v', 's') })).toEqual([['1/5 4'], 4])
    expect(read({})).toEqual([['1/5 4'], 4])
  })

  test('older SSTables are not read when the memtable has it all', () => {
    fixture.write(1, { c: 5, at: 1, cells: { v: 1 } })
    fixture.flush()
    fixture.write(1, { at: 2, cells: { s: 2 } }, { c: 5, at: 2, cells: { v: 2 } })
    expect(read({ queried: idsOf('v', 's') })).toEqual([['1/5 2'], 0])
  })

  test('one of the same age is read: of two values of one time the greater is right', () => {
    fixture.write(1, { c: 5, at: 3, cells: { v: 9 } })
    fixture.flush()
    fixture.write(1, { c: 5, at: 3, cells: { v: 1 } })
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 9'], 1])
  })

  test('of a cell that is as old as another SSTable the greater value is right, whatever the row’s liveness', () => {
    fixture.write(1, { c: 5, at: 3, cells: { v: 9 } })
    fixture.flush()
    fixture.write(1, { c: 5, at: 3, cells: { v: 1 } })
    fixture.write(1, { c: 5, at: 5, cells: {} })
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 9'], 1])
  })

  test('a newer cell of a row without liveness does not prove that the older row is not', () => {
    fixture.write(1, { c: 5, at: 1, cells: { v: 7 } })
    fixture.flush()
    fixture.write(1, { c: 5, at: 2, cells: { w: 2 } })
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 7'], 1])
  })

  test('what has expired hides what is older', () => {
    fixture.write(1, { c: 5, at: 1, cells: { v: 7 } })
    fixture.flush()
    fixture.write(1, { c: 5, at: 2, cells: { v: 8 }, expires: NOW - 1 })
    expect(read({ queried: idsOf('v') })).toEqual([[], 0])
  })

  test('a deletion of the partition, the range or neither', () => {
    fixture.write(1, { c: 5, at: 3, cells: { v: 3 } })
    fixture.flush()
    fixture.deleteRange(1, 4, { components: [int32Bytes(5)], side: 1 }, { components: [], side: 1 })
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 3'], 1])
    fixture.deleteRange(1, 2, { components: [int32Bytes(4)], side: 0 }, { components: [], side: 1 })
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 3'], 1])
    fixture.deleteRange(1, 3, { components: [int32Bytes(5)], side: 0 }, { components: [], side: 1 })
    expect(read({ queried: idsOf('v') })).toEqual([[], 0])
    fixture = new Fixture()
    fixture.write(1, { c: 5, at: 3, cells: { v: 3 } })
    fixture.flush()
    fixture.deletePartition(1, 4)
    expect(read({})).toEqual([[], 0])
  })

  test('SSTables without such clusterings are not read, but for partition deletions', () => {
    fixture.write(1, { c: 6, at: 1, cells: { v: 1 } }, { c: 9, at: 1, cells: { v: 1 } })
    fixture.flush()
    fixture.write(1, { c: 1, at: 1, cells: { v: 1 } }, { c: 4, at: 1, cells: { v: 1 } })
    fixture.flush()
    fixture.write(1, { c: 5, at: 1, cells: { v: 5 } })
    fixture.flush()
    expect(read({ queried: idsOf('v') })).toEqual([['1/5 5'], 1])
    fixture.deletePartition(1, 1)
    fixture.write(1, { c: 8, at: 2, cells: { v: 5 } })
    fixture.flush()
    expect(read({ queried: idsOf('v') })).toEqual([[], 2])
  })
})

test('markers of range tombstones are counted as they are met, but for those that are due to go', () => {
  for (let c = 0; c < 5; c++) fixture.write(1, { c, at: 1, cells: { v: c } })
  const bound = (c: number, side: 0 | 1): ClusteringBound => ({ components: [int32Bytes(c)], side })
  fixture.deleteRange(1, 2, bound(1, 0), bound(1, 1))
  fixture.flush()
  fixture.deleteRange(1, 3, bound(1, 1), bound(3, 0))
  const counts = (command: Partial<ReadCommand>, purgeBefore: number): string[] => {
    const reader = fixture.open({ keys: [keyOf(1)], ...command })
    const found: string[] = []
    const add = (): void => {
      const { markers } = reader
      markers?.advance(purgeBefore, null, 0)
      found.push(
        markers == null ? '-' : `${markers.bounds}+${markers.boundaries}${markers.isOpen ? ' open' : ''}`,
      )
    }
    while (reader.nextPartition()) {
      while (reader.nextRow()) add()
      add()
    }
    expect(reader.isPartitionDeleted).toBe(false)
    reader.close()
    return found
  }
  // Rows 0 to 4: 1 is under the first range, 2 under the second, which begins where the first ends.
  expect(counts({}, 900)).toEqual(['0+0', '1+0 open', '1+1 open', '2+1', '2+1', '2+1'])
  expect(counts({ reversed: true }, 900)).toEqual(['0+0', '0+0', '1+0 open', '1+1 open', '2+1', '2+1'])
  expect(counts({}, 901)).toEqual(['0+0', '0+0', '0+0', '0+0', '0+0', '0+0'])
  expect(counts({ slices: rowOf(2) }, 900)).toEqual(['1+0 open', '2+0'])
  expect(counts({ slices: rowOf(4) }, 900)).toEqual(['-', '-'])
})

test('a read that waits sees what was there, while memtables are written to, flushed and compacted away', () => {
  for (let key = 0; key < 20; key++) {
    for (let c = 0; c < 5; c++) fixture.write(key, { c, at: 1, cells: { v: key } })
    if (key === 7) fixture.flush()
  }
  const expected = readAll({})
  expect(expected).toHaveLength(100)
  fixture.freed.length = 0
  const reader = fixture.open({})
  const old = fixture.tracker.view
  const rows: string[] = []
  expect(reader.nextPartition()).toBe(true)
  expect(reader.nextRow()).toBe(true)
  reader.suspend()
  // All of it is deleted; what of it was flushed is in no view any more.
  for (let key = 0; key < 20; key++) fixture.deletePartition(key, 2)
  const sstable = fixture.flush()
  fixture.tracker.replace(old.sstables, [])
  expect(fixture.folder.closed).toEqual([])
  expect(fixture.freed.length).toBe(0)
  rows.push(...drain(reader, false))
  // The partition that the read stood in is as it was; of those behind it is seen what came meanwhile.
  expect(rows).toEqual(expected.slice(1, 5).concat(rows.slice(4)))
  reader.close()
  expect(fixture.folder.closed).toEqual(old.sstables)
  expect(fixture.freed.length === 1 && fixture.freed[0] === old.memtables[0]).toBe(true)
  expect(readAll({})).toEqual([])
  expect(fixture.tracker.view.sstables).toEqual([sstable])
})

test.each([
  { keys: [keyOf(1), keyOf(2)] },
  {},
])('each partition stays as it was when a read last waited in it: %o', (command) => {
  for (const key of [1, 2]) for (let c = 0; c < 5; c++) fixture.write(key, { c, at: 1, cells: { v: key } })
  fixture.write(9, { c: 0, at: 1, cells: { v: 0 } })
  fixture.flush()
  for (const key of [1, 2])
    for (let c = 0; c < 5; c++) fixture.write(key, { c, at: 2, cells: { v: key + 10 } })
  const keysBefore = new Set(readAll(command).map((row) => row.split('/')[0]))
  const reader = fixture.open(command)
  const valueOf = (): number => {
    live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, NOW)
    return readInt32(live.copySimple(plain.columns.get('v')!.id)!, 0)
  }
  /** What each partition held when it was opened. */
  const values = new Map([1, 2].map((key) => [key, key + 10]))
  const seen = new Set<number>()
  for (let at = 3; reader.nextPartition(); at += 2) {
    const key = readInt32(reader.keyBytes, reader.keyOffset)
    seen.add(key)
    let rows = 0
    while (reader.nextRow()) {
      const expected = values.get(key) ?? 0
      expect(valueOf()).toBe(expected)
      if (rows++ > 2) continue
      reader.suspend()
      for (let c = 0; c < 40; c++) fixture.write(key, { c, at, cells: { v: 99 } })
      fixture.deleteRange(key, at + 1, { components: [int32Bytes(3)], side: 0 }, { components: [], side: 1 })
      for (const other of [1, 2]) {
        if (seen.has(other)) continue
        for (let c = 0; c < 5; c++) fixture.write(other, { c, at, cells: { v: at } })
        values.set(other, at)
      }
      // The row at hand is where it was, and is what it was.
      expect(valueOf()).toBe(expected)
    }
    expect(rows).toBe(key === 9 ? 1 : 5)
  }
  reader.close()
  expect([...seen].map(String).sort()).toEqual([...keysBefore].sort())
})

test('a memtable that is flushed under a read stays', () => {
  for (let key = 0; key < 20; key++) fixture.write(key, { c: 0, at: 1, cells: { v: key } })
  const expected = readAll({})
  const reader = fixture.open({})
  expect(reader.nextPartition()).toBe(true)
  reader.suspend()
  const memtable = fixture.tracker.view.memtables[0]!
  fixture.flush()
  expect(fixture.freed.length).toBe(0)
  for (let key = 0; key < 20; key++) fixture.deletePartition(key, 2)
  expect(drain(reader, false)).toEqual(expected)
  reader.close()
  expect(fixture.freed.length === 1 && fixture.freed[0] === memtable).toBe(true)
})

test('a position in the key cache that is another key’s is not believed', () => {
  fixture.write(1, { c: 1, at: 1, cells: { v: 1 } })
  fixture.write(2, { c: 1, at: 1, cells: { v: 2 } })
  const { number } = fixture.flush()
  const read = (key: number): string[] => readAll({ keys: [keyOf(key)] })
  expect([read(1), read(2)]).toEqual([['1/1 1'], ['2/1 2']])
  const { keys } = fixture.caches
  const { tokenHi, tokenLo } = keyOf(2)
  expect(keys.find(number, tokenHi, tokenLo)).toBe(true)
  const one = keyOf(1)
  // As if the two keys had one token.
  keys.put(number, one.tokenHi, one.tokenLo, keys.position, keys.indexPosition)
  expect(read(1)).toEqual(['1/1 1'])
  expect(keys.hits).toBeGreaterThan(0)
})

test('an SSTable that is broken fails the read and lets go of its pages', () => {
  for (let key = 0; key < 5000; key++) fixture.write(key, { c: 1, at: 1, cells: { v: key } })
  const first = fixture.flush()
  const path = componentPath(first.sstable.descriptor, 'Data.db')
  const file = fixture.disk.openSync(path, 'update')
  file.truncateSync(70_000)
  file.closeSync()
  const reader = fixture.open({})
  expect(() => drain(reader)).toThrow(CorruptSSTableError)
  reader.close()
  reader.close()
  const again = fixture.open({})
  expect(again.nextPartition()).toBe(true)
  again.close()
  const { chunks } = fixture.caches
  fixture.tracker.replace([first], [])
  expect(fixture.folder.closed).toEqual([first])
  // None of them was pinned.
  expect(chunks.entries).toBe(0)
})

test('tables of which no SSTable has the key cost a look at the filter', () => {
  for (let key = 0; key < 100; key += 2) fixture.write(key, { c: 1, at: 1, cells: { v: key } })
  fixture.flush()
  let read = 0
  for (let key = 1; key < 100; key += 2) {
    const reader = fixture.open({ keys: [keyOf(key)] })
    expect(drain(reader)).toEqual([])
    read += reader.sstablesRead
    reader.close()
  }
  expect(read).toBe(0)
  expect(fixture.caches.chunks.requests).toBeLessThan(30)
})

test('metadata of a later version is seen by reads that begin then', () => {
  fixture.write(1, { c: 1, at: 1, cells: { v: 1 } })
  fixture.flush()
  expect(readAll({ keys: [keyOf(1)] })).toEqual(['1/1 1'])
  const columns = new Map([...plain.columns].filter(([name]) => name !== 'v'))
  const without: TableMetadata = {
    ...plain,
    columns,
    regulars: plain.regulars.filter(({ name }) => name !== 'v'),
  }
  fixture.tracker.setTable(without)
  expect(readAll({ keys: [keyOf(1)], table: without })).toEqual(['1/1 null'])
})
