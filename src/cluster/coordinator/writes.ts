import type { ConsistencyLevel, WriteType } from '../../common/errors.ts'
import { MutationBuilder } from '../../model/mutation.ts'
import { Verb } from '../messaging/index.ts'
import { MutationEncoder } from '../replica/mutation-message.ts'
import { applyHere } from '../replica/replica-metrics.ts'
import { currentTrace, noteApplying, type Trace } from '../traces.ts'
import type { HintSink } from './batchlog.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { type PartitionWrite, partitionsOf } from './partition-writes.ts'
import type { PlanCache } from './plan-cache.ts'
import { includesNode, type WriteReplicaPlan } from './replica-plan.ts'
import { WriteCallback } from './write-callback.ts'
import { WriteOperation, type WriteRequest, type WriteSetting } from './write-operation.ts'

/** A partition and who is written to. */
export interface PlannedWrite {
  readonly partition: PartitionWrite
  readonly plan: WriteReplicaPlan
  /** This node is one of the replicas. */
  readonly isHere: boolean
}

/** Writes of mutations to their replicas (`StorageProxy.mutate`). */
export class Writes {
  hints: HintSink | null = null
  readonly #parts: CoordinatorParts
  readonly #plans: PlanCache
  readonly #encoder = new MutationEncoder()
  readonly #local = new MutationBuilder(1 << 12)
  readonly #tableOf: CoordinatorParts['schema']['tableByHandle']

  constructor(parts: CoordinatorParts, plans: PlanCache) {
    this.#parts = parts
    this.#plans = plans
    this.#tableOf = (handle) => parts.schema.tableByHandle(handle)
  }

  /** What operations work with; this moment's hints and node, and the trace of the request of this turn. */
  setting(): WriteSetting {
    const { messaging, clock, timers, view, traces } = this.#parts
    const trace = currentTrace(traces)
    return { messaging, clock, timers, localNode: view.localNode, hints: this.hints, trace }
  }

  /** Makes the plans of a finished mutation's partitions. Throws an UnavailableError, or an OverloadedError. */
  plan(mutation: MutationBuilder, level: ConsistencyLevel): PlannedWrite[] {
    const { localNode } = this.#parts.view
    const planned: PlannedWrite[] = []
    for (const partition of partitionsOf(mutation, this.#tableOf)) {
      const plan = this.#plans.of(partition.keyspace).write(level, partition.tokenHi, partition.tokenLo)
      if (this.hints?.isOverloaded === true) for (const node of plan.contacts) this.hints.checkOverload(node)
      planned.push({ partition, plan, isHere: includesNode(plan.contacts, localNode) })
    }
    return planned
  }

  /** The bytes of a partition's write as in MUTATION_REQ, good until the next call. */
  encode(mutation: MutationBuilder, { updates }: PartitionWrite): Uint8Array {
    return this.#encoder.encode(mutation, updates, this.#tableOf)
  }

  /** See `Cluster.write`. */
  write(mutation: MutationBuilder, level: ConsistencyLevel, writeType: WriteType): Promise<void> | null {
    mutation.finish()
    const planned = this.plan(mutation, level)
    if (planned.every((write) => this.#isHereAlone(write))) return null
    const type = writeType === 'CAS' ? writeType : planned.length > 1 ? 'UNLOGGED_BATCH' : 'SIMPLE'
    const request: WriteRequest = {
      writeType: type,
      timeoutMs: this.#parts.timeouts.write_request_timeout_ms,
      hintsFailures: true,
    }
    const setting = this.setting()
    const operations = started(planned, ({ partition, plan, isHere }) => {
      const operation = new WriteOperation(setting, plan, new WriteCallback(plan), request)
      operation.send(Verb.MUTATION_REQ, this.encode(mutation, partition), isHere)
      return operation
    })
    this.applyHere(mutation, planned, operations, setting.trace)
    return allDone(operations)
  }

  #isHereAlone({ plan, isHere }: PlannedWrite): boolean {
    return isHere && plan.liveAndDown.length === 1
  }

  /** Applies what this node is a replica of; its operations hear of the commit. */
  applyHere(
    mutation: MutationBuilder,
    planned: readonly PlannedWrite[],
    operations: readonly WriteOperation[],
    trace: Trace | null,
  ): void {
    const { engine, commits } = this.#parts
    let own = mutation
    if (planned.some(({ isHere }) => !isHere)) {
      if (!planned.some(({ isHere }) => isHere)) return
      own = this.#local
      own.begin()
      for (const { partition, isHere } of planned) {
        if (isHere) for (const at of partition.updates) own.copyUpdate(mutation, at)
      }
    }
    if (trace !== null) {
      own.finish()
      noteApplying(trace, engine, own)
    }
    try {
      applyHere(this.#parts, own)
    } catch (error) {
      planned.forEach(({ isHere }, i) => {
        if (isHere) operations[i]!.commitFailed(error)
      })
      return
    }
    planned.forEach(({ isHere }, i) => {
      if (isHere) commits.add(operations[i]!, false)
    })
  }
}

/** Starts one operation after the other; where one throws, nobody waits for those before it. */
export function started<P, O extends { readonly done: Promise<void> }>(
  planned: readonly P[],
  start: (write: P) => O,
): O[] {
  const operations: O[] = []
  try {
    for (const write of planned) operations.push(start(write))
  } catch (error) {
    for (const { done } of operations) done.catch(() => undefined)
    throw error
  }
  return operations
}

/** Resolves when all are done; rejects with the error of the first that is not, in their order, as waiting one by one does. */
export function allDone(operations: readonly { readonly done: Promise<void> }[]): Promise<void> {
  if (operations.length === 1) return operations[0]!.done
  for (const { done } of operations) done.catch(() => undefined)
  return (async () => {
    for (const { done } of operations) await done
  })()
}
