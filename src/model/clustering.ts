import type { CqlType } from '../types/index.ts'
import { clusteringAt, type Words } from './row-format.ts'
import type { TableMetadata } from './table.ts'

/**
 * A place between rows: before (side 0) or after (side 1) all rows whose clustering begins with `components`
 * (`ClusteringBound`). An inclusive start and an exclusive end stand before; the others after.
 */
export interface ClusteringBound {
  readonly components: readonly Uint8Array[]
  readonly side: 0 | 1
}

/** Before all rows of a partition, and after them. */
export const BOTTOM: ClusteringBound = { components: [], side: 0 }
export const TOP: ClusteringBound = { components: [], side: 1 }

/** A range of rows of a partition, in clustering order (`Slice`). */
export interface Slice {
  readonly start: ClusteringBound
  readonly end: ClusteringBound
}

export const ALL_ROWS: readonly Slice[] = [{ start: BOTTOM, end: TOP }]

/** The comparators of a table's clustering columns. */
export function clusteringTypes(table: TableMetadata): readonly CqlType[] {
  return table.clusterings.map((column) => column.type)
}

/**
 * Stands for a component that a row does not have: only tables made WITH COMPACT STORAGE and several clustering columns
 * have such rows, and only at their clusterings' ends. Nulls come before all values, in descending columns too.
 */
export const NULL_COMPONENT = new Uint8Array(0)

/** Order of the clusterings at word `a` of `x` and word `b` of `y`; both have `types.length` components. */
export function compareClusterings(
  types: readonly CqlType[],
  x: Words,
  a: number,
  y: Words,
  b: number,
): number {
  const X = x.i32
  const Y = y.i32
  for (let i = 0; i < types.length; i++) {
    const aLength = X[a]!
    const bLength = Y[b]!
    a++
    b++
    if (aLength < 0 || bLength < 0) {
      if (aLength !== bLength) return aLength < 0 ? -1 : 1
      continue
    }
    const order = types[i]!.compare(x.u8, a << 2, aLength, y.u8, b << 2, bLength)
    if (order !== 0) return order
    a += (aLength + 3) >>> 2
    b += (bLength + 3) >>> 2
  }
  return 0
}

/** Order of the rows at words `a` and `b`. */
export function compareRows(types: readonly CqlType[], x: Words, a: number, y: Words, b: number): number {
  return compareClusterings(types, x, clusteringAt(x.i32, a), y, clusteringAt(y.i32, b))
}

/** Negative when the row at word `at` comes before the bound, positive when after; never 0. */
export function compareRowToBound(
  types: readonly CqlType[],
  row: Words,
  at: number,
  bound: ClusteringBound,
): number {
  let p = clusteringAt(row.i32, at)
  for (let i = 0; i < bound.components.length; i++) {
    const length = row.i32[p]!
    p++
    const component = bound.components[i]!
    if (length < 0) {
      if (component !== NULL_COMPONENT) return -1
      continue
    }
    if (component === NULL_COMPONENT) return 1
    const order = types[i]!.compare(row.u8, p << 2, length, component, 0, component.length)
    if (order !== 0) return order
    p += (length + 3) >>> 2
  }
  return bound.side === 0 ? 1 : -1
}

/** Order of two bounds; 0 only for the same place. */
export function compareBounds(types: readonly CqlType[], a: ClusteringBound, b: ClusteringBound): number {
  const shared = Math.min(a.components.length, b.components.length)
  for (let i = 0; i < shared; i++) {
    const x = a.components[i]!
    const y = b.components[i]!
    if (x === NULL_COMPONENT || y === NULL_COMPONENT) {
      if (x !== y) return x === NULL_COMPONENT ? -1 : 1
      continue
    }
    const order = types[i]!.compare(x, 0, x.length, y, 0, y.length)
    if (order !== 0) return order
  }
  if (a.components.length === b.components.length) return a.side - b.side
  // The shorter one stands before or after all that begins like it, the longer one among these.
  if (a.components.length < b.components.length) return a.side === 0 ? -1 : 1
  return b.side === 0 ? 1 : -1
}

/** Copies of the components of the clustering at word `at` (null ones are NULL_COMPONENT). */
export function readClustering(words: Words, at: number, count: number): Uint8Array[] {
  const components: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const length = words.i32[at]!
    at++
    if (length < 0) {
      components.push(NULL_COMPONENT)
      continue
    }
    components.push(words.u8.slice(at << 2, (at << 2) + length))
    at += (length + 3) >>> 2
  }
  return components
}
