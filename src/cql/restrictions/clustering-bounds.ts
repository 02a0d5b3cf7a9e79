import { type ClusteringBound, compareBounds, type Slice } from '../../model/clustering.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import type { CqlType } from '../../types/index.ts'
import type { ExecutionContext, Value } from '../term.ts'
import { equalValues, inValues, tupleValues } from './bound-values.ts'
import { invalid, type Restriction, type SliceBound, type SliceRestriction } from './restriction.ts'

/** A prefix of clustering values; null in it (an unequal comparison with null) stands before every value. */
type Prefix = readonly (Uint8Array | null)[]

/** The restrictions that slices can express: those of leading columns, a slice only as the last. */
export function sliceable(restrictions: readonly Restriction[]): readonly Restriction[] {
  const leading: Restriction[] = []
  let position = 0
  for (const restriction of restrictions) {
    if (restriction.kind === 'contains' || restriction.columns[0].position !== position) break
    leading.push(restriction)
    if (restriction.kind === 'slice') break
    position = restriction.columns[restriction.columns.length - 1].position + 1
  }
  return leading
}

/** Appends the values of an equality or IN to every prefix; none remain when an IN was empty. */
export function appendValues<T>(
  prefixes: readonly (readonly (T | Uint8Array)[])[],
  restriction: Restriction,
  context: ExecutionContext,
): readonly (readonly (T | Uint8Array)[])[] {
  if (restriction.kind === 'eq') {
    const values = equalValues(restriction, context)
    return prefixes.map((prefix) => [...prefix, ...values])
  }
  if (restriction.kind !== 'in') return prefixes
  const tuples = inValues(restriction, context)
  return prefixes.flatMap((prefix) => tuples.map((tuple) => [...prefix, ...tuple]))
}

function isReversed(column: ColumnMetadata): boolean {
  return column.type.kind === 'reversed'
}

function isInclusive(bound: SliceBound | null): boolean {
  return bound === null || bound.inclusive
}

/** A bound before (side 0) or after (side 1) what begins with the prefix. */
function makeBound(prefix: Prefix, isStart: boolean, inclusive: boolean): ClusteringBound {
  const nullAt = prefix.indexOf(null)
  // Nulls come before all values, and no row of these tables has one: before or after them is the same place.
  if (nullAt >= 0) return { components: prefix.slice(0, nullAt) as Uint8Array[], side: 0 }
  return { components: prefix as readonly Uint8Array[], side: isStart === inclusive ? 0 : 1 }
}

function sameValues(a: Prefix, b: Prefix): boolean {
  return (
    a.length === b.length &&
    a.every((value, i) => {
      const other = b[i]
      if (value === null || other === null) return value === other
      return value.length === other.length && value.every((byte, j) => byte === other[j])
    })
  )
}

/** The values of one side of a slice, as far as they go. */
function boundValues(bound: SliceBound | null, multi: boolean, context: ExecutionContext): readonly Value[] {
  if (bound === null) return []
  return tupleValues(bound.value, context, multi) ?? [null]
}

function singleColumnBounds(
  prefixes: readonly Prefix[],
  slice: SliceRestriction,
  isStart: boolean,
  context: ExecutionContext,
): ClusteringBound[] {
  const column = slice.columns[0]
  const reversed = isReversed(column)
  const bound = isStart !== reversed ? slice.start : slice.end
  const inclusive = isInclusive(bound)
  const values = boundValues(bound, false, context)
  if (values.includes(undefined)) throw invalid(`Invalid unset value for column ${column.name}`)
  return prefixes.map((prefix) => makeBound([...prefix, ...(values as Prefix)], isStart, inclusive))
}

/**
 * (a, b) > (1, 2) and the like. Where ascending and descending columns are mixed, one such slice is several:
 * (a, b) > (1, 2) with a descending is (-inf, 1) and (1.2, 1] (`MultiColumnRestriction.SliceRestriction`).
 */
function multiColumnBounds(
  prefixes: readonly Prefix[],
  slice: SliceRestriction,
  isStart: boolean,
  context: ExecutionContext,
): ClusteringBound[] {
  const { columns } = slice
  const startValues = boundValues(slice.start, true, context)
  const endValues = boundValues(slice.end, true, context)
  const valueAt = (values: readonly Value[], i: number): Uint8Array => {
    const value = values[i]
    if (value === null || value === undefined) {
      throw invalid(`Invalid null value in condition for column ${columns[i].name}`)
    }
    return value
  }
  let reversed = isReversed(columns[0])
  const tails: Uint8Array[][] = []
  let tail: Uint8Array[] = []
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]
    const ownStart = isStart !== isReversed(column)
    const own = ownStart ? startValues : endValues
    const other = ownStart ? endValues : startValues
    if (reversed !== isReversed(column)) {
      // The direction changes: what was gathered is a bound of its own.
      reversed = isReversed(column)
      tails.push(tail)
      if (own.length <= i) continue
      if (other.length > i) tails.push(tail)
      tail = []
      for (let j = 0; j < Math.min(i, own.length); j++) tail.push(valueAt(own, j))
    }
    if (own.length <= i) continue
    tail.push(valueAt(own, i))
  }
  tails.push(tail)
  if (!isStart) tails.reverse()
  const elements = prefixes.flatMap((prefix) => tails.map((values) => [...prefix, ...values]))
  return boundsOfElements(elements, slice, isStart)
}

/** `MultiClusteringBuilder.buildBoundForSlice`. */
function boundsOfElements(
  elements: readonly Prefix[],
  slice: SliceRestriction,
  isStart: boolean,
): ClusteringBound[] {
  const { columns } = slice
  const offset = columns[0].position
  const lastPosition = columns[columns.length - 1].position
  const own = isInclusive(isStart ? slice.start : slice.end)
  const other = isInclusive(isStart ? slice.end : slice.start)
  const bounds: ClusteringBound[] = []
  for (let i = 0; i < elements.length; i++) {
    const values = elements[i]
    if (values.length === offset) {
      bounds.push(makeBound(values, isStart, true))
    } else if (
      values.length <= lastPosition &&
      i < elements.length - 1 &&
      sameValues(values, elements[i + 1])
    ) {
      bounds.push(makeBound(values, isStart, false), makeBound(values, isStart, true))
      i++
    } else {
      bounds.push(makeBound(values, isStart, isReversed(columns[values.length - 1 - offset]) ? other : own))
    }
  }
  return bounds
}

function boundsOf(
  types: readonly CqlType[],
  restrictions: readonly Restriction[],
  isStart: boolean,
  context: ExecutionContext,
): readonly ClusteringBound[] {
  let prefixes: readonly Prefix[] = [[]]
  for (const restriction of restrictions) {
    if (restriction.kind === 'slice') {
      const bounds = restriction.multi
        ? multiColumnBounds(prefixes, restriction, isStart, context)
        : singleColumnBounds(prefixes, restriction, isStart, context)
      return distinct(types, bounds)
    }
    prefixes = appendValues<null>(prefixes, restriction, context)
  }
  return distinct(
    types,
    prefixes.map((prefix) => makeBound(prefix, isStart, true)),
  )
}

function distinct(types: readonly CqlType[], bounds: ClusteringBound[]): readonly ClusteringBound[] {
  if (bounds.length < 2) return bounds
  bounds.sort((a, b) => compareBounds(types, a, b))
  return bounds.filter((bound, i) => i === 0 || compareBounds(types, bounds[i - 1], bound) !== 0)
}

/** The slices that the restrictions leave of a partition, in order, apart and not empty. */
export function slicesOf(
  types: readonly CqlType[],
  restrictions: readonly Restriction[],
  context: ExecutionContext,
): readonly Slice[] {
  const starts = boundsOf(types, restrictions, true, context)
  const ends = boundsOf(types, restrictions, false, context)
  const slices: Slice[] = []
  for (let i = 0; i < starts.length && i < ends.length; i++) {
    if (compareBounds(types, starts[i], ends[i]) < 0) slices.push({ start: starts[i], end: ends[i] })
  }
  if (slices.length < 2) return slices
  slices.sort((a, b) => compareBounds(types, a.start, b.start))
  const merged: Slice[] = [slices[0]]
  for (const slice of slices) {
    const last = merged[merged.length - 1]
    if (compareBounds(types, slice.start, last.end) > 0) merged.push(slice)
    else if (compareBounds(types, slice.end, last.end) > 0)
      merged[merged.length - 1] = { start: last.start, end: slice.end }
  }
  return merged
}
