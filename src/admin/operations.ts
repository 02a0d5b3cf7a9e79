import type { Operation } from './admin-node.ts'
import { COMPACTION_OPERATIONS } from './compaction-operations.ts'
import { HINT_OPERATIONS } from './hint-operations.ts'
import { NODE_OPERATIONS } from './node-operations.ts'
import { RING_OPERATIONS } from './ring-operations.ts'
import { SNAPSHOT_OPERATIONS } from './snapshot-operations.ts'
import { TABLE_OPERATIONS } from './table-operations.ts'

/** All that the admin port can be asked, by the verbs of nodetool. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...TABLE_OPERATIONS,
  ...COMPACTION_OPERATIONS,
  ...SNAPSHOT_OPERATIONS,
  ...NODE_OPERATIONS,
  ...RING_OPERATIONS,
  ...HINT_OPERATIONS,
}
