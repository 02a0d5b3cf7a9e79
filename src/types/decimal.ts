/**
 * `decimal` as `java.math.BigDecimal`: an unscaled integer of any size and a 32-bit scale. Serialized as the scale
 * (4 bytes) and the integer in two's complement (`DecimalSerializer`).
 */

import { readInt32, writeInt32 } from '../common/bytes.ts'
import { bigIntBytes, readBigInt } from '../common/varint.ts'
import type { Compare } from './type.ts'

export interface Decimal {
  readonly unscaled: bigint
  readonly scale: number
}

const DECIMAL_TEXT = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/

/** Parses what `new BigDecimal(String)` takes; undefined for anything else. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL_TEXT.exec(text)
  if (match === null) return undefined
  const [, sign, whole, fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const scale = fraction.length - Number(exponent)
  if (scale > 0x7fffffff || scale < -0x80000000 || exponent.length > 11) return undefined
  const magnitude = BigInt(whole + fraction)
  return { unscaled: sign === '-' ? -magnitude : magnitude, scale }
}

/** `BigDecimal.toString`: plain when 0 <= scale and the exponent is not below -6, otherwise with an exponent. */
export function decimalText(value: Decimal): string {
  const { unscaled, scale } = value
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString()
  if (scale === 0) return sign + digits
  const exponent = -scale + (digits.length - 1)
  if (scale > 0 && exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, padded.length - scale)}.${padded.slice(padded.length - scale)}`
  }
  const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`
  return exponent === 0 ? sign + mantissa : `${sign}${mantissa}E${exponent > 0 ? '+' : ''}${exponent}`
}

/** `BigDecimal.toPlainString`: never an exponent. */
export function decimalPlainText(value: Decimal): string {
  const { unscaled, scale } = value
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString()
  if (scale <= 0) return unscaled === 0n ? '0' : sign + digits + '0'.repeat(-scale)
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, padded.length - scale)}.${padded.slice(padded.length - scale)}`
}

export function decimalBytes(value: Decimal): Uint8Array {
  const integer = bigIntBytes(value.unscaled)
  const bytes = new Uint8Array(4 + integer.length)
  writeInt32(bytes, 0, value.scale)
  bytes.set(integer, 4)
  return bytes
}

export function readDecimal(bytes: Uint8Array, offset: number, length: number): Decimal {
  return { scale: readInt32(bytes, offset), unscaled: readBigInt(bytes, offset + 4, length - 4) }
}

/** Numeric order (`BigDecimal.compareTo`: 1.0 equals 1.00), by sign and exponent before any big multiplication. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const aSign = a.unscaled === 0n ? 0 : a.unscaled < 0n ? -1 : 1
  const bSign = b.unscaled === 0n ? 0 : b.unscaled < 0n ? -1 : 1
  if (aSign !== bSign) return aSign < bSign ? -1 : 1
  if (aSign === 0) return 0
  const aDigits = (aSign < 0 ? -a.unscaled : a.unscaled).toString()
  const bDigits = (bSign < 0 ? -b.unscaled : b.unscaled).toString()
  const aExponent = aDigits.length - a.scale
  const bExponent = bDigits.length - b.scale
  if (aExponent !== bExponent) return aExponent < bExponent ? -aSign : aSign
  // The first digits stand at the same power of ten, so the texts sort as the magnitudes do, but for trailing zeros.
  const length = Math.max(aDigits.length, bDigits.length)
  const left = aDigits.padEnd(length, '0')
  const right = bDigits.padEnd(length, '0')
  if (left === right) return 0
  return left < right ? -aSign : aSign
}

/** `DecimalType.compareCustom`. */
export const compareDecimal: Compare = (a, aOffset, aLength, b, bOffset, bLength) => {
  if (aLength === 0) return bLength === 0 ? 0 : -1
  if (bLength === 0) return 1
  return compareDecimals(readDecimal(a, aOffset, aLength), readDecimal(b, bOffset, bLength))
}
