/**
 * What a schema that Apache Cassandra wrote has beside tables and types: indexes, views, triggers, functions, aggregates
 * and masks. Nothing here serves them, and their rows of system_schema stay as they are, so that Cassandra finds them
 * again. What would make those rows untrue is refused as Cassandra refuses it.
 */
import { utf8Text } from '../common/bytes.ts'
import { AlreadyExistsError, InvalidRequestError } from '../common/errors.ts'
import type { ColumnMetadata, TableMetadata } from '../model/table.ts'
import type { KeyspaceMetadata, SchemaRowKey, SchemaTable } from '../schema/index.ts'
import { unpackMap } from '../types/index.ts'
import type { InternalRow } from './internal-rows.ts'

const TABLES = ['indexes', 'views', 'triggers', 'functions', 'aggregates', 'column_masks'] as const

export type LeftAloneKind = (typeof TABLES)[number]

/** One row: names it, and says which table of the keyspace it belongs to, if it belongs to one. */
interface Part {
  readonly kind: LeftAloneKind
  readonly key: SchemaRowKey
  readonly keyspace: string
  readonly name: string
  readonly table: string | null
  /** The column of a mask or an index. */
  readonly column: string | null
}

export class LeftAlone {
  readonly #parts: readonly Part[]

  /** Reads the rows; null where there are none. Built-in keyspaces have indexes of their own, which are not meant. */
  static read(rowsOf: (table: SchemaTable) => readonly InternalRow[]): LeftAlone | null {
    const parts = TABLES.flatMap((kind) => rowsOf(kind).map((row) => partOf(kind, row))).filter(
      ({ keyspace }) => keyspace !== 'system',
    )
    return parts.length === 0 ? null : new LeftAlone(parts)
  }

  private constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  /** Names with their keyspaces (`ks.by_age`), of the kinds that are there. */
  get names(): ReadonlyMap<LeftAloneKind, readonly string[]> {
    const names = new Map<LeftAloneKind, string[]>()
    for (const { kind, keyspace, name } of this.#parts) {
      const of = names.get(kind)
      if (of === undefined) names.set(kind, [`${keyspace}.${name}`])
      else of.push(`${keyspace}.${name}`)
    }
    return names
  }

  /**
   * Throws what Cassandra says to a change of one keyspace that its views and indexes do not allow. Returns the rows
   * that go with the tables and columns that the change removes.
   */
  check(before: KeyspaceMetadata | null, after: KeyspaceMetadata | null): readonly SchemaRowKey[] {
    if (before === null || after === null) return []
    const parts = this.#parts.filter(({ keyspace }) => keyspace === before.name)
    for (const table of after.tables.values()) {
      const { keyspace, name } = table
      if (before.tables.has(name) || !parts.some((part) => part.kind === 'views' && part.name === name))
        continue
      throw new AlreadyExistsError(
        `Cannot add already existing table "${name}" to keyspace "${keyspace}"`,
        keyspace,
        name,
      )
    }
    const gone: SchemaRowKey[] = []
    for (const table of before.tables.values()) {
      const now = after.tables.get(table.name)
      const of = parts.filter((part) => part.table === table.name)
      if (now === table || of.length === 0) continue
      if (now !== undefined) gone.push(...checkColumns(table, now, of))
      else if (of.some(({ kind }) => kind === 'views')) {
        // The keyspace's name is in the parentheses in Cassandra too.
        const text = 'Cannot drop a table when materialized views still depend on it'
        throw new InvalidRequestError(`${text} (${table.keyspace})`)
      } else gone.push(...of.map(({ key }) => key))
    }
    return gone
  }
}

function partOf(kind: LeftAloneKind, row: InternalRow): Part {
  const [first, second] = row.clustering.map(utf8Text) as [string, string | undefined]
  const base = row.values.get('base_table_name')
  const part = {
    kind,
    key: { table: kind, key: row.key, clustering: row.clustering },
    keyspace: utf8Text(row.key),
    column: null,
  }
  if (kind === 'views') return { ...part, name: first, table: base === undefined ? null : utf8Text(base) }
  if (kind === 'functions' || kind === 'aggregates') return { ...part, name: first, table: null }
  if (kind === 'column_masks') return { ...part, name: `${first}.${second}`, table: first, column: second! }
  return { ...part, name: second!, table: first, column: kind === 'indexes' ? targetOf(row) : null }
}

/** The column of an index: its target is `name`, `values(name)` and the like, the name in quotes where it needs them. */
function targetOf({ values }: InternalRow): string | null {
  const options = values.get('options')
  if (options === undefined) return null
  const target = new Map(unpackMap(options).map(([name, value]) => [utf8Text(name), utf8Text(value)])).get(
    'target',
  )
  if (target === undefined) return null
  const name = /^(?:keys|values|entries|full)\((.*)\)$/.exec(target)?.[1] ?? target
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

function checkColumns(before: TableMetadata, after: TableMetadata, parts: readonly Part[]): SchemaRowKey[] {
  return [...before.columns.values()]
    .filter(({ name }) => !after.columns.has(name))
    .flatMap((column) => checkColumn(before, column, parts))
}

/** A key column that is there no longer was renamed, another one was dropped. */
function checkColumn(
  table: TableMetadata,
  { name, kind }: ColumnMetadata,
  parts: readonly Part[],
): SchemaRowKey[] {
  const isRenamed = kind === 'partition_key' || kind === 'clustering'
  const indexes = parts.filter((part) => part.kind === 'indexes' && part.column === name)
  if (indexes.length > 0) {
    const verb = isRenamed ? `Can't rename column ${name}` : `Cannot drop column ${name}`
    const names = indexes.map((index) => index.name).join(', ')
    throw new InvalidRequestError(`${verb} because it has dependent secondary indexes (${names})`)
  }
  if (parts.some((part) => part.kind === 'views')) {
    const text = isRenamed
      ? `Renaming column ${name} of a table with materialized views is not supported yet`
      : `Cannot drop column ${name} on base table ${table.name} with materialized views`
    throw new InvalidRequestError(text)
  }
  const masks = parts.filter((part) => part.kind === 'column_masks' && part.column === name)
  if (isRenamed && masks.length > 0) {
    throw new InvalidRequestError(`Renaming the masked column ${name} is not supported yet`)
  }
  return masks.map(({ key }) => key)
}
