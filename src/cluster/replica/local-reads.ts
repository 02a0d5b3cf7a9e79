import type { Clock } from '../../io/clock.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { MergedReader } from '../../storage/merged-reader.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { ReadListener } from '../coordinator/read-warnings.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import { ReadGivenUpError } from './read-given-up.ts'
import type { ReadRequest } from './read-message.ts'
import { withNotice } from './read-notice.ts'
import { ReadResponseWriter } from './read-response.ts'
import type { ReadThresholdsAtReplica } from './read-thresholds.ts'
import type { ReplicaMetrics, TimedRead } from './replica-metrics.ts'

/** A read gives way to other work after so many milliseconds. */
const SLICE_MS = 5
/** Writers of a table that are kept. */
const FREE_MAX = 16

export interface LocalReadParts {
  readonly engine: StorageEngine
  readonly clock: Clock
  readonly timers: Timers
  readonly thresholds: ReadThresholdsAtReplica
  readonly logger: { warn(text: string): void; error(text: string): void }
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}

/** A coordinator of this node that passes on what its own replica warns of. */
export type HearsTombstones = Pick<ReadListener, 'metTombstones'>

interface RunningRead {
  readonly writer: ReadResponseWriter
  readonly reader: MergedReader
  readonly request: ReadRequest
  readonly timed: TimedRead | null
  readonly heard: HearsTombstones | null
}

const NO_BYTES = new Uint8Array(0)

/** Reads as replicas answer them: of other nodes, and of this node's own coordinator (`LocalReadRunnable`). */
export class LocalReads {
  readonly #parts: LocalReadParts
  /** Writers that write nothing now, by tables. */
  readonly #writers = new WeakMap<TableMetadata, ReadResponseWriter[]>()
  #sliceStart = 0
  readonly #shouldYield = (): boolean => {
    const now = this.#parts.clock.monotonicMs()
    if (this.#sliceStart === 0) this.#sliceStart = now
    return now - this.#sliceStart > SLICE_MS
  }

  constructor(parts: LocalReadParts) {
    this.#parts = parts
  }

  /**
   * The answer, or its digest: at once where it takes no longer than a slice of time, else a promise of it, null where `isOver` said that
   * nobody waits any more. What is to be warned of is told behind it, or is logged and told `heard`, which is of this node's
   * coordinator. Throws, or rejects with, what reading throws, and a ReadGivenUpError that is not told.
   */
  answer(
    request: ReadRequest,
    isOver: () => boolean,
    heard: HearsTombstones | null = null,
  ): Uint8Array | Promise<Uint8Array | null> {
    const { command, limits, nowSeconds, tracksWarnings } = request
    const reader = this.#parts.engine.readUnfiltered(command)
    const { table, keys } = command
    if (request.trace) {
      const what =
        keys === null ? 'Executing seq scan across' : `Executing single-partition query on ${table.name}`
      const sstables = this.#parts.engine.storeOf(table).sstables.length
      request.trace.note(keys === null ? `${what} ${sstables} sstables` : what)
    }
    const timed = this.#parts.replicaMetrics?.beginRead(table, keys === null) ?? null
    const writer = this.#writerOf(command.table)
    const read: RunningRead = { writer, reader, request, timed, heard }
    let isSuspended = false
    try {
      writer.begin(reader, command, limits, nowSeconds, tracksWarnings)
      this.#sliceStart = 0
      if (writer.run(this.#shouldYield)) return this.#finish(read)
      isSuspended = true
      reader.suspend()
      return this.#answerLater(read, isOver)
    } catch (error) {
      return this.#failed(error, read)
    } finally {
      if (!isSuspended) reader.close()
    }
  }

  #writerOf(table: TableMetadata): ReadResponseWriter {
    let free = this.#writers.get(table)
    if (free === undefined) this.#writers.set(table, (free = []))
    return free.pop() ?? new ReadResponseWriter(table, this.#parts.thresholds)
  }

  /** The answer or its digest; the writer is free for another. */
  #finish(read: RunningRead): Uint8Array {
    const { writer, reader, request, timed } = read
    const { isDigest, trace, command, tracksWarnings } = request
    const { liveRows, tally } = writer
    const { tombstones } = tally
    trace?.note(`Read ${liveRows} live rows and ${tombstones} tombstone cells`)
    if (timed !== null) {
      const isScan = command.keys === null
      const met = { liveRows, tombstones, sstables: isScan ? null : reader.sstablesRead }
      this.#parts.replicaMetrics?.endRead(command.table, isScan, timed, met)
    }
    if (tally.hasManyTombstones) this.#warn(read)
    const answer = isDigest ? writer.digest() : writer.bytes()
    const free = this.#writers.get(writer.table)!
    if (free.length < FREE_MAX) free.push(writer)
    return tracksWarnings === true ? withNotice(answer, tally.notice(null)) : answer
  }

  async #answerLater(read: RunningRead, isOver: () => boolean): Promise<Uint8Array | null> {
    const { writer, reader } = read
    try {
      for (;;) {
        await nextTurn(this.#parts.timers)
        if (isOver()) return null
        this.#sliceStart = this.#parts.clock.monotonicMs()
        if (writer.run(this.#shouldYield)) return this.#finish(read)
        reader.suspend()
      }
    } catch (error) {
      return this.#failed(error, read)
    } finally {
      reader.close()
    }
  }

  /** Many tombstones were read. The client hears of it by this node's coordinator, or by whoever tracks warnings. */
  #warn({ writer, reader, request, heard }: RunningRead): void {
    const { liveRows, tally, table } = writer
    const { tombstones } = tally
    const { tokenHi, tokenLo } = reader
    const token = (BigInt(tokenHi) << 32n) | BigInt(tokenLo >>> 0)
    this.#parts.logger.warn(
      `Read ${liveRows} live rows and ${tombstones} tombstone cells of ${table.keyspace}.${table.name}; token ${token} (see tombstone_warn_threshold)`,
    )
    if (request.tracksWarnings !== true) {
      heard?.metTombstones(request.command, { liveRows, tombstones, tokenHi, tokenLo })
    }
  }

  /** The answer where that is told behind one; else throws. Does what disk_failure_policy says. */
  #failed(error: unknown, read: RunningRead): Uint8Array {
    const { command, tracksWarnings } = read.request
    if (error instanceof CorruptSSTableError) this.#parts.engine.readFailed(error, command.table)
    if (!(error instanceof ReadGivenUpError)) throw error
    const { tally } = read.writer
    if (tally.hasManyTombstones) this.#warn(read)
    if (tracksWarnings !== true) throw error
    this.#parts.logger.error(error.message)
    return withNotice(NO_BYTES, tally.notice(error.kind))
  }
}

/** What a coordinator is told of a read that failed. */
export function readFailureReason(error: unknown): RequestFailureReason {
  return error instanceof ReadGivenUpError ? error.reason : RequestFailureReason.UNKNOWN
}
