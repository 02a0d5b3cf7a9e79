import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { TableMetadata } from '../../../src/model/table.ts'
import type { Database } from '../../../src/node/database.ts'
import { type Descriptor, parseFileName } from '../../../src/storage/sstable/descriptor.ts'
import { Client, openNode } from '../describe/client.ts'

/** The SSTables that Cassandra wrote for the oracle kit, a folder for each table of each format. */
export const FIXTURES = fileURLToPath(new URL('../../../../shared/oracle/fixtures/sstables/', import.meta.url))

/** A text of the kit, which may be gzipped. */
export function readFixture(path: string): string {
  const file = `${FIXTURES}${path}`
  return existsSync(file) ? readFileSync(file, 'utf8') : gunzipSync(readFileSync(`${file}.gz`)).toString()
}

/** The SSTables of a table. */
export function descriptorsOf(format: string, table: string): readonly Descriptor[] {
  const directory = `${FIXTURES}${format}/${table}`
  return readdirSync(directory).flatMap((name) => {
    const file = parseFileName(directory, name)
    return file?.component === 'Data.db' ? [file.descriptor] : []
  })
}

/** A node that has the table, without its data. */
export async function nodeWith(
  format: string,
  name: string,
): Promise<{ readonly database: Database; readonly client: Client; readonly table: TableMetadata }> {
  const database = await openNode()
  const client = new Client(database)
  const lines = readFixture(`${format}/${name}/schema.cql`).split('\n')
  const statements = lines.filter((line) => !line.startsWith('--')).join('\n').split(/;\s*\n/)
  for (const statement of statements) if (statement.trim() !== '') await client.query(statement)
  return { database, client, table: database.schema.current.table('fx', name)! }
}
