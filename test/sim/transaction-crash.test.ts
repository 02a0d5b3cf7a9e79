import { expect, test } from 'vitest'
import { type Disk, writeFullySync } from '../../src/io/disk.ts'
import { listSSTables } from '../../src/storage/lifecycle/directories.ts'
import { LogTransaction } from '../../src/storage/lifecycle/log-transaction.ts'
import { recoverTransactions } from '../../src/storage/lifecycle/recovery.ts'
import type { Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { type CrashKind, SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

/**
 * Transactions on the simulated disk, which dies at each of their operations in turn, and again while what it left is
 * recovered: afterwards the old SSTables are there, or the new ones, whole.
 */

/** Seeds for each of the operations: `SEEDS=1000` for the proof. */
const SEEDS = Number(process.env.SEEDS ?? 6)
const DIRECTORY = '/data/ks/t-5a1c395eb41f11edb1ab1d3dbd0a2e0b'
const FILES =
  'CompressionInfo.db Data.db Digest.crc32 Filter.db Index.db Statistics.db Summary.db TOC.txt'.split(' ')
const OLD = ['1', '2']
const NEW = ['3', '4']

function sstable(id: string): Descriptor {
  return { directory: DIRECTORY, version: 'nb', id, format: 'big' }
}

function contentOf(id: string, component: string): Uint8Array {
  if (component === 'TOC.txt') return Buffer.from(`${FILES.join('\n')}\n`)
  return Buffer.from(`${id} ${component} `.repeat(60))
}

function writeSSTable(disk: Disk, id: string): void {
  for (const component of FILES) {
    const file = disk.openSync(`${DIRECTORY}/nb-${id}-big-${component}`, 'create')
    const bytes = contentOf(id, component)
    writeFullySync(file, bytes, 0, 100, 0)
    writeFullySync(file, bytes, 100, bytes.length - 100, 100)
    file.fsyncSync()
    file.closeSync()
  }
}

interface Scenario {
  readonly name: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Calls `onCommitted` when the transaction has been committed. */
  run(disk: Disk, random: SimRandom, onCommitted: () => void): void
}

const ID = '4aef0d10-c5f1-11ef-8b0e-35d1d1d2a1f5'

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a flush',
    before: OLD,
    after: [...OLD, '3'],
    run(disk, _, onCommitted) {
      const transaction = LogTransaction.begin(disk, DIRECTORY, 'flush', ID)
      transaction.trackNew(sstable('3'))
      writeSSTable(disk, '3')
      transaction.commit()
      onCommitted()
      expect(transaction.isFinished).toBe(!transaction.failure)
    },
  },
  {
    name: 'a compaction, whose SSTables another thread writes',
    before: OLD,
    after: NEW,
    run(disk, random, onCommitted) {
      const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
      const worker = LogTransaction.open(disk, transaction.path)
      for (const id of NEW) {
        worker.trackNew(sstable(id))
        writeSSTable(disk, id)
      }
      transaction.trackObsolete(...OLD.map(sstable))
      const early = random.chance(0.3)
      if (early) transaction.release(sstable('2'))
      transaction.commit()
      onCommitted()
      transaction.release(sstable('1'))
      if (!early) transaction.release(sstable('2'))
    },
  },
  {
    name: 'a truncation',
    before: OLD,
    after: [],
    run(disk, _, onCommitted) {
      const transaction = LogTransaction.begin(disk, DIRECTORY, 'unknowncompactiontype', ID)
      transaction.trackObsolete(...OLD.map(sstable))
      transaction.commit()
      onCommitted()
      for (const id of OLD) transaction.release(sstable(id))
    },
  },
  {
    name: 'a compaction that is given up',
    before: OLD,
    after: OLD,
    run(disk) {
      const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
      transaction.trackNew(sstable('3'))
      writeSSTable(disk, '3')
      transaction.trackObsolete(...OLD.map(sstable))
      transaction.abort()
    },
  },
]

function newTimers(): SimTimers {
  return new SimTimers(new SimClock())
}

function dies(work: () => void): boolean {
  try {
    work()
    return false
  } catch (error) {
    if ((error as { code?: string }).code !== 'ECRASHED') throw error
    return true
  }
}

/** What is there, each SSTable whole. */
function statesOf(disk: Disk): string[] {
  const { sstables, temporary, problems } = listSSTables(disk, DIRECTORY)
  expect(problems).toEqual([])
  expect(temporary).toEqual([])
  const ids = sstables.map(({ descriptor }) => descriptor.id)
  for (const id of ids) {
    for (const component of FILES) {
      const bytes = disk.readFileSync(`${DIRECTORY}/nb-${id}-big-${component}`)
      expect(Buffer.from(bytes).toString(), `${id} ${component}`).toBe(
        Buffer.from(contentOf(id, component)).toString(),
      )
    }
  }
  expect(disk.readdirSync(DIRECTORY).length).toBe(ids.length * FILES.length)
  return ids
}

/** Returns false where the scenario ended before the disk died. */
function crashAt(scenario: Scenario, operation: number, kind: CrashKind, seed: number): boolean {
  const random = new SimRandom(seed)
  const sim = new SimDisk(random)
  let disk = sim.attach(newTimers())
  disk.mkdirpSync(DIRECTORY)
  for (const id of scenario.before) writeSSTable(disk, id)
  disk.fsyncDirectorySync(DIRECTORY)
  let isCommitted = false
  sim.crashAfter(operation)
  dies(() => {
    scenario.run(disk, random, () => {
      isCommitted = true
    })
  })
  // A failure to remove files is not thrown.
  const hasCrashed = sim.hasCrashed
  sim.crash(kind)
  disk = sim.attach(newTimers())
  for (let i = 0; i < 3; i++) {
    sim.crashAfter(random.below(25))
    if (!dies(() => recoverTransactions(disk, DIRECTORY))) break
    sim.crash(random.chance(0.5) ? 'kill' : 'power')
    disk = sim.attach(newTimers())
  }
  sim.crashAfter(Number.POSITIVE_INFINITY)
  recoverTransactions(disk, DIRECTORY)
  const ids = statesOf(disk).join()
  const { before, after } = scenario
  if (isCommitted) expect(ids).toBe(after.join())
  else expect([before.join(), after.join()]).toContain(ids)
  return hasCrashed
}

for (const scenario of SCENARIOS) {
  for (const kind of ['kill', 'power'] as const) {
    test(`${scenario.name}, ${kind}`, { timeout: 3_600_000 }, () => {
      let operation = 0
      for (let isOver = false; !isOver; operation++) {
        isOver = true
        for (let seed = 1; seed <= SEEDS; seed++) {
          try {
            if (crashAt(scenario, operation, kind, seed)) isOver = false
          } catch (error) {
            throw new Error(`operation ${operation}, seed ${seed}: ${error}`, { cause: error })
          }
        }
        expect(operation).toBeLessThan(500)
      }
      expect(operation).toBeGreaterThan(15)
    })
  }
}
