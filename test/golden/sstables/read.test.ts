import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readInt32, toHex } from '../../../src/common/bytes.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import type { ClusteringBound } from '../../../src/model/clustering.ts'
import { MutationBuilder } from '../../../src/model/mutation.ts'
import type { RowsResult } from '../../../src/model/query-result.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import {
  type DeletionTime,
  LIVE,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  type UnfilteredReader,
} from '../../../src/storage/unfiltered.ts'
import { descriptorsOf, FIXTURES, nodeWith, readFixture } from './fixtures.ts'

/** SSTables that Cassandra wrote, read here to the rows that it recorded with them. */

interface Recorded {
  readonly rows: readonly (readonly (string | null)[])[]
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

describe.skipIf(!existsSync(FIXTURES)).each(['nb', 'oa'])('%s', (format) => {
  const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}${format}`) : []
  test.each(tables)('%s', async (name) => {
    const { database, client, table } = await nodeWith(format, name)
    for (const descriptor of descriptorsOf(format, name)) {
      const sstable = SSTable.open(createNodeDisk(), descriptor, table)
      load(sstable.scan(), table.handle, (mutation) => database.engine.apply(mutation))
      sstable.close()
    }
    const recorded = JSON.parse(readFixture(`${format}/${name}/rows.json`)) as Recorded
    const result = await client.query(`SELECT * FROM fx.${name}`)
    expect(hexRows(result as RowsResult)).toEqual(recorded.rows)
    await database.close()
  })
})
