import { int64Bytes } from '../../common/bytes.ts'
import { type Decimal, native, unwrapReversed } from '../../types/index.ts'
import type { CqlType } from '../../types/type.ts'
import { add, divideToScale, subtract, ZERO } from './big-decimal.ts'
import { aggregate, type NativeDefinition } from './definition.ts'
import type { Aggregate, AggregateFunction } from './function.ts'
import {
  convertOperand,
  decimalOfDouble,
  type JavaNumber,
  NUMBER_KINDS,
  type NumberKind,
  numberBytes,
  numberType,
  orServerError,
  readNumber,
  toDouble,
} from './numbers.ts'
import { anyType, factory } from './parameters.ts'

/** Functions of the rows of a group (`AggregateFcts`). */

/** The state of an aggregate of numbers that are not null. */
interface NumberAggregate {
  add(value: JavaNumber): void
  compute(): JavaNumber
  reset(): void
}

/** Reads the numbers of an aggregate's input; an empty value is null, and nulls are left out. */
function ofNumbers(kind: NumberKind, state: NumberAggregate): Aggregate {
  return {
    addInput: ([value]) => {
      if (value == null || value.length === 0) return
      orServerError(() => state.add(readNumber(kind, value)))
    },
    compute: () => orServerError(() => numberBytes(kind, state.compute())),
    reset: () => state.reset(),
  }
}

/** Integers as far as their type reaches, where the sum starts again from the other end. */
function integerSum(): NumberAggregate {
  let sum = 0n
  return {
    add: (value) => {
      sum += value as bigint
    },
    compute: () => sum,
    reset: () => {
      sum = 0n
    },
  }
}

/** Cut toward zero; no rows have an average of zero. */
function integerAverage(): NumberAggregate {
  let sum = 0n
  let count = 0n
  return {
    add: (value) => {
      sum += value as bigint
      count++
    },
    compute: () => (count === 0n ? 0n : sum / count),
    reset: () => {
      sum = 0n
      count = 0n
    },
  }
}

/**
 * A sum of doubles with the digits kept that an addition loses, which Cassandra adds at the end where Kahan subtracts
 * them; beside it the plain sum, for infinities.
 */
class KahanSum {
  sum = 0
  #compensation = 0
  #plain = 0

  add(value: number): void {
    this.#plain += value
    const corrected = value - this.#compensation
    const rounded = this.sum + corrected
    this.#compensation = rounded - this.sum - corrected
    this.sum = rounded
  }

  get total(): number {
    const total = this.sum + this.#compensation
    const isInfinite = !Number.isNaN(this.#plain) && !Number.isFinite(this.#plain)
    return Number.isNaN(total) && isInfinite ? this.#plain : total
  }
}

function floatingSum(): NumberAggregate {
  let sum = new KahanSum()
  return {
    add: (value) => sum.add(value as number),
    compute: () => sum.total,
    reset: () => {
      sum = new KahanSum()
    },
  }
}

/** Doubles, and decimals from where their sum leaves the range of doubles. */
function floatingAverage(): NumberAggregate {
  let sum = new KahanSum()
  let big: Decimal | null = null
  let count = 0
  return {
    add: (value) => {
      const double = value as number
      count++
      if (big !== null) {
        big = add(big, decimalOfDouble(double))
        return
      }
      const before = sum.sum
      sum.add(double)
      const overflows = Math.abs(sum.sum) === Number.POSITIVE_INFINITY
      if (overflows && Math.abs(double) !== Number.POSITIVE_INFINITY) {
        big = add(decimalOfDouble(before), decimalOfDouble(double))
      }
    },
    compute: () => {
      if (count === 0) return 0
      if (big === null) return sum.total / count
      return toDouble(divideToScale(big, { unscaled: BigInt(count), scale: 0 }, big.scale, 'halfEven'))
    },
    reset: () => {
      sum = new KahanSum()
      big = null
      count = 0
    },
  }
}

function decimalSum(): NumberAggregate {
  let sum = ZERO
  return {
    add: (value) => {
      sum = add(sum, value as Decimal)
    },
    compute: () => sum,
    reset: () => {
      sum = ZERO
    },
  }
}

/** Each number moves the average by its share, in the digits that it has itself. */
function decimalAverage(): NumberAggregate {
  let average = ZERO
  let count = 0n
  return {
    add: (value) => {
      count++
      const difference = subtract(value as Decimal, average)
      const share = divideToScale(difference, { unscaled: count, scale: 0 }, difference.scale, 'halfEven')
      average = add(average, share)
    },
    compute: () => average,
    reset: () => {
      average = ZERO
      count = 0n
    },
  }
}

const SUMS: Readonly<Partial<Record<NumberKind, () => NumberAggregate>>> = {
  float: floatingSum,
  double: floatingSum,
  decimal: decimalSum,
}

const AVERAGES: Readonly<Partial<Record<NumberKind, () => NumberAggregate>>> = {
  float: floatingAverage,
  double: floatingAverage,
  decimal: decimalAverage,
}

export function sumFunction(kind: NumberKind): AggregateFunction {
  const type = numberType(kind)
  return aggregate('sum', [type], type, () => ofNumbers(kind, (SUMS[kind] ?? integerSum)()))
}

export function averageFunction(kind: NumberKind): AggregateFunction {
  const type = numberType(kind)
  return aggregate('avg', [type], type, () => ofNumbers(kind, (AVERAGES[kind] ?? integerAverage)()))
}

/** The least or greatest counter, of those that are not empty. */
function extremeCounter(sign: 1 | -1): Aggregate {
  let extreme: bigint | null = null
  return ofNullable('counter', {
    add: (value) => {
      const counter = convertOperand('counter', 'bigint', value) as bigint
      if (extreme === null || (sign > 0 ? counter > extreme : counter < extreme)) extreme = counter
    },
    compute: () => extreme,
    reset: () => {
      extreme = null
    },
  })
}

function ofNullable(
  kind: NumberKind,
  state: Omit<NumberAggregate, 'compute'> & { compute(): JavaNumber | null },
): Aggregate {
  const inner = ofNumbers(kind, { ...state, compute: () => state.compute()! })
  return { ...inner, compute: () => (state.compute() === null ? null : inner.compute()) }
}

/** The least or greatest value in the order of its type, nulls left out. */
function extreme(type: CqlType, sign: 1 | -1): Aggregate {
  let found: Uint8Array | null = null
  return {
    addInput: ([value]) => {
      if (value === null || value === undefined) return
      if (found !== null && type.compare(value, 0, value.length, found, 0, found.length) * sign <= 0) return
      found = value.slice()
    },
    compute: () => found,
    reset: () => {
      found = null
    },
  }
}

function extremeFunction(name: 'min' | 'max', type: CqlType): AggregateFunction {
  const sign = name === 'max' ? 1 : -1
  const base = unwrapReversed(type)
  if (base.kind === 'counter') return aggregate(name, [type], base, () => extremeCounter(sign))
  return aggregate(name, [type], base, () => extreme(base, sign))
}

export function minFunction(type: CqlType): AggregateFunction {
  return extremeFunction('min', type)
}

export function maxFunction(type: CqlType): AggregateFunction {
  return extremeFunction('max', type)
}

/** Rows, or those with a value that is not null. */
class Counter implements Aggregate {
  readonly #ofRows: boolean
  #count = 0

  constructor(ofRows: boolean) {
    this.#ofRows = ofRows
  }

  addInput(args: readonly (Uint8Array | null)[]): void {
    if (this.#ofRows || args[0] !== null) this.#count++
  }

  compute(): Uint8Array {
    return int64Bytes(BigInt(this.#count))
  }

  reset(): void {
    this.#count = 0
  }
}

export function aggregateFunctions(): NativeDefinition[] {
  return [
    ...['count_rows', 'countRows'].map((name) =>
      aggregate(
        name,
        [],
        native.bigint,
        () => new Counter(true),
        () => 'count',
      ),
    ),
    // Every type can be read as bytes, and so be counted.
    aggregate('count', [native.blob], native.bigint, () => new Counter(false)),
    ...NUMBER_KINDS.flatMap((kind) => [sumFunction(kind), averageFunction(kind)]),
    factory('max', [anyType(true)], ([type]) => maxFunction(type!)),
    factory('min', [anyType(true)], ([type]) => minFunction(type!)),
  ]
}
