/**
 * The order in which a table's dropped columns are described: that of Cassandra's maps, `HashMap<ByteBuffer, ...>` by
 * name copied into an `ImmutableMap`. It depends on the names and on how many columns were dropped when.
 */

import { utf8Bytes } from '../common/bytes.ts'
import type { DroppedColumn } from '../model/table.ts'

type Dropped = ReadonlyMap<string, DroppedColumn>

/** As an ALTER leaves them: the ones there were, copied into a new map, and then those that it drops. */
export function inAlteredOrder(before: Dropped, after: Dropped): Dropped {
  const names = new HashMapOrder()
  names.addAll([...before.keys()])
  for (const name of after.keys()) names.add(name)
  return ordered(after, names)
}

/** As they come out of system_schema: put into a map one by one, which is then copied. */
export function inStoredOrder(columns: Dropped): Dropped {
  const names = new HashMapOrder()
  for (const name of columns.keys()) names.add(name)
  const copied = new HashMapOrder()
  copied.addAll(names.inOrder())
  return ordered(columns, copied)
}

function ordered(columns: Dropped, names: HashMapOrder): Dropped {
  return new Map(names.inOrder().map((name) => [name, columns.get(name)!]))
}

const DEFAULT_BUCKETS = 16
const LOAD_FACTOR = 0.75

/** Where Java's HashMap puts keys: bucket by bucket, within a bucket as they came. */
class HashMapOrder {
  #buckets: string[][] = []
  #size = 0

  /** `HashMap.putAll`: an empty map makes room for all of them first. */
  addAll(names: readonly string[]): void {
    if (this.#buckets.length === 0 && names.length > 0) {
      this.#buckets = emptyBuckets(powerOfTwo(Math.floor(names.length / LOAD_FACTOR + 1)))
    }
    for (const name of names) this.add(name)
  }

  add(name: string): void {
    if (this.#buckets.length === 0) this.#buckets = emptyBuckets(DEFAULT_BUCKETS)
    const bucket = this.#bucketOf(name)
    if (bucket.includes(name)) return
    bucket.push(name)
    if (++this.#size > this.#buckets.length * LOAD_FACTOR) this.#grow()
  }

  #grow(): void {
    const names = this.inOrder()
    this.#buckets = emptyBuckets(this.#buckets.length * 2)
    for (const name of names) this.#bucketOf(name).push(name)
  }

  #bucketOf(name: string): string[] {
    const hash = hashOfBytes(utf8Bytes(name))
    return this.#buckets[(hash ^ (hash >>> 16)) & (this.#buckets.length - 1)]!
  }

  inOrder(): string[] {
    return this.#buckets.flat()
  }
}

function emptyBuckets(count: number): string[][] {
  return Array.from({ length: count }, () => [])
}

/** `HashMap.tableSizeFor`. */
function powerOfTwo(atLeast: number): number {
  let size = 1
  while (size < atLeast) size *= 2
  return size
}

/** `ByteBuffer.hashCode`: from the last byte to the first, each signed. */
function hashOfBytes(bytes: Uint8Array): number {
  let hash = 1
  for (let i = bytes.length - 1; i >= 0; i--) hash = (Math.imul(31, hash) + ((bytes[i]! << 24) >> 24)) | 0
  return hash
}
