/** The pieces of a range read, each of which has one list of replicas (`ReplicaPlanIterator.getRestrictedRanges`). */

import type { TokenRange } from '../../model/read-command.ts'
import { compare64 } from '../../model/row-format.ts'
import type { Placement } from './placement.ts'
import type { Ring, RingNode } from './ring.ts'

/**
 * A token range cut behind each token of the ring, in the order of the tokens. The pieces are made when they are asked for: a
 * read that ends at its limit makes few of them.
 */
export class RangeSplit {
  /** How many pieces there are, at least one. */
  readonly count: number
  readonly #ring: Ring
  readonly #range: TokenRange
  /** Position of the token that ends the first piece, if one does. */
  readonly #first: number

  constructor(ring: Ring, range: TokenRange) {
    const { startHi, startLo, startInclusive, endHi, endLo } = range
    let first = ring.lowerBound(startHi, startLo)
    // The token at which the range begins ends a piece only where the range has something of that token; nothing has
    // the least one.
    if (first < ring.size && compare64(ring.tokenHi[first]!, ring.tokenLo[first]!, startHi, startLo) === 0) {
      if (!startInclusive || (startHi === -0x80000000 && startLo === 0)) first++
    }
    this.#ring = ring
    this.#range = range
    this.#first = first
    this.count = Math.max(0, ring.lowerBound(endHi, endLo) - first) + 1
  }

  /** A piece, by its number from 0. */
  piece(number: number): TokenRange {
    if (this.count === 1) return this.#range
    const { tokenHi, tokenLo } = this.#ring
    const end = this.#first + number
    const head =
      number === 0
        ? this.#range
        : {
            startHi: tokenHi[end - 1]!,
            startLo: tokenLo[end - 1]!,
            startInclusive: false,
            afterKey: null,
          }
    const tail =
      number === this.count - 1
        ? this.#range
        : { endHi: tokenHi[end]!, endLo: tokenLo[end]!, endInclusive: true }
    return {
      startHi: head.startHi,
      startLo: head.startLo,
      startInclusive: head.startInclusive,
      endHi: tail.endHi,
      endLo: tail.endLo,
      endInclusive: tail.endInclusive,
      afterKey: head.afterKey,
    }
  }

  /** The natural replicas of a piece, in the order of the ring. Allocates nothing. */
  replicas(placement: Placement, number: number): readonly RingNode[] {
    if (number < this.count - 1) return placement.replicasAt(this.#first + number)
    return placement.replicas(this.#range.endHi, this.#range.endLo)
  }

  *[Symbol.iterator](): Iterator<TokenRange> {
    for (let number = 0; number < this.count; number++) yield this.piece(number)
  }
}
