import type { Words } from '../model/row-format.ts'
import type { DeletionTime, RangeTombstoneMarker, UnfilteredKind } from './unfiltered.ts'

/**
 * One partition of a memtable or an SSTable as a read pulls it (`UnfilteredRowIterator`): its static row, then rows and
 * markers of the slices that were asked for, in clustering order or backwards. Where a range tombstone goes beyond a
 * slice, a marker stands at the end of the slice. The fields are valid until the next move.
 */
export interface PartitionSource {
  readonly partitionDeletion: DeletionTime
  /** Moves to the static row; false when there is none. To be called before `next`. */
  staticRow(): boolean
  next(): UnfilteredKind
  readonly row: Words
  readonly rowAt: number
  readonly marker: RangeTombstoneMarker
}
