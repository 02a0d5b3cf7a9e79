import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readInt32, toHex } from '../../../src/common/bytes.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import type { ClusteringBound } from '../../../src/model/clustering.ts'
import { MutationBuilder } from '../../../src/model/mutation.ts'
import type { RowsResult } from '../../../src/model/query-result.ts'
import { type Descriptor, parseFileName } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import {
  type DeletionTime,
  LIVE,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  type UnfilteredReader,
} from '../../../src/storage/unfiltered.ts'
import { Client, openNode } from '../describe/client.ts'

/** SSTables that Cassandra wrote, read here to the rows that it recorded with them. */

const fixtures = fileURLToPath(new URL('../../../../shared/oracle/fixtures/sstables/', import.meta.url))
/** Compressors that need a library we do not have yet. */
const UNREADABLE = new Set(['c_zstd'])

interface Recorded {
  readonly rows: readonly (readonly (string | null)[])[]
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : gunzipSync(readFileSync(`${path}.gz`)).toString()
}

function descriptors(directory: string): Descriptor[] {
  return readdirSync(directory)
    .map((name) => parseFileName(directory, name))
    .filter((file) => file !== null && file.component === 'Data.db')
    .map((file) => file!.descriptor)
}

/** Copies all partitions into mutations. */
function load(reader: UnfilteredReader, handle: number, apply: (mutation: MutationBuilder) => void): void {
  const mutation = new MutationBuilder()
  while (reader.nextPartition()) {
    mutation.begin()
    const { tokenHi, tokenLo, keyBytes, keyOffset, keyLength, partitionDeletion } = reader
    mutation.beginUpdate(handle, tokenHi, tokenLo, keyBytes, keyOffset, keyLength)
    if (partitionDeletion !== LIVE) {
      const { hi, lo, localDeletionTime } = partitionDeletion
      mutation.partitionDeletion(hi, lo, localDeletionTime)
    }
    if (reader.staticRow()) mutation.copyRow(reader.row, reader.rowAt)
    const tombstones: [ClusteringBound, ClusteringBound, DeletionTime][] = []
    let open: ClusteringBound | null = null
    for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
      if (kind !== UNFILTERED_MARKER) {
        mutation.copyRow(reader.row, reader.rowAt)
        continue
      }
      const { bound, closes, opens } = reader.marker
      if (closes !== null) tombstones.push([open!, bound, closes])
      open = opens === null ? null : bound
    }
    expect(open).toBeNull()
    for (const [start, end, { hi, lo, localDeletionTime }] of tombstones) {
      mutation.beginRangeTombstone(hi, lo, localDeletionTime)
      mutation.bound(start.components, start.side)
      mutation.bound(end.components, end.side)
      mutation.endRangeTombstone()
    }
    mutation.endUpdate()
    mutation.finish()
    apply(mutation)
  }
}

function hexRows({ content, rowCount, metadata }: RowsResult): (string | null)[][] {
  let at = 0
  return Array.from({ length: rowCount }, () =>
    metadata.columns.map(() => {
      const length = readInt32(content, at)
      at += 4
      if (length < 0) return null
      at += length
      return toHex(content.subarray(at - length, at))
    }),
  )
}

describe.skipIf(!existsSync(fixtures)).each(['nb', 'oa'])('%s', (format) => {
  const tables = existsSync(fixtures) ? readdirSync(`${fixtures}${format}`) : []
  test.each(tables.filter((name) => !UNREADABLE.has(name)))('%s', async (name) => {
    const directory = `${fixtures}${format}/${name}`
    const database = await openNode()
    const client = new Client(database)
    const schema = readText(`${directory}/schema.cql`)
      .split('\n')
      .filter((line) => !line.startsWith('--'))
    for (const statement of schema.join('\n').split(/;\s*\n/)) {
      if (statement.trim() !== '') await client.query(statement)
    }
    const table = database.schema.current.table('fx', name)!
    for (const descriptor of descriptors(directory)) {
      const sstable = SSTable.open(createNodeDisk(), descriptor, table)
      load(sstable.scan(), table.handle, (mutation) => database.engine.apply(mutation))
      sstable.close()
    }
    const recorded = JSON.parse(readText(`${directory}/rows.json`)) as Recorded
    const result = await client.query(`SELECT * FROM fx.${name}`)
    expect(hexRows(result as RowsResult)).toEqual(recorded.rows)
    await database.close()
  })
})
