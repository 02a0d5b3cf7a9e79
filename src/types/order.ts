/**
 * The orders of the native types, on serialized bytes inside bigger buffers and without allocation. Empty values
 * come first wherever Cassandra allows them.
 */

import { compareBytes, readInt32 } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import type { Compare } from './type.ts'

export { compareBytes }

/** Unsigned order of two 32-bit integers. */
function compareUint32(a: number, b: number): number {
  if (a === b) return 0
  return a >>> 0 < b >>> 0 ? -1 : 1
}

/** Order when at least one is empty: `Boolean.compare(rightEmpty, leftEmpty)`. */
function compareEmpty(aLength: number, bLength: number): number {
  if (aLength === 0) return bLength === 0 ? 0 : -1
  return 1
}

/** Integers of a fixed length: the first byte is signed, the others are not (`LongType.compareLongs`). */
export const compareSigned: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  const difference = ((a[aOffset] << 24) >> 24) - ((b[bOffset] << 24) >> 24)
  if (difference !== 0) return difference
  return compareBytes(a, aOffset + 1, aLength - 1, b, bOffset + 1, bLength - 1)
}

/** `Int32Type`, `ShortType`, `ByteType`, `LongType`, `TimestampType`. */
export const compareInt: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength !== 4 || bLength !== 4) return compareSigned(a, aOffset, aLength, b, bOffset, bLength)
  const left = readInt32(a, aOffset)
  const right = readInt32(b, bOffset)
  return left < right ? -1 : left > right ? 1 : 0
}

/** Eight bytes, signed. */
export const compareLong: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength !== 8 || bLength !== 8) return compareSigned(a, aOffset, aLength, b, bOffset, bLength)
  const left = readInt32(a, aOffset)
  const right = readInt32(b, bOffset)
  if (left !== right) return left < right ? -1 : 1
  return compareUint32(readInt32(a, aOffset + 4), readInt32(b, bOffset + 4))
}

/** `BooleanType`: any byte but zero is true. */
export const compareBoolean: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  return (a[aOffset] === 0 ? 0 : 1) - (b[bOffset] === 0 ? 0 : 1)
}

/** Bits of two floats, by sign and magnitude: -0.0 before 0.0, and NaN, whatever its bits, last (`Float.compareTo`). */
export const compareFloat: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  let left = readInt32(a, aOffset)
  let right = readInt32(b, bOffset)
  if ((left & 0x7fffffff) > 0x7f800000) left = 0x7fc00000
  if ((right & 0x7fffffff) > 0x7f800000) right = 0x7fc00000
  if (left === right) return 0
  if (left < 0 && right < 0) return left < right ? 1 : -1
  return left < right ? -1 : 1
}

/** As `compareFloat`, over two halves (`Double.compareTo`). */
export const compareDouble: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  let leftHi = readInt32(a, aOffset)
  let leftLo = readInt32(a, aOffset + 4)
  let rightHi = readInt32(b, bOffset)
  let rightLo = readInt32(b, bOffset + 4)
  if (isNan(leftHi, leftLo)) {
    leftHi = 0x7ff80000
    leftLo = 0
  }
  if (isNan(rightHi, rightLo)) {
    rightHi = 0x7ff80000
    rightLo = 0
  }
  if (leftHi < 0 !== rightHi < 0) return leftHi < 0 ? -1 : 1
  const order = leftHi !== rightHi ? (leftHi < rightHi ? -1 : 1) : compareUint32(leftLo, rightLo)
  return leftHi < 0 ? 0 - order : order
}

function isNan(hi: number, lo: number): boolean {
  const magnitude = hi & 0x7fffffff
  return magnitude > 0x7ff00000 || (magnitude === 0x7ff00000 && lo !== 0)
}

/** Sixteen bytes or none (`UUIDType.compareCustom`); a length that is neither counts as none. */
function comparePresence(aLength: number, bLength: number): number {
  return aLength === 16 ? 1 : bLength === 16 ? -1 : 0
}

/** `UUIDType`: by version; version 1 by time and then unsigned bytes, others by unsigned bytes. */
export const compareUuid: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength !== 16 || bLength !== 16) return comparePresence(aLength, bLength)
  const leftVersion = a[aOffset + 6] >> 4
  const rightVersion = b[bOffset + 6] >> 4
  if (leftVersion !== rightVersion) return leftVersion - rightVersion
  if (leftVersion !== 1) return compareBytes(a, aOffset, 16, b, bOffset, 16)
  const order = compareUuidTimes(a, aOffset, b, bOffset)
  return order !== 0 ? order : compareBytes(a, aOffset + 8, 8, b, bOffset + 8, 8)
}

/** The high halves of two version 1 UUIDs in order of time: high, middle, low field. */
function compareUuidTimes(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  const leftRest = readInt32(a, aOffset + 4)
  const rightRest = readInt32(b, bOffset + 4)
  if (leftRest !== rightRest) {
    return compareUint32((leftRest << 16) | (leftRest >>> 16), (rightRest << 16) | (rightRest >>> 16))
  }
  return compareUint32(readInt32(a, aOffset), readInt32(b, bOffset))
}

/** `TimeUUIDType`: by time, then by the low bytes, each of them signed. */
export const compareTimeUuid: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength !== 16 || bLength !== 16) return comparePresence(aLength, bLength)
  checkTimeUuidVersion(a[aOffset + 6] >> 4)
  checkTimeUuidVersion(b[bOffset + 6] >> 4)
  const order = compareUuidTimes(a, aOffset, b, bOffset)
  if (order !== 0) return order
  for (let i = 8; i < 16; i++) {
    const difference = ((a[aOffset + i] << 24) >> 24) - ((b[bOffset + i] << 24) >> 24)
    if (difference !== 0) return difference
  }
  return 0
}

function checkTimeUuidVersion(version: number): void {
  if (version !== 1) throw new MarshalError(`Invalid UUID version ${version} for timeuuid`)
}

/** `LexicalUUIDType`: two signed longs (`UUID.compareTo`). */
export const compareLexicalUuid: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  const order = compareLong(a, aOffset, 8, b, bOffset, 8)
  return order !== 0 ? order : compareLong(a, aOffset + 8, 8, b, bOffset + 8, 8)
}

/** `IntegerType`: two's complement of any length, padding ignored. */
export const compareVarint: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0 || bLength === 0) return compareEmpty(aLength, bLength)
  const leftSkip = signPadding(a, aOffset, aLength)
  const rightSkip = signPadding(b, bOffset, bLength)
  const leftLength = aLength - leftSkip
  const rightLength = bLength - rightSkip
  const leftNegative = a[aOffset + leftSkip] > 0x7f
  const rightNegative = b[bOffset + rightSkip] > 0x7f
  if (leftNegative !== rightNegative) return leftNegative ? -1 : 1
  // Of equal signs, more meaningful bytes mean a greater magnitude; of equal lengths, two's complement sorts as bytes.
  if (leftLength !== rightLength) return leftNegative ? rightLength - leftLength : leftLength - rightLength
  return compareBytes(a, aOffset + leftSkip, leftLength, b, bOffset + rightSkip, rightLength)
}

/** Leading bytes that only repeat the sign of what follows. */
function signPadding(bytes: Uint8Array, offset: number, length: number): number {
  let skip = 0
  while (skip < length - 1) {
    const byte = bytes[offset + skip]
    const nextNegative = bytes[offset + skip + 1] > 0x7f
    if (!((byte === 0 && !nextNegative) || (byte === 0xff && nextNegative))) break
    skip++
  }
  return skip
}

/** `EmptyType`: there is one value. */
export const compareNothing: Compare = () => 0
