/**
 * Writes SSTables of bench.big and bench.huge into a data directory whose server is stopped: see large.js, which bundles it.
 *
 *   node FILE DATA_DIRECTORY GIGABYTES TABLES      the last as JSON
 */

import { int64Bytes } from '../src/common/bytes.ts'
import { murmur3Token } from '../src/common/murmur3.ts'
import { createNodeDisk } from '../src/io/node-disk.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder, UPDATE_KEY_WORD } from '../src/model/mutation.ts'
import { compare64, ROW_HAS_LIVENESS } from '../src/model/row-format.ts'
import type { TableMetadata } from '../src/model/table.ts'
import { createTableMetadata } from '../src/schema/index.ts'
import { headerComponent } from '../src/storage/sstable/header-component.ts'
import { SSTableOutput } from '../src/storage/tasks/sstable-output.ts'
import { tableCompression } from '../src/storage/tasks/table-compression.ts'
import { LIVE } from '../src/storage/unfiltered.ts'
import { native } from '../src/types/index.ts'

const [, , dataDirectory = '', gigabytes = '10', tables = '{}'] = process.argv
/** The tables' ids, bytes of a row, and rows of a partition in each SSTable. */
const { bigId, hugeId, rowBytes, rowsPerPartition } = JSON.parse(tables) as {
  bigId: string
  hugeId: string
  rowBytes: number
  rowsPerPartition: Record<string, number>
}
const disk = createNodeDisk()
/** Microseconds since the epoch, as halves: what the rows are stamped with. */
const TIME = 1_700_000_000_000_000
const TIME_HI = Math.floor(TIME / 2 ** 32)

function tableOf(name: string, id: string): TableMetadata {
  return createTableMetadata({
    keyspace: 'bench',
    name,
    id,
    columns: [
      { name: 'p', kind: 'partition_key', type: native.bigint },
      { name: 'c', kind: 'clustering', type: native.bigint },
      { name: 'v', kind: 'regular', type: native.blob },
    ],
  })
}

/** Half of it cannot be compressed. */
const value = new Uint8Array(rowBytes)
let state = 1
function fillValue(): void {
  for (let i = 0; i < rowBytes / 2; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    value[i] = state >>> 24
  }
}

const builder = new MutationBuilder()
const NO_BYTES = new Uint8Array(0)
const token = new Int32Array(2)

function write(
  table: TableMetadata,
  generation: number,
  keys: readonly bigint[],
  rows: (i: number) => bigint,
): void {
  const directory = `${dataDirectory}/bench/${table.name}-${table.id.replaceAll('-', '')}`
  disk.mkdirpSync(directory)
  const generations = new SharedArrayBuffer(4)
  new Int32Array(generations)[0] = generation - 1
  const target = {
    directory,
    generations,
    hostId: '00000000-0000-4000-8000-000000000001',
    columnIndexSizeBytes: 64 * 1024,
    transaction: '',
    table: null as never,
  }
  const output = new SSTableOutput(disk, target, table, () => undefined, {
    header: headerComponent(
      table,
      { minTimestamp: BigInt(TIME), minLocalDeletionTime: 1_442_880_000, minTtl: 0 },
      () => true,
    ),
    compression: tableCompression(table),
    repairedAt: 0n,
    commitLogIntervals: [],
  })
  const sorted = keys
    .map((p) => {
      const key = int64Bytes(p)
      murmur3Token(key, 0, 8, token)
      return { key, hi: token[0]!, lo: token[1]! }
    })
    .sort((a, b) => compare64(a.hi, a.lo, b.hi, b.lo))
  const writer = output.begin(keys.length, 0)
  const rowAt = MUTATION_HEADER_WORDS + UPDATE_KEY_WORD + 2 + 3
  for (const { key } of sorted) {
    writer.beginPartition(key, 0, 8, LIVE)
    writer.staticRow(builder, -1)
    for (let i = 0; i < rowsPerPartition[table.name]!; i++) {
      fillValue()
      builder.begin()
      builder.beginUpdate(table.handle, 0, 0, key, 0, 8)
      builder.beginRow(ROW_HAS_LIVENESS, TIME_HI, TIME | 0, 0, 0, 0, 0, 0)
      builder.clustering(int64Bytes(rows(i)), 0, 8)
      builder.endClustering()
      const { id } = table.regulars[0]!
      builder.cell(id, 0, TIME_HI, TIME | 0, 0, 0, NO_BYTES, 0, -1, value, 0, rowBytes)
      builder.endRow()
      writer.row(builder, rowAt)
    }
    writer.endPartition()
  }
  output.finish()
}

const big = tableOf('big', bigId)
const partitions = Math.floor(1e9 / (rowsPerPartition['big']! * rowBytes))
for (let file = 0; file < Number(gigabytes); file++) {
  const keys = Array.from({ length: partitions }, (_, i) => BigInt(file * partitions + i))
  write(big, file + 1, keys, BigInt)
  console.log(`${file + 1} GB`)
}
const huge = tableOf('huge', hugeId)
for (const half of [0, 1]) write(huge, half + 1, [1n], (i) => BigInt(2 * i + half))
