/** Types around and beside CQL's: reversed order, freezing, and the classes that CQL has no name for. */

import { readInt8, readUint16, utf8Text } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { listType, mapType, setType } from './collection.ts'
import { native } from './native.ts'
import { compareBytes, compareLexicalUuid } from './order.ts'
import { userType } from './tuple.ts'
import { type Compare, type CqlType, type CustomType, MARSHAL_PACKAGE, type ReversedType } from './type.ts'

/** `ReversedType.getInstance`: the order of a DESC clustering column. */
export function reversed(base: CqlType): ReversedType {
  const className = `${MARSHAL_PACKAGE}ReversedType(${base.className})`
  return {
    kind: 'reversed',
    cqlName: base.cqlName,
    className,
    classNameUnfrozen: className,
    multiCell: base.multiCell,
    fixedLength: base.fixedLength,
    // Cassandra's ReversedType leaves allowsEmpty at false, though its base may allow it.
    emptyAllowed: false,
    byteOrdered: false,
    base,
    validate: base.validate,
    compare: (a, aOffset, aLength, b, bOffset, bLength) =>
      base.compare(b, bOffset, bLength, a, aOffset, aLength),
  }
}

/** The type below any reversal (`AbstractType.unwrap`). */
export function unwrapReversed(type: CqlType): Exclude<CqlType, ReversedType> {
  let base = type
  while (base.kind === 'reversed') base = base.base
  return base
}

/** `AbstractType.freeze`: collections with all they hold; user types themselves; everything else is frozen already. */
export function freeze(type: CqlType): CqlType {
  if (!type.multiCell) return type
  switch (type.kind) {
    case 'list':
      return listType(freeze(type.elements), false)
    case 'set':
      return setType(freeze(type.elements), false)
    case 'map':
      return mapType(freeze(type.keys), freeze(type.values), false)
    case 'udt':
      return userType(type.keyspace, type.name, type.fieldNames, type.fieldTypes, false)
    default:
      return type
  }
}

/** `AbstractType.unfreeze`. */
export function unfreeze(type: CqlType): CqlType {
  if (type.multiCell) return type
  switch (type.kind) {
    case 'list':
      return listType(type.elements, true)
    case 'set':
      return setType(type.elements, true)
    case 'map':
      return mapType(type.keys, type.values, true)
    case 'udt':
      return userType(type.keyspace, type.name, type.fieldNames, type.fieldTypes, true)
    default:
      return type
  }
}

function custom(
  variant: CustomType['custom'],
  className: string,
  components: readonly CqlType[],
  compare: Compare,
  parts: Pick<CustomType, 'fixedLength' | 'emptyAllowed' | 'validate'>,
): CustomType {
  return {
    kind: 'custom',
    custom: variant,
    cqlName: `'${className}'`,
    className,
    classNameUnfrozen: className,
    multiCell: false,
    byteOrdered: compare === compareBytes,
    components,
    compare,
    ...parts,
  }
}

/** `LexicalUUIDType`. */
export const lexicalUuid: CustomType = custom(
  'lexicalUuid',
  `${MARSHAL_PACKAGE}LexicalUUIDType`,
  [],
  compareLexicalUuid,
  {
    fixedLength: 16,
    emptyAllowed: true,
    validate: native.uuid.validate,
  },
)

/** Marks a static name at the start of a composite. */
const STATIC_MARKER = 0xffff

/**
 * `CompositeType`: for each component a 16-bit length, the value and an end-of-component byte. A partition key of
 * several columns is one.
 */
export function compositeType(components: readonly CqlType[]): CustomType {
  const className = `${MARSHAL_PACKAGE}CompositeType(${components.map((type) => type.className).join(',')})`
  const compare: Compare = (a, aOffset, aLength, b, bOffset, bLength) =>
    compareComposites(a, aOffset, aLength, b, bOffset, bLength, (i) => ({ type: components[i], size: 0 }))
  return custom('composite', className, components, compare, {
    fixedLength: -1,
    emptyAllowed: true,
    validate: (bytes) => {
      validateComposite(bytes, (i) => {
        if (i >= components.length) throw new MarshalError('Too many bytes for comparator')
        return { type: components[i], size: 0 }
      })
    },
  })
}

/** Type of a component and the bytes that name it in front of it. */
interface ComponentType {
  readonly type: CqlType
  readonly size: number
}

/** `DynamicCompositeType`: each component names its type, by alias or by class. `parse` reads a class name. */
export function dynamicCompositeType(
  aliases: ReadonlyMap<string, CqlType>,
  parse: (className: string) => CqlType,
): CustomType {
  const entries = [...aliases].map(([alias, type]) => `${alias}=>${type.className}`)
  const className = `${MARSHAL_PACKAGE}DynamicCompositeType(${entries.join(',')})`
  const componentAt = (i: number, bytes: Uint8Array, offset: number, end: number): ComponentType => {
    if (end - offset < 2) {
      throw new MarshalError(`Not enough bytes to header of the comparator part of component ${i}`)
    }
    const header = readUint16(bytes, offset)
    if ((header & 0x8000) !== 0) {
      const type = aliases.get(String.fromCharCode(header & 0xff))
      if (type === undefined) throw new MarshalError(`Cannot find comparator for component ${i}`)
      return { type, size: 2 }
    }
    if (end - offset - 2 < header) {
      throw new MarshalError(`Not enough bytes to read comparator name of component ${i}`)
    }
    return { type: parse(utf8Text(bytes.subarray(offset + 2, offset + 2 + header))), size: 2 + header }
  }
  const compare: Compare = (a, aOffset, aLength, b, bOffset, bLength) =>
    compareComposites(a, aOffset, aLength, b, bOffset, bLength, componentAt)
  return custom('dynamicComposite', className, [...aliases.values()], compare, {
    fixedLength: -1,
    emptyAllowed: true,
    validate: (bytes) => validateComposite(bytes, componentAt),
  })
}

/** `PartitionerDefinedOrder`, the order of old indexes' partition keys; compared by `compareKeys`, or as bytes. */
export function partitionerDefinedOrder(parameters: string, compareKeys: Compare = compareBytes): CustomType {
  const className = `${MARSHAL_PACKAGE}PartitionerDefinedOrder${parameters}`
  return custom('partitionerDefinedOrder', className, [], compareKeys, {
    fixedLength: -1,
    emptyAllowed: false,
    validate: () => {
      throw new Error("You shouldn't be validating this.")
    },
  })
}

type ComponentAt = (i: number, bytes: Uint8Array, offset: number, end: number) => ComponentType

function isStatic(bytes: Uint8Array, offset: number, length: number): boolean {
  return length >= 2 && readUint16(bytes, offset) === STATIC_MARKER
}

/** `AbstractCompositeType.compareCustom`; a dynamic composite compares components of different classes by name. */
function compareComposites(
  a: Uint8Array,
  aOffset: number,
  aLength: number,
  b: Uint8Array,
  bOffset: number,
  bLength: number,
  componentAt: ComponentAt,
): number {
  if (aLength === 0) return bLength === 0 ? 0 : -1
  if (bLength === 0) return 1
  const aStatic = isStatic(a, aOffset, aLength)
  if (aStatic !== isStatic(b, bOffset, bLength)) return aStatic ? -1 : 1
  const aEnd = aOffset + aLength
  const bEnd = bOffset + bLength
  let left = aOffset + (aStatic ? 2 : 0)
  let right = bOffset + (aStatic ? 2 : 0)
  for (let i = 0; left < aEnd && right < bEnd; i++) {
    const leftType = componentAt(i, a, left, aEnd)
    const rightType = componentAt(i, b, right, bEnd)
    if (leftType.type !== rightType.type && leftType.type.className !== rightType.type.className) {
      return compareTypeNames(leftType.type, rightType.type)
    }
    left += leftType.size
    right += rightType.size
    const leftLength = readUint16(a, left)
    const rightLength = readUint16(b, right)
    const order = leftType.type.compare(a, left + 2, leftLength, b, right + 2, rightLength)
    if (order !== 0) return order
    left += 2 + leftLength
    right += 2 + rightLength
    const endOrder = readInt8(a, left++) - readInt8(b, right++)
    if (endOrder !== 0) return endOrder
  }
  if (left === aEnd) return right === bEnd ? 0 : -1
  return 1
}

/** `DynamicCompositeType.getComparator`: by simple class name, then by full name. */
function compareTypeNames(a: CqlType, b: CqlType): number {
  const left = unwrapReversed(a).className
  const right = unwrapReversed(b).className
  return left < right ? -1 : left > right ? 1 : a.kind === 'reversed' ? -1 : 1
}

/** `AbstractCompositeType.validate`. */
function validateComposite(bytes: Uint8Array, componentAt: ComponentAt): void {
  let offset = isStatic(bytes, 0, bytes.length) ? 2 : 0
  for (let i = 0; offset < bytes.length; i++) {
    const { type, size } = componentAt(i, bytes, offset, bytes.length)
    offset += size
    if (bytes.length - offset < 2)
      throw new MarshalError(`Not enough bytes to read value size of component ${i}`)
    const length = readUint16(bytes, offset)
    offset += 2
    if (bytes.length - offset < length)
      throw new MarshalError(`Not enough bytes to read value of component ${i}`)
    type.validate(bytes.subarray(offset, offset + length))
    offset += length
    if (offset === bytes.length) {
      throw new MarshalError(`Not enough bytes to read the end-of-component byte of component${i}`)
    }
    if (bytes[offset++] !== 0 && offset !== bytes.length) {
      throw new MarshalError(`Invalid bytes remaining after an end-of-component at component${i}`)
    }
  }
}

/** Joins values to a composite, as the partition key of several columns is (`CompositeType.build`). */
export function packComposite(values: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const value of values) length += 3 + value.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const value of values) {
    bytes[offset] = value.length >> 8
    bytes[offset + 1] = value.length
    bytes.set(value, offset + 2)
    offset += 3 + value.length
  }
  return bytes
}

/** The values of a composite, as views (`CompositeType.split`). */
export function unpackComposite(bytes: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = []
  let offset = isStatic(bytes, 0, bytes.length) ? 2 : 0
  while (offset + 2 <= bytes.length) {
    const length = readUint16(bytes, offset)
    values.push(bytes.subarray(offset + 2, offset + 2 + length))
    offset += 3 + length
  }
  return values
}
