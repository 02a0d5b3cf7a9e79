import { describe, expect, test } from 'vitest'
import type { Disk } from '../../../src/io/disk.ts'
import type { WorkerListener, WorkerParent, Workers, WorkerThread } from '../../../src/io/workers.ts'
import { InlineRunner } from '../../../src/storage/tasks/inline-runner.ts'
import { TaskHandle, TaskLostError, TaskStoppedError } from '../../../src/storage/tasks/task-runner.ts'
import { serveTasks } from '../../../src/storage/tasks/worker-main.ts'
import { WorkerRunner } from '../../../src/storage/tasks/worker-runner.ts'
import { SimClock, SimTimers } from '../../sim/sim-clock.ts'
import { FakeTask, fakeJob, SSTABLE } from './fake-tasks.ts'

const IDLE_MS = 10_000
const NO_DISK = null as unknown as Disk

/** Threads that are none: they live on the same loop, and their messages take a turn. */
class SimWorkers implements Workers {
  readonly threads: SimThread[] = []
  readonly said: string[] = []
  readonly #clock: SimClock
  readonly #timers: SimTimers
  failure: Error | null = null
  /** Threads die before they have loaded their program. */
  isBroken = false

  constructor(clock: SimClock, timers: SimTimers) {
    this.#clock = clock
    this.#timers = timers
  }

  start(listener: WorkerListener): WorkerThread {
    if (this.failure !== null) throw this.failure
    const thread = new SimThread(this.#timers, listener)
    this.threads.push(thread)
    if (this.isBroken) {
      this.#timers.setImmediate(() => thread.die(new Error('Cannot find module')))
      return thread
    }
    serveTasks(thread.inside, {
      disk: NO_DISK,
      clock: this.#clock,
      timers: this.#timers,
      loadTasks: () => (_, job) => new FakeTask(job, this.said),
    })
    return thread
  }
}

/** Both ends of a thread. */
class SimThread implements WorkerThread {
  isKept = false
  isEnded = false
  readonly #timers: SimTimers
  readonly #listener: WorkerListener
  #onRequest: (message: unknown) => void = () => undefined
  readonly inside: WorkerParent = {
    post: (message) => this.#deliver(message, (copy) => this.#listener.onMessage(copy)),
    onMessage: (listener) => {
      this.#onRequest = listener
    },
  }

  constructor(timers: SimTimers, listener: WorkerListener) {
    this.#timers = timers
    this.#listener = listener
  }

  post(message: unknown): void {
    this.#deliver(message, (copy) => this.#onRequest(copy))
  }

  #deliver(message: unknown, to: (copy: unknown) => void): void {
    const copy: unknown = structuredClone(message)
    this.#timers.setImmediate(() => {
      if (!this.isEnded) to(copy)
    })
  }

  keepProcessAlive(isKept: boolean): void {
    this.isKept = isKept
  }

  async terminate(): Promise<void> {
    this.die(null)
  }

  die(error: Error | null): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#listener.onExit(error)
  }
}

function start(throughput: number = 0) {
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const workers = new SimWorkers(clock, timers)
  const inline: string[] = []
  const log: string[] = []
  const runner = new WorkerRunner(
    {
      workers,
      timers,
      logger: { info: (line) => log.push(line) },
      makeInline: (config) =>
        new InlineRunner(
          { disk: NO_DISK, clock, timers, loadTasks: () => (_, job) => new FakeTask(job, inline) },
          config,
        ),
    },
    { concurrentCompactors: 2, compactionThroughputBytes: throughput },
  )
  return { clock, timers, workers, threads: workers.threads, said: workers.said, inline, log, runner }
}

describe('the worker runner', () => {
  test('starts a thread with the first job, and one only', async () => {
    const { timers, threads, runner } = start()
    expect(threads).toHaveLength(0)
    const handle = new TaskHandle()
    const jobs = [
      runner.run(fakeJob('flush', { name: 'f', steps: 3, bytesPerStep: 10 }), handle),
      runner.run(fakeJob('compaction', { name: 'c', steps: 3 })),
    ]
    expect(await timers.run(Promise.all(jobs))).toEqual([[SSTABLE], [SSTABLE]])
    expect([handle.completedBytes, handle.totalBytes]).toEqual([30, 30])
    expect(threads).toHaveLength(1)
    expect(threads[0]!.isKept).toBe(false)
  })

  test('ends the thread after it had nothing to do for long, and starts another', async () => {
    const { timers, threads, runner } = start()
    await timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 1 })))
    await timers.advance(IDLE_MS - 1)
    await timers.run(runner.run(fakeJob('flush', { name: 'g', steps: 1 })))
    await timers.advance(IDLE_MS - 1)
    expect(threads[0]!.isEnded).toBe(false)
    await timers.advance(1)
    expect(threads[0]!.isEnded).toBe(true)
    expect(await timers.run(runner.run(fakeJob('flush', { name: 'h', steps: 1 })))).toEqual([SSTABLE])
    expect(threads).toHaveLength(2)
  })

  test('does not end a thread that works', async () => {
    const { timers, threads, runner } = start(1)
    await timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 1 })))
    const slow = runner.run(fakeJob('compaction', { name: 'c', steps: 2, bytesPerStep: 100 }))
    await timers.advance(3 * IDLE_MS)
    expect(threads[0]!.isEnded).toBe(false)
    expect(await timers.run(slow)).toEqual([SSTABLE])
  })

  test('tells the thread of the settings, also those after its start', async () => {
    const { clock, timers, threads, runner } = start(1000)
    const plan = { name: 'c', steps: 5, bytesPerStep: 1000 }
    await timers.run(runner.run(fakeJob('compaction', plan)))
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(3000)
    runner.setCompactionThroughput(0)
    runner.setConcurrentCompactors(1)
    const before = clock.monotonicMs()
    await timers.run(runner.run(fakeJob('compaction', plan)))
    expect(clock.monotonicMs()).toBe(before)
    await threads[0]!.terminate()
    await timers.run(runner.run(fakeJob('compaction', plan)))
    expect(threads).toHaveLength(2)
    expect(clock.monotonicMs()).toBe(before)
  })

  test('stops a job in the thread', async () => {
    const { timers, said, runner } = start()
    const handle = new TaskHandle()
    const stopped = expect(
      runner.run(fakeJob('compaction', { name: 'c', steps: 1000 }), handle),
    ).rejects.toBeInstanceOf(TaskStoppedError)
    while (!said.includes('c')) await timers.runNext()
    handle.stop()
    await timers.advance(0)
    await stopped
    expect(said.at(-1)).toBe('c aborted')
    await expect(runner.run(fakeJob('flush', { name: 'f', steps: 1 }), handle)).rejects.toThrow(
      TaskStoppedError,
    )
  })

  test('rejects the jobs of a thread that dies, and has a new one for the next', async () => {
    const { timers, threads, said, runner } = start()
    const lost = ['c', 'd'].map((name) =>
      expect(runner.run(fakeJob('compaction', { name, steps: 100 }))).rejects.toMatchObject({
        name: 'TaskLostError',
        message: 'The worker thread of flushes and compactions died: out of memory',
      }),
    )
    while (!said.includes('d')) await timers.runNext()
    threads[0]!.die(new Error('out of memory'))
    await Promise.all(lost)
    timers.clear()
    expect(await timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 1 })))).toEqual([SSTABLE])
    expect(threads).toHaveLength(2)
    await timers.run(runner.close())
  })

  test('works on the event loop, and says so once, where there can be no thread', async () => {
    const { timers, workers, threads, inline, log, runner } = start()
    workers.failure = new Error('storage-worker.cjs is not there')
    await timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 1 })))
    await timers.run(runner.run(fakeJob('flush', { name: 'g', steps: 1 })))
    expect(inline).toEqual(['f', 'g'])
    expect(threads).toHaveLength(0)
    expect(log).toEqual([
      'No worker thread for flushes and compactions, they run on the event loop: storage-worker.cjs is not there',
    ])
    await runner.close()
  })

  test('does on the event loop what was given to a thread that never came to work', async () => {
    const { timers, workers, threads, inline, log, runner } = start()
    workers.isBroken = true
    const jobs = ['f', 'g'].map((name) => runner.run(fakeJob('flush', { name, steps: 1 })))
    await timers.run(Promise.all(jobs))
    await timers.run(runner.run(fakeJob('flush', { name: 'h', steps: 1 })))
    expect(inline).toEqual(['f', 'g', 'h'])
    expect(threads).toHaveLength(1)
    expect(log).toHaveLength(1)
    await runner.close()
  })

  test('waits for flushes at its end, which keep the process, and ends the thread', async () => {
    const { timers, threads, said, runner } = start()
    const compaction = expect(
      runner.run(fakeJob('compaction', { name: 'c', steps: 100 })),
    ).rejects.toBeInstanceOf(TaskStoppedError)
    while (!said.includes('c')) await timers.runNext()
    const flush = runner.run(fakeJob('flush', { name: 'f', steps: 3 }))
    const closed = runner.close()
    expect(threads[0]!.isKept).toBe(true)
    await timers.run(closed)
    expect(await flush).toEqual([SSTABLE])
    await compaction
    expect(threads[0]!.isEnded).toBe(true)
    expect(timers.pending).toBe(0)
    await expect(runner.run(fakeJob('flush', { name: 'late', steps: 1 }))).rejects.toThrow(TaskStoppedError)
    await runner.close()
  })

  test('comes to its end when the thread dies meanwhile', async () => {
    const { timers, threads, said, runner } = start()
    const flush = expect(runner.run(fakeJob('flush', { name: 'f', steps: 100 }))).rejects.toBeInstanceOf(
      TaskLostError,
    )
    while (!said.includes('f')) await timers.runNext()
    const closed = runner.close()
    threads[0]!.die(null)
    await closed
    await flush
  })

  test('rejects a job that cannot be sent', async () => {
    const { timers, runner } = start()
    const job = { ...fakeJob('flush', { name: 'f', steps: 1 }), open: () => undefined }
    await expect(runner.run(job)).rejects.toThrow('could not be cloned')
    expect(await timers.run(runner.run(fakeJob('flush', { name: 'g', steps: 1 })))).toEqual([SSTABLE])
  })
})
