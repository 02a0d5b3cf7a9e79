/** No limit of rows or groups (`DataLimits.NO_LIMIT`). */
export const NO_LIMIT = 0x7fffffff

/** How partitions are named, which says how a page ends and the next begins (the three pagers of Cassandra). */
export type PagerKind = 'single' | 'multi' | 'range'
