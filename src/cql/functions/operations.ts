import { readInt64, utf8Bytes } from '../../common/bytes.ts'
import { FunctionFailureError, InvalidRequestError } from '../../common/errors.ts'
import { type Decimal, durationText, native, readDuration } from '../../types/index.ts'
import type { NativeType } from '../../types/type.ts'
import {
  ArithmeticError,
  addRounded,
  type Context,
  divideToScale,
  multiplyRounded,
  negate,
  precision,
  remainder,
  stripTrailingZeros,
} from './big-decimal.ts'
import { nullIfEmpty, refusingEmptyDates, scalar, unlessNull } from './definition.ts'
import { addDuration, dateBytes, dateMillis } from './durations.ts'
import type { ScalarFunction } from './function.ts'
import {
  convertOperand,
  integerBits,
  type JavaNumber,
  NUMBER_KINDS,
  type NumberKind,
  numberBytes,
  numberType,
  readNumber,
} from './numbers.ts'

/** The functions that operators stand for (`OperationFcts`). */

export type Operator = '+' | '-' | '*' | '/' | '%'

/** The names of the operators' functions. */
export const OPERATOR_NAMES: Readonly<Record<Operator, string>> = {
  '+': '_add',
  '-': '_substract',
  '*': '_multiply',
  '/': '_divide',
  '%': '_modulo',
}

export const NEGATION_NAME = '_negate'

const OPERATORS = Object.keys(OPERATOR_NAMES) as Operator[]

function sizeOf(kind: NumberKind): number {
  if (kind === 'float') return 4
  if (kind === 'double') return 8
  return (integerBits(kind) ?? Number.POSITIVE_INFINITY) / 8
}

/** The type of an operation's result: floating as soon as one operand is, and as wide as the wider. */
export function resultKind(left: NumberKind, right: NumberKind): NumberKind {
  const size = Math.max(sizeOf(left), sizeOf(right))
  const floating = [left, right].some((kind) => kind === 'float' || kind === 'double' || kind === 'decimal')
  if (floating) return size <= 4 ? 'float' : size === 8 ? 'double' : 'decimal'
  const integers: readonly NumberKind[] = ['tinyint', 'smallint', 'int', 'bigint']
  return integers.find((kind) => sizeOf(kind) === size) ?? 'varint'
}

/** Of integers and of floating point numbers. */
interface Arithmetic {
  readonly integers: (left: bigint, right: bigint) => bigint
  readonly floats: (left: number, right: number) => number
}

const ARITHMETIC: Readonly<Record<Operator, Arithmetic>> = {
  '+': { integers: (left, right) => left + right, floats: (left, right) => left + right },
  '-': { integers: (left, right) => left - right, floats: (left, right) => left - right },
  '*': { integers: (left, right) => left * right, floats: (left, right) => left * right },
  '/': { integers: (left, right) => left / right, floats: (left, right) => left / right },
  '%': { integers: (left, right) => left % right, floats: (left, right) => left % right },
}

function integerOperation(operator: Operator, left: bigint, right: bigint, isBig: boolean): bigint {
  if (right === 0n && (operator === '/' || operator === '%')) {
    throw new ArithmeticError(isBig ? 'BigInteger divide by zero' : '/ by zero')
  }
  return ARITHMETIC[operator].integers(left, right)
}

/** The greatest number of digits of a decimal. */
const MAX_PRECISION: Context = { precision: 10_000, rounding: 'halfUp' }
const MIN_SCALE = 32
const MAX_SCALE = 1000

function decimalOperation(operator: Operator, left: Decimal, right: Decimal): Decimal {
  switch (operator) {
    case '+':
      return addRounded(left, right, MAX_PRECISION)
    case '-':
      return addRounded(left, negate(right), MAX_PRECISION)
    case '*':
      return multiplyRounded(left, right, MAX_PRECISION)
    case '/':
      return stripTrailingZeros(divideToScale(left, right, quotientScale(left, right), 'halfUp'))
    case '%':
      return remainder(left, right)
  }
}

/** At least 32 significant digits, and no scale that is less than those of the operands. */
function quotientScale(left: Decimal, right: Decimal): number {
  const firstDigit = precision(left) - left.scale - (precision(right) - right.scale)
  return Math.min(Math.max(32 - firstDigit, left.scale, right.scale, MIN_SCALE), MAX_SCALE)
}

function operate(kind: NumberKind, operator: Operator, left: JavaNumber, right: JavaNumber): JavaNumber {
  switch (kind) {
    case 'float':
    case 'double':
      return ARITHMETIC[operator].floats(left as number, right as number)
    case 'decimal':
      return decimalOperation(operator, left as Decimal, right as Decimal)
    default:
      return integerOperation(operator, left as bigint, right as bigint, kind === 'varint')
  }
}

/** A function for an operator; what it cannot compute fails the statement with the operands' types. */
function operation(
  operator: Operator,
  left: NativeType,
  right: NativeType,
  returnType: NativeType,
  execute: (left: Uint8Array, right: Uint8Array) => Uint8Array,
): ScalarFunction {
  const argTypes = [left.cqlName, right.cqlName]
  const guarded = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    try {
      return execute(a, b)
    } catch (error) {
      if (!(error instanceof ArithmeticError || error instanceof InvalidRequestError)) throw error
      const message = `the operation '${argTypes.join(` ${operator} `)}' failed: ${error.message}`
      throw new FunctionFailureError(message, 'system', OPERATOR_NAMES[operator], argTypes)
    }
  }
  const run = unlessNull(guarded)
  // An empty text is one, and an empty date is an error.
  const keepsEmpty = ['text', 'ascii', 'date'].includes(returnType.kind)
  return scalar(
    OPERATOR_NAMES[operator],
    [left, right],
    returnType,
    keepsEmpty ? run : nullIfEmpty(run),
    ([a, b]) => `${a} ${operator} ${b}`,
  )
}

function numericOperation(operator: Operator, left: NumberKind, right: NumberKind): ScalarFunction {
  const kind = resultKind(left, right)
  return operation(operator, numberType(left), numberType(right), numberType(kind), (a, b) => {
    const first = convertOperand(left, kind, readNumber(left, a))
    const second = convertOperand(right, kind, readNumber(right, b))
    return numberBytes(kind, operate(kind, operator, first, second))
  })
}

function negation(kind: NumberKind): ScalarFunction {
  const type = numberType(kind)
  const execute = unlessNull((bytes) => {
    const value = readNumber(kind, bytes)
    return numberBytes(kind, typeof value === 'object' ? negate(value) : -value)
  })
  return scalar(NEGATION_NAME, [type], type, nullIfEmpty(execute), ([a]) => `-${a}`)
}

/** A time and a duration, added or subtracted. */
function temporalOperation(operator: '+' | '-', type: NativeType): ScalarFunction {
  const isDate = type.kind === 'date'
  const called = operation(operator, type, native.duration, type, (time, span) => {
    const duration = readDuration(span)
    if (isDate ? duration.nanoseconds !== 0n : duration.nanoseconds % 1_000_000n !== 0n) {
      throw new InvalidRequestError(
        `The duration must have a ${isDate ? 'day' : 'millisecond'} precision. Was: ${durationText(duration)}`,
      )
    }
    const sum = addDuration(isDate ? dateMillis(time) : readInt64(time, 0), duration, operator === '-')
    return isDate ? dateBytes(sum) : numberBytes('bigint', sum)
  })
  return isDate ? { ...called, execute: refusingEmptyDates(called.execute) } : called
}

/** Texts, one after the other. */
function concatenation(left: NativeType, right: NativeType, returnType: NativeType): ScalarFunction {
  return operation('+', left, right, returnType, (a, b) =>
    // Through text, so that what is no UTF-8 comes out as Java's replacement of it.
    utf8Bytes(Buffer.from(a).toString('utf8') + Buffer.from(b).toString('utf8')),
  )
}

export function operationFunctions(): ScalarFunction[] {
  const { ascii, text, timestamp, date } = native
  return [
    ...NUMBER_KINDS.flatMap((left) =>
      NUMBER_KINDS.flatMap((right) => OPERATORS.map((operator) => numericOperation(operator, left, right))),
    ),
    ...NUMBER_KINDS.map(negation),
    ...([timestamp, date] as const).flatMap((type) => [
      temporalOperation('+', type),
      temporalOperation('-', type),
    ]),
    concatenation(text, text, text),
    concatenation(ascii, ascii, ascii),
    concatenation(ascii, text, text),
    concatenation(text, ascii, text),
  ]
}
