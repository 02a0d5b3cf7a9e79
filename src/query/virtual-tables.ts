import { InvalidRequestError } from '../common/errors.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import { decorateKey } from '../cql/restrictions/index.ts'
import { compareKeys } from '../cql/select/index.ts'
import {
  countsAt,
  MUTATION_HEADER_WORDS,
  MutationBuilder,
  UPDATE_HAS_DELETION,
  UPDATE_KEY_WORD,
} from '../model/mutation.ts'
import type { DecoratedKey, PartitionReader, ReadCommand } from '../model/read-command.ts'
import { CELL_TOMBSTONE, CellReader, ROW_HAS_DELETION, RowHeader, type Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { Memtable } from '../storage/memtable/memtable.ts'
import { MemtableReader } from '../storage/memtable/memtable-reader.ts'
import { internalRow, writeInternalRow } from './internal-rows.ts'

/** Rows of a virtual table, as JavaScript values by column name. Called at each read. */
export type VirtualRows = () => Iterable<Readonly<Record<string, unknown>>>

/** What may be done to a virtual table beside reading it (`AbstractMutableVirtualTable`). What is absent is refused. */
export interface VirtualMutator {
  readonly deletePartition?: (key: Uint8Array) => void
  readonly truncate?: () => void
}

const EPOCH = { timestampHi: 0, timestampLo: 1, nowSeconds: 0 }

/**
 * Tables that hold no data: what they show is computed when they are read (`db.virtual`). The rows are put into a
 * memtable of the moment, so that a virtual table is read as any other is. Its partitions are ordered by their keys,
 * not by token: a scan names those that are there, in that order.
 */
export class VirtualTables {
  readonly #sources = new Map<string, VirtualRows>()
  readonly #mutators = new Map<string, VirtualMutator>()

  /** Says where the rows of a table come from. A table without a source is empty. */
  register(keyspace: string, table: string, rows: VirtualRows): void {
    this.#sources.set(`${keyspace}.${table}`, rows)
  }

  /** Says what may be done to a table. Without a mutator nothing may. */
  registerMutator(keyspace: string, table: string, mutator: VirtualMutator): void {
    this.#mutators.set(`${keyspace}.${table}`, mutator)
  }

  read(command: ReadCommand): PartitionReader {
    const { table } = command
    const memtable = new Memtable(table, () => {})
    const mutation = new MutationBuilder()
    const keys = new Map<string, Uint8Array>()
    for (const values of this.#sources.get(nameOf(table))?.() ?? []) {
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

  /** Applies a finished mutation, all of whose tables are virtual. Throws InvalidRequestErrors (`VirtualTable.apply`). */
  apply(mutation: Words, tableOf: (handle: number) => TableMetadata): void {
    let at = MUTATION_HEADER_WORDS
    for (let n = mutation.i32[1]!; n > 0; n--) {
      this.#applyUpdate(mutation, at, tableOf(mutation.i32[at + 1]!))
      at += mutation.i32[at]! >>> 2
    }
  }

  #applyUpdate({ i32, u8 }: Words, at: number, table: TableMetadata): void {
    const mutator = this.#mutators.get(nameOf(table))
    if (mutator === undefined) throw unsupported('Modification', table)
    const keyLength = i32[at + 4]!
    const key = u8.slice((at + UPDATE_KEY_WORD) << 2, ((at + UPDATE_KEY_WORD) << 2) + keyLength)
    const counts = countsAt(i32, at)
    if (i32[counts + 2]! > 0) throw unsupported('Range deletion', table)
    if (i32[counts]! & UPDATE_HAS_DELETION) {
      if (mutator.deletePartition === undefined) throw unsupported('Partition deletion', table)
      mutator.deletePartition(key)
    } else if (i32[counts + 1]! > 0) throw unsupported(rowChange({ i32, u8 }, counts + 3), table)
  }

  /** Throws an InvalidRequestError where there is nothing that could be truncated. */
  truncate(table: TableMetadata): void {
    const mutator = this.#mutators.get(nameOf(table))
    if (mutator?.truncate === undefined) throw unsupported('Truncation', table)
    mutator.truncate()
  }
}

/** What a statement on a virtual table must not have (`ModificationStatement.validate`). */
export function validateVirtual({ timestamp, ttl, conditions }: PreparedModification): void {
  if (timestamp !== null) {
    throw new InvalidRequestError('Custom timestamp is not supported by virtual tables')
  }
  if (ttl !== null) throw new InvalidRequestError('Expiring columns are not supported by virtual tables')
  if (conditions !== null) {
    throw new InvalidRequestError('Conditional updates are not supported by virtual tables')
  }
}

/** What the first row of an update does, in the words of the refusal. */
function rowChange({ i32 }: Words, at: number): string {
  const header = new RowHeader()
  header.read(i32, at)
  if (header.flags & ROW_HAS_DELETION) return 'Row deletion'
  if (header.cells >= header.end) return 'Column modification'
  const cell = new CellReader()
  cell.read(i32, header.cells, 0, 0)
  return cell.flags & CELL_TOMBSTONE ? 'Column deletion' : 'Column modification'
}

function unsupported(what: string, table: TableMetadata): InvalidRequestError {
  return new InvalidRequestError(`${what} is not supported by table ${nameOf(table)}`)
}

function nameOf(table: TableMetadata): string {
  return `${table.keyspace}.${table.name}`
}

/** The keys of a scan: those after the one where the page before ended. */
function inOrder({ table, range }: ReadCommand, keys: ReadonlyMap<string, Uint8Array>): DecoratedKey[] {
  const { afterKey } = range
  return [...keys.values()]
    .filter((key) => afterKey === null || compareKeys(table, key, afterKey) > 0)
    .sort((a, b) => compareKeys(table, a, b))
    .map(decorateKey)
}
