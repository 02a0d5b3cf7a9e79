import type { Disk } from '../../io/disk.ts'
import { CompactionTask } from '../compaction/compaction-task.ts'
import { LogTransaction } from '../lifecycle/log-transaction.ts'
import type { Descriptor } from '../sstable/descriptor.ts'
import { FlushTask } from './flush-task.ts'
import type { StorageJob, StorageTask } from './storage-task.ts'
import { VerifyTask } from './verify-task.ts'

/** Begins a job. What it writes is named in its transaction's log first. */
export function createTask(disk: Disk, job: StorageJob): StorageTask {
  if (job.kind === 'verify') return new VerifyTask(disk, job)
  const transaction = LogTransaction.open(disk, job.transaction)
  const onNew = (descriptor: Descriptor): void => transaction.trackNew(descriptor)
  if (job.kind === 'flush') return new FlushTask(disk, job, onNew)
  return new CompactionTask(disk, job, onNew)
}
