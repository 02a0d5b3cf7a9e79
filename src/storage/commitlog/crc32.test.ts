import { crc32 as zlibCrc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { crc32, crc32Of } from './crc32.ts'

test('equals the CRC-32 of zlib, at any offset, length and seed', () => {
  const bytes = new Uint8Array(1024)
  const random = new SimRandom(1)
  random.bytes(bytes)
  for (let length = 0; length < 600; length++) {
    const offset = random.below(bytes.length - length)
    const seed = random.uint32()
    const part = bytes.subarray(offset, offset + length)
    expect(crc32(bytes, offset, length, seed) >>> 0).toBe(zlibCrc32(part, seed))
    expect(crc32(bytes, offset, length) >>> 0).toBe(zlibCrc32(part))
    expect(crc32Of(part, seed) >>> 0).toBe(zlibCrc32(part, seed))
  }
})

test('goes on from what came before', () => {
  const bytes = new TextEncoder().encode('123456789')
  expect(crc32(bytes, 0, 9) >>> 0).toBe(0xcbf43926)
  expect(crc32(bytes, 4, 5, crc32(bytes, 0, 4)) >>> 0).toBe(0xcbf43926)
})
