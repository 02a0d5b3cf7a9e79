import { expect, test } from 'vitest'
import { int32Bytes, utf8Bytes } from '../../common/bytes.ts'
import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import { CellReader, cellsAt, ROW_HAS_LIVENESS } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { createTableMetadata } from '../../schema/index.ts'
import { native } from '../../types/index.ts'
import {
  IncompatibleSchemaError,
  MutationDecoder,
  MutationEncoder,
  MutationFormatError,
} from './mutation-message.ts'

const ID = '00000000-0000-0000-0000-000000000001'
const NO_BYTES = new Uint8Array(0)

/** Each is another process's table: another handle, and ids in the order of the names given. */
function tableWith(columns: readonly string[], dropped: readonly string[] = []): TableMetadata {
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: ID,
    columns: [
      { name: 'p', kind: 'partition_key', type: native.int },
      ...columns.map((name) => ({ name, kind: 'regular' as const, type: native.text })),
    ],
    dropped: dropped.map((name) => ({ name, kind: 'regular', type: native.text, droppedTimeMicros: 1n })),
  })
}

function mutationOf(table: TableMetadata, values: Readonly<Record<string, string>>): MutationBuilder {
  const mutation = new MutationBuilder()
  mutation.begin()
  for (const p of [1, 2]) {
    const key = int32Bytes(p)
    mutation.beginUpdate(table.handle, p, 0, key, 0, 4)
    mutation.beginRow(ROW_HAS_LIVENESS, 0, 7, 0, 0, 0, 0, 0)
    mutation.endClustering()
    for (const { id, name } of [...table.regulars].sort((a, b) => a.id - b.id)) {
      if (values[name] === undefined) continue
      const value = utf8Bytes(values[name])
      mutation.cell(id, 0, 0, 7, 0, 0, NO_BYTES, 0, -1, value, 0, value.length)
    }
    mutation.endRow()
    mutation.endUpdate()
  }
  mutation.finish()
  return mutation
}

/** Names and values of the first update's row, as the receiver's table has them. */
function cellsOf(mutation: MutationBuilder, table: TableMetadata): Record<string, string> {
  const [at] = updatesAt(mutation)
  const { i32 } = mutation
  expect(i32[at! + 1]).toBe(table.handle)
  const row = at! + 5 + 1 + 3
  const cells: Record<string, string> = {}
  const cell = new CellReader()
  for (let p = cellsAt(i32, row); p < row + (i32[row]! >>> 2); ) {
    cell.read(i32, p, 0, 0)
    p = cell.next
    const column = table.regulars.find(({ id }) => id === cell.columnId)
    cells[column!.name] = Buffer.from(mutation.u8).toString(
      'utf8',
      cell.valueOffset,
      cell.valueOffset + cell.valueLength,
    )
  }
  return cells
}

function sent(from: TableMetadata, values: Readonly<Record<string, string>>): Int32Array {
  const mutation = mutationOf(from, values)
  const bytes = new MutationEncoder().encode(mutation, updatesAt(mutation), () => from).slice()
  return new Int32Array(bytes.buffer)
}

test('columns are found by their names, whatever their ids', () => {
  const here = tableWith(['a', 'b', 'c'])
  const there = tableWith(['b', 'c', 'x', 'a'])
  const decoder = new MutationDecoder()
  for (let i = 0; i < 3; i++) {
    const decoded = decoder.decode(sent(here, { a: 'A', b: 'B' }), (id) => (id === ID ? there : null))
    expect(updatesAt(decoded)).toHaveLength(2)
    expect(cellsOf(decoded, there)).toEqual({ a: 'A', b: 'B' })
  }
})

test('a column that is not known yet is refused where it is written to, and nowhere else', () => {
  const here = tableWith(['a', 'new'])
  const there = tableWith(['a'])
  const decoder = new MutationDecoder()
  expect(
    cellsOf(
      decoder.decode(sent(here, { a: 'A' }), () => there),
      there,
    ),
  ).toEqual({ a: 'A' })
  expect(() => decoder.decode(sent(here, { a: 'A', new: 'N' }), () => there)).toThrow(IncompatibleSchemaError)
  expect(() => decoder.decode(sent(here, { a: 'A' }), () => null)).toThrow(IncompatibleSchemaError)
})

test('cells of a column that was dropped here are left out', () => {
  const here = tableWith(['a', 'gone'])
  const there = tableWith(['a'], ['gone'])
  const decoded = new MutationDecoder().decode(sent(here, { a: 'A', gone: 'G' }), () => there)
  expect(cellsOf(decoded, there)).toEqual({ a: 'A' })
})

test('only the updates that are named are written', () => {
  const here = tableWith(['a'])
  const mutation = mutationOf(here, { a: 'A' })
  const bytes = new MutationEncoder().encode(mutation, [updatesAt(mutation)[1]!], () => here).slice()
  const decoded = new MutationDecoder().decode(new Int32Array(bytes.buffer), () => here)
  expect(updatesAt(decoded).map((at) => decoded.i32[at + 2])).toEqual([2])
})

test('what is cut is no mutation', () => {
  const here = tableWith(['a'])
  const words = sent(here, { a: 'A' })
  for (let length = 0; length < words.length; length++) {
    expect(() => new MutationDecoder().decode(words.slice(0, length), () => here)).toThrow(
      MutationFormatError,
    )
  }
})
