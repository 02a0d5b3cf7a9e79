import { int32Bytes, utf8Bytes } from '../../../src/common/bytes.ts'
import { murmur3Token } from '../../../src/common/murmur3.ts'
import type { Disk } from '../../../src/io/disk.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../../../src/model/mutation.ts'
import { ROW_HAS_LIVENESS } from '../../../src/model/row-format.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import { createTableMetadata } from '../../../src/schema/index.ts'
import { LogTransaction } from '../../../src/storage/lifecycle/log-transaction.ts'
import { frozenParts } from '../../../src/storage/memtable/frozen-memtable.ts'
import { Memtable } from '../../../src/storage/memtable/memtable.ts'
import type { Descriptor } from '../../../src/storage/sstable/descriptor.ts'
import type { CompactionJob, FlushJob, JobTarget } from '../../../src/storage/tasks/storage-task.ts'
import { tableParts } from '../../../src/storage/tasks/table-parts.ts'
import { native } from '../../../src/types/index.ts'

const EMPTY = new Uint8Array(0)
const FIRST_KEY_TIMESTAMP = 1_700_000_000

export const TABLE: TableMetadata = createTableMetadata({
  keyspace: 'ks',
  name: 't',
  id: '00000000-0000-0000-0000-000000000001',
  columns: [
    { name: 'p', kind: 'partition_key', type: native.int },
    { name: 'c', kind: 'clustering', type: native.int },
    { name: 'v', kind: 'regular', type: native.text },
  ],
})

/** A memtable of so many partitions with one row each, the first with key `from`. */
export function makeMemtable(from: number, count: number, valueBytes: number): Memtable {
  const memtable = new Memtable(TABLE, () => undefined)
  const mutation = new MutationBuilder()
  const token = new Int32Array(2)
  const column = TABLE.regulars[0]!.id
  for (let i = from; i < from + count; i++) {
    const key = int32Bytes(i)
    const value = utf8Bytes(`value ${i} `.repeat(valueBytes / 8).slice(0, valueBytes))
    murmur3Token(key, 0, 4, token)
    mutation.begin()
    mutation.beginUpdate(TABLE.handle, token[0]!, token[1]!, key, 0, 4)
    mutation.beginRow(ROW_HAS_LIVENESS, 0, FIRST_KEY_TIMESTAMP + i, 0, 0, 0, 0, 0)
    mutation.clustering(key, 0, 4)
    mutation.endClustering()
    mutation.cell(column, 0, 0, FIRST_KEY_TIMESTAMP + i, 0, 0, EMPTY, 0, -1, value, 0, value.length)
    mutation.endRow()
    mutation.endUpdate()
    mutation.finish()
    memtable.apply(mutation, MUTATION_HEADER_WORDS)
  }
  return memtable
}

/** Makes the jobs of a table whose SSTables are in one directory. */
export class TableJobs {
  readonly directory: string
  readonly generations = new SharedArrayBuffer(4)
  readonly #disk: Disk
  #transactions = 0

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.directory = directory
  }

  begin(type: 'flush' | 'compaction'): LogTransaction {
    const id = `00000000-0000-1000-8000-${String(++this.#transactions).padStart(12, '0')}`
    return LogTransaction.begin(this.#disk, this.directory, type, id)
  }

  #target(transaction: LogTransaction): JobTarget {
    return {
      table: tableParts(TABLE),
      directory: this.directory,
      generations: this.generations,
      transaction: transaction.path,
      columnIndexSizeBytes: 4096,
      hostId: '11111111-2222-4333-8444-555555555555',
    }
  }

  flush(memtable: Memtable, transaction: LogTransaction): FlushJob {
    return {
      ...this.#target(transaction),
      kind: 'flush',
      memtable: frozenParts(memtable),
      memtableBytes: memtable.slabs.usedBytes,
      commitLogIntervals: [{ start: { segmentId: 5, offset: 0 }, end: { segmentId: 6, offset: 100 } }],
    }
  }

  compaction(inputs: readonly Descriptor[], transaction: LogTransaction): CompactionJob {
    return {
      ...this.#target(transaction),
      kind: 'compaction',
      inputs,
      others: [],
      memtableMinTimestamp: null,
      gcBeforeSeconds: 0,
      nowSeconds: 1_800_000_000,
      level: 0,
      maxSSTableBytes: null,
    }
  }
}
