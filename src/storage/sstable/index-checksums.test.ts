import { expect, test } from 'vitest'
import { writeInt32 } from '../../common/bytes.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { CorruptSSTableError } from './corruption.ts'
import { checkWhole, indexChecksumsFile, readIndexChecksums, StretchChecksums } from './index-checksums.ts'

const PATH = 'nb-1-big-Checksums.db'
const INDEX = 'nb-1-big-Index.db'
const index = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 7) ^ (i >>> 8))
const summary = Uint8Array.of(1, 2, 3)
const filter = Uint8Array.of(4, 5)

function checksumsOf(pieces: readonly number[]): readonly number[] {
  const stretches = new StretchChecksums()
  let at = 0
  for (const length of pieces) {
    stretches.add(index.subarray(at), length)
    at += length
  }
  stretches.add(index.subarray(at), index.length - at)
  return stretches.finish()
}

/** The path that the error names. */
function refused(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptSSTableError)
    return (error as CorruptSSTableError).path
  }
  throw new Error('it was not refused')
}

test('stretches have the same checksums however the bytes come', () => {
  const expected = [0, 16384, 32768].map((from) => crc32(index, from, Math.min(16384, index.length - from)))
  for (const pieces of [[], [1, 1, 1], [16384], [16384, 16384], [16383, 2, 30], [39_999], [0, 33_000, 0]]) {
    expect(checksumsOf(pieces)).toEqual(expected)
  }
  const whole = new StretchChecksums()
  whole.add(index, 32768)
  expect(whole.finish()).toEqual(expected.slice(0, 2))
  expect(new StretchChecksums().finish()).toEqual([])
})

test('what is written is read', () => {
  const checksums = checksumsOf([])
  const read = readIndexChecksums(PATH, indexChecksumsFile(summary, filter, checksums), INDEX, index.length)
  expect(read).toEqual({
    summary: crc32(summary, 0, 3),
    filter: crc32(filter, 0, 2),
    index: { path: PATH, stretchBytes: 16384, checksums: Int32Array.from(checksums) },
  })
  const without = indexChecksumsFile(summary, null, checksums)
  expect(readIndexChecksums(PATH, without, INDEX, index.length).filter).toBeNull()
})

test('no flipped bit and no shorter file passes', () => {
  const bytes = indexChecksumsFile(summary, filter, checksumsOf([]))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice()
    changed[bit >>> 3]! ^= 1 << (bit & 7)
    expect(refused(() => readIndexChecksums(PATH, changed, INDEX, index.length))).toBe(PATH)
  }
  for (let length = 0; length < bytes.length; length++) {
    const short = bytes.subarray(0, length)
    expect(refused(() => readIndexChecksums(PATH, short, INDEX, index.length))).toBe(PATH)
  }
})

test('another version, and counts that do not fit, are refused though the checksum is right', () => {
  for (const [at, value] of [
    [0, 2],
    [16, 0],
    [16, -1],
    [20, -1],
    [20, 2],
    [20, 0x7fffffff],
  ] as const) {
    const bytes = indexChecksumsFile(summary, filter, checksumsOf([])).slice()
    writeInt32(bytes, at, value)
    writeInt32(bytes, bytes.length - 4, crc32(bytes, 0, bytes.length - 4))
    expect(refused(() => readIndexChecksums(PATH, bytes, INDEX, index.length))).toBe(PATH)
  }
})

test('an index of another length is refused by its own name', () => {
  const bytes = indexChecksumsFile(summary, filter, checksumsOf([]))
  for (const length of [0, 32768, 49153]) {
    expect(refused(() => readIndexChecksums(PATH, bytes, INDEX, length))).toBe(INDEX)
  }
})

test('a whole file is compared with its checksum, where there is one', () => {
  checkWhole(PATH, summary, crc32(summary, 0, 3))
  checkWhole(PATH, summary, null)
  expect(refused(() => checkWhole('Summary.db', filter, crc32(summary, 0, 3)))).toBe('Summary.db')
})
