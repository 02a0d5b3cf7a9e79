import { EMPTY_BYTES } from '../../common/bytes.ts'
import { type ClusteringBound, NULL_COMPONENT } from '../../model/clustering.ts'
import type { Words } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import type { MergeBuffer } from '../row-merge.ts'
import type { ByteSink } from './byte-sink.ts'
import type { FileCursor } from './file-cursor.ts'

/**
 * Clusterings and bounds as SSTables have them (`ClusteringPrefix.Serializer`): for each 32 components a vint with two
 * bits a component, which say empty and null, then the components that are neither; those of a type whose length varies
 * with their length as a vint before them.
 */

/** Kinds of clustering prefixes, by the byte that stands for them (`ClusteringPrefix.Kind`). */
export const KIND_EXCL_END = 0
export const KIND_INCL_START = 1
export const KIND_EXCL_END_INCL_START = 2
export const KIND_CLUSTERING = 4
export const KIND_INCL_END_EXCL_START = 5
export const KIND_INCL_END = 6
export const KIND_EXCL_START = 7

const COMPONENTS_A_HEADER = 32

/** Bits of component `i` in the header last read by `vint64`: 1 empty, 2 null. */
function bitsOf(hi: number, lo: number, i: number): number {
  const shift = (i % COMPONENTS_A_HEADER) * 2
  return (shift < 32 ? lo >>> shift : hi >>> (shift - 32)) & 3
}

/** Reads a clustering into `out` from word `at` on, as rows have it; returns the word behind it. */
export function readClusteringWords(
  cursor: FileCursor,
  types: readonly CqlType[],
  out: MergeBuffer,
  at: number,
): number {
  let hi = 0
  let lo = 0
  for (let i = 0; i < types.length; i++) {
    if (i % COMPONENTS_A_HEADER === 0) {
      cursor.vint64()
      hi = cursor.hi
      lo = cursor.lo
    }
    const bits = bitsOf(hi, lo, i)
    if (bits !== 0) {
      out.ensure(at + 8)
      out.i32[at++] = bits === 1 ? 0 : -1
      continue
    }
    const fixed = types[i]!.fixedLength
    const length = fixed >= 0 ? fixed : cursor.valueLength()
    at = readBytes(cursor, length, out, at)
  }
  return at
}

/**
 * Passes a clustering and says where it stands to a bound, as `compareRowToBound` would of the row: negative before,
 * positive after.
 */
export function compareClusteringToBound(
  cursor: FileCursor,
  types: readonly CqlType[],
  { components, side }: ClusteringBound,
): number {
  let order = 0
  let hi = 0
  let lo = 0
  for (let i = 0; i < types.length; i++) {
    if (i % COMPONENTS_A_HEADER === 0) {
      cursor.vint64()
      hi = cursor.hi
      lo = cursor.lo
    }
    const type = types[i]!
    const bits = bitsOf(hi, lo, i)
    let length = 0
    if (bits === 0) length = type.fixedLength >= 0 ? type.fixedLength : cursor.valueLength()
    cursor.take(length)
    if (order !== 0 || i >= components.length) continue
    const component = components[i]!
    if (component === NULL_COMPONENT) order = bits > 1 ? 0 : 1
    else if (bits > 1) order = -1
    else order = type.compare(cursor.taken, cursor.takenAt, length, component, 0, component.length)
  }
  if (order !== 0) return order
  return side === 0 ? 1 : -1
}

/** Reads a length and as many bytes, padded with zeros to whole words; returns the word behind. */
export function readBytes(cursor: FileCursor, length: number, out: MergeBuffer, at: number): number {
  const end = copyBytes(cursor, length, out, at + 1)
  out.i32[at] = length
  return end
}

/** The bytes without the length before them. Makes room, for a few words behind them too, once it has seen them. */
export function copyBytes(cursor: FileCursor, length: number, out: MergeBuffer, at: number): number {
  const words = (length + 3) >>> 2
  cursor.take(length)
  out.ensure(at + words + 8)
  if (length === 0) return at
  const { taken, takenAt } = cursor
  out.i32[at + words - 1] = 0
  const { u8 } = out
  const from = at << 2
  if (length <= 48) for (let i = 0; i < length; i++) u8[from + i] = taken[takenAt + i]!
  else u8.set(taken.subarray(takenAt, takenAt + length), from)
  return at + words
}

/** Side of a bound by its kind: before (0) or after (1) the rows that begin with its components. */
export function sideOf(kind: number): 0 | 1 {
  return kind === KIND_INCL_START || kind === KIND_EXCL_END || kind === KIND_EXCL_END_INCL_START ? 0 : 1
}

/** Reads the number of components of a bound and these (`ClusteringBoundOrBoundary.Serializer.deserializeValues`). */
export function readBound(cursor: FileCursor, types: readonly CqlType[], kind: number): ClusteringBound {
  const count = cursor.uint16()
  if (count > types.length) throw cursor.corrupt(`a bound of ${count} components`)
  return { components: readComponents(cursor, types, count), side: sideOf(kind) }
}

/** Reads the components of a prefix; null ones become empty. */
export function readComponents(cursor: FileCursor, types: readonly CqlType[], count: number): Uint8Array[] {
  const components: Uint8Array[] = []
  let hi = 0
  let lo = 0
  for (let i = 0; i < count; i++) {
    if (i % COMPONENTS_A_HEADER === 0) {
      cursor.vint64()
      hi = cursor.hi
      lo = cursor.lo
    }
    if (bitsOf(hi, lo, i) !== 0) {
      components.push(EMPTY_BYTES)
      continue
    }
    const fixed = types[i]!.fixedLength
    components.push(cursor.copy(fixed >= 0 ? fixed : cursor.valueLength()))
  }
  return components
}

/** Writes the clustering at word `at` of a row. */
export function writeClusteringWords(
  out: ByteSink,
  types: readonly CqlType[],
  { i32, u8 }: Words,
  at: number,
): void {
  let p = at
  for (let i = 0; i < types.length; i++) {
    if (i % COMPONENTS_A_HEADER === 0) {
      let hi = 0
      let lo = 0
      for (let j = i, q = p; j < Math.min(types.length, i + COMPONENTS_A_HEADER); j++) {
        const length = i32[q]!
        const bits = length < 0 ? 2 : length === 0 ? 1 : 0
        const shift = (j % COMPONENTS_A_HEADER) * 2
        if (shift < 32) lo |= bits << shift
        else hi |= bits << (shift - 32)
        q += 1 + (Math.max(0, length + 3) >>> 2)
      }
      out.vint64(hi, lo)
    }
    const length = i32[p++]!
    if (length <= 0) continue
    if (types[i]!.fixedLength < 0) out.vint(length)
    out.bytes(u8, p << 2, length)
    p += (length + 3) >>> 2
  }
}

/** Writes the components of a bound, none of them null. */
export function writeComponents(
  out: ByteSink,
  types: readonly CqlType[],
  components: readonly Uint8Array[],
): void {
  for (let from = 0; from < components.length; from += COMPONENTS_A_HEADER) {
    const part = components.slice(from, from + COMPONENTS_A_HEADER)
    let hi = 0
    let lo = 0
    part.forEach((component, j) => {
      if (component.length > 0) return
      if (j < 16) lo |= 1 << (j * 2)
      else hi |= 1 << (j * 2 - 32)
    })
    out.vint64(hi, lo)
    part.forEach((component, j) => {
      if (component.length === 0) return
      if (types[from + j]!.fixedLength < 0) out.vint(component.length)
      out.bytes(component, 0, component.length)
    })
  }
}
