import { int32Bytes, int64Bytes, readInt64 } from '../../common/bytes.ts'
import { maxTimeUuid, minTimeUuid, timeUuidUnixMs } from '../../common/uuid.ts'
import { dateFromMillis, dateToMillis, native } from '../../types/index.ts'
import type { NativeType } from '../../types/type.ts'
import { type Execute, nullIfEmpty, scalar, unlessNull } from './definition.ts'
import type { ScalarFunction } from './function.ts'

/** Functions of time (`TimeFcts`, `UuidFcts`). */

type Temporal = 'timeuuid' | 'timestamp' | 'date'

/** Milliseconds since the epoch (`TemporalType.toTimeInMillis`). */
function millisOf(kind: Temporal, bytes: Uint8Array): bigint {
  switch (kind) {
    case 'timeuuid':
      return BigInt(timeUuidUnixMs(bytes))
    case 'timestamp':
      return readInt64(bytes, 0)
    case 'date':
      return BigInt(dateToMillis(new DataView(bytes.buffer, bytes.byteOffset).getInt32(0)))
  }
}

function dateOf(millis: bigint): Uint8Array {
  return int32Bytes(dateFromMillis(Number(millis)))
}

/** Conversions of a time in milliseconds, under their names of today and before 5.0. */
function conversions(
  names: readonly string[],
  from: readonly Temporal[],
  returnType: NativeType,
  convert: (millis: bigint) => Uint8Array,
): ScalarFunction[] {
  return from.flatMap((kind) =>
    names.map((name) =>
      scalar(
        name,
        [native[kind]],
        returnType,
        nullIfEmpty(unlessNull((bytes) => convert(millisOf(kind, bytes)))),
      ),
    ),
  )
}

/** Functions that are not of their arguments but of the clock. */
function current(names: readonly string[], returnType: NativeType, execute: Execute): ScalarFunction[] {
  return names.map((name) => scalar(name, [], returnType, execute))
}

export function timeFunctions(): ScalarFunction[] {
  return [
    ...current(['now', 'current_timeuuid', 'currenttimeuuid'], native.timeuuid, (_, context) =>
      context.timeUuid(),
    ),
    ...current(['current_timestamp', 'currenttimestamp'], native.timestamp, (_, context) =>
      int64Bytes(BigInt(context.nowMillis)),
    ),
    ...current(['current_date', 'currentdate'], native.date, (_, context) =>
      int32Bytes(dateFromMillis(context.nowMillis)),
    ),
    ...current(['uuid'], native.uuid, (_, context) => context.randomUuid()),
    ...conversions(['min_timeuuid', 'mintimeuuid'], ['timestamp'], native.timeuuid, minTimeUuid),
    ...conversions(['max_timeuuid', 'maxtimeuuid'], ['timestamp'], native.timeuuid, maxTimeUuid),
    ...conversions(['to_date', 'todate'], ['timeuuid', 'timestamp'], native.date, dateOf),
    ...conversions(['to_timestamp', 'totimestamp'], ['timeuuid', 'date'], native.timestamp, int64Bytes),
    ...conversions(
      ['to_unix_timestamp', 'tounixtimestamp'],
      ['timeuuid', 'timestamp', 'date'],
      native.bigint,
      int64Bytes,
    ),
  ]
}
