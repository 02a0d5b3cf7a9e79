/**
 * Tuples and user-defined types: each component with a 32-bit length, -1 for null; trailing components may be left
 * out (`TupleType`, `UserType`).
 */

import { readInt32, toHex, utf8Bytes, writeInt32 } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { maybeQuote } from './identifier.ts'
import { native } from './native.ts'
import {
  type Compare,
  type CqlType,
  MARSHAL_PACKAGE,
  type TupleType,
  type UserType,
  type Validate,
} from './type.ts'

/** `TupleType`; it has no frozen twin, because it is always one value. */
export function tupleType(types: readonly CqlType[]): TupleType {
  const className = `${MARSHAL_PACKAGE}TupleType(${types.map((type) => type.classNameUnfrozen).join(',')})`
  return {
    kind: 'tuple',
    cqlName: `frozen<tuple<${types.map((type) => type.cqlName).join(', ')}>>`,
    className,
    classNameUnfrozen: className,
    multiCell: false,
    fixedLength: -1,
    emptyAllowed: true,
    byteOrdered: false,
    types,
    validate: tupleValidator(types),
    compare: componentsComparator(types),
  }
}

/** `UserType`. */
export function userType(
  keyspace: string,
  name: string,
  fieldNames: readonly string[],
  fieldTypes: readonly CqlType[],
  multiCell: boolean,
): UserType {
  const classNameWith = (typeName: (type: CqlType) => string): string => {
    const fields = fieldTypes.map((type, i) => `,${toHex(utf8Bytes(fieldNames[i]))}:${typeName(type)}`)
    return `${MARSHAL_PACKAGE}UserType(${keyspace},${toHex(utf8Bytes(name))}${fields.join('')})`
  }
  const unfrozen = classNameWith((type) => type.classNameUnfrozen)
  const quoted = maybeQuote(name)
  return {
    kind: 'udt',
    cqlName: multiCell ? quoted : `frozen<${quoted}>`,
    className: multiCell
      ? classNameWith((type) => type.className)
      : `${MARSHAL_PACKAGE}FrozenType(${unfrozen})`,
    classNameUnfrozen: unfrozen,
    multiCell,
    fixedLength: -1,
    emptyAllowed: true,
    byteOrdered: false,
    keyspace,
    name,
    fieldNames,
    fieldTypes,
    nameComparator: native.smallint,
    validate: userTypeValidator(fieldNames, fieldTypes),
    compare: componentsComparator(fieldTypes),
  }
}

/** `TupleSerializer.validate`. */
function tupleValidator(types: readonly CqlType[]): Validate {
  return (bytes) => {
    let offset = 0
    for (let i = 0; i < types.length; i++) {
      if (offset === bytes.length) return
      if (bytes.length - offset < 4) {
        throw new MarshalError(`Not enough bytes to read size of ${i}th component`)
      }
      const length = readInt32(bytes, offset)
      offset += 4
      if (length < 0) continue
      if (bytes.length - offset < length) throw new MarshalError(`Not enough bytes to read ${i}th component`)
      types[i].validate(bytes.subarray(offset, offset + length))
      offset += length
    }
    if (offset !== bytes.length) throw new MarshalError('Invalid remaining data after end of tuple value')
  }
}

/** `UserTypeSerializer.validate`. */
function userTypeValidator(names: readonly string[], types: readonly CqlType[]): Validate {
  return (bytes) => {
    let offset = 0
    for (let i = 0; i < types.length; i++) {
      if (offset === bytes.length) return
      if (bytes.length - offset < 4) {
        throw new MarshalError(`Not enough bytes to read size of ${i}th field ${names[i]}`)
      }
      const length = readInt32(bytes, offset)
      offset += 4
      if (length < 0) continue
      if (bytes.length - offset < length) {
        throw new MarshalError(`Not enough bytes to read ${i}th field ${names[i]}`)
      }
      try {
        types[i].validate(bytes.subarray(offset, offset + length))
      } catch (error) {
        if (!(error instanceof MarshalError)) throw error
        throw new MarshalError(`Failure validating the ${i}th field ${names[i]}; ${error.message}`)
      }
      offset += length
    }
    if (offset !== bytes.length) throw new MarshalError('Invalid remaining data after end of UDT value')
  }
}

/** `TupleType.compareCustom`: nulls first; missing trailing components equal nulls. */
function componentsComparator(types: readonly CqlType[]): Compare {
  return (a, aOffset, aLength, b, bOffset, bLength) => {
    if (aLength === 0) return bLength === 0 ? 0 : -1
    if (bLength === 0) return 1
    const aEnd = aOffset + aLength
    const bEnd = bOffset + bLength
    let left = aOffset
    let right = bOffset
    for (let i = 0; i < types.length && left < aEnd && right < bEnd; i++) {
      const leftLength = readInt32(a, left)
      const rightLength = readInt32(b, right)
      left += 4
      right += 4
      if (leftLength < 0 || rightLength < 0) {
        if (leftLength < 0 && rightLength < 0) continue
        return leftLength < 0 ? -1 : 1
      }
      const order = types[i].compare(a, left, leftLength, b, right, rightLength)
      if (order !== 0) return order
      left += leftLength
      right += rightLength
    }
    const leftIsNull = onlyNulls(a, left, aEnd)
    const rightIsNull = onlyNulls(b, right, bEnd)
    if (leftIsNull && rightIsNull) return 0
    if (left >= aEnd) return rightIsNull ? 0 : -1
    return leftIsNull ? 0 : 1
  }
}

function onlyNulls(bytes: Uint8Array, start: number, end: number): boolean {
  for (let offset = start; offset < end; offset += 4) if (readInt32(bytes, offset) >= 0) return false
  return true
}

/** A serialized tuple or user type (`TupleType.buildValue`). */
export function packTuple(components: readonly (Uint8Array | null)[]): Uint8Array {
  let length = 0
  for (const component of components) length += 4 + (component === null ? 0 : component.length)
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const component of components) {
    writeInt32(bytes, offset, component === null ? -1 : component.length)
    offset += 4
    if (component === null) continue
    bytes.set(component, offset)
    offset += component.length
  }
  return bytes
}

/** The types of a tuple's components or a user type's fields. */
export function componentTypes(type: TupleType | UserType): readonly CqlType[] {
  return type.kind === 'tuple' ? type.types : type.fieldTypes
}

/** The components that the bytes hold, as views, possibly fewer than declared (`TupleType.split`). */
export function unpackTuple(type: TupleType | UserType, bytes: Uint8Array): (Uint8Array | null)[] {
  const count = componentTypes(type).length
  const components: (Uint8Array | null)[] = []
  let offset = 0
  for (let i = 0; i < count; i++) {
    if (offset === bytes.length) return components
    if (offset + 4 > bytes.length) throw new MarshalError(`Not enough bytes to read ${i}th component`)
    const length = readInt32(bytes, offset)
    offset += 4
    if (length < 0) {
      components.push(null)
      continue
    }
    if (offset + length > bytes.length) throw new MarshalError(`Not enough bytes to read ${i}th component`)
    components.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  if (offset < bytes.length) {
    const values = count === 1 ? 'value' : 'values'
    throw new MarshalError(`Expected ${count} ${values} for ${type.cqlName} column, but got more`)
  }
  return components
}

/**
 * The value that clients get of a multi-cell user type from its cells, whose paths are 16-bit field positions
 * (`UserType.serializeForNativeProtocol`).
 */
export function packUserTypeCells(
  type: UserType,
  cells: readonly { readonly path: Uint8Array; readonly value: Uint8Array }[],
): Uint8Array {
  const fields: (Uint8Array | null)[] = type.fieldTypes.map(() => null)
  for (const { path, value } of cells) fields[(path[0] << 8) | path[1]] = value
  return packTuple(fields)
}

/** The cell path of a field: its position in 16 bits. */
export function fieldPath(position: number): Uint8Array {
  return new Uint8Array([position >> 8, position])
}
