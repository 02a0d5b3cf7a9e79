import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Answer, Harness } from './harness.ts'

/** Modifications against what Apache Cassandra answered to them (record.py). */

interface Step extends Answer {
  readonly cql: string
  readonly values?: readonly (string | null)[]
  readonly code?: string
}

interface Recorded {
  readonly schema: readonly string[]
  readonly scripts: readonly { readonly name: string; readonly steps: readonly Step[] }[]
  readonly errors: readonly Step[]
  readonly batches: readonly (Answer & { readonly kind: string; readonly statements: number; readonly size: number })[]
}

const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as Recorded

/** Where Cassandra fails in itself (its answers are stack traces and timeouts), what is answered instead. */
const OWN_ANSWERS: readonly (readonly [cql: RegExp, values: string, answer: Answer])[] = [
  [/^UPDATE coll SET l = l \+ \? /, '["unset"]', {}],
  [/^DELETE FROM two WHERE k = 1 AND a > null$/, '', {}],
  [/^DELETE FROM two WHERE k = 1 AND a > \?$/, '[null]', {}],
  // The value of a tuple is that of a user type: four bytes of length and the bytes, field by field.
  [/^UPDATE coll SET ud = \(1, 'a'\)/, '', {}],
  [/^UPDATE two SET v = 1 WHERE k = 1 AND \(a, b\) = \?$/, '[null]', { error: 'Invalid null value for column a' }],
  [/^UPDATE coll SET l = \?/, '["00000001ffffffff"]', { error: 'Null value read when not allowed' }],
  [/^UPDATE coll SET ud = \?/, '["0000"]', { error: 'Not enough bytes to read size of 0th field a' }],
]

/** Cassandra compares the values of a map's elements as if they were keys: -5 as text is not less than 0. */
const BETTER_ANSWERS: readonly (readonly [cql: RegExp, answer: Answer])[] = [
  [/ IF m\['n'\] < 0$/, { columns: ['[applied]'], rows: [['01']] }],
]

function expected(step: Step): Answer {
  const better = BETTER_ANSWERS.find(([cql]) => cql.test(step.cql))
  if (better !== undefined) return better[1]
  const values = step.values === undefined ? '' : JSON.stringify(step.values)
  const own = OWN_ANSWERS.find(([cql, of]) => cql.test(step.cql) && of === values)
  if (own !== undefined) {
    expect(step.code).not.toBe('0x2200')
    return own[2]
  }
  if (step.error !== undefined) return { error: step.error }
  if (step.columns !== undefined) return { columns: step.columns, rows: step.rows }
  return step.warnings === undefined ? {} : { warnings: step.warnings }
}

describe('scripts', () => {
  for (const { name, steps } of recorded.scripts) {
    test(name, () => {
      const harness = new Harness('modify_golden', recorded.schema)
      for (const step of steps) {
        expect(harness.run(step.cql, step.values), step.cql).toEqual(expected(step))
      }
    })
  }
})

describe('refusals', () => {
  const harness = new Harness('modify_golden', recorded.schema)
  for (const step of recorded.errors) {
    test(`${step.cql}${step.values === undefined ? '' : ` ${JSON.stringify(step.values)}`}`, () => {
      expect(harness.run(step.cql, step.values)).toEqual(expected(step))
    })
  }
})

describe('size of batches', () => {
  const harness = new Harness('modify_golden', recorded.schema)
  for (const { kind, statements, size, ...answer } of recorded.batches) {
    test(`${kind || 'logged'}: ${statements} of ${size}`, () => {
      const inserts = Array.from(
        { length: statements },
        (_, k) => `INSERT INTO one (k, v, w) VALUES (${k}, 1, '${'w'.repeat(size)}');`,
      )
      const { code: _, ...wanted } = answer as Answer & { code?: string }
      expect(harness.run(`BEGIN ${kind} BATCH ${inserts.join(' ')} APPLY BATCH`)).toEqual(wanted)
    })
  }
})
