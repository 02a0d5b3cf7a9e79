import fc from 'fast-check'
import { expect, test } from 'vitest'
import { int64Bytes, readInt64 } from './bytes.ts'
import {
  clockSeqAndNode,
  maxTimeUuid,
  minTimeUuid,
  parseUuid,
  ticksFromUnixMicros,
  timeUuidBytes,
  timeUuidTicks,
  timeUuidUnixMicros,
  timeUuidUnixMs,
  uuidText,
  uuidVersion,
} from './uuid.ts'
import {
  bigIntBytes,
  readBigInt,
  readUnsignedVint,
  readUnsignedVintBig,
  readVintBig,
  unsignedVintBytes,
  vintBytes,
  vintLength,
  writeUnsignedVint,
} from './varint.ts'

test('texts of UUIDs come back', () => {
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      expect(uuidText(parseUuid(text) ?? new Uint8Array(16))).toBe(text)
    }),
  )
  expect(parseUuid('50554d6e29bb11e5b345feff819cdc9f')).toBeUndefined()
})

test('ticks of timeuuids come back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n - 1n }), fc.nat(0x3fff), (ticks, clockSeq) => {
      const bytes = timeUuidBytes(ticks, clockSeqAndNode(clockSeq, 0x123456789abcn))
      expect(uuidVersion(bytes)).toBe(1)
      expect(timeUuidTicks(bytes)).toBe(ticks)
    }),
  )
  // RFC 4122 time of a known UUID.
  const known = parseUuid('50554d6e-29bb-11e5-b345-feff819cdc9f') ?? new Uint8Array(16)
  expect(new Date(timeUuidUnixMs(known)).toISOString()).toBe('2015-07-14T00:00:18.805Z')
  expect(timeUuidUnixMicros(timeUuidBytes(ticksFromUnixMicros(1234567n), 0n))).toBe(1234567n)
})

test('least and greatest timeuuid are those of Cassandra', () => {
  expect(uuidText(minTimeUuid(0))).toBe('13814000-1dd2-11b2-8080-808080808080')
  expect(uuidText(maxTimeUuid(0))).toBe('1381670f-1dd2-11b2-7f7f-7f7f7f7f7f7f')
})

test('integers of every length come back', () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(long, fc.bigInt(), fc.maxSafeNat(), (value, any, safe) => {
      expect(readInt64(int64Bytes(value), 0)).toBe(value)
      expect(readVintBig(vintBytes(value), 0)).toBe(value)
      const unsigned = BigInt.asUintN(64, value)
      expect(readUnsignedVintBig(unsignedVintBytes(unsigned), 0)).toBe(unsigned)
      expect(vintLength(unsignedVintBytes(unsigned)[0])).toBe(unsignedVintBytes(unsigned).length)
      const bytes = bigIntBytes(any)
      expect(readBigInt(bytes, 0, bytes.length)).toBe(any)
      const buffer = new Uint8Array(9)
      const end = writeUnsignedVint(buffer, 0, safe)
      expect(readUnsignedVint(buffer, 0)).toBe(safe)
      expect([...buffer.subarray(0, end)]).toEqual([...unsignedVintBytes(BigInt(safe))])
    }),
  )
})
