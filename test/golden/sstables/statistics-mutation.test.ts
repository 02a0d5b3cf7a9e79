import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { int32Bytes, readInt32, writeInt32 } from '../../../src/common/bytes.ts'
import { crc32 } from '../../../src/storage/commitlog/crc32.ts'
import { componentPath } from '../../../src/storage/sstable/descriptor.ts'
import { readStatistics } from '../../../src/storage/sstable/statistics.ts'
import { changedStatistics } from '../../../src/storage/sstable/statistics-mutation.ts'
import { formatVersion } from '../../../src/storage/sstable/version.ts'
import { descriptorsOf, FIXTURES } from './fixtures.ts'

/** nb: behind the flags of a repair and of being transient stand one more flag and the host's id. */
function withRepair(bytes: Uint8Array): Uint8Array {
  const parts = [0, 1, 2, 3].map((i) => {
    const end = i < 3 ? readInt32(bytes, 20 + i * 8) : bytes.length
    return bytes.subarray(readInt32(bytes, 12 + i * 8), end - 4)
  })
  const stats = parts[2]!
  const at = stats.length - 19
  const repair = Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 7), Buffer.from([1])])
  parts[2] = Buffer.concat([stats.subarray(0, at), repair, stats.subarray(at + 2)])
  const checked = parts.flatMap((part) => [part, int32Bytes(crc32(part, 0, part.length))])
  const head = bytes.slice(0, 12 + 4 * 8)
  for (let i = 1; i < 4; i++) {
    writeInt32(head, 12 + i * 8, readInt32(head, 4 + i * 8) + parts[i - 1]!.length + 4)
  }
  writeInt32(head, 40, crc32(head, 8, 32, crc32(head, 0, 4)))
  return new Uint8Array(Buffer.concat([head, ...checked]))
}

/** Statistics.db files of Cassandra's, with another level. */

describe.skipIf(!existsSync(FIXTURES)).each(['nb', 'oa'])('%s', (format) => {
  const version = formatVersion(format)!

  test('another level, and nothing else', () => {
    let files = 0
    for (const table of readdirSync(`${FIXTURES}${format}`)) {
      for (const descriptor of descriptorsOf(format, table)) {
        const path = componentPath(descriptor, 'Statistics.db')
        const bytes = new Uint8Array(readFileSync(path))
        const before = readStatistics(path, bytes, version)
        expect(changedStatistics(path, bytes, version, {})).toEqual(bytes)
        const changed = changedStatistics(path, bytes, version, { level: 3 })
        expect(changed.length).toBe(bytes.length)
        const after = readStatistics(path, changed, version)
        expect(after).toEqual({ ...before, stats: { ...before.stats, level: 3 } })
        expect(changedStatistics(path, changed, version, { level: before.stats.level })).toEqual(bytes)
        // They were never repaired.
        expect(changedStatistics(path, bytes, version, { clearRepaired: true })).toEqual(bytes)
        files++
      }
    }
    expect(files).toBeGreaterThan(25)
  })
})

test.skipIf(!existsSync(FIXTURES))('a repair that is forgotten', () => {
  const version = formatVersion('nb')!
  const path = componentPath(descriptorsOf('nb', 'many')[0]!, 'Statistics.db')
  const bytes = new Uint8Array(readFileSync(path))
  const repaired = withRepair(bytes)
  const { stats } = readStatistics(path, repaired, version)
  expect(stats).toMatchObject({ isTransient: true, pendingRepair: new Uint8Array(16).fill(7) })
  expect(changedStatistics(path, repaired, version, {})).toEqual(repaired)
  expect(changedStatistics(path, repaired, version, { clearRepaired: true })).toEqual(bytes)
})
