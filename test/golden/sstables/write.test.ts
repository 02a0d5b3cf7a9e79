import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { componentPath } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { descriptorsOf, FIXTURES, nodeWith, writeAgain } from './fixtures.ts'

/**
 * SSTables that Cassandra wrote, read and written again here: every byte is Cassandra's. Checksums.db is one more file, which
 * Cassandra's do not have.
 */

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-sstables-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const disk = createNodeDisk()
/** Columns that were dropped afterwards are not read, so they cannot be written again. */
const DROPPED = new Set(['altered'])

const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}nb`) : []

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
      const { stats } = original.statistics
      const directory = mkdtempSync(join(scratch, name))
      const again = writeAgain(disk, original, directory)
      const written = SSTable.open(disk, again, table)
      expect(uncompressed(written).equals(uncompressed(original))).toBe(true)
      const ownComponents = readdirSync(directory).map((file) => file.slice(file.lastIndexOf('-') + 1))
      expect(ownComponents).toContain('Checksums.db')
      const components = ownComponents.filter((component) => component !== 'Checksums.db')
      for (const component of components) {
        // What Java's LZ4 makes of a chunk is not what another LZ4 does.
        const isCompressed = original.compression !== null && original.compression.compressor !== 'NoopCompressor'
        if (isCompressed && ['Data.db', 'CompressionInfo.db', 'Digest.crc32', 'Statistics.db'].includes(component)) continue
        const written = readFileSync(componentPath(again, component as never))
        const ours = component === 'TOC.txt' ? Buffer.from(`${written}`.replace('Checksums.db\n', '')) : written
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
