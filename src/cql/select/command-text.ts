import { bytesEqual, compareBytes, utf8Bytes } from '../../common/bytes.ts'
import type { ClusteringBound, Slice } from '../../model/clustering.ts'
import type { ReadCommand, TokenRange } from '../../model/read-command.ts'
import { FULL_RING } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { maybeQuote, toCqlLiteral, unpackComposite } from '../../types/index.ts'
import type { FilterExpression } from '../restrictions/index.ts'
import { type BoundSelect, slicesAfter } from './bind.ts'
import { NO_LIMIT } from './limits.ts'

/**
 * CQL for the part of a SELECT that reads one partition, as Cassandra shows it in warnings
 * (`SinglePartitionReadCommand.toCQLString`). It is for people: not all that can be read has a text.
 */
export function partitionCommandText(
  bound: BoundSelect,
  command: ReadCommand,
  key: Uint8Array,
  place: ReadPlace,
): string {
  const clustering = place.last?.clustering ?? null
  const { table, slices, reversed } = command
  const rest = clustering === null ? slices : slicesAfter(table, slices, clustering, reversed)
  return commandText(bound, partitionText(bound, { ...command, slices: rest }, key), place)
}

/** CQL for a SELECT that reads a range of the ring (`PartitionRangeReadCommand.toCQLString`). */
export function rangeCommandText(bound: BoundSelect, place: ReadPlace): string {
  return commandText(bound, rangeText(bound, place), place)
}

/** Where a command is within a SELECT that takes several. */
export interface ReadPlace {
  /** The row that the command before ended at, which read a part of the same; null for the first. */
  readonly last: LastRead | null
  /** Rows of the page that commands before have given. */
  readonly rowsBefore: number
  /** Groups that the command may read; null where rows are not grouped. */
  readonly groups: number | null
}

/** A row: its partition, and its clustering, which is null where the partition is done with it. */
export interface LastRead {
  readonly key: Uint8Array
  readonly tokenHi: number
  readonly tokenLo: number
  readonly clustering: readonly Uint8Array[] | null
}

/** The range that a command reads, and whether it begins with the partition that the one before has begun. */
function rangeOf(
  { commands, isContinued }: BoundSelect,
  { last }: ReadPlace,
): { readonly range: TokenRange; readonly isContinued: boolean } {
  const { range } = commands[commands.length - 1]
  if (last === null) return { range, isContinued }
  const { key: afterKey, tokenHi: startHi, tokenLo: startLo, clustering } = last
  return { range: { ...range, startHi, startLo, afterKey }, isContinued: clustering !== null }
}

function commandText(bound: BoundSelect, where: string, place: ReadPlace): string {
  const { table } = bound.prepared
  const limit = limitText(bound, place)
  return `SELECT ${columnsText(bound)} FROM ${maybeQuote(table.keyspace)}.${maybeQuote(table.name)}${where === '' ? '' : ` WHERE ${where}`}${limit === null ? '' : ` ${limit}`} ALLOW FILTERING`
}

function byName(a: ColumnMetadata, b: ColumnMetadata): number {
  const x = utf8Bytes(a.name)
  const y = utf8Bytes(b.name)
  return compareBytes(x, 0, x.length, y, 0, y.length)
}

function columnsText({ prepared }: BoundSelect): string {
  const { selection, restrictions } = prepared
  if (selection.isWildcard) return '*'
  const queried = new Set([...selection.columns, ...restrictions.restrictedNonKeyColumns])
  const ofKind = (kind: ColumnMetadata['kind']) =>
    [...queried].filter((column) => column.kind === kind).sort(byName)
  const names = [...ofKind('static'), ...ofKind('regular')].map((column) => maybeQuote(column.name))
  return names.length === 0 ? '*' : names.join(', ')
}

/** Null where there are no limits. Those of an aggregate are there, but say nothing but the size of pages. */
function limitText(bound: BoundSelect, { rowsBefore, groups }: ReadPlace): string | null {
  const { prepared, isPaged, pageRows, pageSize, userLimit, perPartitionLimit } = bound
  if (groups !== null) return groupLimitText(bound, groups)
  if (prepared.selection.groups !== null) {
    if (pageSize > 0) return `LIMIT ${pageSize - rowsBefore}`
    return rowsBefore > 0 ? `LIMIT ${NO_LIMIT - rowsBefore}` : ''
  }
  const limit = isPaged ? pageRows - rowsBefore : prepared.postOrdering !== null ? NO_LIMIT : userLimit
  const texts: string[] = []
  if (limit !== NO_LIMIT) texts.push(`LIMIT ${limit}`)
  if (perPartitionLimit !== NO_LIMIT) texts.push(`PER PARTITION LIMIT ${perPartitionLimit}`)
  return texts.length === 0 ? null : texts.join(' ')
}

/** `CQLGroupByLimits.toString`: groups are read in pages of rows, paged or not. */
function groupLimitText({ pageSize, perPartitionLimit }: BoundSelect, groups: number): string {
  const texts: string[] = []
  if (groups !== NO_LIMIT) texts.push(`GROUP LIMIT ${groups}`)
  if (perPartitionLimit !== NO_LIMIT) texts.push(`GROUP PER PARTITION LIMIT ${perPartitionLimit}`)
  texts.push(`LIMIT ${pageSize > 0 ? pageSize : 10_000}`)
  return texts.join(' ')
}

function keyValues(table: TableMetadata, key: Uint8Array): readonly string[] {
  const values = table.partitionKeys.length === 1 ? [key] : unpackComposite(key)
  return table.partitionKeys.map((column, i) => toCqlLiteral(column.type, values[i] ?? null))
}

function partitionText(bound: BoundSelect, command: ReadCommand, key: Uint8Array): string {
  const { table } = bound.prepared
  const values = keyValues(table, key)
  const keyText = table.partitionKeys
    .map((column, i) => `${maybeQuote(column.name)} = ${values[i]}`)
    .join(' AND ')
  const rest = clusteringText(bound, command)
  if (rest === '') return keyText
  return isWhole(command.slices) && bound.filter.length === 0 ? keyText + rest : `${keyText} AND ${rest}`
}

function rangeText(bound: BoundSelect, place: ReadPlace): string {
  const { table } = bound.prepared
  const command = bound.commands[bound.commands.length - 1]
  const { slices } = command
  const { range, isContinued } = rangeOf(bound, place)
  const names = table.partitionKeys.map((column) => maybeQuote(column.name)).join(', ')
  const clauses = [startText(table, range, isContinued), endText(range)]
    .filter((clause) => clause !== null)
    .map((clause) => `token(${names}) ${clause}`)
  if (clauses.length === 0 && (isWhole(slices) || table.clusterings.length === 0)) {
    return filterText(bound.filter)
  }
  const rest = clusteringText(bound, command)
  return [...clauses, ...(rest === '' ? [] : [rest])].join(' AND ')
}

/** The part of the ring that a command reads (`PartitionRangeReadCommand.loggableTokens`). */
export function rangeTokensText(bound: BoundSelect, place: ReadPlace): string {
  const { range, isContinued } = rangeOf(bound, place)
  return `token range: ${range.afterKey !== null && isContinued ? '[' : '('}${tokensOf(range)}]`
}

/** The part of the ring, or the partitions, that a SELECT reads whole (`SelectStatement.loggableTokens`). */
export function tokensText({ pager, keys, range }: BoundSelect): string {
  if (pager === 'range') {
    // Cassandra has bounds of another kind where there is no token in WHERE.
    return `token range: (${tokensOf(range ?? FULL_RING)}${range === FULL_RING ? ')' : ']'}`
  }
  const tokens = keys.map(({ tokenHi, tokenLo }) => tokenText(tokenHi, tokenLo))
  return tokens.length === 1 ? `token: ${tokens[0]}` : `tokens: [${tokens.join(', ')}]`
}

/** First and last token; the end of the ring is its start. */
function tokensOf({ startHi, startLo, endHi, endLo }: TokenRange): string {
  const isToEnd = endHi === FULL_RING.endHi && endLo === FULL_RING.endLo
  const end = isToEnd ? tokenText(FULL_RING.startHi, FULL_RING.startLo) : tokenText(endHi, endLo)
  return `${tokenText(startHi, startLo)}, ${end}`
}

export function tokenText(hi: number, lo: number): string {
  return ((BigInt(hi) << 32n) | BigInt(lo >>> 0)).toString()
}

function startText(table: TableMetadata, range: TokenRange, isContinued: boolean): string | null {
  if (range.afterKey !== null) {
    const values = keyValues(table, range.afterKey).join(', ')
    return `${isContinued ? '>=' : '>'} token(${values})`
  }
  if (range.startHi === FULL_RING.startHi && range.startLo === FULL_RING.startLo) return null
  return `${range.startInclusive ? '>=' : '>'} ${tokenText(range.startHi, range.startLo)}`
}

function endText(range: TokenRange): string | null {
  if (range.endInclusive && range.endHi === FULL_RING.endHi && range.endLo === FULL_RING.endLo) return null
  return `${range.endInclusive ? '<=' : '<'} ${tokenText(range.endHi, range.endLo)}`
}

function isWhole(slices: readonly Slice[]): boolean {
  return (
    slices.length === 1 && slices[0].start.components.length === 0 && slices[0].end.components.length === 0
  )
}

function isOneRow({ start, end }: Slice, count: number): boolean {
  return (
    start.side === 0 &&
    end.side === 1 &&
    start.components.length === count &&
    end.components.length === count &&
    start.components.every((value, i) => bytesEqual(value, end.components[i]))
  )
}

/** The rows of a partition, the tests and the order (`ClusteringIndexFilter.toCQLString`). */
function clusteringText(bound: BoundSelect, command: ReadCommand): string {
  const { table, slices } = command
  const count = table.clusterings.length
  if (count === 0 || slices.length === 0) return filterText(bound.filter)
  const names = table.clusterings.map((column) => maybeQuote(column.name))
  const directions = table.clusterings.map((column) => (column.type.kind === 'reversed' ? 'ASC' : 'DESC'))
  const order = command.reversed
    ? ` ORDER BY ${names.map((name, i) => `${name} ${directions[i]}`).join(', ')}`
    : ''
  if (isWhole(slices)) return filterText(bound.filter) + order
  const { clauses, filter } = slices.every((slice) => isOneRow(slice, count))
    ? namesText(table, slices, bound.filter)
    : slicesText(table, slices, bound.filter)
  return [...clauses, ...(filter.length === 0 ? [] : [filterText(filter)])].join(' AND ') + order
}

interface Clauses {
  readonly clauses: readonly string[]
  /** The tests that the clauses do not say already. */
  readonly filter: readonly FilterExpression[]
}

function without(
  filter: readonly FilterExpression[],
  column: ColumnMetadata,
  operator: string,
  value: Uint8Array,
): readonly FilterExpression[] {
  return filter.filter(
    (test) => test.column !== column || test.operator !== operator || !bytesEqual(test.values[0], value),
  )
}

function namesText(
  table: TableMetadata,
  slices: readonly Slice[],
  filter: readonly FilterExpression[],
): Clauses {
  const { clusterings } = table
  const enclose = (text: string) => (clusterings.length === 1 ? text : `(${text})`)
  const names = clusterings.map((column) => maybeQuote(column.name)).join(', ')
  let rest = filter
  const rows = slices.map(({ start: { components } }) => {
    clusterings.forEach((column, i) => {
      rest = without(rest, column, '=', components[i])
    })
    return enclose(clusterings.map((column, i) => toCqlLiteral(column.type, components[i])).join(', '))
  })
  const text = rows.length === 1 ? `= ${rows[0]}` : `IN (${rows.join(', ')})`
  return { clauses: [`${enclose(names)} ${text}`], filter: rest }
}

/** Column by column, as the first slice has it: all that CQL can say is alike in the others. */
function slicesText(
  table: TableMetadata,
  slices: readonly Slice[],
  filter: readonly FilterExpression[],
): Clauses {
  const clauses: string[] = []
  let rest = filter
  for (const [i, column] of table.clusterings.entries()) {
    const bounded = slices.filter(
      ({ start, end }) => i < start.components.length || i < end.components.length,
    )
    if (bounded.length === 0) break
    const { start, end } = bounded[0]
    const first = valueAt(start, i)
    const last = valueAt(end, i)
    const add = (operator: string, value: Uint8Array) => {
      clauses.push(`${maybeQuote(column.name)} ${operator} ${toCqlLiteral(column.type, value)}`)
      rest = without(rest, column, operator, value)
    }
    if (first !== null && last !== null && bytesEqual(first, last)) {
      const values = new Map(
        bounded.map((slice) => {
          const value = valueAt(slice.start, i) ?? first
          return [toCqlLiteral(column.type, value), value]
        }),
      )
      if (values.size === 1) add('=', first)
      else {
        clauses.push(`${maybeQuote(column.name)} IN (${[...values.keys()].join(', ')})`)
        for (const value of values.values()) rest = without(rest, column, '=', value)
      }
      continue
    }
    const [after, before] = column.type.kind === 'reversed' ? ['<', '>'] : ['>', '<']
    if (first !== null) add(start.side === 0 ? `${after}=` : after, first)
    if (last !== null) add(end.side === 1 ? `${before}=` : before, last)
  }
  return { clauses, filter: rest }
}

function valueAt(bound: ClusteringBound, index: number): Uint8Array | null {
  return index < bound.components.length ? bound.components[index] : null
}

function filterText(filter: readonly FilterExpression[]): string {
  return filter.map(testText).join(' AND ')
}

function testText({ column, type, operator, values, key }: FilterExpression): string {
  const name = maybeQuote(column.name)
  const collection = type.kind === 'list' || type.kind === 'set' ? type.elements : type
  switch (operator) {
    case 'IN':
      return `${name} IN [${values.map((value) => toCqlLiteral(type, value)).join(', ')}]`
    case 'CONTAINS':
      return `${name} CONTAINS ${toCqlLiteral(type.kind === 'map' ? type.values : collection, values[0])}`
    case 'CONTAINS KEY':
      return `${name} CONTAINS KEY ${toCqlLiteral(type.kind === 'map' ? type.keys : collection, values[0])}`
    case 'ENTRY': {
      if (type.kind !== 'map') return name
      return `${name}[${toCqlLiteral(type.keys, key)}] = ${toCqlLiteral(type.values, values[0])}`
    }
    default:
      return `${name} ${operator} ${toCqlLiteral(type, values[0])}`
  }
}
