import { utf8Bytes } from '../../common/bytes.ts'
import { type Decimal, floatText, native } from '../../types/index.ts'
import { nativeText } from '../../types/to-text.ts'
import type { NativeKind, NativeType } from '../../types/type.ts'
import { isNullWhenEmpty } from '../../types/vector.ts'
import { type Execute, nullIfEmpty, scalar, unlessNull } from './definition.ts'
import type { ScalarFunction } from './function.ts'
import {
  decimalOfDouble,
  decimalOfText,
  type JavaNumber,
  NUMBER_KINDS,
  type NumberKind,
  numberBytes,
  numberType,
  orServerError,
  readNumber,
  toDouble,
  toFloat,
  toInteger,
} from './numbers.ts'
import { convertTime } from './time.ts'

/** The functions that CAST stands for (`CastFcts`). */

/** A cast under its name of today and the one before 5.0; both are shown as `cast(a as type)`. */
function casts(from: NativeType, to: NativeType, execute: Execute): ScalarFunction[] {
  const name = to.cqlName
  return [`cast_as_${name}`, `castAs${name[0]!.toUpperCase()}${name.slice(1)}`].map((called) =>
    scalar(called, [from], to, execute, ([a]) => `cast(${a} as ${name})`),
  )
}

/** A number as a decimal with the digits that its text shows. */
function decimalOf(kind: NumberKind, value: JavaNumber): Decimal {
  if (kind === 'double') return decimalOfDouble(value as number)
  if (kind !== 'float') return { unscaled: value as bigint, scale: 0 }
  return decimalOfText(floatText(value as number))
}

function convert(from: NumberKind, to: NumberKind, value: JavaNumber): JavaNumber {
  switch (to) {
    case 'tinyint':
      return toInteger(value, 8)
    case 'smallint':
      return toInteger(value, 16)
    case 'int':
      return toInteger(value, 32)
    case 'float':
      return toFloat(value)
    case 'double':
      return toDouble(value)
    case 'decimal':
      return decimalOf(from, value)
    default:
      // A varint too comes of no more than a long.
      return toInteger(value, 64)
  }
}

function numberCasts(from: NumberKind): ScalarFunction[] {
  return NUMBER_KINDS.filter((to) => to !== from && to !== 'counter').flatMap((to) => {
    const execute = unlessNull((bytes) =>
      orServerError(() => numberBytes(to, convert(from, to, readNumber(from, bytes)))),
    )
    return casts(numberType(from), numberType(to), nullIfEmpty(execute))
  })
}

/** A value's text, as a literal without its quotes. */
function textCasts(from: NativeType): ScalarFunction[] {
  const execute = unlessNull((bytes) => utf8Bytes(nativeText(from.kind, bytes)))
  const run = isNullWhenEmpty(from) ? nullIfEmpty(execute) : execute
  return [...casts(from, native.ascii, run), ...casts(from, native.text, run)]
}

const WITH_TEXTS: readonly NativeKind[] = [
  ...NUMBER_KINDS,
  'inet',
  'boolean',
  'timeuuid',
  'timestamp',
  'date',
  'time',
  'uuid',
]

export function castFunctions(): ScalarFunction[] {
  const { ascii, text, timeuuid, timestamp, date } = native
  return [
    ...NUMBER_KINDS.flatMap(numberCasts),
    ...WITH_TEXTS.flatMap((kind) => textCasts(native[kind])),
    ...casts(ascii, text, ([value]) => value!),
    ...casts(timeuuid, date, convertTime('timeuuid', 'date')),
    ...casts(timeuuid, timestamp, convertTime('timeuuid', 'timestamp')),
    ...casts(timestamp, date, convertTime('timestamp', 'date')),
    ...casts(date, timestamp, convertTime('date', 'timestamp')),
  ]
}
