import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CqlError } from '../../../src/common/errors.ts'
import { applyDdl, DEFAULT_DDL_CONFIG, type DdlOutcome } from '../../../src/cql/ddl/index.ts'
import { parse } from '../../../src/cql/parser.ts'
import type { SchemaStatement } from '../../../src/cql/raw/index.ts'
import type { SchemaChange } from '../../../src/model/query-result.ts'
import { diffRows, Schema, type SchemaRow, schemaFromRows, schemaRows, systemKeyspaces } from '../../../src/schema/index.ts'

/** What Apache Cassandra 5.0.6 answered (record.py). */
interface Recorded {
  readonly cql: string
  readonly error?: readonly [code: string, message: string]
  readonly warnings?: readonly string[]
  readonly change?: string | null
  readonly events?: readonly string[]
  readonly rows?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string | null>>>>>>
  readonly gone?: readonly string[]
}

function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T
}

const golden = { ...load<Record<string, Recorded[]>>('ddl.json'), ...load<Record<string, Recorded[]>>('options.json') }

/** Statements whose answer differs on purpose or for want of what is to come, with the reason. */
const tolerated = load<Record<string, string>>('tolerated.json')

const TEXT_COLUMNS = new Set([
  'additional_write_policy',
  'comment',
  'memtable',
  'read_repair',
  'speculative_retry',
  'clustering_order',
  'kind',
  'type',
])

let nextId = 0

class Session {
  schema = new Schema(systemKeyspaces())
  keyspace: string | null = null

  run(cql: string): Recorded {
    try {
      const { statement } = parse(cql)
      if (statement.kind === 'use') {
        this.keyspace = statement.keyspace
        return { cql }
      }
      const before = this.schema
      const outcome = applyDdl(before, statement as SchemaStatement, {
        keyspace: this.keyspace,
        nowMicros: 1_800_000_000_000_123n,
        newId: () => `00000000-0000-1000-8000-${String(nextId++).padStart(12, '0')}`,
        config: { ...DEFAULT_DDL_CONFIG, strict: true },
      })
      this.schema = outcome.schema
      return answer(cql, before, outcome)
    } catch (error) {
      if (!(error instanceof CqlError)) throw error
      const code = `0x${error.code.toString(16).padStart(4, '0')}`
      return { cql, error: [code, error.message], ...(error.warnings && { warnings: error.warnings }) }
    }
  }
}

function changeText({ change, target, keyspace, name }: SchemaChange): string {
  return `${change} ${target} ${keyspace}${target === 'KEYSPACE' ? '' : `.${name}`}`
}

function answer(cql: string, before: Schema, outcome: DdlOutcome): Recorded {
  // What runs instead of the strategy is ours to say, and test/golden/compaction looks at it.
  const given = outcome.warnings.filter((warning) => !warning.startsWith('UnifiedCompactionStrategy is not'))
  const warnings = given.length > 0 ? { warnings: given } : {}
  if (outcome.change === null) return { cql, ...warnings, change: null }
  const change = changeText(outcome.change)
  const events = outcome.changes.map(changeText)
  const { keyspace } = outcome.change
  const { upserts, deletes } = diffRows(before.keyspace(keyspace), outcome.schema.keyspace(keyspace))
  const rows = rowsText(upserts, cql)
  const gone = deletes.map((row) => [row.table, row.key, ...row.clustering].map(String).join('/'))
  return {
    cql,
    ...warnings,
    change,
    ...(events.length === 1 && events[0] === change ? {} : { events }),
    ...(upserts.length > 0 ? { rows } : {}),
    ...(gone.length > 0 && !cql.startsWith('DROP KEYSPACE')
      ? { gone: deletes.map((row) => [row.table, ...rowName(row)].join('/')).sort() }
      : {}),
  }
}

function rowName(row: { readonly key: Uint8Array; readonly clustering: readonly Uint8Array[] }): string[] {
  return [row.key, ...row.clustering].map((part) => Buffer.from(part).toString())
}

function rowsText(rows: readonly SchemaRow[], cql: string): NonNullable<Recorded['rows']> {
  const result: Record<string, Record<string, Record<string, string | null>>> = {}
  for (const row of rows) {
    const values: Record<string, string | null> = {}
    for (const [name, bytes] of row.values) {
      values[name] =
        bytes === null ? null : Buffer.from(bytes).toString(TEXT_COLUMNS.has(name) ? 'utf8' : 'hex')
    }
    if (row.table === 'tables' && !cql.includes('WITH ID')) values.id = '*'
    if (row.table === 'dropped_columns' && !cql.includes('USING TIMESTAMP')) values.dropped_time = '*'
    result[row.table] ??= {}
    result[row.table][rowName(row).join('/')] = values
  }
  return result
}

/** Events of one keyspace come in no order that a client may rely on. */
function comparable(recorded: Recorded): Recorded {
  return recorded.events === undefined ? recorded : { ...recorded, events: [...recorded.events].sort() }
}

/** All rows of a keyspace, read back, must make the same rows. */
function checkRoundTrip(schema: Schema): void {
  for (const keyspace of schema.keyspaces.values()) {
    const rows = schemaRows(keyspace)
    const [again] = schemaFromRows(rows, schema)
    expect(rowsText(schemaRows(again), '')).toEqual(rowsText(rows, ''))
    for (const table of keyspace.tables.values()) {
      const same = again.tables.get(table.name)
      expect(same?.handle).toBe(table.handle)
      expect(same?.columnsById.map((column) => column?.name)).toEqual(table.columnsById.map((column) => column?.name))
    }
  }
}

for (const [section, statements] of Object.entries(golden)) {
  describe(section, () => {
    const session = new Session()
    for (const [i, recorded] of statements.entries()) {
      test(`${i} ${recorded.cql.slice(0, 100)}`, () => {
        const found = session.run(recorded.cql)
        const reason = tolerated[recorded.cql]
        if (reason !== undefined) return expect(comparable(found)).not.toEqual(comparable(recorded))
        expect(comparable(found)).toEqual(comparable(recorded))
      })
    }
    test('system_schema reads back', () => checkRoundTrip(session.schema))
  })
}
