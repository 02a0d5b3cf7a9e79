import { expect, test } from 'vitest'
import { int32Bytes } from '../../src/common/bytes.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import { ALL_ROWS, type ClusteringBound, type Slice } from '../../src/model/clustering.ts'
import { MutationBuilder } from '../../src/model/mutation.ts'
import { type DecoratedKey, FULL_RING, type ReadCommand } from '../../src/model/read-command.ts'
import { clusteringAt, ROW_HAS_LIVENESS } from '../../src/model/row-format.ts'
import { createTableMetadata } from '../../src/schema/index.ts'
import { ChunkCache } from '../../src/storage/cache/chunk-cache.ts'
import { KeyCache } from '../../src/storage/cache/key-cache.ts'
import type { StorageCaches } from '../../src/storage/live-sstable.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MergedReader } from '../../src/storage/merged-reader.ts'
import { compressorOf } from '../../src/storage/sstable/compressors.ts'
import { TableTracker } from '../../src/storage/table-view.ts'
import { native } from '../../src/types/index.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { applyTo, DEFAULT_WRITE, SSTableFolder } from './tables.ts'

// Slices from and to every row around the borders of blocks, and scans of more than what goes through the cache: what comes
// out is counted here and not by another reader.

const table = createTableMetadata({
  keyspace: 'ks',
  name: 't',
  id: '00000000-0000-0000-0000-000000000001',
  columns: [
    { name: 'p', kind: 'partition_key', type: native.int },
    { name: 'c', kind: 'clustering', type: native.int },
    { name: 'd', kind: 'clustering', type: native.blob },
    { name: 'v', kind: 'regular', type: native.blob },
  ],
})

function keyOf(n: number): DecoratedKey {
  const key = int32Bytes(n)
  const token = new Int32Array(2)
  murmur3Token(key, 0, 4, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

/** The second clustering of a row: empty, or of different lengths. */
const tail = (c: number): Uint8Array => new Uint8Array(c & 3).fill(c)

/** One SSTable of partitions with rows 0, 2, 4 and so on. */
function fixture(partitions: number, rows: number, valueBytes: number, caches: StorageCaches) {
  const memtable = new Memtable(table, () => undefined)
  const mutation = new MutationBuilder()
  const value = Uint8Array.from({ length: valueBytes }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24)
  for (let p = 0; p < partitions; p++) {
    const { key, tokenHi, tokenLo } = keyOf(p)
    mutation.begin()
    mutation.beginUpdate(table.handle, tokenHi, tokenLo, key, 0, 4)
    for (let c = 0; c < 2 * rows; c += 2) {
      mutation.beginRow(ROW_HAS_LIVENESS, 0, 1, 0, 0, 0, 0, 0)
      mutation.clustering(int32Bytes(c), 0, 4)
      mutation.clustering(tail(c), 0, c % 4)
      mutation.endClustering()
      mutation.cell(table.columns.get('v')!.id, 0, 0, 1, 0, 0, new Uint8Array(0), 0, -1, value, 0, valueBytes)
      mutation.endRow()
    }
    mutation.endUpdate()
    mutation.finish()
    applyTo(memtable, mutation)
  }
  const disk = new SimDisk(new SimRandom(1)).attach(new SimTimers(new SimClock()))
  const folder = new SSTableFolder(disk, '/data', caches)
  const tracker = new TableTracker(memtable, [], () => undefined)
  tracker.switchMemtable(new Memtable(table, () => undefined))
  const compressor = compressorOf('LZ4Compressor')
  const compression = { compressor, options: new Map(), chunkLength: 16_384, maxCompressedLength: 0x7fffffff }
  const sstable = folder.flush(
    memtable,
    { ...DEFAULT_WRITE, columnIndexSizeBytes: 4096, compression },
    false,
  )!
  tracker.flushed(memtable, [sstable])

  /** The first clusterings of the rows read. */
  const read = (command: Partial<ReadCommand>): number[] => {
    const reader = new MergedReader()
    const base = { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false }
    reader.open(tracker.view, { ...base, ...command })
    const found: number[] = []
    while (reader.nextPartition()) {
      while (reader.nextRow()) {
        const at = clusteringAt(reader.row.i32, reader.rowAt)
        found.push(Buffer.from(reader.row.u8.buffer).readInt32BE((at + 1) << 2))
      }
    }
    reader.close()
    return found
  }
  return { read, sstable }
}

const newCaches = (bytes: number): StorageCaches => ({
  chunks: new ChunkCache(bytes),
  keys: new KeyCache(8192),
})

const ROWS = 160
/** Rows of 260 bytes in blocks of 4 KiB. */
const { read, sstable } = fixture(3, ROWS, 250, newCaches(1 << 20))

function bound(c: number, side: 0 | 1, isWhole: boolean): ClusteringBound {
  return { components: isWhole ? [int32Bytes(c), tail(c)] : [int32Bytes(c)], side }
}

function between(c: number, { start, end }: { start: number; end: number }): boolean {
  return c >= start && c <= end && c % 2 === 0
}

const every = Array.from({ length: 2 * ROWS }, (_, i) => i)

test.each([
  ['forward', false],
  ['reversed', true],
])('slices from and to each row, %s', (_, reversed) => {
  expect(sstable.sstable.index().next()).toBe(true)
  const inOrder = (rows: number[]): number[] => (reversed ? rows.toReversed() : rows)
  const keys = [keyOf(1)]
  for (const isWhole of [true, false]) {
    for (let from = -1; from <= 2 * ROWS; from++) {
      for (const length of [0, 1, 2, 31, 33, 100]) {
        const slices: Slice[] = [{ start: bound(from, 0, isWhole), end: bound(from + length, 1, isWhole) }]
        const expected = every.filter((c) => between(c, { start: from, end: from + length }))
        expect(read({ keys, slices, reversed })).toEqual(inOrder(expected))
      }
    }
  }
})

test.each([
  ['forward', false],
  ['reversed', true],
])('several slices with blocks, or nothing, between them, %s', (_, reversed) => {
  const random = new SimRandom(7)
  for (let i = 0; i < 500; i++) {
    const slices: Slice[] = []
    const wanted: { start: number; end: number }[] = []
    for (let at = random.below(60); at < 2 * ROWS; at += 1 + random.below(80)) {
      const end = at + random.below(50)
      slices.push({ start: bound(at, 0, random.chance(0.5)), end: bound(end, 1, random.chance(0.5)) })
      wanted.push({ start: at, end })
      at = end
    }
    const expected = every.filter((c) => wanted.some((slice) => between(c, slice)))
    expect(read({ keys: [keyOf(2)], slices, reversed })).toEqual(reversed ? expected.toReversed() : expected)
  }
})

test('scans that read ahead, past the cache, give the same rows as those that do not', () => {
  const caches = newCaches(1 << 23)
  const large = fixture(300, 40, 100, caches)
  const expected = every.slice(0, 80).filter((c) => c % 2 === 0)
  const all = Array.from({ length: 300 }, () => expected).flat()
  const bytes = large.sstable.sstable.dataLength
  expect(bytes).toBeGreaterThan(1_000_000)
  expect(large.read({})).toEqual(all)
  // Eight pages of data and the few of the index.
  expect(caches.chunks!.sizeBytes).toBeLessThan(bytes / 4)
  expect(fixture(300, 40, 100, { chunks: null, keys: null }).read({})).toEqual(all)
  expect(large.read({ reversed: true })).toEqual(
    Array.from({ length: 300 }, () => expected.toReversed()).flat(),
  )
})
