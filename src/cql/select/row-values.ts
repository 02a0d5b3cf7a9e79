import { int64Bytes, readUint16 } from '../../common/bytes.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { packList, packMapSorted, packSet, packTuple, packVector } from '../../types/index.ts'
import type { ExecutionContext } from '../execution-context.ts'
import { invalid } from '../restrictions/index.ts'
import { cellsValue } from './cell-values.ts'
import { elementCell, elementOf, indexOfKey, indexRange, sliceOf } from './collection-part.ts'
import { RowsWriter } from './rows-writer.ts'
import type { Source } from './source.ts'
import { cellTimestamps, type Timestamps, timestampAt, timestampValue } from './timestamps.ts'

/** Where the components of the current row's clustering are; -1 as the length of one that is not there. */
export const clusteringAt: number[] = []
export const clusteringLength: number[] = []

/** Notes where the components of the row's clustering are. */
export function locateClustering(live: LiveRow, count: number): void {
  const { i32 } = live
  let at = live.clusteringAt
  for (let i = 0; i < count; i++) {
    const length = i32[at]
    at++
    clusteringAt[i] = at << 2
    clusteringLength[i] = length
    if (length > 0) at += (length + 3) >>> 2
  }
}

/** The partition's key, a view of the reader's memory. */
export function keyOf(reader: PartitionReader): Uint8Array {
  return reader.keyBytes.subarray(reader.keyOffset, reader.keyOffset + reader.keyLength)
}

/** Stands for the lists that most executions do not need; nobody writes to it. */
const NONE: number[] = []

/** The value of a term that the client left unset: as one of a row it has no bytes, as an argument it is refused. */
export const UNSET = new Uint8Array(0)

export function unsetArgument(functionName: string): Error {
  return invalid(`Invalid unset value for argument in call to function ${functionName}`)
}

/** What sources need beside the row. */
export interface ValueContext {
  /** Null where no function is called. */
  readonly functions: ExecutionContext | null
  /** Values of the selection's constants. */
  readonly constants: readonly (Uint8Array | null)[]
  readonly nowSeconds: number
  readonly nowMillis: number
}

/** The results of a group's aggregates and what was kept of its first row. */
export interface GroupValues {
  readonly kept: readonly (Uint8Array | null)[]
  readonly aggregates: readonly (Uint8Array | null)[]
}

const NO_GROUP: GroupValues = { kept: [], aggregates: [] }

/** Values of sources, of the row that an execution stands at. */
export class RowValues {
  readonly #isComposite: boolean
  readonly #isVirtual: boolean
  readonly #context: ValueContext
  /** Where the values of the composite key begin in the reader's memory, and their lengths. */
  readonly keyAt: number[]
  readonly keyLength: number[]
  /** Values of the partition's static row, each with its length, and where each begins. */
  #statics: RowsWriter | null = null
  readonly #staticAt: number[]
  #live: LiveRow | null = null
  #reader: PartitionReader | null = null
  #group: GroupValues = NO_GROUP

  /** Without a table for what has no rows. */
  constructor(table: TableMetadata | null, context: ValueContext, hasStatics: boolean) {
    this.#context = context
    this.#isComposite = table !== null && table.partitionKeys.length > 1
    this.#isVirtual = table?.isVirtual === true
    this.keyAt = this.#isComposite ? [] : NONE
    this.keyLength = this.#isComposite ? [] : NONE
    this.#staticAt = hasStatics ? [] : NONE
  }

  /** Finds the components of the partition's key. */
  splitKey(reader: PartitionReader, count: number): void {
    let at = reader.keyOffset
    for (let i = 0; i < count; i++) {
      const length = readUint16(reader.keyBytes, at)
      this.keyAt[i] = at + 2
      this.keyLength[i] = length
      at += 3 + length
    }
  }

  /** Takes what is selected from the static row, before rows are read. */
  keepStatics(sources: readonly Source[], statics: LiveRow, reader: PartitionReader): void {
    this.#statics ??= new RowsWriter(256)
    const kept = this.#statics
    kept.reset()
    sources.forEach((source, i) => {
      this.#staticAt[i] = kept.length
      kept.optional(this.ofRow(source, statics, reader))
    })
    this.#staticAt[sources.length] = kept.length
  }

  /** Writes a value of the static row, with its length. */
  writeStatic(out: RowsWriter, index: number): void {
    const kept = this.#statics
    if (kept === null) out.nullValue()
    else out.bytes(kept.u8, this.#staticAt[index], this.#staticAt[index + 1] - this.#staticAt[index])
  }

  /** The value of a source as bytes of its own, or in the row's memory. */
  ofRow(source: Source, live: LiveRow, reader: PartitionReader): Uint8Array | null {
    this.#live = live
    this.#reader = reader
    return this.#valueOf(source)
  }

  /** The value of a source that is made of a group's. */
  ofGroup(source: Source, group: GroupValues): Uint8Array | null {
    this.#group = group
    return this.#valueOf(source)
  }

  /** The value of a source where there is no row: all columns are null. */
  ofNoRow(source: Source): Uint8Array | null {
    this.#live = null
    this.#reader = null
    return this.#valueOf(source)
  }

  #valueOf(source: Source): Uint8Array | null {
    switch (source.kind) {
      case 'partitionKey':
        return this.#keyValue(source.position)
      case 'clustering':
        return this.#clusteringValue(source.position)
      case 'cells':
        return this.#live === null ? null : cellsValue(source.column, this.#live)
      case 'static':
        return this.#staticValue(source.index)
      case 'token': {
        const reader = this.#reader
        return reader === null ? null : tokenBytes(reader)
      }
      case 'constant':
        return this.#context.constants[source.index]
      case 'kept':
        return this.#group.kept[source.index]
      case 'aggregate':
        return this.#group.aggregates[source.index]
      case 'writetime':
      case 'maxwritetime':
      case 'ttl':
        return timestampValue(source.kind, this.#timestamps(source.of, source.kind === 'ttl'))
      case 'field': {
        const value = this.#valueOf(source.of)
        return value === null ? null : (fieldOf(value, source.index) ?? null)
      }
      case 'element':
        return this.#elementValue(source)
      case 'slice':
        return this.#sliceValue(source)
      case 'function': {
        const { functions } = this.#context
        if (functions === null) return null
        return source.function.execute(
          source.args.map((arg) => this.#valueOf(arg)),
          functions,
        )
      }
      default:
        return this.#madeValue(source)
    }
  }

  /** Collections, tuples and the like that the selection makes. */
  #madeValue(
    source: Extract<Source, { readonly kind: 'list' | 'set' | 'map' | 'tuple' | 'vector' }>,
  ): Uint8Array {
    const all = (parts: readonly (Source | null)[]) =>
      parts.map((part) => (part === null ? null : this.#valueOf(part)))
    switch (source.kind) {
      case 'list':
        return packList(all(source.elements))
      case 'set':
        return packSet(source.type, present(all(source.elements), 'collections'))
      case 'map': {
        const keys = present(all(source.entries.map(([key]) => key)), 'collections')
        return packMapSorted(
          source.type,
          source.entries.map(([, value], i) => [keys[i], this.#valueOf(value)]),
        )
      }
      case 'tuple':
        return packTuple(all(source.elements))
      case 'vector':
        return packVector(source.type, present(all(source.elements), 'vectors'))
    }
  }

  #keyValue(position: number): Uint8Array | null {
    const reader = this.#reader
    if (reader === null) return null
    if (!this.#isComposite) return keyOf(reader)
    const at = this.keyAt[position]
    return reader.keyBytes.subarray(at, at + this.keyLength[position])
  }

  #clusteringValue(position: number): Uint8Array | null {
    const live = this.#live
    const length = clusteringLength[position]
    if (live === null || length < 0) return null
    const at = clusteringAt[position]
    return live.u8.subarray(at, at + length)
  }

  #staticValue(index: number): Uint8Array | null {
    const kept = this.#statics
    if (kept === null || this.#reader === null) return null
    const at = this.#staticAt[index]
    const end = this.#staticAt[index + 1]
    return end - at === 4 && kept.u8[at] === 0xff ? null : kept.u8.slice(at + 4, end)
  }

  #constant(index: number): Uint8Array | null {
    return index < 0 ? null : this.#context.constants[index]
  }

  #elementValue({ of, type, key }: Extract<Source, { kind: 'element' }>): Uint8Array | null {
    const wanted = this.#constant(key)
    if (wanted === null) return null
    if (of.kind === 'cells' && of.column.type.multiCell) {
      return this.#live === null ? null : elementCell(type, of.column, wanted, this.#live)
    }
    const value = this.#valueOf(of)
    return value === null ? null : elementOf(type, value, wanted)
  }

  #sliceValue({ of, type, from, to }: Extract<Source, { kind: 'slice' }>): Uint8Array | null {
    const value = this.#valueOf(of)
    return value === null ? null : sliceOf(type, value, this.#constant(from), this.#constant(to))
  }

  /** When the cells of a source were written, or how long they still live (`Selector.getWritetimes`, `getTTLs`). */
  #timestamps(source: Source, isTtl: boolean): Timestamps | null {
    switch (source.kind) {
      case 'cells':
        return this.#cellTimestamps(source.column, isTtl)
      case 'field': {
        if (this.#valueOf(source) === null) return null
        return timestampAt(this.#timestamps(source.of, isTtl), source.index)
      }
      case 'element': {
        const collection = this.#valueOf(source.of)
        const key = this.#constant(source.key)
        const index = collection === null || key === null ? -1 : indexOfKey(source.type, collection, key)
        return index < 0 ? null : timestampAt(this.#timestamps(source.of, isTtl), index)
      }
      case 'slice': {
        const collection = this.#valueOf(source.of)
        if (collection === null) return null
        const { type, from, to } = source
        const [first, end] = indexRange(type, collection, this.#constant(from), this.#constant(to))
        const all = first < end ? this.#timestamps(source.of, isTtl) : null
        return all?.many === true ? { many: true, values: all.values.slice(first, end) } : all
      }
      default:
        return null
    }
  }

  /** What a virtual table holds is written when it is read, and Cassandra says so in milliseconds. */
  #cellTimestamps(column: ColumnMetadata, isTtl: boolean): Timestamps | null {
    const live = this.#live
    if (live === null) return null
    const timestamps = cellTimestamps(column, isTtl, live, this.#context.nowSeconds)
    if (timestamps === null || isTtl || !this.#isVirtual) return timestamps
    return { many: false, values: [BigInt(this.#context.nowMillis)] }
  }
}

/** Refuses nulls where there can be none; Cassandra fails in itself. */
function present(values: readonly (Uint8Array | null)[], where: string): readonly Uint8Array[] {
  return values.map((value) => {
    if (value === null) throw invalid(`null is not supported inside ${where}`)
    return value
  })
}

function tokenBytes(reader: PartitionReader): Uint8Array {
  return int64Bytes((BigInt(reader.tokenHi) << 32n) | BigInt(reader.tokenLo >>> 0))
}

/** A field of a serialized user type, by its position; undefined beyond those that were written. */
function fieldOf(value: Uint8Array, index: number): Uint8Array | null | undefined {
  let at = 0
  for (let i = 0; at + 4 <= value.length; i++) {
    const length = (value[at] << 24) | (value[at + 1] << 16) | (value[at + 2] << 8) | value[at + 3]
    at += 4
    if (i === index) return length < 0 ? null : value.subarray(at, at + length)
    at += Math.max(0, length)
  }
  return undefined
}
