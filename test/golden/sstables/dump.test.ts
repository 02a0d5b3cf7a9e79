import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type DumpOptions, dump } from '../../../src/admin/sstable-tools/dump.ts'
import { openOffline } from '../../../src/admin/sstable-tools/offline-sstable.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { type Descriptor, descriptorName } from '../../../src/storage/sstable/descriptor.ts'
import { descriptorsOf, FIXTURES, readFixture } from './fixtures.ts'

/** What `sibyl sstable dump -t` says of Cassandra's SSTables, byte for byte what `sstabledump -t` said. */

const disk = createNodeDisk()
const RAW: DumpOptions = {
  rawTimestamps: true,
  keys: [],
  excludedKeys: [],
  enumerateKeys: false,
  debug: false,
  lines: false,
}
/** When the fixtures were recorded. */
const NOW_SECONDS = 1_795_227_700

function dumpText(descriptor: Descriptor, options: Partial<DumpOptions> = {}): string {
  const offline = openOffline(disk, descriptor)
  try {
    return [...dump(offline, { ...RAW, ...options }, NOW_SECONDS)].join('')
  } finally {
    offline.sstable.close()
  }
}

describe.skipIf(!existsSync(FIXTURES)).each(['nb', 'oa'])('%s', (format) => {
  const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}${format}`) : []
  test.each(tables)('%s', (name) => {
    for (const descriptor of descriptorsOf(format, name)) {
      const recorded = readFixture(`${format}/${name}/${descriptorName(descriptor)}-dump.json`)
      expect(dumpText(descriptor)).toBe(recorded)
    }
  })
})
