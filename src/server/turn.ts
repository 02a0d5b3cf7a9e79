import type { Clock } from '../io/clock.ts'
import type { Timers } from '../io/timers.ts'
import type { TransportLogger } from './logger.ts'

/** How a share ended: nothing to do, more in this turn if there is time, more but not before the next turn. */
export type Share = 'done' | 'more' | 'nextTurn'

/** What a turn needs of a connection. */
export interface TurnConnection {
  /** Since when what has been received waits to be handled. */
  readonly receivedMs: number
  /** Handles requests that have been received. */
  processShare(deadlineMs: number): Share
  /** The responses gathered so far; null when there are none. */
  takeOutput(): Buffer | null
  /** Queues output; it is sent once `release` is called on what this returns. */
  holdOutput(bytes: Buffer): HeldOutput
  sendHeld(): void
  /** What was written cannot be acknowledged: the connection ends without its answers. */
  abort(): void
}

/** Responses that wait for the commit log. */
export interface HeldOutput {
  readonly bytes: Buffer
  isReleased: boolean
}

/** How long requests are handled in one turn of the event loop. */
const TURN_MS = 5

interface Held {
  readonly connection: TurnConnection
  readonly output: HeldOutput
}

/**
 * One turn of the event loop, shared by all connections of a server: requests are handled as they come in, their
 * responses gathered; at the end the commit log is written once and each connection's responses go out in one piece.
 * Connections that have more to do than their share go on in the next turn, one after the other.
 */
export class Turn {
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly commit: () => Promise<void> | null
  private readonly logger: TransportLogger
  private isScheduled = false
  /** When this turn's time is over; 0 outside of one. */
  private deadlineMs = 0
  /** When the loop found what came in this turn. All of it was there by then, however late it is handled. */
  startedMs = 0
  /** The clock as it was looked at last. */
  lookedMs = 0
  private dirty: TurnConnection[] = []
  /** Connections with requests left. */
  private waiting: TurnConnection[] = []
  private readonly run: () => void

  constructor(clock: Clock, timers: Timers, commit: () => Promise<void> | null, logger: TransportLogger) {
    this.clock = clock
    this.timers = timers
    this.commit = commit
    this.logger = logger
    this.run = () => this.finish()
  }

  /** The time up to which requests may be handled now; starts a turn if there is none. */
  begin(): number {
    const now = this.nowMs()
    if (this.deadlineMs === 0) {
      this.startedMs = now
      this.deadlineMs = now + TURN_MS
    }
    this.schedule()
    return this.deadlineMs
  }

  nowMs(): number {
    this.lookedMs = this.clock.monotonicMs()
    return this.lookedMs
  }

  /** How long the oldest request that waits has waited, in milliseconds (`oldestTaskQueueTime`). */
  oldestWaitMs(): number {
    let oldest = this.lookedMs
    for (const { receivedMs } of this.waiting) oldest = Math.min(oldest, receivedMs)
    return this.lookedMs - oldest
  }

  /** `connection` has output; it asks once a turn. */
  addOutput(connection: TurnConnection): void {
    this.dirty.push(connection)
    this.schedule()
  }

  /** `connection` has requests left for the next turn. */
  addWaiting(connection: TurnConnection): void {
    this.waiting.push(connection)
    this.schedule()
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.timers.setImmediate(this.run)
  }

  private finish(): void {
    this.isScheduled = false
    if (this.waiting.length > 0) this.processWaiting()
    this.deadlineMs = 0
    this.flush()
  }

  /** A share for each waiting connection, round and round until the time is over. */
  private processWaiting(): void {
    let now = this.nowMs()
    const deadline = now + TURN_MS
    const nextTurn: TurnConnection[] = []
    while (this.waiting.length > 0 && now < deadline) {
      const round = this.waiting
      this.waiting = []
      for (let i = 0; i < round.length; i++) {
        if (now >= deadline) {
          this.waiting.push(...round.slice(i))
          break
        }
        const share = round[i].processShare(deadline)
        if (share === 'more') this.waiting.push(round[i])
        else if (share === 'nextTurn') nextTurn.push(round[i])
        now = this.nowMs()
      }
    }
    this.waiting.push(...nextTurn)
    if (this.waiting.length > 0) this.schedule()
  }

  private flush(): void {
    let committed: Promise<void> | null
    try {
      committed = this.commit()
    } catch (error) {
      const failed = this.dirty
      this.dirty = []
      this.commitFailed(failed, error)
      return
    }
    const { dirty } = this
    if (dirty.length === 0) {
      if (committed !== null) committed.catch((error: unknown) => this.commitFailed([], error))
      return
    }
    this.dirty = []
    const held: Held[] = []
    for (const connection of dirty) {
      const bytes = connection.takeOutput()
      if (bytes !== null) held.push({ connection, output: connection.holdOutput(bytes) })
    }
    if (committed === null) {
      release(held)
      return
    }
    committed.then(
      () => release(held),
      (error: unknown) =>
        this.commitFailed(
          held.map(({ connection }) => connection),
          error,
        ),
    )
  }

  private commitFailed(connections: readonly TurnConnection[], error: unknown): void {
    this.logger.error(
      `The commit log failed, ${connections.length} connections are closed unacknowledged: ${describe(error)}`,
    )
    for (const connection of connections) connection.abort()
  }
}

function release(held: readonly Held[]): void {
  for (const { connection, output } of held) {
    output.isReleased = true
    connection.sendHeld()
  }
}

/** An error for the log. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
