import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex, utf8Bytes } from './bytes.ts'

describe('fromHex', () => {
  it('is what toHex was of', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
  })

  it.each(['0', '0g', 'g0', '00 0', '0x00', '0é', 'é0', '\u0130\u0130'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeUndefined()
  })
})

it('utf8Bytes are those of Buffer, short or long', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.string({ unit: 'binary-ascii', maxLength: 100 }),
  )
  fc.assert(
    fc.property(text, (value) => {
      expect(toHex(utf8Bytes(value))).toBe(Buffer.from(value, 'utf8').toString('hex'))
    }),
  )
})
