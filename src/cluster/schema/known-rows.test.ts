import { expect, test } from 'vitest'
import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import { ROW_HAS_LIVENESS } from '../../model/row-format.ts'
import { KnownRows } from './known-rows.ts'

interface Partition {
  readonly table: number
  readonly key: string
  /** Clusterings, and when they were written. */
  readonly rows: Readonly<Record<string, number>>
  readonly deletedAt?: number
}

function mutationOf(...partitions: readonly Partition[]): MutationBuilder {
  const mutation = new MutationBuilder()
  mutation.begin()
  for (const { table, key, rows, deletedAt } of partitions) {
    mutation.beginUpdate(table, 1, 2, Buffer.from(key), 0, key.length)
    if (deletedAt !== undefined) mutation.partitionDeletion(0, deletedAt, 1)
    for (const [name, time] of Object.entries(rows)) {
      mutation.beginRow(ROW_HAS_LIVENESS, 0, time, 0, 0, 0, 0, 0)
      mutation.clustering(Buffer.from(name), 0, name.length)
      mutation.endClustering()
      mutation.endRow()
    }
    mutation.endUpdate()
  }
  mutation.finish()
  return mutation
}

function unknownOf(own: MutationBuilder, other: MutationBuilder): MutationBuilder {
  const known = new KnownRows(own)
  const fresh = new MutationBuilder()
  fresh.begin()
  for (const at of updatesAt(other)) known.copyUnknown(other, at, fresh)
  fresh.finish()
  return fresh
}

const bytesOf = ({ u8, sizeBytes }: MutationBuilder): string =>
  Buffer.from(u8.buffer, 0, sizeBytes).toString('hex')

test('of rows that are all known nothing is left', () => {
  const own = mutationOf(
    { table: 1, key: 'ks', rows: { a: 1, b: 2 } },
    { table: 2, key: 'ks', rows: { c: 3 } },
  )
  expect(unknownOf(own, own).updateCount).toBe(0)
  const fewer = mutationOf({ table: 1, key: 'ks', rows: { b: 2 } })
  expect(unknownOf(own, fewer).updateCount).toBe(0)
})

test('rows that are new or were written at another time are left, and those alone', () => {
  const own = mutationOf({ table: 1, key: 'ks', rows: { a: 1, b: 2 } })
  const other = mutationOf({ table: 1, key: 'ks', rows: { a: 1, b: 3, c: 1 } })
  const left = mutationOf({ table: 1, key: 'ks', rows: { b: 3, c: 1 } })
  expect(bytesOf(unknownOf(own, other))).toBe(bytesOf(left))
})

test('partitions of another table or key are other ones', () => {
  const own = mutationOf({ table: 1, key: 'ks', rows: { a: 1 } })
  const other = mutationOf(
    { table: 2, key: 'ks', rows: { a: 1 } },
    { table: 1, key: 'other', rows: { a: 1 } },
  )
  expect(bytesOf(unknownOf(own, other))).toBe(bytesOf(other))
})

test('where a partition is deleted all of it is left, unless that is known too', () => {
  const own = mutationOf({ table: 1, key: 'ks', rows: { a: 1 } })
  const deleted = mutationOf({ table: 1, key: 'ks', rows: { a: 1 }, deletedAt: 5 })
  expect(bytesOf(unknownOf(own, deleted))).toBe(bytesOf(deleted))
  expect(unknownOf(deleted, deleted).updateCount).toBe(0)
  expect(unknownOf(deleted, own).updateCount).toBe(0)
})
