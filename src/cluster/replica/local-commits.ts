import type { Timers } from '../../io/timers.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'

/** Who waits for what it applied to be durable; exactly one of these is called. */
export interface CommitWaiter {
  committed(): void
  commitFailed(error: unknown): void
}

/**
 * Commits what was applied to this node's storage engine, one time for all that was applied in a turn of the event loop:
 * writes of this node's clients and writes of other nodes. Whoever commits tells all who wait, since the engine says only once
 * that the log failed.
 */
export class LocalCommits {
  readonly #engine: Pick<StorageEngine, 'commit'>
  readonly #timers: Timers
  #waiting: CommitWaiter[] = []
  #isScheduled = false
  #isSoon = false

  constructor(engine: Pick<StorageEngine, 'commit'>, timers: Timers) {
    this.#engine = engine
    this.#timers = timers
  }

  /**
   * `waiter` hears when what was applied until now is durable, never inside of this call. With `isSoon` that is when what runs
   * now has run, so that an answer goes out with this turn's; without, at the end of the turn.
   */
  add(waiter: CommitWaiter, isSoon: boolean): void {
    this.#waiting.push(waiter)
    if (isSoon) {
      if (this.#isSoon) return
      this.#isSoon = true
      void Promise.resolve().then(() => this.#run())
    } else if (!this.#isScheduled && !this.#isSoon) {
      this.#isScheduled = true
      this.#timers.setImmediate(() => this.#run())
    }
  }

  #run(): void {
    this.#isScheduled = false
    this.#isSoon = false
    if (this.#waiting.length === 0) return
    try {
      this.commit()?.catch(() => undefined)
    } catch {
      // Those who waited have been told.
    }
  }

  /** As `StorageEngine.commit`, for whoever ends a turn. */
  commit(): Promise<void> | null {
    const waiting = this.#waiting
    if (waiting.length > 0) this.#waiting = []
    let committed: Promise<void> | null
    try {
      committed = this.#engine.commit()
    } catch (error) {
      for (const waiter of waiting) waiter.commitFailed(error)
      throw error
    }
    if (committed === null) for (const waiter of waiting) waiter.committed()
    else if (waiting.length > 0) {
      committed.then(
        () => {
          for (const waiter of waiting) waiter.committed()
        },
        (error: unknown) => {
          for (const waiter of waiting) waiter.commitFailed(error)
        },
      )
    }
    return committed
  }
}
