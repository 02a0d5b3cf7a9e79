import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, STORAGE_WORKER } from '../../../scripts/bundle.js'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { createNodeWorkers } from '../../../src/io/node-workers.ts'
import { CorruptSSTableError } from '../../../src/storage/sstable/corruption.ts'
import { componentPath, type Descriptor } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { createTaskRunner } from '../../../src/storage/tasks/create-task-runner.ts'
import type { StorageJob } from '../../../src/storage/tasks/storage-task.ts'
import { TaskHandle, type TaskRunner, TaskStoppedError } from '../../../src/storage/tasks/task-runner.ts'
import { makeMemtable, TABLE, TableJobs } from './table-jobs.ts'

/** The program of the worker thread as it is shipped, with real jobs on real files. */

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-storage-worker-'))
const disk = createNodeDisk()
const log: string[] = []

function makeRunner(program: string | null): TaskRunner {
  const workers = program === null ? null : createNodeWorkers(program)
  return createTaskRunner(
    { disk, clock: nodeClock, timers: nodeTimers, workers, logger: { info: (line) => log.push(line) } },
    { concurrentCompactors: 2, compactionThroughputBytes: 0 },
  )
}

let inThread: TaskRunner
const inline = makeRunner(null)

beforeAll(async () => {
  await bundle(STORAGE_WORKER, scratch, 'cjs', 'cjs')
  inThread = makeRunner(join(scratch, 'storage-worker.cjs'))
})

afterAll(async () => {
  await inThread.close()
  await inline.close()
  rmSync(scratch, { recursive: true })
})

function jobsIn(name: string): TableJobs {
  const directory = join(scratch, name)
  mkdirSync(directory)
  return new TableJobs(disk, directory)
}

function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'hex')]))
}

async function flush(runner: TaskRunner, jobs: TableJobs, from: number, count: number): Promise<Descriptor> {
  const transaction = jobs.begin('flush')
  const written = await runner.run(jobs.flush(makeMemtable(from, count, 100), transaction))
  transaction.commit()
  expect(written).toHaveLength(1)
  return written[0]!.descriptor
}

async function compact(runner: TaskRunner, jobs: TableJobs, inputs: Descriptor[]): Promise<Descriptor> {
  const transaction = jobs.begin('compaction')
  const written = await runner.run(jobs.compaction(inputs, transaction))
  transaction.commit()
  expect(written).toHaveLength(1)
  return written[0]!.descriptor
}

function countKeys(descriptor: Descriptor): number {
  let keys = 0
  for (const reader = SSTable.open(disk, descriptor, TABLE).scan(); reader.nextPartition(); ) keys++
  return keys
}

async function errorOf(job: StorageJob, handle?: TaskHandle): Promise<unknown> {
  return inThread.run(job, handle).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('the storage worker', () => {
  test('flushes and compacts to the same bytes as on the event loop', async () => {
    const all: Record<string, string>[] = []
    for (const [name, runner] of [
      ['thread', inThread],
      ['inline', inline],
    ] as const) {
      const jobs = jobsIn(name)
      const inputs = [await flush(runner, jobs, 0, 3000), await flush(runner, jobs, 2000, 3000)]
      expect(inputs.map(({ id }) => id)).toEqual(['1', '2'])
      expect(inputs.map(countKeys)).toEqual([3000, 3000])
      const compacted = await compact(runner, jobs, inputs)
      expect(compacted.id).toBe('3')
      expect(countKeys(compacted)).toBe(5000)
      all.push(contents(jobs.directory))
    }
    expect(Object.keys(all[0]!)).toHaveLength(27)
    expect(all[0]).toEqual(all[1])
    expect(log).toEqual([])
  })

  test('hands over what it read of an SSTable, so that nobody has to read it again', async () => {
    for (const [name, runner] of [
      ['handed-over', inThread],
      ['handed-over-inline', inline],
    ] as const) {
      const jobs = jobsIn(name)
      const transaction = jobs.begin('flush')
      const keys = 70_000
      const [written] = await runner.run(jobs.flush(makeMemtable(0, keys, 10), transaction))
      transaction.commit()
      const { descriptor, components } = written!
      // More than is copied.
      expect(components.filter!.bytes.length).toBeGreaterThan(64 * 1024)
      const opened = SSTable.open(disk, descriptor, TABLE)
      expect(structuredClone(components)).toEqual(structuredClone(opened.components))
      const adopted = SSTable.adopt(disk, descriptor, TABLE, components)
      let found = 0
      for (const reader = adopted.scan(); reader.nextPartition(); ) found++
      expect(found).toBe(keys)
      expect([...adopted.summary.lastKey]).toEqual([...opened.summary.lastKey])
      opened.close()
      adopted.close()
    }
  })

  test('says which file is corrupt, and where', async () => {
    const jobs = jobsIn('corrupt')
    const input = await flush(inline, jobs, 0, 3000)
    const path = componentPath(input, 'Data.db')
    const bytes = readFileSync(path)
    bytes[20_000]! ^= 1
    writeFileSync(path, bytes)
    const transaction = jobs.begin('compaction')
    const error = await errorOf(jobs.compaction([input], transaction))
    transaction.abort()
    expect(error).toBeInstanceOf(CorruptSSTableError)
    const { path: corrupt, offset, message } = error as CorruptSSTableError
    expect(corrupt).toBe(path)
    expect(offset).toBeGreaterThanOrEqual(0)
    expect(message).toContain(`Corrupt SSTable file ${path} at offset ${offset}: `)
  })

  test('says what the disk said, with its code', async () => {
    const jobs = jobsIn('gone')
    const transaction = jobs.begin('flush')
    const job = jobs.flush(makeMemtable(0, 10, 10), transaction)
    rmSync(jobs.directory, { recursive: true })
    expect(await errorOf(job)).toMatchObject({ code: 'ENOENT', syscall: expect.any(String) })
  })

  test('leaves a stopped job to its transaction', async () => {
    const jobs = jobsIn('stopped')
    const input = await flush(inline, jobs, 0, 60_000)
    const before = readdirSync(jobs.directory)
    const transaction = jobs.begin('compaction')
    const handle = new TaskHandle()
    const stopped = errorOf(jobs.compaction([input], transaction), handle)
    const hasBegun = (): boolean => readdirSync(jobs.directory).length > before.length
    while (!hasBegun()) await new Promise((resolve) => setTimeout(resolve, 1))
    handle.stop()
    expect(await stopped).toBeInstanceOf(TaskStoppedError)
    expect(hasBegun()).toBe(true)
    transaction.abort()
    expect(readdirSync(jobs.directory).sort()).toEqual(before.sort())
    expect(handle.completedBytes).toBeLessThan(handle.totalBytes)
  })

  test('is not there for code that runs from its sources', async () => {
    const runner = createTaskRunner(
      {
        disk,
        clock: nodeClock,
        timers: nodeTimers,
        workers: createNodeWorkers(),
        logger: { info: (line) => log.push(line) },
      },
      { concurrentCompactors: 1, compactionThroughputBytes: 0 },
    )
    await flush(runner, jobsIn('sources'), 0, 10)
    await runner.close()
    expect(log.splice(0)).toEqual([
      expect.stringMatching(
        /^No worker thread for flushes and compactions, they run on the event loop: .*storage-worker\.cjs is not there$/,
      ),
    ])
  })
})
