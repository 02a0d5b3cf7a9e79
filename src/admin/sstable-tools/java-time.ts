import { type CivilDate, civilFromDays, twoDigits, yearText } from '../../types/calendar.ts'

/** Times as Cassandra's tools show them, in UTC. */

const LONG_MAX = 2n ** 63n - 1n
const LONG_MIN = -(2n ** 63n)
const MICROS = 1_000_000n
const NANOS = 1_000_000_000n
const DAY_SECONDS = 86_400

/** A timestamp of two halves. */
export function timestampOf(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

function floorMod(value: bigint, divisor: bigint): bigint {
  return ((value % divisor) + divisor) % divisor
}

function timeOfDay(seconds: number): string {
  const rest = seconds - Math.floor(seconds / DAY_SECONDS) * DAY_SECONDS
  return [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map(twoDigits).join(':')
}

/** `Instant.toString`: the fraction in groups of three digits, as many as are needed. */
function instantText(seconds: number, nanos: number): string {
  const { year, month, day } = civilFromDays(Math.floor(seconds / DAY_SECONDS))
  let fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0')}`
  while (fraction.endsWith('000')) fraction = fraction.slice(0, -3)
  return `${yearText(year)}-${twoDigits(month)}-${twoDigits(day)}T${timeOfDay(seconds)}${fraction}Z`
}

/** A timestamp in microseconds as sstabledump shows it: seconds are cut, and the fraction of what fits a long. */
export function timestampText(micros: bigint): string {
  const nanos = micros * 1000n
  const saturated = nanos > LONG_MAX ? LONG_MAX : nanos < LONG_MIN ? LONG_MIN : nanos
  return instantText(Number(micros / MICROS), Number(floorMod(saturated, NANOS)))
}

/** A time of deletion in seconds as sstabledump shows it. */
export function secondsText(seconds: number): string {
  return instantText(seconds, 0)
}

/** 1582-10-15, from which Java's calendar is Gregorian. */
const GREGORIAN_FROM_DAY = -141_427
/** From the first of March of the year 0 of the Julian calendar to 1970-01-01. */
const JULIAN_EPOCH_DAYS = 719_470

/** The date of a day in the Julian calendar. */
function julianFromDays(days: number): CivilDate {
  const shifted = days + JULIAN_EPOCH_DAYS
  const era = Math.floor(shifted / 1461)
  const dayOfEra = shifted - era * 1461
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460)) / 365)
  const dayOfYear = dayOfEra - 365 * yearOfEra
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return {
    year: yearOfEra + era * 4 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  }
}

/** `SimpleDateFormat("MM/dd/yyyy HH:mm:ss")` of milliseconds since the epoch. */
export function simpleDateText(millis: bigint): string {
  const seconds = Number((millis - floorMod(millis, 1000n)) / 1000n)
  const days = Math.floor(seconds / DAY_SECONDS)
  const { year, month, day } = days < GREGORIAN_FROM_DAY ? julianFromDays(days) : civilFromDays(days)
  // Before the year 1 the year of the era.
  const ofEra = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${twoDigits(month)}/${twoDigits(day)}/${ofEra} ${timeOfDay(seconds)}`
}
