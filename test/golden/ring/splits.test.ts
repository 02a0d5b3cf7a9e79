import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../../src/cluster/endpoint.ts'
import { DecayingReservoir } from '../../../src/cluster/ring/decaying-reservoir.ts'
import { RangeSplit } from '../../../src/cluster/ring/range-split.ts'
import { Ring } from '../../../src/cluster/ring/ring.ts'
import { MAXIMUM_TOKEN, MINIMUM_TOKEN, tokenFrom, tokenHigh, tokenLow } from '../../../src/cluster/ring/token.ts'
import { FULL_RING, type TokenRange } from '../../../src/model/read-command.ts'

/** What test/golden/ring/Splits.java writes: `[` and `]` with the token, `(` and `)` without, `+` after a key of it. */
interface Recorded {
  readonly rings: readonly {
    readonly tokens: readonly string[]
    readonly ranges: readonly { readonly range: string; readonly pieces: readonly string[] }[]
  }[]
  readonly samples: readonly {
    readonly start: number
    readonly samples: readonly (readonly [now: number, value: number, median: number])[]
  }[]
}

const file = readFileSync(new URL('splits.json.gz', import.meta.url))
const recorded = JSON.parse(gunzipSync(file).toString()) as Recorded

function parseRange(text: string): TokenRange {
  const [, open, left, key, right, close] = /^([[(])(-?\d+)(\+?), (-?\d+)([\])])$/.exec(text)!
  const [start, end] = [BigInt(left!), BigInt(right!)]
  return {
    startHi: tokenHigh(start),
    startLo: tokenLow(start),
    startInclusive: open === '[',
    endHi: tokenHigh(end),
    endLo: tokenLow(end),
    endInclusive: close === ']',
    afterKey: key === '+' ? new Uint8Array([7]) : null,
  }
}

function rangeText(range: TokenRange): string {
  const [start, end] = [tokenFrom(range.startHi, range.startLo), tokenFrom(range.endHi, range.endLo)]
  const key = range.afterKey === null ? '' : '+'
  return `${range.startInclusive ? '[' : '('}${start}${key}, ${end}${range.endInclusive ? ']' : ')'}`
}

describe('range reads', () => {
  it.each(recorded.rings)('are cut as Cassandra cuts them: tokens $tokens', ({ tokens, ranges }) => {
    const node = { hostId: 'a', endpoint: parseEndpoint('10.0.0.1')!, dataCenter: 'dc1', rack: 'r1' }
    const ring = Ring.of([{ node, tokens: tokens.map(BigInt) }])
    for (const { range, pieces } of ranges) {
      const whole = range === 'all' ? FULL_RING : parseRange(range)
      // The end of the ring is the greatest token here and the least one there; nothing is behind the greatest.
      const expected = pieces
        .filter((piece) => piece !== `(${MAXIMUM_TOKEN}, ${MINIMUM_TOKEN}`)
        .map((piece) => piece.replace(new RegExp(`, ${MINIMUM_TOKEN}$`), `, ${MAXIMUM_TOKEN}]`))
      expect([...new RangeSplit(ring, whole)].map(rangeText), range).toEqual(expected)
    }
  })
})

describe('decaying samples', () => {
  it.each(recorded.samples)('have its medians: from $start', ({ start, samples }) => {
    // As long as no sample is left out, nothing is random.
    const reservoir = new DecayingReservoir(100, 0.75, { uint32: () => 1, bytes: () => undefined }, start)
    for (const [now, value, median] of samples) {
      // Later its weights leave what a number can hold; it forgets samples after ten minutes.
      if (now - start > 900_000) break
      reservoir.add(value, now)
      expect([now, reservoir.median()]).toEqual([now, median])
    }
  })
})
