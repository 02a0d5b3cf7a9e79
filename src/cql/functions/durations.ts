import { int32Bytes, readInt32 } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { type Duration, dateToMillis } from '../../types/index.ts'

/**
 * Times and durations (`cql3.Duration`). Months are those of Java's GregorianCalendar in UTC: Julian before 15 October
 * 1582, Gregorian from then on.
 */

const DAY_MS = 86_400_000n
const NANOS_PER_MS = 1_000_000n
const DAY_NANOS = 86_400_000_000_000n

/** Days of 15 October 1582 since the epoch, the first of the Gregorian calendar. */
const CUTOVER_DAY = -141427n

/** A number of 64 bits, as Java's arithmetic leaves it. */
function long(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

/** Days since the epoch of a day in March-based years, with or without the leap years that Gregory left out. */
function dayNumber(year: bigint, month: bigint, day: bigint, gregorian: boolean): bigint {
  const shifted = month <= 2n ? year - 1n : year
  const monthFromMarch = month <= 2n ? month + 9n : month - 3n
  const inYear = (153n * monthFromMarch + 2n) / 5n + day - 1n
  const leaps = gregorian
    ? floorDivide(shifted, 4n) - floorDivide(shifted, 100n) + floorDivide(shifted, 400n)
    : floorDivide(shifted, 4n) - 2n
  return shifted * 365n + leaps + inYear - 719468n
}

interface Civil {
  readonly year: bigint
  /** From 1. */
  readonly month: bigint
  readonly day: bigint
}

function isLeap(year: bigint, gregorian: boolean): boolean {
  if (year % 4n !== 0n) return false
  return !gregorian || year % 100n !== 0n || year % 400n === 0n
}

const MONTH_DAYS = [31n, 28n, 31n, 30n, 31n, 30n, 31n, 31n, 30n, 31n, 30n, 31n] as const

function monthLength(year: bigint, month: bigint, gregorian: boolean): bigint {
  return month === 2n && isLeap(year, gregorian) ? 29n : MONTH_DAYS[Number(month) - 1]!
}

function civilOf(days: bigint): Civil {
  const gregorian = days >= CUTOVER_DAY
  // The year is found from its mean length, and is at most one off.
  const mean = gregorian ? 3652425n : 3652500n
  let year = 1970n + floorDivide(days * 10000n, mean)
  while (dayNumber(year, 1n, 1n, gregorian) > days) year--
  while (dayNumber(year + 1n, 1n, 1n, gregorian) <= days) year++
  let month = 1n
  while (month < 12n && dayNumber(year, month + 1n, 1n, gregorian) <= days) month++
  return { year, month, day: days - dayNumber(year, month, 1n, gregorian) + 1n }
}

/** Days since the epoch of a date; dates that the cutover skips are Julian. */
function daysOf({ year, month, day }: Civil): bigint {
  const gregorian = dayNumber(year, month, day, true)
  return gregorian >= CUTOVER_DAY ? gregorian : dayNumber(year, month, day, false)
}

/** A time with months added: a day that the month doesn't have becomes its last (`Calendar.add(MONTH, ...)`). */
function addMonths(millis: bigint, months: bigint): bigint {
  const days = floorDivide(millis, DAY_MS)
  const { year, month, day } = civilOf(days)
  const count = year * 12n + month - 1n + months
  const newYear = floorDivide(count, 12n)
  const newMonth = count - newYear * 12n + 1n
  const gregorian = dayNumber(newYear, newMonth, 1n, true) >= CUTOVER_DAY
  const last = monthLength(newYear, newMonth, gregorian)
  const newDays = daysOf({ year: newYear, month: newMonth, day: day > last ? last : day })
  return long(newDays * DAY_MS + (millis - days * DAY_MS))
}

/** Milliseconds of a duration's days and nanoseconds. */
function millisOf({ days, nanoseconds }: Duration): bigint {
  return long(BigInt(days) * DAY_MS + nanoseconds / NANOS_PER_MS)
}

/** A time in milliseconds and a duration, added or subtracted (`Duration.addTo`, `substractFrom`). */
export function addDuration(millis: bigint, duration: Duration, subtract: boolean): bigint {
  const sign = subtract ? -1 : 1
  const months = sign * duration.months
  const rest = BigInt(sign) * millisOf(duration)
  if (months === 0) return long(millis + rest)
  // The calendar takes milliseconds in 32 bits.
  const timeMillis = BigInt.asIntN(32, (BigInt(sign) * duration.nanoseconds) / NANOS_PER_MS)
  return long(addMonths(millis, BigInt(months)) + BigInt(sign * duration.days) * DAY_MS + timeMillis)
}

function isNegative({ months, days, nanoseconds }: Duration): boolean {
  return nanoseconds < 0n || days < 0 || months < 0
}

function refuse(condition: boolean, message: string): void {
  if (condition) throw new InvalidRequestError(message)
}

/** The last time that is a multiple of a duration from a start (`Duration.floorTimestamp`). */
export function floorTimestamp(millis: bigint, duration: Duration, start: bigint): bigint {
  refuse(start > millis, 'The floor function starting time is greater than the provided time')
  refuse(isNegative(duration), 'Negative durations are not supported by the floor function')
  const step = millisOf(duration)
  if (duration.months === 0) return step === 0n ? millis : long(millis - (long(millis - start) % step))
  const to = civilOf(floorDivide(millis, DAY_MS))
  const from = civilOf(floorDivide(start, DAY_MS))
  const months = BigInt(duration.months)
  let multiplier = (eraYear(to) - eraYear(from)) * 12n + (to.month - from.month)
  multiplier = BigInt.asIntN(32, multiplier) / months
  let monthsEnd = addMonths(start, multiplier * months)
  if (step === 0n) return monthsEnd
  let floor = long(monthsEnd + multiplier * step)
  const stepBack = (count: bigint): void => {
    multiplier -= count
    monthsEnd = addMonths(monthsEnd, -months * count)
    floor = long(monthsEnd + multiplier * step)
  }
  // With days or hours beside the months this went too far. All months have 28 days, so that of those many are taken
  // at once; of later days each month may leave an earlier one.
  while (floor > millis) {
    if (civilOf(floorDivide(monthsEnd, DAY_MS)).day <= 28n) {
      for (let count = 1n << 30n; count > 0n; count >>= 1n) {
        // At a multiple of none stands the start, which is not after the time.
        if (count >= multiplier) continue
        const candidate = long(addMonths(monthsEnd, -months * count) + (multiplier - count) * step)
        if (candidate > millis) stepBack(count)
      }
    }
    stepBack(1n)
  }
  return floor > start ? floor : start
}

/** The year that the calendar shows: of its era. */
function eraYear({ year }: Civil): bigint {
  return year > 0n ? year : 1n - year
}

/** The last time of day that is a multiple of a duration, in nanoseconds (`Duration.floorTime`). */
export function floorTime(nanos: bigint, duration: Duration): bigint {
  refuse(isNegative(duration), 'Negative durations are not supported by the floor function')
  refuse(
    duration.months !== 0 || duration.days !== 0 || duration.nanoseconds > DAY_NANOS,
    'For time values, the floor can only be computed for durations smaller that a day',
  )
  return duration.nanoseconds === 0n ? nanos : nanos - (nanos % duration.nanoseconds)
}

/** Milliseconds of a serialized date. */
export function dateMillis(bytes: Uint8Array): bigint {
  return BigInt(dateToMillis(readInt32(bytes, 0)))
}

/** The serialized date of a time in milliseconds: of whole seconds, cut toward the epoch (`Duration.toDays`). */
export function dateBytes(millis: bigint): Uint8Array {
  const days = floorDivide(millis, 1000n) / 86_400n
  return int32Bytes(Number(BigInt.asIntN(32, days + 0x80000000n)))
}
