import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { componentPath } from '../../../src/storage/sstable/descriptor.ts'
import { readStatistics } from '../../../src/storage/sstable/statistics.ts'
import { changedStatistics } from '../../../src/storage/sstable/statistics-mutation.ts'
import { formatVersion } from '../../../src/storage/sstable/version.ts'
import { descriptorsOf, FIXTURES } from './fixtures.ts'

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
