/**
 * Flushes of memtables and compactions of four SSTables: rows of about 200 bytes, one a partition or many, compressed
 * and not, with and without reading ahead; a second is one of CPU. Bundle it and run it: rolldown bench/compaction.ts --platform node
 * --file FILE, node FILE [rows in thousands] [narrow | 100 | all | huge: one partition, of 10000 thousand rows 2 GB].
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { int32Bytes } from '../src/common/bytes.ts'
import { murmur3Token } from '../src/common/murmur3.ts'
import { createNodeDisk } from '../src/io/node-disk.ts'
import { MutationBuilder } from '../src/model/mutation.ts'
import { clusteringAt, ROW_HAS_LIVENESS, type Words } from '../src/model/row-format.ts'
import type { TableMetadata } from '../src/model/table.ts'
import { createTableMetadata } from '../src/schema/index.ts'
import { Memtable } from '../src/storage/memtable/memtable.ts'
import { MemtableScan } from '../src/storage/memtable/memtable-source.ts'
import type { Descriptor } from '../src/storage/sstable/descriptor.ts'
import { HeaderCollector } from '../src/storage/sstable/header-component.ts'
import { SSTable } from '../src/storage/sstable/sstable.ts'
import { SSTableOutput } from '../src/storage/tasks/sstable-output.ts'
import type { StorageTask } from '../src/storage/tasks/storage-task.ts'
import { tableCompression } from '../src/storage/tasks/table-compression.ts'
import {
  LIVE,
  NO_MARKER,
  UNFILTERED_END,
  UNFILTERED_ROW,
  type UnfilteredKind,
  type UnfilteredReader,
} from '../src/storage/unfiltered.ts'
import { native } from '../src/types/index.ts'
import { Rewriter } from '../test/compaction/rewriter.ts'
import { applyTo } from '../test/merge/tables.ts'

const THOUSANDS = Number(process.argv[2] ?? 400)
const INPUTS = 4
const NO_BYTES = new Uint8Array(0)
const disk = createNodeDisk()
const directory = mkdtempSync(join(tmpdir(), 'sibyl-compaction-'))

function table(isWide: boolean, compression: string): TableMetadata {
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    columns: [
      { name: 'p', kind: 'partition_key', type: native.int },
      ...(isWide ? ([{ name: 'c', kind: 'clustering', type: native.int }] as const) : []),
      { name: 'a', kind: 'regular', type: native.blob },
      { name: 'b', kind: 'regular', type: native.int },
    ],
    params: {
      compression: new Map(
        compression === ''
          ? [['enabled', 'false']]
          : [['class', compression] as const, ['chunk_length_in_kb', '16']],
      ),
    },
  })
}

/** Half of it is as good as random, so that compression has something to do and something to leave. */
function value(seed: number): Uint8Array {
  const bytes = new Uint8Array(180)
  let x = (seed * 2654435761) | 1
  for (let i = 0; i < 180; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    bytes[i] = i < 90 ? x : 97 + (i % 16)
  }
  return bytes
}

const token = new Int32Array(2)

function memtableOf(made: TableMetadata, rows: number, rowsPerPartition: number, nth: number): Memtable {
  const memtable = new Memtable(made, () => undefined)
  const mutation = new MutationBuilder()
  for (let i = 0; i < rows; i++) {
    const key = int32Bytes(Math.floor(i / rowsPerPartition) * INPUTS + (rowsPerPartition === 1 ? nth : 0))
    murmur3Token(key, 0, 4, token)
    mutation.begin()
    mutation.beginUpdate(made.handle, token[0]!, token[1]!, key, 0, 4)
    mutation.beginRow(ROW_HAS_LIVENESS, 406_000, i, 0, 0, 0, 0, 0)
    if (made.clusterings.length > 0) mutation.clustering(int32Bytes(i * INPUTS + nth), 0, 4)
    mutation.endClustering()
    const bytes = value(i * INPUTS + nth)
    mutation.cell(made.regulars[0]!.id, 0, 406_000, i, 0, 0, NO_BYTES, 0, -1, bytes, 0, bytes.length)
    mutation.cell(made.regulars[1]!.id, 0, 406_000, i, 0, 0, NO_BYTES, 0, -1, int32Bytes(i), 0, 4)
    mutation.endRow()
    mutation.endUpdate()
    mutation.finish()
    applyTo(memtable, mutation)
  }
  return memtable
}

/** Of CPU time, since other processes may want the machine, too; longest step by the clock. */
function timed(task: StorageTask): { seconds: number; longestMs: number; steps: number } {
  const start = process.cpuUsage()
  let longestMs = 0
  let steps = 0
  for (let more = true; more; steps++) {
    const from = performance.now()
    more = task.step()
    if (more) longestMs = Math.max(longestMs, performance.now() - from)
  }
  const { user, system } = process.cpuUsage(start)
  return { seconds: (user + system) / 1e6, longestMs, steps }
}

function report(what: string, rows: number, bytes: number, took: ReturnType<typeof timed>): void {
  const { seconds, longestMs, steps } = took
  console.log(
    `${what.padEnd(44)} ${(rows / seconds / 1000).toFixed(0).padStart(5)}k rows/s ${(bytes / seconds / 1e6).toFixed(1).padStart(6)} MB/s` +
      `  ${steps} steps, longest ${longestMs.toFixed(1)} ms`,
  )
}

function dataBytes(made: TableMetadata, descriptors: readonly Descriptor[]): number {
  let bytes = 0
  for (const descriptor of descriptors) {
    const sstable = SSTable.open(disk, descriptor, made)
    bytes += sstable.dataLength
    sstable.close()
  }
  return bytes
}

function descriptorsOf({ written }: StorageTask | SSTableOutput): readonly Descriptor[] {
  return written.map(({ descriptor }) => descriptor)
}

function run(name: string, compression: string, rowsPerPartition: number): void {
  const made = table(rowsPerPartition > 1, compression)
  const rewriter = new Rewriter(disk, join(directory, name.replaceAll(/\W/g, '')))
  const rows = (THOUSANDS * 1000) / INPUTS
  const inputs: Descriptor[] = []
  for (let nth = 0; nth < INPUTS; nth++) {
    const task = rewriter.flushTask(memtableOf(made, rows, rowsPerPartition, nth), made)
    const took = timed(task)
    const written = descriptorsOf(task)
    inputs.push(...written)
    report(`${name}: flush ${nth}`, rows, dataBytes(made, written), took)
  }
  const bytes = dataBytes(made, inputs)
  for (let i = 0; i < 2; i++) {
    for (const readAhead of [undefined, 0]) {
      const purge = { gcBeforeSeconds: 2_000_000_000, nowSeconds: 2_000_000_000 }
      const compaction = rewriter.compactionTask(made, inputs, purge, readAhead)
      const what = readAhead === 0 ? ', a read a chunk' : ''
      report(`${name}: compaction of ${inputs.length}${what}`, rows * INPUTS, bytes, timed(compaction))
    }
  }
}

/** Rows of one partition without end, as if they had been read. */
class Endless implements UnfilteredReader {
  readonly keyBytes = int32Bytes(1)
  readonly keyOffset = 0
  readonly keyLength = 4
  readonly tokenHi = 0
  readonly tokenLo = 0
  readonly partitionDeletion = LIVE
  readonly marker = NO_MARKER
  row: Words
  readonly rowAt: number
  readonly #clusteringAt: number
  #left: number
  #next: number

  /** Rows like that of a mutation, whose clustering is one integer. */
  constructor(row: Words, rowAt: number, first: number, count: number) {
    this.row = row
    this.rowAt = rowAt
    this.#clusteringAt = (clusteringAt(row.i32, rowAt) + 1) << 2
    this.#next = first
    this.#left = count
  }

  nextPartition = () => true
  staticRow = () => false
  close = () => undefined

  next(): UnfilteredKind {
    if (this.#left-- === 0) return UNFILTERED_END
    this.row.u8.set(int32Bytes(this.#next), this.#clusteringAt)
    this.#next += 2
    return UNFILTERED_ROW
  }
}

/** One partition of THOUSANDS rows in two SSTables, whose rows come by turns. */
function runHuge(): void {
  const made = table(true, 'LZ4Compressor')
  const rewriter = new Rewriter(disk, join(directory, 'huge'))
  const header = new HeaderCollector()
  const rows = THOUSANDS * 500
  const inputs: Descriptor[] = []
  for (const first of [0, 1]) {
    const scan = new MemtableScan(memtableOf(made, 1, 1, 0))
    scan.nextPartition()
    scan.next()
    header.row(scan.row, scan.rowAt)
    const at = scan.rowAt
    const copy = scan.row.i32.slice(at, at + (scan.row.i32[at]! >>> 2))
    const reader = new Endless({ i32: copy, u8: new Uint8Array(copy.buffer) }, 0, first, rows)
    const output = new SSTableOutput(disk, rewriter.target(made), made, () => undefined, {
      header: header.component(made),
      compression: tableCompression(made),
      repairedAt: 0n,
      commitLogIntervals: [],
    })
    output.begin(1, 0).append(reader)
    output.finish()
    inputs.push(...descriptorsOf(output))
  }
  const before = process.memoryUsage.rss()
  const compaction = rewriter.compactionTask(made, inputs)
  let most = 0
  const step = compaction.step.bind(compaction)
  let steps = 0
  compaction.step = () => {
    if (++steps % 64 === 0) most = Math.max(most, process.memoryUsage.rss())
    return step()
  }
  report(
    `one partition of ${(dataBytes(made, inputs) / 1e9).toFixed(2)} GB`,
    rows * 2,
    dataBytes(made, inputs),
    timed(compaction),
  )
  console.log(`RSS ${(before / 1e6).toFixed(0)} MB before, at most ${(most / 1e6).toFixed(0)} MB`)
}

try {
  const only = process.argv[3]
  for (const [name, compression, width] of [
    ['narrow, LZ4', 'LZ4Compressor', 1],
    ['narrow, not compressed', '', 1],
    ['100 rows, LZ4', 'LZ4Compressor', 100],
    ['all rows, LZ4', 'LZ4Compressor', 1_000_000_000],
  ] as const) {
    if (only === undefined || name.startsWith(only)) run(name, compression, width)
  }
  if (only === 'huge') runHuge()
} finally {
  rmSync(directory, { recursive: true })
}
