import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { murmur3Token } from '../../../src/common/murmur3.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { candidateOf } from '../../../src/storage/compaction/candidate-of.ts'
import { LiveSSTable } from '../../../src/storage/live-sstable.ts'
import { descriptorName } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { descriptorsOf, FIXTURES, nodeWith, readFixture } from '../sstables/fixtures.ts'

const RING_START = -(2n ** 63n)

function tokenOf(key: Uint8Array): bigint {
  const halves = new Int32Array(2)
  murmur3Token(key, 0, key.length, halves)
  return (BigInt(halves[0]!) << 32n) | BigInt(halves[1]! >>> 0)
}

/** The SSTables of a table of the oracle kit, as strategies see them. */
async function candidatesOf(format: string, name: string) {
  const { database, table } = await nodeWith(format, name)
  try {
    return descriptorsOf(format, name).map((descriptor) => {
      const live = new LiveSSTable(SSTable.open(createNodeDisk(), descriptor, table), { chunks: null, keys: null })
      const { sstable } = live
      return { name: descriptorName(descriptor), sstable, candidate: candidateOf(live, { createdAtMillis: 1 }) }
    })
  } finally {
    await database.close()
  }
}

/** Tables of which sstablemetadata's text is there, with tombstones, TTLs, many partitions and other things. */
const TABLES = ['many', 'deletions', 'wide_tombstones', 'timestamps', 'default_ttl', 'overlap', 'counters', 'ttls', 'altered', 'wide', 'statics'].filter((name) =>
  existsSync(`${FIXTURES}nb/${name}`),
)

describe.each(TABLES)('%s', (name) => {
  test('is what sstablemetadata says', async () => {
    for (const { name: file, candidate } of await candidatesOf('nb', name)) {
      const text = readFixture(`nb/${name}/${file}-metadata.txt`)
      const value = (label: string) => new RegExp(`^${label}: (?:.*\\()?([-\\d.E]+)\\)?$`, 'm').exec(text)?.[1]
      expect(String(candidate.minTimestamp)).toBe(value('Minimum timestamp'))
      expect(String(candidate.maxTimestamp)).toBe(value('Maximum timestamp'))
      expect(String(candidate.level)).toBe(value('SSTable Level'))
      expect(candidate.isRepaired).toBe(value('Repaired at') !== '0')
      const droppable = Number(value('Estimated droppable tombstones'))
      // It was recorded after all deletions, and long before what has a TTL expires.
      expect(candidate.estimatedDroppableTombstoneRatio(1_795_300_000)).toBeCloseTo(droppable, 3)
      expect(candidate.firstToken <= candidate.lastToken).toBe(true)
      expect(candidate.onDiskLength).toBeGreaterThan(0)
    }
  })

  test('knows how many keys are in ranges, as its samples tell', async () => {
    for (const { sstable, candidate } of await candidatesOf('nb', name)) {
      const { summary } = sstable
      const tokens = Array.from({ length: summary.count }, (_, i) => tokenOf(summary.keyAt(i)))
      const some = [RING_START, ...tokens.filter((_, i) => i % 3 === 0), 0n, 2n ** 63n - 1n]
      for (const start of some) {
        for (const end of some) {
          const isIn = (token: bigint) =>
            start < end ? token > start && token <= end : token > start || token <= end
          const samples = tokens.filter(isIn).length
          expect(candidate.estimatedKeysIn([{ start, end }])).toBe(Math.max(1, samples * summary.minIndexInterval))
          // What is there twice counts once.
          const twice = [{ start, end }, { start, end }, { start: RING_START, end: start }]
          const both = tokens.filter((token) => isIn(token) || start === RING_START || token <= start).length
          expect(candidate.estimatedKeysIn(twice)).toBe(Math.max(1, both * summary.minIndexInterval))
        }
      }
    }
  })
})

test('there are such tables', () => {
  expect(readdirSync(`${FIXTURES}nb`).length).toBeGreaterThan(50)
  expect(TABLES).toContain('many')
})
