/** What a coordinator needs of the batchlog and of hints, which are rooms of their own. */

import type { RingNode } from '../ring/ring.ts'

/** A logged batch as it is kept until all its mutations are where they belong (`Batch`). */
export interface Batch {
  /** A time-based UUID: 16 bytes. */
  readonly id: Uint8Array
  /** Microseconds since the epoch. */
  readonly createdMicros: number
  /** Each as in MUTATION_REQ. */
  readonly mutations: readonly Uint8Array[]
}

/**
 * The batchlog of this node (`BatchlogManager`). Other nodes keep batches for it by BATCH_STORE_REQ, whose payload is
 * `encode`d and whose handler is the batchlog's, and forget them by BATCH_REMOVE_REQ, whose payload is the 16 bytes of the id.
 */
export interface Batchlog {
  /** The payload of BATCH_STORE_REQ. */
  encode(batch: Batch): Uint8Array
  /** Keeps a batch on this node; durable with the next commit of the storage engine. */
  store(batch: Batch): void
  /** Forgets a batch on this node. */
  remove(id: Uint8Array): void
  /** Whether one of the two nodes that keep a batch is to be of this rack (`batchlog_endpoint_strategy: prefer_local`). */
  readonly prefersLocalRack: boolean
}

/** Keeps writes for replicas that are down or did not answer (`HintsService`). */
export interface HintSink {
  /** Whether a write that did not reach a node is to be hinted (`StorageProxy.shouldHint`). */
  shouldHint(node: RingNode): boolean
  /** Whether more waits in memory than should: then `checkOverload` is to be asked before anything is sent. */
  readonly isOverloaded: boolean
  /** Throws an OverloadedError for a node that has its part in that (`StorageProxy.checkHintOverload`). */
  checkOverload(node: RingNode): void
  /**
   * Keeps a mutation, `payload` as in MUTATION_REQ, for nodes that `shouldHint` said yes to. The bytes are copied before it
   * returns. Says when the hint is written: null where that is so, as far as the hints' settings promise.
   */
  store(nodes: readonly RingNode[], payload: Uint8Array): Promise<void> | null
}
