import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { compressorOf } from '../../../src/storage/sstable/compressors.ts'
import type { Compression } from '../../../src/storage/sstable/data-file-writer.ts'
import { componentPath } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { SSTableWriter } from '../../../src/storage/sstable/sstable-writer.ts'
import { descriptorsOf, FIXTURES, nodeWith } from './fixtures.ts'

/** SSTables that Cassandra wrote, read and written again here: every byte is Cassandra's. */

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-sstables-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const disk = createNodeDisk()
/** Columns that were dropped afterwards are not read, so they cannot be written again. */
const DROPPED = new Set(['altered'])

const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}nb`) : []

function compressionOf(sstable: SSTable): Compression | null {
  const info = sstable.compression
  return info === null ? null : { ...info, compressor: compressorOf(info.compressor, info.options) }
}

/** All bytes of Data.db before compression. */
function uncompressed(sstable: SSTable): Buffer {
  const source = sstable.dataSource()
  const parts: Buffer[] = []
  for (let at = 0; at < source.length; ) {
    const chunk = source.chunkAt(at)
    parts.push(Buffer.from(chunk.bytes.slice(chunk.offset, chunk.offset + chunk.length)))
    at = chunk.position + chunk.length
  }
  return Buffer.concat(parts)
}

describe.skipIf(tables.length === 0)('nb', () => {
  test.each(tables.filter((name) => !DROPPED.has(name)))('%s', async (name) => {
    const { database, table } = await nodeWith('nb', name)
    for (const descriptor of descriptorsOf('nb', name)) {
      const original = SSTable.open(disk, descriptor, table)
      const { stats, header } = original.statistics
      const directory = mkdtempSync(join(scratch, name))
      let keys = 0
      for (const reader = original.scan(); reader.nextPartition(); ) keys++
      const writer = new SSTableWriter(disk, { ...descriptor, directory }, header, original.header, {
        expectedKeys: keys,
        bloomFilterFpChance: original.statistics.validation.bloomFilterFpChance,
        minIndexInterval: table.params.minIndexInterval,
        compression: compressionOf(original),
        columnIndexSizeBytes: 64 * 1024,
        statistics: {
          partitioner: original.statistics.validation.partitioner,
          level: stats.level,
          originatingHostId: stats.originatingHostId,
          commitLogIntervals: stats.commitLogIntervals,
        },
      })
      const reader = original.scan()
      while (reader.nextPartition()) writer.append(reader)
      writer.finish()
      const written = SSTable.open(disk, writer.descriptor, table)
      expect(uncompressed(written).equals(uncompressed(original))).toBe(true)
      const components = readdirSync(directory).map((file) => file.slice(file.lastIndexOf('-') + 1))
      for (const component of components) {
        // What Java's LZ4 makes of a chunk is not what another LZ4 does.
        const isCompressed = original.compression !== null && original.compression.compressor !== 'NoopCompressor'
        if (isCompressed && ['Data.db', 'CompressionInfo.db', 'Digest.crc32', 'Statistics.db'].includes(component)) continue
        const ours = readFileSync(componentPath(writer.descriptor, component as never))
        const theirs = readFileSync(componentPath(descriptor, component as never))
        expect([component, ours.toString('hex')]).toEqual([component, theirs.toString('hex')])
      }
      expect(written.statistics).toEqual({
        ...original.statistics,
        stats: { ...stats, compressionRatio: written.statistics.stats.compressionRatio },
      })
      original.close()
      written.close()
    }
    await database.close()
  })
})
