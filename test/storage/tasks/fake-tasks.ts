import { CorruptSSTableError } from '../../../src/storage/sstable/corruption.ts'
import type { SSTableComponents } from '../../../src/storage/sstable/sstable.ts'
import type { StorageJob, StorageTask, WrittenSSTable } from '../../../src/storage/tasks/storage-task.ts'

/** What a fake job does; it travels as part of the job. */
export interface FakePlan {
  readonly name: string
  readonly steps: number
  readonly bytesPerStep?: number
  readonly compressionRatio?: number
  /** What happens in the last step instead of its end. */
  readonly ending?: 'disk-error' | 'corrupt' | 'out-of-memory' | 'exit' | 'uncaught'
  /** Each step takes so long. */
  readonly stepMs?: number
  /** The directory of what it writes says what was done so far. */
  readonly tells?: boolean
}

export function fakeJob(kind: 'flush' | 'compaction', plan: FakePlan): StorageJob {
  return { kind, plan } as unknown as StorageJob
}

/** Nobody opens it; of its components there is what becomes of memory on its way. */
export const SSTABLE: WrittenSSTable = {
  descriptor: { directory: '/ks/t', version: 'nb', id: '7', format: 'big' },
  components: { summary: new Uint8Array(8) } as unknown as SSTableComponents,
}

/** Counts, and says what it does. */
export class FakeTask implements StorageTask {
  completedBytes = 0
  readonly totalBytes: number
  readonly compressionRatio?: number
  readonly written: WrittenSSTable[] = []
  readonly #plan: FakePlan
  readonly #said: string[]
  #left: number

  constructor(job: StorageJob, said: string[]) {
    const { plan } = job as unknown as { plan: FakePlan }
    this.#plan = plan
    this.#left = plan.steps
    this.#said = said
    this.totalBytes = plan.steps * (plan.bytesPerStep ?? 1)
    if (plan.compressionRatio !== undefined) this.compressionRatio = plan.compressionRatio
  }

  step(): boolean {
    const { name, bytesPerStep = 1, ending, stepMs = 0, tells = false } = this.#plan
    this.#said.push(name)
    this.completedBytes += bytesPerStep
    for (const end = performance.now() + stepMs; performance.now() < end; );
    if (--this.#left > 0) return true
    if (ending === 'disk-error') {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), {
        code: 'ENOSPC',
        errno: -28,
        syscall: 'write',
      })
    }
    if (ending === 'corrupt') throw new CorruptSSTableError('/ks/t/nb-1-big-Data.db', 77, 'no such flag')
    if (ending === 'exit') process.exit(3)
    if (ending === 'uncaught') {
      setTimeout(() => {
        throw new Error('a bug of the thread')
      })
      this.#left = 1
      return true
    }
    if (ending === 'out-of-memory')
      for (const hoard: unknown[] = []; ; ) hoard.push(new Array(1000).fill(0.5))
    const descriptor = { ...SSTABLE.descriptor, ...(tells && { directory: this.#said.join(' ') }) }
    this.written.push({ ...SSTABLE, descriptor })
    return false
  }

  abort(): void {
    this.#said.push(`${this.#plan.name} aborted`)
  }
}
