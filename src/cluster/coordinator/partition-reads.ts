import { ConsistencyLevel, ReadTimeoutError } from '../../common/errors.ts'
import type { DecoratedKey } from '../../model/read-command.ts'
import { Expiring, TimerWheel } from '../messaging/timer-wheel.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { isDataCenterLocal, satisfies } from './level.ts'
import { timeoutText } from './level-failure.ts'
import type { Piece } from './piece.ts'
import type { KeyspacePlans } from './plan-cache.ts'
import { ReadAttempt, type ReadSetting, type ReadTask } from './read-attempt.ts'
import { firstUncontacted } from './read-plan.ts'
import type { ReadRepairs } from './read-repairs.ts'
import type { Replicas, TokenReadPlan } from './replica-plan.ts'
import { ResponseMerge } from './response-merge.ts'
import { ResponseReader } from './response-reader.ts'
import type { SpeculationThresholds } from './speculation.ts'

/** A read that asks another replica when it is not answered by then. */
class Impatience extends Expiring {
  readonly #attempt: ReadAttempt
  readonly #candidates: Replicas

  constructor(deadlineMs: number, attempt: ReadAttempt, candidates: Replicas) {
    super(deadlineMs)
    this.#attempt = attempt
    this.#candidates = candidates
  }

  expire(): void {
    const { contacts, isDecided } = this.#attempt
    if (isDecided) return
    const another = firstUncontacted({ candidates: this.#candidates, contacts })
    if (another !== null) this.#attempt.askAlso(another)
  }
}

/**
 * Reads of partitions: data of one replica and digests of others, and where these differ data of all, whose differences are
 * repaired before the rows are given (`StorageProxy.fetchRows`).
 */
export class PartitionReads {
  readonly #parts: CoordinatorParts
  readonly #setting: ReadSetting
  readonly #repairs: ReadRepairs
  readonly #thresholds: SpeculationThresholds
  readonly #wheel: TimerWheel

  constructor(
    parts: CoordinatorParts,
    setting: ReadSetting,
    repairs: ReadRepairs,
    thresholds: SpeculationThresholds,
  ) {
    this.#parts = parts
    this.#setting = setting
    this.#repairs = repairs
    this.#thresholds = thresholds
    this.#wheel = new TimerWheel(parts.clock, parts.timers)
  }

  /** The plan for a command of one key. Throws an UnavailableError. */
  plan(plans: KeyspacePlans, { command, level }: Pick<ReadTask, 'command' | 'level'>): TokenReadPlan {
    const { table, keys } = command
    const { tokenHi, tokenLo } = keys![0]!
    const speculation = this.#thresholds.speculation(table, this.#parts.clock.monotonicMs())
    return plans.read(level, tokenHi, tokenLo, speculation)
  }

  /** Reads one key. Rejects with a ReadTimeoutError, a ReadFailureError or an UnavailableError. */
  async read(plans: KeyspacePlans, plan: TokenReadPlan, task: ReadTask): Promise<Piece> {
    const setting = this.#setting
    const attempt = new ReadAttempt(setting, task, plan.blockFor, plan.contacts.length)
    attempt.start(plan.contacts, plan.dataContacts.length)
    const impatience = plan.speculates ? this.#watch(attempt, plan, task) : null
    try {
      await attempt.done
    } finally {
      if (impatience !== null) this.#wheel.remove(impatience)
    }
    if (attempt.responsesMatch()) return new ResponseReader(attempt.data(), task.command.reversed)
    const { command, trace } = task
    if (trace !== null) trace.note(`Digest mismatch: Mismatch for key ${keyText(command.keys![0]!)}`)
    return this.#readAll(setting, plans, plan, attempt.contacts, task)
  }

  #watch(attempt: ReadAttempt, { candidates }: TokenReadPlan, task: ReadTask): Impatience | null {
    if (attempt.isDecided) return null
    const now = this.#parts.clock.monotonicMs()
    const delayMs = this.#thresholds.delayMs(task.command.table, now)
    if (delayMs > this.#parts.timeouts.read_request_timeout_ms || now + delayMs > task.deadlineMs) return null
    const impatience = new Impatience(now + delayMs, attempt, candidates)
    this.#wheel.add(impatience)
    return impatience
  }

  /** The digests differ: data of all that were asked (`AbstractReadRepair.startRepair`). */
  async #readAll(
    setting: ReadSetting,
    plans: KeyspacePlans,
    plan: TokenReadPlan,
    contacts: Replicas,
    task: ReadTask,
  ): Promise<Piece> {
    const attempt = new ReadAttempt(setting, task, plan.blockFor, contacts.length)
    attempt.start(contacts, contacts.length)
    const impatience = this.#speculatesRepair(plans, task) ? this.#watch(attempt, plan, task) : null
    try {
      await attempt.done
    } catch (error) {
      if (!(error instanceof ReadTimeoutError)) throw error
      const { blockFor } = plan
      throw new ReadTimeoutError(timeoutText(blockFor - 1), task.level, blockFor - 1, blockFor, true)
    } finally {
      if (impatience !== null) this.#wheel.remove(impatience)
    }
    return this.resolve(plans, attempt, task)
  }

  #speculatesRepair({ view }: KeyspacePlans, { level }: ReadTask): boolean {
    if (level === ConsistencyLevel.EACH_QUORUM) return false
    const quorum = isDataCenterLocal(level) ? ConsistencyLevel.LOCAL_QUORUM : ConsistencyLevel.QUORUM
    return satisfies(level, quorum, view)
  }

  /** Merges data of several replicas, whose differences are repaired before (`DataResolver`). */
  async resolve(plans: KeyspacePlans, attempt: ReadAttempt, task: ReadTask): Promise<Piece> {
    const { command } = task
    const answers = attempt.dataAnswers()
    const isSame = answers.every(({ bytes }) => Buffer.compare(bytes, answers[0]!.bytes) === 0)
    if (isSame) return new ResponseReader(attempt.data(), command.reversed)
    const merge = new ResponseMerge(
      command,
      answers.map(({ bytes }) => attempt.response(bytes)),
    )
    if (command.table.params.readRepair !== 'NONE') {
      await this.#repairs.repair(plans.view, attempt, task, answers, merge.end)
    }
    return merge
  }
}

/** `DecoratedKey.toString`. */
function keyText({ key, tokenHi, tokenLo }: DecoratedKey): string {
  const token = (BigInt(tokenHi) << 32n) | BigInt(tokenLo >>> 0)
  return `DecoratedKey(${token}, ${Buffer.from(key).toString('hex')})`
}
