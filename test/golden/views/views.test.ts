import { readFileSync } from 'node:fs'
import { types } from 'cassandra-driver'
import { afterAll, describe, expect, it } from 'vitest'
import { Workbench } from '../../node/support.ts'

/** Statements on virtual tables, answered as Apache Cassandra answers them (recorded by record.py). */

interface Recorded {
  readonly statement: string
  readonly code?: number
  readonly message?: string
  readonly columns?: readonly string[]
  readonly rows?: readonly (readonly string[])[]
}

const recorded: readonly Recorded[] = JSON.parse(
  readFileSync(new URL('recorded.json', import.meta.url), 'utf8'),
)

const bench = new Workbench()
afterAll(() => bench.release())
const client = await bench.connect(await bench.start({ dir: ':memory:' }))

/** A value as Python's str() writes it. */
function text(value: unknown, type: number): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (type === types.dataTypes.double && typeof value === 'number') {
    return Number.isNaN(value) ? 'nan' : Number.isInteger(value) ? value.toFixed(1) : String(value)
  }
  return String(value)
}

async function answer(statement: string): Promise<Recorded> {
  try {
    const result = await client.execute(statement)
    const columns = result.columns ?? []
    return {
      statement,
      columns: columns.map(({ name }) => name),
      rows: (result.rows ?? []).map((row) => columns.map(({ name, type }) => text(row.get(name), type.code))),
    }
  } catch (error) {
    const { code, message } = error as { code: number; message: string }
    return { statement, code, message }
  }
}

describe('virtual tables', () => {
  it.each(recorded.map((one) => [one.statement, one] as const))('%s', async (statement, expected) => {
    expect(await answer(statement)).toEqual(expected)
  })

  it('were recorded with refusals and answers', () => {
    expect(recorded.length).toBeGreaterThan(75)
    expect(recorded.filter(({ code }) => code !== undefined).length).toBeGreaterThan(35)
  })
})
