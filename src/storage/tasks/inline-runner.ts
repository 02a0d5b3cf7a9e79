import type { Clock } from '../../io/clock.ts'
import type { Disk } from '../../io/disk.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'
import type { StorageJob, StorageTask, WrittenSSTable } from './storage-task.ts'
import {
  type CreateTask,
  TaskHandle,
  type TaskRunner,
  type TaskRunnerConfig,
  TaskStoppedError,
} from './task-runner.ts'
import { Throughput } from './throughput.ts'

/** What an inline runner works with. */
export interface InlineRunnerPorts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  /**
   * What begins jobs, asked for with the first of them: a promise where the code has to be loaded. The simulator gives
   * it at once, so that all that happens is its own doing.
   */
  readonly loadTasks: () => CreateTask | Promise<CreateTask>
  /** Lets other threads go on for a moment, between two steps that nobody waits for. */
  readonly rest?: () => void
}

/** A job that has not ended. */
interface Work {
  readonly job: StorageJob
  readonly handle: TaskHandle
  /** Null before its first turn. */
  task: StorageTask | null
  readonly resolve: (written: readonly WrittenSSTable[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Runs jobs on the event loop of the thread it is in: one step a turn, so that between any two of them other work gets
 * its turn. In the worker thread it is this runner, too, that does the work.
 */
export class InlineRunner implements TaskRunner {
  readonly #ports: InlineRunnerPorts
  readonly #throughput = new Throughput()
  #concurrentCompactors: number
  #createTask: CreateTask | null = null
  #isLoading = false
  readonly #flushes: Work[] = []
  readonly #compactions: Work[] = []
  /** Which of the running compactions has the next turn. */
  #next = 0
  #isScheduled = false
  /** Set while only compactions are left, and those have read too much. */
  #pause: TimerHandle | null = null
  #isClosed = false
  #onDrained: (() => void) | null = null

  constructor(ports: InlineRunnerPorts, config: TaskRunnerConfig) {
    this.#ports = ports
    this.#concurrentCompactors = config.concurrentCompactors
    this.setCompactionThroughput(config.compactionThroughputBytes)
  }

  run(job: StorageJob, handle: TaskHandle = new TaskHandle()): Promise<readonly WrittenSSTable[]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed || handle.isStopped) {
        reject(new TaskStoppedError())
        return
      }
      const work: Work = { job, handle, task: null, resolve, reject }
      handle.onStop(() => this.#end(work, () => reject(new TaskStoppedError())))
      this.#queueOf(job).push(work)
      this.#schedule()
    })
  }

  setConcurrentCompactors(count: number): void {
    this.#concurrentCompactors = count
    this.#schedule()
  }

  setCompactionThroughput(bytesPerSecond: number): void {
    this.#throughput.setLimit(bytesPerSecond, this.#ports.clock.monotonicMs())
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const { handle } of [...this.#compactions]) handle.stop()
    if (this.#flushes.length > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve))
  }

  #queueOf(job: StorageJob): Work[] {
    return job.kind === 'flush' ? this.#flushes : this.#compactions
  }

  /** Makes sure that there will be a turn, if there is something to do. */
  #schedule(): void {
    if (this.#pause !== null) this.#ports.timers.clearTimeout(this.#pause)
    this.#pause = null
    if (this.#isScheduled || this.#flushes.length + this.#compactions.length === 0) return
    this.#isScheduled = true
    this.#ports.timers.setImmediate(() => {
      this.#isScheduled = false
      this.#turn()
    })
  }

  #turn(): void {
    const createTask = this.#createTask ?? this.#load()
    if (createTask === null) return
    const work = this.#flushes[0] ?? this.#nextCompaction()
    if (work === undefined) return
    if (work.job.kind === 'compaction') {
      const { clock, timers } = this.#ports
      const waitMs = this.#throughput.waitMs(clock.monotonicMs())
      if (waitMs > 0) {
        this.#pause = timers.setTimeout(() => this.#schedule(), waitMs, { unref: true })
        return
      }
      this.#next++
    }
    if (!this.#isBehind) this.#ports.rest?.()
    this.#step(work, createTask)
  }

  /** Whether as much as half of what is being flushed waits behind it: then writes will soon wait for memory. */
  get #isBehind(): boolean {
    if (this.#flushes.length < 2) return false
    let waiting = 0
    for (const { job } of this.#flushes) waiting += bytesOf(job)
    return waiting > 1.5 * bytesOf(this.#flushes[0]!.job)
  }

  #nextCompaction(): Work | undefined {
    const running = Math.min(this.#compactions.length, this.#concurrentCompactors)
    if (this.#next >= running) this.#next = 0
    return this.#compactions[this.#next]
  }

  #load(): CreateTask | null {
    if (this.#isLoading) return null
    const loaded = this.#ports.loadTasks()
    if (!(loaded instanceof Promise)) return (this.#createTask = loaded)
    this.#isLoading = true
    loaded.then(
      (createTask) => {
        this.#isLoading = false
        this.#createTask = createTask
        this.#schedule()
      },
      (error: unknown) => {
        this.#isLoading = false
        for (const work of [...this.#flushes, ...this.#compactions]) this.#end(work, () => work.reject(error))
      },
    )
    return null
  }

  #step(work: Work, createTask: CreateTask): void {
    const { clock, disk } = this.#ports
    try {
      const task = (work.task ??= createTask(disk, work.job))
      const before = task.completedBytes
      const hasMore = task.step()
      work.handle.report(task.completedBytes, task.totalBytes)
      if (work.job.kind === 'compaction') {
        const read = (task.completedBytes - before) * (task.compressionRatio ?? 1)
        this.#throughput.take(read, clock.monotonicMs())
      }
      if (hasMore) {
        this.#schedule()
        return
      }
      work.task = null
      this.#end(work, () => work.resolve(task.written))
    } catch (error) {
      this.#end(work, () => work.reject(error))
    }
  }

  /** Forgets a job, and closes what it has open unless it came to its end. */
  #end(work: Work, settle: () => void): void {
    const queue = this.#queueOf(work.job)
    const at = queue.indexOf(work)
    if (at < 0) return
    queue.splice(at, 1)
    if (queue === this.#compactions && at < this.#next) this.#next--
    work.handle.onStop(null)
    try {
      work.task?.abort()
    } catch {
      // What the job ended with says more.
    }
    settle()
    if (this.#flushes.length === 0) this.#onDrained?.()
    this.#schedule()
  }
}

function bytesOf(job: StorageJob): number {
  return job.kind === 'flush' ? job.memtableBytes : 0
}
