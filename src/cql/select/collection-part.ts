import { readInt32, writeInt32 } from '../../common/bytes.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import { type CqlType, type MapType, type SetType, unpackMap, unpackSet } from '../../types/index.ts'

/** Parts of sets and maps: one element by its key, or those between two. */

function keyType(type: SetType | MapType): CqlType {
  return type.kind === 'map' ? type.keys : type.elements
}

/** The element of a collection that has a cell for each: a view of the row, or null. */
export function elementCell(
  type: SetType | MapType,
  column: ColumnMetadata,
  key: Uint8Array,
  live: LiveRow,
): Uint8Array | null {
  const keys = keyType(type)
  const { cell } = live
  live.complex(column.id)
  while (live.nextCell()) {
    const order = keys.compare(live.u8, cell.pathOffset, cell.pathLength, key, 0, key.length)
    if (order > 0) return null
    if (order < 0) continue
    return type.kind === 'map'
      ? live.u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)
      : live.u8.subarray(cell.pathOffset, cell.pathOffset + cell.pathLength)
  }
  return null
}

/** The element of a serialized collection: a map's value or a set's own, as a view; null when it has none. */
export function elementOf(
  type: SetType | MapType,
  collection: Uint8Array,
  key: Uint8Array,
): Uint8Array | null {
  const keys = keyType(type)
  const count = readInt32(collection, 0)
  let at = 4
  for (let i = 0; i < count; i++) {
    const length = Math.max(0, readInt32(collection, at))
    const order = keys.compare(collection, at + 4, length, key, 0, key.length)
    if (order > 0) return null
    const valueAt = type.kind === 'map' ? at + 4 + length : at
    const valueLength = Math.max(0, readInt32(collection, valueAt))
    if (order === 0) return collection.subarray(valueAt + 4, valueAt + 4 + valueLength)
    at = valueAt + 4 + valueLength
  }
  return null
}

/** What of a serialized collection stands between two keys, both included; null bounds leave it open. */
export function sliceOf(
  type: SetType | MapType,
  collection: Uint8Array,
  from: Uint8Array | null,
  to: Uint8Array | null,
): Uint8Array | null {
  if (from === null && to === null) return collection
  const keys = keyType(type)
  const total = readInt32(collection, 0)
  let at = 4
  let start = -1
  let end = 4
  let count = 0
  for (let i = 0; i < total; i++) {
    const length = Math.max(0, readInt32(collection, at))
    if (to !== null && keys.compare(collection, at + 4, length, to, 0, to.length) > 0) break
    const isIn = from === null || keys.compare(collection, at + 4, length, from, 0, from.length) >= 0
    if (isIn && start < 0) start = at
    at += 4 + length
    if (type.kind === 'map') at += 4 + Math.max(0, readInt32(collection, at))
    if (isIn) {
      count++
      end = at
    }
  }
  // Of a collection that is not frozen, nothing is null.
  if (count === 0 && type.multiCell) return null
  const part = new Uint8Array(4 + (count === 0 ? 0 : end - start))
  writeInt32(part, 0, count)
  if (count > 0) part.set(collection.subarray(start, end), 4)
  return part
}

function keysOf(type: SetType | MapType, collection: Uint8Array): readonly Uint8Array[] {
  return type.kind === 'map' ? unpackMap(collection).map(([key]) => key) : unpackSet(collection)
}

function compareKeys(type: SetType | MapType, a: Uint8Array, b: Uint8Array): number {
  return keyType(type).compare(a, 0, a.length, b, 0, b.length)
}

/** The place of an element of a serialized collection, or -1. */
export function indexOfKey(type: SetType | MapType, collection: Uint8Array, key: Uint8Array): number {
  return keysOf(type, collection).findIndex((candidate) => compareKeys(type, candidate, key) === 0)
}

/** The places of the elements between two keys: the first, and that behind the last. */
export function indexRange(
  type: SetType | MapType,
  collection: Uint8Array,
  from: Uint8Array | null,
  to: Uint8Array | null,
): readonly [number, number] {
  const keys = keysOf(type, collection)
  const start = from === null ? 0 : keys.findIndex((key) => compareKeys(type, key, from) >= 0)
  const end = to === null ? -1 : keys.findIndex((key) => compareKeys(type, key, to) > 0)
  return [start < 0 ? keys.length : start, end < 0 ? keys.length : end]
}
