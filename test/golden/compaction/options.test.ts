import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CqlError } from '../../../src/common/errors.ts'
import { applyDdl, DEFAULT_DDL_CONFIG } from '../../../src/cql/ddl/index.ts'
import { parse } from '../../../src/cql/parser.ts'
import type { SchemaStatement } from '../../../src/cql/raw/index.ts'
import { COMPACTION_PACKAGE } from '../../../src/model/unified-compaction.ts'
import { Schema, schemaRows, systemKeyspaces } from '../../../src/schema/index.ts'
import { compactionStrategyFor } from '../../../src/storage/compaction/factory.ts'

const KEYSPACE = 'cmpn_options'

/** What Apache Cassandra 5.0.6 answered (record.py). */
interface Recorded {
  readonly cql: string
  readonly error?: readonly [code: string, message: string]
  readonly warnings?: readonly string[]
  readonly options?: Readonly<Record<string, string>>
}

const recorded = JSON.parse(readFileSync(new URL('options.json', import.meta.url), 'utf8')) as Recorded[]

let schema = new Schema(systemKeyspaces())
let nextId = 0

function run(cql: string): readonly string[] {
  const outcome = applyDdl(schema, parse(cql).statement as SchemaStatement, {
    keyspace: null,
    nowMicros: 1_800_000_000_000_123n,
    newId: () => `00000000-0000-1000-8000-${String(nextId++).padStart(12, '0')}`,
    config: { ...DEFAULT_DDL_CONFIG, strict: true },
  })
  schema = outcome.schema
  return outcome.warnings
}

run(
  `CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
)

/** The columns of system_schema.tables that were recorded, as bytes in hex. */
function optionsOf(table: string, names: readonly string[]): Record<string, string> {
  const row = schemaRows(schema.keyspace(KEYSPACE)!).find(
    ({ table: of, clustering }) => of === 'tables' && Buffer.from(clustering[0]!).toString() === table,
  )!
  const values = new Map(row.values)
  return Object.fromEntries(names.map((name) => [name, Buffer.from(values.get(name)!).toString('hex')]))
}

function answer(cql: string): Recorded & { readonly standIn?: string } {
  try {
    const warnings = run(cql)
    const table = /\.(t\d+)/.exec(cql)![1]!
    const standIn = warnings.find((warning) => warning.startsWith('UnifiedCompactionStrategy is not'))
    const given = warnings.filter((warning) => warning !== standIn)
    const names = ['bloom_filter_fp_chance', 'caching', 'compaction', 'compression']
    return {
      cql,
      ...(given.length > 0 ? { warnings: given } : {}),
      options: optionsOf(table, names),
      ...(standIn === undefined ? {} : { standIn }),
    }
  } catch (error) {
    if (!(error instanceof CqlError)) throw error
    return { cql, error: [`0x${error.code.toString(16).padStart(4, '0')}`, error.message] }
  }
}

test.each(recorded.map((one) => [one.cql.slice(one.cql.indexOf('WITH')), one] as const))('%s', (_, one) => {
  const { standIn, ...found } = answer(one.cql)
  expect(found).toEqual(one)
  if (found.options === undefined || !one.cql.includes('compaction = ')) return
  const tableName = /\.(t\d+)/.exec(one.cql)![1]!
  const { compaction } = schema.keyspace(KEYSPACE)!.tables.get(tableName)!.params
  // What is accepted can be run, and Unified is said to be something else.
  const isUnified = compaction.get('class') === `${COMPACTION_PACKAGE}UnifiedCompactionStrategy`
  expect(standIn !== undefined).toBe(isUnified)
  const { strategy } = compactionStrategyFor(compaction, { keyspace: KEYSPACE, name: tableName })
  if (isUnified) expect(standIn).toContain(`${strategy.name} with {`)
  else expect(COMPACTION_PACKAGE + strategy.name).toBe(compaction.get('class'))
})
