/**
 * Lists, sets and maps: an element count, then each element with its length, all 32-bit big-endian; length -1 is null
 * (`CollectionSerializer`).
 */

import { EMPTY_BYTES, int32Bytes, readInt32, writeInt32 } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { native } from './native.ts'
import {
  type CollectionType,
  type Compare,
  type CqlType,
  type ListType,
  MARSHAL_PACKAGE,
  type MapType,
  type SetType,
  type Validate,
} from './type.ts'

interface CollectionNames {
  readonly cqlName: string
  readonly className: string
  readonly classNameUnfrozen: string
}

function namesOf(
  cql: string,
  simpleClass: string,
  parameters: readonly CqlType[],
  multiCell: boolean,
): CollectionNames {
  const inner = `${cql}<${parameters.map((type) => type.cqlName).join(', ')}>`
  const unfrozen = `${MARSHAL_PACKAGE}${simpleClass}(${parameters.map((type) => type.classNameUnfrozen).join(',')})`
  if (!multiCell) {
    return {
      cqlName: `frozen<${inner}>`,
      className: `${MARSHAL_PACKAGE}FrozenType(${unfrozen})`,
      classNameUnfrozen: unfrozen,
    }
  }
  const className = `${MARSHAL_PACKAGE}${simpleClass}(${parameters.map((type) => type.className).join(',')})`
  return { cqlName: inner, className, classNameUnfrozen: unfrozen }
}

/** `ListType.getInstance`. */
export function listType(elements: CqlType, multiCell: boolean): ListType {
  return {
    kind: 'list',
    ...namesOf('list', 'ListType', [elements], multiCell),
    multiCell,
    fixedLength: -1,
    emptyAllowed: false,
    byteOrdered: false,
    elements,
    nameComparator: native.timeuuid,
    cellValueType: elements,
    validate: elementsValidator('list', [elements]),
    compare: elementsComparator([elements]),
  }
}

/** `SetType.getInstance`. */
export function setType(elements: CqlType, multiCell: boolean): SetType {
  return {
    kind: 'set',
    ...namesOf('set', 'SetType', [elements], multiCell),
    multiCell,
    fixedLength: -1,
    emptyAllowed: false,
    byteOrdered: false,
    elements,
    nameComparator: elements,
    cellValueType: native.empty,
    validate: elementsValidator('set', [elements]),
    compare: elementsComparator([elements]),
  }
}

/** `MapType.getInstance`. */
export function mapType(keys: CqlType, values: CqlType, multiCell: boolean): MapType {
  return {
    kind: 'map',
    ...namesOf('map', 'MapType', [keys, values], multiCell),
    multiCell,
    fixedLength: -1,
    emptyAllowed: false,
    byteOrdered: false,
    keys,
    values,
    nameComparator: keys,
    cellValueType: values,
    validate: elementsValidator('map', [keys, values]),
    compare: elementsComparator([keys, values]),
  }
}

/** Validates `n` groups of values of the given types: one for a list or set, key and value for a map. */
function elementsValidator(name: string, types: readonly CqlType[]): Validate {
  return (bytes) => {
    const reader = new ElementReader(bytes, name)
    const count = reader.count()
    for (let i = 0; i < count; i++) {
      for (const type of types) {
        const value = reader.next()
        if (value === null) throw new MarshalError('Null value read when not allowed')
        type.validate(value)
      }
    }
    reader.finish()
  }
}

/** `CollectionType.compareListOrSet` and `MapType.compareMaps`: element by element, then by count. */
function elementsComparator(types: readonly CqlType[]): Compare {
  return (a, aOffset, aLength, b, bOffset, bLength) => {
    if (aLength === 0) return bLength === 0 ? 0 : -1
    if (bLength === 0) return 1
    const aCount = readInt32(a, aOffset)
    const bCount = readInt32(b, bOffset)
    const common = Math.min(aCount, bCount)
    let left = aOffset + 4
    let right = bOffset + 4
    for (let i = 0; i < common; i++) {
      for (const type of types) {
        const leftLength = Math.max(0, readInt32(a, left))
        const rightLength = Math.max(0, readInt32(b, right))
        const order = type.compare(a, left + 4, leftLength, b, right + 4, rightLength)
        if (order !== 0) return order
        left += 4 + leftLength
        right += 4 + rightLength
      }
    }
    return aCount < bCount ? -1 : aCount > bCount ? 1 : 0
  }
}

/** Reads one element after the other and complains as Cassandra does. */
class ElementReader {
  readonly bytes: Uint8Array
  readonly name: string
  offset = 0

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes
    this.name = name
  }

  count(): number {
    return this.#int()
  }

  next(): Uint8Array | null {
    const length = this.#int()
    if (length < 0) return null
    const end = this.offset + length
    if (end > this.bytes.length) throw this.#underflow()
    const value = this.bytes.subarray(this.offset, end)
    this.offset = end
    return value
  }

  finish(): void {
    if (this.offset !== this.bytes.length) {
      throw new MarshalError(`Unexpected extraneous bytes after ${this.name} value`)
    }
  }

  #int(): number {
    if (this.offset + 4 > this.bytes.length) throw this.#underflow()
    const value = readInt32(this.bytes, this.offset)
    this.offset += 4
    return value
  }

  #underflow(): MarshalError {
    return new MarshalError(`Not enough bytes to read a ${this.name}`)
  }
}

/** Serializes `count` elements or, for a map, pairs (`CollectionSerializer.pack`). */
function pack(values: readonly (Uint8Array | null)[], count: number): Uint8Array {
  let length = 4
  for (const value of values) length += 4 + (value === null ? 0 : value.length)
  const bytes = new Uint8Array(length)
  writeInt32(bytes, 0, count)
  let offset = 4
  for (const value of values) {
    writeInt32(bytes, offset, value === null ? -1 : value.length)
    offset += 4
    if (value === null) continue
    bytes.set(value, offset)
    offset += value.length
  }
  return bytes
}

/** A serialized list; null elements only exist in values of IN. */
export function packList(elements: readonly (Uint8Array | null)[]): Uint8Array {
  return pack(elements, elements.length)
}

/** A serialized map of entries in the order given. */
export function packMap(entries: readonly (readonly [Uint8Array, Uint8Array | null])[]): Uint8Array {
  return pack(entries.flat(), entries.length)
}

/** Order of two whole values. */
export function compareValues(type: CqlType, a: Uint8Array, b: Uint8Array): number {
  return type.compare(a, 0, a.length, b, 0, b.length)
}

/** Elements of a set in its order, equal ones once (the first stays, as in a TreeSet). */
export function sortSetElements(type: SetType, elements: readonly Uint8Array[]): Uint8Array[] {
  const sorted = [...elements].sort((a, b) => compareValues(type.elements, a, b))
  return sorted.filter((element, i) => i === 0 || compareValues(type.elements, sorted[i - 1], element) !== 0)
}

/** A serialized set, sorted and without duplicates. */
export function packSet(type: SetType, elements: readonly Uint8Array[]): Uint8Array {
  const sorted = sortSetElements(type, elements)
  return pack(sorted, sorted.length)
}

/** Entries of a map in the order of its keys; of equal keys the last value counts (as in a TreeMap). */
export function sortMapEntries<V>(
  type: MapType,
  entries: readonly (readonly [Uint8Array, V])[],
): [Uint8Array, V][] {
  const sorted = [...entries].sort((a, b) => compareValues(type.keys, a[0], b[0]))
  const result: [Uint8Array, V][] = []
  for (const [key, value] of sorted) {
    const last = result.at(-1)
    if (last !== undefined && compareValues(type.keys, last[0], key) === 0) last[1] = value
    else result.push([key, value])
  }
  return result
}

/** A serialized map, sorted by key and without duplicate keys. */
export function packMapSorted(
  type: MapType,
  entries: readonly (readonly [Uint8Array, Uint8Array | null])[],
): Uint8Array {
  return packMap(sortMapEntries(type, entries))
}

/** Elements of a serialized list or set, as views into it. `name` is the collection's kind in error texts. */
export function unpackElements(bytes: Uint8Array, name: 'list' | 'set' = 'list'): (Uint8Array | null)[] {
  const reader = new ElementReader(bytes, name)
  const count = reader.count()
  if (count < 0) throw new MarshalError(`The data cannot be deserialized as a ${name}`)
  const elements: (Uint8Array | null)[] = []
  for (let i = 0; i < count; i++) elements.push(reader.next())
  reader.finish()
  return elements
}

/** Elements of a serialized list; null elements are possible in values of IN. */
export function unpackList(bytes: Uint8Array): (Uint8Array | null)[] {
  return unpackElements(bytes, 'list')
}

/** Elements of a serialized set. */
export function unpackSet(bytes: Uint8Array): Uint8Array[] {
  return unpackElements(bytes, 'set').map((element) => element ?? nullElement())
}

/** Entries of a serialized map. */
export function unpackMap(bytes: Uint8Array): [Uint8Array, Uint8Array][] {
  const reader = new ElementReader(bytes, 'map')
  const count = reader.count()
  if (count < 0) throw new MarshalError('The data cannot be deserialized as a map')
  const entries: [Uint8Array, Uint8Array][] = []
  for (let i = 0; i < count; i++) {
    const key = reader.next() ?? nullElement()
    entries.push([key, reader.next() ?? nullElement()])
  }
  reader.finish()
  return entries
}

function nullElement(): never {
  throw new MarshalError('Null value read when not allowed')
}

/** Number of elements that a serialized collection says it has. */
export function collectionSize(bytes: Uint8Array): number {
  return readInt32(bytes, 0)
}

/**
 * The value that clients get of a multi-cell collection, from its cells' paths and values in order
 * (`CollectionType.serializeForNativeProtocol`).
 */
export function packCells(
  type: CollectionType,
  cells: readonly { readonly path: Uint8Array; readonly value: Uint8Array }[],
): Uint8Array {
  switch (type.kind) {
    case 'list':
      return packList(cells.map((cell) => cell.value))
    case 'set':
      return packList(cells.map((cell) => cell.path))
    case 'map':
      return packMap(cells.map((cell) => [cell.path, cell.value]))
  }
}

/** A collection without elements: a null in CQL when it is multi-cell, four zero bytes when frozen. */
export const EMPTY_COLLECTION: Uint8Array = int32Bytes(0)

/** The value of a set's cell. */
export const SET_CELL_VALUE: Uint8Array = EMPTY_BYTES
