import { expect, test } from 'vitest'
import { SimRandom } from '../../test/sim/sim-random.ts'
import { int32Bytes, utf8Bytes } from '../common/bytes.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../model/mutation.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { alterTable, type ColumnSpec, createTableMetadata } from '../schema/index.ts'
import { mapType, native } from '../types/index.ts'
import {
  applyTranslation,
  describeTable,
  encodeJsonRecord,
  onlyDeletes,
  RECORD_DESCRIPTOR,
  recordKind,
  type TableDescriptor,
} from './records.ts'

const EMPTY = new Uint8Array(0)
const MAP = mapType(native.int, native.blob, true)

function tableOf(statics: readonly string[], regulars: readonly string[]): TableMetadata {
  const columns: ColumnSpec[] = [
    { name: 'p', kind: 'partition_key', type: native.int },
    { name: 'ck', kind: 'clustering', type: native.text },
    ...statics.map((name): ColumnSpec => ({ name, kind: 'static', type: typeOf(name) })),
    ...regulars.map((name): ColumnSpec => ({ name, kind: 'regular', type: typeOf(name) })),
  ]
  return createTableMetadata({
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    columns,
  })
}

function typeOf(name: string): typeof MAP | typeof native.blob {
  return name.startsWith('m') ? MAP : native.blob
}

/** What an update says, column by column: all but the names of the columns that `keeps` leaves out. */
function tell(words: Words, at: number, nameOf: (id: number) => string | undefined): string[] {
  const { i32, u8 } = words
  const text = (offset: number, length: number): string =>
    Buffer.from(u8.slice(offset, offset + length)).toString('latin1')
  const end = at + (i32[at]! >>> 2)
  const lines = [`token ${i32[at + 2]} ${i32[at + 3]} key ${text((at + 5) << 2, i32[at + 4]!)}`]
  let p = at + 5 + ((i32[at + 4]! + 3) >>> 2)
  const [flags, rows, tombstones] = i32.subarray(p, p + 3)
  p += 3
  if (flags! & 1) {
    lines.push(`deletion ${i32.subarray(p, p + 3)}`)
    p += 3
  }
  const header = new RowHeader()
  const cell = new CellReader()
  for (let i = 0; i < rows!; i++) {
    header.read(i32, p)
    const { flags: f, livenessLo, ttl, localExpirationTime, deletionLo, deletionLocalTime } = header
    const cells: { name: string; line: string }[] = []
    let count = 0
    let last = -1
    for (let c = header.cells; c < header.end; c = cell.next) {
      cell.read(i32, c, header.livenessHi, header.livenessLo)
      expect(cell.columnId).toBeGreaterThanOrEqual(last)
      last = cell.columnId
      count++
      const name = nameOf(cell.columnId)
      if (name === undefined) continue
      const path = cell.pathLength < 0 ? '' : text(cell.pathOffset, cell.pathLength)
      const value = text(cell.valueOffset, cell.valueLength)
      const line = `${name} ${cell.flags & ~(16 << 16)} ${cell.timestampLo} ${cell.ttl} ${cell.localDeletionTime} [${path}] ${value}`
      cells.push({ name, line })
    }
    expect(count).toBe(header.cellCount)
    const of = (flag: number, ...values: number[]): string => (f & flag ? values.join('/') : '-')
    lines.push(
      `row ${f} ${of(1, livenessLo)} ${of(2, ttl, localExpirationTime)} ${of(4, deletionLo, deletionLocalTime)} ${text(header.clustering << 2, (header.cells - header.clustering) << 2)}`,
      ...cells.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)).map(({ line }) => line),
    )
    p = header.end
  }
  for (let i = 0; i < tombstones!; i++) {
    const size = i32[p]! >>> 2
    lines.push(`tombstone ${i32.subarray(p, p + size)}`)
    p += size
  }
  expect(p).toBe(end)
  return lines
}

function randomMutation(random: SimRandom, table: TableMetadata): MutationBuilder {
  const mutation = new MutationBuilder()
  mutation.begin()
  const updates = 1 + random.below(3)
  for (let u = 0; u < updates; u++) {
    const key = utf8Bytes('key'.slice(0, random.below(4)))
    mutation.beginUpdate(table.handle, random.below(1000), random.below(1000), key, 0, key.length)
    if (random.chance(0.3)) mutation.partitionDeletion(1, random.below(9), 3)
    const rows = random.below(4)
    for (let i = 0; i < rows; i++) {
      const isStatic = i === 0 && random.chance(0.5)
      const flags = isStatic
        ? ROW_STATIC
        : random.pick([
            0,
            ROW_HAS_LIVENESS,
            ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES,
            ROW_HAS_DELETION,
            ROW_HAS_LIVENESS | ROW_HAS_DELETION,
          ])
      mutation.beginRow(flags, 0, 50, 11, 12, 0, random.below(100), 13)
      if (!isStatic) {
        const text = utf8Bytes('clustering'.slice(0, random.below(8)))
        mutation.clustering(text, 0, text.length)
      }
      mutation.endClustering()
      for (const column of (isStatic ? table.statics : table.regulars).toSorted((a, b) => a.id - b.id)) {
        if (random.chance(0.3)) continue
        const put = (cellFlags: number, path: Uint8Array | null): void => {
          const value =
            cellFlags & (CELL_TOMBSTONE | CELL_COMPLEX_DELETION)
              ? EMPTY
              : utf8Bytes('value'.slice(0, random.below(6)))
          const timestamp = random.pick([50, random.below(100)])
          mutation.cell(
            column.id,
            cellFlags,
            0,
            timestamp,
            21,
            22,
            path ?? EMPTY,
            0,
            path?.length ?? -1,
            value,
            0,
            value.length,
          )
        }
        if (column.type !== MAP) put(random.pick([0, CELL_TOMBSTONE, CELL_EXPIRES]), null)
        else {
          if (random.chance(0.5)) put(CELL_COMPLEX_DELETION, null)
          for (let e = 0; e < 3; e++)
            if (random.chance(0.5)) put(random.pick([0, CELL_TOMBSTONE, CELL_EXPIRES]), int32Bytes(e))
        }
      }
      mutation.endRow()
    }
    if (random.chance(0.3)) {
      mutation.beginRangeTombstone(0, random.below(100), 5)
      mutation.bound([utf8Bytes('a')], 0)
      mutation.bound(random.chance(0.5) ? [] : [utf8Bytes('bcdef')], 1)
      mutation.endRangeTombstone()
    }
    mutation.endUpdate()
  }
  mutation.finish()
  return mutation
}

/** Applies the translation to every update, and compares what is said before and after of the columns in `kept`. */
function check(
  mutation: MutationBuilder,
  then: TableMetadata,
  now: TableMetadata,
  kept: ReadonlySet<string>,
): void {
  const descriptor = JSON.parse(JSON.stringify(describeTable(then))) as TableDescriptor
  const names = new Map(descriptor.columns.map(([id, name]) => [id, name]))
  const keptName = (id: number): string | undefined =>
    kept.has(names.get(id) ?? '') ? names.get(id) : undefined
  let at = MUTATION_HEADER_WORDS
  for (let i = 0; i < mutation.i32[1]!; i++) {
    const next = at + (mutation.i32[at]! >>> 2)
    const before = tell(mutation, at, keptName)
    const translated = applyTranslation(mutation, at, descriptor, now)
    expect(translated.words.i32[translated.at + 1]).toBe(now.handle)
    const after = tell(translated.words, translated.at, (id) => {
      const column = now.columnsById[id]
      expect(column, `column ${id}`).toBeDefined()
      return column!.name
    })
    expect(after).toEqual(before)
    at = next
  }
}

test('a record is read by the columns of its time: ids change places, cells of dropped columns vanish', () => {
  const random = new SimRandom(1)
  for (let i = 0; i < 600; i++) {
    const statics = ['s1', 'ms', 's2'].filter(() => random.chance(0.6))
    const regulars = ['a', 'b', 'm1', 'z', 'm2'].filter(() => random.chance(0.7))
    const then = tableOf(statics, regulars)
    const keeps = (name: string): boolean => name !== '' && random.chance(0.7)
    const keptStatics = statics.filter(keeps)
    const keptRegulars = regulars.filter(keeps)
    // Other columns come in between, so that all ids are others.
    const now = tableOf(
      [...keptStatics, 'r'],
      [...keptRegulars, 'aa', 'm0', 'zz'].filter((name) => name !== ''),
    )
    check(randomMutation(random, then), then, now, new Set([...keptStatics, ...keptRegulars]))
  }
})

test('the same columns are left as they are, in place', () => {
  const random = new SimRandom(2)
  const then = tableOf(['s1'], ['a', 'm1'])
  const now = tableOf(['s1'], ['a', 'm1'])
  expect(now.handle).not.toBe(then.handle)
  const mutation = randomMutation(random, then)
  const { words, at } = applyTranslation(mutation, MUTATION_HEADER_WORDS, describeTable(then), now)
  expect(words).toBe(mutation)
  expect(at).toBe(MUTATION_HEADER_WORDS)
})

test('cells of ids that the descriptor does not have do not get through where ids have changed', () => {
  const random = new SimRandom(3)
  for (let i = 0; i < 200; i++) {
    const whole = tableOf(['s1', 's2'], ['a', 'b', 'm1', 'z'])
    const gone = random.pick(['s1', 'a', 'b', 'm1'])
    const column = whole.columns.get(gone)!
    const dropped = { name: gone, kind: column.kind as 'regular', type: column.type, droppedTimeMicros: 1n }
    const then = alterTable(whole, { drop: [dropped] })
    // The record has cells of the column, but its descriptor is that of the table without it.
    const mutation = randomMutation(random, whole)
    const names = ['s1', 's2', 'a', 'b', 'm1', 'z'].filter((name) => name !== gone)
    const now = tableOf(
      names.filter((name) => name.startsWith('s')),
      names.filter((name) => !name.startsWith('s')),
    )
    check(mutation, then, now, new Set(names))
  }
})

test('a column that was dropped and added again gets the cells of the first, for reads to tell by their times', () => {
  const random = new SimRandom(4)
  const first = tableOf(['s1'], ['a', 'b', 'm1'])
  const column = first.columns.get('b')!
  const without = alterTable(first, {
    drop: [{ name: 'b', kind: 'regular', type: column.type, droppedTimeMicros: 1n }],
  })
  const again = alterTable(without, { add: [{ name: 'b', kind: 'regular', type: column.type }] })
  const descriptor = describeTable(again)
  expect(again.columns.get('b')!.id).toBe(column.id)
  expect(descriptor.columns.map(([id]) => id)).toContain(column.id)
  for (let i = 0; i < 100; i++)
    check(
      randomMutation(random, first),
      again,
      tableOf(['s1'], ['a', 'b', 'm1']),
      new Set(['s1', 'a', 'b', 'm1']),
    )
})

test('JSON records are whole words, whatever the text', () => {
  for (const name of ['', 'a', 'ab', 'abc', 'ü', '語', 'a "quoted" \\ name']) {
    const record = encodeJsonRecord(RECORD_DESCRIPTOR, { name })
    const words = { i32: new Int32Array(record.buffer), u8: record }
    expect(record.length % 4).toBe(0)
    expect(words.i32[0]).toBe(record.length)
    expect(recordKind(words)).toBe(RECORD_DESCRIPTOR)
    expect(JSON.parse(Buffer.from(record.subarray(8)).toString('utf8'))).toEqual({ name })
  }
})

test('only deletions are deletions', () => {
  const table = tableOf(['s1'], ['a', 'm1'])
  const build = (write: (mutation: MutationBuilder) => void): boolean => {
    const mutation = new MutationBuilder()
    mutation.begin()
    for (let i = 0; i < 2; i++) {
      mutation.beginUpdate(table.handle, 0, 0, EMPTY, 0, 0)
      if (i === 0) mutation.partitionDeletion(0, 1, 1)
      else write(mutation)
      mutation.endUpdate()
    }
    mutation.finish()
    return onlyDeletes(mutation)
  }
  const row = (flags: number, cellFlags: number | null) => (mutation: MutationBuilder) => {
    mutation.beginRow(flags, 0, 1, 0, 0, 0, 1, 1)
    mutation.clustering(utf8Bytes('x'), 0, 1)
    mutation.endClustering()
    if (cellFlags !== null) mutation.cell(0, cellFlags, 0, 1, 1, 1, EMPTY, 0, -1, EMPTY, 0, 0)
    mutation.endRow()
  }
  expect(build(() => undefined)).toBe(true)
  expect(build(row(ROW_HAS_DELETION, null))).toBe(true)
  expect(build(row(0, CELL_TOMBSTONE))).toBe(true)
  expect(build(row(0, CELL_COMPLEX_DELETION))).toBe(true)
  expect(build(row(ROW_HAS_LIVENESS, null))).toBe(false)
  expect(build(row(0, 0))).toBe(false)
  expect(build(row(ROW_HAS_DELETION, CELL_EXPIRES))).toBe(false)
})
