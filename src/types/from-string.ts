/** A value from text as its type reads it (`AbstractType.fromString`), with the type's own error texts. */

import { EMPTY_BYTES, fromHex, int32Bytes, int64Bytes, utf8Bytes } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { parseUuid, uuidVersion } from '../common/uuid.ts'
import { bigIntBytes } from '../common/varint.ts'
import { decimalBytes, parseDecimal } from './decimal.ts'
import { durationBytes, parseDuration } from './duration.ts'
import { parseDouble, parseFloat32 } from './floating.ts'
import { parseInet } from './inet.ts'
import { parseDate, parseTime, parseTimestamp } from './temporal.ts'
import { packTuple } from './tuple.ts'
import type { CqlType, CustomType, TupleType, UserType } from './type.ts'
import { packComposite } from './wrapper.ts'

/** Parses `text`; `now` (Unix milliseconds) is what the timestamp 'now' stands for. */
export function fromString(type: CqlType, text: string, now?: number): Uint8Array {
  switch (type.kind) {
    case 'text':
      return utf8Bytes(text)
    case 'ascii':
      return asciiFromString(text)
    case 'boolean':
      return booleanFromString(text)
    case 'date':
      return int32Bytes(parseDate(text))
    case 'time':
      return int64Bytes(parseTime(text))
    case 'blob':
    case 'list':
    case 'set':
    case 'map':
    case 'vector':
    case 'counter':
      return fromHex(text) ?? fail(`cannot parse '${text}' as hex bytes`)
    case 'tuple':
    case 'udt':
      return tupleFromString(type, text)
    case 'reversed':
      return fromString(type.base, text, now)
    case 'custom':
      return customFromString(type, text)
    case 'empty':
      return text === '' ? EMPTY_BYTES : fail(`'${text}' is not empty`)
    default:
      // For all other types an empty text is the empty value.
      return text === '' ? EMPTY_BYTES : nonEmpty(type.kind, text, now)
  }
}

type EmptyTextKind =
  | 'bigint'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'timestamp'
  | 'timeuuid'
  | 'tinyint'
  | 'uuid'
  | 'varint'

function nonEmpty(kind: EmptyTextKind, text: string, now: number | undefined): Uint8Array {
  switch (kind) {
    case 'tinyint':
      return new Uint8Array([Number(parseInteger(text, 8) ?? fail(`Unable to make byte from '${text}'`))])
    case 'smallint':
      return int32Bytes(Number(parseInteger(text, 16) ?? fail(`Unable to make short from '${text}'`))).slice(
        2,
      )
    case 'int':
      return int32Bytes(Number(parseInteger(text, 32) ?? fail(`Unable to make int from '${text}'`)))
    case 'bigint':
      return int64Bytes(parseInteger(text, 64) ?? fail(`Unable to make long from '${text}'`))
    case 'varint':
      return bigIntBytes(parseInteger(text) ?? fail(`unable to make int from '${text}'`))
    case 'decimal':
      return decimalBytes(parseDecimal(text) ?? fail(`unable to make BigDecimal from '${text}'`))
    case 'float':
      return floatBytes(parseFloat32(text) ?? fail(`Unable to make float from '${text}'`))
    case 'double':
      return doubleBytes(parseDouble(text) ?? fail(`Unable to make double from '${text}'`))
    case 'inet':
      return parseInet(text) ?? fail(`Unable to make inet address from '${text}'`)
    case 'uuid':
      return parseUuid(text) ?? fail(`Unable to make UUID from '${text}'`)
    case 'timeuuid':
      return timeUuidFromString(text)
    case 'timestamp':
      return int64Bytes(parseTimestamp(text, now))
    case 'duration':
      return durationBytes(parseDuration(text))
  }
}

function fail(message: string): never {
  throw new MarshalError(message)
}

/** `Integer.parseInt` and its kin: an optional sign and digits, within `bits` of two's complement if given. */
export function parseInteger(text: string, bits?: number): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return bits === undefined || BigInt.asIntN(bits, value) === value ? value : undefined
}

export function floatBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value)
  return bytes
}

export function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}

function asciiFromString(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0
    if (code <= 0x7f) continue
    const length = code > 0xffff ? 2 : 1
    fail(
      `Invalid ASCII character in string literal: java.nio.charset.UnmappableCharacterException: Input length = ${length}`,
    )
  }
  return utf8Bytes(text)
}

function booleanFromString(text: string): Uint8Array {
  const lower = text.toLowerCase()
  if (lower === '' || lower === 'false') return new Uint8Array([0])
  if (lower === 'true') return new Uint8Array([1])
  return fail(`Unable to make boolean from '${text}'`)
}

function timeUuidFromString(text: string): Uint8Array {
  const bytes = parseUuid(text) ?? fail(`Unknown timeuuid representation: ${text}`)
  return uuidVersion(bytes) === 1 ? bytes : fail('TimeUUID supports only version 1 UUIDs')
}

/** Text of a composite or tuple split at colons that no backslash precedes (`AbstractCompositeType.split`). */
function splitAtColons(text: string): string[] {
  return text === '' ? [] : text.split(/(?<!\\):/)
}

/** Components separated by colons, `@` for null (`TupleType.fromString`). */
function tupleFromString(type: TupleType | UserType, text: string): Uint8Array {
  const types = type.kind === 'tuple' ? type.types : type.fieldTypes
  const parts = splitAtColons(text)
  if (parts.length > types.length) {
    fail(
      `Invalid tuple literal: too many elements. Type ${type.cqlName} expects ${types.length} but got ${parts.length}`,
    )
  }
  return packTuple(
    parts.map((part, i) =>
      part === '@' ? null : fromString(types[i], part.replaceAll('\\:', ':').replaceAll('\\@', '@')),
    ),
  )
}

function customFromString(type: CustomType, text: string): Uint8Array {
  switch (type.custom) {
    case 'lexicalUuid':
      return text === '' ? EMPTY_BYTES : (parseUuid(text) ?? fail(`unable to make UUID from '${text}'`))
    case 'composite':
      return compositeFromString(type, text)
    case 'dynamicComposite':
    case 'partitionerDefinedOrder':
      return fail(`Values of ${type.cqlName} can only be given as blobs`)
  }
}

/** Components separated by colons; a last `!` or `_` sets the end-of-component byte to 1 or -1. */
function compositeFromString(type: CustomType, text: string): Uint8Array {
  const parts = splitAtColons(text)
  const end = parts.findIndex((part) => part === '!' || part === '_')
  const values = (end === -1 ? parts : parts.slice(0, end)).map((part, i) => {
    const component = type.components[i] ?? fail('Too many bytes for comparator')
    const value = fromString(component, part.replaceAll('\\:', ':').replace(/!$/, ''))
    component.validate(value)
    return value
  })
  const bytes = packComposite(values)
  if (end !== -1 && bytes.length > 0) bytes[bytes.length - 1] = parts[end] === '!' ? 1 : 0xff
  return bytes
}
