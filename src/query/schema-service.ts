import { schemaMutation } from '../cluster/schema/schema-message.ts'
import { utf8Bytes, utf8Text } from '../common/bytes.ts'
import { InvalidRequestError } from '../common/errors.ts'
import { uuidText } from '../common/uuid.ts'
import { applyDdl, type DdlConfig, DEFAULT_DDL_CONFIG } from '../cql/ddl/index.ts'
import type { RawStatement, SchemaStatement } from '../cql/raw/index.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import { ALL_ROWS, type Slice } from '../model/clustering.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { QueryResult, SchemaChange } from '../model/query-result.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import {
  compareNames,
  diffRows,
  isReplicatedSystemKeyspace,
  type KeyspaceMetadata,
  type OnBroken,
  SCHEMA_TABLES,
  Schema,
  type SchemaRow,
  type SchemaTable,
  schemaFromRows,
  schemaRows,
  systemKeyspaces,
} from '../schema/index.ts'
import type { ReplaySchema, StorageEngine } from '../storage/storage-engine.ts'
import type { ReplicationFactors } from './consistency.ts'
import {
  beginUpdate,
  deleteInternalRow,
  type InternalRow,
  readInternalRows,
  type WriteTime,
  writeInternalRow,
} from './internal-rows.ts'
import { KeyspaceFactors } from './keyspace-factors.ts'
import { LatestSchemaTime } from './latest-schema-time.ts'
import { LeftAlone } from './left-alone.ts'
import { changesBetween, withFreshTables, withUnchanged } from './schema-merge.ts'
import { addTouched, nothingTouched } from './schema-touched.ts'
import type { TimeUuidSource } from './statement-context.ts'
import { SystemKeyspace } from './system-keyspace.ts'

export interface SchemaServiceOptions {
  readonly engine: StorageEngine
  readonly clock: Clock
  readonly timestamps: TimestampSource
  readonly timeUuids: TimeUuidSource
  /** Settings of DDL other than those of cassandra.yaml as it is shipped. */
  readonly config?: Partial<DdlConfig>
}

/** Hears of schema changes; `affected` says whether a table is no longer what it was. */
export type SchemaListener = (
  changes: readonly SchemaChange[],
  affected: (table: TableMetadata) => boolean,
) => void

/**
 * Keeps the schema of this node: the snapshot that statements are prepared against, and the rows of system_schema that
 * it is stored as (`SchemaManager`).
 */
export class SchemaService implements ReplaySchema {
  readonly system: SystemKeyspace
  #current: Schema
  readonly #engine: StorageEngine
  readonly #clock: Clock
  readonly #timestamps: TimestampSource
  readonly #timeUuids: TimeUuidSource
  #ddlConfig: DdlConfig
  readonly #listeners = new Set<SchemaListener>()
  readonly #mutation = new MutationBuilder()
  readonly #read = (command: ReadCommand): PartitionReader => this.#engine.read(command)
  /** Keyspaces whose rows were replayed since the snapshot was made. */
  readonly #stale = new Set<string>()
  /** The tables of system_schema by their handles. */
  readonly #schemaTables: ReadonlyMap<number, SchemaTable>
  readonly #factors = new KeyspaceFactors()
  readonly #latest = new LatestSchemaTime()

  constructor(options: SchemaServiceOptions) {
    this.#engine = options.engine
    this.#clock = options.clock
    this.#timestamps = options.timestamps
    this.#timeUuids = options.timeUuids
    this.#ddlConfig = {
      ...DEFAULT_DDL_CONFIG,
      ...options.config,
      datacenters: new Map([[this.#factors.dataCenter, 1]]),
    }
    this.#current = new Schema(systemKeyspaces())
    this.system = new SystemKeyspace(this.#current.keyspace('system')!.tables, options)
    for (const table of this.#current.tables()) if (!table.isVirtual) this.#engine.setTable(table)
    this.#schemaTables = new Map(
      [...this.#current.keyspace('system_schema')!.tables.values()].map((table) => [
        table.handle,
        table.name as SchemaTable,
      ]),
    )
  }

  /** The schema as it is now. */
  get current(): Schema {
    return this.#current
  }

  /** The data centre of this node; datacenter1 until it is set, before the first statement. */
  set dataCenter(name: string) {
    this.dataCenters = new Map([[name, 1]])
    this.#factors.dataCenter = name
  }

  /** How many nodes each data centre of the ring has, which statements that replicate are checked against. */
  set dataCenters(datacenters: ReadonlyMap<string, number>) {
    this.#ddlConfig = { ...this.#ddlConfig, datacenters }
  }

  // --- replay

  /** Whether the schema is in SSTables, or parts of it. */
  get isStored(): boolean {
    const tables = [...this.#current.keyspace('system_schema')!.tables.values()]
    return tables.some((table) => this.#engine.storeOf(table).sstables.length > 0)
  }

  /** The tables that system_schema names, some of them perhaps without all that belongs to them. */
  storedTables(): { readonly keyspace: string; readonly name: string; readonly id: string }[] {
    const tables = this.#current.keyspace('system_schema')!.tables.get('tables')!
    return readInternalRows(this.#read, tables, null, this.#nowSeconds()).flatMap((row) => {
      const id = row.values.get('id')
      if (id === undefined) return []
      return [{ keyspace: utf8Text(row.key), name: utf8Text(row.clustering[0]!), id: uuidText(id) }]
    })
  }

  /** The schema for `readAhead`: what is changed there is taken over by `load`. */
  get ahead(): ReplaySchema {
    return {
      table: (id) => this.#current.tableById(id),
      applied: (table, key) => this.applied(table, key),
    }
  }

  /** Takes over the schema that system_schema has. To be called before replay. */
  load(): void {
    const keyspaces = this.#current.keyspace('system_schema')!.tables.get('keyspaces')!
    for (const { key } of readInternalRows(this.#read, keyspaces, null, this.#nowSeconds())) {
      this.#stale.add(utf8Text(key))
    }
    if (this.#stale.size > 0) this.#reload()
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1000)
  }

  /** The table of that id at this point of the commit log. */
  table(id: string): TableMetadata | null {
    if (this.#stale.size > 0) this.#reload()
    return this.#current.tableById(id)
  }

  /** Hears what replay applied: rows of system_schema make the snapshot stale. */
  applied(table: TableMetadata, key: Uint8Array): void {
    if (this.#schemaTables.has(table.handle)) this.#stale.add(utf8Text(key))
  }

  /** Reads again the keyspaces whose rows have changed. */
  #reload(): void {
    const names = [...this.#stale]
    this.#stale.clear()
    let schema = this.#current
    for (const name of names) {
      const before = schema.keyspace(name)
      if (before?.isVirtual || name === 'system' || name === 'system_schema') continue
      for (const key of this.broken.keys()) if (key.startsWith(`${name}.`)) this.broken.delete(key)
      const [fresh] = schemaFromRows(this.#rowsOf(name), schema, this.#noteBroken)
      const after = fresh === undefined ? null : withUnchanged(before, fresh)
      if (after === before) continue
      schema = after === null ? schema.withoutKeyspace(name) : schema.withKeyspace(after)
      this.#updateEngine(before, after)
    }
    this.#current = schema
  }

  /** Tables and types, as `ks.name`, whose rows make none, and why. */
  readonly broken = new Map<string, string>()

  readonly #noteBroken: OnBroken = (keyspace, name, error) => {
    this.broken.set(`${keyspace}.${name}`, error instanceof Error ? error.message : String(error))
  }

  /**
   * Takes over rows of system_schema that another node wrote, and what they come to beside those that are here. Listeners are
   * told of it as of a statement. False where the schema is what it was.
   */
  merge(mutations: Iterable<MutationBuilder>): boolean {
    const before = this.#current
    const touched = nothingTouched()
    for (const mutation of mutations) {
      this.#engine.apply(mutation)
      this.#latest.merged(mutation)
      addTouched(touched, mutation, (handle) => this.#schemaTables.get(handle) ?? null)
    }
    for (const name of touched.keyspaces) this.#stale.add(name)
    for (const [keyspace, names] of touched.tables) {
      if (!this.#stale.has(keyspace)) this.#reloadTables(keyspace, names)
    }
    this.#reload()
    if (touched.hasOthers || this.#leftAlone !== null) this.#readLeftAlone()
    const after = this.#current
    if (after === before) return false
    this.#tellOf(changesBetween(before, after))
    return true
  }

  /** Hears of rows of system_schema that a statement has written, for other nodes: a mutation that is good until it returns. */
  onRows: ((mutation: MutationBuilder) => void) | null = null

  /** Reads again some tables of a keyspace, whose rows have changed and nothing else of it. */
  #reloadTables(name: string, tables: ReadonlySet<string>): void {
    const before = this.#current.keyspace(name)
    for (const table of tables) this.broken.delete(`${name}.${table}`)
    const [fresh] = schemaFromRows(this.#rowsOf(name, tables), this.#current, this.#noteBroken)
    if (before === null || fresh === undefined) {
      this.#stale.add(name)
      return
    }
    const after = withFreshTables(before, fresh, tables)
    if (after === before) return
    this.#current = this.#current.withKeyspace(after)
    this.#updateEngine(before, after)
  }

  /** The rows of a keyspace, or those of it and of some of its tables. */
  #rowsOf(keyspace: string, only: ReadonlySet<string> | null = null): SchemaRow[] {
    const tables = this.#current.keyspace('system_schema')!.tables
    const key = utf8Bytes(keyspace)
    const nowSeconds = this.#nowSeconds()
    const slices = [...(only ?? [])].sort(compareNames).map((name): Slice => {
      const components = [utf8Bytes(name)]
      return { start: { components, side: 0 }, end: { components, side: 1 } }
    })
    return SCHEMA_TABLES.flatMap((name): SchemaRow[] => {
      const table = tables.get(name)
      if (table === undefined) return []
      const isWhole = only === null || name === 'keyspaces' || name === 'types'
      return readInternalRows(this.#read, table, key, nowSeconds, isWhole ? ALL_ROWS : slices).map((row) => ({
        table: name,
        key: row.key,
        clustering: row.clustering,
        values: withNulls(table, row),
        writtenMicros: row.writtenMicros,
      }))
    })
  }

  /** To be called when replay is over: takes over what is still stale, and writes the built-in keyspaces' rows. */
  finishReplay(): void {
    if (this.#stale.size > 0) this.#reload()
    this.#readLeftAlone()
    const keyspaces = this.#current.keyspace('system_schema')!.tables.get('keyspaces')!
    const key = utf8Bytes('system')
    if (readInternalRows(this.#read, keyspaces, key, 0).length > 0) return
    for (const keyspace of this.#current.keyspaces.values()) {
      if (keyspace.isVirtual) continue
      // What a node that starts says of keyspaces that all have is older than what anybody has said of them since.
      const time = isReplicatedSystemKeyspace(keyspace.name) ? BUILT_IN_TIME : this.system.writeTime()
      this.#writeRows({ upserts: schemaRows(keyspace), deletes: [] }, time)
    }
  }

  /** What Cassandra has put into the schema and nothing here serves; null where there is nothing. */
  get leftAlone(): LeftAlone | null {
    return this.#leftAlone
  }

  #leftAlone: LeftAlone | null = null

  #readLeftAlone(): void {
    const tables = this.#current.keyspace('system_schema')!.tables
    const nowSeconds = this.#nowSeconds()
    this.#leftAlone = LeftAlone.read((name) =>
      readInternalRows(this.#read, tables.get(name)!, null, nowSeconds),
    )
  }

  // --- change

  onChange(listener: SchemaListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Executes a statement that changes the schema. Throws a CqlError when it may not. */
  execute(statement: RawStatement, keyspace: string | null, isOrdinaryUser = false): QueryResult {
    if (!isSchemaStatement(statement)) {
      throw new InvalidRequestError(`${statementName(statement)} is not supported yet`)
    }
    return this.#change(statement, keyspace, isOrdinaryUser)
  }

  #change(statement: SchemaStatement, keyspace: string | null, isOrdinaryUser: boolean): QueryResult {
    const before = this.#current
    const nowMicros = this.#timestamps.nextMicros()
    // The time of a drop is that of the next whole millisecond.
    if (isDrop(statement)) this.#timestamps.advanceTo(nowMicros + 999)
    const outcome = applyDdl(before, statement, {
      keyspace,
      isOrdinaryUser,
      nowMicros: BigInt(nowMicros),
      newId: () => uuidText(this.#timeUuids.next()),
      config: this.#ddlConfig,
    })
    const warnings = outcome.warnings.length === 0 ? {} : { warnings: outcome.warnings }
    if (outcome.change === null) return { kind: 'void', ...warnings }
    const after = outcome.schema
    const names = new Set([...before.keyspaces.keys(), ...after.keyspaces.keys()])
    const changed = [...names]
      .map((name) => ({ old: before.keyspace(name), fresh: after.keyspace(name) }))
      .filter(({ old, fresh }) => old !== fresh)
    const gone = changed.flatMap(({ old, fresh }) => this.#leftAlone?.check(old, fresh) ?? [])
    for (const { old, fresh } of changed) {
      this.#writeRows(diffRows(old, fresh))
      this.onRows?.(this.#mutation)
      this.#updateEngine(old, fresh)
    }
    if (gone.length > 0) {
      this.#writeRows({ upserts: [], deletes: gone })
      this.onRows?.(this.#mutation)
    }
    if (this.#leftAlone !== null) this.#readLeftAlone()
    this.#current = after
    this.#tellOf(outcome.changes)
    return { kind: 'schemaChange', change: outcome.change, ...warnings }
  }

  /** All of the schema that nodes share, with what was deleted. */
  #whole(): MutationBuilder {
    return schemaMutation(this.#engine, this.#current.keyspace('system_schema')!.tables.values())
  }

  /** The schema is another one. */
  #tellOf(changes: readonly SchemaChange[]): void {
    const after = this.#current
    this.system.writeLocal({ schema_version: after.version })
    const affected = (table: TableMetadata): boolean => after.table(table.keyspace, table.name) !== table
    for (const listener of this.#listeners) listener(changes, affected)
  }

  #updateEngine(before: KeyspaceMetadata | null, after: KeyspaceMetadata | null): void {
    for (const table of before?.tables.values() ?? []) {
      const fresh = after?.tables.get(table.name)
      if (fresh === undefined || fresh.handle !== table.handle) this.#engine.dropTable(table.handle)
    }
    for (const table of after?.tables.values() ?? []) {
      if (!table.isVirtual && before?.tables.get(table.name) !== table) this.#engine.setTable(table)
    }
  }

  #writeRows(diff: ReturnType<typeof diffRows>, time: WriteTime = this.#schemaTime()): void {
    const tables = this.#current.keyspace('system_schema')!.tables
    const mutation = this.#mutation
    mutation.begin()
    for (const row of diff.deletes) {
      const table = tables.get(row.table)
      if (table === undefined) continue
      if (row.clustering.length === 0 && table.clusterings.length > 0) {
        beginUpdate(mutation, table, row.key)
        mutation.partitionDeletion(time.timestampHi, time.timestampLo, time.nowSeconds)
        mutation.endUpdate()
      } else deleteInternalRow(mutation, table, row, time)
    }
    const later = diff.deletes.length > 0 ? this.#schemaTime() : time
    for (const row of diff.upserts) {
      const table = tables.get(row.table)
      if (table !== undefined) writeInternalRow(mutation, table, row, later)
    }
    if (mutation.updateCount > 0) this.system.apply(mutation)
  }

  /** The time of a change: of all nodes' the latest. */
  #schemaTime(): WriteTime {
    const micros = this.#timestamps.nextMicros()
    return this.system.writeTime(
      this.onRows === null ? micros : this.#latest.next(micros, () => this.#whole()),
    )
  }

  // --- replication

  /** How many copies a keyspace wants; null for local and virtual ones. */
  replicationFactors(name: string): ReplicationFactors | null {
    return this.#factors.of(this.#current, name)
  }
}

function withNulls(table: TableMetadata, row: InternalRow): Map<string, Uint8Array | null> {
  return new Map(table.regulars.map((column) => [column.name, row.values.get(column.name) ?? null]))
}

/** The time of rows of built-in keyspaces that nobody has altered. */
const BUILT_IN_TIME: WriteTime = { timestampHi: 0, timestampLo: 0, nowSeconds: 0 }

const SCHEMA_STATEMENT = /^(create|alter|drop)(Keyspace|Table|Type|Index|View|Trigger|Function|Aggregate)$/

function isSchemaStatement(statement: RawStatement): statement is SchemaStatement {
  return SCHEMA_STATEMENT.test(statement.kind)
}

function isDrop(statement: SchemaStatement): boolean {
  return statement.kind === 'alterTable' && statement.alteration.kind === 'drop'
}

function statementName(statement: RawStatement): string {
  return statement.kind.replace(/([A-Z])/g, ' $1').toUpperCase()
}
