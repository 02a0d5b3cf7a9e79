import { type ConsistencyLevel, CqlError } from '../../common/errors.ts'
import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import { type InboundMessage, RequestFailureReason, Verb, wordsOf } from '../messaging/index.ts'
import { MutationDecoder } from '../replica/mutation-message.ts'
import { currentTrace, noteApplying, respondTraced, type Trace, tracedPart } from '../traces.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { CounterShards } from './counter-shards.ts'
import { writeError } from './level-failure.ts'
import { type PartitionWrite, partitionsOf } from './partition-writes.ts'
import type { PlanCache } from './plan-cache.ts'
import { sameNode } from './replica-plan.ts'
import { WriteCallback } from './write-callback.ts'
import { WriteOperation, type WriteRequest } from './write-operation.ts'
import { planSingleReplicaWrite } from './write-plan.ts'
import { findCounterLeaderReplica } from './write-plan-counter.ts'
import { allDone, started, type Writes } from './writes.ts'

/** Bytes in front of the mutation: the consistency level, and three of nothing so that words stay words. */
const LEVEL_BYTES = 4
const NO_BYTES = new Uint8Array(0)

/**
 * Additions to counters (`StorageProxy.mutateCounter`): a replica of each partition, its leader, makes shards of them and
 * writes these to the others.
 */
export class CounterWrites {
  readonly #parts: CoordinatorParts
  readonly #plans: PlanCache
  readonly #writes: Writes
  readonly #shards: CounterShards
  readonly #decoder = new MutationDecoder()
  readonly #result = new MutationBuilder(1 << 12)

  constructor(parts: CoordinatorParts, plans: PlanCache, writes: Writes) {
    this.#parts = parts
    this.#plans = plans
    this.#writes = writes
    const { schema } = parts
    this.#shards = new CounterShards(parts, (handle) => schema.tableByHandle(handle))
  }

  /** See `Cluster.addToCounters`. */
  add(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void> {
    mutation.finish()
    const { schema } = this.#parts
    const planned = partitionsOf(mutation, (handle) => schema.tableByHandle(handle)).map((partition) => ({
      partition,
      leader: this.#leaderOf(partition, level),
    }))
    return allDone(
      started(planned, ({ partition, leader }) =>
        leader === null
          ? this.#lead(mutation, partition, level, currentTrace(this.#parts.traces))
          : this.#forward(mutation, partition, level, leader),
      ),
    )
  }

  /** The replica that adds to the counters of a partition; null for this node. Throws an UnavailableError. */
  #leaderOf({ keyspace, tokenHi, tokenLo }: PartitionWrite, level: ConsistencyLevel) {
    const { view, random } = this.#parts
    const plans = this.#plans.of(keyspace)
    const isRpcReady = view.isRpcReady.bind(view)
    const leader = findCounterLeaderReplica(plans.view, level, tokenHi, tokenLo, isRpcReady, random)
    // Whether enough are alive is said here already, not only by the leader.
    plans.write(level, tokenHi, tokenLo)
    return sameNode(leader, view.localNode) ? null : leader
  }

  #request(hintsFailures: boolean): WriteRequest {
    const { counter_write_request_timeout_ms: timeoutMs } = this.#parts.timeouts
    return { writeType: 'COUNTER', timeoutMs, hintsFailures }
  }

  #forward(
    mutation: MutationBuilder,
    partition: PartitionWrite,
    level: ConsistencyLevel,
    leader: Parameters<typeof planSingleReplicaWrite>[0],
  ): WriteOperation {
    const plan = planSingleReplicaWrite(leader)
    const setting = { ...this.#writes.setting(), hints: null }
    const operation = new WriteOperation(setting, plan, new WriteCallback(plan), this.#request(false))
    const bytes = this.#writes.encode(mutation, partition)
    const payload = new Uint8Array(LEVEL_BYTES + bytes.length)
    payload[0] = level
    payload.set(bytes, LEVEL_BYTES)
    operation.send(Verb.COUNTER_MUTATION_REQ, payload, false)
    return operation
  }

  /** Adds at this node, and writes what came of it to the other replicas. Throws an UnavailableError, and what applying throws. */
  #lead(
    mutation: MutationBuilder,
    partition: PartitionWrite,
    level: ConsistencyLevel,
    trace: Trace | null,
  ): WriteOperation {
    const { keyspace, tokenHi, tokenLo, updates } = partition
    const { engine, clock, commits, logger } = this.#parts
    const plan = this.#plans.of(keyspace).write(level, tokenHi, tokenLo)
    const setting = { ...this.#writes.setting(), trace }
    const operation = new WriteOperation(setting, plan, new WriteCallback(plan), this.#request(false))
    const result = this.#result
    result.begin()
    try {
      this.#shards.apply(mutation, updates, clock.nowMicros(), result)
    } catch (error) {
      if (error instanceof CqlError) throw error
      // In Cassandra it is logged, and waited for in vain.
      logger.error(
        `Counters of ${keyspace} can't be added to: ${error instanceof Error ? error.message : error}`,
      )
      throw writeError({ kind: 'timeout', received: 0, blockFor: plan.blockFor }, level, 'COUNTER')
    }
    result.finish()
    if (trace !== null) noteApplying(trace, engine, result)
    const bytes = this.#writes.encode(result, { ...partition, updates: updatesAt(result) })
    operation.send(Verb.MUTATION_REQ, bytes, true)
    commits.add(operation, false)
    return operation
  }

  /** Another node has chosen this one to lead (`CounterMutationVerbHandler`). */
  handle(message: InboundMessage): void {
    const { schema, logger } = this.#parts
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    const trace = tracedPart(message, this.#parts.traces)
    try {
      const level = message.payload[0] as ConsistencyLevel
      const words = wordsOf(message.payload).slice(1)
      const mutation = this.#decoder.decode(words, (id) => schema.tableById(id))
      const partitions = partitionsOf(mutation, (handle) => schema.tableByHandle(handle))
      const operations = started(partitions, (partition) => this.#lead(mutation, partition, level, trace))
      allDone(operations).then(
        () => respondTraced(message, NO_BYTES, trace),
        () => {
          // In Cassandra the coordinator hears nothing then, and times out. That is said to it at once.
          message.fail(RequestFailureReason.TIMEOUT)
          trace?.end()
        },
      )
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      logger.error(`${message.verb.name} of ${message.from.text} failed: ${text}`)
      message.fail(RequestFailureReason.UNKNOWN)
      trace?.end()
    }
  }
}
