import type { TimerHandle, Timers } from '../../io/timers.ts'
import type { Workers, WorkerThread } from '../../io/workers.ts'
import type { StorageJob, WrittenSSTable } from './storage-task.ts'
import { receiveError, type TaskReply, type TaskRequest } from './task-messages.ts'
import {
  TaskHandle,
  TaskLostError,
  type TaskRunner,
  type TaskRunnerConfig,
  TaskStoppedError,
} from './task-runner.ts'

/** A thread without work is ended after that time, for its memory; starting one anew takes some 50 ms. */
const IDLE_MS = 10_000

/** What a worker runner says to the log. */
export interface TaskLogger {
  info(message: string): void
}

/** What a worker runner works with. */
export interface WorkerRunnerPorts {
  readonly workers: Workers
  readonly timers: Timers
  /** Makes the runner that does the work where no thread can be started. */
  readonly makeInline: (config: TaskRunnerConfig) => TaskRunner
  readonly logger?: TaskLogger
}

/** A job that was given to the thread. */
interface SentJob {
  readonly job: StorageJob
  readonly handle: TaskHandle
  readonly resolve: (written: readonly WrittenSSTable[]) => void
  readonly reject: (error: unknown) => void
}

/** A thread and what it has to do. */
interface Crew {
  readonly thread: WorkerThread
  readonly jobs: Map<number, SentJob>
  /** It has said that it listens. */
  isReady: boolean
  /** Ends it when there was nothing to do for long. */
  idle: TimerHandle | null
}

/**
 * Runs jobs in one worker thread, which is started with the first of them and ended when there was none for a while.
 * When the thread dies its jobs are lost, and the next job has a new one. Where none can be started the jobs run on the
 * event loop.
 */
export class WorkerRunner implements TaskRunner {
  readonly #ports: WorkerRunnerPorts
  #config: TaskRunnerConfig
  #crew: Crew | null = null
  #inline: TaskRunner | null = null
  #lastId = 0
  #isClosed = false
  #onDrained: (() => void) | null = null

  constructor(ports: WorkerRunnerPorts, config: TaskRunnerConfig) {
    this.#ports = ports
    this.#config = config
  }

  run(job: StorageJob, handle: TaskHandle = new TaskHandle()): Promise<readonly WrittenSSTable[]> {
    if (this.#isClosed || handle.isStopped) return Promise.reject(new TaskStoppedError())
    const crew = this.#inline === null ? (this.#crew ?? this.#start()) : null
    if (crew === null) return this.#inline!.run(job, handle)
    return new Promise((resolve, reject) => this.#send(crew, { job, handle, resolve, reject }))
  }

  setConcurrentCompactors(count: number): void {
    this.#config = { ...this.#config, concurrentCompactors: count }
    this.#inline?.setConcurrentCompactors(count)
    this.#configure(this.#crew)
  }

  setCompactionThroughput(bytesPerSecond: number): void {
    this.#config = { ...this.#config, compactionThroughputBytes: bytesPerSecond }
    this.#inline?.setCompactionThroughput(bytesPerSecond)
    this.#configure(this.#crew)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const crew = this.#crew
    if (crew !== null) {
      // Whoever waits for the end waits for the flushes, even where nothing else keeps the process.
      crew.thread.keepProcessAlive(true)
      for (const { job, handle } of crew.jobs.values()) if (job.kind === 'compaction') handle.stop()
      if (crew.jobs.size > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve))
      await this.#dismiss(crew)
    }
    await this.#inline?.close()
  }

  /** Starts a thread; null where there can be none, and then there is an inline runner. */
  #start(): Crew | null {
    try {
      const thread = this.#ports.workers.start({
        onMessage: (message) => this.#onReply(crew, message as TaskReply),
        onExit: (error) => this.#onExit(crew, error),
      })
      const crew: Crew = { thread, jobs: new Map(), isReady: false, idle: null }
      this.#crew = crew
      this.#configure(crew)
      return crew
    } catch (error) {
      this.#goInline(error instanceof Error ? error.message : String(error))
      return null
    }
  }

  #goInline(reason: string): TaskRunner {
    if (this.#inline === null) {
      this.#ports.logger?.info(
        `No worker thread for flushes and compactions, they run on the event loop: ${reason}`,
      )
      this.#inline = this.#ports.makeInline(this.#config)
    }
    return this.#inline
  }

  #configure(crew: Crew | null): void {
    const request: TaskRequest = { kind: 'configure', config: this.#config }
    crew?.thread.post(request)
  }

  #send(crew: Crew, sent: SentJob): void {
    const id = ++this.#lastId
    const { job, handle } = sent
    const run: TaskRequest = { kind: 'run', id, job, progress: handle.progress }
    this.#rest(crew)
    // What cannot be sent throws here, which rejects the promise.
    crew.thread.post(run)
    if (crew.idle !== null) this.#ports.timers.clearTimeout(crew.idle)
    crew.idle = null
    crew.jobs.set(id, sent)
    // Whoever waits for a flush may wait for nothing else: a start whose replay needs memory.
    if (job.kind === 'flush') crew.thread.keepProcessAlive(true)
    const stop: TaskRequest = { kind: 'stop', id }
    handle.onStop(() => crew.thread.post(stop))
  }

  #onReply(crew: Crew, reply: TaskReply): void {
    if (reply.kind === 'ready') {
      crew.isReady = true
      return
    }
    const sent = crew.jobs.get(reply.id)
    if (sent === undefined) return
    crew.jobs.delete(reply.id)
    sent.handle.onStop(null)
    if (reply.kind === 'done') sent.resolve(reply.written)
    else sent.reject(receiveError(reply.error))
    const isFlushing = [...crew.jobs.values()].some((other) => other.job.kind === 'flush')
    if (!isFlushing && !this.#isClosed) crew.thread.keepProcessAlive(false)
    this.#rest(crew)
    if (crew.jobs.size === 0) this.#onDrained?.()
  }

  /** Ends a thread that has nothing to do, unless there is something to do soon. */
  #rest(crew: Crew): void {
    if (crew.jobs.size > 0 || crew.idle !== null) return
    crew.idle = this.#ports.timers.setTimeout(() => void this.#dismiss(crew), IDLE_MS, { unref: true })
  }

  #dismiss(crew: Crew): Promise<void> {
    if (crew.idle !== null) this.#ports.timers.clearTimeout(crew.idle)
    crew.idle = null
    if (this.#crew === crew) this.#crew = null
    return crew.thread.terminate()
  }

  #onExit(crew: Crew, error: Error | null): void {
    if (crew.idle !== null) this.#ports.timers.clearTimeout(crew.idle)
    if (this.#crew === crew) this.#crew = null
    const jobs = [...crew.jobs.values()]
    crew.jobs.clear()
    const reason = error === null ? 'it ended' : error.message
    for (const { job, handle, resolve, reject } of jobs) {
      handle.onStop(null)
      if (crew.isReady)
        reject(new TaskLostError(`The worker thread of flushes and compactions died: ${reason}`))
      // It never came to work, and another one would not either.
      else this.#goInline(reason).run(job, handle).then(resolve, reject)
    }
    if (jobs.length > 0) this.#onDrained?.()
  }
}
