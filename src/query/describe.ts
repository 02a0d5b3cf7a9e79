/** DESCRIBE, answered by the server (`cql3/statements/DescribeStatement`). */

import { assert } from '../common/assert.ts'
import { utf8Bytes } from '../common/bytes.ts'
import { InvalidRequestError, ServerError } from '../common/errors.ts'
import type * as raw from '../cql/raw/index.ts'
import { RowsWriter, resultMetadata } from '../cql/select/index.ts'
import type { Clock } from '../io/clock.ts'
import { nextTurn, type Timers } from '../io/timers.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { ColumnSpecification, ResultMetadata, RowsResult } from '../model/query-result.ts'
import {
  elementColumns,
  elementCql,
  elementsOf,
  findIndex,
  keyspaceElements,
  type SchemaElement,
  tableAndIndexes,
  tableElements,
  typeElements,
} from '../schema/describe/index.ts'
import { isSystemKeyspace, type KeyspaceMetadata, type Schema } from '../schema/index.ts'
import { type CqlType, encode, listType, mapType, native } from '../types/index.ts'
import { describedOffset, describePagingState } from './describe-paging.ts'
import { internalValue } from './internal-rows.ts'
import type { ClientState } from './query-handler.ts'
import type { SchemaService } from './schema-service.ts'

/** A DESCRIBE as it is kept: names meet the schema when it is executed, whatever changed since it was prepared. */
export interface PreparedDescribe {
  readonly kind: 'describe'
  readonly raw: raw.DescribeStatement
}

/** One row, made when its page is: the texts of a large schema are never all in memory. */
type Row = () => readonly Uint8Array[]

interface Described {
  readonly metadata: ResultMetadata
  readonly rows: readonly Row[]
}

/** The work of a page gives way to other work after so many milliseconds. */
const SLICE_MS = 5

const PARTITIONER_PACKAGE = 'org.apache.cassandra.dht.'

/** What a Cassandra's snitch is wrapped in unless dynamic_snitch is off. */
const SNITCH = 'DynamicEndpointSnitch'

const OWNERSHIP = mapType(native.text, listType(native.text, false), false)

function columns(names: readonly string[], type: CqlType = native.text): ColumnSpecification[] {
  return names.map((name) => ({ keyspace: 'system', table: 'describe', name, type }))
}

const LIST_METADATA = resultMetadata(columns(['keyspace_name', 'type', 'name']))
const ELEMENT_METADATA = resultMetadata(columns(['keyspace_name', 'type', 'name', 'create_statement']))
const CLUSTER_COLUMNS = columns(['cluster', 'partitioner', 'snitch'])
const CLUSTER_METADATA = resultMetadata(CLUSTER_COLUMNS)
const OWNERSHIP_METADATA = resultMetadata([...CLUSTER_COLUMNS, ...columns(['range_ownership'], OWNERSHIP)])

export interface DescribeOptions {
  readonly schema: SchemaService
  readonly clock: Clock
  readonly timers: Timers
}

/** Executes DESCRIBE statements on one node. */
export class DescribeExecutor {
  readonly #schema: SchemaService
  readonly #clock: Clock
  readonly #timers: Timers

  constructor(options: DescribeOptions) {
    this.#schema = options.schema
    this.#clock = options.clock
    this.#timers = options.timers
  }

  /**
   * A page of rows. A promise where the page takes more than a few milliseconds: it is then made in several turns, of
   * the schema that the first one saw. Throws InvalidRequestErrors for what is not there, and for a page after the
   * schema has changed. Only USE counts as keyspace: one that came with the request does not, as in Cassandra.
   */
  execute(
    statement: raw.DescribeStatement,
    options: QueryOptions,
    state: ClientState,
  ): RowsResult | Promise<RowsResult> {
    const schema = this.#schema.current
    const versions = { release: this.#local<string>('release_version'), schema: schema.version }
    const { pageSize, pagingState, protocolVersion } = options
    const offset = describedOffset(pagingState, versions, protocolVersion)
    const { metadata, rows } = this.#describe(statement, schema, state.keyspace)
    const from = offset < 0n ? 0 : offset > rows.length ? rows.length : Number(offset)
    const to = pageSize > 0 ? Math.min(from + pageSize, rows.length) : rows.length
    const writer = new RowsWriter()
    const result = (): RowsResult => ({
      kind: 'rows',
      metadata,
      rowCount: to - from,
      content: writer.view(),
      // A full page says that there is more, be it the last one.
      pagingState:
        pageSize > 0 && to - from === pageSize
          ? describePagingState(offset + BigInt(pageSize), versions, protocolVersion)
          : null,
    })
    const reached = this.#write(rows, from, to, writer)
    return reached === to ? result() : this.#writeOn(rows, reached, to, writer).then(result)
  }

  /** Writes rows as long as the slice lasts; returns where it stopped. */
  #write(rows: readonly Row[], from: number, to: number, writer: RowsWriter): number {
    const start = this.#clock.monotonicMs()
    let at = from
    while (at < to) {
      for (const value of rows[at]!()) writer.value(value, 0, value.length)
      at++
      if (this.#clock.monotonicMs() - start > SLICE_MS) break
    }
    return at
  }

  async #writeOn(rows: readonly Row[], from: number, to: number, writer: RowsWriter): Promise<void> {
    for (let at = from; at < to; ) {
      await nextTurn(this.#timers)
      at = this.#write(rows, at, to, writer)
    }
  }

  #describe(statement: raw.DescribeStatement, schema: Schema, used: string | null): Described {
    const { target, withInternals } = statement
    const listed = (elements: readonly SchemaElement[]): Described => ({
      metadata: LIST_METADATA,
      rows: elements.map((element) => () => elementColumns(element).map(utf8Bytes)),
    })
    const created = (elements: readonly SchemaElement[]): Described => ({
      metadata: ELEMENT_METADATA,
      rows: elements.map(
        (element) => () => [...elementColumns(element), elementCql(element, withInternals)].map(utf8Bytes),
      ),
    })
    switch (target.kind) {
      case 'cluster':
        return this.#cluster(schema, used)
      case 'keyspaces':
        return listed(keyspaceElements(schema.keyspaces.values()))
      case 'tables':
        return listed(listedKeyspaces(schema, used).flatMap(tableElements))
      case 'types':
        return listed(listedKeyspaces(schema, used).flatMap(typeElements))
      case 'functions':
      case 'aggregates':
        listedKeyspaces(schema, used)
        return listed([])
      case 'schema':
        return created(
          sortedKeyspaces(schema)
            .filter(({ name }) => target.full || !isSystemKeyspace(name))
            .flatMap(elementsOf),
        )
      default:
        return created(namedElements(target, schema, used))
    }
  }

  /** A column of system.local, which the node writes whole before it answers anybody. */
  #local<T>(column: string): T {
    const row = this.#schema.system.readLocal()
    assert(row !== null, 'system.local is not written')
    return internalValue(this.#schema.system.table('local'), row, column) as T
  }

  #cluster(schema: Schema, used: string | null): Described {
    const partitioner = this.#local<string>('partitioner')
    const values = [
      this.#local<string>('cluster_name'),
      partitioner.startsWith(PARTITIONER_PACKAGE)
        ? partitioner.slice(PARTITIONER_PACKAGE.length)
        : partitioner,
      SNITCH,
    ].map(utf8Bytes)
    if (used === null || isSystemKeyspace(used)) return { metadata: CLUSTER_METADATA, rows: [() => values] }
    if (schema.keyspace(used) === null) {
      throw new ServerError(`java.lang.AssertionError: Unknown keyspace ${used}`)
    }
    const address = this.#local<string>('broadcast_address')
    const endpoint = `/${address}:${this.#local<number>('broadcast_port')}`
    // One node has all the ranges, unless the keyspace is of another data centre.
    const isReplica = (this.#schema.replicationFactors(used)?.local ?? 1) > 0
    const tokens = [...this.#local<Iterable<string>>('tokens')]
    const ownership = new Map(tokens.map((token) => [token, isReplica ? [endpoint] : []]))
    return { metadata: OWNERSHIP_METADATA, rows: [() => [...values, encode(OWNERSHIP, ownership)!]] }
  }
}

function sortedKeyspaces(schema: Schema): KeyspaceMetadata[] {
  return keyspaceElements(schema.keyspaces.values()).map(({ keyspace }) => keyspace)
}

/** The keyspace in use, or all in their order. */
function listedKeyspaces(schema: Schema, used: string | null): KeyspaceMetadata[] {
  return used === null ? sortedKeyspaces(schema) : [keyspaceNamed(schema, used)]
}

function keyspaceNamed(schema: Schema, name: string): KeyspaceMetadata {
  const keyspace = schema.keyspace(name)
  if (keyspace === null) throw new InvalidRequestError(`'${name}' not found in keyspaces`)
  return keyspace
}

type NamedTarget = Extract<
  raw.DescribeTarget,
  { kind: 'keyspace' | 'table' | 'index' | 'view' | 'type' | 'function' | 'aggregate' | 'generic' }
>

/** What a statement about one thing describes: that, and what belongs to it. */
function namedElements(target: NamedTarget, schema: Schema, used: string | null): SchemaElement[] {
  const within = (name: string | null): KeyspaceMetadata => {
    const given = name ?? used
    if (given === null) throw new InvalidRequestError('No keyspace specified and no current keyspace')
    return keyspaceNamed(schema, given)
  }
  switch (target.kind) {
    case 'keyspace': {
      const keyspace = within(target.keyspace)
      return target.only ? [{ kind: 'keyspace', keyspace }] : elementsOf(keyspace)
    }
    case 'generic':
      return genericElements(target.keyspace, target.name, schema, used)
    default:
      return elementsNamed(target.kind, target.name.name, within(target.name.keyspace))
  }
}

/** `DESCRIBE [ks.]name`: a keyspace, or else a table or an index of the keyspace in use, or of the one of that name. */
function genericElements(
  given: string | null,
  name: string,
  schema: Schema,
  used: string | null,
): SchemaElement[] {
  if (given === null) {
    const keyspace = schema.keyspace(name)
    if (keyspace !== null) return elementsOf(keyspace)
  }
  const keyspace = keyspaceNamed(schema, given ?? used ?? name)
  const table = keyspace.tables.get(name)
  if (table !== undefined) return tableAndIndexes(table)
  const index = findIndex(keyspace, name)
  if (index !== null) return [index]
  throw new InvalidRequestError(`'${name}' not found in keyspace '${keyspace.name}'`)
}

/** Views, functions and aggregates are never found: there are none yet. */
function elementsNamed(
  kind: 'table' | 'index' | 'view' | 'type' | 'function' | 'aggregate',
  name: string,
  keyspace: KeyspaceMetadata,
): SchemaElement[] {
  const missing = (text: string): InvalidRequestError => new InvalidRequestError(text)
  switch (kind) {
    case 'table': {
      const table = keyspace.tables.get(name)
      if (table === undefined) throw missing(`Table '${name}' not found in keyspace '${keyspace.name}'`)
      return tableAndIndexes(table)
    }
    case 'type': {
      const type = keyspace.types.get(name)
      if (type === undefined) throw missing(`User defined type '${name}' not found in '${keyspace.name}'`)
      return [{ kind: 'type', type }]
    }
    case 'index': {
      const index = findIndex(keyspace, name)
      if (index !== null) return [index]
      throw missing(`Table for existing index '${name}' not found in '${keyspace.name}'`)
    }
    case 'view':
      throw missing(`Materialized view '${name}' not found in '${keyspace.name}'`)
    default:
      throw missing(`User defined ${kind} '${name}' not found in '${keyspace.name}'`)
  }
}
