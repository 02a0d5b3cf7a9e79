/** Values to and from JSON (`AbstractType.toJSONString`, `AbstractType.fromJSONObject`). */

import { int64Bytes, readInt32, readInt64, toHex, utf8Bytes } from '../common/bytes.ts'
import { MarshalError, ServerError } from '../common/errors.ts'
import { uuidText } from '../common/uuid.ts'
import { collectionSize, packList, packMapSorted, packSet } from './collection.ts'
import { doubleBytes, floatBytes, fromString } from './from-string.ts'
import { JsonNumber, type JsonValue, javaClassName, javaText, quoteAsJsonString } from './json.ts'
import { JsonReadError, readJson } from './json-reader.ts'
import { native } from './native.ts'
import { timestampText } from './temporal.ts'
import { nativeText } from './to-text.ts'
import { componentTypes, packTuple, unpackTuple } from './tuple.ts'
import type { CqlType, MapType, NativeType, TupleType, UserType, VectorType } from './type.ts'
import { packVector, unpackVector } from './vector.ts'

// ---------------------------------------------------------------- to JSON

/** The JSON text of a value. An empty number is `""`, and a NaN or an infinity null, as in Cassandra. */
export function toJson(type: CqlType, bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  switch (type.kind) {
    case 'list':
    case 'set':
      return `[${elementsToJson(bytes, [type.elements]).join(', ')}]`
    case 'map':
      return mapToJson(type, bytes)
    case 'tuple':
      return `[${componentsToJson(type, bytes).join(', ')}]`
    case 'udt': {
      const values = componentsToJson(type, bytes)
      return `{${values.map((value, i) => `"${quoteAsJsonString(jsonFieldName(type.fieldNames[i]))}": ${value}`).join(', ')}}`
    }
    case 'vector':
      return `[${unpackVector(type, bytes)
        .map((element) => toJson(type.elements, element))
        .join(', ')}]`
    case 'reversed':
      return toJson(type.base, bytes)
    case 'custom':
      if (type.custom === 'lexicalUuid') return bytes.length === 0 ? '""' : `"${uuidText(bytes)}"`
      // Cassandra has no JSON for composites (CASSANDRA-18177).
      throw new MarshalError(`${type.className} can't be shown as JSON`)
    default:
      return nativeToJson(type, bytes)
  }
}

function nativeToJson(type: NativeType, bytes: Uint8Array): string {
  switch (type.kind) {
    case 'text':
    case 'ascii':
      return `"${quoteAsJsonString(nativeText(type.kind, bytes))}"`
    case 'blob':
      return `"0x${toHex(bytes)}"`
    case 'timestamp':
      return bytes.length === 0 ? '""' : `"${timestampText(readInt64(bytes, 0), ' ')}"`
    case 'float':
    case 'double': {
      const text = nativeText(type.kind, bytes)
      return text === '' ? '""' : /^-?[0-9]/.test(text) ? text : 'null'
    }
    case 'bigint':
    case 'boolean':
    case 'counter':
    case 'decimal':
    case 'int':
    case 'smallint':
    case 'tinyint':
    case 'varint':
      return bytes.length === 0 ? '""' : nativeText(type.kind, bytes)
    default:
      return `"${nativeText(type.kind, bytes)}"`
  }
}

/** Names that are not in lower case stand in double quotes inside the JSON string. */
function jsonFieldName(name: string): string {
  return name === name.toLowerCase() ? name : `"${name}"`
}

function elementsToJson(bytes: Uint8Array, types: readonly CqlType[]): string[] {
  const texts: string[] = []
  const count = collectionSize(bytes) * types.length
  let offset = 4
  for (let i = 0; i < count; i++) {
    const length = readInt32(bytes, offset)
    offset += 4
    texts.push(toJson(types[i % types.length], length < 0 ? null : bytes.subarray(offset, offset + length)))
    if (length > 0) offset += length
  }
  return texts
}

function mapToJson(type: MapType, bytes: Uint8Array): string {
  const texts = elementsToJson(bytes, [type.keys, type.values])
  const entries: string[] = []
  for (let i = 0; i < texts.length; i += 2) {
    // Keys have to be strings in JSON.
    const key = texts[i].startsWith('"') ? texts[i] : `"${quoteAsJsonString(texts[i])}"`
    entries.push(`${key}: ${texts[i + 1]}`)
  }
  return `{${entries.join(', ')}}`
}

function componentsToJson(type: TupleType | UserType, bytes: Uint8Array): string[] {
  const values = unpackTuple(type, bytes)
  return componentTypes(type).map((component, i) => toJson(component, values[i] ?? null))
}

// ---------------------------------------------------------------- from JSON

/**
 * The value of parsed JSON. Strings stand for values of every type, also for collections, whose JSON they hold. Null
 * is the caller's to handle; inside collections it is refused, in tuples and user types it is a null component. `now`
 * (Unix milliseconds) is what the timestamp 'now' stands for. Throws a MarshalError with Cassandra's text.
 */
export function fromJson(type: CqlType, json: JsonValue, now?: number): Uint8Array {
  if (json === null) throw new MarshalError(`Invalid null value for type ${type.cqlName}`)
  switch (type.kind) {
    case 'list': {
      const list = jsonList(json, 'a list')
      return packList(
        list.map((element) => fromJson(type.elements, present(element, 'element in list'), now)),
      )
    }
    case 'set': {
      const list = jsonList(json, 'a list (representing a set)')
      return packSet(
        type,
        list.map((element) => fromJson(type.elements, present(element, 'element in set'), now)),
      )
    }
    case 'map':
      return packMapSorted(
        type,
        [...jsonMap(json)].map(([key, value]) => {
          const entry = present(value, 'value in map')
          return [fromJson(type.keys, key, now), fromJson(type.values, entry, now)]
        }),
      )
    case 'tuple':
      return tupleFromJson(type, json, now)
    case 'udt':
      return userTypeFromJson(type, json, now)
    case 'vector':
      return vectorFromJson(type, json, now)
    case 'reversed':
      return fromJson(type.base, json, now)
    case 'custom':
      if (type.custom === 'lexicalUuid')
        return fromString(type, jsonString(json, 'a string representation of a uuid'))
      throw new MarshalError(`${type.className} can't be read from JSON`)
    default:
      return nativeFromJson(type, json, now)
  }
}

/** Parses a JSON text as the strings inside of JSON values are parsed (`JsonUtils.decodeJson`). Throws a MarshalError. */
export function parseJson(text: string): JsonValue {
  try {
    return readJson(text)
  } catch (error) {
    if (error instanceof JsonReadError) throw new MarshalError(`Error decoding JSON string: ${error.message}`)
    throw error
  }
}

function wrongClass(expected: string, json: JsonValue): Error {
  // Only a JSON text inside of a string can be null here, and Cassandra does not look for that.
  if (json === null) {
    return new ServerError(
      'java.lang.NullPointerException: Cannot invoke "Object.getClass()" because "parsed" is null',
    )
  }
  return new MarshalError(`Expected ${expected}, but got a ${javaClassName(json)}: ${javaText(json)}`)
}

function jsonString(json: JsonValue, expected: string): string {
  if (typeof json === 'string') return json
  throw wrongClass(expected, json)
}

function present(json: JsonValue, what: string): JsonValue {
  if (json === null) throw new MarshalError(`Invalid null ${what}`)
  return json
}

function jsonList(json: JsonValue, expected: string): readonly JsonValue[] {
  const value = typeof json === 'string' ? parseJson(json) : json
  if (Array.isArray(value)) return value
  throw wrongClass(expected, value)
}

function jsonMap(json: JsonValue): ReadonlyMap<string, JsonValue> {
  const value = typeof json === 'string' ? parseJson(json) : json
  if (value instanceof Map) return value
  throw wrongClass('a map', value)
}

const STRING_EXPECTATIONS = {
  ascii: 'an ascii string',
  text: 'a UTF-8 string',
  date: 'a string representation of a date value',
  time: 'a string representation of a time value',
  duration: 'a string representation of a duration',
  inet: 'a string representation of an inet value',
  uuid: 'a string representation of a uuid',
  timeuuid: 'a string representation of a timeuuid',
} as const

/** What Java writes a question mark for. */
const LONE_SURROGATES = /\p{Surrogate}/gu

const INTEGER_CLASSES = { int: ['Integer'], bigint: ['Integer', 'Long'] } as const

function nativeFromJson(type: NativeType, json: JsonValue, now: number | undefined): Uint8Array {
  const number = json instanceof JsonNumber ? json : undefined
  switch (type.kind) {
    case 'text':
      return utf8Bytes(jsonString(json, STRING_EXPECTATIONS.text).replace(LONE_SURROGATES, '?'))
    case 'ascii':
    case 'date':
    case 'time':
    case 'duration':
    case 'inet':
    case 'uuid':
    case 'timeuuid':
      return fromString(type, jsonString(json, STRING_EXPECTATIONS[type.kind]))
    case 'boolean':
      if (typeof json === 'boolean') return new Uint8Array([json ? 1 : 0])
      return fromString(type, jsonString(json, 'a boolean value'))
    case 'tinyint':
    case 'smallint': {
      if (number === undefined && typeof json !== 'string') {
        throw wrongClass(type.kind === 'tinyint' ? 'a byte value' : 'a short value', json)
      }
      return fromString(type, javaText(json))
    }
    case 'int':
    case 'bigint': {
      if (typeof json === 'string') return fromString(type, json)
      const classes: readonly string[] = INTEGER_CLASSES[type.kind]
      if (number === undefined || !classes.includes(number.javaClass)) {
        throw wrongClass(type.kind === 'int' ? 'an int value' : 'a bigint value', json)
      }
      return fromString(type, number.toString())
    }
    case 'float':
      return number !== undefined
        ? floatBytes(number.toNumber())
        : fromString(type, jsonString(json, 'a float value'))
    case 'double':
      return number !== undefined
        ? doubleBytes(number.toNumber())
        : fromString(type, jsonString(json, 'a double value'))
    case 'decimal':
    case 'varint':
      return numericFromJson(type.kind, javaText(json))
    case 'timestamp':
      // An Integer is refused, only a Long will do: so it is in Cassandra.
      if (number?.javaClass === 'Long') return int64Bytes(BigInt(number.text))
      return fromString(
        type,
        jsonString(
          json,
          `a long or a datestring representation of a ${type.className.endsWith('DateType') ? 'date' : 'timestamp'} value`,
        ),
        now,
      )
    case 'blob':
      return blobFromJson(json)
    case 'empty':
      if (typeof json !== 'string')
        throw new MarshalError(`Expected an empty string, but got: ${javaText(json)}`)
      return fromString(type, json)
    case 'counter':
      throw new MarshalError('Counters cannot be set from JSON')
  }
}

function numericFromJson(kind: 'decimal' | 'varint', text: string): Uint8Array {
  try {
    if (kind === 'decimal' || text !== '') return fromString(native[kind], text)
  } catch (error) {
    if (!(error instanceof MarshalError)) throw error
  }
  throw new MarshalError(`Value '${text}' is not a valid representation of a ${kind} value`)
}

function blobFromJson(json: JsonValue): Uint8Array {
  let reason: string
  if (typeof json === 'string') {
    if (json.startsWith('0x')) {
      try {
        return fromString(native.blob, json.slice(2))
      } catch (error) {
        if (!(error instanceof MarshalError)) throw error
        reason = error.message
      }
    } else reason = `String representation of blob is missing 0x prefix: ${json}`
  } else {
    const simple = javaClassName(json)
    const name = `java.${simple === 'BigInteger' ? 'math' : /^(ArrayList|LinkedHashMap)$/.test(simple) ? 'util' : 'lang'}.${simple}`
    reason = `class ${name} cannot be cast to class java.lang.String (${name} and java.lang.String are in module java.base of loader 'bootstrap')`
  }
  throw new MarshalError(`Value '${javaText(json)}' is not a valid blob representation: ${reason}`)
}

function tupleFromJson(type: TupleType, json: JsonValue, now: number | undefined): Uint8Array {
  const list = jsonList(json, 'a list representation of a tuple')
  const expected = type.types.length
  if (list.length > expected) {
    throw new MarshalError(`Tuple contains extra items (expected ${expected}): ${javaText(list)}`)
  }
  if (list.length < expected) {
    throw new MarshalError(`Tuple is missing items (expected ${expected}): ${javaText(list)}`)
  }
  return packTuple(
    list.map((element, i) => (element === null ? null : fromJson(type.types[i], element, now))),
  )
}

function userTypeFromJson(type: UserType, json: JsonValue, now: number | undefined): Uint8Array {
  const values = unquoteJsonNames(jsonMap(json))
  const fields = type.fieldNames.map((name, i) => {
    const value = values.get(name) ?? null
    return value === null ? null : fromJson(type.fieldTypes[i], value, now)
  })
  for (const name of values.keys()) {
    if (type.fieldNames.includes(name)) continue
    throw new MarshalError(`Unknown field '${name}' in value of user defined type ${type.name}`)
  }
  return packTuple(fields)
}

/**
 * A copy of a JSON object with its names as CQL reads them: in quotes as they are, otherwise in lower case; a name that
 * changes goes to the end, or over one that is there (`JsonUtils.handleCaseSensitivity`).
 */
export function unquoteJsonNames(object: ReadonlyMap<string, JsonValue>): Map<string, JsonValue> {
  const named = new Map(object)
  for (const name of object.keys()) {
    const quoted = name.length > 1 && name.startsWith('"') && name.endsWith('"')
    const column = quoted ? name.slice(1, -1) : name.toLowerCase()
    if (column === name) continue
    const value = named.get(name) ?? null
    named.delete(name)
    named.set(column, value)
  }
  return named
}

function vectorFromJson(type: VectorType, json: JsonValue, now: number | undefined): Uint8Array {
  const list = jsonList(json, 'a list')
  if (list.length !== type.dimension) {
    throw new MarshalError(
      `List had incorrect size: expected ${type.dimension} but given ${list.length}; ${javaText(list)}`,
    )
  }
  return packVector(
    type,
    list.map((element) => fromJson(type.elements, present(element, 'element in list'), now)),
  )
}
