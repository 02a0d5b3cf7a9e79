import { readClustering } from '../../model/clustering.ts'
import type { LiveRow } from '../../model/live-row.ts'
import { sameKey } from '../restrictions/partition-keys.ts'
import type { BoundSelect } from './bind.ts'
import { lastCellName } from './cell-values.ts'
import { makeRowMark, type PagingState, serializePagingState } from './paging-state.ts'

/** How far a page of rows went. */
export interface PageEnd {
  /** Rows of the page, and those that may still come of its last partition. */
  readonly rowCount: number
  readonly remainingInPartition: number
  readonly key: Uint8Array
  /** The last row; what does not exist is the static row alone. */
  readonly row: LiveRow
}

/** Where the page after a full one begins, if there may be one (`QueryPager.isExhausted`, `state`). */
export function pagingStateAfter(bound: BoundSelect, { rowCount, ...end }: PageEnd): Uint8Array | null {
  if (!bound.isPaged) return null
  const remaining = bound.remaining - rowCount
  if (remaining === 0) return null
  const { remainingInPartition, key, row } = end
  if (bound.pager === 'single' && remainingInPartition === 0) return null
  let state: Omit<PagingState, 'legacyMark'> = {
    partitionKey: bound.pager === 'single' ? null : key,
    rowMark: markOf(bound, row, remainingInPartition === 0),
    remaining,
    remainingInPartition,
  }
  if (bound.pager === 'multi' && remainingInPartition === 0) {
    const next = bound.keys[bound.keys.findIndex((candidate) => sameKey(candidate.key, key)) + 1]
    if (next === undefined) return null
    const perPartition = bound.prepared.isDistinct ? 1 : bound.perPartitionLimit
    state = { partitionKey: next.key, rowMark: null, remaining, remainingInPartition: perPartition }
  }
  return serializePagingState({ ...state, legacyMark: bound.protocolVersion <= 3 }, bound.protocolVersion)
}

/** The static row alone has no clustering, and that of a table without clustering columns is empty. */
function markOf(
  { prepared, protocolVersion }: BoundSelect,
  row: LiveRow,
  isDone: boolean,
): Uint8Array | null {
  const { table } = prepared
  const count = table.clusterings.length
  if (count === 0 || (isDone && !row.exists)) return null
  const name = protocolVersion <= 3 ? lastCellName(row, table.regulars) : undefined
  return makeRowMark(
    readClustering(row, row.clusteringAt, count),
    protocolVersion,
    name,
    table.isCompactTable,
  )
}
