import { compare64 } from './row-format.ts'

/**
 * Counter values as Cassandra stores them (`CounterContext`): a header, then shards of 32 bytes, sorted by counter id.
 *
 * ```
 * int16    number of header elements
 * int16    a header element each: index of a shard, +32768 (Short.MIN_VALUE + index) for a global shard
 * shard:   counter id (16 bytes), clock (int64), count (int64)
 * ```
 * Only global shards are written, as since Cassandra 2.1.
 */
const SHARD_BYTES = 32

function shardsAt(context: Uint8Array): number {
  return 2 + 2 * ((context[0]! << 8) | context[1]!)
}

function view(context: Uint8Array): DataView {
  return new DataView(context.buffer, context.byteOffset, context.byteLength)
}

/** A context with one global shard. */
export function counterContext(id: Uint8Array, clock: bigint, count: bigint): Uint8Array {
  const context = new Uint8Array(4 + SHARD_BYTES)
  const data = view(context)
  data.setInt16(0, 1)
  data.setInt16(2, -0x8000)
  context.set(id, 4)
  data.setBigInt64(20, clock)
  data.setBigInt64(28, count)
  return context
}

/** Sum over the shards, as a signed 64-bit number. */
export function counterTotal(context: Uint8Array): bigint {
  const data = view(context)
  let total = 0n
  for (let at = shardsAt(context); at + SHARD_BYTES <= context.length; at += SHARD_BYTES) {
    total += data.getBigInt64(at + 24)
  }
  return BigInt.asIntN(64, total)
}

/** Clock and count of the shard of `id`, or null. */
export function counterShard(context: Uint8Array, id: Uint8Array): { clock: bigint; count: bigint } | null {
  const data = view(context)
  for (let at = shardsAt(context); at + SHARD_BYTES <= context.length; at += SHARD_BYTES) {
    if (compareId(context, at, id, 0) === 0) {
      return { clock: data.getBigInt64(at + 16), count: data.getBigInt64(at + 24) }
    }
  }
  return null
}

function compareId(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < 16; i++) {
    const d = a[aAt + i]! - b[bAt + i]!
    if (d !== 0) return d
  }
  return 0
}

/** Union of the shards; of two with one id the one with the greater clock, then the greater count. */
export function mergeCounterContexts(a: Uint8Array, b: Uint8Array): Uint8Array {
  const shards: Uint8Array[] = []
  let i = shardsAt(a)
  let j = shardsAt(b)
  while (i < a.length || j < b.length) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : compareId(a, i, b, j)
    let from = order > 0 ? b : a
    let at = order > 0 ? j : i
    if (order === 0 && shardOrder(a, i, b, j) < 0) {
      from = b
      at = j
    }
    shards.push(from.subarray(at, at + SHARD_BYTES))
    if (order <= 0) i += SHARD_BYTES
    if (order >= 0) j += SHARD_BYTES
  }
  const merged = new Uint8Array(2 + shards.length * (2 + SHARD_BYTES))
  const data = view(merged)
  data.setInt16(0, shards.length)
  shards.forEach((shard, index) => {
    data.setInt16(2 + 2 * index, -0x8000 + index)
    merged.set(shard, 2 + 2 * shards.length + index * SHARD_BYTES)
  })
  return merged
}

function shardOrder(a: Uint8Array, i: number, b: Uint8Array, j: number): number {
  const x = view(a)
  const y = view(b)
  return (
    compare64(x.getInt32(i + 16), x.getInt32(i + 20), y.getInt32(j + 16), y.getInt32(j + 20)) ||
    compare64(x.getInt32(i + 24), x.getInt32(i + 28), y.getInt32(j + 24), y.getInt32(j + 28))
  )
}
