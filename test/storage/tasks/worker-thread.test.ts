import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../../scripts/bundle.js'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { createNodeWorkers } from '../../../src/io/node-workers.ts'
import { CorruptSSTableError } from '../../../src/storage/sstable/corruption.ts'
import { TaskHandle, TaskLostError, TaskStoppedError } from '../../../src/storage/tasks/task-runner.ts'
import { WorkerRunner } from '../../../src/storage/tasks/worker-runner.ts'
import { type FakePlan, fakeJob, SSTABLE } from './fake-tasks.ts'

/** Real threads, with jobs that are fakes. */

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-worker-'))
const program = join(scratch, 'fake-worker.cjs')
let runner: WorkerRunner

function makeRunner(path: string): WorkerRunner {
  const makeInline = (): never => {
    throw new Error('there should be a thread')
  }
  return new WorkerRunner(
    { workers: createNodeWorkers(path), timers: nodeTimers, makeInline },
    { concurrentCompactors: 2, compactionThroughputBytes: 0 },
  )
}

beforeAll(async () => {
  await bundle({ 'fake-worker': 'test/storage/tasks/fake-worker.ts' }, scratch, 'cjs', 'cjs')
  await bundle({ 'one-job': 'test/storage/tasks/one-job.ts' }, scratch, 'cjs', 'cjs')
  runner = makeRunner(program)
})

afterAll(async () => {
  await runner.close()
  rmSync(scratch, { recursive: true })
})

async function errorOf(plan: FakePlan): Promise<unknown> {
  return runner.run(fakeJob('compaction', plan)).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('a worker thread', () => {
  test('does a job, and tells how far it is', async () => {
    const handle = new TaskHandle()
    const done = runner.run(
      fakeJob('compaction', { name: 'c', steps: 40, bytesPerStep: 5, stepMs: 5 }),
      handle,
    )
    const seen = new Set<number>()
    const timer = setInterval(() => seen.add(handle.completedBytes), 10)
    expect(await done).toEqual([SSTABLE])
    clearInterval(timer)
    expect(seen.size).toBeGreaterThan(5)
    expect([handle.completedBytes, handle.totalBytes]).toEqual([200, 200])
  })

  test('pauses a compaction for a flush', async () => {
    const order: string[] = []
    const compaction = runner
      .run(fakeJob('compaction', { name: 'c', steps: 100, stepMs: 3 }))
      .then(() => order.push('compaction'))
    const flush = runner
      .run(fakeJob('flush', { name: 'f', steps: 10, stepMs: 3, tells: true }))
      .then(([written]) => {
        order.push('flush')
        expect(written!.descriptor.directory).toMatch(/(?<!f )f f f f f f f f f f$/)
      })
    await Promise.all([compaction, flush])
    expect(order).toEqual(['flush', 'compaction'])
  })

  test('stops a job', async () => {
    const handle = new TaskHandle()
    const done = runner.run(fakeJob('compaction', { name: 'endless', steps: 1e9, stepMs: 3 }), handle)
    setTimeout(() => handle.stop(), 30)
    await expect(done).rejects.toBeInstanceOf(TaskStoppedError)
    const [written] = await runner.run(fakeJob('flush', { name: 'f', steps: 1, tells: true }))
    expect(written!.descriptor.directory).toMatch(/ endless aborted f$/)
  })

  test('sends errors with their class and all that they know', async () => {
    const full = await errorOf({ name: 'full', steps: 2, ending: 'disk-error' })
    expect(full).toBeInstanceOf(Error)
    expect(full).toMatchObject({ code: 'ENOSPC', errno: -28, syscall: 'write' })
    expect(String(full)).toBe('Error: ENOSPC: no space left on device, write')
    expect((full as Error).stack).toContain('fake-worker')
    const corrupt = await errorOf({ name: 'corrupt', steps: 2, ending: 'corrupt' })
    expect(corrupt).toBeInstanceOf(CorruptSSTableError)
    expect(corrupt).toMatchObject({ name: 'CorruptSSTableError', path: '/ks/t/nb-1-big-Data.db', offset: 77 })
    expect((corrupt as Error).message).toBe(
      'Corrupt SSTable file /ks/t/nb-1-big-Data.db at offset 77: no such flag',
    )
  })

  test.each([
    ['exit', 'The worker thread of flushes and compactions died: it ended'],
    ['uncaught', 'The worker thread of flushes and compactions died: a bug of the thread'],
    [
      'out-of-memory',
      'The worker thread of flushes and compactions died: Worker terminated due to reaching memory limit: JS heap out of memory',
    ],
  ] as const)('that dies (%s) rejects its jobs, and the next has another thread', async (ending, message) => {
    const other = expect(
      runner.run(fakeJob('compaction', { name: 'other', steps: 1e9, stepMs: 1 })),
    ).rejects.toThrow(message)
    const error = await errorOf({ name: ending, steps: 3, ending })
    expect(error).toBeInstanceOf(TaskLostError)
    expect((error as Error).message).toBe(message)
    await other
    expect(await runner.run(fakeJob('flush', { name: 'f', steps: 1 }))).toEqual([SSTABLE])
  })

  test('keeps the process alive for flushes, and not for compactions', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(scratch, 'one-job.cjs'), program, ...args], {
        encoding: 'utf8',
        timeout: 20_000,
      })
    expect(run('compaction', 'leave')).toMatchObject({ status: 0, stdout: 'begun\n', stderr: '' })
    expect(run('flush', 'leave')).toMatchObject({ status: 0, stdout: 'begun\nwritten\n', stderr: '' })
    expect(run('flush', 'close')).toMatchObject({ status: 0, stdout: 'begun\nwritten\nclosed\n', stderr: '' })
  })

  test.runIf(existsSync('/proc/thread-self/stat'))('goes behind the event loop', async () => {
    await runner.run(fakeJob('flush', { name: 'f', steps: 1 }))
    const { readdirSync } = await import('node:fs')
    const niceness = (thread: string): string =>
      readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[16]!
    const threads = readdirSync('/proc/self/task').map(niceness)
    const own = niceness(String(process.pid))
    expect(threads.filter((nice) => Number(nice) === Number(own) + 5)).toHaveLength(1)
  })
})
