/** What readers of several partitions ask for, and how much at once. */

import type { ReadCommand } from '../../model/read-command.ts'
import type { PartitionReads } from './partition-reads.ts'
import type { Piece } from './piece.ts'
import type { PieceSource } from './pieced-reader.ts'
import type { KeyspacePlans } from './plan-cache.ts'
import { ReadAttempt, type ReadSetting, type ReadTask } from './read-attempt.ts'
import type { RangeReadPlans } from './read-plan-range.ts'
import type { RangeReadPlan, TokenReadPlan } from './replica-plan.ts'

/** A command that has been asked for before its piece is wanted. */
interface Asked {
  readonly command: ReadCommand
  readonly piece: Promise<Piece>
}

function asked(command: ReadCommand, piece: Promise<Piece>): Asked {
  // It may be that nobody comes to want it.
  piece.catch(() => undefined)
  return { command, piece }
}

/** Keys, all of which are asked for at once (`StorageProxy.fetchRows`). */
export class KeySource implements PieceSource {
  readonly #reads: PartitionReads
  readonly #plans: KeyspacePlans
  readonly #task: ReadTask
  readonly #commands: readonly ReadCommand[]
  readonly #tokenPlans: readonly TokenReadPlan[]
  /** Where there are several. */
  #asked: Map<ReadCommand, Promise<Piece>> | null = null
  #next = 0
  rowsGiven = 0

  /** @param tokenPlans of the commands, each of one key */
  constructor(
    reads: PartitionReads,
    plans: KeyspacePlans,
    task: ReadTask,
    commands: readonly ReadCommand[],
    tokenPlans: readonly TokenReadPlan[],
  ) {
    this.#reads = reads
    this.#plans = plans
    this.#task = task
    this.#commands = commands
    this.#tokenPlans = tokenPlans
  }

  next(): ReadCommand | null {
    return this.#commands[this.#next++] ?? null
  }

  ask(command: ReadCommand): Promise<Piece> {
    if (this.#asked === null && this.#commands.length > 1) this.#askAll()
    const piece = this.#asked?.get(command)
    if (piece !== undefined) return piece
    // One key alone, or what is left of one.
    if (command === this.#task.command) {
      return this.#reads.read(this.#plans, this.#tokenPlans[0]!, this.#task)
    }
    const task = { ...this.#task, command }
    return this.#reads.read(this.#plans, this.#reads.plan(this.#plans, task), task)
  }

  #askAll(): void {
    const all = new Map<ReadCommand, Promise<Piece>>()
    this.#asked = all
    this.#commands.forEach((command, i) => {
      const task = { ...this.#task, command }
      const { piece } = asked(command, this.#reads.read(this.#plans, this.#tokenPlans[i]!, task))
      all.set(command, piece)
    })
  }
}

/** Pieces of a range that are asked for at once at most, for each core (`MAX_CONCURRENT_RANGE_REQUESTS`). */
const MAX_CONCURRENT_RANGES = 32
/** So much less than was estimated is counted on (`CONCURRENT_SUBREQUESTS_MARGIN`). */
const MARGIN = 0.1

/**
 * How many ranges are asked for next, given how many rows those before have brought
 * (`RangeCommandIterator.computeConcurrencyFactor`).
 */
export function concurrencyFactor(
  rangeCount: number,
  rangesQueried: number,
  most: number,
  limit: number,
  liveReturned: number,
): number {
  const left = Math.max(1, Math.min(most, rangeCount - rangesQueried))
  if (liveReturned === 0) return left
  const rowsPerRange = Math.fround(Math.fround(liveReturned) / Math.fround(rangesQueried))
  return Math.max(1, Math.min(left, Math.round((limit - liveReturned) / rowsPerRange)))
}

/** How many are asked for at first, given an estimate of the rows in each (`RangeCommands.rangeCommandIterator`). */
export function firstConcurrencyFactor(most: number, limit: number, rowsPerRange: number): number {
  const expected = rowsPerRange - rowsPerRange * MARGIN
  if (expected === 0) return 1
  return Math.max(1, Math.min(most, Math.ceil(limit / expected)))
}

/** A range along the ring, of which several pieces are asked for at once (`RangeCommandIterator`). */
export class RangeSource implements PieceSource {
  readonly #reads: PartitionReads
  readonly #plans: KeyspacePlans
  readonly #task: ReadTask
  readonly #setting: ReadSetting
  readonly #ranges: RangeReadPlans
  readonly #most: number
  /** Made before it was wanted. */
  #peeked: RangeReadPlan | null
  #asked: (Asked & { readonly plan: RangeReadPlan })[] = []
  /** Who has what is at hand, of which something may be left. */
  #current: RangeReadPlan | null = null
  #factor: number
  #queried = 0
  rowsGiven = 0
  #isFirst = true

  /**
   * @param first what `ranges` gave first
   * @param rowsPerRange an estimate
   */
  constructor(
    reads: PartitionReads,
    plans: KeyspacePlans,
    task: ReadTask,
    setting: ReadSetting,
    ranges: RangeReadPlans,
    first: RangeReadPlan | null,
    rowsPerRange: number,
  ) {
    this.#reads = reads
    this.#plans = plans
    this.#task = task
    this.#setting = setting
    this.#ranges = ranges
    this.#peeked = first
    this.#most = Math.min(ranges.pieceCount, MAX_CONCURRENT_RANGES)
    this.#factor = firstConcurrencyFactor(this.#most, task.limits.rows, rowsPerRange)
  }

  next(): ReadCommand | null {
    if (this.#asked.length === 0) this.#askNext()
    return this.#asked[0]?.command ?? null
  }

  /** Sends the next requests, as many as seem to be needed (`sendNextRequests`). */
  #askNext(): void {
    const { limits } = this.#task
    if (!this.#isFirst) {
      this.#factor = concurrencyFactor(
        this.#ranges.pieceCount,
        this.#queried,
        this.#most,
        limits.rows,
        this.rowsGiven,
      )
    }
    this.#isFirst = false
    for (let ranges = 0; ranges < this.#factor; ) {
      const plan = this.#peeked ?? this.#ranges.next()
      this.#peeked = null
      if (plan === null) return
      const command = { ...this.#task.command, range: plan.range }
      this.#asked.push({ ...asked(command, this.#read(plan, command)), plan })
      ranges += plan.vnodeCount
      this.#queried += plan.vnodeCount
    }
  }

  ask(command: ReadCommand): Promise<Piece> {
    const first = this.#asked[0]
    if (first?.command === command) {
      this.#asked.shift()
      this.#current = first.plan
      return first.piece
    }
    if (command.keys === null) return this.#read(this.#current!, command)
    // What is left of a partition.
    const task = { ...this.#task, command }
    return this.#reads.read(this.#plans, this.#reads.plan(this.#plans, task), task)
  }

  async #read(plan: RangeReadPlan, command: ReadCommand): Promise<Piece> {
    const task = { ...this.#task, command }
    const attempt = new ReadAttempt(this.#setting, task, plan.blockFor, plan.contacts.length)
    attempt.start(plan.contacts, plan.contacts.length)
    await attempt.done
    return this.#reads.resolve(this.#plans, attempt, task)
  }
}
