import { int32Bytes, utf8Bytes } from '../../src/common/bytes.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import { MutationBuilder } from '../../src/model/mutation.ts'
import { ROW_HAS_LIVENESS } from '../../src/model/row-format.ts'
import type { TableMetadata, TableParams } from '../../src/model/table.ts'
import { createTableMetadata } from '../../src/schema/index.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { native } from '../../src/types/index.ts'
import { applyTo } from '../merge/tables.ts'

const NO_BYTES = new Uint8Array(0)

export function tableWith(params: Partial<TableParams> = {}): TableMetadata {
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    columns: [
      { name: 'p', kind: 'partition_key', type: native.int },
      { name: 'c', kind: 'clustering', type: native.int },
      { name: 'v', kind: 'regular', type: native.text },
    ],
    params,
  })
}

/** Rows of some partitions, each with a text and a timestamp. */
export function memtableOf(
  table: TableMetadata,
  rows: Iterable<readonly [p: number, c: number, v: string, timestamp: number]>,
): Memtable {
  const memtable = new Memtable(table, () => undefined)
  const mutation = new MutationBuilder()
  const token = new Int32Array(2)
  for (const [p, c, v, timestamp] of rows) {
    const key = int32Bytes(p)
    const value = utf8Bytes(v)
    murmur3Token(key, 0, 4, token)
    mutation.begin()
    mutation.beginUpdate(table.handle, token[0]!, token[1]!, key, 0, 4)
    mutation.beginRow(ROW_HAS_LIVENESS, 0, timestamp, 0, 0, 0, 0, 0)
    mutation.clustering(int32Bytes(c), 0, 4)
    mutation.endClustering()
    const { id } = table.regulars[0]!
    mutation.cell(id, 0, 0, timestamp, 0, 0, NO_BYTES, 0, -1, value, 0, value.length)
    mutation.endRow()
    mutation.endUpdate()
    mutation.finish()
    applyTo(memtable, mutation)
  }
  return memtable
}
