import { describe, expect, test } from 'vitest'
import { Schema, systemKeyspaces } from '../../schema/index.ts'
import { parse } from '../parser.ts'
import type { SchemaStatement } from '../raw/index.ts'
import { applyDdl, type DdlContext, DEFAULT_DDL_CONFIG } from './index.ts'

const ID = '5a1c395e-b41f-11e5-9f22-ba0be0483c18'

function run(schema: Schema, cql: string, context: Partial<DdlContext> = {}) {
  const statement = parse(cql).statement as SchemaStatement
  const defaults = {
    keyspace: 'ks',
    nowMicros: 1_800_000_000_000_123n,
    newId: () => ID,
    config: DEFAULT_DDL_CONFIG,
  }
  return applyDdl(schema, statement, { ...defaults, ...context })
}

const base = run(
  new Schema(systemKeyspaces()),
  "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
).schema

describe('what Cassandra 5.0 has taken out', () => {
  test('OldNetworkTopologyStrategy', () => {
    const cql =
      "CREATE KEYSPACE old WITH replication = {'class': 'OldNetworkTopologyStrategy', 'replication_factor': 3}"
    const { schema } = run(base, cql)
    expect(schema.keyspace('old')!.params.replication).toEqual(
      new Map([
        ['class', 'org.apache.cassandra.locator.OldNetworkTopologyStrategy'],
        ['replication_factor', '3'],
      ]),
    )
    const strict = { ...DEFAULT_DDL_CONFIG, strict: true }
    expect(() => run(base, cql, { config: strict })).toThrow('has been removed in C* version 4.0')
  })

  test.each([
    ['keys_cached = 0', 'NONE', 'NONE'],
    ['keys_cached = 200000 AND rows_cached = 0', 'ALL', 'NONE'],
    ['rows_cached = 0.5 AND preload_row_cache = true', 'ALL', 'ALL'],
  ])('%s', (options, keys, rows) => {
    const { schema, warnings } = run(base, `CREATE TABLE t (id int PRIMARY KEY) WITH ${options}`)
    expect([...schema.table('ks', 't')!.params.caching.values()]).toEqual([keys, rows])
    expect(warnings).toHaveLength(options.split(' AND ').length)
  })
})

describe('guardrails', () => {
  const guarded = (guardrails: Partial<DdlContext['config']['guardrails']>): Partial<DdlContext> => ({
    isOrdinaryUser: true,
    config: { ...DEFAULT_DDL_CONFIG, guardrails: { ...DEFAULT_DDL_CONFIG.guardrails, ...guardrails } },
  })

  test('warn of a table that will never expire', () => {
    const cql =
      "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy'}"
    expect(run(base, cql).warnings).toEqual([])
    expect(run(base, cql, guarded({})).warnings[0]).toContain(
      'Guardrail zero_ttl_on_twcs violated: 0 default',
    )
  })

  test('refuse too many columns', () => {
    const cql = 'CREATE TABLE t (id int PRIMARY KEY, a int, b int)'
    const limit = guarded({ columnsPerTable: { warn: 1, fail: 2 } })
    expect(() => run(base, cql, limit)).toThrow(
      'Guardrail columns_per_table violated: Tables cannot have more than 2 columns, but 3 provided for table t',
    )
    const warning = run(base, 'CREATE TABLE t (id int PRIMARY KEY, a int)', limit).warnings
    expect(warning).toEqual([
      'Guardrail columns_per_table violated: The table t has 2 columns, this exceeds the warning threshold of 1.',
    ])
  })
})

test.each([
  ['CREATE INDEX ON t (a)', 'CREATE INDEX'],
  [
    'CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE a IS NOT NULL PRIMARY KEY (a)',
    'CREATE MATERIALIZED VIEW',
  ],
  ['CREATE TABLE t (id int PRIMARY KEY, v text MASKED WITH DEFAULT)', 'Column masking'],
  [
    "CREATE FUNCTION f(a int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a;'",
    'CREATE FUNCTION',
  ],
])('%s is refused until it comes', (cql, what) => {
  expect(() => run(base, cql)).toThrow(`${what} is not supported yet`)
})

test('a dropped table is named, so that its data goes too', () => {
  const { schema } = run(base, 'CREATE TABLE t (id int PRIMARY KEY)')
  const dropped = run(schema, 'DROP KEYSPACE ks')
  expect(dropped.droppedTables).toEqual([schema.table('ks', 't')])
  expect(dropped.schema.tableById(ID)).toBeNull()
  expect(schema.tableById(ID)).toBe(schema.table('ks', 't'))
})

test('the time of DROP is that of the next millisecond, since system_schema keeps no less', () => {
  const { schema } = run(base, 'CREATE TABLE t (id int PRIMARY KEY, v text)')
  const { schema: after } = run(schema, 'ALTER TABLE t DROP v')
  expect(after.table('ks', 't')!.dropped.get('v')!.droppedTimeMicros).toBe(1_800_000_000_001_000n)
  const { schema: at } = run(schema, 'ALTER TABLE t DROP v USING TIMESTAMP 1999')
  expect(at.table('ks', 't')!.dropped.get('v')!.droppedTimeMicros).toBe(1000n)
})
