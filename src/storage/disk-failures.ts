import { isDiskError } from '../io/disk.ts'
import type { CommitLogLogger } from './commitlog/commit-log.ts'
import { CorruptSSTableError } from './sstable/corruption.ts'

/** What follows an error of the disk, or an SSTable that is broken (`Config.DiskFailurePolicy`). */
export type DiskFailurePolicy = 'stop' | 'stop_paranoid' | 'best_effort' | 'ignore' | 'die'

export const DISK_FAILURE_POLICIES: readonly DiskFailurePolicy[] = [
  'stop',
  'stop_paranoid',
  'best_effort',
  'ignore',
  'die',
]

/** `read` and `write` are FSReadError and FSWriteError; `full` is a disk without room, on which nothing is lost. */
export type DiskFailureKind = 'corrupt' | 'read' | 'write' | 'full'

/** What a policy has done. */
export interface DiskFailureActions {
  /** Clients are not served any more; the process lives, and its data can be looked at. */
  stopTransport(): void
  /** The process ends. */
  die(): void
}

/** A table whose files may be in one of two states, which only a start can tell apart. */
export class UnknownTransactionError extends Error {
  constructor(table: string, path: string) {
    super(
      `The transaction ${path} could neither be completed nor taken back: ${table} is not flushed, compacted or truncated before the next start`,
    )
    this.name = 'UnknownTransactionError'
  }
}

/** Messages that are remembered, so that each is logged once. */
const REMEMBERED = 1000

/** Does what `disk_failure_policy` says (`DefaultFSErrorHandler`, `JVMStabilityInspector.inspectDiskError`). */
export class DiskFailures {
  readonly policy: DiskFailurePolicy
  readonly #logger: CommitLogLogger
  #actions: DiskFailureActions | null = null
  #isStopped = false
  #hasDied = false
  readonly #logged = new Set<string>()
  /** Directories in which a write has failed (`DisallowedDirectories`). */
  readonly #unwritable = new Set<string>()
  /** With best_effort: a file could not be read, and its SSTable is to be left out of reads. */
  onUnreadable: (path: string) => void = () => undefined

  constructor(policy: DiskFailurePolicy, logger: CommitLogLogger) {
    this.policy = policy
    this.#logger = logger
  }

  /** From now on clients are served. What has failed before is done now. */
  started(actions: DiskFailureActions): void {
    this.#actions = actions
    if (this.#hasDied) actions.die()
    else if (this.#isStopped) actions.stopTransport()
  }

  /**
   * An SSTable cannot be opened at start. Throws the error where the policy wants no start without it; returns where the table
   * is opened without it, which `SSTableReader.openAll` calls skipping. Tables of the system are not opened without.
   */
  atStart(error: unknown, keyspace: string): void {
    const kind = failureKind(error, 'read')
    if (kind === null) throw error
    const text = textOf(error)
    if (keyspace === 'system' || keyspace === 'system_schema') {
      this.#logger.error(`${text}. A table of ${keyspace} is not opened without one of its SSTables`)
      throw error
    }
    if (this.policy === 'best_effort' || this.policy === 'ignore') {
      this.#logger.error(
        `${text}. The SSTable is skipped, reads do without what it holds: disk_failure_policy is ${this.policy}`,
      )
      return
    }
    this.#logger.error(
      `${text}. The server does not start: disk_failure_policy is ${this.policy}. Bring the file back, or move all files of this SSTable away; with best_effort or ignore the table is opened without it`,
    )
    throw error
  }

  /** Logs an error, and does what the policy says if it is one of the disk's. True where it is. */
  inspect(error: unknown, during: 'read' | 'write', what: string): boolean {
    const kind = failureKind(error, during)
    if (kind === null) return false
    const text = `${what}: ${textOf(error)}`
    if (!this.#logged.has(text)) {
      if (this.#logged.size >= REMEMBERED) this.#logged.clear()
      this.#logged.add(text)
      this.#logger.error(text)
    }
    switch (this.policy) {
      case 'die':
        this.#die()
        break
      case 'stop_paranoid':
        this.#stop(`disk_failure_policy is ${this.policy}`)
        break
      case 'stop':
        // What is written later finds room, perhaps: until then the data is in memory and in the commit log.
        if (kind === 'read' || kind === 'write') this.#stop(`disk_failure_policy is ${this.policy}`)
        break
      case 'best_effort':
        this.#doWithout(kind, error)
        break
      case 'ignore':
        break
    }
    return true
  }

  #doWithout(kind: DiskFailureKind, error: unknown): void {
    const path = pathOf(error)
    if (kind === 'read' && path !== null) this.onUnreadable(path)
    if (kind !== 'write') return
    const directory = path === null ? '' : path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (this.#unwritable.has(directory)) {
      this.#stop(`All disks for ${directory} are marked as unwritable`)
      return
    }
    this.#unwritable.add(directory)
    this.#logger.warn(`Disallowing ${directory} for writes: one more error there stops the transport`)
  }

  #stop(reason: string): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#logger.error(`Stopping the native transport: ${reason}`)
    this.#actions?.stopTransport()
  }

  #die(): void {
    if (this.#hasDied) return
    this.#hasDied = true
    this.#logger.error('The process ends: disk_failure_policy is die')
    this.#actions?.die()
  }
}

/** What kind of failure an error, or what caused it, is; null where it is none of the disk's. */
export function failureKind(error: unknown, during: 'read' | 'write'): DiskFailureKind | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof CorruptSSTableError) return 'corrupt'
    if (at instanceof UnknownTransactionError) return 'write'
    if (!isDiskError(at) || !at.code.startsWith('E') || at.code.startsWith('ERR_')) continue
    // The simulated disk's word for a process that is no more.
    if (at.code === 'ECRASHED') return null
    if (at.code === 'ENOSPC' || at.code === 'EDQUOT') return 'full'
    // A flush or compaction reads, too.
    return 'syscall' in at && at.syscall === 'read' ? 'read' : during
  }
  return null
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function pathOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('path' in at && typeof at.path === 'string') return at.path
  }
  return null
}
