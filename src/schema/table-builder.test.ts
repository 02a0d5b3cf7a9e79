import { describe, expect, test } from 'vitest'
import { native } from '../types/index.ts'
import { createKeyspaceMetadata, withTable } from './keyspace.ts'
import { Schema } from './schema.ts'
import { schemaFromRows } from './schema-from-rows.ts'
import { diffRows, schemaRows } from './schema-rows.ts'
import { alterTable, createTableMetadata } from './table-builder.ts'

const params = {
  durableWrites: true,
  replication: new Map([['class', 'org.apache.cassandra.locator.SimpleStrategy']]),
}

function table() {
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '5a1c395e-b41f-11e5-9f22-ba0be0483c18',
    columns: [
      { name: 'k', kind: 'partition_key', type: native.int },
      { name: 'b', kind: 'regular', type: native.int },
      { name: 'a', kind: 'regular', type: native.text },
      { name: 's', kind: 'static', type: native.text },
    ],
  })
}

describe('column ids', () => {
  test('are dense, and cells sort as columns do', () => {
    const { statics, regulars, columnsById } = table()
    expect(statics.map((column) => column.id)).toEqual([0])
    expect(regulars.map((column) => [column.name, column.id])).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    expect(columnsById.map((column) => column?.name)).toEqual(['s', 'a', 'b'])
  })

  test('are the same for a column that comes back, whose older cells are those before the drop', () => {
    const first = table()
    const dropped = { name: 'a', kind: 'regular', type: native.text, droppedTimeMicros: 1000n } as const
    const second = alterTable(first, { drop: [dropped] })
    const third = alterTable(second, { add: [{ name: 'a', kind: 'regular', type: native.text }] })
    expect(second.columnsById[1]).toBeUndefined()
    expect(third.handle).toBe(first.handle)
    expect(third.columns.get('b')).toBe(first.columns.get('b'))
    expect(third.columns.get('a')).toEqual(first.columns.get('a'))
    expect(second.dropTimes).toBeNull()
    expect(third.dropTimes).toEqual([undefined, { hi: 0, lo: 1000 }])
    expect([...third.dropped.keys()]).toEqual(['a'])
  })

  test('are new for a column that comes back as something else', () => {
    const first = table()
    const dropped = { name: 'a', kind: 'regular', type: native.text, droppedTimeMicros: 1000n } as const
    const second = alterTable(first, { drop: [dropped] })
    const third = alterTable(second, { add: [{ name: 'a', kind: 'static', type: native.text }] })
    expect(third.columns.get('a')!.id).toBeGreaterThan(3)
  })

  test('stay when the same schema is read again, though the column was dropped meanwhile', () => {
    const first = table()
    const dropped = { name: 'a', kind: 'regular', type: native.text, droppedTimeMicros: 1000n } as const
    const back = alterTable(alterTable(first, { drop: [dropped] }), {
      add: [{ name: 'a', kind: 'regular', type: native.text }],
    })
    const rows = schemaRows(createKeyspaceMetadata('ks', params, [back]))
    const known = (metadata: typeof first) => new Schema([createKeyspaceMetadata('ks', params, [metadata])])
    const same = schemaFromRows(rows, known(back))[0].tables.get('t')!
    expect([...same.columns.values()].map((column) => column.id)).toEqual(
      [...back.columns.values()].map((column) => column.id),
    )
    const behind = schemaFromRows(rows, known(first))[0].tables.get('t')!
    expect(behind.handle).toBe(first.handle)
    expect(behind.columns.get('a')!.id).toBe(first.columns.get('a')!.id)
    expect(behind.dropTimes).toEqual(back.dropTimes)
    // One that is gone leaves its id to the one that comes back.
    const without = alterTable(first, { drop: [dropped] })
    const gone = schemaFromRows(schemaRows(createKeyspaceMetadata('ks', params, [without])), known(first))[0]
    const again = alterTable(gone.tables.get('t')!, {
      add: [{ name: 'a', kind: 'regular', type: native.text }],
    })
    expect(again.columns.get('a')!.id).toBe(first.columns.get('a')!.id)
    expect(behind.columns.get('b')!.id).toBe(first.columns.get('b')!.id)
  })
})

describe('diffRows', () => {
  const before = createKeyspaceMetadata('ks', params, [table()])

  test('of the same keyspace is nothing', () => {
    expect(diffRows(before, before)).toEqual({ upserts: [], deletes: [] })
  })

  test('of a dropped column is its row, and what is remembered of it', () => {
    const dropped = { name: 'a', kind: 'regular', type: native.text, droppedTimeMicros: 1000n } as const
    const after = withTable(before, alterTable(before.tables.get('t')!, { drop: [dropped] }))
    const { upserts, deletes } = diffRows(before, after)
    expect(upserts.map((row) => row.table)).toEqual(['dropped_columns'])
    expect(deletes.map((row) => row.table)).toEqual(['columns'])
  })

  test('of a dropped keyspace is its partition in every table', () => {
    const { upserts, deletes } = diffRows(before, null)
    expect(upserts).toEqual([])
    expect(deletes).toHaveLength(11)
    expect(deletes.every((row) => row.clustering.length === 0)).toBe(true)
  })
})

describe('version', () => {
  test('says what the schema is, not how it came to be', () => {
    const keyspace = createKeyspaceMetadata('ks', params, [table()])
    const other = createKeyspaceMetadata('ks', params, [table()])
    expect(new Schema([keyspace]).version).toBe(new Schema([other]).version)
    expect(new Schema([keyspace]).version).not.toBe(new Schema([]).version)
    const altered = alterTable(table(), { params: { ...table().params, comment: 'x' } })
    expect(new Schema([withTable(keyspace, altered)]).version).not.toBe(new Schema([keyspace]).version)
  })
})
