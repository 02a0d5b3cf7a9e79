/**
 * The commit log of one node: opaque records, in order, in segment files. A record is in the hands of the operating
 * system when `flush` returns, so a killed process loses nothing; on stable storage when the promise that `flush` may
 * return resolves (`batch`, `group`), or within commitlog_sync_period (`periodic`).
 *
 * It never knows what a record means, and never retries a failed write or fsync. Bytes: format.ts. Reading back and
 * what is corruption: replay.ts.
 *
 * A new segment's header and name are on stable storage before the first entry is written to it, mostly ahead of
 * time; its first entry, the history, says which segments come before it. A segment is removed only after a history
 * without it is on stable storage, so the set of segments changes atomically.
 */
import { assert } from '../../common/assert.ts'
import type { Clock } from '../../io/clock.ts'
import { type Disk, writeFullySync } from '../../io/disk.ts'
import type { Random } from '../../io/random.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'
import type { CommitLogConfig } from './config.ts'
import { CommitLogFailedError, MutationTooLargeError } from './errors.ts'
import {
  type CommitLogPosition,
  canonicalBootId,
  decodeSegmentHeader,
  ENTRY_HEADER_BYTES,
  EntryKind,
  encodePositions,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  SEGMENT_SIZE_BYTES_MAX,
  segmentFileName,
  writeEntry,
  writeEntryOfWords,
} from './format.ts'
import {
  planReplay,
  type ReplayHandler,
  type ReplayPlan,
  type ReplayResult,
  replaySegments,
  type SegmentReplay,
  type TornTail,
} from './replay.ts'
import { CommitLogSegment } from './segment.ts'

/** The part of a logger that the commit log needs. */
export interface CommitLogLogger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export interface CommitLogOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly directory: string
  readonly config: CommitLogConfig
  readonly logger?: CommitLogLogger
  /** Called once when the log has failed, to do what commit_failure_policy says; never with `ignore`. */
  readonly onFailure?: (error: CommitLogFailedError) => void
}

/** The live state written anew, in place of all segments before `floorSegmentId`; see `beginSnapshot`. */
export interface CommitLogSnapshot {
  readonly floorSegmentId: number
  /** Resolves when the snapshot is on stable storage and the segments before it are gone. */
  complete(): Promise<void>
}

/** What is pending between two flushes; more is written in between. */
const PENDING_BYTES = 512 * 1024

/** Longer records are copied and checksummed by native calls. */
const WORDS_BYTES_MAX = 1024
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The flushes that one fsync of `group` mode will answer. */
interface GroupWindow {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

type State = 'opened' | 'replaying' | 'running' | 'failed' | 'closed'

export class CommitLog {
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #random: Random
  readonly #directory: string
  readonly #config: CommitLogConfig
  readonly #logger: CommitLogLogger | undefined
  readonly #onFailure: ((error: CommitLogFailedError) => void) | undefined
  readonly #bootId: string
  readonly #segmentSizeBytes: number
  /** Longest payload of a record: max_mutation_size. */
  readonly mutationSizeBytesMax: number
  readonly #syncLagBlockMs: number

  #state: State = 'opened'
  #failure: CommitLogFailedError | undefined
  #plan: ReplayPlan
  #idMax: number

  /** All segments of the log in order, the current one last. */
  #segments: CommitLogSegment[] = []
  #current!: CommitLogSegment
  /** The next segment; its header is on stable storage when `#nextIsReady`. */
  #next: CommitLogSegment | undefined
  #nextIsReady = false
  #preparing: Promise<void> = Promise.resolve()
  /** The current segment is given up (policy `ignore`): the next append goes to a new one. */
  #mustRoll = false
  /** False once preparing has failed (policy `ignore`), until a new segment is there. */
  #mayPrepare = true
  /** Something could not be made durable (policy `ignore`): the log vouches for nothing and removes nothing. */
  #untrusted = false

  readonly #pending = new Uint8Array(PENDING_BYTES)
  readonly #pendingData = new DataView(this.#pending.buffer)
  #pendingLength = 0

  /** Records were written since the last fsync began. */
  #dirty = false
  #running: Promise<void> | undefined
  #runningSince = 0
  #queued: Promise<void> | undefined
  #lastSyncedAt = 0
  /** All before it is on stable storage, and no `sync` entry says so yet. */
  #unmarked: CommitLogPosition | undefined
  #timer: TimerHandle | undefined
  #groupWindow: GroupWindow | undefined
  #removing: Promise<void> = Promise.resolve()

  private constructor(options: CommitLogOptions, plan: ReplayPlan) {
    const { config } = options
    assert(
      config.segmentSizeBytes > 0 && config.segmentSizeBytes <= SEGMENT_SIZE_BYTES_MAX,
      'commitlog_segment_size is out of range',
    )
    this.#disk = options.disk
    this.#clock = options.clock
    this.#timers = options.timers
    this.#random = options.random
    this.#directory = options.directory
    this.#config = config
    this.#logger = options.logger
    this.#onFailure = options.onFailure
    this.#bootId = canonicalBootId(options.disk.bootId)
    this.#segmentSizeBytes = config.segmentSizeBytes
    this.mutationSizeBytesMax = config.mutationSizeBytesMax ?? Math.floor(config.segmentSizeBytes / 2)
    this.#syncLagBlockMs = config.syncLagBlockMs ?? config.syncPeriodMs * 1.5
    this.#plan = plan
    this.#idMax = plan.idMax
  }

  /** Opens the log of a directory; `replay` comes next. The caller holds the directory's lock. */
  static async open(options: CommitLogOptions): Promise<CommitLog> {
    options.disk.mkdirpSync(options.directory)
    const log = new CommitLog(options, planReplay(options.disk, options.directory))
    for (const { path } of log.#plan.unused) options.disk.unlinkSync(path)
    // Waits for its fsyncs while replay reads.
    log.#prepareNext()
    return log
  }

  /**
   * Hands all records of the log to `handler`, in order, no longer than `sliceMs` in one turn of the loop; then the log
   * takes appends. Rejects with a CorruptionError, or with what the handler threw; the log is closed then.
   */
  async replay(handler: ReplayHandler, { sliceMs = 5 }: { sliceMs?: number } = {}): Promise<ReplayResult> {
    if (this.#failure !== undefined) throw this.#failure
    assert(this.#state === 'opened', 'a commit log is replayed once')
    this.#state = 'replaying'
    try {
      const { result, replayed } = await this.#readSegments(handler, sliceMs)
      await this.#preparing
      if (result.tornTail !== undefined) this.#warnOf(result.tornTail)
      this.#takeOver(replayed)
      this.#run()
      return result
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Hands all records to `handler` before they are replayed; rejects as `replay` does. */
  async readAhead(handler: ReplayHandler, { sliceMs = 5 }: { sliceMs?: number } = {}): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    assert(this.#state === 'opened', 'a commit log is read ahead of its replay')
    try {
      await this.#readSegments(handler, sliceMs)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  #readSegments(handler: ReplayHandler, sliceMs: number): ReturnType<typeof replaySegments> {
    return replaySegments(this.#plan, handler, {
      disk: this.#disk,
      clock: this.#clock,
      timers: this.#timers,
      bootId: this.#bootId,
      sliceMs,
    })
  }

  #warnOf({ file, offset, recordsBehind }: TornTail): void {
    const behind =
      recordsBehind === 0 ? '' : `; ${recordsBehind} records behind it had not been synced and are lost`
    this.#logger?.warn(`Commit log ends in a torn tail: ${file} at offset ${offset}${behind}`)
  }

  /** Makes the segments of former sessions this one's. */
  #takeOver(replayed: ReadonlyMap<number, SegmentReplay>): void {
    for (const { id, path } of this.#plan.segments) {
      const { end, records } = replayed.get(id) ?? { end: 0, records: 0 }
      const segment = new CommitLogSegment(id, path, 0, undefined, end)
      segment.hasRecords = records > 0
      segment.obsolete = !segment.hasRecords
      this.#segments.push(segment)
    }
    // Not removed yet: the history that left them out may not be on stable storage itself.
    for (const { id, path, sizeBytes } of this.#plan.leftOut) {
      const segment = new CommitLogSegment(id, path, 0, undefined, sizeBytes)
      segment.obsolete = true
      this.#segments.push(segment)
    }
    this.#segments.sort((a, b) => a.id - b.id)
    // Written by a process that is gone, maybe never synced: the first fsync of this session covers it.
    this.#dirty = this.#segments.length > 0
    this.#plan = { segments: [], unused: [], leftOut: [], idMax: 0 }
  }

  /** Begins to take appends. */
  #run(): void {
    if (this.#state !== 'replaying') {
      throw this.#failure ?? new CommitLogFailedError('The commit log was closed during replay')
    }
    this.#state = 'running'
    this.#lastSyncedAt = this.#clock.monotonicMs()
    this.#roll()
    if (this.#config.sync === 'periodic') this.#schedulePeriodicSync(this.#config.syncPeriodMs)
  }

  /** Segment of the next record, if `reserve` has been called with its length. */
  get segmentId(): number {
    return this.#current.id
  }

  /** Where the next entry will stand. */
  get position(): CommitLogPosition {
    return { segmentId: this.#current.id, offset: this.#current.written + this.#pendingLength }
  }

  /** Bytes of all segments. */
  get sizeBytes(): number {
    let size = this.#pendingLength
    for (const { written } of this.#segments) size += written
    return size
  }

  /** The log's segments in order, the current one last. */
  get segments(): readonly { readonly id: number; readonly sizeBytes: number }[] {
    return this.#segments.map(({ id, written }) => ({ id, sizeBytes: written }))
  }

  /** Why the log has failed, if it has. */
  get failure(): CommitLogFailedError | undefined {
    return this.#failure
  }

  /** Goes on to a new segment now if a record of that many bytes does not fit into the current one. */
  reserve(payloadLength: number): void {
    this.#checkRunning()
    if (this.#mustRoll || !this.#fits(payloadLength)) this.#roll()
  }

  /**
   * Adds a record; the bytes are copied. Returns the offset of its entry in the segment. Throws a
   * MutationTooLargeError, with nothing done, or a CommitLogFailedError.
   */
  append(buffer: Uint8Array, offset: number, length: number): number {
    if (length > this.mutationSizeBytesMax) throw new MutationTooLargeError(length, this.mutationSizeBytesMax)
    this.reserve(length)
    const at = this.#appendEntry(EntryKind.record, buffer, offset, length)
    this.#current.hasRecords = true
    return at
  }

  /**
   * `append` for a record that is words, from the first on: `length` bytes of them, a multiple of 4. Copied and
   * checksummed in one pass.
   */
  appendWords(words: Int32Array, length: number): number {
    if (length > WORDS_BYTES_MAX || !IS_LITTLE_ENDIAN) {
      return this.append(new Uint8Array(words.buffer, words.byteOffset, length), 0, length)
    }
    this.reserve(length)
    const size = ENTRY_HEADER_BYTES + length
    if (this.#pendingLength + size > PENDING_BYTES) this.#writePending()
    const at = this.#pendingLength
    const fileOffset = this.#current.written + at
    writeEntryOfWords(
      this.#pending,
      this.#pendingData,
      at,
      EntryKind.record,
      words,
      length,
      fileOffset,
      this.#current.seed,
    )
    this.#pendingLength = at + size
    this.#current.hasRecords = true
    return fileOffset
  }

  /**
   * Writes all that was appended to the operating system, in one call. Returns null if that is all that durability
   * takes, or a promise of the fsync that has to be waited for. Throws a CommitLogFailedError, or the promise rejects
   * with one: then none of it may be acknowledged.
   */
  flush(): Promise<void> | null {
    this.#checkRunning()
    if (this.#pendingLength > 0) this.#writePending()
    if (this.#current.written > this.#segmentSizeBytes / 2 && this.#next === undefined && this.#mayPrepare) {
      this.#prepareNext()
      this.#checkRunning()
    }
    switch (this.#config.sync) {
      case 'periodic': {
        // A disk that does not keep up must not let the unsynced tail grow for ever.
        const expected = this.#clock.monotonicMs() - this.#syncLagBlockMs
        if (!this.#dirty || this.#lastSyncedAt >= expected) return null
        return this.#running !== undefined && this.#runningSince >= expected ? this.#running : this.sync()
      }
      case 'batch':
        return this.#dirty ? this.sync() : (this.#running ?? null)
      case 'group':
        if (!this.#dirty) return this.#running ?? null
        return (this.#groupWindow ??= this.#openGroupWindow()).promise
    }
  }

  /** Resolves when what is being replayed is on stable storage; whoever wrote it may not have seen to that. */
  async #syncReplayed(): Promise<void> {
    for (const { path } of this.#plan.segments) {
      // Replay may end meanwhile; what has been removed since was needed no longer.
      if (this.#state !== 'replaying' && !this.#disk.existsSync(path)) continue
      const file = this.#disk.openSync(path, 'update')
      try {
        await file.fsync()
      } finally {
        file.closeSync()
      }
    }
    await this.#disk.fsyncDirectory(this.#directory)
  }

  /** Resolves when all that was written before the call is on stable storage. Calls are coalesced. */
  sync(): Promise<void> {
    if (this.#state === 'replaying') return this.#syncReplayed()
    if (this.#running === undefined) return (this.#running = this.#syncOnce())
    return (this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = undefined
        return this.#running ?? this.sync()
      }))
  }

  /** Begins a new segment, unless the current one has no records. Returns the id of the current segment. */
  startSegment(): number {
    this.#checkRunning()
    if (this.#mustRoll || this.#current.hasRecords) this.#roll()
    return this.#current.id
  }

  /**
   * Declares that no record of these segments is needed any more. They leave the log with the next new segment, and
   * their files are removed once that is on stable storage. What replaces the records must be durable before the call.
   */
  dropSegments(ids: Iterable<number>): void {
    const dropped = new Set(ids)
    for (const segment of this.#segments) {
      if (segment !== this.#current && dropped.has(segment.id)) segment.obsolete = true
    }
  }

  /** Drops the segments that lie before `position` as a whole. */
  discardBefore(position: CommitLogPosition): void {
    this.dropSegments(this.#segments.filter(({ id }) => id < position.segmentId).map(({ id }) => id))
  }

  /**
   * Begins to write the live state anew, for a log that has grown over the data it holds. From here on the caller
   * appends, over as many turns as it likes and between other records, records that give what is live; each in the
   * turn in which it reads that state, so that the order of the log stays the order of what happened. Then
   * `complete` takes the place of all segments before: first the snapshot is synced, then a history without them, and
   * then they are removed. A crash before that replays both, which is harmless, since records are idempotent.
   */
  beginSnapshot(): CommitLogSnapshot {
    const floorSegmentId = this.startSegment()
    const complete = async (): Promise<void> => {
      this.#checkRunning()
      if (this.#pendingLength > 0) this.#writePending()
      await this.sync()
      this.#checkRunning()
      if (this.#untrusted) throw new CommitLogFailedError('The snapshot may not be on stable storage')
      this.dropSegments(this.#segments.filter(({ id }) => id < floorSegmentId).map(({ id }) => id))
      this.#roll()
      this.#writePending()
      await this.sync()
      await this.#removing
    }
    return { floorSegmentId, complete }
  }

  /** Goes on to a new segment if dropped ones wait for it. Resolves when their files are gone. */
  async removeDropped(): Promise<void> {
    this.#checkRunning()
    if (!this.#segments.some(({ obsolete, leftOutBy }) => obsolete && leftOutBy === undefined)) return
    this.#roll()
    this.#writePending()
    await this.sync()
    await this.#removing
  }

  /** Leaves the log without a record: none of them is needed any more. Resolves when their files are gone. */
  empty(): Promise<void> {
    return this.beginSnapshot().complete()
  }

  /** Syncs and closes the log. Idempotent. Rejects if the sync fails; a log that had failed before just closes. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const wasRunning = this.#state === 'running'
    try {
      if (wasRunning) {
        this.#stopTimers()
        if (this.#pendingLength > 0) this.#writePending()
        this.#closeGroupWindow()
        if (this.#dirty || this.#running !== undefined) await this.sync()
        if (this.#unmarked !== undefined && this.#failure === undefined) {
          this.#writePending()
          await this.#current.file?.fsync()
        }
      }
    } finally {
      this.#state = 'closed'
      await Promise.allSettled([this.#preparing, this.#removing, this.#running])
      for (const segment of this.#segments) segment.close()
      await this.#leaveDirectory()
    }
  }

  /** No file of it is there: it was closed without a record in it. */
  get isRemoved(): boolean {
    return this.#isRemoved
  }

  #isRemoved = false

  /** Of a log without a record no file stays, so that Apache Cassandra finds none that it cannot read. */
  async #leaveDirectory(): Promise<void> {
    const [segment, ...others] = this.#segments
    if (this.#next !== undefined) this.#dispose(this.#next)
    this.#next = undefined
    if (segment === undefined || segment !== this.#current || others.length > 0 || segment.hasRecords) return
    if (this.#failure !== undefined || this.#untrusted) return
    // Or one that is gone could come back without those that its history names.
    const isSynced = await this.#disk.fsyncDirectory(this.#directory).then(
      () => true,
      () => false,
    )
    if (!isSynced) return
    this.#dispose(segment)
    this.#isRemoved = true
  }

  #checkRunning(): void {
    if (this.#state === 'running') return
    throw this.#failure ?? new CommitLogFailedError(`The commit log is ${this.#state}`)
  }

  #fits(payloadLength: number): boolean {
    const current = this.#current
    if (!current.hasRecords) return true
    const end = current.written + this.#pendingLength + ENTRY_HEADER_BYTES + payloadLength
    return end <= this.#segmentSizeBytes
  }

  #appendEntry(kind: number, payload: Uint8Array, offset: number, length: number): number {
    const size = ENTRY_HEADER_BYTES + length
    if (this.#pendingLength + size > PENDING_BYTES) {
      if (this.#pendingLength > 0) this.#writePending()
      if (size > PENDING_BYTES) return this.#writeLargeEntry(kind, payload, offset, length)
    }
    const pending = this.#pending
    const at = this.#pendingLength
    const fileOffset = this.#current.written + at
    // One view for copy and CRC; cheaper than either without it.
    const view = payload.subarray(offset, offset + length)
    writeEntry(pending, at, kind, view, fileOffset, this.#current.seed)
    this.#pendingLength = at + size
    return fileOffset
  }

  #writeLargeEntry(kind: number, payload: Uint8Array, offset: number, length: number): number {
    const entry = new Uint8Array(ENTRY_HEADER_BYTES + length)
    const fileOffset = this.#current.written
    const view = payload.subarray(offset, offset + length)
    writeEntry(entry, 0, kind, view, fileOffset, this.#current.seed)
    this.#write(entry, entry.length)
    return fileOffset
  }

  #writePending(): void {
    if (this.#unmarked !== undefined && this.#pendingLength + 64 < PENDING_BYTES) {
      const payload = encodePositions([this.#unmarked])
      this.#unmarked = undefined
      this.#appendEntry(EntryKind.sync, payload, 0, payload.length)
    }
    const length = this.#pendingLength
    this.#pendingLength = 0
    this.#write(this.#pending, length)
  }

  #write(bytes: Uint8Array, length: number): void {
    const current = this.#current
    const { file } = current
    assert(file !== undefined, 'the current segment is open')
    try {
      writeFullySync(file, bytes, 0, length, current.written)
    } catch (error) {
      throw this.#fail(`Failed to write to ${current.path}`, error, [current])
    }
    current.written += length
    this.#dirty = true
  }

  /** Takes the next segment as the current one and begins it with its history. */
  #roll(): void {
    if (this.#pendingLength > 0) this.#writePending()
    const next = this.#takeNext()
    const history: CommitLogPosition[] = []
    for (const segment of this.#segments) {
      if (segment.obsolete || !segment.hasRecords) segment.leftOutBy ??= next
      else history.push({ segmentId: segment.id, offset: segment.written })
    }
    this.#segments.push(next)
    this.#current = next
    this.#mustRoll = false
    this.#mayPrepare = true
    if (this.#running === undefined) this.#closeSynced()
    const payload = encodePositions(history)
    this.#appendEntry(EntryKind.history, payload, 0, payload.length)
  }

  /** The next segment, its header and name on stable storage; waits for the disk if it was not made ahead of time. */
  #takeNext(): CommitLogSegment {
    try {
      const next = (this.#next ??= this.#createSegment())
      if (!this.#nextIsReady) {
        next.file?.fsyncSync()
        this.#disk.fsyncDirectorySync(this.#directory)
      }
      this.#next = undefined
      return next
    } catch (error) {
      const next = this.#next
      this.#next = undefined
      // Its file may be in the hands of an fsync.
      if (next !== undefined) this.#preparing.then(() => this.#dispose(next))
      throw this.#fail('Failed to create a commit log segment', error, [])
    }
  }

  /** Makes the next segment ahead of time. */
  #prepareNext(): void {
    let next: CommitLogSegment
    try {
      next = this.#createSegment()
    } catch (error) {
      this.#mayPrepare = false
      this.#fail('Failed to create a commit log segment', error, [])
      return
    }
    this.#next = next
    this.#nextIsReady = false
    this.#preparing = this.#syncNext(next)
  }

  async #syncNext(next: CommitLogSegment): Promise<void> {
    try {
      await next.file?.fsync()
      await this.#disk.fsyncDirectory(this.#directory)
      if (this.#next === next) this.#nextIsReady = true
    } catch (error) {
      // If it has been taken in the meantime, the taker's own fsync may have succeeded only because this one took
      // the error.
      if (this.#next === next) {
        this.#next = undefined
        this.#dispose(next)
      }
      this.#mayPrepare = false
      this.#fail('Failed to create a commit log segment', error, [next])
    }
  }

  #createSegment(): CommitLogSegment {
    const id = Math.max(this.#idMax + 1, Math.floor(this.#clock.nowMs()))
    const path = `${this.#directory}/${segmentFileName(id)}`
    const nonce = new Uint8Array(16)
    this.#random.bytes(nonce)
    const header = encodeSegmentHeader(id, this.#bootId, nonce)
    const seed = decodeSegmentHeader(header)?.seed
    assert(seed !== undefined, 'a header that was just made is whole')
    this.#idMax = id
    const file = this.#disk.openSync(path, 'create')
    try {
      writeFullySync(file, header, 0, header.length, 0)
    } catch (error) {
      file.closeSync()
      throw error
    }
    this.#nextIsReady = false
    return new CommitLogSegment(id, path, seed, file, SEGMENT_HEADER_BYTES)
  }

  /** Closes and removes a segment that was never used. */
  #dispose(segment: CommitLogSegment): void {
    segment.close()
    try {
      this.#disk.unlinkSync(segment.path)
    } catch (error) {
      // The next start removes it.
      this.#logger?.warn(`Could not remove ${segment.path}: ${messageOf(error)}`)
    }
  }

  async #syncOnce(): Promise<void> {
    // Not before the caller has stored the promise, which the end of this one clears.
    await undefined
    this.#runningSince = this.#clock.monotonicMs()
    this.#dirty = false
    const targets = this.#segments
      .filter(({ abandoned, synced, written }) => !abandoned && synced < written)
      .map((segment) => ({ segment, end: segment.written }))
    try {
      // In the order of the log, so that a position says all.
      for (const { segment, end } of targets) {
        if (this.#failure !== undefined) throw this.#failure
        segment.file ??= this.#disk.openSync(segment.path, 'update')
        await segment.file.fsync()
        segment.synced = end
      }
      if (this.#failure !== undefined) throw this.#failure
      this.#lastSyncedAt = this.#runningSince
      if (targets.length > 0 && !this.#untrusted) {
        const { segment, end } = targets[targets.length - 1]
        this.#unmarked = { segmentId: segment.id, offset: end }
      }
      this.#removeObsolete()
    } catch (error) {
      if (this.#failure !== undefined) throw this.#failure
      const unsynced = targets
        .filter(({ segment, end }) => segment.synced < end)
        .map(({ segment }) => segment)
      throw this.#fail('Failed to sync the commit log', error, unsynced)
    } finally {
      this.#running = undefined
      this.#closeSynced()
    }
  }

  /** Closes what is neither written nor synced any more; no fsync may be running. */
  #closeSynced(): void {
    for (const segment of this.#segments) {
      if (segment === this.#current || segment.file === undefined) continue
      if (segment.abandoned || segment.synced === segment.written) segment.close()
    }
  }

  #removeObsolete(): void {
    if (this.#untrusted) return
    const removed = this.#segments.filter(
      ({ leftOutBy }) => leftOutBy !== undefined && leftOutBy.synced > SEGMENT_HEADER_BYTES,
    )
    if (removed.length === 0) return
    this.#segments = this.#segments.filter((segment) => !removed.includes(segment))
    this.#removing = this.#removing.then(async () => {
      for (const segment of removed) {
        segment.close()
        try {
          await this.#disk.unlink(segment.path)
        } catch (error) {
          // It stays until the next start, which does not replay it.
          this.#logger?.warn(`Could not remove ${segment.path}: ${messageOf(error)}`)
        }
      }
    })
  }

  #schedulePeriodicSync(delayMs: number): void {
    this.#timer = this.#timers.setTimeout(() => this.#periodicSync(), delayMs, { unref: true })
  }

  #periodicSync(): void {
    const startedAt = this.#clock.monotonicMs()
    const again = (): void => {
      if (this.#state !== 'running') return
      const delayMs = this.#config.syncPeriodMs - (this.#clock.monotonicMs() - startedAt)
      this.#schedulePeriodicSync(Math.max(0, delayMs))
    }
    if (this.#state !== 'running') return
    try {
      if (this.#pendingLength > 0) this.#writePending()
      else if (this.#unmarked !== undefined && !this.#mustRoll) this.#writeMark()
    } catch {
      // Reported by #fail.
      again()
      return
    }
    if (this.#dirty) {
      this.sync().then(again, again)
    } else {
      this.#lastSyncedAt = startedAt
      again()
    }
  }

  /** Writes the word that all is synced, which is worth no sync of its own. */
  #writeMark(): void {
    const dirty = this.#dirty
    this.#writePending()
    this.#dirty = dirty
  }

  #openGroupWindow(): GroupWindow {
    this.#timer = this.#timers.setTimeout(() => this.#closeGroupWindow(), this.#config.syncGroupWindowMs)
    let resolve: () => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const promise = new Promise<void>((resolvePromise, rejectPromise) => {
      resolve = resolvePromise
      reject = rejectPromise
    })
    return { promise, resolve, reject }
  }

  #closeGroupWindow(): void {
    const window = this.#groupWindow
    this.#groupWindow = undefined
    if (window !== undefined) this.sync().then(window.resolve, window.reject)
  }

  #stopTimers(): void {
    if (this.#timer !== undefined) this.#timers.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /**
   * Notes a failed write or fsync and returns the error to throw. With `ignore` the segments it concerns are given up
   * as they are, the waiting batches fail, and the log goes on in a new segment; with any other policy it ends here.
   */
  #fail(what: string, cause: unknown, concerned: readonly CommitLogSegment[]): CommitLogFailedError {
    const policy = this.#config.failurePolicy
    const error = new CommitLogFailedError(
      `${what}: ${messageOf(cause)}. Commit disk failure policy is ${policy}`,
      cause,
    )
    this.#logger?.error(error.message)
    if (policy === 'ignore') {
      this.#untrusted = true
      this.#unmarked = undefined
      for (const segment of concerned) segment.abandoned = true
      if (concerned.includes(this.#current)) this.#mustRoll = true
      return error
    }
    if (this.#failure === undefined) {
      this.#failure = error
      this.#state = 'failed'
      this.#stopTimers()
      this.#groupWindow?.reject(error)
      this.#groupWindow = undefined
      this.#onFailure?.(error)
    }
    return error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
