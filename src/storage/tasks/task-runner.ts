import type { Disk } from '../../io/disk.ts'
import type { StorageJob, StorageTask, WrittenSSTable } from './storage-task.ts'

/** Begins a job. May throw what `StorageTask.step` throws; nothing has to be aborted then. */
export type CreateTask = (disk: Disk, job: StorageJob) => StorageTask

/** Does the long work of the storage engine, in a worker thread or between other work on the event loop. */
export interface TaskRunner {
  /**
   * Runs a job to its end and resolves with the SSTables that were written. Flushes go before compactions, in the order
   * in which they came. Rejects with what the job threw (a DiskError with its code, a CorruptSSTableError with path and
   * offset), with a TaskStoppedError after a stop, and with a TaskLostError when the thread died.
   */
  run(job: StorageJob, handle?: TaskHandle): Promise<readonly WrittenSSTable[]>
  /** How many compactions take turns (`concurrent_compactors`); others wait. */
  setConcurrentCompactors(count: number): void
  /** Bytes on disk that all compactions together read in a second (`compaction_throughput`); 0 is without limit. */
  setCompactionThroughput(bytesPerSecond: number): void
  /** Stops compactions, lets flushes come to their end, and takes nothing more. */
  close(): Promise<void>
}

/** Settings of a runner, by cassandra.yaml's names. */
export interface TaskRunnerConfig {
  /** concurrent_compactors. */
  readonly concurrentCompactors: number
  /** compaction_throughput in bytes per second; 0 is without limit. */
  readonly compactionThroughputBytes: number
}

/** The job was stopped before its end (`CompactionInterruptedException`). */
export class TaskStoppedError extends Error {
  constructor(message: string = 'The task was stopped') {
    super(message)
    this.name = 'TaskStoppedError'
  }
}

/** The thread that ran the job died before its end; what the job has written is for its transaction log to remove. */
export class TaskLostError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TaskLostError'
  }
}

const COMPLETED = 0
const TOTAL = 1

/**
 * What is seen of a job from outside, and how it is stopped (`CompactionInfo.Holder`). The figures lie in shared memory,
 * so that they cost the event loop nothing while another thread counts.
 */
export class TaskHandle {
  readonly progress: SharedArrayBuffer
  readonly #figures: Float64Array
  #isStopped = false
  #onStop: (() => void) | null = null

  constructor(progress: SharedArrayBuffer = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT)) {
    this.progress = progress
    this.#figures = new Float64Array(progress)
  }

  /** See StorageTask. 0 before the job has begun. */
  get completedBytes(): number {
    return this.#figures[COMPLETED]!
  }

  /** See StorageTask. 0 before the job has begun. */
  get totalBytes(): number {
    return this.#figures[TOTAL]!
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Stops the job soon, if it has not ended; its `run` rejects with a TaskStoppedError. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#onStop?.()
  }

  /** For the runner: where the job is. */
  report(completedBytes: number, totalBytes: number): void {
    this.#figures[COMPLETED] = completedBytes
    this.#figures[TOTAL] = totalBytes
  }

  /** For the runner: what to do on a stop; null when the job has ended. */
  onStop(stop: (() => void) | null): void {
    this.#onStop = stop
  }
}
