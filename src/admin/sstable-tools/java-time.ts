import { civilFromDays, twoDigits, yearText } from '../../types/calendar.ts'

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

/** Date and time of day of seconds since the epoch: `2023-11-14` and `22:13:20`. */
function civil(seconds: number): { year: number; month: number; day: number; time: string } {
  const days = Math.floor(seconds / DAY_SECONDS)
  const rest = seconds - days * DAY_SECONDS
  const time = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60].map(twoDigits).join(':')
  return { ...civilFromDays(days), time }
}

/** `Instant.toString`: the fraction in groups of three digits, as many as are needed. */
function instantText(seconds: number, nanos: number): string {
  const { year, month, day, time } = civil(seconds)
  let fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0')}`
  while (fraction.endsWith('000')) fraction = fraction.slice(0, -3)
  return `${yearText(year)}-${twoDigits(month)}-${twoDigits(day)}T${time}${fraction}Z`
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

/** `SimpleDateFormat("MM/dd/yyyy HH:mm:ss")` of milliseconds since the epoch. */
export function simpleDateText(millis: bigint): string {
  const seconds = Number((millis - floorMod(millis, 1000n)) / 1000n)
  const { year, month, day, time } = civil(seconds)
  // Before the year 1 the year of the era.
  const ofEra = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${twoDigits(month)}/${twoDigits(day)}/${ofEra} ${time}`
}
