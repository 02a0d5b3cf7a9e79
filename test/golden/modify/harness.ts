import { InvalidRequestError, MarshalError } from '../../../src/common/errors.ts'
import { clockSeqAndNode, ticksFromUnixMicros, timeUuidBytes } from '../../../src/common/uuid.ts'
import { checkBatchSize, prepareBatch, validateBatch } from '../../../src/cql/modify/batch.ts'
import { measureBatch } from '../../../src/cql/modify/batch-size.ts'
import { executeCas } from '../../../src/cql/modify/cas.ts'
import {
  bindTimestamp,
  bindTtl,
  type PreparedModification,
  prepareModification,
  writeModification,
} from '../../../src/cql/modify/modification.ts'
import type { ComplexCell, RowSnapshot, WriteParameters } from '../../../src/cql/modify/operations.ts'
import { parse } from '../../../src/cql/parser.ts'
import type * as raw from '../../../src/cql/raw/index.ts'
import { evaluate, type PrepareContext, type Term } from '../../../src/cql/term.ts'
import { resolveType } from '../../../src/cql/types.ts'
import { ALL_ROWS, readClustering } from '../../../src/model/clustering.ts'
import { counterContext, counterShard, counterTotal } from '../../../src/model/counter-context.ts'
import { LiveRow } from '../../../src/model/live-row.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../../../src/model/mutation.ts'
import { DEFAULT_QUERY_OPTIONS, type BoundValues, NO_VALUES, type QueryOptions } from '../../../src/model/query-options.ts'
import type { RowsResult } from '../../../src/model/query-result.ts'
import { type DecoratedKey, FULL_RING, type PartitionReader, type ReadCommand } from '../../../src/model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../../src/model/table.ts'
import {
  createKeyspaceMetadata,
  createTableMetadata,
  type ColumnSpec,
  type KeyspaceMetadata,
  withTable,
  withType,
} from '../../../src/schema/index.ts'
import { MemtableReader } from '../../../src/storage/memtable/memtable-reader.ts'
import { Memtable } from '../../../src/storage/memtable/memtable.ts'
import {
  int64Bytes,
} from '../../../src/common/bytes.ts'
import { packCells, packUserTypeCells, reversed, unwrapReversed, userType } from '../../../src/types/index.ts'

/** What a step answered, in the form that the recordings have. */
export interface Answer {
  readonly error?: string
  readonly columns?: readonly string[]
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly warnings?: readonly string[]
}

const NOW_SECONDS = 1_700_000_000
const COUNTER_ID = new Uint8Array(16).fill(7)

/** A small server: statements to memtables, with `SELECT * FROM t WHERE k = n` alone to look at what is there. */
export class Harness {
  #keyspace: KeyspaceMetadata
  readonly #memtables = new Map<number, Memtable>()
  readonly #mutation = new MutationBuilder()
  readonly #live = new LiveRow()
  #micros = NOW_SECONDS * 1_000_000

  constructor(keyspace: string, schema: readonly string[]) {
    this.#keyspace = createKeyspaceMetadata(keyspace, { durableWrites: true, replication: new Map() })
    for (const text of schema) this.#define(parse(text).statement)
  }

  #define(statement: raw.RawStatement): void {
    if (statement.kind === 'createType') {
      const names = statement.fields.map((field) => field.name.text)
      const types = statement.fields.map((field) => resolveType(field.type, this.#keyspace))
      this.#keyspace = withType(
        this.#keyspace,
        userType(this.#keyspace.name, statement.type.name, names, types, true),
      )
    }
    if (statement.kind !== 'createTable') return
    const primary = statement.primaryKeys[0]!
    const partition = primary.partitionKey.map((name) => name.text)
    const clustering = primary.clustering.map((name) => name.text)
    const descending = new Set(
      statement.clusteringOrder.filter(({ direction }) => direction === 'DESC').map(({ column }) => column.text),
    )
    const column = (name: string): ColumnSpec => {
      const definition = statement.columns.find((c) => c.name.text === name)!
      const type = resolveType(definition.type, this.#keyspace)
      const kind = partition.includes(name)
        ? 'partition_key'
        : clustering.includes(name)
          ? 'clustering'
          : definition.static
            ? 'static'
            : 'regular'
      return { name, kind, type: descending.has(name) ? reversed(type) : type }
    }
    const others = statement.columns.map((c) => c.name.text).filter((n) => ![...partition, ...clustering].includes(n))
    const columns = [...partition, ...clustering, ...others].map(column)
    const isCounter = columns.some(({ type }) => type.kind === 'counter')
    const table = createTableMetadata({
      keyspace: this.#keyspace.name,
      name: statement.table.name,
      id: `00000000-0000-0000-0000-0000000000${10 + this.#memtables.size}`,
      columns,
      flags: new Set(isCounter ? ['compound', 'counter'] : ['compound']),
    })
    this.#keyspace = withTable(this.#keyspace, table)
    this.#memtables.set(table.handle, new Memtable(table, () => {}))
  }

  table(name: string): TableMetadata {
    const table = this.#keyspace.tables.get(name)
    if (table === undefined) throw new InvalidRequestError(`table ${name} does not exist`)
    return table
  }

  /** Executes a statement with values in hex. */
  run(text: string, values: readonly (string | null)[] = []): Answer {
    try {
      return this.#run(text, boundValues(values))
    } catch (error) {
      if (error instanceof Error && error.constructor !== TypeError && error.constructor !== Error) {
        if (error instanceof MarshalError) return { error: `MarshalError: ${error.message}` }
        return { error: error.message }
      }
      throw error
    }
  }

  #run(text: string, values: BoundValues): Answer {
    const { statement, bindMarkers } = parse(text)
    const markers: PrepareContext['markers'] = new Array(bindMarkers.length).fill(undefined)
    const contextFor = (): PrepareContext => ({
      keyspace: this.#keyspace.name,
      markers,
      nowMillis: NOW_SECONDS * 1000,
      table: null,
      resolveType: (type) => resolveType(type, this.#keyspace),
    })
    switch (statement.kind) {
      case 'insert':
      case 'update':
      case 'delete': {
        const prepared = prepareModification(statement, this.table(statement.table.name), contextFor())
        if (prepared.conditions !== null) return this.#cas([prepared], values, false)
        this.#mutation.begin()
        this.#write(prepared, values, null)
        this.#apply()
        return {}
      }
      case 'batch': {
        const batch = prepareBatch(statement, (name) => this.table(name.name), contextFor)
        validateBatch(batch.type, batch.statements, batch.timestamp)
        if (batch.statements.some(({ conditions }) => conditions !== null)) {
          return this.#cas(batch.statements, values, true)
        }
        this.#mutation.begin()
        this.#micros++
        for (const prepared of batch.statements) {
          this.#write(prepared, values, batch.timestamp)
          if (prepared.table.isCounter) {
            this.#apply()
            this.#mutation.begin()
          }
        }
        this.#mutation.finish()
        const { partitions, dataSize } = measureBatch(this.#mutation)
        const warnings = checkBatchSize(batch.type, batch.statements, dataSize, partitions, {
          batch_size_warn_threshold_bytes: 5 * 1024,
          batch_size_fail_threshold_bytes: 50 * 1024,
          unlogged_batch_across_partitions_warn_threshold: 10,
        })
        this.#apply()
        return warnings.length === 0 ? {} : { warnings }
      }
      case 'select':
        return this.#select(text)
      default:
        throw new Error(`cannot run ${statement.kind}`)
    }
  }

  #parameters(values: BoundValues): WriteParameters & { ttl: number; timestampHi: number; timestampLo: number } {
    return {
      values,
      nowMillis: NOW_SECONDS * 1000,
      nowSeconds: NOW_SECONDS,
      ttl: 0,
      timestampHi: 0,
      timestampLo: 0,
      row: null,
      timeUuid: () => timeUuidBytes(ticksFromUnixMicros(BigInt(++this.#micros)), clockSeqAndNode(1, 1n)),
      randomUuid: () => new Uint8Array(16),
      incrementCounter: (column, row, delta) => {
        const existing = row?.simple(column) ?? null
        const shard = existing === null ? null : counterShard(existing, COUNTER_ID)
        return counterContext(COUNTER_ID, (shard?.clock ?? 0n) + 1n, (shard?.count ?? 0n) + delta)
      },
    }
  }

  #timestamp(): Int32Array {
    const bytes = int64Bytes(BigInt(this.#micros))
    const data = new DataView(bytes.buffer)
    return Int32Array.of(data.getInt32(0), data.getInt32(4))
  }

  #bind(prepared: PreparedModification, values: BoundValues, batch: Term | null) {
    const p = this.#parameters(values)
    p.ttl = bindTtl(prepared, p, NOW_SECONDS)
    let server = this.#timestamp()
    if (batch !== null) {
      const value = evaluate(batch, p)!
      const data = new DataView(value.buffer, value.byteOffset, 8)
      server = Int32Array.of(data.getInt32(0), data.getInt32(4))
    }
    const out = new Int32Array(2)
    bindTimestamp(prepared, p, OPTIONS, server, out)
    p.timestampHi = out[0]!
    p.timestampLo = out[1]!
    return p
  }

  #write(prepared: PreparedModification, values: BoundValues, batch: Term | null): void {
    if (batch === null) this.#micros++
    const p = this.#bind(prepared, values, batch)
    writeModification(prepared, this.#mutation, p, (table, key, clustering) => this.#lookup(table, key, clustering))
  }

  #cas(statements: readonly PreparedModification[], values: BoundValues, isBatch: boolean): Answer {
    this.#micros += 10
    const items = statements.map((prepared) => ({ prepared, parameters: this.#bind(prepared, values, null) }))
    const { applied, result } = executeCas(items, (command) => this.#open(command), this.#mutation, isBatch)
    if (applied) this.#apply()
    return answerOf(result)
  }

  #apply(): void {
    this.#mutation.finish()
    const words = this.#mutation
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < words.i32[1]!; i++) {
      this.#memtables.get(words.i32[at + 1]!)!.apply(words, at)
      at += words.i32[at]! >>> 2
    }
  }

  #open(command: ReadCommand): PartitionReader {
    const reader = new MemtableReader(() => {})
    reader.open(this.#memtables.get(command.table.handle)!, command)
    return reader
  }

  #lookup(table: TableMetadata, key: DecoratedKey, clustering: readonly Uint8Array[] | null): RowSnapshot | null {
    const slices =
      clustering === null
        ? ALL_ROWS
        : [{ start: { components: clustering, side: 0 as const }, end: { components: clustering, side: 1 as const } }]
    const reader = this.#open({ table, keys: [key], range: FULL_RING, slices, reversed: false })
    if (!reader.nextPartition()) return null
    const found = clustering === null ? reader.staticRow() : reader.nextRow()
    return found ? this.#snapshot(table, reader) : null
  }

  #snapshot(table: TableMetadata, reader: PartitionReader): RowSnapshot {
    const live = this.#live
    live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, NOW_SECONDS)
    const simple = new Map<number, Uint8Array>()
    const complex = new Map<number, ComplexCell[]>()
    const { cell } = live
    for (const { id, type } of [...table.statics, ...table.regulars]) {
      if (type.multiCell) {
        const cells: ComplexCell[] = []
        live.complex(id)
        while (live.nextCell()) {
          cells.push({
            path: live.u8.slice(cell.pathOffset, cell.pathOffset + cell.pathLength),
            value: live.u8.slice(cell.valueOffset, cell.valueOffset + cell.valueLength),
          })
        }
        complex.set(id, cells)
      } else if (live.simple(id)) simple.set(id, live.u8.slice(cell.valueOffset, cell.valueOffset + cell.valueLength))
    }
    return {
      simple: (column) => simple.get(column.id) ?? null,
      complex: (column) => complex.get(column.id) ?? [],
    }
  }

  /** `SELECT * FROM t WHERE k = n`. */
  #select(text: string): Answer {
    const match = /^SELECT \* FROM (\w+) WHERE (\w+) = (\d+)$/.exec(text)
    if (match === null) throw new Error(`cannot read ${text}`)
    const table = this.table(match[1]!)
    const columns = [...table.partitionKeys, ...table.clusterings, ...table.statics, ...table.regulars]
    const key = new Uint8Array(4)
    new DataView(key.buffer).setInt32(0, Number(match[3]))
    const rows: (string | null)[][] = []
    const reader = this.#open({ table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false })
    while (reader.nextPartition()) {
      const own = reader.keyBytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength)
      if (hex(own) !== hex(key)) continue
      const statics = reader.staticRow() ? this.#snapshot(table, reader) : null
      const staticLives = statics !== null && this.#live.exists
      let count = 0
      while (reader.nextRow()) {
        const row = this.#snapshot(table, reader)
        if (!this.#live.exists) continue
        count++
        const clustering = readClustering(reader.row, this.#live.clusteringAt, table.clusterings.length)
        rows.push(columns.map((column) => cellOf(column, own, clustering, row, statics)))
      }
      if (count === 0 && staticLives) rows.push(columns.map((column) => cellOf(column, own, null, null, statics)))
    }
    return { columns: columns.map(({ name }) => name), rows }
  }
}

function cellOf(
  column: ColumnMetadata,
  key: Uint8Array,
  clustering: readonly Uint8Array[] | null,
  row: RowSnapshot | null,
  statics: RowSnapshot | null,
): string | null {
  if (column.kind === 'partition_key') return hex(key)
  if (column.kind === 'clustering') return clustering === null ? null : hex(clustering[column.position]!)
  const source = column.kind === 'static' ? statics : row
  if (source === null) return null
  const type = unwrapReversed(column.type)
  if (!type.multiCell) {
    const value = source.simple(column)
    return value === null ? null : hex(type.kind === 'counter' ? int64Bytes(counterTotal(value)) : value)
  }
  const cells = source.complex(column)
  if (cells.length === 0) return null
  if (type.kind === 'udt') return hex(packUserTypeCells(type, cells))
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map' ? hex(packCells(type, cells)) : null
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function boundValues(values: readonly (string | null)[]): BoundValues {
  if (values.length === 0) return NO_VALUES
  const buffers = values.map((value) => (value === null || value === 'unset' ? null : Buffer.from(value, 'hex')))
  let at = 0
  const offsets = buffers.map((buffer) => {
    const offset = at
    at += buffer?.length ?? 0
    return offset
  })
  return {
    buffer: Buffer.concat(buffers.filter((buffer) => buffer !== null)),
    count: values.length,
    offsets,
    lengths: values.map((value, i) => (value === null ? -1 : value === 'unset' ? -2 : buffers[i]!.length)),
  }
}

const OPTIONS: QueryOptions = { ...DEFAULT_QUERY_OPTIONS, protocolVersion: 4 }

function answerOf(result: RowsResult): Answer {
  const { columns } = result.metadata
  const data = Buffer.from(result.content)
  let at = 0
  const rows: (string | null)[][] = []
  for (let r = 0; r < result.rowCount; r++) {
    rows.push(
      columns.map(() => {
        const length = data.readInt32BE(at)
        at += 4
        if (length < 0) return null
        at += length
        return data.subarray(at - length, at).toString('hex')
      }),
    )
  }
  return { columns: columns.map(({ name }) => name), rows }
}
