import type { ColumnMetadata } from '../../model/table.ts'
import type { MapType, SetType, VectorType } from '../../types/index.ts'
import type { AggregateFunction, ScalarFunction } from '../functions/function.ts'

/**
 * Where a value of a result row comes from. Static columns come from a store that is filled once a partition, since
 * the memory of the static row is gone when the first row is read.
 */
export type Source =
  | { readonly kind: 'partitionKey'; readonly position: number }
  | { readonly kind: 'clustering'; readonly position: number }
  | { readonly kind: 'cells'; readonly column: ColumnMetadata }
  | { readonly kind: 'static'; readonly index: number }
  /** Of a column or of parts of it, which `of` reads from the row's own cells even where the column is static. */
  | { readonly kind: 'writetime' | 'maxwritetime' | 'ttl'; readonly of: Source }
  | { readonly kind: 'field'; readonly of: Source; readonly index: number }
  | { readonly kind: 'function'; readonly function: ScalarFunction; readonly args: readonly Source[] }
  /** The token of the partition, which is at hand. */
  | { readonly kind: 'token' }
  /** A value that is the same for all rows, by its place among those of the execution. */
  | { readonly kind: 'constant'; readonly index: number }
  /** `c[key]` of a set or map; `key` is the place of its value among the constants. */
  | { readonly kind: 'element'; readonly of: Source; readonly type: SetType | MapType; readonly key: number }
  /** `c[from..to]`; -1 where it is open. */
  | {
      readonly kind: 'slice'
      readonly of: Source
      readonly type: SetType | MapType
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'list'; readonly elements: readonly Source[] }
  | { readonly kind: 'set'; readonly type: SetType; readonly elements: readonly Source[] }
  | {
      readonly kind: 'map'
      readonly type: MapType
      readonly entries: readonly (readonly [Source, Source])[]
    }
  /** A tuple, or a user type with its fields in order; null where a field is not given. */
  | { readonly kind: 'tuple'; readonly elements: readonly (Source | null)[] }
  | { readonly kind: 'vector'; readonly type: VectorType; readonly elements: readonly Source[] }
  /** Of all rows of a group. `index` is the place of its state among the group's. */
  | {
      readonly kind: 'aggregate'
      readonly function: AggregateFunction
      readonly args: readonly Source[]
      readonly index: number
    }
  /** The value that a source had in the first row of a group, by its place among those that are kept. */
  | { readonly kind: 'kept'; readonly index: number }

export type AggregateSource = Extract<Source, { readonly kind: 'aggregate' }>

const NOTHING: readonly Source[] = []

/** The sources that a source is made of. */
export function partsOf(source: Source): readonly Source[] {
  switch (source.kind) {
    case 'function':
    case 'aggregate':
      return source.args
    case 'writetime':
    case 'maxwritetime':
    case 'ttl':
    case 'field':
    case 'element':
    case 'slice':
      return [source.of]
    case 'list':
    case 'set':
    case 'vector':
      return source.elements
    case 'tuple':
      return source.elements.filter((element) => element !== null)
    case 'map':
      return source.entries.flat()
    default:
      return NOTHING
  }
}

/** The source with others in the places of its parts. */
export function withParts(source: Source, change: (part: Source) => Source): Source {
  switch (source.kind) {
    case 'function':
      return { ...source, args: source.args.map(change) }
    case 'field':
    case 'element':
    case 'slice':
      return { ...source, of: change(source.of) }
    case 'list':
    case 'set':
    case 'vector':
      return { ...source, elements: source.elements.map(change) }
    case 'tuple':
      return { ...source, elements: source.elements.map((part) => (part === null ? null : change(part))) }
    case 'map':
      return { ...source, entries: source.entries.map(([key, value]) => [change(key), change(value)]) }
    default:
      return source
  }
}

/** Whether a row's values or the time are needed for it: all but what is made of constants (`Selector.isTerminal`). */
export function isConstant(source: Source): boolean {
  switch (source.kind) {
    case 'constant':
      return true
    case 'list':
    case 'set':
    case 'map':
    case 'tuple':
    case 'vector':
    case 'field':
    case 'element':
    case 'slice':
      return partsOf(source).every(isConstant)
    default:
      return false
  }
}

export function hasAggregate(source: Source): boolean {
  return source.kind === 'aggregate' || partsOf(source).some(hasAggregate)
}
