import { describe, expect, test } from 'vitest'
import type { Disk } from '../../../src/io/disk.ts'
import { InlineRunner } from '../../../src/storage/tasks/inline-runner.ts'
import { type CreateTask, TaskHandle, TaskStoppedError } from '../../../src/storage/tasks/task-runner.ts'
import { SimClock, SimTimers, settle } from '../../sim/sim-clock.ts'
import { FakeTask, fakeJob, SSTABLE } from './fake-tasks.ts'

/** A runner over simulated time, and what its tasks did in order. */
function start({ compactors = 2, throughput = 0, load = null as (() => Promise<void>) | null } = {}) {
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const said: string[] = []
  const createTask: CreateTask = (_, job) => new FakeTask(job, said)
  const loadTasks = load === null ? () => createTask : () => load().then(() => createTask)
  const runner = new InlineRunner(
    { disk: null as unknown as Disk, clock, timers, loadTasks },
    { concurrentCompactors: compactors, compactionThroughputBytes: throughput },
  )
  return { clock, timers, said, runner }
}

/** Runs so many turns. */
async function turns(timers: SimTimers, count: number): Promise<void> {
  for (let i = 0; i < count; i++) expect(await timers.runNext()).toBe(true)
}

describe('the inline runner', () => {
  test('does one step a turn and resolves with what was written', async () => {
    const { timers, said, runner } = start()
    const handle = new TaskHandle()
    const done = runner.run(fakeJob('flush', { name: 'f', steps: 3, bytesPerStep: 10 }), handle)
    expect(said).toEqual([])
    await turns(timers, 1)
    expect([handle.completedBytes, handle.totalBytes]).toEqual([10, 30])
    await turns(timers, 2)
    expect(await done).toEqual([SSTABLE])
    expect([handle.completedBytes, handle.totalBytes]).toEqual([30, 30])
    expect(said).toEqual(['f', 'f', 'f'])
    expect(timers.pending).toBe(0)
  })

  test('lets compactions take turns, so many at a time', async () => {
    const { timers, said, runner } = start({ compactors: 2 })
    const all = ['a', 'b', 'c'].map((name) => runner.run(fakeJob('compaction', { name, steps: 2 })))
    await timers.run(Promise.all(all))
    expect(said.slice(0, 4)).toEqual(['a', 'b', 'a', 'b'])
    expect(said.slice(4)).toEqual(['c', 'c'])
  })

  test('has a compaction that waits begin when there may be more of them', async () => {
    const { timers, said, runner } = start({ compactors: 1 })
    for (const name of ['a', 'b']) void runner.run(fakeJob('compaction', { name, steps: 9 }))
    await turns(timers, 3)
    expect(said).toEqual(['a', 'a', 'a'])
    runner.setConcurrentCompactors(2)
    await turns(timers, 2)
    expect(said.slice(3).sort()).toEqual(['a', 'b'])
  })

  test('pauses compactions while there are flushes, which go one after another', async () => {
    const { timers, said, runner } = start()
    const compaction = runner.run(fakeJob('compaction', { name: 'c', steps: 4 }))
    await turns(timers, 2)
    const flushes = ['f', 'g'].map((name) => runner.run(fakeJob('flush', { name, steps: 2 })))
    await timers.run(Promise.all([compaction, ...flushes]))
    expect(said).toEqual(['c', 'c', 'f', 'f', 'g', 'g', 'c', 'c'])
  })

  test('limits what all compactions read on disk in a second', async () => {
    const { clock, timers, runner } = start({ throughput: 1000 })
    const plan = { steps: 20, bytesPerStep: 400, compressionRatio: 0.5 }
    const before = clock.monotonicMs()
    const all = ['a', 'b'].map((name) => runner.run(fakeJob('compaction', { name, ...plan })))
    await timers.run(Promise.all(all))
    // 8000 bytes; the last step is not waited for.
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(7700)
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(8000)
  })

  test('does not save up more than a second', async () => {
    const { clock, timers, runner } = start({ throughput: 1000 })
    await timers.advance(60_000)
    const before = clock.monotonicMs()
    await timers.run(runner.run(fakeJob('compaction', { name: 'a', steps: 10, bytesPerStep: 500 })))
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(3400)
    expect(clock.monotonicMs() - before).toBeLessThanOrEqual(4000)
  })

  test('does not limit flushes, not even while compactions wait', async () => {
    const { clock, timers, said, runner } = start({ throughput: 1 })
    void runner.run(fakeJob('compaction', { name: 'c', steps: 3, bytesPerStep: 1_000_000 }))
    await turns(timers, 2)
    const before = clock.monotonicMs()
    await timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 5, bytesPerStep: 1_000_000 })))
    expect(clock.monotonicMs()).toBe(before)
    expect(said.filter((name) => name === 'f')).toHaveLength(5)
  })

  test('goes on at once when the limit is lifted', async () => {
    const { clock, timers, runner } = start({ throughput: 1 })
    const done = runner.run(fakeJob('compaction', { name: 'c', steps: 3, bytesPerStep: 1_000_000 }))
    await turns(timers, 2)
    runner.setCompactionThroughput(0)
    await timers.run(done)
    expect(clock.monotonicMs()).toBe(0)
  })

  test('stops a job that runs, one that waits, and one before it is given', async () => {
    const { timers, said, runner } = start({ compactors: 1 })
    const handles = [new TaskHandle(), new TaskHandle(), new TaskHandle()]
    handles[2]!.stop()
    const all = handles.map((handle, i) =>
      runner.run(fakeJob('compaction', { name: `c${i}`, steps: 5 }), handle),
    )
    const settled = Promise.allSettled(all)
    await turns(timers, 2)
    handles[0]!.stop()
    handles[1]!.stop()
    for (const result of await settled) {
      expect(result.status === 'rejected' && result.reason).toBeInstanceOf(TaskStoppedError)
    }
    expect(said).toEqual(['c0', 'c0', 'c0 aborted'])
    while (await timers.runNext());
    expect(said).toHaveLength(3)
  })

  test('rejects with what a step threw, after closing its files, and goes on with others', async () => {
    const { timers, said, runner } = start()
    const plan = { name: 'bad', steps: 2, ending: 'disk-error' } as const
    const bad = expect(runner.run(fakeJob('compaction', plan))).rejects.toMatchObject({ code: 'ENOSPC' })
    const good = runner.run(fakeJob('compaction', { name: 'good', steps: 3 }))
    expect(await timers.run(good)).toEqual([SSTABLE])
    await bad
    expect(said).toContain('bad aborted')
    expect(said).not.toContain('good aborted')
  })

  test('stops compactions at its end, and lets flushes come to theirs', async () => {
    const { timers, said, runner } = start()
    const compaction = expect(
      runner.run(fakeJob('compaction', { name: 'c', steps: 5 })),
    ).rejects.toBeInstanceOf(TaskStoppedError)
    await turns(timers, 1)
    const flush = runner.run(fakeJob('flush', { name: 'f', steps: 3 }))
    await timers.run(runner.close())
    expect(await flush).toEqual([SSTABLE])
    await compaction
    expect(said).toEqual(['c', 'c aborted', 'f', 'f', 'f'])
    await expect(runner.run(fakeJob('flush', { name: 'late', steps: 1 }))).rejects.toThrow(TaskStoppedError)
    await runner.close()
    expect(timers.pending).toBe(0)
  })

  test('loads the code of the tasks with the first job, and rejects what it cannot do', async () => {
    let loads = 0
    const load = async () => {
      if (++loads === 1) throw new Error('no such file')
    }
    const { timers, runner } = start({ load })
    expect(loads).toBe(0)
    await expect(timers.run(runner.run(fakeJob('flush', { name: 'f', steps: 1 })))).rejects.toThrow(
      'no such file',
    )
    const again = runner.run(fakeJob('flush', { name: 'f', steps: 1 }))
    await turns(timers, 1)
    await settle()
    expect(await timers.run(again)).toEqual([SSTABLE])
    expect(loads).toBe(2)
  })
})
