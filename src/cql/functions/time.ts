import { int32Bytes, int64Bytes, readInt64 } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { maxTimeUuid, minTimeUuid, timeUuidUnixMs } from '../../common/uuid.ts'
import { type Duration, dateFromMillis, durationText, native, readDuration } from '../../types/index.ts'
import type { NativeType } from '../../types/type.ts'
import { type Execute, nullIfEmpty, refusingEmptyDates, scalar, unlessNull } from './definition.ts'
import { dateBytes, dateMillis, floorTime, floorTimestamp } from './durations.ts'
import type { ScalarFunction } from './function.ts'

/** Functions of time (`TimeFcts`), and uuid() (`UuidFcts`). */

type Temporal = 'timeuuid' | 'timestamp' | 'date'

/** Milliseconds since the epoch (`TemporalType.toTimeInMillis`). */
function millisOf(kind: Temporal, bytes: Uint8Array): bigint {
  switch (kind) {
    case 'timeuuid':
      return BigInt(timeUuidUnixMs(bytes))
    case 'timestamp':
      return readInt64(bytes, 0)
    case 'date':
      return dateMillis(bytes)
  }
}

const FROM_MILLIS = { date: dateBytes, timestamp: int64Bytes, bigint: int64Bytes } as const

/** Empty times are null, but for dates. */
function reading(kind: Temporal, execute: Execute): Execute {
  return kind === 'date' ? refusingEmptyDates(execute) : nullIfEmpty(execute)
}

/** How a time becomes another (`TimeFcts.toDate` and its like), for the functions and for CAST. */
export function convertTime(from: Temporal, to: keyof typeof FROM_MILLIS): Execute {
  return reading(
    from,
    unlessNull((bytes) => FROM_MILLIS[to](millisOf(from, bytes))),
  )
}

/** Conversions of times, under their names of today and before 5.0. */
function conversions(
  names: readonly string[],
  from: readonly Temporal[],
  to: keyof typeof FROM_MILLIS,
): ScalarFunction[] {
  return from.flatMap((kind) =>
    names.map((name) => scalar(name, [native[kind]], native[to], convertTime(kind, to))),
  )
}

/** The first or the last timeuuid of a millisecond. */
function bounds(names: readonly string[], bound: (millis: bigint) => Uint8Array): ScalarFunction[] {
  const execute = nullIfEmpty(unlessNull((bytes) => bound(readInt64(bytes, 0))))
  return names.map((name) => scalar(name, [native.timestamp], native.timeuuid, execute))
}

/** Functions that are not of their arguments but of the clock. */
function current(names: readonly string[], returnType: NativeType, execute: Execute): ScalarFunction[] {
  return names.map((name) => scalar(name, [], returnType, execute))
}

const DAY_NANOS = 86_400_000_000_000n

function nanosOfDay(millis: number): bigint {
  return (BigInt(Math.trunc(millis)) * 1_000_000n) % DAY_NANOS
}

/** A floor of a date looks at whole days, one of all others at milliseconds. */
function checkPrecision(kind: Temporal, duration: Duration): void {
  if (kind === 'date') {
    if (duration.nanoseconds === 0n) return
    throw new InvalidRequestError(
      `The floor on date values cannot be computed for the ${durationText(duration)} duration as precision is below 1 day`,
    )
  }
  if (duration.nanoseconds % 1_000_000n === 0n) return
  throw new InvalidRequestError(
    `The floor cannot be computed for the ${durationText(duration)} duration as precision is below 1 millisecond`,
  )
}

/** floor(time, duration) and floor(time, duration, start). */
function floors(kind: Temporal): ScalarFunction[] {
  const result = kind === 'date' ? 'date' : 'timestamp'
  const execute = reading(
    kind,
    unlessNull((time, span, start?: Uint8Array) => {
      const duration = readDuration(span)
      checkPrecision(kind, duration)
      const from = start === undefined ? 0n : millisOf(result, start)
      return FROM_MILLIS[result](floorTimestamp(millisOf(kind, time), duration, from))
    }),
  )
  const type = native[result]
  return [
    scalar('floor', [native[kind], native.duration], type, execute),
    scalar('floor', [native[kind], native.duration, type], type, execute),
  ]
}

const floorOfTime = scalar(
  'floor',
  [native.time, native.duration],
  native.time,
  unlessNull((time, span) => int64Bytes(floorTime(readInt64(time, 0), readDuration(span)))),
)

export function timeFunctions(): ScalarFunction[] {
  const { timeuuid, timestamp, date, time, uuid } = native
  return [
    ...current(['now', 'current_timeuuid', 'currenttimeuuid'], timeuuid, (_, context) => context.timeUuid()),
    ...current(['current_timestamp', 'currenttimestamp'], timestamp, (_, context) =>
      int64Bytes(BigInt(Math.trunc(context.nowMillis))),
    ),
    ...current(['current_date', 'currentdate'], date, (_, context) =>
      int32Bytes(dateFromMillis(context.nowMillis)),
    ),
    ...current(['current_time', 'currenttime'], time, (_, context) =>
      int64Bytes(nanosOfDay(context.nowMillis)),
    ),
    ...current(['uuid'], uuid, (_, context) => context.randomUuid()),
    ...bounds(['min_timeuuid', 'mintimeuuid'], minTimeUuid),
    ...bounds(['max_timeuuid', 'maxtimeuuid'], maxTimeUuid),
    ...conversions(['to_date', 'todate'], ['timeuuid', 'timestamp'], 'date'),
    ...conversions(['to_timestamp', 'totimestamp'], ['timeuuid', 'date'], 'timestamp'),
    ...conversions(['to_unix_timestamp', 'tounixtimestamp'], ['timeuuid', 'timestamp', 'date'], 'bigint'),
    ...floors('timestamp'),
    ...floors('timeuuid'),
    ...floors('date'),
    floorOfTime,
  ]
}
