import type { Logger } from '../../common/logger.ts'
import type { Clock } from '../../io/clock.ts'
import type { Timers } from '../../io/timers.ts'

/** What has something to do at the end of a turn. */
export interface TurnTask {
  endOfTurn(): void
}

/**
 * One turn of the event loop: what the messages of a turn cause is gathered, and done at its end. One look at the clock
 * serves for the turn, too.
 */
export class Turn {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #logger: Logger
  #tasks: TurnTask[] = []
  #isScheduled = false
  #nowMs = 0
  readonly #run = (): void => this.#finish()

  constructor(clock: Clock, timers: Timers, logger: Logger) {
    this.#clock = clock
    this.#timers = timers
    this.#logger = logger
  }

  /** Monotonic milliseconds as of the beginning of this turn, or of the last look in it. */
  nowMs(): number {
    return this.#isScheduled ? this.#nowMs : this.#schedule()
  }

  /** Looks at the clock. */
  look(): number {
    if (!this.#isScheduled) return this.#schedule()
    return (this.#nowMs = this.#clock.monotonicMs())
  }

  /** `task` runs at the end of this turn, or of the next one if this is the end. It asks once a turn. */
  add(task: TurnTask): void {
    if (!this.#isScheduled) this.#schedule()
    this.#tasks.push(task)
  }

  #schedule(): number {
    this.#isScheduled = true
    this.#timers.setImmediate(this.#run)
    return (this.#nowMs = this.#clock.monotonicMs())
  }

  #finish(): void {
    const tasks = this.#tasks
    this.#tasks = []
    // What the tasks add to belongs to this turn still, if it stands behind them.
    for (let i = 0; i < tasks.length; i++) {
      try {
        tasks[i]!.endOfTurn()
      } catch (error) {
        this.#logger.error(`Internode messaging: ${describe(error)}`)
      }
    }
    this.#isScheduled = false
    if (this.#tasks.length > 0) this.#schedule()
  }
}

/** An error for the log. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
