import { int32Bytes, int64Bytes, utf8Bytes } from '../../common/bytes.ts'
import { maxTimeUuid, minTimeUuid, timeUuidUnixMs } from '../../common/uuid.ts'
import { type CqlType, dateFromMillis, native, toJson } from '../../types/index.ts'
import type { ExecutionContext } from '../execution-context.ts'
import type { FunctionName } from '../raw/index.ts'

/** A scalar function of the server itself. */
export interface NativeFunction {
  /** With its keyspace, as messages show it. */
  readonly fullName: string
  readonly argTypes: readonly CqlType[]
  /** Null when it is whatever is wanted. */
  resultType(receiver: CqlType, keyspace: string): CqlType | null
  execute(args: readonly (Uint8Array | null)[], context: ExecutionContext): Uint8Array | null
}

function define(
  name: string,
  argTypes: readonly CqlType[],
  result: CqlType,
  execute: NativeFunction['execute'],
): [string, NativeFunction] {
  return [name, { fullName: `system.${name}`, argTypes, resultType: () => result, execute }]
}

function readMillis(bytes: Uint8Array): bigint {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readBigInt64BE(0)
}

function unlessNull(convert: (bytes: Uint8Array) => Uint8Array): NativeFunction['execute'] {
  return ([value]) => (value == null || value.length === 0 ? null : convert(value))
}

const nowTimeUuid: NativeFunction['execute'] = (_, context) => context.timeUuid()
const nowTimestamp: NativeFunction['execute'] = (_, context) => int64Bytes(BigInt(context.nowMillis))
const nowDate: NativeFunction['execute'] = (_, context) => int32Bytes(dateFromMillis(context.nowMillis))

const dayOf = (millis: bigint) => int32Bytes(dateFromMillis(Number(millis)))

const FUNCTIONS = new Map<string, NativeFunction>([
  define('now', [], native.timeuuid, nowTimeUuid),
  define('uuid', [], native.uuid, (_, context) => context.randomUuid()),
  define('currenttimeuuid', [], native.timeuuid, nowTimeUuid),
  define('current_timeuuid', [], native.timeuuid, nowTimeUuid),
  define('currenttimestamp', [], native.timestamp, nowTimestamp),
  define('current_timestamp', [], native.timestamp, nowTimestamp),
  define('currentdate', [], native.date, nowDate),
  define('current_date', [], native.date, nowDate),
  define(
    'mintimeuuid',
    [native.timestamp],
    native.timeuuid,
    unlessNull((b) => minTimeUuid(readMillis(b))),
  ),
  define(
    'maxtimeuuid',
    [native.timestamp],
    native.timeuuid,
    unlessNull((b) => maxTimeUuid(readMillis(b))),
  ),
  define(
    'min_timeuuid',
    [native.timestamp],
    native.timeuuid,
    unlessNull((b) => minTimeUuid(readMillis(b))),
  ),
  define(
    'max_timeuuid',
    [native.timestamp],
    native.timeuuid,
    unlessNull((b) => maxTimeUuid(readMillis(b))),
  ),
  define(
    'totimestamp',
    [native.timeuuid],
    native.timestamp,
    unlessNull((b) => int64Bytes(BigInt(timeUuidUnixMs(b)))),
  ),
  define(
    'to_timestamp',
    [native.timeuuid],
    native.timestamp,
    unlessNull((b) => int64Bytes(BigInt(timeUuidUnixMs(b)))),
  ),
  define(
    'todate',
    [native.timeuuid],
    native.date,
    unlessNull((b) => dayOf(BigInt(timeUuidUnixMs(b)))),
  ),
  define(
    'to_date',
    [native.timeuuid],
    native.date,
    unlessNull((b) => dayOf(BigInt(timeUuidUnixMs(b)))),
  ),
  define(
    'tounixtimestamp',
    [native.timeuuid],
    native.bigint,
    unlessNull((b) => int64Bytes(BigInt(timeUuidUnixMs(b)))),
  ),
  define(
    'to_unix_timestamp',
    [native.timeuuid],
    native.bigint,
    unlessNull((b) => int64Bytes(BigInt(timeUuidUnixMs(b)))),
  ),
])

/** The function of that name with so many arguments, or null. */
export function findFunction(name: FunctionName, argCount: number): NativeFunction | null {
  if (name.keyspace !== null && name.keyspace !== 'system') return null
  const found = FUNCTIONS.get(name.name.toLowerCase())
  return found !== undefined && found.argTypes.length === argCount ? found : null
}

/** `tojson` or `to_json` where a call means one of them, which take any type; else null. */
export function toJsonName(name: FunctionName): string | null {
  if (name.keyspace !== null && name.keyspace !== 'system') return null
  const plain = name.name.toLowerCase()
  return plain === 'tojson' || plain === 'to_json' ? plain : null
}

/** toJson() of values of a type (`ToJsonFct`). */
export function toJsonFunction(name: string, type: CqlType): NativeFunction {
  const execute: NativeFunction['execute'] = ([value]) => utf8Bytes(toJson(type, value ?? null))
  return { fullName: `system.${name}`, argTypes: [type], resultType: () => native.text, execute }
}
