/** Murmur3 tokens as 64-bit numbers and as two halves, and ranges of them (`Murmur3Partitioner`, `Range`). */

import type { TokenRange } from '../../model/read-command.ts'

/** No key has it; a node may (`Murmur3Partitioner.MINIMUM`). */
export const MINIMUM_TOKEN = -(2n ** 63n)
export const MAXIMUM_TOKEN = 2n ** 63n - 1n

/** High half of a token, signed. */
export function tokenHigh(token: bigint): number {
  return Number(token >> 32n)
}

/** Low half of a token; signed, to be compared unsigned. */
export function tokenLow(token: bigint): number {
  return Number(BigInt.asIntN(32, token))
}

/** The token of two halves. */
export function tokenFrom(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}

/**
 * Tokens after `left` up to and including `right`, around the end of the ring where `left` is not less. Where both are
 * the same it is the whole ring.
 */
export interface RingRange {
  readonly left: bigint
  readonly right: bigint
}

/** Whether a token is in a range (`Range.contains`). */
export function rangeContains(range: RingRange, token: bigint): boolean {
  const { left, right } = range
  return left < right ? token > left && token <= right : token > left || token <= right
}

/** A range as the one or two that don't wrap, the one at the end of the ring first (`Range.unwrap`). */
export function unwrapRange({ left, right }: RingRange): TokenRange[] {
  const start = { startHi: tokenHigh(left), startLo: tokenLow(left), startInclusive: false, afterKey: null }
  const end = { endHi: tokenHigh(right), endLo: tokenLow(right), endInclusive: true }
  if (left < right) return [{ ...start, ...end }]
  const toTheEnd: TokenRange = { ...start, endHi: 0x7fffffff, endLo: -1, endInclusive: true }
  // No key has the least token, so there is nothing up to it.
  if (right === MINIMUM_TOKEN) return [toTheEnd]
  const fromTheStart: TokenRange = {
    startHi: -0x80000000,
    startLo: 0,
    startInclusive: true,
    afterKey: null,
    ...end,
  }
  return left === MAXIMUM_TOKEN ? [fromTheStart] : [toTheEnd, fromTheStart]
}
