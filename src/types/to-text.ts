/** Values in text: as CQL literals (`CQL3Type.toCQLLiteral`) and as log and error texts (`AbstractType.getString`). */

import { asciiText, readInt8, readInt16, readInt32, readInt64, toHex, utf8Text } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { uuidText } from '../common/uuid.ts'
import { readBigInt } from '../common/varint.ts'
import { unpackElements, unpackMap } from './collection.ts'
import { decimalText, readDecimal } from './decimal.ts'
import { durationText, readDuration } from './duration.ts'
import { doubleText, floatText } from './floating.ts'
import { maybeQuote } from './identifier.ts'
import { inetText } from './inet.ts'
import { dateText, timestampText, timeText } from './temporal.ts'
import { componentTypes } from './tuple.ts'
import type { CqlType, NativeKind, TupleType, UserType } from './type.ts'
import { unpackVector } from './vector.ts'
import { unpackComposite } from './wrapper.ts'

export function readFloat32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat32(0)
}

export function readFloat64(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(0)
}

/** `TypeSerializer.toString` of a native value; an empty one gives an empty text. */
export function nativeText(kind: NativeKind, bytes: Uint8Array): string {
  if (bytes.length === 0) return ''
  switch (kind) {
    case 'text':
      return utf8Text(bytes)
    case 'ascii':
      return asciiText(bytes)
    case 'blob':
      return toHex(bytes)
    case 'boolean':
      return bytes[0] === 0 ? 'false' : 'true'
    case 'tinyint':
      return String(readInt8(bytes, 0))
    case 'smallint':
      return String(readInt16(bytes, 0))
    case 'int':
      return String(readInt32(bytes, 0))
    case 'bigint':
    case 'counter':
      return readInt64(bytes, 0).toString()
    case 'varint':
      return readBigInt(bytes, 0, bytes.length).toString()
    case 'decimal':
      return decimalText(readDecimal(bytes, 0, bytes.length))
    case 'float':
      return floatText(readFloat32(bytes))
    case 'double':
      return doubleText(readFloat64(bytes))
    case 'date':
      return dateText(readInt32(bytes, 0))
    case 'time':
      return timeText(readInt64(bytes, 0))
    case 'timestamp':
      return timestampText(readInt64(bytes, 0), 'T')
    case 'duration':
      return durationText(readDuration(bytes))
    case 'inet':
      return inetText(bytes)
    case 'uuid':
    case 'timeuuid':
      return uuidText(bytes)
    case 'empty':
      return ''
  }
}

/** `CQL3Type.toCQLLiteral`: the value as a query would write it. Null, and an empty value that means null, is `null`. */
export function toCqlLiteral(type: CqlType, bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  switch (type.kind) {
    case 'text':
    case 'ascii':
      return `'${nativeText(type.kind, bytes).replaceAll("'", "''")}'`
    case 'blob':
      return `0x${toHex(bytes)}`
    case 'date':
    case 'time':
    case 'timestamp':
    case 'inet':
      return bytes.length === 0 ? 'null' : `'${nativeText(type.kind, bytes)}'`
    case 'list':
      return `[${unpackElements(bytes, 'list')
        .map((element) => toCqlLiteral(type.elements, element))
        .join(', ')}]`
    case 'set':
      return `{${unpackElements(bytes, 'set')
        .map((element) => toCqlLiteral(type.elements, element))
        .join(', ')}}`
    case 'map': {
      const entries = unpackMap(bytes)
      return `{${entries.map(([key, value]) => `${toCqlLiteral(type.keys, key)}: ${toCqlLiteral(type.values, value)}`).join(', ')}}`
    }
    case 'tuple':
      return `(${components(type, bytes, '')
        .map((component, i) => toCqlLiteral(type.types[i], component))
        .join(', ')})`
    case 'udt': {
      const fields = components(type, bytes, 'field')
      const texts = fields.map(
        (field, i) => `${maybeQuote(type.fieldNames[i])}: ${toCqlLiteral(type.fieldTypes[i], field)}`,
      )
      return `{${texts.join(', ')}}`
    }
    case 'vector':
      return `[${unpackVector(type, bytes)
        .map((element) => toCqlLiteral(type.elements, element))
        .join(', ')}]`
    case 'reversed':
      return toCqlLiteral(type.base, bytes)
    case 'custom':
      return `0x${toHex(bytes)}`
    default:
      return bytes.length === 0 ? 'null' : nativeText(type.kind, bytes)
  }
}

/** Components present in a tuple or user type; bytes behind the last one are ignored here, as in Cassandra. */
function components(type: TupleType | UserType, bytes: Uint8Array, field: string): (Uint8Array | null)[] {
  const values: (Uint8Array | null)[] = []
  let offset = 0
  for (let i = 0; i < componentTypes(type).length && offset < bytes.length; i++) {
    const name = type.kind === 'udt' ? `${i}th ${field} ${type.fieldNames[i]}` : `${i}th component`
    if (bytes.length - offset < 4) throw new MarshalError(`Not enough bytes to read size of ${name}`)
    const length = readInt32(bytes, offset)
    offset += 4
    if (length < 0) {
      values.push(null)
      continue
    }
    if (bytes.length - offset < length) throw new MarshalError(`Not enough bytes to read ${name}`)
    values.push(bytes.subarray(offset, offset + length))
    offset += length
  }
  return values
}

/** `AbstractType.getString`: text without quotes; collections and vectors in hex, tuples with colons. */
export function toText(type: CqlType, bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map':
    case 'vector':
    case 'counter':
      return toHex(bytes)
    case 'tuple':
    case 'udt':
      return components(type, bytes, 'field')
        .map((component, i) =>
          component === null
            ? '@'
            : toText(componentTypes(type)[i], component).replaceAll(':', '\\:').replaceAll('@', '\\@'),
        )
        .join(':')
    case 'reversed':
      return toText(type.base, bytes)
    case 'custom':
      return customText(
        bytes,
        type.custom === 'composite' ? type.components : undefined,
        type.custom === 'lexicalUuid',
      )
    default:
      type.validate(bytes)
      return nativeText(type.kind, bytes)
  }
}

function customText(bytes: Uint8Array, types: readonly CqlType[] | undefined, uuid: boolean): string {
  if (uuid) return bytes.length === 16 ? uuidText(bytes) : ''
  if (types === undefined) return toHex(bytes)
  const texts = unpackComposite(bytes).map((value, i) => toText(types[i], value).replaceAll(':', '\\:'))
  const end = bytes.length === 0 ? 0 : bytes[bytes.length - 1]
  return texts.join(':') + (end === 0 ? '' : end > 0x7f ? ':_' : ':!')
}
