import type { CompactionCandidate, CompactionView } from './candidate.ts'

/** What has to be known of an SSTable for that. */
type ExpiringSSTable = Pick<CompactionCandidate, 'minTimestamp' | 'maxTimestamp' | 'maxLocalDeletionTime'>

/**
 * Those of the SSTables that nobody needs (`CompactionController.getFullyExpiredSSTables`): all in them is deleted or
 * has expired, gc_grace_seconds ago, and is older than everything that may still be alive in those they overlap, in the
 * other ones given and in the memtables, so that nothing comes back without their tombstones.
 */
export function fullyExpiredSSTables<T extends ExpiringSSTable>(
  view: Pick<CompactionView, 'gcBeforeSeconds' | 'memtableMinTimestamp'>,
  sstables: readonly T[],
  overlapping: readonly ExpiringSSTable[],
  ignoreOverlaps: boolean,
): T[] {
  const { gcBeforeSeconds, memtableMinTimestamp } = view
  const isExpired = (candidate: ExpiringSSTable) => candidate.maxLocalDeletionTime < gcBeforeSeconds
  const expired = sstables.filter(isExpired)
  if (ignoreOverlaps || expired.length === 0) return expired
  let oldest = memtableMinTimestamp
  for (const candidates of [overlapping, sstables]) {
    for (const candidate of candidates) {
      if (isExpired(candidate)) continue
      if (oldest === null || candidate.minTimestamp < oldest) oldest = candidate.minTimestamp
    }
  }
  return expired.filter(({ maxTimestamp }) => oldest === null || maxTimestamp < oldest)
}
