import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { dump } from '../../../src/admin/sstable-tools/dump.ts'
import { openOffline } from '../../../src/storage/sstable/offline-sstable.ts'
import { verify } from '../../../src/storage/sstable/verify.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { CorruptSSTableError } from '../../../src/storage/sstable/corruption.ts'
import { type Component, componentPath, type Descriptor } from '../../../src/storage/sstable/descriptor.ts'
import { SimRandom } from '../../sim/sim-random.ts'
import { descriptorsOf, FIXTURES } from './fixtures.ts'

/**
 * SSTables of Cassandra's with flipped bits, bytes cut off, appended, or overwritten: verification names the file, or what is
 * read is what was there before. SSTABLE_MUTATIONS says how many are tried of each table, SSTABLE_SEED from where on.
 */

const disk = createNodeDisk()
const MUTATIONS = Number(process.env['SSTABLE_MUTATIONS'] ?? 150)
const SEED = Number(process.env['SSTABLE_SEED'] ?? 1)
/** Far more than any of these takes. */
const LIMIT_MS = 10_000

const TABLES = [
  'nb/deletions',
  'nb/collections',
  'nb/uncompressed',
  'nb/wide',
  'nb/wide_tombstones',
  'nb/c_zstd',
  'nb/c_deflate',
  'nb/c_snappy',
  'nb/c_lz4_ratio',
  'nb/c_noop',
  'nb/many_columns',
  'nb/counters',
  'oa/deletions',
  'oa/ttls',
]

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-corrupt-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function rowsOf(descriptor: Descriptor): string {
  const offline = openOffline(disk, descriptor)
  try {
    const options = { rawTimestamps: true, keys: [], excludedKeys: [], enumerateKeys: false, debug: false, lines: true }
    return [...dump(offline, options, 0)].join('')
  } finally {
    offline.sstable.close()
  }
}

function verifyAll(descriptor: Descriptor): string {
  return [...verify(disk, descriptor, { extended: true, quick: false, checkVersion: false })].join('')
}

/** Another content of the file than the one it has. */
function mutate(dice: SimRandom, bytes: Uint8Array): Uint8Array {
  const kind = dice.below(10)
  const at = dice.below(bytes.length)
  if (kind < 5) {
    const changed = bytes.slice()
    changed[at]! ^= 1 << dice.below(8)
    return changed
  }
  if (kind < 7) return bytes.slice(0, at)
  if (kind === 7) return Buffer.concat([bytes, Uint8Array.from({ length: 1 + dice.below(20) }, () => dice.below(256))])
  const changed = bytes.slice()
  // Numbers that are too large, too small, or negative, where lengths and counts may be.
  const value = [0, 0xff, 0x7f, 0x80][dice.below(4)]!
  for (let i = 0; i < 8 && at + i < changed.length; i++) changed[at + i] = kind === 8 ? value : dice.below(256)
  return changed
}

interface Outcome {
  detected: number
  /** What verification does not mind, and where: what is read is the same. */
  readonly harmless: string[]
}

/**
 * Bytes that nothing else in the files bears out, and that no row depends on: the interval and the level at which the
 * index was sampled, the length of a stretch where there is one, and options and limit of the compressor.
 */
function isUnprovable(component: Component, offset: number): boolean {
  if (component === 'Summary.db') return offset < 4 || (offset >= 16 && offset < 20)
  if (component === 'CRC.db') return offset < 4
  return component === 'CompressionInfo.db'
}

function tryMutations(original: Descriptor, count: number, seed: number): Outcome {
  const directory = mkdtempSync(join(scratch, 't'))
  const descriptor = { ...original, directory }
  const prefix = `${original.version}-${original.id}-${original.format}-`
  const components = readdirSync(original.directory)
    .filter((name) => name.startsWith(prefix) && /\.(db|crc32)$|-TOC\.txt$/.test(name))
    .map((name) => name.slice(prefix.length) as Component)
  for (const component of components)
    copyFileSync(componentPath(original, component), componentPath(descriptor, component))
  const rows = rowsOf(descriptor)
  expect(verifyAll(descriptor)).toContain('succeeded')
  const outcome: Outcome = { detected: 0, harmless: [] }
  const dice = new SimRandom(seed)
  for (let i = 0; i < count; i++) {
    const component = components[i % components.length]!
    const path = componentPath(descriptor, component)
    const before = Uint8Array.from(readFileSync(path))
    const after = mutate(dice, before)
    if (Buffer.compare(before, after) === 0) continue
    writeFileSync(path, after)
    const started = performance.now()
    let error: unknown = null
    try {
      verifyAll(descriptor)
    } catch (thrown) {
      error = thrown
    }
    const where = `${original.directory} ${component} mutation ${i} of seed ${seed}`
    if (error === null) {
      expect(rowsOf(descriptor), where).toBe(rows)
      const offset = before.findIndex((byte, at) => byte !== after[at])
      if (!isUnprovable(component, offset)) outcome.harmless.push(`${component} at ${offset}, mutation ${i}`)
    } else {
      expect(error, `${where}: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(CorruptSSTableError)
      expect((error as CorruptSSTableError).path, where).toContain(directory)
      outcome.detected++
      readWithoutVerifying(descriptor, where)
    }
    expect(performance.now() - started, where).toBeLessThan(LIMIT_MS)
    writeFileSync(path, before)
  }
  return outcome
}

/** Reading what verification refuses ends in rows or in the same kind of error, and ends. */
function readWithoutVerifying(descriptor: Descriptor, where: string): void {
  try {
    rowsOf(descriptor)
  } catch (error) {
    expect(error, `${where}, read: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(CorruptSSTableError)
  }
}

describe.skipIf(!existsSync(FIXTURES))('corruption', () => {
  test.each(TABLES)(
    '%s',
    (name) => {
      const [format, table] = name.split('/') as [string, string]
      const outcome = tryMutations(descriptorsOf(format, table)[0]!, MUTATIONS, SEED)
      expect(outcome.detected).toBeGreaterThan(MUTATIONS * 0.8)
      expect(outcome.harmless).toEqual([])
    },
    600_000,
  )
})
