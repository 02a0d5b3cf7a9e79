/**
 * `vector<T, n>`: elements of a fixed length stand one after the other, others have their length as an unsigned vint
 * before them (`VectorType.FixedLengthSerializer`, `VariableLengthSerializer`).
 */

import { toHex } from '../common/bytes.ts'
import { InvalidRequestError, MarshalError } from '../common/errors.ts'
import { readUnsignedVint, unsignedVintSize, vintLength, writeUnsignedVint } from '../common/varint.ts'
import { compareBytes } from './order.ts'
import { type Compare, type CqlType, MARSHAL_PACKAGE, type Validate, type VectorType } from './type.ts'

/** `VectorType.getInstance`. */
export function vectorType(elements: CqlType, dimension: number): VectorType {
  if (dimension <= 0) {
    throw new InvalidRequestError(`vectors may only have positive dimensions; given ${dimension}`)
  }
  const cqlName = `vector<${elements.cqlName}, ${dimension}>`
  const fixed = elements.fixedLength !== -1
  return {
    kind: 'vector',
    cqlName,
    className: `${MARSHAL_PACKAGE}VectorType(${elements.className} , ${dimension})`,
    classNameUnfrozen: `${MARSHAL_PACKAGE}VectorType(${elements.classNameUnfrozen} , ${dimension})`,
    multiCell: false,
    fixedLength: fixed ? elements.fixedLength * dimension : -1,
    emptyAllowed: false,
    byteOrdered: false,
    elements,
    dimension,
    validate: fixed
      ? fixedValidator(elements, dimension, cqlName)
      : variableValidator(elements, dimension, cqlName),
    compare: fixed ? fixedComparator(elements, dimension) : variableComparator(elements, dimension),
  }
}

function rejectEmpty(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new MarshalError('Invalid empty vector value')
}

function checkConsumed(bytes: Uint8Array, offset: number, cqlName: string): void {
  const rest = bytes.length - offset
  if (rest > 0) throw new MarshalError(`Unexpected ${rest} extraneous bytes after ${cqlName} value`)
}

function fixedValidator(elements: CqlType, dimension: number, cqlName: string): Validate {
  const size = elements.fixedLength
  return (bytes) => {
    rejectEmpty(bytes)
    if (bytes.length < size * dimension) throw new MarshalError(`Not enough bytes to read a ${cqlName}`)
    for (let i = 0; i < dimension; i++) elements.validate(bytes.subarray(i * size, (i + 1) * size))
    checkConsumed(bytes, size * dimension, cqlName)
  }
}

function variableValidator(elements: CqlType, dimension: number, cqlName: string): Validate {
  return (bytes) => {
    rejectEmpty(bytes)
    let offset = 0
    for (let i = 0; i < dimension; i++) {
      const element = readElement(bytes, offset)
      if (element === undefined) throw new MarshalError(`Not enough bytes to read a ${cqlName}`)
      elements.validate(element.value)
      offset = element.end
    }
    checkConsumed(bytes, offset, cqlName)
  }
}

/** The element with its vint length at `offset`; undefined when the bytes end too soon. */
function readElement(bytes: Uint8Array, offset: number): { value: Uint8Array; end: number } | undefined {
  if (offset >= bytes.length) return undefined
  const start = offset + vintLength(bytes[offset])
  if (start > bytes.length) return undefined
  const end = start + readUnsignedVint(bytes, offset)
  return end > bytes.length ? undefined : { value: bytes.subarray(start, end), end }
}

function fixedComparator(elements: CqlType, dimension: number): Compare {
  if (elements.byteOrdered) return compareBytes
  const size = elements.fixedLength
  return (a, aOffset, _aLength, b, bOffset, _bLength) => {
    for (let i = 0; i < dimension; i++) {
      const order = elements.compare(a, aOffset + i * size, size, b, bOffset + i * size, size)
      if (order !== 0) return order
    }
    return 0
  }
}

function variableComparator(elements: CqlType, dimension: number): Compare {
  return (a, aOffset, _aLength, b, bOffset, _bLength) => {
    let left = aOffset
    let right = bOffset
    for (let i = 0; i < dimension; i++) {
      const leftLength = readUnsignedVint(a, left)
      const rightLength = readUnsignedVint(b, right)
      left += vintLength(a[left])
      right += vintLength(b[right])
      const order = elements.compare(a, left, leftLength, b, right, rightLength)
      if (order !== 0) return order
      left += leftLength
      right += rightLength
    }
    return 0
  }
}

/** A serialized vector (`VectorType.decomposeRaw`). */
export function packVector(type: VectorType, elements: readonly (Uint8Array | null)[]): Uint8Array {
  if (elements.length !== type.dimension) {
    throw new MarshalError(`Required ${type.dimension} elements, but saw ${elements.length}`)
  }
  const present = elements.map((element, i) => {
    if (element !== null && !(element.length === 0 && isNullWhenEmpty(type.elements))) return element
    const given = elements.map((value) => (value === null ? 'null' : `0x${toHex(value)}`)).join(', ')
    throw new MarshalError(
      `Element at index ${i} is null (expected type ${type.elements.cqlName}); given [${given}]`,
    )
  })
  const fixed = type.elements.fixedLength
  let length = 0
  for (const element of present)
    length += fixed !== -1 ? fixed : unsignedVintSize(element.length) + element.length
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const element of present) {
    if (fixed === -1) offset = writeUnsignedVint(bytes, offset, element.length)
    bytes.set(fixed === -1 ? element : element.subarray(0, fixed), offset)
    offset += fixed === -1 ? element.length : fixed
  }
  return bytes
}

/** `TypeSerializer.isNull` of an empty value: true but for strings, blobs and what is built of them. */
export function isNullWhenEmpty(type: CqlType): boolean {
  switch (type.kind) {
    case 'ascii':
    case 'text':
    case 'blob':
    case 'tuple':
    case 'udt':
    case 'vector':
    case 'custom':
      return type.kind === 'custom' && type.custom === 'lexicalUuid'
    case 'reversed':
      return isNullWhenEmpty(type.base)
    default:
      return true
  }
}

/** Elements of a serialized vector, as views (`VectorType.split`). */
export function unpackVector(type: VectorType, bytes: Uint8Array): Uint8Array[] {
  const { elements, dimension } = type
  const values: Uint8Array[] = []
  let offset = 0
  for (let i = 0; i < dimension; i++) {
    const element =
      elements.fixedLength === -1
        ? readElement(bytes, offset)
        : offset + elements.fixedLength <= bytes.length
          ? {
              value: bytes.subarray(offset, offset + elements.fixedLength),
              end: offset + elements.fixedLength,
            }
          : undefined
    if (element === undefined) throw new MarshalError(`Not enough bytes to read a ${type.cqlName}`)
    elements.validate(element.value)
    values.push(element.value)
    offset = element.end
  }
  checkConsumed(bytes, offset, type.cqlName)
  return values
}
