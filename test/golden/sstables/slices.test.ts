import { existsSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/common/bytes.ts'
import { murmur3Token } from '../../../src/common/murmur3.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  compareRowToBound,
  readClustering,
  type Slice,
} from '../../../src/model/clustering.ts'
import { clusteringAt } from '../../../src/model/row-format.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import type { PartitionSource } from '../../../src/storage/partition-source.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import {
  type DeletionTime,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  type UnfilteredReader,
} from '../../../src/storage/unfiltered.ts'
import { descriptorsOf, FIXTURES, nodeWith } from './fixtures.ts'

/** Slices of Cassandra's SSTables, found by their index, hold what a scan of the whole finds between their bounds. */

/** A row's words, or a marker. */
interface Item {
  readonly bound: ClusteringBound
  readonly row: Int32Array | null
  readonly closes: DeletionTime | null
  readonly opens: DeletionTime | null
}

interface Partition {
  readonly key: Uint8Array
  readonly items: readonly Item[]
}

function itemOf(reader: Pick<PartitionSource, 'row' | 'rowAt' | 'marker'>, isMarker: boolean, count: number): Item {
  if (isMarker) return { row: null, ...reader.marker }
  const { i32 } = reader.row
  const row = i32.slice(reader.rowAt, reader.rowAt + (i32[reader.rowAt]! >>> 2))
  const components = readClustering(reader.row, clusteringAt(i32, reader.rowAt), count)
  return { bound: { components, side: 0 }, row, closes: null, opens: null }
}

function drain(reader: PartitionSource | UnfilteredReader, count: number): Item[] {
  const items: Item[] = []
  for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
    items.push(itemOf(reader, kind === UNFILTERED_MARKER, count))
  }
  return items
}

function scan(sstable: SSTable, count: number): Partition[] {
  const partitions: Partition[] = []
  for (const reader = sstable.scan(); reader.nextPartition(); ) {
    const key = reader.keyBytes.slice(0, reader.keyLength)
    partitions.push({ key, items: drain(reader, count) })
  }
  return partitions
}

function text(item: Item): string {
  const deletion = (time: DeletionTime | null) => (time === null ? '-' : `${time.hi}:${time.lo}`)
  const place = `${item.bound.components.map(toHex)}/${item.bound.side}`
  return item.row === null ? `${place} ${deletion(item.closes)} ${deletion(item.opens)}` : `row ${item.row.join()}`
}

/** What of the items is in the slices, with markers at their ends. */
function cut(table: TableMetadata, items: readonly Item[], slices: readonly Slice[], reversed: boolean): string[] {
  const types = clusteringTypes(table)
  const compare = (item: Item, bound: ClusteringBound) => {
    if (item.row === null) return compareBounds(types, item.bound, bound)
    return compareRowToBound(types, { i32: item.row, u8: new Uint8Array(item.row.buffer) }, 0, bound)
  }
  const parts = slices.map(({ start, end }) => {
    const before = items.filter((item) => compare(item, start) < 0 && item.row === null).at(-1)?.opens ?? null
    const inside = items.filter((item) => compare(item, start) >= 0 && compare(item, end) <= 0)
    const markers = inside.filter((item) => item.row === null)
    const open = markers.length > 0 ? markers.at(-1)!.opens : before
    const first = before === null ? [] : [{ bound: start, row: null, closes: null, opens: before }]
    const last = open === null ? [] : [{ bound: end, row: null, closes: open, opens: null }]
    const all = [...first, ...inside, ...last].map(text)
    return reversed ? all.reverse() : all
  })
  return (reversed ? parts.reverse() : parts).flat()
}

const disk = createNodeDisk()
const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}nb`) : []

describe.skipIf(tables.length === 0)('nb', () => {
  test.each(tables)('%s', async (name) => {
    const { database, table } = await nodeWith('nb', name)
    const count = table.clusterings.length
    const types = clusteringTypes(table)
    const token = new Int32Array(2)
    for (const descriptor of descriptorsOf('nb', name)) {
      const sstable = SSTable.open(disk, descriptor, table)
      const index = sstable.index()
      const reader = sstable.partitions()
      for (const { key, items } of scan(sstable, count)) {
        murmur3Token(key, 0, key.length, token)
        expect(sstable.filter?.mayContain(key, 0, key.length) ?? true).toBe(true)
        expect(index.find(token[0]!, token[1]!, key)).toBe(true)
        const bounds: ClusteringBound[] = [
          { components: [], side: 0 as const },
          { components: [], side: 1 as const },
          ...items.flatMap(({ bound }) => [
            { components: bound.components, side: 0 as const },
            { components: bound.components, side: 1 as const },
          ]),
        ].sort((a, b) => compareBounds(types, a, b))
        const places = fc.uniqueArray(fc.nat(bounds.length - 1), { minLength: 2, maxLength: 6 })
        fc.assert(
          fc.property(places, fc.boolean(), (chosen, reversed) => {
            const sorted = chosen.sort((a, b) => a - b).map((i) => bounds[i]!)
            const slices: Slice[] = []
            for (let i = 0; i + 1 < sorted.length; i += 2) {
              const slice = { start: sorted[i]!, end: sorted[i + 1]! }
              if (compareBounds(types, slice.start, slice.end) < 0) slices.push(slice)
            }
            reader.open(index.position, index, slices, reversed)
            expect(drain(reader, count).map(text)).toEqual(cut(table, items, slices, reversed))
          }),
          { numRuns: items.length > 100 ? 60 : 15, seed: 1 },
        )
      }
      sstable.close()
    }
    await database.close()
  })
})
