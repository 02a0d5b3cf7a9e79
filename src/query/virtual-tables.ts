import { compareBytes } from '../common/bytes.ts'
import { murmur3Token } from '../common/murmur3.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import { Memtable } from '../storage/memtable/memtable.ts'
import { MemtableReader } from '../storage/memtable/memtable-reader.ts'
import { internalRow, writeInternalRow } from './internal-rows.ts'

/** Rows of a virtual table, as JavaScript values by column name. Called at each read. */
export type VirtualRows = () => Iterable<Readonly<Record<string, unknown>>>

const token = new Int32Array(2)
const EPOCH = { timestampHi: 0, timestampLo: 1, nowSeconds: 0 }

/**
 * Tables that hold no data: what they show is computed when they are read (`db.virtual`). The rows are put into a
 * memtable of the moment, so that a virtual table is read as any other is.
 */
export class VirtualTables {
  readonly #sources = new Map<string, VirtualRows>()

  /** Says where the rows of a table come from. A table without a source is empty. */
  register(keyspace: string, table: string, rows: VirtualRows): void {
    this.#sources.set(`${keyspace}.${table}`, rows)
  }

  read(command: ReadCommand): PartitionReader {
    const { table } = command
    const memtable = new Memtable(table, () => {})
    const rows = [...(this.#sources.get(`${table.keyspace}.${table.name}`)?.() ?? [])].map((row) =>
      internalRow(table, row),
    )
    rows.sort((a, b) => compareKeys(table, a.key, b.key))
    const mutation = new MutationBuilder()
    let rank = 0
    let last: Uint8Array | null = null
    for (const row of rows) {
      mutation.begin()
      writeInternalRow(mutation, table, row, EPOCH)
      if (last !== null && compareKeys(table, last, row.key) !== 0) rank++
      last = row.key
      // A scan goes in the order of the keys, as under LocalPartitioner; a look-up by key goes by token.
      if (command.keys === null) {
        mutation.i32[4] = 0
        mutation.i32[5] = rank
      }
      memtable.apply(mutation, 2)
    }
    const reader = new MemtableReader(() => {})
    reader.open(memtable, command)
    return reader
  }
}

function compareKeys(table: TableMetadata, a: Uint8Array, b: Uint8Array): number {
  if (table.partitionKeys.length === 1) {
    return table.partitionKeys[0]!.type.compare(a, 0, a.length, b, 0, b.length)
  }
  return compareBytes(a, 0, a.length, b, 0, b.length)
}

/** The murmur3 token of a key, into [hi, lo]. */
export function tokenOf(key: Uint8Array): Int32Array {
  murmur3Token(key, 0, key.length, token)
  return token
}
