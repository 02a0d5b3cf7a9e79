import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Disk } from '../../../src/io/disk.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import type { Database } from '../../../src/node/database.ts'
import { compressorOf } from '../../../src/storage/sstable/compressors.ts'
import { type Descriptor, parseFileName } from '../../../src/storage/sstable/descriptor.ts'
import type { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { SSTableWriter } from '../../../src/storage/sstable/sstable-writer.ts'
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

/** Writes an SSTable that is open again, to another directory, as the writer of flushes and compactions does. */
export function writeAgain(disk: Disk, original: SSTable, directory: string, blockBytes: number = 64 * 1024): Descriptor {
  const { compression, header, statistics, table } = original
  let keys = 0
  for (const reader = original.scan(); reader.nextPartition(); ) keys++
  const descriptor = { ...original.descriptor, version: 'nb', directory }
  const writer = new SSTableWriter(disk, descriptor, statistics.header, header, {
    expectedKeys: keys,
    bloomFilterFpChance: statistics.validation.bloomFilterFpChance,
    minIndexInterval: table.params.minIndexInterval,
    compression:
      compression === null
        ? null
        : { ...compression, compressor: compressorOf(compression.compressor, compression.options) },
    columnIndexSizeBytes: blockBytes,
    statistics: {
      partitioner: statistics.validation.partitioner,
      level: statistics.stats.level,
      originatingHostId: statistics.stats.originatingHostId,
      commitLogIntervals: statistics.stats.commitLogIntervals,
    },
  })
  for (const reader = original.scan(); reader.nextPartition(); ) writer.append(reader)
  writer.finish()
  return descriptor
}
