import { InvalidRequestError } from '../../../src/common/errors.ts'
import { timeUuidBytes } from '../../../src/common/uuid.ts'
import { LiveRow } from '../../../src/model/live-row.ts'
import { MutationBuilder } from '../../../src/model/mutation.ts'
import { DEFAULT_QUERY_OPTIONS, type BoundValues, NO_VALUES, type QueryOptions } from '../../../src/model/query-options.ts'
import type { ColumnSpecification, RowsResult } from '../../../src/model/query-result.ts'
import { ALL_ROWS } from '../../../src/model/clustering.ts'
import { FULL_RING } from '../../../src/model/read-command.ts'
import type { ColumnKind, TableMetadata } from '../../../src/model/table.ts'
import { prepareModification, writeModification } from '../../../src/cql/modify/modification.ts'
import type { WriteParameters } from '../../../src/cql/modify/operations.ts'
import { parse } from '../../../src/cql/parser.ts'
import type * as raw from '../../../src/cql/raw/index.ts'
import { prepareRestrictions } from '../../../src/cql/restrictions/index.ts'
import {
  bindSelect,
  type PreparedSelect,
  prepareSelect,
  RowsWriter,
  SelectExecution,
} from '../../../src/cql/select/index.ts'
import type { PrepareContext } from '../../../src/cql/term.ts'
import { resolveType } from '../../../src/cql/types.ts'
import type { KeyspaceMetadata } from '../../../src/schema/index.ts'
import { alterTable, createTableMetadata } from '../../../src/schema/table-builder.ts'
import { StorageEngine } from '../../../src/storage/storage-engine.ts'
import { type CqlType, reversed, type UserType, userType } from '../../../src/types/index.ts'
import { counterContext, counterShard } from '../../../src/model/counter-context.ts'

const NOW_SECONDS = 1_800_000_000

/** Just so much of a server that CREATE, INSERT, UPDATE, DELETE and SELECT of one keyspace run in this process. */
export class SelectServer {
  readonly keyspace: string
  readonly #tables = new Map<string, TableMetadata>()
  readonly #types = new Map<string, UserType>()
  readonly #engine = new StorageEngine({ memtableSpaceBytes: 1 << 30, maxMutationSizeBytes: 1 << 24 })
  readonly #mutation = new MutationBuilder()
  readonly #out = new RowsWriter()
  #micros = 10_000
  #uuids = 0n

  constructor(keyspace: string) {
    this.keyspace = keyspace
  }

  #context(values: BoundValues): WriteParameters {
    return {
      values,
      nowMillis: NOW_SECONDS * 1000,
      timeUuid: () => timeUuidBytes(this.#uuids++, 0x8000_0000_0000_0000n),
      randomUuid: () => new Uint8Array(16),
      timestampHi: 0,
      timestampLo: this.#micros++,
      ttl: 0,
      nowSeconds: NOW_SECONDS,
      row: null,
      incrementCounter: (column, row, delta) => {
        const existing = row?.simple(column) ?? null
        const id = new Uint8Array(16)
        const shard = existing === null ? null : counterShard(existing, id)
        return counterContext(id, (shard?.clock ?? 0n) + 1n, (shard?.count ?? 0n) + delta)
      },
    }
  }

  #prepareContext(table: TableMetadata): PrepareContext {
    return {
      keyspace: this.keyspace,
      markers: [],
      nowMillis: NOW_SECONDS * 1000,
      table,
      resolveType: (type) => this.#type(type),
    }
  }

  #type(type: raw.RawType): CqlType {
    return resolveType(type, { name: this.keyspace, types: this.#types } as unknown as KeyspaceMetadata)
  }

  table(name: string): TableMetadata {
    return this.#tables.get(name)!
  }

  /** Adds a column, or drops one, as ALTER TABLE does. */
  alter(name: string, changes: Parameters<typeof alterTable>[1]): void {
    const table = alterTable(this.table(name), changes)
    this.#tables.set(name, table)
    this.#engine.setTable(table)
  }

  #find(name: raw.QualifiedName): TableMetadata {
    const keyspace = name.keyspace ?? this.keyspace
    if (keyspace !== this.keyspace) throw new InvalidRequestError(`keyspace ${keyspace} does not exist`)
    const table = this.#tables.get(name.name)
    if (table === undefined) throw new InvalidRequestError(`table ${name.name} does not exist`)
    return table
  }

  #createTable(statement: Extract<raw.RawStatement, { kind: 'createTable' }>): void {
    const key = statement.primaryKeys[0]!
    const inline = statement.columns.map((column) => column.name.text)
    const partition = key.partitionKey.map((column) => column.text)
    const clustering = key.clustering.map((column) => column.text)
    const descending = new Set(
      statement.clusteringOrder.filter((order) => order.direction === 'DESC').map((order) => order.column.text),
    )
    const definition = (name: string) => statement.columns[inline.indexOf(name)]!
    const spec = (name: string, kind: ColumnKind) => {
      const type = this.#type(definition(name).type)
      return { name, kind, type: descending.has(name) ? reversed(type) : type }
    }
    const others = inline.filter((name) => !partition.includes(name) && !clustering.includes(name))
    const columns = [
      ...partition.map((name) => spec(name, 'partition_key')),
      ...clustering.map((name) => spec(name, 'clustering')),
      ...others.map((name) => spec(name, definition(name).static ? 'static' : 'regular')),
    ]
    const isCounter = columns.some((column) => column.type.kind === 'counter')
    const table = createTableMetadata({
      keyspace: this.keyspace,
      name: statement.table.name,
      id: '00000000-0000-0000-0000-000000000000',
      columns,
      flags: new Set(isCounter ? ['compound', 'counter'] : ['compound']),
    })
    this.#tables.set(table.name, table)
    this.#engine.setTable(table)
  }

  /** Runs a statement that answers nothing. */
  run(text: string): void {
    const { statement } = parse(text)
    switch (statement.kind) {
      case 'createType':
        this.#types.set(
          statement.type.name,
          userType(
            this.keyspace,
            statement.type.name,
            statement.fields.map((field) => field.name.text),
            statement.fields.map((field) => this.#type(field.type)),
            true,
          ),
        )
        return
      case 'createTable':
        this.#createTable(statement)
        return
      case 'insert':
      case 'update':
      case 'delete':
        this.#modify(statement)
        return
      default:
        throw new Error(`no ${statement.kind} here`)
    }
  }

  #modify(statement: raw.InsertStatement | raw.UpdateStatement | raw.DeleteStatement): void {
    const table = this.#find(statement.table)
    const prepared = prepareModification(statement, table, this.#prepareContext(table))
    const parameters = this.#context(NO_VALUES)
    const { timestamp } = statement.using
    const micros = timestamp?.kind === 'literal' ? { timestampLo: Number(timestamp.text) } : {}
    const mutation = this.#mutation
    mutation.begin()
    writeModification(prepared, mutation, { ...parameters, ...micros }, (table, key, clustering) => {
      const slices =
        clustering === null
          ? ALL_ROWS
          : [{ start: { components: clustering, side: 0 as const }, end: { components: clustering, side: 1 as const } }]
      const reader = this.#engine.read({ table, keys: [key], range: FULL_RING, slices, reversed: false })
      const row = new LiveRow()
      row.clear()
      if (reader.nextPartition() && (clustering === null ? reader.staticRow() : reader.nextRow())) {
        row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, NOW_SECONDS)
      }
      return {
        simple: (column: { readonly id: number }) =>
          row.simple(column.id)
            ? row.u8.slice(row.cell.valueOffset, row.cell.valueOffset + row.cell.valueLength)
            : null,
        cells: () => [],
      } as never
    })
    this.#engine.apply(mutation)
  }

  /** What restrictions say of the WHERE clause of an UPDATE or DELETE, or null. */
  refusal(text: string): string | null {
    try {
      const { statement } = parse(text)
      if (statement.kind !== 'update' && statement.kind !== 'delete') throw new Error('no modification')
      const table = this.#find(statement.table)
      const targets = statement.kind === 'update' ? statement.assignments : statement.targets
      const columns = targets.map((target) => table.columns.get(target.column.text)!)
      const restrictions = prepareRestrictions(statement.where, table, statement.kind, this.#prepareContext(table), {
        onlyStaticColumns: columns.length > 0 && columns.every((column) => column.kind === 'static'),
      })
      const context = this.#context(NO_VALUES)
      if (restrictions.bindPartitionKeys(context).length === 0) return null
      // The statement's own check, between keys and clusterings.
      if (
        statement.kind === 'delete' &&
        columns.some((column) => column.kind === 'regular') &&
        !restrictions.namesRows
      ) {
        return 'Range deletions are not supported for specific columns'
      }
      if (restrictions.bindClusterings(context) === null) restrictions.bindSlices(context)
      return null
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      return error.message
    }
  }

  /** Prepares a SELECT; `bind` names its markers as PREPARE's answer does. */
  prepare(text: string): { prepared: PreparedSelect; bind: readonly ColumnSpecification[] } {
    const { statement, bindMarkers } = parse(text)
    if (statement.kind !== 'select') throw new Error('only SELECT is prepared here')
    const table = this.#find(statement.table)
    const context = this.#prepareContext(table)
    const prepared = prepareSelect(statement, table, context)
    const bind = bindMarkers.map((name, i) => ({ ...context.markers[i]!, name: name ?? context.markers[i]!.name }))
    return { prepared, bind }
  }

  select(text: string, options: Partial<QueryOptions> = {}, shouldYield: () => boolean = () => false): RowsResult {
    return this.execute(this.prepare(text).prepared, options, shouldYield)
  }

  execute(prepared: PreparedSelect, options: Partial<QueryOptions>, shouldYield: () => boolean): RowsResult {
    const all: QueryOptions = { ...DEFAULT_QUERY_OPTIONS, protocolVersion: 4, ...options }
    const bound = bindSelect(prepared, this.#context(all.values), all, NOW_SECONDS)
    this.#out.reset()
    const execution = new SelectExecution(bound, (command) => this.#engine.read(command), this.#out)
    while (!execution.run(shouldYield)) execution.reader?.suspend()
    return execution.result()
  }
}

/** Values as a request holds them: bytes in hex, null or 'unset'. */
export function boundValues(values: readonly (string | null)[]): BoundValues {
  const parts = values.map((value) => Buffer.from(value === null || value === 'unset' ? '' : value, 'hex'))
  let at = 3
  const offsets = parts.map((part) => {
    at += part.length
    return at - part.length
  })
  return {
    buffer: new Uint8Array(Buffer.concat([Buffer.alloc(3, 0xee), ...parts])),
    count: values.length,
    offsets,
    lengths: values.map((value, i) => (value === null ? -1 : value === 'unset' ? -2 : parts[i]!.length)),
  }
}
