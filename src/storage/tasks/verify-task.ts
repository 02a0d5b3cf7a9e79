import type { Disk } from '../../io/disk.ts'
import { verify } from '../sstable/verify.ts'
import type { StorageTask, VerifyJob } from './storage-task.ts'

/** Verifies SSTables, one with each step (`SSTableImporter.verifySSTableForImport`); what is wrong is thrown. Writes nothing. */
export class VerifyTask implements StorageTask {
  readonly #disk: Disk
  readonly #job: VerifyJob
  #next = 0
  readonly written: readonly never[] = []

  constructor(disk: Disk, job: VerifyJob) {
    this.#disk = disk
    this.#job = job
  }

  /** SSTables, since nobody looks at the bytes. */
  get completedBytes(): number {
    return this.#next
  }

  get totalBytes(): number {
    return this.#job.descriptors.length
  }

  step(): boolean {
    const { descriptors, extended } = this.#job
    const descriptor = descriptors[this.#next]
    if (descriptor === undefined) return false
    for (const _ of verify(this.#disk, descriptor, { extended, quick: false, checkVersion: false }));
    this.#next++
    return true
  }

  abort(): void {
    // Nothing is open between two steps.
  }
}
