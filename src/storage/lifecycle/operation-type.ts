/** What a transaction does, as it stands in the name of its log (`OperationType.fileName`). */
export const OPERATION_TYPES = [
  'cancelalloperations',
  'cleanup',
  'scrub',
  'upgradesstables',
  'verify',
  'majorcompaction',
  'relocatesstablestocorrectdisk',
  'removedeleteddata',
  'flush',
  'write',
  'anticompactionafterrepair',
  'validation',
  'secondaryindexbuild',
  'viewbuild',
  'compaction',
  'tombstonecompaction',
  /** TRUNCATE, DROP, and whatever has no name of its own. */
  'unknowncompactiontype',
  'stream',
  'keycachesave',
  'rowcachesave',
  'countercachesave',
  'indexsummaryredistribution',
] as const

export type OperationType = (typeof OPERATION_TYPES)[number]
