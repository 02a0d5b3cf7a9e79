import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type CqlType, type Literal, literalToBytes, nativeByName, testLiteralAssignment } from './index.ts'

/** [type, kind of literal, text, hex of the value, error]: each inserted into Cassandra 5.0.6 and read back. */
type Case = readonly [string, Literal['kind'], string, string | null, string | null]

const cases = JSON.parse(
  readFileSync(new URL('../../test/golden/types/literals.json', import.meta.url), 'utf8'),
) as Case[]

function assign(type: CqlType, literal: Literal): string {
  if (testLiteralAssignment(type, literal) === 'NOT') {
    return `Invalid ${literal.kind.toUpperCase()} constant (${literal.text}) for "c_${type.cqlName}" of type ${type.cqlName}`
  }
  try {
    return Buffer.from(literalToBytes(type, literal)).toString('hex')
  } catch (error) {
    return (error as Error).message
  }
}

const byType = new Map<string, Case[]>()
for (const row of cases) byType.set(row[0], [...(byType.get(row[0]) ?? []), row])

test.each([...byType])('literals of %s', (name, literals) => {
  const type = nativeByName(name)
  if (type === undefined) throw new Error(name)
  const wrong = literals.flatMap(([, kind, text, hex, error]) => {
    const given = assign(type, { kind, text })
    return given === (hex ?? error) ? [] : [`${kind} ${text}: ${given} for ${hex ?? error}`]
  })
  expect(wrong).toEqual([])
})
