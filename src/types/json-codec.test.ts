import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromJson, native, parseCqlTypeName, parseJson, toJson, userType } from './index.ts'

/** [type, JSON, hex of the value, error, SELECT JSON of it]: each inserted into Cassandra 5.0.6 and read back. */
type Case = readonly [string, string, string | null, string | null, string | null]

const cases = JSON.parse(
  readFileSync(new URL('../../test/golden/types/from-json.json', import.meta.url), 'utf8'),
) as Case[]

const userTypes = new Map([['u', userType('zz_types', 'u', ['a', 'B'], [native.int, native.text], true)]])
const byType = new Map<string, Case[]>()
for (const row of cases) byType.set(row[0], [...(byType.get(row[0]) ?? []), row])

test.each([...byType])('JSON of %s', (name, rows) => {
  const type = parseCqlTypeName(name, userTypes, 'zz_types')
  const wrong: string[] = []
  for (const [, json, hex, error, shown] of rows) {
    let given: string
    try {
      given = Buffer.from(fromJson(type, parseJson(json))).toString('hex')
    } catch (caught) {
      given = (caught as Error).message
    }
    const expected = hex ?? error?.replace(/^Error decoding JSON value for c_\w+: /, '')
    if (given !== expected) wrong.push(`${json}: ${given} for ${expected}`)
    if (hex !== null && shown !== null && !shown.startsWith('ERR') && hex === given) {
      const text = toJson(type, new Uint8Array(Buffer.from(hex, 'hex')))
      if (shown !== `{"${/"(c_\w+)"/.exec(shown)?.[1]}": ${text}}`) wrong.push(`${hex}: ${text} for ${shown}`)
    }
  }
  expect(wrong).toEqual([])
})
