import type { ConsistencyLevel } from '../../common/errors.ts'
import { MutationBuilder } from '../../model/mutation.ts'
import { Verb } from '../messaging/index.ts'
import type { Batch, Batchlog } from './batchlog.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { blockFor } from './level.ts'
import type { PlanCache } from './plan-cache.ts'
import { sameNode, type WriteReplicaPlan } from './replica-plan.ts'
import { BatchlogCallback, BatchlogCleanup, WriteCallback } from './write-callback.ts'
import { WriteOperation, type WriteRequest, type WriteSetting } from './write-operation.ts'
import { planBatchlogWrite } from './write-plan-batchlog.ts'
import { allDone, type PlannedWrite, started, type Writes } from './writes.ts'

/** A mutation that goes on when the batchlog has it. */
interface Kept extends PlannedWrite {
  readonly payload: Uint8Array
}

/**
 * Logged batches (`StorageProxy.mutateAtomically`): kept by two nodes of this data centre before anything of them is written, and
 * forgotten when all of it is where it belongs.
 */
export class BatchWrites {
  readonly #parts: CoordinatorParts
  readonly #plans: PlanCache
  readonly #writes: Writes
  readonly #batchlog: Batchlog
  readonly #newId: () => Uint8Array

  /** @param newId gives time-based UUIDs */
  constructor(
    parts: CoordinatorParts,
    plans: PlanCache,
    writes: Writes,
    batchlog: Batchlog,
    newId: () => Uint8Array,
  ) {
    this.#parts = parts
    this.#plans = plans
    this.#writes = writes
    this.#batchlog = batchlog
    this.#newId = newId
  }

  /** Throws an UnavailableError before anything is written. */
  write(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void> {
    mutation.finish()
    const planned = this.#writes.plan(mutation, level)
    const { view, random, clock } = this.#parts
    const isAlive = view.isAlive.bind(view)
    const { prefersLocalRack } = this.#batchlog
    const batchlogView = { ring: view.ring(), localNode: view.localNode, isAlive, prefersLocalRack }
    const keepers = planBatchlogWrite(batchlogView, level === 0, random)
    const kept = planned.map((write): Kept => {
      return { ...write, payload: this.#writes.encode(mutation, write.partition).slice() }
    })
    const batch: Batch = {
      id: this.#newId(),
      createdMicros: clock.nowMicros(),
      mutations: kept.map(({ payload }) => payload),
    }
    const own = new MutationBuilder(1 << 10)
    own.begin()
    for (const { partition } of planned) for (const at of partition.updates) own.copyUpdate(mutation, at)
    own.finish()
    return this.#writeKept(own, kept, level, batch, keepers)
  }

  async #writeKept(
    mutation: MutationBuilder,
    kept: readonly Kept[],
    level: ConsistencyLevel,
    batch: Batch,
    keepers: WriteReplicaPlan,
  ): Promise<void> {
    const setting = this.#writes.setting()
    await this.#store(batch, keepers, setting)
    const cleanup = new BatchlogCleanup(kept.length)
    const request: WriteRequest = { ...this.#request('BATCH'), hintsFailures: true }
    const operations = started(kept, ({ plan, partition, payload, isHere }) => {
      const { view } = this.#plans.of(partition.keyspace)
      const counter = new BatchlogCallback(new WriteCallback(plan), blockFor(level, view), cleanup)
      const forgetting = {
        onResponse: (from: Parameters<BatchlogCallback['onResponse']>[0]) => {
          const outcome = counter.onResponse(from)
          if (counter.mayRemove) this.#forget(batch.id, keepers)
          return outcome
        },
        onHint: () => {
          const outcome = counter.onHint()
          if (counter.mayRemove) this.#forget(batch.id, keepers)
          return outcome
        },
        onFailure: counter.onFailure.bind(counter),
        onTimeout: counter.onTimeout.bind(counter),
      }
      const operation = new WriteOperation(setting, plan, forgetting, request)
      operation.send(Verb.MUTATION_REQ, payload, isHere)
      return operation
    })
    // The updates were copied in the order of the partitions.
    let at = 2
    const placed = kept.map((write) => {
      const updates = write.partition.updates.map(() => {
        const here = at
        at += mutation.i32[at]! >>> 2
        return here
      })
      return { ...write, partition: { ...write.partition, updates } }
    })
    this.#writes.applyHere(mutation, placed, operations, setting.trace)
    await allDone(operations)
  }

  #request(writeType: WriteRequest['writeType']): WriteRequest {
    const { write_request_timeout_ms: timeoutMs } = this.#parts.timeouts
    return { writeType, timeoutMs, hintsFailures: false }
  }

  /** `StorageProxy.syncWriteToBatchlog`. */
  #store(batch: Batch, keepers: WriteReplicaPlan, setting: WriteSetting): Promise<void> {
    const { view, commits } = this.#parts
    const operation = new WriteOperation(
      { ...setting, hints: null },
      keepers,
      new WriteCallback(keepers),
      this.#request('BATCH_LOG'),
    )
    const isHere = keepers.contacts.some((node) => sameNode(node, view.localNode))
    operation.send(Verb.BATCH_STORE_REQ, this.#batchlog.encode(batch), isHere)
    if (isHere) {
      try {
        this.#batchlog.store(batch)
        commits.add(operation, false)
      } catch (error) {
        operation.commitFailed(error)
      }
    }
    return operation.done
  }

  /** Nobody waits for it (`StorageProxy.asyncRemoveFromBatchlog`). */
  #forget(id: Uint8Array, keepers: WriteReplicaPlan): void {
    const { messaging, view, logger } = this.#parts
    for (const node of keepers.contacts) {
      if (!sameNode(node, view.localNode)) {
        messaging.send(node.endpoint, Verb.BATCH_REMOVE_REQ, id)
        continue
      }
      try {
        this.#batchlog.remove(id)
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        logger.error(`A batch can't be removed from the batchlog: ${text}`)
      }
    }
  }
}
