import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { native, toJson } from './index.ts'

/** Doubles and floats in hex, each with the text that Cassandra 5.0.6 gave by SELECT JSON. */
const cases = JSON.parse(
  readFileSync(new URL('../../test/golden/types/floats.json', import.meta.url), 'utf8'),
) as readonly (readonly [string, string, string, string])[]

test('floats and doubles read as Java writes them', () => {
  const wrong: string[] = []
  for (const [double, doubleText, float, floatText] of cases) {
    const d = toJson(native.double, new Uint8Array(Buffer.from(double, 'hex')))
    const f = toJson(native.float, new Uint8Array(Buffer.from(float, 'hex')))
    if (d !== doubleText) wrong.push(`${double}: ${d} for ${doubleText}`)
    if (f !== floatText) wrong.push(`${float}: ${f} for ${floatText}`)
  }
  expect(wrong).toEqual([])
})
