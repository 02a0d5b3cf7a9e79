import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../src/io/node-disk.ts'
import type { ReadCommand } from '../../src/model/read-command.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { ChunkCache } from '../../src/storage/cache/chunk-cache.ts'
import { KeyCache } from '../../src/storage/cache/key-cache.ts'
import { LiveSSTable } from '../../src/storage/live-sstable.ts'
import { CorruptSSTableError } from '../../src/storage/sstable/corruption.ts'
import { type Component, componentPath, type Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { descriptorsOf, FIXTURES, nodeWith, writeAgain } from '../golden/sstables/fixtures.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { answer, commandsFor, placesOf, trackerOf } from './reads.ts'

/**
 * One bit of one file of an SSTable is flipped, before it is opened or while it is open. Every read answers what it answered
 * before, or an error that names the file; never anything else. FAULT_FLIPS says how many bits of each component are tried,
 * FAULT_SEED from where on.
 *
 * So it is with what we have written, whose Checksums.db has checksums of what has none in Cassandra's format. Of the files
 * that Cassandra wrote two are apart, and what they do is counted: a cleared bit of Filter.db hides the keys that hash to it
 * from reads by key, and a flipped bit of the blocks in Index.db of a wide partition may mislead slices.
 */

const FLIPS = Number(process.env['FAULT_FLIPS'] ?? 12)
const SEED = Number(process.env['FAULT_SEED'] ?? 1)
const LIMIT_MS = 5_000
const disk = createNodeDisk()
const scratch = mkdtempSync(join(tmpdir(), 'sibyl-flips-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const TABLES = [
  'nb/c_lz4',
  'nb/c_lz4_ratio',
  'nb/c_lz4_high',
  'nb/c_snappy',
  'nb/c_deflate',
  'nb/c_zstd',
  'nb/c_noop',
  'nb/uncompressed',
  'nb/no_bloom',
  'nb/many',
  'nb/wide',
  'nb/wide_tombstones',
  'nb/deletions',
  'nb/statics',
  'nb/counters',
  'oa/many',
  'oa/wide_tombstones',
  'oa/deletions',
].filter((name) => existsSync(`${FIXTURES}${name}`))
/** Tables with partitions that have blocks in Index.db. */
const WIDE = /^wide/
/** Bytes of rows between two entries of a partition's index, less than usual so that there are many. */
const OWN_BLOCK_BYTES = 1024

interface Outcome {
  flips: number
  reads: number
  right: number
  refused: number
  refusedAtOpen: number
  hiddenByFilter: number
  misledByBlocks: number
}

function openLive(descriptor: Descriptor, table: TableMetadata): LiveSSTable {
  const caches = { chunks: new ChunkCache(1 << 20), keys: new KeyCache(1 << 16) }
  return new LiveSSTable(SSTable.open(disk, descriptor, table, { repair: 'memory' }), caches)
}

function expectCorrupt(error: unknown, directory: string, where: string): void {
  const text = `${where}: ${error instanceof Error ? error.stack : error}`
  expect(error, text).toBeInstanceOf(CorruptSSTableError)
  expect((error as CorruptSSTableError).path, text).toContain(directory)
}

function flipOne(
  original: Descriptor,
  descriptor: Descriptor,
  component: Component,
  table: TableMetadata,
  questions: readonly { readonly command: ReadCommand; readonly expected: string }[],
  dice: SimRandom,
  outcome: Outcome,
): void {
  const path = componentPath(descriptor, component)
  const before = readFileSync(componentPath(original, component))
  const after = Buffer.from(before)
  const at = dice.below(before.length)
  const bit = dice.below(8)
  after[at]! ^= 1 << bit
  const isOpenBefore = dice.chance(0.3)
  const isOwn = existsSync(componentPath(original, 'Checksums.db'))
  const where = `${original.directory} ${component} byte ${at} bit ${bit}${isOpenBefore ? ', while open' : ''}`
  let live: LiveSSTable | null = isOpenBefore ? openLive(descriptor, table) : null
  writeFileSync(path, after)
  outcome.flips++
  const started = performance.now()
  try {
    live ??= openLive(descriptor, table)
  } catch (error) {
    expectCorrupt(error, descriptor.directory, where)
    outcome.refusedAtOpen++
    writeFileSync(path, before)
    return
  }
  const tracker = trackerOf(table, live)
  for (const { command, expected } of questions) {
    outcome.reads++
    try {
      const found = answer(tracker, command)
      if (found === expected) outcome.right++
      else if (!isOwn && component === 'Filter.db' && command.keys !== null && found === '')
        outcome.hiddenByFilter++
      else if (!isOwn && component === 'Index.db' && WIDE.test(table.name)) outcome.misledByBlocks++
      else expect(found, `${where}, ${command.keys === null ? 'range' : 'key'}`).toBe(expected)
    } catch (error) {
      if (!(error instanceof Error) || error.name === 'AssertionError') throw error
      expectCorrupt(error, descriptor.directory, where)
      outcome.refused++
    }
  }
  expect(performance.now() - started, where).toBeLessThan(LIMIT_MS)
  tracker.close()
  writeFileSync(path, before)
}

describe.skipIf(TABLES.length === 0)('flipped bits', () => {
  const total: Outcome = {
    flips: 0,
    reads: 0,
    right: 0,
    refused: 0,
    refusedAtOpen: 0,
    hiddenByFilter: 0,
    misledByBlocks: 0,
  }
  afterAll(() => {
    if (process.env['FAULT_FLIPS'] !== undefined) console.log(total)
  })

  const cases = TABLES.flatMap((name) => [
    [name, 'Cassandra'],
    [name, 'Sibyl'],
  ])
  test.each(cases)(
    '%s written by %s',
    async (name, writer) => {
      const [format, tableName] = name!.split('/') as [string, string]
      const { database, table } = await nodeWith(format, tableName)
      let original = descriptorsOf(format, tableName)[0]!
      if (writer === 'Sibyl') {
        const sstable = SSTable.open(disk, original, table)
        original = writeAgain(disk, sstable, mkdtempSync(join(scratch, 'own')), OWN_BLOCK_BYTES)
        sstable.close()
      }
      const directory = mkdtempSync(join(scratch, 't'))
      const descriptor = { ...original, directory }
      const prefix = `${original.version}-${original.id}-${original.format}-`
      const components = readdirSync(original.directory)
        .filter((file) => file.startsWith(prefix) && /\.(db|crc32)$|-TOC\.txt$/.test(file))
        .map((file) => file.slice(prefix.length) as Component)
      for (const component of components) {
        copyFileSync(componentPath(original, component), componentPath(descriptor, component))
      }
      const dice = new SimRandom(SEED)
      const whole = openLive(descriptor, table)
      const tracker = trackerOf(table, whole)
      const commands = commandsFor(dice, table, placesOf(whole, table), 40)
      const questions = commands.map((command) => ({ command, expected: answer(tracker, command) }))
      expect(questions[0]!.expected).not.toBe('')
      tracker.close()
      const before = total.refused + total.refusedAtOpen
      for (const component of components) {
        for (let i = 0; i < FLIPS; i++)
          flipOne(original, descriptor, component, table, questions, dice, total)
      }
      expect(total.refused + total.refusedAtOpen).toBeGreaterThan(before)
      await database.close()
    },
    900_000,
  )
})
