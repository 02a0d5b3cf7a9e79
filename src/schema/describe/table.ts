import { toHex } from '../../common/bytes.ts'
import type { ColumnMetadata, DroppedColumn, TableMetadata, TableParams } from '../../model/table.ts'
import { doubleText, maybeQuote } from '../../types/index.ts'
import { compareNames } from '../names.ts'
import { CqlBuilder } from './cql-builder.ts'

/** What is written of a column: a dropped one has it too. */
type ColumnText = Pick<ColumnMetadata, 'name' | 'type'> & { readonly isStatic: boolean }

/**
 * CREATE TABLE, or a comment around it where it would not make the same table again: a virtual one, or one with
 * COMPACT STORAGE. `withInternals` adds the id, and what brings the dropped columns back (`TableMetadata.toCqlString`).
 */
export function tableCql(table: TableMetadata, withInternals: boolean): string {
  const builder = new CqlBuilder()
  if (!table.isCompactTable) appendTable(builder, table, withInternals)
  else {
    builder.append('/*').newLine()
    builder.append(
      `Warning: Table ${qualifiedName(table)} omitted because it has constructs not compatible with CQL (was created via legacy API).`,
    )
    builder.newLine().append('Approximate structure, for reference:')
    builder.newLine().append('(this should not be used to reproduce this schema)').newLine().newLine()
    appendTable(builder, table, withInternals)
    builder.newLine().append('*/')
  }
  return builder.toString()
}

function qualifiedName(table: TableMetadata): string {
  return `${maybeQuote(table.keyspace)}.${maybeQuote(table.name)}`
}

function appendTable(builder: CqlBuilder, table: TableMetadata, withInternals: boolean): void {
  const name = qualifiedName(table)
  if (table.isVirtual) {
    builder.append(
      `/*\nWarning: Table ${name} is a virtual table and cannot be recreated with CQL.\nStructure, for reference:\n`,
    )
  }
  builder.append(table.isVirtual ? 'VIRTUAL' : 'CREATE').append(` TABLE ${name} (`)
  builder.newLine().increaseIndent()
  const hasSingleColumnPrimaryKey = table.partitionKeys.length === 1 && table.clusterings.length === 0
  appendColumns(builder, table, withInternals, hasSingleColumnPrimaryKey)
  if (!hasSingleColumnPrimaryKey) appendPrimaryKey(builder, table)
  builder.decreaseIndent().append(')').append(' WITH ').increaseIndent()
  appendOptions(builder, table, withInternals)
  builder.decreaseIndent()
  if (table.isVirtual) builder.newLine().append('*/')
  if (withInternals) appendDroppedColumns(builder, table, name)
}

/** No clustering in CQL's sense, though it has a hidden one: the column's name (`isStaticCompactTable`). */
function isStaticCompact({ flags }: TableMetadata): boolean {
  return !flags.has('super') && !flags.has('dense') && !flags.has('compound')
}

function text(column: ColumnMetadata | DroppedColumn): ColumnText {
  return { name: column.name, type: column.type, isStatic: column.kind === 'static' }
}

/**
 * Columns of one kind as Cassandra keeps them: those of several cells behind the others, and in front of each the
 * names that don't begin with ASCII, since their first byte is compared with its sign (`ColumnMetadata.comparisonOrder`).
 */
function inStorageOrder(columns: readonly ColumnMetadata[]): ColumnMetadata[] {
  const rank = ({ name, type }: ColumnMetadata): number => (type.multiCell ? 2 : 0) + (name > '\x7f' ? 0 : 1)
  return [...columns].sort((a, b) => rank(a) - rank(b) || compareNames(a.name, b.name))
}

/** `TableMetadata.allColumnsInCreateOrder`, and that of compact tables. */
function columnsInCreateOrder(table: TableMetadata): readonly ColumnText[] {
  const { partitionKeys, clusterings, statics, regulars } = table
  if (table.isCompactTable && isStaticCompact(table)) {
    // Static to the storage, where CQL sees rows of one partition.
    const others = inStorageOrder(statics).map((column) => ({ ...text(column), isStatic: false }))
    return [...partitionKeys.map(text), ...others]
  }
  const hasValues = !(table.isCompactTable && regulars[0]?.type.kind === 'empty')
  const others = hasValues ? [...inStorageOrder(statics), ...inStorageOrder(regulars)] : []
  return [...partitionKeys, ...clusterings, ...others].map(text)
}

function appendColumn(builder: CqlBuilder, { name, type, isStatic }: ColumnText): void {
  const base = type.kind === 'reversed' ? type.base : type
  builder.appendName(name).append(` ${base.cqlName}`)
  if (isStatic) builder.append(' static')
}

/** A column that was dropped and added again stands with the type that was dropped: DROP and ADD follow below. */
function appendColumns(
  builder: CqlBuilder,
  table: TableMetadata,
  withDropped: boolean,
  hasSingleColumnPrimaryKey: boolean,
): void {
  const all = columnsInCreateOrder(table)
  const dropped = withDropped ? [...table.dropped.values()] : []
  all.forEach((column, i) => {
    if (withDropped && table.dropped.has(column.name)) return
    appendColumn(builder, column)
    if (hasSingleColumnPrimaryKey && column.name === table.partitionKeys[0]!.name) {
      builder.append(' PRIMARY KEY')
    }
    if (!hasSingleColumnPrimaryKey || dropped.length > 0 || i < all.length - 1) builder.append(',')
    builder.newLine()
  })
  dropped.forEach((column, i) => {
    appendColumn(builder, text(column))
    if (!hasSingleColumnPrimaryKey || i < dropped.length - 1) builder.append(',')
    builder.newLine()
  })
}

function appendPrimaryKey(builder: CqlBuilder, table: TableMetadata): void {
  const names = (columns: readonly ColumnMetadata[]) => columns.map(({ name }) => maybeQuote(name))
  const partitionKey = names(table.partitionKeys).join(', ')
  const clustering = isStaticCompact(table) ? [] : names(table.clusterings)
  builder
    .append('PRIMARY KEY (')
    .append([table.partitionKeys.length > 1 ? `(${partitionKey})` : partitionKey, ...clustering].join(', '))
    .append(')')
    .newLine()
}

function appendOptions(builder: CqlBuilder, table: TableMetadata, withInternals: boolean): void {
  const { clusterings, params } = table
  if (table.isCompactTable) builder.append('COMPACT STORAGE').newLine().append('AND ')
  if (withInternals) builder.append(`ID = ${table.id}`).newLine().append('AND ')
  if (clusterings.length > 0) {
    const order = clusterings.map(
      ({ name, type }) => `${maybeQuote(name)} ${type.kind === 'reversed' ? 'DESC' : 'ASC'}`,
    )
    builder
      .append(`CLUSTERING ORDER BY (${order.join(', ')})`)
      .newLine()
      .append('AND ')
  }
  if (table.isVirtual) builder.append('comment = ').appendWithSingleQuotes(params.comment)
  else appendParams(builder, params)
  builder.append(';')
}

/** Every option, whether it was given or not (`TableParams.appendCqlTo`). */
function appendParams(builder: CqlBuilder, params: TableParams): void {
  const option = (name: string, value: string | number | boolean): CqlBuilder =>
    builder.newLine().append(`AND ${name} = ${value}`)
  const quotedOption = (name: string, value: string): CqlBuilder =>
    builder.newLine().append(`AND ${name} = `).appendWithSingleQuotes(value)
  const mapOption = (name: string, value: ReadonlyMap<string, string>): CqlBuilder =>
    builder.newLine().append(`AND ${name} = `).appendMap(value)
  builder.append('additional_write_policy = ').appendWithSingleQuotes(params.additionalWritePolicy)
  option('allow_auto_snapshot', params.allowAutoSnapshot)
  option('bloom_filter_fp_chance', doubleText(params.bloomFilterFpChance))
  mapOption('caching', params.caching)
  option('cdc', params.cdc)
  quotedOption('comment', params.comment)
  mapOption('compaction', params.compaction)
  mapOption('compression', params.compression)
  quotedOption('memtable', params.memtable ?? 'default')
  option('crc_check_chance', doubleText(params.crcCheckChance))
  option('default_time_to_live', params.defaultTimeToLive)
  const extensions = [...params.extensions].map(([name, value]) => [name, `0x${toHex(value)}`] as const)
  builder.newLine().append('AND extensions = ').appendLiteralMap(new Map(extensions))
  option('gc_grace_seconds', params.gcGraceSeconds)
  option('incremental_backups', params.incrementalBackups)
  option('max_index_interval', params.maxIndexInterval)
  option('memtable_flush_period_in_ms', params.memtableFlushPeriodMs)
  option('min_index_interval', params.minIndexInterval)
  quotedOption('read_repair', params.readRepair)
  quotedOption('speculative_retry', params.speculativeRetry)
}

/** The DROPs that make the table forget the old cells, each with the ADD that came after it, if one did. */
function appendDroppedColumns(builder: CqlBuilder, table: TableMetadata, name: string): void {
  for (const dropped of table.dropped.values()) {
    builder.newLine().append(`ALTER TABLE ${name} DROP ${maybeQuote(dropped.name)}`)
    builder.append(` USING TIMESTAMP ${dropped.droppedTimeMicros};`)
    const column = table.columns.get(dropped.name)
    if (column === undefined) continue
    builder.newLine().append(`ALTER TABLE ${name} ADD `)
    appendColumn(builder, text(column))
    builder.append(';')
  }
}
