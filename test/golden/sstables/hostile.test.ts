import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openOffline } from '../../../src/storage/sstable/offline-sstable.ts'
import { readInt32, writeInt32 } from '../../../src/common/bytes.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { crc32 } from '../../../src/storage/commitlog/crc32.ts'
import { BloomFilter } from '../../../src/storage/sstable/bloom-filter.ts'
import { readCompressionInfo } from '../../../src/storage/sstable/compression-info.ts'
import { CorruptSSTableError } from '../../../src/storage/sstable/corruption.ts'
import { DataReader } from '../../../src/storage/sstable/data-reader.ts'
import { componentPath, type Descriptor } from '../../../src/storage/sstable/descriptor.ts'
import type { ChunkSource } from '../../../src/storage/sstable/file-cursor.ts'
import { IndexReader } from '../../../src/storage/sstable/index-reader.ts'
import { IndexSummary } from '../../../src/storage/sstable/index-summary.ts'
import { readStatistics } from '../../../src/storage/sstable/statistics.ts'
import { UNFILTERED_END } from '../../../src/storage/unfiltered.ts'
import { SimRandom } from '../../sim/sim-random.ts'
import { descriptorsOf, FIXTURES } from './fixtures.ts'

/**
 * Files whose checksums are right and whose content is not: each reader on its own ends in what it reads or in a
 * CorruptSSTableError, soon, and with little memory. SSTABLE_HOSTILE says how many are tried of each.
 */

const INPUTS = Number(process.env['SSTABLE_HOSTILE'] ?? 400)
const LIMIT_MS = 5000
const disk = createNodeDisk()
const PATH = 'hostile'

/** Bytes exchanged, set to what is too much for a length, or cut. */
function mutate(dice: SimRandom, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const at = dice.below(changed.length)
    const kind = dice.below(4)
    if (kind === 0) changed[at]! ^= 1 << dice.below(8)
    else if (kind === 1) changed[at] = dice.below(256)
    else changed.fill([0, 0x7f, 0x80, 0xff][dice.below(4)]!, at, at + 1 + dice.below(9))
  }
  return dice.chance(0.1) ? changed.slice(0, dice.below(changed.length)) : changed
}

/** What reads like a file and lies in memory, in stretches that values run across. */
function memorySource(bytes: Uint8Array): ChunkSource {
  const size = 97
  return {
    path: PATH,
    length: bytes.length,
    chunkAt(position) {
      const from = position - (position % size)
      return { bytes, offset: from, length: Math.min(size, bytes.length - from), position: from }
    },
  }
}

function tryAll(bytes: Uint8Array, seed: number, read: (bytes: Uint8Array) => void): void {
  read(bytes)
  const dice = new SimRandom(seed)
  for (let i = 0; i < INPUTS; i++) {
    const changed = mutate(dice, bytes)
    const started = performance.now()
    try {
      read(changed)
    } catch (error) {
      expect(error, `input ${i}: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(CorruptSSTableError)
    }
    expect(performance.now() - started, `input ${i}`).toBeLessThan(LIMIT_MS)
  }
}

/** Gives the components of Statistics.db checksums that are right. */
function withChecksums(bytes: Uint8Array, original: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes)
  const count = readInt32(original, 0)
  const tocEnd = 8 + count * 8
  if (out.length !== original.length) return out
  // The table of contents stays as it is, so that the components are found.
  out.set(original.subarray(0, tocEnd + 4))
  for (let i = 0; i < count; i++) {
    const from = readInt32(out, 12 + i * 8)
    const end = i + 1 < count ? readInt32(out, 20 + i * 8) : out.length
    writeInt32(out, end - 4, crc32(out, from, end - from - 4))
  }
  return out
}

function load(descriptor: Descriptor, component: 'Summary.db' | 'Filter.db' | 'Statistics.db' | 'Index.db'): Uint8Array {
  return readFileSync(componentPath(descriptor, component))
}

const TABLES = ['nb/deletions', 'nb/collections', 'nb/wide_tombstones', 'nb/many_columns', 'nb/statics', 'oa/ttls', 'oa/deletions_desc']

describe.skipIf(!existsSync(FIXTURES)).each(TABLES)('%s', (name) => {
  const [format, table] = name.split('/') as [string, string]
  const open = () => openOffline(disk, descriptorsOf(format, table)[0]!)

  test('Statistics.db', () => {
    const { descriptor, sstable } = open()
    const original = load(descriptor, 'Statistics.db')
    tryAll(original, 1, (bytes) => {
      readStatistics(PATH, withChecksums(bytes, original), sstable.version)
    })
    sstable.close()
  })

  test('Summary.db, Filter.db and CompressionInfo.db', () => {
    const { descriptor, sstable } = open()
    const key = sstable.summary.lastKey
    tryAll(load(descriptor, 'Summary.db'), 2, (bytes) => {
      const summary = IndexSummary.read(PATH, bytes)
      for (const hi of [-0x80000000, 0, 0x7fffffff]) {
        const at = summary.floor(hi, 0, key)
        if (at >= 0) summary.positionAt(at)
      }
    })
    tryAll(load(descriptor, 'Filter.db'), 3, (bytes) => {
      BloomFilter.read(PATH, bytes).mayContain(key, 0, key.length)
    })
    tryAll(readFileSync(componentPath(descriptor, 'CompressionInfo.db')), 4, (bytes) => {
      readCompressionInfo(PATH, bytes)
    })
    sstable.close()
  })

  test('Index.db', () => {
    const { descriptor, sstable } = open()
    const { summary, version, header } = sstable
    tryAll(load(descriptor, 'Index.db'), 5, (bytes) => {
      const index = new IndexReader(memorySource(bytes), summary, version, header.clusteringTypes)
      while (index.next()) for (let i = 0; i < Math.min(index.blockCount, 1000); i++) index.block(i)
      index.find(0, 0, summary.lastKey)
      index.seekToken(0, 0)
    })
    sstable.close()
  })

  test('Data.db', () => {
    const { sstable } = open()
    const source = sstable.dataSource()
    const parts: Uint8Array[] = []
    for (let at = 0; at < source.length; ) {
      const chunk = source.chunkAt(at)
      parts.push(chunk.bytes.slice(chunk.offset, chunk.offset + chunk.length))
      at = chunk.position + chunk.length
    }
    tryAll(Buffer.concat(parts).subarray(0, 1 << 16), 6, (bytes) => {
      const reader = new DataReader(memorySource(bytes), sstable.header, sstable.version)
      try {
        while (reader.nextPartition()) {
          reader.staticRow()
          while (reader.next() !== UNFILTERED_END);
        }
      } catch (error) {
        // The original may have been cut.
        if (!(error instanceof CorruptSSTableError)) throw error
      }
    })
    sstable.close()
  })
})
