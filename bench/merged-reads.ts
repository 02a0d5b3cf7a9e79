/**
 * Reads by today's reader of a memtable, and by the reader that merges memtables and SSTables, over a memtable alone and
 * over SSTables whose pages are in the chunk cache. Bundle it and run it: rolldown bench/merged-reads.ts
 * --platform node --file FILE, node FILE.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { int32Bytes } from '../src/common/bytes.ts'
import { murmur3Token } from '../src/common/murmur3.ts'
import { createNodeDisk } from '../src/io/node-disk.ts'
import { ALL_ROWS, type Slice } from '../src/model/clustering.ts'
import { LiveRow } from '../src/model/live-row.ts'
import { MutationBuilder } from '../src/model/mutation.ts'
import {
  type DecoratedKey,
  FULL_RING,
  type PartitionReader,
  type ReadCommand,
} from '../src/model/read-command.ts'
import { ROW_HAS_LIVENESS } from '../src/model/row-format.ts'
import type { TableMetadata } from '../src/model/table.ts'
import { createTableMetadata } from '../src/schema/index.ts'
import { ChunkCache } from '../src/storage/cache/chunk-cache.ts'
import { KeyCache } from '../src/storage/cache/key-cache.ts'
import type { StorageCaches } from '../src/storage/live-sstable.ts'
import { Memtable } from '../src/storage/memtable/memtable.ts'
import { MemtableReader } from '../src/storage/memtable/memtable-reader.ts'
import { MergedReader } from '../src/storage/merged-reader.ts'
import { compressorOf } from '../src/storage/sstable/compressors.ts'
import { TableTracker } from '../src/storage/table-view.ts'
import { native } from '../src/types/index.ts'
import { applyTo, DEFAULT_WRITE, SSTableFolder } from '../test/merge/tables.ts'

const directory = mkdtempSync(join(tmpdir(), 'sibyl-merged-reads-'))
const caches = { chunks: new ChunkCache(256 * 1024 * 1024), keys: new KeyCache(32 * 1024 * 1024) }
const NO_BYTES = new Uint8Array(0)

function table(isWide: boolean): TableMetadata {
  return createTableMetadata({
    keyspace: 'ks',
    name: isWide ? 'wide' : 'narrow',
    id: '00000000-0000-0000-0000-000000000001',
    columns: [
      { name: 'p', kind: 'partition_key', type: native.int },
      ...(isWide ? ([{ name: 'c', kind: 'clustering', type: native.int }] as const) : []),
      { name: 'a', kind: 'regular', type: native.int },
      { name: 'b', kind: 'regular', type: native.blob },
      { name: 'd', kind: 'regular', type: native.bigint },
    ],
  })
}

const keys = new Map<number, DecoratedKey>()
function keyOf(n: number): DecoratedKey {
  let found = keys.get(n)
  if (found === undefined) {
    const key = int32Bytes(n)
    const token = new Int32Array(2)
    murmur3Token(key, 0, 4, token)
    found = { key, tokenHi: token[0]!, tokenLo: token[1]! }
    keys.set(n, found)
  }
  return found
}

const mutation = new MutationBuilder()
const value = new Uint8Array(100)
function write(memtable: Memtable, key: number, rows: readonly number[], timestamp: number): void {
  const { table } = memtable
  const { key: bytes, tokenHi, tokenLo } = keyOf(key)
  mutation.begin()
  mutation.beginUpdate(table.handle, tokenHi, tokenLo, bytes, 0, 4)
  for (const row of rows) {
    mutation.beginRow(ROW_HAS_LIVENESS, 400_000, timestamp, 0, 0, 0, 0, 0)
    if (table.clusterings.length > 0) mutation.clustering(int32Bytes(row), 0, 4)
    mutation.endClustering()
    for (const column of table.regulars.toSorted((x, y) => x.id - y.id)) {
      const length = column.name === 'a' ? 4 : column.name === 'b' ? 100 : 8
      mutation.cell(column.id, 0, 400_000, timestamp, 0, 0, NO_BYTES, 0, -1, value, 0, length)
    }
    mutation.endRow()
  }
  mutation.endUpdate()
  mutation.finish()
  applyTo(memtable, mutation)
}

const live = new LiveRow()
function drain(reader: PartitionReader): number {
  let rows = 0
  while (reader.nextPartition()) {
    reader.staticRow()
    while (reader.nextRow()) {
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, 1)
      if (live.exists) rows++
    }
  }
  reader.close()
  return rows
}

const memtableReaders: MemtableReader[] = []
const mergedReaders: MergedReader[] = []
type Read = (command: ReadCommand) => PartitionReader

function fromMemtable(memtable: Memtable): Read {
  return (command) => {
    const reader = memtableReaders.pop() ?? new MemtableReader((done) => memtableReaders.push(done))
    reader.open(memtable, command)
    return reader
  }
}

function fromTracker(tracker: TableTracker): Read {
  return (command) => {
    const reader = mergedReaders.pop() ?? new MergedReader((done) => mergedReaders.push(done))
    reader.open(tracker.view, command)
    return reader
  }
}

/** Microseconds of the processor that this process has used: what others do on the machine is not in it. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Runs for a second or two after warming up, and prints microseconds of the processor a read. */
function measure(
  name: string,
  read: Read,
  commands: readonly ReadCommand[],
  expected: number,
  batch: number = 100,
): void {
  // A part of a name as an argument measures that alone.
  if (!name.includes(process.argv[2] ?? '')) return
  let at = 0
  const run = (ms: number): number => {
    const started = cpuMicroseconds()
    let count = 0
    while (cpuMicroseconds() - started < ms * 1000) {
      for (let i = 0; i < batch; i++) {
        const rows = drain(read(commands[at++ % commands.length]!))
        if (rows !== expected) throw new Error(`${rows} rows instead of ${expected}`)
      }
      count += batch
    }
    return (cpuMicroseconds() - started) / count
  }
  run(process.env['LONG'] ? 15000 : 700)
  const best = Math.min(run(500), run(500), run(500))
  process.stdout.write(`${name.padEnd(52)} ${best.toFixed(2).padStart(9)} us\n`)
}

const compression = {
  compressor: compressorOf('LZ4Compressor'),
  options: new Map<string, string>(),
  chunkLength: 16_384,
  maxCompressedLength: 0x7fffffff,
}

/** Spreads writes over SSTables: `store` says which ones a key and row go to. */
function flushed(
  schema: TableMetadata,
  tables: number,
  fill: (memtable: Memtable, n: number) => void,
  used: StorageCaches = caches,
): TableTracker {
  const folder = new SSTableFolder(createNodeDisk(), mkdtempSync(join(directory, schema.name)), used)
  const tracker = new TableTracker(new Memtable(schema, () => undefined), [], () => undefined)
  for (let n = 0; n < tables; n++) {
    const memtable = tracker.view.memtables[0]!
    fill(memtable, n)
    tracker.switchMemtable(new Memtable(schema, () => undefined))
    tracker.flushed(memtable, [folder.flush(memtable, { ...DEFAULT_WRITE, compression }, false)!])
  }
  return tracker
}

const PARTITIONS = 50_000
const narrow = table(false)
const one = new Memtable(narrow, () => undefined)
for (let i = 0; i < PARTITIONS; i++) write(one, i, [0], 1)
const queried = new Set(narrow.regulars.map(({ id }) => id))
const points = Array.from({ length: 20_000 }, (_, i): ReadCommand => {
  const key = keyOf((i * 7919) % PARTITIONS)
  return { table: narrow, keys: [key], range: FULL_RING, slices: ALL_ROWS, reversed: false, queried }
})
const few = points.slice(0, 1000)

process.stdout.write('point reads\n')
measure('memtable reader', fromMemtable(one), points, 1)
const alone = new TableTracker(one, [], () => undefined)
measure('merged reader, memtable alone', fromTracker(alone), points, 1)
for (const tables of [1, 4, 32]) {
  const same = flushed(narrow, tables, (memtable, n) => {
    for (let i = n; i < PARTITIONS; i += tables) write(memtable, i, [0], 1)
  })
  measure(`${tables} SSTables, a key in one of them`, fromTracker(same), points, 1)
  if (tables === 1) measure('1 SSTables, 1000 keys', fromTracker(same), few, 1)
}
for (const tables of [4]) {
  const over = flushed(narrow, tables, (memtable, n) => {
    for (let i = 0; i < PARTITIONS; i++) write(memtable, i, [0], n + 1)
  })
  measure(`${tables} SSTables, each key in all, columns said`, fromTracker(over), points, 1)
}

{
  // Larger than the cache: nearly each read loads a page of the index and a chunk.
  const used = { chunks: new ChunkCache(1024 * 1024), keys: new KeyCache(256 * 1024) }
  const COLD = 200_000
  const cold = flushed(
    narrow,
    1,
    (memtable) => {
      for (let i = 0; i < COLD; i++) write(memtable, i, [0], 1)
    },
    used,
  )
  const commands = Array.from({ length: 50_000 }, (_, i): ReadCommand => {
    const key = keyOf((i * 104_729) % COLD)
    return { table: narrow, keys: [key], range: FULL_RING, slices: ALL_ROWS, reversed: false, queried }
  })
  measure('1 SSTables, out of the cache', fromTracker(cold), commands, 1)
  const absent = Array.from({ length: 20_000 }, (_, i): ReadCommand => {
    const key = keyOf(COLD + i)
    return { table: narrow, keys: [key], range: FULL_RING, slices: ALL_ROWS, reversed: false, queried }
  })
  measure('1 SSTables, no such key', fromTracker(cold), absent, 0)
  const scans: ReadCommand[] = [
    { table: narrow, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false },
  ]
  measure(`1 SSTables, all of ${COLD} partitions`, fromTracker(cold), scans, COLD, 1)
}

const wide = table(true)
const WIDE_PARTITIONS = 50
const ROWS = 2000
const all = Array.from({ length: ROWS }, (_, i) => i)
const wideOne = new Memtable(wide, () => undefined)
for (let p = 0; p < WIDE_PARTITIONS; p++) write(wideOne, p, all, 1)
const sliceOf = (from: number, count: number): readonly Slice[] => [
  {
    start: { components: [int32Bytes(from)], side: 0 },
    end: { components: [int32Bytes(from + count - 1)], side: 1 },
  },
]
const sliceCommands = (count: number, reversed: boolean): readonly ReadCommand[] =>
  Array.from({ length: 2000 }, (_, i) => {
    const slices = sliceOf((i * 131) % (ROWS - count), count)
    return { table: wide, keys: [keyOf((i * 7) % WIDE_PARTITIONS)], range: FULL_RING, slices, reversed }
  })
for (const [count, isReversed] of [
  [1, false],
  [100, false],
  [100, true],
] as const) {
  const commands = sliceCommands(count, isReversed)
  process.stdout.write(`${count} rows of ${ROWS}${isReversed ? ', reversed' : ''}\n`)
  measure('memtable reader', fromMemtable(wideOne), commands, count)
  measure(
    'merged reader, memtable alone',
    fromTracker(new TableTracker(wideOne, [], () => undefined)),
    commands,
    count,
  )
  for (const tables of [1, 4, 32]) {
    const spread = flushed({ ...wide, name: `wide-${count}-${isReversed}` }, tables, (memtable, n) => {
      for (let p = 0; p < WIDE_PARTITIONS; p++)
        write(
          memtable,
          p,
          all.filter((i) => i % tables === n),
          1,
        )
    })
    measure(`${tables} SSTables, rows in turn`, fromTracker(spread), commands, count)
  }
}
process.stdout.write(
  `chunk cache ${caches.chunks.hits} hits, ${caches.chunks.misses} misses; key cache ${caches.keys.hits} hits, ${caches.keys.misses} misses\n`,
)
rmSync(directory, { recursive: true })
