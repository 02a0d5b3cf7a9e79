/** SELECT: prepared once, bound to values and a page, and run over partitions into rows as the wire has them. */

export { type BoundSelect, bindSelect } from './bind.ts'
export { columnsInSelectOrder } from './column-order.ts'
export { SelectExecution } from './execution.ts'
export { compareKeys } from './local-token.ts'
export { type PagingState, parsePagingState, serializePagingState } from './paging-state.ts'
export { type PreparedSelect, prepareSelect } from './prepare.ts'
export {
  NO_THRESHOLDS,
  ReadAbortedError,
  type ReadObserver,
  type ReadSizes,
  type ReadThresholds,
} from './read-metrics.ts'
export { type NoticeWords, noticeWords, type ReplicaNotice, type ReplicaReport } from './replica-notice.ts'
export { RowsWriter } from './rows-writer.ts'
export { resultMetadata } from './selection.ts'
