import { concatBytes, int32Bytes, utf8Bytes } from '../../src/common/bytes.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  type Slice,
} from '../../src/model/clustering.ts'
import { counterContext } from '../../src/model/counter-context.ts'
import { MutationBuilder } from '../../src/model/mutation.ts'
import type { DecoratedKey } from '../../src/model/read-command.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
} from '../../src/model/row-format.ts'
import type { ColumnMetadata, TableMetadata } from '../../src/model/table.ts'
import { type ColumnSpec, createTableMetadata } from '../../src/schema/index.ts'
import {
  type CqlType,
  fieldPath,
  listType,
  mapType,
  native,
  reversed,
  setType,
  userType,
} from '../../src/types/index.ts'
import type { SimRandom } from '../sim/sim-random.ts'

/** Random tables, and random mutations of them: few keys, few rows, few timestamps, so that all meets all. */

const NO_BYTES = new Uint8Array(0)
const CLUSTERING_TYPES: readonly CqlType[] = [native.int, native.text, native.blob, native.smallint]
const UDT = userType('ks', 'u', ['a', 'b', 'c'], [native.int, native.text, native.blob], true)
const COMPLEX: readonly CqlType[] = [
  mapType(native.int, native.blob, true),
  setType(native.text, true),
  listType(native.int, true),
  UDT,
]
/** Seconds around which things expire; and beyond 2038. */
export const MOMENTS = [900, 1003, 1010, 2_200_000_000, 4_294_967_200]

function simpleType(random: SimRandom): CqlType {
  return random.pick([native.blob, native.int, native.text])
}

/** A table of zero to three clustering columns; a tenth of them are counters'. */
export function randomTable(random: SimRandom): TableMetadata {
  const columns: ColumnSpec[] = [{ name: 'p', kind: 'partition_key', type: native.int }]
  if (random.chance(0.3)) columns.push({ name: 'q', kind: 'partition_key', type: native.text })
  const clusterings = random.pick([0, 1, 1, 2, 2, 3])
  for (let i = 0; i < clusterings; i++) {
    const type = random.pick(CLUSTERING_TYPES)
    columns.push({ name: `c${i}`, kind: 'clustering', type: random.chance(0.3) ? reversed(type) : type })
  }
  const isCounter = random.chance(0.1)
  const add = (kind: 'static' | 'regular', prefix: string): void => {
    const count = 1 + random.below(3)
    for (let i = 0; i < count; i++) {
      const simple = isCounter ? native.counter : simpleType(random)
      const type = !isCounter && random.chance(0.3) ? random.pick(COMPLEX) : simple
      columns.push({ name: `${prefix}${random.pick(['x', 'a'])}${i}`, kind, type })
    }
  }
  if (clusterings > 0 && random.chance(0.5)) add('static', 's')
  add('regular', 'v')
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    columns,
    flags: new Set(isCounter ? ['compound', 'counter'] : ['compound']),
    params: { caching: new Map([['keys', random.chance(0.8) ? 'ALL' : 'NONE']]) },
  })
}

/** Mutations of one table; each ends the one before it. */
export class RandomWrites {
  readonly table: TableMetadata
  readonly mutation = new MutationBuilder()
  readonly #random: SimRandom
  readonly #types: readonly CqlType[]
  readonly #token = new Int32Array(2)
  readonly #keys: number
  /** Values of a clustering column. */
  readonly #width: number
  readonly #valueBytes: number
  /** Upper half of all timestamps. */
  readonly hi: number
  /** How likely are whole rows, ranges and partitions deleted. */
  readonly #deletes: number

  constructor(random: SimRandom, table: TableMetadata) {
    this.table = table
    this.#random = random
    this.#types = clusteringTypes(table)
    this.#keys = random.pick([1, 3, 12, 40])
    this.#width = random.pick([2, 5, 30])
    this.#valueBytes = random.pick([2, 4, 40, 400])
    this.hi = random.pick([0, -1, 406_000])
    this.#deletes = random.pick([0, 0.1, 0.3])
  }

  /** A key that may have been written. */
  key(): DecoratedKey {
    const random = this.#random
    const first = int32Bytes(random.below(this.#keys))
    const second = utf8Bytes(random.pick(['', 'a', 'b']))
    const part = (bytes: Uint8Array) =>
      concatBytes([new Uint8Array([0, bytes.length]), bytes, new Uint8Array(1)])
    const key = this.table.partitionKeys.length === 1 ? first : concatBytes([part(first), part(second)])
    murmur3Token(key, 0, key.length, this.#token)
    return { key, tokenHi: this.#token[0]!, tokenLo: this.#token[1]! }
  }

  /** Components of a clustering, or the first of them. */
  components(count = this.#types.length): Uint8Array[] {
    const random = this.#random
    return this.#types.slice(0, count).map((type) => {
      const value = random.below(this.#width)
      if (type.fixedLength === 4) return int32Bytes(value)
      if (type.fixedLength === 2) return int32Bytes(value).slice(2)
      return utf8Bytes('abcdefgh'.slice(0, value % 9) + (value > 8 ? value : ''))
    })
  }

  bound(): ClusteringBound {
    const count = this.#random.below(this.#types.length + 1)
    return { components: this.components(count), side: this.#random.chance(0.5) ? 0 : 1 }
  }

  /** Slices in clustering order, of which none meet. */
  slices(): Slice[] {
    const random = this.#random
    const types = this.#types
    if (types.length > 0 && random.chance(0.3)) {
      // Single rows.
      const rows = Array.from({ length: 1 + random.below(2) }, () => this.components())
      const slices = rows.map((components) => ({
        start: { components, side: 0 as const },
        end: { components, side: 1 as const },
      }))
      slices.sort((a, b) => compareBounds(types, a.start, b.start))
      return slices.filter((slice, i) => i === 0 || compareBounds(types, slice.start, slices[i - 1]!.end) > 0)
    }
    const all: Slice = { start: { components: [], side: 0 }, end: { components: [], side: 1 } }
    if (types.length === 0 || random.chance(0.3)) return [all]
    const bounds = Array.from({ length: 2 * (1 + random.below(3)) }, () => this.bound())
    bounds.sort((a, b) => compareBounds(types, a, b))
    const slices: Slice[] = []
    for (let i = 0; i + 1 < bounds.length; i += 2) {
      if (compareBounds(types, bounds[i]!, bounds[i + 1]!) < 0)
        slices.push({ start: bounds[i]!, end: bounds[i + 1]! })
    }
    return slices
  }

  next(): MutationBuilder {
    const random = this.#random
    const { mutation, table } = this
    this.#written++
    mutation.begin()
    const { key, tokenHi, tokenLo } = this.key()
    mutation.beginUpdate(table.handle, tokenHi, tokenLo, key, 0, key.length)
    if (random.chance(this.#deletes / 3)) {
      mutation.partitionDeletion(this.hi, this.#deletionTimestamp(), this.#time())
    }
    if (table.statics.length > 0 && random.chance(0.3)) this.#row(true)
    const rows = random.below(3)
    for (let i = 0; i < rows; i++) this.#row(false)
    if (this.#types.length > 0) {
      const ranges = random.chance(this.#deletes) ? 1 + random.below(2) : 0
      for (let i = 0; i < ranges; i++) this.#range()
    }
    mutation.endUpdate()
    mutation.finish()
    return mutation
  }

  #range(): void {
    const { mutation } = this
    mutation.beginRangeTombstone(this.hi, this.#deletionTimestamp(), this.#time())
    for (const { components, side } of [this.bound(), this.bound()].sort((a, b) =>
      compareBounds(this.#types, a, b),
    )) {
      mutation.bound(components, side)
    }
    mutation.endRangeTombstone()
  }

  /** Time goes on with each mutation, as it does for those who write; else any comes before any. */
  isOrdered = false
  /** Seconds around which things expire and are deleted. */
  moments: readonly number[] = MOMENTS
  /**
   * Of two cells of one timestamp that both expire none expires before the other. Else the one that a compaction has made a
   * tombstone of would win over one that lives on, in Cassandra too.
   */
  expiresByTimestamp = false
  #written = 0

  #timestamp(): number {
    return 1 + this.#random.below(this.isOrdered ? 3 : 30) + (this.isOrdered ? this.#written : 0)
  }

  /**
   * Of a deletion. Of counters it is before or after all else: shards that were added up before a deletion came take the
   * timestamp of the newest, so what a deletion among them takes away depends on the order, in Cassandra too.
   */
  #deletionTimestamp(): number {
    return this.table.isCounter ? this.#random.pick([0, 0, 1000]) : this.#timestamp()
  }

  /** When something was deleted, or expires. */
  #time(): number {
    return this.#random.pick(this.moments) + this.#random.below(3)
  }

  #row(isStatic: boolean): void {
    const random = this.#random
    const { mutation, table } = this
    let flags = isStatic ? ROW_STATIC : 0
    if (!isStatic && !table.isCounter && random.chance(0.6)) {
      flags |= random.chance(0.3) ? ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES : ROW_HAS_LIVENESS
    }
    if (!isStatic && random.chance(this.#deletes)) flags |= ROW_HAS_DELETION
    const timestamp = this.#timestamp()
    // The same data always expires after the same time, as if from one statement.
    const ttl = 1 + random.below(4)
    mutation.beginRow(
      flags,
      this.hi,
      timestamp,
      ttl,
      this.#time(),
      this.hi,
      this.#deletionTimestamp(),
      this.#time(),
    )
    if (!isStatic) {
      for (const component of this.components()) mutation.clustering(component, 0, component.length)
    }
    mutation.endClustering()
    for (const column of (isStatic ? table.statics : table.regulars).toSorted((a, b) => a.id - b.id)) {
      if (random.chance(0.4)) continue
      const at = random.chance(0.6) ? timestamp : this.#timestamp()
      if (table.isCounter) this.#counterCell(column.id, at)
      else if (column.type.multiCell) this.#complexCells(column, at)
      else this.#cell(column, at, null)
    }
    mutation.endRow()
  }

  #complexCells(column: ColumnMetadata, timestamp: number): void {
    const random = this.#random
    if (random.chance(0.3)) {
      this.#put(column.id, CELL_COMPLEX_DELETION, timestamp - 1, 0, this.#time(), null, NO_BYTES)
    }
    const paths = new Map<string, Uint8Array>()
    for (let i = random.below(4); i > 0; i--) {
      const path = this.#path(column)
      paths.set(path.toString(), path)
    }
    const { type } = column
    if (!('nameComparator' in type)) throw new Error(`${type.cqlName} is not complex`)
    const sorted = [...paths.values()].sort((a, b) =>
      type.nameComparator.compare(a, 0, a.length, b, 0, b.length),
    )
    for (const path of sorted) this.#cell(column, timestamp, path)
  }

  #path({ type }: ColumnMetadata): Uint8Array {
    const n = this.#random.below(5)
    if (type.kind === 'udt') return fieldPath(n % 3)
    if (type.kind === 'list') {
      // Version 1 UUIDs of increasing time.
      const path = new Uint8Array(16)
      path.set([0, 0, 0, n, 0, 0, 0x10, 0, 0x80])
      return path
    }
    return type.kind === 'set' ? utf8Bytes('abcde'.slice(0, n)) : int32Bytes(n)
  }

  #cell(column: ColumnMetadata, timestamp: number, path: Uint8Array | null): void {
    const random = this.#random
    const kind = random.below(10)
    if (kind === 0) this.#put(column.id, CELL_TOMBSTONE, timestamp, 0, this.#time(), path, NO_BYTES)
    else if (kind < 3) {
      let ttl = 1 + random.below(4)
      let time = this.#time()
      if (this.expiresByTimestamp) {
        ttl = 1 + (timestamp % 4)
        time = this.moments[timestamp % this.moments.length]!
      }
      this.#put(column.id, CELL_EXPIRES, timestamp, ttl, time, path, this.#value(column))
    } else this.#put(column.id, 0, timestamp, 0, 0, path, this.#value(column))
  }

  #value({ type }: ColumnMetadata): Uint8Array {
    const random = this.#random
    if (type.kind === 'set') return NO_BYTES
    const isInt = type.fixedLength === 4 || type.kind === 'list'
    if (isInt) return int32Bytes(random.below(3))
    return utf8Bytes(random.pick(['', 'a', 'b']).repeat(random.below(this.#valueBytes)))
  }

  #counterCell(column: number, timestamp: number): void {
    const random = this.#random
    if (random.chance(0.1)) {
      this.#put(column, CELL_TOMBSTONE, timestamp, 0, this.#time(), null, NO_BYTES)
      return
    }
    const id = new Uint8Array(16).fill(1 + random.below(3))
    const clock = BigInt(random.below(20))
    this.#put(column, 0, timestamp, 0, 0, null, counterContext(id, clock, clock * 7n))
  }

  #put(
    column: number,
    flags: number,
    timestamp: number,
    ttl: number,
    time: number,
    path: Uint8Array | null,
    value: Uint8Array,
  ): void {
    const { mutation } = this
    const length = path === null ? -1 : path.length
    mutation.cell(
      column,
      flags,
      this.hi,
      timestamp,
      ttl,
      time,
      path ?? NO_BYTES,
      0,
      length,
      value,
      0,
      value.length,
    )
  }
}
