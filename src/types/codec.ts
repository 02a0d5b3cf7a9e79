/**
 * Values as JavaScript's, for the server's own tables and for tests. Text, uuid, inet, date and time come as strings,
 * small integers and floats as numbers, 64-bit and varint ones as BigInt, timestamps as Unix milliseconds, lists, tuples
 * and vectors as arrays, sets as Sets, maps as Maps, user types as objects.
 */

import { EMPTY_BYTES, int32Bytes, int64Bytes, readInt64 } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { bigIntBytes, readBigInt } from '../common/varint.ts'
import { packList, packMapSorted, packSet, unpackList, unpackMap, unpackSet } from './collection.ts'
import { type Decimal, decimalBytes, readDecimal } from './decimal.ts'
import { type Duration, durationBytes, readDuration } from './duration.ts'
import { doubleBytes, floatBytes, fromString } from './from-string.ts'
import { nativeText, readFloat32, readFloat64 } from './to-text.ts'
import { packTuple, unpackTuple } from './tuple.ts'
import type { CqlType, NativeType } from './type.ts'
import { packVector, unpackVector } from './vector.ts'

/** The value of validated bytes; null for null and for empty bytes of a type to which they mean nothing. */
export function decode(type: CqlType, bytes: Uint8Array | null): unknown {
  if (bytes === null) return null
  switch (type.kind) {
    case 'list':
      return unpackList(bytes).map((element) => decode(type.elements, element))
    case 'set':
      return new Set(unpackSet(bytes).map((element) => decode(type.elements, element)))
    case 'map':
      return new Map(
        unpackMap(bytes).map(([key, value]) => [decode(type.keys, key), decode(type.values, value)]),
      )
    case 'tuple': {
      const values = unpackTuple(type, bytes)
      return type.types.map((component, i) => decode(component, values[i] ?? null))
    }
    case 'udt': {
      const values = unpackTuple(type, bytes)
      return Object.fromEntries(
        type.fieldNames.map((name, i) => [name, decode(type.fieldTypes[i], values[i] ?? null)]),
      )
    }
    case 'vector':
      return unpackVector(type, bytes).map((element) => decode(type.elements, element))
    case 'reversed':
      return decode(type.base, bytes)
    case 'custom':
      return bytes
    default:
      return decodeNative(type, bytes)
  }
}

function decodeNative(type: NativeType, bytes: Uint8Array): unknown {
  switch (type.kind) {
    case 'blob':
      return bytes
    case 'text':
    case 'ascii':
      return nativeText(type.kind, bytes)
    default:
  }
  if (bytes.length === 0) return null
  switch (type.kind) {
    case 'boolean':
      return bytes[0] !== 0
    case 'tinyint':
    case 'smallint':
    case 'int':
      return Number(readBigInt(bytes, 0, bytes.length))
    case 'bigint':
    case 'counter':
    case 'varint':
      return readBigInt(bytes, 0, bytes.length)
    case 'timestamp':
      return Number(readInt64(bytes, 0))
    case 'float':
      return readFloat32(bytes)
    case 'double':
      return readFloat64(bytes)
    case 'decimal':
      return readDecimal(bytes, 0, bytes.length)
    case 'duration':
      return readDuration(bytes)
    default:
      return nativeText(type.kind, bytes)
  }
}

/** The bytes of a value that `decode` could have given; null and undefined are null. */
export function encode(type: CqlType, value: unknown): Uint8Array | null {
  return value === null || value === undefined ? null : encodePresent(type, value)
}

function encodePresent(type: CqlType, value: unknown): Uint8Array {
  switch (type.kind) {
    case 'list':
      return packList([...iterable(type, value)].map((element) => encode(type.elements, element)))
    case 'set':
      return packSet(
        type,
        [...iterable(type, value)].map((element) => encodePresent(type.elements, element)),
      )
    case 'map': {
      const entries = value instanceof Map ? value : new Map(Object.entries(value as object))
      return packMapSorted(
        type,
        [...entries].map(([key, entry]) => [
          encodePresent(type.keys, key),
          encodePresent(type.values, entry),
        ]),
      )
    }
    case 'tuple': {
      const components = [...iterable(type, value)]
      return packTuple(type.types.map((component, i) => encode(component, components[i])))
    }
    case 'udt': {
      const fields = value as Readonly<Record<string, unknown>>
      return packTuple(type.fieldTypes.map((field, i) => encode(field, fields[type.fieldNames[i]])))
    }
    case 'vector':
      return packVector(
        type,
        [...iterable(type, value)].map((element) => encode(type.elements, element)),
      )
    case 'reversed':
      return encodePresent(type.base, value)
    case 'custom':
      return value instanceof Uint8Array ? value : fromString(type, String(value))
    default:
      return encodeNative(type, value)
  }
}

function iterable(type: CqlType, value: unknown): Iterable<unknown> {
  if (typeof value === 'object' && value !== null && Symbol.iterator in value)
    return value as Iterable<unknown>
  throw new MarshalError(`Not a value of type ${type.cqlName}: ${String(value)}`)
}

function encodeNative(type: NativeType, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  switch (type.kind) {
    case 'boolean':
      return new Uint8Array([value ? 1 : 0])
    case 'int':
      return typeof value === 'number' ? int32Bytes(value) : fromString(type, String(value))
    case 'bigint':
    case 'counter':
    case 'timestamp':
      if (typeof value === 'string') return fromString(type, value)
      return int64Bytes(BigInt(value as number | bigint))
    case 'varint':
      return bigIntBytes(BigInt(value as number | bigint | string))
    case 'float':
      return floatBytes(Number(value))
    case 'double':
      return doubleBytes(Number(value))
    case 'decimal':
      return typeof value === 'object' ? decimalBytes(value as Decimal) : fromString(type, String(value))
    case 'duration':
      return typeof value === 'object' ? durationBytes(value as Duration) : fromString(type, String(value))
    case 'empty':
      return EMPTY_BYTES
    default:
      return fromString(type, String(value))
  }
}
