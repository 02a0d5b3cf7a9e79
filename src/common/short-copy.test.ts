import { expect, test } from 'vitest'
import { shortCopy } from './short-copy.ts'

test('copies are of their own, short and long, and never overlap', () => {
  const copies: { copy: Uint8Array; expected: Uint8Array }[] = []
  for (let i = 0; i < 500; i++) {
    const source = new Uint8Array((i * 37) % 5000).fill(i)
    const length = i % 3 === 0 ? source.length >> 1 : source.length
    const copy = shortCopy(source, length)
    copies.push({ copy, expected: source.slice(0, length) })
    source.fill(255)
  }
  for (const { copy, expected } of copies) expect(Buffer.compare(copy, expected)).toBe(0)
})
