import { toHex } from '../../src/common/bytes.ts'
import type { Slice } from '../../src/model/clustering.ts'
import { clusteringTypes, compareBounds } from '../../src/model/clustering.ts'
import { FULL_RING } from '../../src/model/read-command.ts'
import {
  CELL_ROW_TIMESTAMP,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  RowHeader,
} from '../../src/model/row-format.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import type { LiveSSTable } from '../../src/storage/live-sstable.ts'
import type { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MemtableScan } from '../../src/storage/memtable/memtable-source.ts'
import type { PartitionScan } from '../../src/storage/partition-merge.ts'
import type { PartitionSource } from '../../src/storage/partition-source.ts'
import { SSTableScan } from '../../src/storage/sstable-scan.ts'
import {
  type DeletionTime,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
} from '../../src/storage/unfiltered.ts'

/** A memtable and the SSTable that was written from it are one stream of rows and markers, whatever the slices. */

const header = new RowHeader()
const cell = new CellReader()

function deletionText(deletion: DeletionTime | null): string {
  return deletion === null ? '-' : `${deletion.hi}:${deletion.lo}:${deletion.localDeletionTime >>> 0}`
}

/** All that a row says, in whatever form it is. */
function rowText({ row, rowAt }: PartitionSource): string {
  const { i32, u8 } = row
  header.read(i32, rowAt)
  const { flags } = header
  const parts = [i32.subarray(header.clustering, header.cells).join('.')]
  if (flags & ROW_HAS_LIVENESS) {
    parts.push(`live ${header.livenessHi}:${header.livenessLo}/${header.ttl}/${header.localExpirationTime}`)
  }
  if (flags & ROW_HAS_DELETION) {
    parts.push(`deleted ${header.deletionHi}:${header.deletionLo}:${header.deletionLocalTime}`)
  }
  for (let at = header.cells; at < header.end; at = cell.next) {
    cell.read(i32, at, header.livenessHi, header.livenessLo)
    const path = toHex(u8.subarray(cell.pathOffset, cell.pathOffset + Math.max(0, cell.pathLength)))
    const value = toHex(u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength))
    const time = `${cell.timestampHi}:${cell.timestampLo}/${cell.ttl}/${cell.localDeletionTime}`
    parts.push(`${cell.columnId} ${cell.flags & ~CELL_ROW_TIMESTAMP} ${path}=${value}@${time}`)
  }
  return parts.join(', ')
}

/** Whether a row says nothing: such rows are passed over where SSTables are read. */
function isEmpty({ row, rowAt }: PartitionSource): boolean {
  return (row.i32[rowAt + 1]! & (ROW_HAS_LIVENESS | ROW_HAS_DELETION)) === 0 && row.i32[rowAt + 2] === 0
}

/** Rows and markers as text. At the edge of a slice there may be two markers at one place: they are taken as one. */
function unfilteredTexts(table: TableMetadata, source: PartitionSource, reversed: boolean): string[] {
  const types = clusteringTypes(table)
  const items: (string | RangeTombstoneMarker)[] = []
  for (let kind = source.next(); kind !== UNFILTERED_END; kind = source.next()) {
    if (kind !== UNFILTERED_MARKER) {
      if (!isEmpty(source)) items.push(rowText(source))
      continue
    }
    const { marker } = source
    const before = items.at(-1)
    if (typeof before === 'object' && compareBounds(types, before.bound, marker.bound) === 0) {
      items.pop()
      items.push(reversed ? { ...before, closes: marker.closes } : { ...before, opens: marker.opens })
    } else items.push(marker)
  }
  return items.flatMap((item) => {
    if (typeof item === 'string') return [`row ${item}`]
    const closes = deletionText(item.closes)
    const opens = deletionText(item.opens)
    return closes === opens
      ? []
      : [`${item.bound.components.map(toHex)}/${item.bound.side} ${closes} ${opens}`]
  })
}

function scanTexts(table: TableMetadata, scan: PartitionScan, reversed: boolean): string[] {
  const texts: string[] = []
  while (scan.nextPartition()) {
    const source = scan.partition()
    texts.push(`key ${toHex(scan.keyBytes.subarray(scan.keyOffset, scan.keyOffset + scan.keyLength))}`)
    texts.push(`deleted ${deletionText(source.partitionDeletion)}`)
    if (source.staticRow() && !isEmpty(source)) texts.push(`static ${rowText(source)}`)
    texts.push(...unfilteredTexts(table, source, reversed))
  }
  scan.close()
  return texts
}

/** The two streams, to be compared. */
export function bothStreams(
  memtable: Memtable,
  sstable: LiveSSTable,
  slices: readonly Slice[],
  reversed: boolean,
): readonly [readonly string[], readonly string[]] {
  const { table } = memtable
  const scan = new MemtableScan(memtable)
  scan.begin(memtable, FULL_RING, slices, reversed)
  const other = new SSTableScan(sstable.access(), FULL_RING, slices, reversed)
  return [scanTexts(table, scan, reversed), scanTexts(table, other, reversed)]
}
