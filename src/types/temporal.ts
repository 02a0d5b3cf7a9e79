/** `date`, `time` and `timestamp` in text, in all the patterns that Cassandra takes. Dates without a zone are UTC. */

import { MarshalError } from '../common/errors.ts'
import { civilFromDays, daysFromCivil, daysInMonth, twoDigits, yearText } from './calendar.ts'

const INTEGER = /^-?\d+$/
const LONG_MIN = -0x8000000000000000n
const LONG_MAX = 0x7fffffffffffffffn
const DAY_MS = 86_400_000
const DAY_NANOS = 86_400_000_000_000n

// ---------------------------------------------------------------- date

/** Days of a literal, unsigned with the epoch at 2^31 (`SimpleDateSerializer.dateStringToDays`). */
export function parseDate(text: string): number {
  if (INTEGER.test(text)) {
    const days = BigInt(text)
    if (days < 0n || days > 0xffffffffn) {
      throw new MarshalError(`Unable to make unsigned int (for date) from: '${text}'`)
    }
    return Number(days)
  }
  const match = /^(?:([+-])?(\d{4,10}))-(\d\d)-(\d\d)$/.exec(text)
  const date = match === null ? undefined : isoLocalDate(match[1], match[2], match[3], match[4])
  if (date === undefined || date.day > daysInMonth(date.year, date.month)) {
    throw new MarshalError(`Unable to coerce '${text}' to a formatted date (long)`)
  }
  const days = daysFromCivil(date)
  if (days < -0x80000000) {
    throw new MarshalError(`Input date ${text} is less than min supported date -5877641-06-23T00:00Z`)
  }
  if (days > 0x7fffffff) {
    throw new MarshalError(`Input date ${text} is greater than max supported date +5881580-07-11T00:00Z`)
  }
  return days + 0x80000000
}

/** Fields of `DateTimeFormatter.ISO_LOCAL_DATE`; the day is only checked to be within 1 and 31. */
function isoLocalDate(sign: string | undefined, year: string, month: string, day: string) {
  // More than four digits need a sign, and a plus needs more than four digits.
  if (sign === undefined && year.length > 4) return undefined
  if (sign === '+' && year.length <= 4) return undefined
  if (sign === '-' && Number(year) === 0) return undefined
  if (Number(year) > 999_999_999) return undefined
  const date = { year: sign === '-' ? -Number(year) : Number(year), month: Number(month), day: Number(day) }
  return inRange(date.month, 1, 12) && inRange(date.day, 1, 31) ? date : undefined
}

function inRange(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}

/** The ISO date of a day count, unsigned with the epoch at 2^31 (`SimpleDateSerializer.toString`). */
export function dateText(days: number): string {
  const { year, month, day } = civilFromDays((days >>> 0) - 0x80000000)
  return `${yearText(year)}-${twoDigits(month)}-${twoDigits(day)}`
}

/** Milliseconds since the epoch at the start of a day (`SimpleDateSerializer.dayToTimeInMillis`). */
export function dateToMillis(days: number): number {
  return ((days >>> 0) - 0x80000000) * DAY_MS
}

/** The day of a time, unsigned with the epoch at 2^31; rounds toward the epoch as `Duration.toDays` does. */
export function dateFromMillis(millis: number): number {
  return (Math.trunc(millis / DAY_MS) + 0x80000000) >>> 0
}

// ---------------------------------------------------------------- time

/** Nanoseconds since midnight of a literal (`TimeSerializer.timeStringToLong`). */
export function parseTime(text: string): bigint {
  if (INTEGER.test(text)) {
    const nanos = BigInt(text)
    if (nanos < 0n || nanos >= DAY_NANOS)
      throw new MarshalError(`Unable to make long (for time) from: '${text}'`)
    return nanos
  }
  const match = /^([+-]?\d+):([+-]?\d+):([+-]?\d+)(?:\.(\d{1,9}))?$/.exec(text.trim())
  if (match !== null) {
    const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])]
    if (inRange(hours, 0, 23) && inRange(minutes, 0, 59) && inRange(seconds, 0, 59)) {
      const nanos = BigInt((match[4] ?? '').padEnd(9, '0'))
      return BigInt(hours * 3600 + minutes * 60 + seconds) * 1_000_000_000n + nanos
    }
  }
  throw new MarshalError(`(TimeType) Unable to coerce '${text}' to a formatted time (long)`)
}

/** `hh:mm:ss.nnnnnnnnn` (`TimeSerializer.toString`). */
export function timeText(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n)
  const fraction = String(nanos % 1_000_000_000n).padStart(9, '0')
  const hours = Math.floor(seconds / 3600) % 24
  return `${twoDigits(hours)}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}.${fraction}`
}

// ---------------------------------------------------------------- timestamp

const ZONE = '(?: ?(Z|[+-]\\d\\d(?::?\\d\\d)?)| ([A-Za-z][A-Za-z0-9_+/:-]*(?: [A-Za-z]+)*))?'
const DATE_TIME = new RegExp(
  `^(\\d{1,10})-(\\d{1,19})-(\\d{1,19})[T ](\\d{1,19}):(\\d{1,19})(?::(\\d{1,19}))?(\\.\\d{0,9})?${ZONE}$`,
)
const DATE_ONLY = new RegExp(
  `^([+-])?(\\d{4,10})-(\\d\\d)-(\\d\\d)(?:([+-]\\d\\d:\\d\\d(?::\\d\\d)?)|${ZONE.slice(3, -2)})?$`,
)

/**
 * Milliseconds of a literal (`TimestampSerializer.dateStringToTimestamp`): an integer, a date, or a date and time,
 * with an optional zone. `now` is the caller's clock in milliseconds, for the literal 'now'.
 */
export function parseTimestamp(text: string, now?: number): bigint {
  if (now !== undefined && text.toLowerCase() === 'now') return BigInt(Math.trunc(now))
  if (INTEGER.test(text)) {
    const millis = BigInt(text)
    if (millis < LONG_MIN || millis > LONG_MAX) {
      throw new MarshalError(`Unable to make long (for date) from: '${text}'`)
    }
    return millis
  }
  const millis = parseDateTime(text) ?? parseDateOnly(text)
  if (millis === undefined || millis < LONG_MIN || millis > LONG_MAX) {
    throw new MarshalError(`Unable to parse a date/time from '${text}'`)
  }
  return millis
}

function parseDateTime(text: string): bigint | undefined {
  const match = DATE_TIME.exec(text)
  if (match === null) return undefined
  const [
    ,
    yearDigits,
    monthDigits,
    dayDigits,
    hourDigits,
    minuteDigits,
    secondDigits,
    fraction,
    offset,
    zone,
  ] = match
  // A fraction needs seconds to belong to.
  if (fraction !== undefined && secondDigits === undefined) return undefined
  const year = Number(yearDigits)
  const month = Number(monthDigits)
  const day = Number(dayDigits)
  const hours = Number(hourDigits)
  const minutes = Number(minuteDigits)
  const seconds = Number(secondDigits ?? 0)
  const millis = Number((fraction ?? '.').slice(1).padEnd(3, '0').slice(0, 3))
  if (!inRange(year, 1, 999_999_999) || !inRange(month, 1, 12) || !inRange(day, 1, 31)) return undefined
  const endOfDay = hours === 24 && minutes === 0 && seconds === 0 && millis === 0
  if (!(inRange(hours, 0, 23) || endOfDay) || !inRange(minutes, 0, 59) || !inRange(seconds, 0, 59))
    return undefined
  const time = (hours * 60 + minutes) * 60_000 + seconds * 1000 + millis
  return atZone(smartDays(year, month, day), time, offset, zone)
}

function parseDateOnly(text: string): bigint | undefined {
  const match = DATE_ONLY.exec(text)
  if (match === null) return undefined
  const date = isoLocalDate(match[1], match[2], match[3], match[4])
  if (date === undefined) return undefined
  return atZone(smartDays(date.year, date.month, date.day), 0, match[5] ?? match[6], match[7])
}

/** Java's smart resolver lets a day up to 31 stand in every month, and takes the last of the month for it. */
function smartDays(year: number, month: number, day: number): number {
  return daysFromCivil({ year, month, day: Math.min(day, daysInMonth(year, month)) })
}

function atZone(
  days: number,
  timeMs: number,
  offset: string | undefined,
  zone: string | undefined,
): bigint | undefined {
  const local = BigInt(days) * BigInt(DAY_MS) + BigInt(timeMs)
  if (offset !== undefined) {
    const offsetMs = parseOffset(offset)
    return offsetMs === undefined ? undefined : local - BigInt(offsetMs)
  }
  if (zone === undefined) return local
  const offsetMs = zoneOffset(zone, local)
  return offsetMs === undefined ? undefined : local - BigInt(offsetMs)
}

/** `Z`, `+hh`, `+hhmm`, `+hh:mm` or `+hh:mm:ss`, at most 18 hours. */
function parseOffset(text: string): number | undefined {
  if (text === 'Z') return 0
  const digits = text.slice(1).replaceAll(':', '')
  const [hours, minutes, seconds] = [0, 2, 4].map((at) => Number(digits.slice(at, at + 2)))
  const total = (hours * 60 + minutes) * 60 + seconds
  if (minutes > 59 || seconds > 59 || total > 18 * 3600) return undefined
  return (text[0] === '-' ? -total : total) * 1000
}

/** Zone names that Java knows and Intl may not; each stands for a region with its daylight saving. */
const ZONE_NAMES: Readonly<Record<string, string>> = {
  UTC: 'UTC',
  UT: 'UTC',
  GMT: 'UTC',
  'Coordinated Universal Time': 'UTC',
  'Greenwich Mean Time': 'UTC',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  'Eastern Standard Time': 'America/New_York',
  'Eastern Daylight Time': 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  'Central Standard Time': 'America/Chicago',
  'Central Daylight Time': 'America/Chicago',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  'Mountain Standard Time': 'America/Denver',
  'Mountain Daylight Time': 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  'Pacific Standard Time': 'America/Los_Angeles',
  'Pacific Daylight Time': 'America/Los_Angeles',
  CET: 'Europe/Paris',
  CEST: 'Europe/Paris',
  'Central European Standard Time': 'Europe/Paris',
  'Central European Summer Time': 'Europe/Paris',
  'Central European Time': 'Europe/Paris',
  EET: 'Europe/Bucharest',
  EEST: 'Europe/Bucharest',
  WET: 'Europe/Lisbon',
  WEST: 'Europe/Lisbon',
  // Java's own choices: Bougainville's time, and Ireland's.
  BST: 'Pacific/Bougainville',
  MSK: 'Europe/Moscow',
  JST: 'Asia/Tokyo',
  'Japan Standard Time': 'Asia/Tokyo',
  IST: 'Europe/Dublin',
  AEST: 'Australia/Sydney',
  AEDT: 'Australia/Sydney',
  NZST: 'Pacific/Auckland',
  NZDT: 'Pacific/Auckland',
}

/** Offset in milliseconds that a named zone has at a local time; undefined for an unknown name. */
function zoneOffset(name: string, localMs: bigint): number | undefined {
  const fixed = /^(?:UTC|GMT|UT)([+-])(\d\d)(?::?(\d\d))?$/.exec(name)
  if (fixed !== null) return parseOffset(`${fixed[1]}${fixed[2]}${fixed[3] ?? ''}`)
  const region = ZONE_NAMES[name] ?? (name.includes('/') ? name : undefined)
  if (region === undefined) return undefined
  if (region === 'UTC') return 0
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: region, timeZoneName: 'longOffset' })
    const offsetAt = (ms: number): number => {
      const part = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')
      return parseOffset((part?.value ?? 'GMT').slice(3).padEnd(3, '+00')) ?? 0
    }
    const local = Number(localMs)
    const before = offsetAt(local - DAY_MS)
    // Of two possible offsets Java takes the earlier one, valid before the transition.
    return offsetAt(local - before) === before ? before : offsetAt(local - offsetAt(local - before))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Text of a timestamp: `T` between date and time in CQL, a blank in JSON; the year is that of its era. */
export function timestampText(millis: bigint, separator: 'T' | ' '): string {
  const dayMs = BigInt(DAY_MS)
  const time = Number(((millis % dayMs) + dayMs) % dayMs)
  const days = Number((millis - BigInt(time)) / dayMs)
  const { year, month, day } = civilFromDays(days)
  const date = `${yearText(year > 0 ? year : 1 - year)}-${twoDigits(month)}-${twoDigits(day)}`
  const [hours, minutes, seconds] = [time / 3_600_000, (time / 60_000) % 60, (time / 1000) % 60].map(
    Math.floor,
  )
  const fraction = String(time % 1000).padStart(3, '0')
  return `${date}${separator}${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(seconds)}.${fraction}Z`
}
