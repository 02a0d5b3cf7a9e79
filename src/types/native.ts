/** The native types: names, lengths, validation (`*Serializer.validate`) and order. */

import { toHex } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { readVintBig, vintLength } from '../common/varint.ts'
import { compareDecimal } from './decimal.ts'
import {
  compareBoolean,
  compareBytes,
  compareDouble,
  compareFloat,
  compareInt,
  compareLong,
  compareNothing,
  compareSigned,
  compareTimeUuid,
  compareUuid,
  compareVarint,
} from './order.ts'
import { type Compare, MARSHAL_PACKAGE, type NativeKind, type NativeType, type Validate } from './type.ts'

function define(
  kind: NativeKind,
  simpleClass: string,
  fixedLength: number,
  emptyAllowed: boolean,
  compare: Compare,
  validate: Validate,
): NativeType {
  const className = MARSHAL_PACKAGE + simpleClass
  return {
    kind,
    cqlName: kind,
    className,
    classNameUnfrozen: className,
    multiCell: false,
    fixedLength,
    emptyAllowed,
    byteOrdered: compare === compareBytes,
    validate,
    compare,
  }
}

/** A length check with Cassandra's text; the number is the length found. */
function lengthOf(text: string, ...lengths: readonly number[]): Validate {
  return (bytes) => {
    if (!lengths.includes(bytes.length)) throw new MarshalError(`${text} (${bytes.length})`)
  }
}

const anyBytes: Validate = () => {}

const validateAscii: Validate = (bytes) => {
  for (const byte of bytes) {
    if (byte > 0x7f) throw new MarshalError(`Invalid byte for ascii: ${(byte << 24) >> 24}`)
  }
}

/** UTF-8 as `UTF8Serializer.UTF8Validator` has it: surrogates and F5..F7 pass, and C0 80 stands for NUL. */
const validateUtf8: Validate = (bytes) => {
  let i = 0
  while (i < bytes.length) {
    const byte = bytes[i]
    if (byte < 0x80) {
      i++
      continue
    }
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    if (byte < 0xc0 || byte === 0xc1 || byte > 0xf7 || i + length > bytes.length) throw invalidUtf8()
    const second = bytes[i + 1]
    // Cassandra's checks of these second bytes are looser than the standard's: a bit pattern is ruled out, no range.
    const secondIsValid =
      byte === 0xc0
        ? second === 0x80
        : byte === 0xe0
          ? (second & 0xe0) !== 0x80
          : byte === 0xf0
            ? (second & 0x30) !== 0
            : (second & 0xc0) === 0x80
    if (!secondIsValid) throw invalidUtf8()
    for (let j = 2; j < length; j++) if ((bytes[i + j] & 0xc0) !== 0x80) throw invalidUtf8()
    i += length
  }
}

function invalidUtf8(): MarshalError {
  return new MarshalError("String didn't validate.")
}

const validateDecimal: Validate = (bytes) => {
  if (bytes.length > 0 && bytes.length < 4) {
    throw new MarshalError(`Expected 0 or at least 4 bytes (${bytes.length})`)
  }
}

const validateInet: Validate = (bytes) => {
  if (bytes.length !== 0 && bytes.length !== 4 && bytes.length !== 16) {
    throw new MarshalError(`Expected 4 or 16 byte inetaddress; got ${toHex(bytes)}`)
  }
}

/** Three signed vints: months, days, nanoseconds (`DurationSerializer`). */
const validateDuration: Validate = (bytes) => {
  if (bytes.length < 3) {
    throw new MarshalError(`Expected at least 3 bytes for a duration (${bytes.length})`)
  }
  const parts: bigint[] = []
  let offset = 0
  while (parts.length < 3) {
    const length = offset < bytes.length ? vintLength(bytes[offset]) : 1
    if (offset + length > bytes.length) throw new MarshalError('Not enough bytes to read a duration')
    parts.push(readVintBig(bytes, offset))
    offset += length
  }
  const [months, days, nanoseconds] = parts
  if (BigInt.asIntN(32, months) !== months) {
    throw new MarshalError(`The duration months must be a 32 bits integer but was: ${months}`)
  }
  if (BigInt.asIntN(32, days) !== days) {
    throw new MarshalError(`The duration days must be a 32 bits integer but was: ${days}`)
  }
  if (!(parts.every((part) => part >= 0n) || parts.every((part) => part <= 0n))) {
    throw new MarshalError(
      `The duration months, days and nanoseconds must be all of the same sign (${months}, ${days}, ${nanoseconds})`,
    )
  }
}

const validateBoolean: Validate = (bytes) => {
  if (bytes.length > 1) throw new MarshalError(`Expected 1 or 0 byte value (${bytes.length})`)
}

const validateTimeUuid: Validate = (bytes) => {
  if (bytes.length !== 16 && bytes.length !== 0) {
    throw new MarshalError(`UUID should be 16 or 0 bytes (${bytes.length})`)
  }
  if (bytes.length === 16 && bytes[6] >> 4 !== 1) {
    // Cassandra prints the first nibble, where the version is not.
    throw new MarshalError(`Invalid version for TimeUUID type: 0x${(bytes[0] >> 4).toString(16)}`)
  }
}

const validateEmpty: Validate = (bytes) => {
  if (bytes.length !== 0) throw new MarshalError('EmptyType only accept empty values')
}

const validateLong = lengthOf('Expected 8 or 0 byte long', 8, 0)
const validateTimestamp = lengthOf('Expected 8 or 0 byte long for date', 8, 0)
const validateUuid = lengthOf('UUID should be 16 or 0 bytes', 16, 0)

/** Every native type by its CQL name (`CQL3Type.Native`). */
export const native = {
  ascii: define('ascii', 'AsciiType', -1, true, compareBytes, validateAscii),
  bigint: define('bigint', 'LongType', 8, true, compareLong, validateLong),
  blob: define('blob', 'BytesType', -1, true, compareBytes, anyBytes),
  boolean: define('boolean', 'BooleanType', 1, true, compareBoolean, validateBoolean),
  counter: define('counter', 'CounterColumnType', -1, true, compareBytes, validateLong),
  date: define(
    'date',
    'SimpleDateType',
    -1,
    false,
    compareBytes,
    lengthOf('Expected 4 byte long for date', 4),
  ),
  decimal: define('decimal', 'DecimalType', -1, true, compareDecimal, validateDecimal),
  double: define(
    'double',
    'DoubleType',
    8,
    true,
    compareDouble,
    lengthOf('Expected 8 or 0 byte value for a double', 8, 0),
  ),
  duration: define('duration', 'DurationType', -1, false, compareBytes, validateDuration),
  empty: define('empty', 'EmptyType', 0, false, compareNothing, validateEmpty),
  float: define(
    'float',
    'FloatType',
    4,
    true,
    compareFloat,
    lengthOf('Expected 4 or 0 byte value for a float', 4, 0),
  ),
  inet: define('inet', 'InetAddressType', -1, true, compareBytes, validateInet),
  int: define('int', 'Int32Type', 4, true, compareInt, lengthOf('Expected 4 or 0 byte int', 4, 0)),
  smallint: define(
    'smallint',
    'ShortType',
    -1,
    false,
    compareSigned,
    lengthOf('Expected 2 bytes for a smallint', 2),
  ),
  text: define('text', 'UTF8Type', -1, true, compareBytes, validateUtf8),
  time: define('time', 'TimeType', -1, false, compareBytes, lengthOf('Expected 8 byte long for time', 8)),
  timestamp: define('timestamp', 'TimestampType', 8, true, compareLong, validateTimestamp),
  timeuuid: define('timeuuid', 'TimeUUIDType', 16, true, compareTimeUuid, validateTimeUuid),
  tinyint: define(
    'tinyint',
    'ByteType',
    -1,
    false,
    compareSigned,
    lengthOf('Expected 1 byte for a tinyint', 1),
  ),
  uuid: define('uuid', 'UUIDType', 16, true, compareUuid, validateUuid),
  varint: define('varint', 'IntegerType', -1, true, compareVarint, anyBytes),
} as const satisfies Record<NativeKind, NativeType>

/** `DateType`, the timestamp of old tables, whose negative values sort last. CQL shows it as timestamp. */
export const legacyDate: NativeType = define(
  'timestamp',
  'DateType',
  8,
  false,
  compareBytes,
  validateTimestamp,
)

/** `LegacyTimeUUIDType`, timeuuid as functions see it. */
export const legacyTimeUuid: NativeType = define(
  'timeuuid',
  'LegacyTimeUUIDType',
  16,
  true,
  compareTimeUuid,
  validateUuid,
)

const byCqlName = new Map<string, NativeType>([
  ...Object.values(native).map((type): [string, NativeType] => [type.kind, type]),
  ['varchar', native.text],
])

/** The native type of a CQL name in lower case, `varchar` included. */
export function nativeByName(name: string): NativeType | undefined {
  return byCqlName.get(name)
}
