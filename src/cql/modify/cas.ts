import { InvalidRequestError, ServerError } from '../../common/errors.ts'
import { ALL_ROWS, NULL_COMPONENT, type Slice } from '../../model/clustering.ts'
import type { MutationBuilder } from '../../model/mutation.ts'
import type { ColumnSpecification, RowsResult } from '../../model/query-result.ts'
import {
  type DecoratedKey,
  FULL_RING,
  type PartitionReader,
  type ReadCommand,
  STARVED,
} from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { native } from '../../types/index.ts'
import { columnSpecification, validateClustering } from '../restrictions/index.ts'
import { columnsInSelectOrder } from '../select/column-order.ts'
import { RowsWriter } from '../select/rows-writer.ts'
import {
  type Clustering,
  type CurrentRow,
  CurrentRows,
  type RowCondition,
  type WantedRows,
} from './cas-rows.ts'
import { bindCondition } from './condition-check.ts'
import type { PreparedCondition } from './conditions.ts'
import {
  beginUpdate,
  bindRanges,
  bindTtl,
  deletesPartition,
  type PreparedModification,
  scopeOf,
  writeRange,
  writeRows,
} from './modification.ts'
import type { WriteParameters } from './operations.ts'
import { bindClusterings, compareComponents } from './primary-key.ts'

/** A statement of a conditional request, with what it is executed with; its timestamp is the server's. */
export interface CasItem {
  readonly prepared: PreparedModification
  readonly parameters: WriteParameters
}

export interface CasOutcome {
  readonly applied: boolean
  readonly result: RowsResult
  /** What was read for the conditions, and what it held. */
  readonly command: ReadCommand
  readonly liveRows: number
  /** SSTables that had the partition. */
  readonly sstables: number
  readonly tombstones: number
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/**
 * Executes a conditional statement, or a batch with conditions (`CQL3CasRequest`): reads the rows that the conditions
 * are on and either builds in `out` what the statements write, for the caller to apply, or says in the result why not.
 * Nothing may be written between the read and the caller's `apply`.
 */
export function executeCas(
  items: readonly CasItem[],
  read: (command: ReadCommand) => PartitionReader,
  out: MutationBuilder,
  isBatch: boolean,
): CasOutcome {
  const request = new CasRequest(items, isBatch)
  const reader = read(request.command)
  try {
    const current = new CurrentRows(request)
    current.take(reader)
    return request.outcome(current, out)
  } finally {
    reader.close()
  }
}

/**
 * The same where the rows have to be waited for. What is written has the timestamp of the items' parameters. `build` is called when
 * all rows are there and before anything else happens, and may use `out` then.
 */
export async function executeCasLater<T>(
  request: CasRequest,
  reader: PartitionReader,
  out: MutationBuilder,
  build: (outcome: CasOutcome) => T,
): Promise<T> {
  try {
    const current = new CurrentRows(request)
    await reader.fill?.()
    for (;;) {
      try {
        current.take(reader)
        return build(request.outcome(current, out))
      } catch (error) {
        if (error !== STARVED) throw error
      }
      await reader.fill!()
    }
  } finally {
    reader.close()
  }
}

/** What a conditional statement, or a batch with conditions, is about. */
export class CasRequest implements WantedRows {
  readonly table: TableMetadata
  readonly isBatch: boolean
  readonly key: DecoratedKey
  /** Of the static row first, then in the order of the rows. */
  readonly conditions: RowCondition[] = []
  /** Columns that conditions name, in order; null where existence was asked for, which shows all columns. */
  readonly namedColumns: readonly ColumnMetadata[] | null
  readonly nowSeconds: number
  /** What reads the rows that conditions are on. */
  readonly command: ReadCommand
  readonly #items: readonly CasItem[]
  /** The clustering each statement writes to; undefined for one that deletes ranges. */
  readonly #clusterings: (Clustering | undefined)[] = []
  /** Ranges of rows that statements delete. */
  readonly #ranges: Slice[] = []
  readonly #updatesRegularRows: boolean
  readonly #updatesStaticRow: boolean
  readonly #conditionColumns: ReadonlySet<ColumnMetadata>

  constructor(items: readonly CasItem[], isBatch: boolean) {
    this.#items = items
    this.isBatch = isBatch
    this.table = items[0]!.prepared.table
    this.nowSeconds = items[0]!.parameters.nowSeconds
    let key: DecoratedKey | null = null
    let named: ColumnMetadata[] | null = []
    const conditionColumns = new Set<ColumnMetadata>()
    let updatesStatic = false
    for (const { prepared, parameters } of items) {
      const own = onlyKey(prepared, parameters, isBatch)
      if (key === null) key = own
      else if (Buffer.compare(key.key, own.key) !== 0) {
        throw invalid('Batch with conditions cannot span multiple partitions')
      }
      const { where, conditions } = prepared
      if (where.hasClusteringIn) {
        throw invalid(`IN on the clustering key columns is not supported with conditional ${verb(prepared)}`)
      }
      if (where.isRange) {
        this.#clusterings.push(undefined)
        if (conditions !== null) this.#refuseRange(prepared)
        this.#ranges.push(...bindRanges(prepared, parameters))
        continue
      }
      const clustering = onlyClustering(prepared, parameters)
      this.#clusterings.push(clustering)
      if (conditions === null) continue
      updatesStatic ||= prepared.staticOperations.length > 0
      for (const { column, requiresRead } of [...prepared.regularOperations, ...prepared.staticOperations]) {
        if (requiresRead) conditionColumns.add(column)
      }
      if (conditions.kind === 'columns') {
        for (const { column } of [...conditions.regular, ...conditions.static]) {
          conditionColumns.add(column)
          named?.push(column)
        }
        this.#addConditions(clustering, conditions.regular, parameters)
        this.#addConditions(null, conditions.static, parameters)
      } else {
        named = null
        this.#addExistence(clustering, conditions.kind)
      }
    }
    this.key = key!
    this.namedColumns = named === null ? null : [...new Set(named)]
    this.#conditionColumns = conditionColumns
    this.#updatesStaticRow = updatesStatic
    this.#updatesRegularRows = items.some(({ prepared }) => prepared.updatesRegularRows)
    this.conditions.sort((a, b) => this.#compare(a.clustering, b.clustering))
    this.command = this.#commandOf()
  }

  #refuseRange(prepared: PreparedModification): never {
    throw invalid(`IN on the clustering key columns is not supported with conditional ${verb(prepared)}`)
  }

  #compare(a: Clustering, b: Clustering): number {
    if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1
    return compareComponents(this.table, a, b)
  }

  #of(clustering: Clustering): RowCondition | undefined {
    return this.conditions.find((condition) => this.#compare(condition.clustering, clustering) === 0)
  }

  #addExistence(clustering: Clustering, kind: 'ifExists' | 'ifNotExists'): void {
    const previous = this.#of(clustering)
    if (previous === undefined) this.conditions.push({ clustering, kind, bound: [] })
    else if (previous.kind === 'columns') {
      throw invalid(
        `Cannot mix IF conditions and IF ${kind === 'ifNotExists' ? 'NOT ' : ''}EXISTS for the same row`,
      )
    } else if (previous.kind !== kind) {
      throw invalid('Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row')
    }
  }

  #addConditions(
    clustering: Clustering,
    conditions: readonly PreparedCondition[],
    context: WriteParameters,
  ): void {
    if (conditions.length === 0) return
    const bound = conditions.map((condition) => bindCondition(condition, context))
    const previous = this.#of(clustering)
    if (previous === undefined) this.conditions.push({ clustering, kind: 'columns', bound })
    else if (previous.kind !== 'columns') {
      throw invalid('Cannot mix IF conditions and IF NOT EXISTS for the same row')
    } else previous.bound.push(...bound)
  }

  /** What reads the rows with conditions; the first row where all conditions are on statics. */
  #commandOf(): ReadCommand {
    const { table, key } = this
    const rows = this.conditions.flatMap(({ clustering }) => (clustering === null ? [] : [clustering]))
    const slices: readonly Slice[] =
      rows.length === 0 || table.clusterings.length === 0
        ? ALL_ROWS
        : rows.map((components) => ({ start: { components, side: 0 }, end: { components, side: 1 } }))
    return { table, keys: [key], range: FULL_RING, slices, reversed: false }
  }

  /** How many rows are wanted at most. */
  get rowLimit(): number {
    let rows = 0
    for (const { clustering } of this.conditions) if (clustering !== null) rows++
    return rows === 0 ? 1 : rows
  }

  /** The columns of static rows and of others that are looked at. */
  get columns(): {
    readonly statics: readonly ColumnMetadata[]
    readonly regulars: readonly ColumnMetadata[]
  } {
    const { table } = this
    const columns = (all: readonly ColumnMetadata[], whole: boolean) =>
      whole ? all : all.filter((column) => this.#conditionColumns.has(column))
    return {
      statics: columns(table.statics, this.#updatesStaticRow),
      regulars: columns(table.regulars, this.#updatesRegularRows),
    }
  }

  /** Builds in `out` what is written where all conditions are met. */
  outcome(current: CurrentRows, out: MutationBuilder): CasOutcome {
    const { liveRows, tombstones, sstables } = current
    const counts = { command: this.command, liveRows, tombstones, sstables }
    if (this.conditions.every((condition) => current.meets(condition))) {
      this.write(out, current)
      return { applied: true, result: appliedResult(this.table), ...counts }
    }
    return { applied: false, result: refusedResult(this, current), ...counts }
  }

  /** Builds what the statements write. */
  write(out: MutationBuilder, current: CurrentRows): void {
    const items = this.#items
    // Of a conditional batch every statement is written at the request's timestamp, whatever it says itself.
    const { timestampHi, timestampLo } =
      items.find(({ prepared }) => prepared.timestamp === null)?.parameters ?? items[0]!.parameters
    // Deletions of the partition and of ranges happen just before it, so that the rows of the same batch stand
    // (`PartitionUpdate.Builder.updateAllTimestamp`).
    const beforeLo = (timestampLo - 1) | 0
    const beforeHi = timestampLo === 0 ? (timestampHi - 1) | 0 : timestampHi
    out.begin()
    beginUpdate(items[0]!.prepared, out, this.key)
    if (items.some(({ prepared }) => deletesPartition(prepared))) {
      out.partitionDeletion(beforeHi, beforeLo, this.nowSeconds)
    }
    for (const [index, { prepared, parameters }] of items.entries()) {
      const clustering = this.#clusterings[index]
      const ttl = bindTtl(prepared, parameters, this.nowSeconds)
      if (clustering !== undefined && !deletesPartition(prepared)) {
        const at = { ...fieldsOf(parameters), timestampHi, timestampLo, ttl }
        writeRows(prepared, out, at, clustering, (row) => current.row(row))
      }
    }
    for (const slice of this.#ranges) writeRange(out, slice, beforeHi, beforeLo, this.nowSeconds)
    out.endUpdate()
    out.finish()
  }
}

/** The parameters as a plain object, so that the timestamp can be another. */
function fieldsOf(p: WriteParameters): WriteParameters {
  return {
    values: p.values,
    nowMillis: p.nowMillis,
    nowSeconds: p.nowSeconds,
    timestampHi: p.timestampHi,
    timestampLo: p.timestampLo,
    ttl: p.ttl,
    row: null,
    timeUuid: () => p.timeUuid(),
    randomUuid: () => p.randomUuid(),
    incrementCounter: (column, row, delta) => p.incrementCounter(column, row, delta),
  }
}

function verb(prepared: PreparedModification): string {
  return prepared.type === 'update' ? 'updates' : 'deletions'
}

function onlyKey(
  prepared: PreparedModification,
  parameters: WriteParameters,
  isBatch: boolean,
): DecoratedKey {
  const keys = prepared.where.restrictions.bindPartitionKeys(parameters)
  if (prepared.where.hasPartitionIn) {
    // Cassandra throws an IllegalArgumentException here, which clients see as a server error.
    if (isBatch) {
      throw new ServerError(
        'java.lang.IllegalArgumentException: Batch with conditions cannot span multiple partitions (you cannot use IN on the partition key)',
      )
    }
    throw invalid(`IN on the partition key is not supported with conditional ${verb(prepared)}`)
  }
  return keys[0]!
}

function onlyClustering(prepared: PreparedModification, parameters: WriteParameters): Clustering {
  const { type, table, where, regularOperations, staticOperations, conditions } = prepared
  const scope = scopeOf(type, regularOperations, staticOperations, conditions)
  if (scope === 'statics' && !where.restrictsClustering) return null
  const rows = bindClusterings(table, where, parameters)
  if (rows === null) return null
  validateClustering(rows[0]!)
  return rows[0]!
}

const NO_ID = new Uint8Array(0)
const TRUE = Uint8Array.of(1)
const FALSE = Uint8Array.of(0)
const writer = new RowsWriter(1024)

function appliedColumn(table: TableMetadata): ColumnSpecification {
  return { keyspace: table.keyspace, table: table.name, name: '[applied]', type: native.boolean }
}

function rowsResult(columns: readonly ColumnSpecification[], rowCount: number): RowsResult {
  return {
    kind: 'rows',
    metadata: { columns, id: NO_ID },
    rowCount,
    content: writer.view(),
    pagingState: null,
    noMetadata: false,
  }
}

function appliedResult(table: TableMetadata): RowsResult {
  writer.reset()
  writer.value(TRUE, 0, 1)
  return rowsResult([appliedColumn(table)], 1)
}

/** `[applied]` false and what was found instead: nothing more where there is no row (`buildCasResultSet`). */
function refusedResult(request: CasRequest, current: CurrentRows): RowsResult {
  const { table, namedColumns, isBatch } = request
  const { rows, statics } = current
  writer.reset()
  const keys = [...table.partitionKeys, ...table.clusterings]
  const columns =
    namedColumns === null
      ? columnsInSelectOrder(table)
      : [...new Set([...(isBatch ? keys : []), ...namedColumns])]
  const found: (CurrentRow | null)[] = rows.length > 0 ? rows : statics !== null ? [null] : []
  if (found.length === 0) {
    writer.value(FALSE, 0, 1)
    return rowsResult([appliedColumn(table)], 1)
  }
  const partition = splitKey(table, request.key.key)
  for (const row of found) {
    writer.value(FALSE, 0, 1)
    for (const column of columns) {
      const value = valueOf(column, partition, row, statics)
      if (value === null) writer.nullValue()
      else writer.value(value, 0, value.length)
    }
  }
  const specifications = columns.map((column) => columnSpecification(table, column))
  return rowsResult([appliedColumn(table), ...specifications], found.length)
}

function valueOf(
  column: ColumnMetadata,
  partition: readonly Uint8Array[],
  row: CurrentRow | null,
  statics: CurrentRow | null,
): Uint8Array | null {
  switch (column.kind) {
    case 'partition_key':
      return partition[column.position]!
    case 'clustering':
      return row === null ? null : givenComponent(row.clustering![column.position]!)
    case 'static':
      return statics === null ? null : statics.value(column)
    case 'regular':
      return row === null ? null : row.value(column)
  }
}

function givenComponent(component: Uint8Array): Uint8Array | null {
  return component === NULL_COMPONENT ? null : component
}

function splitKey(table: TableMetadata, key: Uint8Array): readonly Uint8Array[] {
  if (table.partitionKeys.length === 1) return [key]
  const components: Uint8Array[] = []
  let at = 0
  for (let i = 0; i < table.partitionKeys.length; i++) {
    const length = (key[at]! << 8) | key[at + 1]!
    components.push(key.subarray(at + 2, at + 2 + length))
    at += length + 3
  }
  return components
}
