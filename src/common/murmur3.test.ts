import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { murmur3Token, tokenFromString, tokenToString } from './murmur3.ts'

interface Case {
  readonly key: string
  readonly token: string
}

const cases = JSON.parse(
  readFileSync(new URL('../../test/golden/murmur3.json', import.meta.url), 'utf8'),
) as Case[]

test('tokens are those that Cassandra gave', () => {
  const out = new Int32Array(2)
  const halves = new Int32Array(2)
  expect(cases.length).toBe(315)
  for (const { key, token } of cases) {
    const bytes = new Uint8Array(Buffer.from(`ff${key}ff`, 'hex'))
    murmur3Token(bytes, 1, bytes.length - 2, out)
    expect(tokenToString(out[0], out[1]), key).toBe(token)
    tokenFromString(token, halves)
    expect([...halves]).toEqual([...out])
  }
})
