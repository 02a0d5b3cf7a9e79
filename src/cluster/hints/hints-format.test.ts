import { describe, expect, it } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { encodeHint } from './hint.ts'
import {
  encodeHintsHeader,
  encodeRecord,
  hintsFileName,
  isHintsHeader,
  parseHints,
  parseHintsFileName,
  recordBytes,
} from './hints-format.ts'

const NAME = { hostId: '6e5b1a9e-7e4c-4b53-9d1c-0c3a2a8f4f10', timestampMs: 1_767_225_600_123, version: 1 }

function hintOf(random: SimRandom, words: number): Uint8Array {
  const mutation = new Uint8Array(words * 4)
  random.bytes(mutation)
  return encodeHint(mutation, 1_767_225_600_000 + words, 864_000)
}

const FILE_CRC = 0x1234567

/** The records of a file, without its header, as if they began at its first byte. */
function fileOf(hints: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(hints.reduce((sum, hint) => sum + recordBytes(hint.length), 0))
  let at = 0
  for (const hint of hints) {
    encodeRecord(hint, file, at, FILE_CRC, at)
    at += recordBytes(hint.length)
  }
  return file
}

function parse(piece: Uint8Array, isLast: boolean, position = 0) {
  return parseHints(piece, isLast, FILE_CRC, position)
}

describe('names and headers of hints files', () => {
  it('are what they were made from', () => {
    expect(parseHintsFileName(hintsFileName(NAME))).toEqual(NAME)
    expect(parseHintsFileName('6e5b1a9e-7e4c-4b53-9d1c-0c3a2a8f4f10-12-1.crc32')).toBeNull()
    const header = encodeHintsHeader(NAME, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    expect(isHintsHeader(header, NAME)).toBe(true)
    expect(isHintsHeader(header, { ...NAME, timestampMs: 5 })).toBe(false)
    for (let at = 0; at < header.length; at++) {
      const broken = header.slice()
      broken[at]! ^= 0x10
      expect(isHintsHeader(broken, NAME)).toBe(false)
    }
  })
})

describe('records of hints', () => {
  const random = new SimRandom(4)
  const hints = [1, 7, 2, 40, 3].map((words) => hintOf(random, words))
  const file = fileOf(hints)

  it('come back, however the file is cut into pieces', () => {
    for (let cut = 0; cut <= file.length; cut++) {
      const first = parse(file.subarray(0, cut), false)
      const rest = parse(file.subarray(first.end), true, first.end)
      expect([...first.hints, ...rest.hints].map((one) => Buffer.from(one))).toEqual(
        hints.map((one) => Buffer.from(one)),
      )
      expect(first.skipped + rest.skipped).toBe(0)
    }
  })

  it('are all there before a torn end, be it cut, zeros or anything', () => {
    for (let cut = 0; cut <= file.length; cut++) {
      const whole = hints.filter((_, i) => fileOf(hints.slice(0, i + 1)).length <= cut).length
      for (const fill of ['cut', 'zeros', 'garbage']) {
        const torn = fill === 'cut' ? file.slice(0, cut) : file.slice()
        if (fill === 'zeros') torn.fill(0, cut)
        if (fill === 'garbage') random.bytes(torn.subarray(cut))
        expect(parse(torn, true).hints.length).toBeGreaterThanOrEqual(whole)
      }
    }
  })

  it('are found behind one that is broken, and no broken one is taken', () => {
    for (let at = 0; at < file.length; at++) {
      const broken = file.slice()
      broken[at]! ^= 1 << random.below(8)
      const found = parse(broken, true).hints.map((one) => Buffer.from(one).toString('hex'))
      const expected = hints.map((one) => Buffer.from(one).toString('hex'))
      for (const one of found) expect(expected).toContain(one)
      expect(found.length).toBeGreaterThanOrEqual(hints.length - 1)
    }
  })

  it('are no values of other hints, wherever these are broken', () => {
    const inner = hintOf(random, 3)
    for (let position = 0; position < 100; position += 4) {
      const value = new Uint8Array(recordBytes(inner.length) + 8)
      encodeRecord(inner, value, 8, 0, position)
      const broken = fileOf([encodeHint(value, 1, 1)])
      broken[0]! ^= 1
      expect(parse(broken, true).hints).toEqual([])
    }
  })

  it('say how much is needed of one that is longer than the piece', () => {
    const long = fileOf([hintOf(random, 5000)])
    const parsed = parse(long.subarray(0, 100), false)
    expect(parsed).toMatchObject({ hints: [], end: 0, needed: long.length })
  })
})
