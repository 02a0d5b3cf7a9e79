import { decorateKey } from '../cql/restrictions/index.ts'
import { compareKeys } from '../cql/select/index.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { DecoratedKey, PartitionReader, ReadCommand } from '../model/read-command.ts'
import { Memtable } from '../storage/memtable/memtable.ts'
import { MemtableReader } from '../storage/memtable/memtable-reader.ts'
import { internalRow, writeInternalRow } from './internal-rows.ts'

/** Rows of a virtual table, as JavaScript values by column name. Called at each read. */
export type VirtualRows = () => Iterable<Readonly<Record<string, unknown>>>

const EPOCH = { timestampHi: 0, timestampLo: 1, nowSeconds: 0 }

/**
 * Tables that hold no data: what they show is computed when they are read (`db.virtual`). The rows are put into a
 * memtable of the moment, so that a virtual table is read as any other is. Its partitions are ordered by their keys,
 * not by token: a scan names those that are there, in that order.
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
    const mutation = new MutationBuilder()
    const keys = new Map<string, Uint8Array>()
    for (const values of this.#sources.get(`${table.keyspace}.${table.name}`)?.() ?? []) {
      const row = internalRow(table, values)
      mutation.begin()
      writeInternalRow(mutation, table, row, EPOCH)
      memtable.apply(mutation, 2)
      if (command.keys === null) keys.set(Buffer.from(row.key).toString('latin1'), row.key)
    }
    const reader = new MemtableReader(() => {})
    reader.open(memtable, command.keys === null ? { ...command, keys: inOrder(command, keys) } : command)
    return reader
  }
}

/** The keys of a scan: those after the one where the page before ended. */
function inOrder({ table, range }: ReadCommand, keys: ReadonlyMap<string, Uint8Array>): DecoratedKey[] {
  const { afterKey } = range
  return [...keys.values()]
    .filter((key) => afterKey === null || compareKeys(table, key, afterKey) > 0)
    .sort((a, b) => compareKeys(table, a, b))
    .map(decorateKey)
}
