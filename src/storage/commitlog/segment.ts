import type { DiskFile } from '../../io/disk.ts'
import { SEGMENT_HEADER_BYTES } from './format.ts'

/** One file of the log: what is known of it, and how far it got. */
export class CommitLogSegment {
  readonly id: number
  readonly path: string
  /** CRC of the segment's header, the seed of its entries'; 0 for a segment of a former session, never appended to. */
  readonly seed: number
  /** Open while the segment is written to or waits for its fsync. */
  file: DiskFile | undefined
  /** Where the bytes end that the operating system has. */
  written: number
  /** Where the bytes end that are on stable storage. */
  synced: number
  hasRecords = false
  /** A write or fsync of it failed and the policy is `ignore`: it is never synced again. */
  abandoned = false
  /** All its records are kept elsewhere; the next segment's history leaves it out. */
  obsolete = false
  /** The segment whose history left it out: once that is on stable storage this one is removed. */
  leftOutBy: CommitLogSegment | undefined

  constructor(id: number, path: string, seed: number, file: DiskFile | undefined, written: number) {
    this.id = id
    this.path = path
    this.seed = seed
    this.file = file
    this.written = written
    this.synced = 0
  }

  get isEmpty(): boolean {
    return this.written <= SEGMENT_HEADER_BYTES
  }

  close(): void {
    this.file?.closeSync()
    this.file = undefined
  }
}
