import type { MutationBuilder } from '../../model/mutation.ts'
import { MUTATION_HEADER_WORDS } from '../../model/mutation.ts'
import type { Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { CommitLogFailedError, MutationTooLargeError } from '../commitlog/errors.ts'
import { describeTable, encodeJsonRecord, RECORD_DESCRIPTOR } from '../records.ts'
import type { LogPosition } from '../tasks/storage-task.ts'
import type { TableStores } from './table-stores.ts'

/** What the engine needs of the commit log. */
export interface MutationLog {
  /** Segment that the next record will go to; moves on with `reserve`. */
  readonly segmentId: number
  /** Makes sure that a record of this payload will go to the segment that `segmentId` then names. */
  reserve(payloadLength: number): void
  append(buffer: Uint8Array, offset: number, length: number): void
  /** The same for a record that is `length` bytes of words. */
  appendWords(words: Int32Array, length: number): void
  /** Hands what was appended to the operating system; a promise where an fsync has to be waited for. */
  flush(): Promise<void> | null
  /** Why nothing can be appended any more. */
  readonly failure: Error | undefined
  /** Bytes of all segments. */
  readonly sizeBytes: number
  /** Where the next record will stand. */
  readonly position: LogPosition
  /** Nothing in the segments before that place is needed any more. */
  discardBefore(position: LogPosition): void
  /** Removes such segments now; resolves when their files are gone. */
  removeDropped(): Promise<void>
  /** Resolves when all that was flushed is on stable storage. */
  sync(): Promise<void>
  /** Leaves the log without a record; nothing in it is needed any more. */
  empty(): Promise<void>
}

/** A table, and the record that describes it. */
interface Described {
  readonly table: TableMetadata
  readonly record: Uint8Array
}

const NONE: readonly Described[] = []
/** More than an entry's header in the log. */
const ENTRY_OVERHEAD_BYTES = 64

/**
 * What one engine writes into the commit log, before replay and after (`CommitLog.add`, `CommitLog.sync`). A segment
 * describes each table before the first mutation of it, so that it can be read by itself; and what a turn has appended is
 * lost as a whole where some of it is.
 */
export class EngineLog {
  readonly #tables: TableStores
  readonly #maxMutationSizeBytes: number
  /** There will be a log, which what is to be durable waits for. */
  readonly #isExpected: boolean
  /** Null until the log has been replayed, and for an engine without files. */
  #log: MutationLog | null = null
  /** Resolves when there is a log. */
  #opened: Promise<void> | null = null
  #onOpen: ((error: Error | null) => void) | null = null
  /** The log that is being replayed, and used after that; and where replay is. */
  #replayedLog: Pick<MutationLog, 'sync'> | null = null
  #replayedTo: LogPosition | null = null
  /** Something was appended since the last flush; and why some of that is lost. */
  #hasUnflushed = false
  #appendFailure: CommitLogFailedError | null = null
  /** Table version described in the segment, by table handle. */
  readonly #described = new Map<number, TableMetadata>()
  /** The segment that was described last is the one that the last mutation is in; -1 before the first. */
  describedSegment = -1

  constructor(tables: TableStores, maxMutationSizeBytes: number, isExpected: boolean) {
    this.#tables = tables
    this.#maxMutationSizeBytes = maxMutationSizeBytes
    this.#isExpected = isExpected
  }

  // --- before, with and after the log

  /** Before replay: how what is replayed is made durable. */
  beginReplay(log: Pick<MutationLog, 'sync'>): void {
    this.#replayedLog = log
  }

  /** The record at that place is about to be replayed. */
  replayedTo(position: LogPosition): void {
    this.#replayedTo = position
  }

  /** From now on there is a log. */
  open(log: MutationLog): void {
    this.#log = log
    this.#replayedLog = null
    this.#replayedTo = null
    this.#onOpen?.(null)
    this.#onOpen = null
  }

  /** The log; null while there is none. */
  get current(): MutationLog | null {
    return this.#log
  }

  /** The log where it can be written to: null where there is none, or it has failed. */
  get usable(): MutationLog | null {
    const log = this.#log
    return log === null || log.failure !== undefined ? null : log
  }

  /** Where the next record will stand, or is replayed from; null before replay and without files. */
  get position(): LogPosition | null {
    return this.#log?.position ?? this.#replayedTo
  }

  /** The segment that the next record stands in, or a later one. */
  get segment(): number {
    return this.position?.segmentId ?? 0
  }

  /** What is appended from now on is refused with that error. */
  refuse(failure: Error): void {
    const log = this.usable
    if (log === null) return
    this.#log = new Proxy(log, {
      get: (target, name) => (name === 'failure' ? failure : Reflect.get(target, name, target)),
    })
  }

  /** Who waits for a log waits in vain. */
  close(): void {
    this.#onOpen?.(new Error('The commit log was not replayed'))
  }

  // --- records

  /** Appends a finished mutation of `size` bytes, where there is a log. Throws why it cannot be appended. */
  append(mutation: MutationBuilder, size: number): void {
    if (this.#log !== null) this.#append(this.#log, mutation, size)
  }

  /** Appends a finished mutation, and in front of it what says which tables and columns it means. */
  #append(log: MutationLog, mutation: MutationBuilder, size: number): void {
    if (size > this.#maxMutationSizeBytes) {
      throw new MutationTooLargeError(size, this.#maxMutationSizeBytes)
    }
    if (log.failure !== undefined) throw log.failure
    this.#hasUnflushed = true
    try {
      const descriptors = this.#reserve(log, mutation, size)
      for (const { table, record } of descriptors) {
        log.append(record, 0, record.length)
        this.#described.set(table.handle, table)
      }
      log.appendWords(mutation.i32, size)
    } catch (error) {
      this.#noteLost(error)
      throw error
    }
  }

  /** Appends a record that says itself what it means, where there is a log. Throws why it cannot be appended. */
  appendRecord(record: Uint8Array): void {
    const log = this.#log
    if (log === null) return
    if (log.failure !== undefined) throw log.failure
    this.#hasUnflushed = true
    try {
      log.append(record, 0, record.length)
    } catch (error) {
      this.#noteLost(error)
      throw error
    }
  }

  /** With commit_failure_policy ignore the log goes on, but what this turn has appended before may be lost. */
  #noteLost(error: unknown): void {
    if (error instanceof CommitLogFailedError) this.#appendFailure ??= error
  }

  /** Makes room in one segment for a mutation and the descriptors that it needs there; returns those. */
  #reserve(log: MutationLog, mutation: Words, size: number): readonly Described[] {
    for (;;) {
      const segment = log.segmentId
      if (segment !== this.describedSegment) {
        this.#described.clear()
        this.describedSegment = segment
      }
      const missing = this.#undescribed(mutation)
      let bytes = size
      for (const { record } of missing) bytes += record.length + ENTRY_OVERHEAD_BYTES
      const limit = 2 * this.#maxMutationSizeBytes
      if (bytes > limit) throw new MutationTooLargeError(bytes, limit)
      log.reserve(bytes)
      if (log.segmentId === segment) return missing
    }
  }

  #undescribed(mutation: Words): readonly Described[] {
    let missing: Described[] | null = null
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      const { table } = this.#tables.of(mutation.i32[at + 1]!)
      at += mutation.i32[at]! >>> 2
      if (this.#described.get(table.handle) === table) continue
      if (missing?.some((described) => described.table === table)) continue
      missing ??= []
      missing.push({ table, record: encodeJsonRecord(RECORD_DESCRIPTOR, describeTable(table)) })
    }
    return missing ?? NONE
  }

  /** A table was dropped. */
  forget(handle: number): void {
    this.#described.delete(handle)
  }

  // --- durability

  /** Something was appended since the last flush. */
  get hasUnflushed(): boolean {
    return this.#hasUnflushed
  }

  /** There is nothing to flush: no log, or one that has failed, and nothing was appended that could be lost. */
  get isIdle(): boolean {
    return this.#log === null || (!this.#hasUnflushed && this.#log.failure !== undefined)
  }

  /**
   * Hands what was appended to the operating system: null, or a promise where an fsync has to be waited for. Throws, or rejects,
   * where some of it is lost. Not to be called when idle.
   */
  flush(): Promise<void> | null {
    const appendFailure = this.#appendFailure
    this.#hasUnflushed = false
    this.#appendFailure = null
    const flushed = this.#log!.flush()
    if (appendFailure === null) return flushed
    flushed?.catch(() => undefined)
    throw appendFailure
  }

  /** Resolves when what was logged until now, or is being replayed, is on stable storage. */
  async loggedSynced(): Promise<void> {
    if (this.#replayedLog !== null) await this.#replayedLog.sync()
    else await this.synced()
  }

  /** Resolves when what was logged until now is on stable storage; in replay, when the log is in use. */
  async synced(): Promise<void> {
    if (this.#log === null && this.#isExpected) {
      this.#opened ??= new Promise((resolve, reject) => {
        this.#onOpen = (error) => (error === null ? resolve() : reject(error))
      })
      await this.#opened
    }
    const log = this.#log
    if (log === null) return
    // What it may wait for, `sync` waits for too.
    log.flush()?.catch(() => undefined)
    await log.sync()
  }
}
