import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Disk, writeFullySync } from '../../src/io/disk.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { listSSTables } from '../../src/storage/lifecycle/directories.ts'
import { recoverTransactions } from '../../src/storage/lifecycle/recovery.ts'
import {
  IMPORT_DEFAULTS,
  type ImportTarget,
  importSSTables,
  refreshSSTables,
} from '../../src/storage/lifecycle/sstable-importer.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { verify } from '../../src/storage/sstable/verify.ts'
import { FIXTURES, nodeWith } from '../golden/sstables/fixtures.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { type CrashKind, SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

/** Imports and refreshes on the simulated disk, which dies at each of their operations: no SSTable is lost by it. */

const SEEDS = Number(process.env.SEEDS ?? 2)
const DIRECTORY = '/data/fx/overlap-5a1c395eb41f11edb1ab1d3dbd0a2e0b'
const SOURCE = '/backup'

function newTimers(): SimTimers {
  return new SimTimers(new SimClock())
}

function layOut(disk: Disk, directory: string, prefix: string): number {
  const names = readdirSync(`${FIXTURES}nb/overlap`).filter((name) => /^nb-.*(db|crc32|txt)$/.test(name))
  for (const name of names.filter((file) => !file.includes('metadata'))) {
    const bytes = readFileSync(`${FIXTURES}nb/overlap/${name}`)
    const file = disk.openSync(`${directory}/${name.replace('nb-', prefix)}`, 'create')
    writeFullySync(file, bytes, 0, bytes.length, 0)
    file.fsyncSync()
    file.closeSync()
  }
  disk.fsyncDirectorySync(directory)
  return names.filter((name) => name.endsWith('Data.db')).length
}

/** How many SSTables a directory has, all of them whole. */
function wholeOnes(disk: Disk, directory: string, table: TableMetadata): number {
  const { sstables } = listSSTables(disk, directory)
  for (const { descriptor } of sstables) {
    SSTable.open(disk, descriptor, table).close()
    for (const _ of verify(disk, descriptor, { extended: false, quick: false, checkVersion: false }));
  }
  return sstables.length
}

/** Returns false where the work ended before the disk died. */
function crashAt(
  table: TableMetadata,
  isRefresh: boolean,
  at: number,
  kind: CrashKind,
  seed: number,
): boolean {
  const sim = new SimDisk(new SimRandom(seed))
  let disk = sim.attach(newTimers())
  disk.mkdirpSync(DIRECTORY)
  disk.mkdirpSync(SOURCE)
  const count = layOut(disk, isRefresh ? DIRECTORY : SOURCE, 'nb-9')
  let ids = 0
  const target: ImportTarget = {
    disk,
    table,
    directory: DIRECTORY,
    generations: new SharedArrayBuffer(4),
    timeUuid: () => `4aef0d10-c5f1-11ef-8b0e-${String(++ids).padStart(12, '0')}`,
  }
  sim.crashAfter(at)
  let isDone = false
  try {
    if (isRefresh) refreshSSTables(target, [])
    else importSSTables(target, [SOURCE], IMPORT_DEFAULTS)
    isDone = true
  } catch (error) {
    if ((error as { code?: string }).code !== 'ECRASHED') throw error
  }
  const hasCrashed = sim.hasCrashed
  sim.crash(kind)
  disk = sim.attach(newTimers())
  recoverTransactions(disk, DIRECTORY)
  const there = wholeOnes(disk, DIRECTORY, table)
  if (isRefresh) expect(there).toBe(count)
  else {
    expect([0, count]).toContain(there)
    if (isDone) expect(there).toBe(count)
    if (there === 0) expect(wholeOnes(disk, SOURCE, table)).toBe(count)
  }
  return hasCrashed
}

describe.skipIf(!existsSync(FIXTURES))('of Cassandra', () => {
  test.each([false, true])('refresh %s', { timeout: 3_600_000 }, async (isRefresh) => {
    const { database, table } = await nodeWith('nb', 'overlap')
    let operation = 0
    for (let isOver = false; !isOver; operation++) {
      isOver = true
      for (let seed = 1; seed <= SEEDS; seed++) {
        for (const kind of ['kill', 'power'] as const) {
          try {
            if (crashAt(table, isRefresh, operation, kind, seed)) isOver = false
          } catch (error) {
            throw new Error(`operation ${operation}, ${kind}, seed ${seed}: ${error}`, { cause: error })
          }
        }
      }
      expect(operation).toBeLessThan(1000)
    }
    expect(operation).toBeGreaterThan(50)
    await database.close()
  })
})
