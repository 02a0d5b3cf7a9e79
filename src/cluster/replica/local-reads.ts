import type { Clock } from '../../io/clock.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { MergedReader } from '../../storage/merged-reader.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import { ReadGivenUpError } from './read-given-up.ts'
import type { ReadRequest } from './read-message.ts'
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
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}

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
   * nobody waits any more. Throws, or rejects with, a ReadGivenUpError and what reading throws.
   */
  answer(request: ReadRequest, isOver: () => boolean): Uint8Array | Promise<Uint8Array | null> {
    const { command, limits, nowSeconds } = request
    const reader = this.#parts.engine.readUnfiltered(command)
    const { table, keys } = command
    if (request.trace) {
      const what =
        keys === null ? 'Executing seq scan across' : `Executing single-partition query on ${table.name}`
      const sstables = this.#parts.engine.storeOf(table).sstables.length
      request.trace.note(keys === null ? `${what} ${sstables} sstables` : what)
    }
    const timed = this.#parts.replicaMetrics?.beginRead(table, keys === null) ?? null
    let isSuspended = false
    try {
      const writer = this.#writerOf(command.table)
      writer.begin(reader, command, limits, nowSeconds)
      this.#sliceStart = 0
      if (writer.run(this.#shouldYield)) return this.#finish(writer, request, reader, timed)
      isSuspended = true
      reader.suspend()
      return this.#answerLater(writer, reader, request, timed, isOver)
    } catch (error) {
      this.#failed(error, request)
      throw error
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
  #finish(
    writer: ReadResponseWriter,
    { isDigest, trace, command }: ReadRequest,
    { sstablesRead }: Pick<MergedReader, 'sstablesRead'>,
    timed: TimedRead | null,
  ): Uint8Array {
    const { liveRows, tombstones } = writer
    trace?.note(`Read ${liveRows} live rows and ${tombstones} tombstone cells`)
    if (timed !== null) {
      const isScan = command.keys === null
      const met = { liveRows, tombstones, sstables: isScan ? null : sstablesRead }
      this.#parts.replicaMetrics?.endRead(command.table, isScan, timed, met)
    }
    const answer = isDigest ? writer.digest() : writer.bytes()
    const free = this.#writers.get(writer.table)!
    if (free.length < FREE_MAX) free.push(writer)
    return answer
  }

  async #answerLater(
    writer: ReadResponseWriter,
    reader: ReturnType<StorageEngine['readUnfiltered']>,
    request: ReadRequest,
    timed: TimedRead | null,
    isOver: () => boolean,
  ): Promise<Uint8Array | null> {
    try {
      for (;;) {
        await nextTurn(this.#parts.timers)
        if (isOver()) return null
        this.#sliceStart = this.#parts.clock.monotonicMs()
        if (writer.run(this.#shouldYield)) return this.#finish(writer, request, reader, timed)
        reader.suspend()
      }
    } catch (error) {
      this.#failed(error, request)
      throw error
    } finally {
      reader.close()
    }
  }

  /** What disk_failure_policy says is done. */
  #failed(error: unknown, { command }: Pick<ReadRequest, 'command'>): void {
    if (error instanceof CorruptSSTableError) this.#parts.engine.readFailed(error, command.table)
  }
}

/** What a coordinator is told of a read that failed. */
export function readFailureReason(error: unknown): RequestFailureReason {
  return error instanceof ReadGivenUpError ? error.reason : RequestFailureReason.UNKNOWN
}
