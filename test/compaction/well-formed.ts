import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  compareRowToBound,
  readClustering,
} from '../../src/model/clustering.ts'
import {
  CELL_COMPLEX_DELETION,
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  RowHeader,
} from '../../src/model/row-format.ts'
import type { SSTable } from '../../src/storage/sstable/sstable.ts'
import {
  compareDeletions,
  type DeletionTime,
  UNFILTERED_END,
  UNFILTERED_ROW,
} from '../../src/storage/unfiltered.ts'

const header = new RowHeader()
const cell = new CellReader()

/** Throws unless rows and markers are in order, each range ends where one is open, and no deletion covers what is there. */
export function checkWellFormed(sstable: SSTable): void {
  const types = clusteringTypes(sstable.table)
  const scan = sstable.scan()
  let partitions = 0
  while (scan.nextPartition()) {
    partitions++
    let open: DeletionTime | null = null
    let last: ClusteringBound | null = null
    let isEmpty = scan.partitionDeletion.localDeletionTime === 0x7fffffff
    if (scan.staticRow()) {
      checkRow(scan.row.i32, scan.rowAt, scan.partitionDeletion)
      isEmpty = false
    }
    for (let kind = scan.next(); kind !== UNFILTERED_END; kind = scan.next()) {
      isEmpty = false
      if (kind === UNFILTERED_ROW) {
        if (last !== null && compareRowToBound(types, scan.row, scan.rowAt, last) <= 0)
          throw new Error('no order')
        checkRow(scan.row.i32, scan.rowAt, open ?? scan.partitionDeletion)
        last = { components: readClustering(scan.row, header.clustering, types.length), side: 1 }
        continue
      }
      const { bound, closes, opens } = scan.marker
      if (last !== null && compareBounds(types, bound, last) < 0) throw new Error('markers are in no order')
      if ((closes === null) !== (open === null)) throw new Error('what is not open ends, or does not end')
      if (closes !== null && compareDeletions(closes, open!) !== 0) throw new Error('something else ends')
      if (opens !== null && compareDeletions(opens, scan.partitionDeletion) <= 0)
        throw new Error('covered range')
      if (closes === null && opens === null) throw new Error('a marker without a deletion')
      if (closes !== null && opens !== null && compareDeletions(closes, opens) === 0)
        throw new Error('one and the same')
      open = opens
      last = bound
    }
    if (open !== null) throw new Error('a range is left open')
    if (isEmpty) throw new Error('an empty partition')
  }
  if (partitions === 0) throw new Error('an empty SSTable')
}

function checkRow(i32: Int32Array, at: number, covering: DeletionTime): void {
  header.read(i32, at)
  const { flags } = header
  const isCovered = (hi: number, lo: number) => compare64(hi, lo, covering.hi, covering.lo) <= 0
  if (flags & ROW_HAS_LIVENESS && isCovered(header.livenessHi, header.livenessLo))
    throw new Error('covered liveness')
  if (
    flags & ROW_HAS_DELETION &&
    compare64(header.deletionHi, header.deletionLo, covering.hi, covering.lo) < 0
  ) {
    throw new Error('a covered deletion of a row')
  }
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(i32, p, header.livenessHi, header.livenessLo)
    // Of two deletions of one timestamp the one from later is the greater.
    if (cell.flags & CELL_COMPLEX_DELETION) continue
    if (isCovered(cell.timestampHi, cell.timestampLo)) throw new Error('a covered cell')
    if (flags & ROW_HAS_DELETION) {
      if (compare64(cell.timestampHi, cell.timestampLo, header.deletionHi, header.deletionLo) <= 0) {
        throw new Error('a cell under the deletion of its row')
      }
    }
  }
}
