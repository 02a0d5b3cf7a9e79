import { InvalidRequestError } from '../../common/errors.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { NULL_COMPONENT, type Slice } from '../../model/clustering.ts'
import type { MutationBuilder } from '../../model/mutation.ts'
import type { QueryOptions } from '../../model/query-options.ts'
import type { DecoratedKey } from '../../model/read-command.ts'
import {
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
} from '../../model/row-format.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { native } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { validateClustering } from '../restrictions/index.ts'
import {
  type ExecutionContext,
  evaluate,
  type PrepareContext,
  prepareTerm,
  type Term,
  validateValue,
} from '../term.ts'
import { type PreparedConditions, prepareConditions } from './conditions.ts'
import { insertOfJson } from './json-insert.ts'
import {
  type Operation,
  prepareAssignment,
  prepareDeletion,
  type RowSnapshot,
  setAction,
  type WriteParameters,
  writeOperations,
} from './operations.ts'
import {
  bindClusterings,
  existingColumn,
  type PrimaryKeyRestrictions,
  preparePrimaryKey,
  validateKey,
  validateKeyLength,
} from './primary-key.ts'

/** An INSERT, UPDATE or DELETE, resolved against the schema (`ModificationStatement`). */
export interface PreparedModification {
  readonly kind: 'modification'
  readonly type: 'insert' | 'update' | 'delete'
  readonly table: TableMetadata
  readonly where: PrimaryKeyRestrictions
  /** Sorted by column id. */
  readonly regularOperations: readonly Operation[]
  readonly staticOperations: readonly Operation[]
  readonly timestamp: Term | null
  readonly ttl: Term | null
  readonly updatesRegularRows: boolean
  readonly requiresRead: boolean
  readonly conditions: PreparedConditions | null
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/**
 * Prepares an INSERT, UPDATE or DELETE; the statements of a batch are validated later, by the caller. Throws an
 * InvalidRequestError with Cassandra's text.
 */
export function prepareModification(
  statement: raw.ModificationStatement,
  table: TableMetadata,
  context: PrepareContext,
  isInBatch = false,
): PreparedModification {
  const using = prepareUsing(statement.using, table, context)
  const conditions = prepareConditions(statement, table, context)
  const canReadState = conditions !== null
  const type = statement.kind === 'insertJson' ? 'insert' : statement.kind
  let operations: Operation[]
  let relations: readonly raw.Relation[]
  switch (statement.kind) {
    case 'insert':
    case 'insertJson': {
      if (table.isCounter)
        throw invalid('INSERT statements are not allowed on counter tables, use UPDATE instead')
      const { columns, values } =
        statement.kind === 'insert' ? statement : insertOfJson(statement, table, context)
      if (columns.length === 0) throw invalid('No columns provided to INSERT')
      if (columns.length !== values.length) throw invalid('Unmatched column names/values')
      if (new Set(columns.map((column) => column.text)).size !== columns.length) {
        throw invalid('The column names contains duplicates')
      }
      operations = []
      const keys: raw.Relation[] = []
      columns.forEach((name, index) => {
        // INSERT JSON is of all columns, those that are hidden as well.
        const column =
          statement.kind === 'insert' ? existingColumn(table, name) : table.columns.get(name.text)!
        const value = values[index]!
        if (column.kind === 'partition_key' || column.kind === 'clustering') {
          keys.push({ kind: 'column', column: name, operator: '=', value })
        } else
          operations.push(prepareAssignment(table, column, { kind: 'set', value }, canReadState, context))
      })
      relations = keys
      break
    }
    case 'update': {
      operations = []
      const seen = new Map<string, raw.UpdateOperation>()
      for (const { column: name, operation } of statement.assignments) {
        const column = existingColumn(table, name)
        if (column.kind === 'partition_key' || column.kind === 'clustering') {
          throw invalid(`PRIMARY KEY part ${column.name} found in SET part`)
        }
        const other = seen.get(column.name)
        if (other !== undefined && (other.kind === 'set' || operation.kind === 'set')) {
          throw invalid(`Multiple incompatible setting of column ${column.name}`)
        }
        seen.set(column.name, operation)
        operations.push(prepareAssignment(table, column, operation, canReadState, context))
      }
      relations = statement.where.relations
      break
    }
    case 'delete': {
      operations = statement.targets.map((target) => {
        const column = existingColumn(table, target.column)
        if (column.kind === 'partition_key' || column.kind === 'clustering') {
          throw invalid(`Invalid identifier ${column.name} for deletion (should not be a PRIMARY KEY part)`)
        }
        return prepareDeletion(table, column, target, context)
      })
      relations = statement.where.relations
      break
    }
  }
  if ('where' in statement && statement.where.expressions.length > 0) {
    throw invalid('Custom index expressions cannot be used in WHERE clauses for UPDATE or DELETE statements')
  }
  const { compactValue } = table
  if (operations.length === 0 && type === 'insert' && compactValue?.type.kind === 'empty') {
    // No column but the key's: the row is an empty value of the hidden one (`UpdateStatement.addUpdateForKey`).
    const value: Term = { kind: 'constant', value: new Uint8Array(0) }
    operations.push({ column: compactValue, action: setAction(compactValue, value), requiresRead: false })
  }
  const staticOperations = operationsOn('static', operations)
  const regularOperations = operationsOn('regular', operations)
  const namesClustering = relations.some(
    (relation) => 'column' in relation && table.columns.get(relation.column.text)?.kind === 'clustering',
  )
  const scope = scopeOf(type, regularOperations, staticOperations, conditions)
  const onlyStatics = scope === 'statics' && !(type === 'insert' && namesClustering)
  const where = preparePrimaryKey(table, relations, type, onlyStatics, context)
  if (conditions !== null) {
    if (table.isCounter) throw invalid('Conditional updates are not supported on counter tables')
    if (using.timestamp !== null) throw invalid('Cannot provide custom timestamp for conditional updates')
    if (type === 'delete') checkConditionalDelete(where, regularOperations, staticOperations, conditions)
  }
  const prepared: PreparedModification = {
    kind: 'modification',
    type,
    table,
    where,
    regularOperations,
    staticOperations,
    ...using,
    updatesRegularRows: table.clusterings.length === 0 || where.restrictsClustering,
    requiresRead: operations.some((operation) => operation.requiresRead),
    conditions,
  }
  if (!isInBatch) validateModification(prepared)
  return prepared
}

/** The operations on columns of a kind, by the columns' ids. */
function operationsOn(kind: 'static' | 'regular', operations: readonly Operation[]): readonly Operation[] {
  const found: Operation[] = []
  let isSorted = true
  for (const operation of operations) {
    const { column } = operation
    if (column.kind !== kind) continue
    if (found.length > 0 && found.at(-1)!.column.id > column.id) isSorted = false
    found.push(operation)
  }
  return isSorted ? found : found.sort((a, b) => a.column.id - b.column.id)
}

/** What is wrong with a statement that could be prepared; of a batch after all of it was (`ModificationStatement.validate`). */
export function validateModification({ table, timestamp, ttl }: PreparedModification): void {
  if (!table.isCounter) return
  if (timestamp !== null) throw invalid('Cannot provide custom timestamp for counter updates')
  if (ttl !== null) throw invalid('Cannot provide custom TTL for counter updates')
}

function checkConditionalDelete(
  where: PrimaryKeyRestrictions,
  regularOperations: readonly Operation[],
  staticOperations: readonly Operation[],
  conditions: PreparedConditions,
): void {
  if (where.restrictions.namesAllKeys) return
  const rule = 'DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to'
  if (changesRegulars('delete', regularOperations, staticOperations)) {
    throw invalid(`${rule} delete non static columns`)
  }
  if (conditions.regular.length > 0) throw invalid(`${rule} use IF condition on non static columns`)
}

/** Whether regular columns are changed; a DELETE that names none is of all (`Operations.appliesToRegularColumns`). */
function changesRegulars(
  type: PreparedModification['type'],
  regularOperations: readonly Operation[],
  staticOperations: readonly Operation[],
): boolean {
  return regularOperations.length > 0 || (type === 'delete' && staticOperations.length === 0)
}

/** Whether a statement, its conditions included, is on statics alone (`appliesOnlyToStaticColumns`). */
export function scopeOf(
  type: PreparedModification['type'],
  regularOperations: readonly Operation[],
  staticOperations: readonly Operation[],
  conditions: PreparedConditions | null,
): 'statics' | 'rows' {
  if (changesRegulars(type, regularOperations, staticOperations)) return 'rows'
  if ((conditions?.regular.length ?? 0) > 0) return 'rows'
  return staticOperations.length > 0 || (conditions?.static.length ?? 0) > 0 ? 'statics' : 'rows'
}

function prepareUsing(
  using: raw.UsingClause,
  table: TableMetadata,
  context: PrepareContext,
): { timestamp: Term | null; ttl: Term | null } {
  const specification = (name: string, type: (typeof native)['bigint']) => ({
    keyspace: table.keyspace,
    table: table.name,
    name,
    type,
  })
  return {
    timestamp:
      using.timestamp === null
        ? null
        : prepareTerm(using.timestamp, specification('[timestamp]', native.bigint), context),
    ttl: using.ttl === null ? null : prepareTerm(using.ttl, specification('[ttl]', native.int), context),
  }
}

/** The greatest TTL in seconds: 20 years (`Attributes.MAX_TTL`). */
const MAX_TTL = 630_720_000
/** The last second at which a cell of the `nb` format can expire: 2038-01-19T03:14:06Z. */
export const MAX_EXPIRATION_SECONDS = 2_147_483_646

/** Seconds that the statement's cells live; 0 for ever (`Attributes.getTimeToLive`). */
export function bindTtl(
  prepared: PreparedModification,
  context: ExecutionContext,
  nowSeconds: number,
): number {
  const { table } = prepared
  const standard = table.params.defaultTimeToLive
  if (prepared.ttl === null) return standard === 0 ? 0 : checkExpiration(table, standard, true, nowSeconds)
  const value = evaluate(prepared.ttl, context)
  if (value === undefined) return standard
  if (value === null || value.length === 0) return 0
  const ttl = new DataView(value.buffer, value.byteOffset, 4).getInt32(0)
  if (ttl < 0) throw invalid(`A TTL must be greater or equal to 0, but was ${ttl}`)
  if (ttl > MAX_TTL) throw invalid(`ttl is too large. requested (${ttl}) maximum (${MAX_TTL})`)
  return ttl === 0 ? 0 : checkExpiration(table, ttl, false, nowSeconds)
}

function checkExpiration(table: TableMetadata, ttl: number, isDefault: boolean, nowSeconds: number): number {
  if (nowSeconds + ttl > MAX_EXPIRATION_SECONDS) {
    throw invalid(
      `Request on table ${table.keyspace}.${table.name} with ${isDefault ? 'default ' : ''}ttl of ${ttl} seconds exceeds maximum supported expiration date of 2038-01-19T03:14:06+00:00. In order to avoid this use a lower TTL, change the expiration date overflow policy or upgrade to a version where this limitation is fixed. See CASSANDRA-14092 and CASSANDRA-14227 for more details.`,
    )
  }
  return ttl
}

/** The timestamp of a statement into `out` [hi, lo]: USING, the client's default, or the given one of the server. */
export function bindTimestamp(
  prepared: PreparedModification,
  context: ExecutionContext,
  options: QueryOptions,
  serverTimestamp: Int32Array,
  out: Int32Array,
): void {
  if (prepared.timestamp !== null) {
    const value = evaluate(prepared.timestamp, context)
    if (value === null) throw invalid('Invalid null value of timestamp')
    if (value !== undefined) {
      readTimestamp(value, out)
      return
    }
  }
  if (options.hasTimestamp) setTimestamp(options.timestampHi, options.timestampLo, out)
  else {
    out[0] = serverTimestamp[0]!
    out[1] = serverTimestamp[1]!
  }
}

/** The value of USING TIMESTAMP into `out` [hi, lo]. Throws an InvalidRequestError where it is none. */
export function readTimestamp(value: Uint8Array, out: Int32Array): void {
  if (value.length !== 8) throw invalid(`Invalid timestamp value: ${value}`)
  const data = new DataView(value.buffer, value.byteOffset, 8)
  setTimestamp(data.getInt32(0), data.getInt32(4), out)
}

/** Long.MIN_VALUE stands for no timestamp, and can't be one (`UpdateParameters`). */
function setTimestamp(hi: number, lo: number, out: Int32Array): void {
  if (hi === -0x80000000 && lo === 0) {
    throw invalid('Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807]')
  }
  out[0] = hi
  out[1] = lo
}

/** Finds the row that an operation has to see before it writes; null clustering is the static row. */
export type RowLookup = (
  table: TableMetadata,
  key: DecoratedKey,
  clustering: readonly Uint8Array[] | null,
) => RowSnapshot | null

const token = new Int32Array(2)
let keyScratch: Uint8Array = new Uint8Array(1024)

/** Null stands for the static row. */
type Clustering = readonly Uint8Array[] | null

/**
 * Adds what the statement writes to the mutation being built. `lookup` serves the operations that read first.
 * Throws an InvalidRequestError for values that do not fit; the mutation is void then.
 */
export function writeModification(
  prepared: PreparedModification,
  out: MutationBuilder,
  p: WriteParameters,
  lookup: RowLookup,
): void {
  if (prepared.where.simple && !prepared.requiresRead && prepared.type !== 'delete') {
    writeSimple(prepared, out, p)
    return
  }
  const { table, where } = prepared
  const keys = where.restrictions.bindPartitionKeys(p)
  if (where.isRange) {
    const slices = bindRanges(prepared, p)
    if (slices.length === 0) return
    for (const key of keys) {
      beginUpdate(prepared, out, key)
      for (const slice of slices) writeRange(out, slice, p.timestampHi, p.timestampLo, p.nowSeconds)
      out.endUpdate()
    }
    return
  }
  const clusterings = bindClusterings(table, where, p)
  if (clusterings !== null && clusterings.length === 0) return
  for (const key of keys) {
    beginUpdate(prepared, out, key)
    if (deletesPartition(prepared)) out.partitionDeletion(p.timestampHi, p.timestampLo, p.nowSeconds)
    else {
      const rows = clusterings ?? [null]
      for (const [i, clustering] of rows.entries()) {
        if (clustering !== null) validateClustering(clustering)
        // Static counters are changed once for every row that is named, and written with the last.
        const statics = !table.isCounter ? 1 : i === rows.length - 1 ? rows.length : 0
        const read = (row: Clustering): RowSnapshot | null =>
          prepared.requiresRead ? lookup(table, key, row) : null
        writeRows(prepared, out, p, clustering, read, statics)
      }
    }
    out.endUpdate()
  }
}

/**
 * Whether the statement writes to any row. Throws where a key or clustering is not valid, which comes before what is wrong
 * with the TTL.
 */
export function namesAnyRow({ table, where }: PreparedModification, context: ExecutionContext): boolean {
  if (where.restrictions.bindPartitionKeys(context).length === 0) return false
  return where.isRange || bindClusterings(table, where, context)?.length !== 0
}

export function beginUpdate(prepared: PreparedModification, out: MutationBuilder, key: DecoratedKey): void {
  out.beginUpdate(prepared.table.handle, key.tokenHi, key.tokenLo, key.key, 0, key.key.length)
}

/** Whether a DELETE names neither rows nor columns. */
export function deletesPartition(prepared: PreparedModification): boolean {
  const { type, table, where, regularOperations, staticOperations } = prepared
  return (
    type === 'delete' &&
    regularOperations.length === 0 &&
    staticOperations.length === 0 &&
    (table.clusterings.length === 0 || !where.restrictsClustering)
  )
}

/** The ranges of rows that a DELETE names. */
export function bindRanges(prepared: PreparedModification, context: ExecutionContext): readonly Slice[] {
  if (prepared.regularOperations.length > 0 || prepared.staticOperations.length > 0) {
    throw invalid('Range deletions are not supported for specific columns')
  }
  return prepared.where.restrictions.bindSlices(context)
}

export function writeRange(
  out: MutationBuilder,
  slice: Slice,
  timestampHi: number,
  timestampLo: number,
  nowSeconds: number,
): void {
  out.beginRangeTombstone(timestampHi, timestampLo, nowSeconds)
  out.bound(slice.start.components, slice.start.side)
  out.bound(slice.end.components, slice.end.side)
  out.endRangeTombstone()
}

/**
 * Writes the row of a clustering and the static row, as far as the statement changes them (`addUpdateForKey`). Null is
 * no clustering: only statics are changed. `read` finds what operations have to see first; `statics` is how often counters
 * of the static row are changed.
 */
export function writeRows(
  prepared: PreparedModification,
  out: MutationBuilder,
  p: WriteParameters,
  clustering: readonly Uint8Array[] | null,
  read: (clustering: Clustering) => RowSnapshot | null,
  statics = 1,
): void {
  const { type, table, regularOperations, staticOperations } = prepared
  const isDelete = type === 'delete'
  if (isDelete && clustering === null && regularOperations.length > 0) {
    throw invalid('Range deletions are not supported for specific columns')
  }
  if (clustering !== null) {
    if (isDelete && regularOperations.length === 0 && staticOperations.length === 0) {
      if (table.compactValue !== null) {
        // The row is its one cell (`UpdateParameters.addRowDeletion`).
        beginRow(out, 0, p, clustering)
        writeOperations(
          [{ column: table.compactValue, action: { kind: 'delete' }, requiresRead: false }],
          out,
          p,
        )
        out.endRow()
        return
      }
      beginRow(out, ROW_HAS_DELETION, p, clustering)
      out.endRow()
      return
    }
    if (!isDelete || regularOperations.length > 0) {
      if (table.isCompactTable && regularOperations.length === 0) requireCompactValue(table)
      p.row = read(clustering)
      beginRow(out, livenessFlags(prepared, p), p, clustering)
      writeOperations(regularOperations, out, p)
      out.endRow()
    }
  }
  if (staticOperations.length > 0 && statics > 0) {
    p.row = read(null)
    beginRow(out, ROW_STATIC, p, [])
    writeOperations(staticOperations, out, p, BigInt(statics))
    out.endRow()
  }
}

/** An INSERT of a key alone makes no row of a compact table; where there is no other column, one is made up before. */
function requireCompactValue(table: TableMetadata): void {
  throw invalid(`Column ${table.compactValue?.name} is mandatory for this COMPACT STORAGE table`)
}

function livenessFlags(prepared: PreparedModification, p: WriteParameters): number {
  if (prepared.type !== 'insert' || prepared.table.isCompactTable) return 0
  return p.ttl > 0 ? ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES : ROW_HAS_LIVENESS
}

function beginRow(
  out: MutationBuilder,
  flags: number,
  p: WriteParameters,
  clustering: readonly Uint8Array[],
): void {
  const expiration = p.ttl > 0 ? p.nowSeconds + p.ttl : 0
  out.beginRow(
    flags,
    p.timestampHi,
    p.timestampLo,
    p.ttl,
    expiration,
    p.timestampHi,
    p.timestampLo,
    p.nowSeconds,
  )
  for (const component of clustering) {
    out.clustering(component, 0, component === NULL_COMPONENT ? -1 : component.length)
  }
  out.endClustering()
}

/** The hot path: one row by equalities, from the request's bytes to the mutation's without values in between. */
function writeSimple(prepared: PreparedModification, out: MutationBuilder, p: WriteParameters): void {
  const { table, where } = prepared
  beginSimpleUpdate(table, where, out, p)
  if (prepared.updatesRegularRows) {
    const expiration = p.ttl > 0 ? p.nowSeconds + p.ttl : 0
    out.beginRow(livenessFlags(prepared, p), p.timestampHi, p.timestampLo, p.ttl, expiration, 0, 0, 0)
    let clusteringLength = 0
    for (const restriction of where.clustering) {
      if (restriction.kind !== 'eq') continue
      const length = locate(restriction.value, restriction.column, p)
      clusteringLength += length
      out.clustering(locatedBytes, locatedOffset, length)
    }
    if (clusteringLength > 0xffff) validateKeyLength(clusteringLength)
    out.endClustering()
    writeOperations(prepared.regularOperations, out, p)
    out.endRow()
  }
  if (prepared.staticOperations.length > 0) {
    out.beginRow(ROW_STATIC, 0, 0, 0, 0, 0, 0, 0)
    out.endClustering()
    writeOperations(prepared.staticOperations, out, p)
    out.endRow()
  }
  out.endUpdate()
}

let locatedBytes: Uint8Array = keyScratch
let locatedOffset = 0

/** Finds a key component: its length, with `locatedBytes` and `locatedOffset` where it is. */
function locate(term: Term, column: ColumnMetadata, p: WriteParameters): number {
  if (term.kind === 'marker') {
    const { values } = p
    const length = values.lengths[term.index]!
    if (length >= 0) {
      locatedBytes = values.buffer
      locatedOffset = values.offsets[term.index]!
      validateValue(column.type, locatedBytes, locatedOffset, length)
      return length
    }
    throw invalid(
      length === -1
        ? `Invalid null value in condition for column ${column.name}`
        : `Invalid unset value for column ${column.name}`,
    )
  }
  const value = evaluate(term, p)
  if (value === undefined) throw invalid(`Invalid unset value for column ${column.name}`)
  if (value === null) throw invalid(`Invalid null value in condition for column ${column.name}`)
  locatedBytes = value
  locatedOffset = 0
  return value.length
}

function beginSimpleUpdate(
  table: TableMetadata,
  where: PrimaryKeyRestrictions,
  out: MutationBuilder,
  p: WriteParameters,
): void {
  const { partition } = where
  if (partition.length === 1) {
    const only = partition[0]!
    if (only.kind !== 'eq') return
    const length = locate(only.value, only.column, p)
    validateKey(length)
    murmur3Token(locatedBytes, locatedOffset, length, token)
    out.beginUpdate(table.handle, token[0]!, token[1]!, locatedBytes, locatedOffset, length)
    return
  }
  let at = 0
  for (const restriction of partition) {
    if (restriction.kind !== 'eq') continue
    const length = locate(restriction.value, restriction.column, p)
    if (length > 0xffff) validateKey(length + 3 * partition.length)
    if (at + length + 3 > keyScratch.length) {
      const grown = new Uint8Array((at + length + 3) * 2)
      grown.set(keyScratch)
      keyScratch = grown
    }
    keyScratch[at] = length >> 8
    keyScratch[at + 1] = length
    copyBytes(locatedBytes, locatedOffset, length, keyScratch, at + 2)
    at += length + 3
    keyScratch[at - 1] = 0
  }
  validateKey(at)
  murmur3Token(keyScratch, 0, at, token)
  out.beginUpdate(table.handle, token[0]!, token[1]!, keyScratch, 0, at)
}

/** Copies bytes; short runs, which keys are, without making a view of them. */
function copyBytes(source: Uint8Array, offset: number, length: number, target: Uint8Array, at: number): void {
  if (length > 64) target.set(source.subarray(offset, offset + length), at)
  else for (let i = 0; i < length; i++) target[at + i] = source[offset + i]!
}
