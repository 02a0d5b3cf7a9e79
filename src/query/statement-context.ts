import { clockSeqAndNode, ticksFromUnixMicros, timeUuidBytes } from '../common/uuid.ts'
import type { RowSnapshot, WriteParameters } from '../cql/modify/operations.ts'
import type { TimestampSource } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import { counterContext, counterShard } from '../model/counter-context.ts'
import { type BoundValues, NO_VALUES } from '../model/query-options.ts'
import type { ColumnMetadata } from '../model/table.ts'

/** Time-based UUIDs of one node: unique and increasing (`TimeUUID.Generator`). */
export class TimeUuidSource {
  readonly #timestamps: TimestampSource
  readonly #clockSeqAndNode: bigint

  /** `random` draws the clock sequence and the node, once. */
  constructor(timestamps: TimestampSource, random: Random) {
    this.#timestamps = timestamps
    const bytes = new Uint8Array(8)
    random.bytes(bytes)
    const data = new DataView(bytes.buffer)
    // The multicast bit says that the node is no MAC address (RFC 4122, section 4.5).
    const node = (data.getBigUint64(0) & 0xffffffffffffn) | 0x010000000000n
    this.#clockSeqAndNode = clockSeqAndNode(data.getUint16(0) & 0x3fff, node)
  }

  next(): Uint8Array {
    return timeUuidBytes(ticksFromUnixMicros(BigInt(this.#timestamps.nextMicros())), this.#clockSeqAndNode)
  }
}

/** What one node's statements share: its clocks and its counter id. */
export interface StatementSources {
  readonly timeUuids: TimeUuidSource
  readonly random: Random
  /** 16 bytes that name this node's shards. */
  readonly counterId: Uint8Array
}

/** The parameters of the statement being executed; one object serves statement after statement. */
export class StatementContext implements WriteParameters {
  values: BoundValues = NO_VALUES
  nowMillis = 0
  nowSeconds = 0
  timestampHi = 0
  timestampLo = 0
  ttl = 0
  row: RowSnapshot | null = null
  /** Counters are added to by a replica, which is told what to add. */
  addsElsewhere = false
  readonly #sources: StatementSources

  constructor(sources: StatementSources) {
    this.#sources = sources
  }

  /** A context of its own for a statement that outlives the turn, or is one of a batch. */
  fork(): StatementContext {
    const fork = new StatementContext(this.#sources)
    fork.values = this.values
    fork.nowMillis = this.nowMillis
    fork.nowSeconds = this.nowSeconds
    fork.timestampHi = this.timestampHi
    fork.timestampLo = this.timestampLo
    fork.ttl = this.ttl
    fork.addsElsewhere = this.addsElsewhere
    return fork
  }

  timeUuid(): Uint8Array {
    return this.#sources.timeUuids.next()
  }

  randomUuid(): Uint8Array {
    const bytes = new Uint8Array(16)
    this.#sources.random.bytes(bytes)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes
  }

  /** The shard of this node after an increment: a greater clock, the sum (`CounterMutation`). */
  incrementCounter(column: ColumnMetadata, row: RowSnapshot | null, delta: bigint): Uint8Array {
    if (this.addsElsewhere) return deltaBytes(delta)
    const existing = row?.simple(column) ?? null
    const shard = existing === null ? null : counterShard(existing, this.#sources.counterId)
    const now = BigInt(this.nowMillis) * 1000n
    const clock = shard === null || shard.clock < now ? now : shard.clock + 1n
    return counterContext(this.#sources.counterId, clock, BigInt.asIntN(64, (shard?.count ?? 0n) + delta))
  }
}

/** What is added to a counter, as a replica is told: 8 bytes. */
function deltaBytes(delta: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, delta))
  return bytes
}
