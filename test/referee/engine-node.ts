import type { TableMetadata } from '../../src/model/table.ts'
import type { Database } from '../../src/node/database.ts'
import type { ColumnFamilyStore } from '../../src/storage/column-family-store.ts'
import { Client, openNode } from '../golden/describe/client.ts'

/** A node of this process, without its sockets, that is told when to flush and when to compact. */
export class EngineNode {
  readonly database: Database
  readonly client: Client
  readonly keyspace: string

  private constructor(database: Database, keyspace: string) {
    this.database = database
    this.client = new Client(database, 5)
    this.keyspace = keyspace
  }

  /** On a directory, or in memory alone where that is null; with that keyspace. */
  static async start(keyspace: string, directory: string | null): Promise<EngineNode> {
    const node = new EngineNode(await openNode(directory === null ? {} : { dir: directory }), keyspace)
    await node.client.query(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    return node
  }

  table(name: string): TableMetadata {
    return this.database.schema.current.table(this.keyspace, name)!
  }

  store(name: string): ColumnFamilyStore {
    return this.database.engine.storeOf(this.table(name))
  }

  /** Writes the memtable of a table as an SSTable, if there is anything in it. */
  async flush(name: string): Promise<void> {
    await this.database.engine.flushTables([this.store(name)])
  }

  /** Merges all SSTables of a table (a major compaction). */
  async compact(name: string): Promise<void> {
    await this.database.engine.compactions?.major(this.store(name))
  }

  async stop(): Promise<void> {
    await this.database.close()
  }
}
