import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import type { Words } from '../../model/row-format.ts'
import type { CommitWaiter } from '../replica/local-commits.ts'
import { MutationDecoder, MutationEncoder } from '../replica/mutation-message.ts'
import type { ResponseEnd } from '../replica/read-response.ts'
import { applyHere } from '../replica/replica-metrics.ts'
import type { RingNode } from '../ring/ring.ts'
import { noteApplying, type Trace } from '../traces.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import type { Answer, ReadAttempt, ReadTask } from './read-attempt.ts'
import { repairsOf } from './read-repair.ts'
import { RepairOperation, type RepairSetting } from './repair-operation.ts'
import { includesNode, type PlanView, sameNode } from './replica-plan.ts'
import { planReadRepairWrite } from './write-plan.ts'

/** What replicas lack of one partition. */
interface PartitionRepair {
  readonly tokenHi: number
  readonly tokenLo: number
  readonly repairs: Map<RingNode, Uint8Array>
  /** Its updates for all of them together. */
  readonly all: MutationBuilder
}

/** Milliseconds after which a repair that is not acknowledged is sent to others, too. */
export type RepairPatience = (table: ReadTask['command']['table']) => number

/** Brings replicas that answered differently to the same rows (`BlockingReadRepair`). */
export class ReadRepairs {
  readonly #parts: CoordinatorParts
  readonly #encoder = new MutationEncoder()
  readonly #decoder = new MutationDecoder()
  readonly #patience: RepairPatience

  constructor(parts: CoordinatorParts, patience: RepairPatience) {
    this.#parts = parts
    this.#patience = patience
  }

  /**
   * Writes to replicas what they lack of what all have together, up to `end`, and waits for as many as the level needs. Rejects
   * with a ReadTimeoutError, or an UnavailableError.
   */
  async repair(
    view: PlanView,
    attempt: ReadAttempt,
    task: ReadTask,
    answers: readonly Answer[],
    end: ResponseEnd | null,
  ): Promise<void> {
    const partitions = this.#differences(attempt, task, answers, end)
    if (partitions.size === 0) return
    const readFrom = answers.map(({ node }) => node)
    const operations = [...partitions.values()].map((partition) =>
      this.#send(view, task, partition, readFrom),
    )
    for (const { done } of operations) done.catch(() => undefined)
    for (const { done } of operations) await done
  }

  #differences(
    attempt: ReadAttempt,
    { command }: ReadTask,
    answers: readonly Answer[],
    end: ResponseEnd | null,
  ): Map<string, PartitionRepair> {
    const found = new Map<string, PartitionRepair>()
    for (const { node, bytes } of answers) {
      const all = answers.map((answer) => attempt.response(answer.bytes))
      for (const mutation of repairsOf(command, all, attempt.response(bytes), end)) {
        const at = updatesAt(mutation)
        const key = keyText(mutation, at[0]!)
        let partition = found.get(key)
        if (partition === undefined) {
          const [tokenHi, tokenLo] = [mutation.i32[at[0]! + 2]!, mutation.i32[at[0]! + 3]!]
          partition = { tokenHi, tokenLo, repairs: new Map(), all: new MutationBuilder(1 << 10) }
          partition.all.begin()
          found.set(key, partition)
        }
        for (const update of at) partition.all.copyUpdate(mutation, update)
        partition.repairs.set(node, this.#encoder.encode(mutation, at, () => command.table).slice())
      }
    }
    return found
  }

  #send(
    view: PlanView,
    task: ReadTask,
    { tokenHi, tokenLo, repairs, all }: PartitionRepair,
    readFrom: readonly RingNode[],
  ): RepairOperation {
    const { clock, timers } = this.#parts
    const { table } = task.command
    const plan = planReadRepairWrite(view, task.level, tokenHi, tokenLo, readFrom)
    all.finish()
    const everything = this.#encoder.encode(all, updatesAt(all), () => table).slice()
    const sent = new Map<RingNode, Uint8Array>()
    for (const node of plan.contacts) {
      const own = [...repairs].find(([other]) => sameNode(other, node))?.[1]
      if (own !== undefined) sent.set(node, own)
      // Who was not asked may lack all of it.
      else if (!includesNode(readFrom, node)) sent.set(node, everything)
    }
    const leftMs = task.deadlineMs - clock.monotonicMs()
    const operation = new RepairOperation(this.#setting(task.trace), plan, task.level, leftMs)
    operation.send(sent)
    const patienceMs = this.#patience(table)
    const others = plan.live.filter(
      (node) =>
        !includesNode(plan.contacts, node) &&
        (plan.countedDataCenter === null || node.dataCenter === plan.countedDataCenter),
    )
    if (!operation.isDone && others.length > 0 && patienceMs < leftMs) {
      timers.setTimeout(() => {
        if (!operation.isDone) operation.sendAlso(others, everything)
      }, patienceMs)
    }
    return operation
  }

  #setting(trace: Trace | null): RepairSetting {
    const { messaging, timers, view, commits, schema, engine, logger } = this.#parts
    return {
      messaging,
      timers,
      localNode: view.localNode,
      trace,
      applyHere: (payload: Uint8Array, waiter: CommitWaiter) => {
        try {
          const words = new Int32Array(payload.slice().buffer)
          const mutation = this.#decoder.decode(words, (id) => schema.tableById(id))
          if (trace !== null) noteApplying(trace, engine, mutation)
          applyHere(this.#parts, mutation)
        } catch (error) {
          logger.error(`A read repair failed: ${error instanceof Error ? error.message : String(error)}`)
          waiter.commitFailed(error)
          return
        }
        commits.add(waiter, false)
      },
    }
  }
}

function keyText({ i32, u8 }: Words, update: number): string {
  const from = (update + 5) << 2
  return Buffer.from(u8.buffer, u8.byteOffset + from, i32[update + 4]!).toString('latin1')
}
