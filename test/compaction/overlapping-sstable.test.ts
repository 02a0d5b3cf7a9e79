import { expect, test } from 'vitest'
import { int32Bytes } from '../../src/common/bytes.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import { OverlappingSSTable } from '../../src/storage/compaction/overlapping-sstable.ts'
import type { PurgedPartition } from '../../src/storage/compaction/purge.ts'
import { type Component, componentPath } from '../../src/storage/sstable/descriptor.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { memtableOf, tableWith } from './memtables.ts'
import { Rewriter } from './rewriter.ts'

/** What keeps tombstones from being purged: an SSTable whose files are broken keeps all of them. */

const KEYS = Array.from({ length: 50 }, (_, i) => i * 3)

function partition(key: number): PurgedPartition {
  const keyBytes = int32Bytes(key)
  const token = new Int32Array(2)
  murmur3Token(keyBytes, 0, 4, token)
  return { keyBytes, keyOffset: 0, keyLength: 4, tokenHi: token[0]!, tokenLo: token[1]! }
}

function flushed() {
  const simDisk = new SimDisk(new SimRandom(1))
  const disk = simDisk.attach(new SimTimers(new SimClock()))
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  const memtable = memtableOf(
    table,
    KEYS.map((key) => [key, 0, 'v', 1] as const),
  )
  const [descriptor] = rewriter.run(rewriter.flushTask(memtable, table))
  return {
    disk,
    bytes: (component: Component) => simDisk.bytes(componentPath(descriptor!, component)),
    has: (key: number) => OverlappingSSTable.read(disk, descriptor!).mayContain(partition(key)),
  }
}

test('keys are there or not by the filter', () => {
  const { has } = flushed()
  expect(KEYS.every(has)).toBe(true)
  expect(KEYS.map((key) => key + 1).filter(has).length).toBeLessThan(10)
})

test.each([
  'Filter.db',
  'Summary.db',
  'Statistics.db',
] as const)('all keys may be there where %s is broken', (component) => {
  const { has, bytes } = flushed()
  const content = bytes(component)
  // The last byte of the first half of a filter, and the last key of a summary.
  for (const at of [content.length >>> 1, content.length - 1]) {
    for (let bit = 0; bit < 8; bit++) {
      content[at]! ^= 1 << bit
      expect(KEYS.filter((key) => !has(key))).toEqual([])
      content[at]! ^= 1 << bit
    }
  }
})
