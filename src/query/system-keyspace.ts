import { utf8Bytes } from '../common/bytes.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import {
  deleteInternalRow,
  type InternalRow,
  internalRow,
  internalValue,
  readInternalRows,
  type WriteTime,
  writeInternalRow,
} from './internal-rows.ts'
import { PreparedStatementsTable } from './prepared-statements-table.ts'

export interface SystemKeyspaceParts {
  readonly engine: Pick<StorageEngine, 'apply' | 'read'>
  readonly clock: Clock
  readonly timestamps: TimestampSource
}

/** The keyspace `system`: what the node knows of itself and keeps for itself (`SystemKeyspace`). */
export class SystemKeyspace {
  /** Address of this node as its system tables give it. */
  listenAddress = '127.0.0.1'
  /** Hears of what the node writes by itself, when it does: into the schema's tables too. */
  onWrite: ((mutation: MutationBuilder) => void) | null = null
  readonly #tables: ReadonlyMap<string, TableMetadata>
  readonly #engine: SystemKeyspaceParts['engine']
  readonly #clock: Clock
  readonly #timestamps: TimestampSource
  readonly #mutation = new MutationBuilder()
  readonly #read = (command: ReadCommand): PartitionReader => this.#engine.read(command)
  #hostId: string | null = null

  constructor(
    tables: ReadonlyMap<string, TableMetadata>,
    { engine, clock, timestamps }: SystemKeyspaceParts,
  ) {
    this.#tables = tables
    this.#engine = engine
    this.#clock = clock
    this.#timestamps = timestamps
  }

  table(name: string): TableMetadata {
    return this.#tables.get(name)!
  }

  /** The row of system.local, or null before it was first written. */
  readLocal(): InternalRow | null {
    return readInternalRows(this.#read, this.table('local'), utf8Bytes('local'), 0)[0] ?? null
  }

  /** This node's host id as text; null before it has one. */
  get hostId(): string | null {
    if (this.#hostId === null) {
      const row = this.readLocal()
      if (row !== null) this.#hostId = internalValue(this.table('local'), row, 'host_id') as string | null
    }
    return this.#hostId
  }

  /** Sets columns of system.local, from JavaScript values. */
  writeLocal(values: Readonly<Record<string, unknown>>): void {
    this.writeRow('local', { key: 'local', ...values })
  }

  /** Writes a row, from JavaScript values; with a TTL it expires after so many seconds. */
  writeRow(tableName: string, values: Readonly<Record<string, unknown>>, ttl: number = 0): void {
    const table = this.table(tableName)
    this.#mutation.begin()
    writeInternalRow(this.#mutation, table, internalRow(table, values), { ...this.writeTime(), ttl })
    this.apply(this.#mutation)
  }

  /** Deletes a row, whose key is given as JavaScript values. */
  deleteRow(tableName: string, key: Readonly<Record<string, unknown>>): void {
    const table = this.table(tableName)
    this.#mutation.begin()
    deleteInternalRow(this.#mutation, table, internalRow(table, key), this.writeTime())
    this.apply(this.#mutation)
  }

  /** Writes what the node itself has to say. */
  apply(mutation: MutationBuilder): void {
    this.#engine.apply(mutation)
    this.onWrite?.(mutation)
  }

  /** The time of a write at so many microseconds since 1970; by default that of the next one. */
  writeTime(micros: number = this.#timestamps.nextMicros()): WriteTime {
    return {
      timestampHi: Math.floor(micros / 0x1_0000_0000),
      timestampLo: micros | 0,
      nowSeconds: Math.floor(this.#clock.nowMs() / 1000),
    }
  }

  /**
   * What is written here is in no index. Cassandra builds those again when it starts that system."IndexInfo" does not name
   * (`SystemKeyspace.isIndexBuilt`).
   */
  forgetBuiltIndexes(): void {
    const table = this.table('IndexInfo')
    const { nowSeconds } = this.writeTime()
    for (const { key, clustering } of readInternalRows(this.#read, table, null, nowSeconds)) {
      this.#mutation.begin()
      deleteInternalRow(this.#mutation, table, { key, clustering }, this.writeTime())
      this.apply(this.#mutation)
    }
  }

  /** Where prepared statements are kept over restarts. */
  preparedStatements(): PreparedStatementsTable {
    return new PreparedStatementsTable(this, this.#read)
  }
}
