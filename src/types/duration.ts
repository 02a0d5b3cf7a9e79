/** `duration`: months, days and nanoseconds of one sign, in text (`cql3.Duration`) and as three signed vints. */

import { concatBytes } from '../common/bytes.ts'
import { InvalidRequestError } from '../common/errors.ts'
import { readVintBig, vintBytes, vintLength } from '../common/varint.ts'

export interface Duration {
  readonly months: number
  readonly days: number
  readonly nanoseconds: bigint
}

const INT_MAX = 0x7fffffffn
const LONG_MAX = 0x7fffffffffffffffn

/** Units from the greatest to the least, in the order that a text has to keep. */
const UNITS = [
  { name: 'years', part: 'months', factor: 12n },
  { name: 'months', part: 'months', factor: 1n },
  { name: 'weeks', part: 'days', factor: 7n },
  { name: 'days', part: 'days', factor: 1n },
  { name: 'hours', part: 'nanoseconds', factor: 3_600_000_000_000n },
  { name: 'minutes', part: 'nanoseconds', factor: 60_000_000_000n },
  { name: 'seconds', part: 'nanoseconds', factor: 1_000_000_000n },
  { name: 'milliseconds', part: 'nanoseconds', factor: 1_000_000n },
  { name: 'microseconds', part: 'nanoseconds', factor: 1_000n },
  { name: 'nanoseconds', part: 'nanoseconds', factor: 1n },
] as const

const SYMBOLS: Readonly<Record<string, number>> = {
  y: 0,
  mo: 1,
  w: 2,
  d: 3,
  h: 4,
  m: 5,
  s: 6,
  ms: 7,
  us: 8,
  µs: 8,
  ns: 9,
}

const STANDARD = /(\d+)(y|mo|w|d|h|s|ms|us|µs|ns|m)/iy
const ISO = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
const ISO_WEEKS = /^P(\d+)W$/
const ISO_ALTERNATIVE = /^P(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/

/** Adds up units and checks their order and sums (`Duration.Builder`). */
class DurationBuilder {
  readonly #sums = { months: 0n, days: 0n, nanoseconds: 0n }
  #last = -1

  add(unit: number, digits: string): void {
    const { name, part, factor } = UNITS[unit]
    if (unit === this.#last) {
      throw new InvalidRequestError(`Invalid duration. The ${name} are specified multiple times`)
    }
    if (unit < this.#last) {
      throw new InvalidRequestError(`Invalid duration. The ${UNITS[this.#last].name} should be after ${name}`)
    }
    this.#last = unit
    const count = BigInt(digits)
    const max = part === 'nanoseconds' ? LONG_MAX : INT_MAX
    if (count > (max - this.#sums[part]) / factor) {
      throw new InvalidRequestError(
        `Invalid duration. The total number of ${part} must be less or equal to ${INT_MAX}`,
      )
    }
    this.#sums[part] += count * factor
  }

  build(negative: boolean): Duration {
    const { months, days, nanoseconds } = this.#sums
    const sign = negative ? -1 : 1
    return {
      months: sign * Number(months) + 0,
      days: sign * Number(days) + 0,
      nanoseconds: BigInt(sign) * nanoseconds,
    }
  }
}

function unparsable(source: string): InvalidRequestError {
  return new InvalidRequestError(`Unable to convert '${source}' to a duration`)
}

/** Parses `1y2mo3w`, `P1Y2M3DT4H5M6S`, `P3W` and `P0001-02-03T04:05:06`, each with an optional minus (`Duration.from`). */
export function parseDuration(text: string): Duration {
  const negative = text.startsWith('-')
  const source = negative ? text.slice(1) : text
  const builder = new DurationBuilder()
  if (source.startsWith('P')) addIso(builder, source)
  else addStandard(builder, source)
  return builder.build(negative)
}

function addIso(builder: DurationBuilder, source: string): void {
  const weeks = source.endsWith('W')
  const alternative = source.includes('-')
  const match = (weeks ? ISO_WEEKS : alternative ? ISO_ALTERNATIVE : ISO).exec(source)
  if (match === null) throw unparsable(source)
  if (weeks) {
    builder.add(2, match[1])
    return
  }
  for (const [i, unit] of [0, 1, 3, 4, 5, 6].entries()) {
    if (match[i + 1] !== undefined) builder.add(unit, match[i + 1])
  }
}

function addStandard(builder: DurationBuilder, source: string): void {
  let end = 0
  while (end < source.length) {
    STANDARD.lastIndex = end
    const match = STANDARD.exec(source)
    if (match === null) break
    builder.add(SYMBOLS[match[2].toLowerCase()], match[1])
    end = STANDARD.lastIndex
  }
  if (end === 0 || end !== source.length) throw unparsable(source)
}

/** `Duration.toString`, the form that CQL shows. */
export function durationText(duration: Duration): string {
  const negative = duration.months < 0 || duration.days < 0 || duration.nanoseconds < 0n
  let text = negative ? '-' : ''
  let rest = BigInt(Math.abs(duration.months))
  const append = (divisor: bigint, unit: string): void => {
    if (rest < divisor) return
    text += `${rest / divisor}${unit}`
    rest %= divisor
  }
  append(12n, 'y')
  append(1n, 'mo')
  rest = BigInt(Math.abs(duration.days))
  append(1n, 'd')
  rest = duration.nanoseconds < 0n ? -duration.nanoseconds : duration.nanoseconds
  append(3_600_000_000_000n, 'h')
  append(60_000_000_000n, 'm')
  append(1_000_000_000n, 's')
  append(1_000_000n, 'ms')
  append(1_000n, 'us')
  append(1n, 'ns')
  return text
}

/** `DurationSerializer.serialize`. */
export function durationBytes({ months, days, nanoseconds }: Duration): Uint8Array {
  return concatBytes([vintBytes(BigInt(months)), vintBytes(BigInt(days)), vintBytes(nanoseconds)])
}

/** `DurationSerializer.deserialize` of validated bytes. */
export function readDuration(bytes: Uint8Array): Duration {
  const daysAt = vintLength(bytes[0])
  const nanosecondsAt = daysAt + vintLength(bytes[daysAt])
  return {
    months: Number(readVintBig(bytes, 0)),
    days: Number(readVintBig(bytes, daysAt)),
    nanoseconds: readVintBig(bytes, nanosecondsAt),
  }
}
