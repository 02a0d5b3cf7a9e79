import { timeUuidUnixMs } from '../../common/uuid.ts'
import type { Clock } from '../../io/clock.ts'
import { delay, type TimerHandle, type Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { Batchlog } from '../coordinator/batchlog.ts'
import type { HintsService } from '../hints/hints-service.ts'
import { type InboundMessage, type MessagingService, RequestFailureReason, Verb } from '../messaging/index.ts'
import { RateLimiter } from '../rate-limiter.ts'
import { type Commits, committed } from '../replica/commit-promise.ts'
import type { ReplicaMetrics } from '../replica/replica-metrics.ts'
import type { RingView } from '../ring-view.ts'
import { respondTraced, type Traces, tracedPart } from '../traces.ts'
import { type Batch, decodeBatch, encodeBatch } from './batch.ts'
import { BatchReplay } from './batch-replay.ts'
import { BatchesTable } from './batches-table.ts'
import type { BatchlogSettings } from './settings.ts'

/** How often batches are looked for that nobody finished (`BatchlogManager.REPLAY_INTERVAL`). */
const REPLAY_INTERVAL_MS = 10_000
/** So many batches are under way at once (`DEFAULT_PAGE_SIZE`), and so many bytes. */
const PAGE_BATCHES = 128
const PAGE_BYTES = 4 * 1024 * 1024
const ID_BYTES = 16
const NO_BYTES = new Uint8Array(0)

export interface BatchlogParts {
  readonly messaging: Pick<MessagingService, 'handle' | 'request'>
  readonly engine: StorageEngine
  readonly commits: Commits
  /** system.batches. */
  readonly table: TableMetadata
  readonly hints: Pick<HintsService, 'write' | 'flushAndFsync'>
  readonly ring: RingView
  readonly tableById: (id: string) => TableMetadata | null
  /** When a table was last truncated here, milliseconds since 1970; 0 where it never was. */
  readonly truncatedAtMs: (tableId: string) => number
  readonly clock: Clock
  readonly timers: Timers
  readonly traces?: Traces
  readonly logger: { warn(text: string): void; error(text: string): void }
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}

/**
 * Keeps batches for coordinators until their mutations have arrived, and sees to it that they do where a coordinator died
 * (`BatchlogManager`). Ids of the batches that are kept are in memory, so that those that were removed need not be passed over
 * again and again.
 */
export class BatchlogManager implements Batchlog {
  #settings: BatchlogSettings
  readonly #parts: BatchlogParts
  readonly #batches: BatchesTable
  readonly #ids = new Map<string, Uint8Array>()
  readonly #limiter: RateLimiter
  #timer: TimerHandle | null = null
  #running: Promise<void> | null = null
  #isLoaded = false
  #isClosed = false
  /** Batches that were finished here, whether there was anything to do or not (`TotalBatchesReplayed`). */
  totalBatchesReplayed = 0

  constructor(settings: BatchlogSettings, parts: BatchlogParts) {
    this.#settings = settings
    this.#parts = parts
    this.#batches = new BatchesTable(parts.engine, parts.table)
    this.#limiter = new RateLimiter(Number.POSITIVE_INFINITY, parts.clock.monotonicMs())
  }

  get settings(): BatchlogSettings {
    return this.#settings
  }

  configure(changes: Partial<BatchlogSettings>): void {
    this.#settings = { ...this.#settings, ...changes }
  }

  get prefersLocalRack(): boolean {
    return this.#settings.prefersLocalRack
  }

  /** Whether those are known that were there at the start. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Batches that are kept here. */
  get batchCount(): number {
    return this.#ids.size
  }

  // --- what coordinators ask

  /** The payload of BATCH_STORE_REQ. */
  encode(batch: Batch): Uint8Array {
    return encodeBatch(batch)
  }

  /** Answers from now on. */
  listen(): void {
    const { messaging } = this.#parts
    messaging.handle(Verb.BATCH_STORE_REQ, (message) => this.#do(message, () => this.#store(message)))
    messaging.handle(Verb.BATCH_REMOVE_REQ, (message) => this.#do(message, () => this.#remove(message)))
  }

  #do(message: InboundMessage, work: () => void): void {
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    const trace = tracedPart(message, this.#parts.traces)
    const failed = (error: unknown): void => {
      this.#parts.logger.error(`${message.verb.name} of ${message.from.text} failed: ${textOf(error)}`)
      message.fail(RequestFailureReason.UNKNOWN)
      trace?.end()
    }
    try {
      work()
    } catch (error) {
      failed(error)
      return
    }
    committed(this.#parts.commits).then(() => respondTraced(message, NO_BYTES, trace), failed)
  }

  #store(message: InboundMessage): void {
    this.store(decodeBatch(message.payload))
  }

  #remove(message: InboundMessage): void {
    if (message.payload.length < ID_BYTES) throw new Error('There is no id')
    this.remove(new Uint8Array(message.payload.subarray(0, ID_BYTES)))
  }

  /** Applies a batch here; it is durable with the next commit. Throws what the engine throws. */
  store(batch: Batch): void {
    this.#batches.store(batch)
    const id = new Uint8Array(batch.id)
    this.#ids.set(idText(id), id)
  }

  /** Forgets a batch. Throws what the engine throws. */
  remove(id: Uint8Array): void {
    this.#batches.remove(id, this.#parts.clock.nowMicros())
    this.#ids.delete(idText(id))
  }

  // --- replay

  /** Looks for batches that nobody finished, from some time on and then again and again. */
  start(): void {
    const after = (delayMs: number): void => {
      if (this.#isClosed) return
      this.#timer = this.#parts.timers.setTimeout(
        () => void this.replay().finally(() => after(REPLAY_INTERVAL_MS)),
        delayMs,
        { unref: true },
      )
    }
    after(this.#settings.startDelayMs)
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#timer !== null) this.#parts.timers.clearTimeout(this.#timer)
    await this.#running
  }

  /** Finishes the batches that are old enough (`startBatchlogReplay`, nodetool replaybatchlog). Never rejects. */
  replay(): Promise<void> {
    const before = this.#running ?? Promise.resolve()
    const running = before
      .then(() => this.#replayFailedBatches())
      .catch((error: unknown) => this.#parts.logger.error(`Replaying the batchlog failed: ${textOf(error)}`))
      .finally(() => {
        if (this.#running === running) this.#running = null
      })
    this.#running = running
    return running
  }

  async #replayFailedBatches(): Promise<void> {
    const { clock, timers, ring } = this.#parts
    if (this.#isClosed || ring.memberCount === 0) return
    if (!this.#isLoaded) {
      for (const id of await this.#batches.ids(clock, timers)) this.#ids.set(idText(id), id)
      this.#isLoaded = true
    }
    const nodes = ring.memberCount
    const perNode = Math.floor(this.#settings.throttleBytes / 1024 / nodes) * 1024
    this.#limiter.setRate(perNode === 0 ? Number.POSITIVE_INFINITY : perNode, clock.monotonicMs())
    const limitMs = clock.nowMs() - this.#settings.timeoutMs
    const due = [...this.#ids.values()].filter((id) => timeUuidUnixMs(id) <= limitMs)
    due.sort((a, b) => timeUuidUnixMs(a) - timeUuidUnixMs(b) || Buffer.compare(a, b))
    while (due.length > 0 && !this.#isClosed) await this.#replayPage(due)
  }

  /** Takes the first ones of `due`, and finishes them together. */
  async #replayPage(due: Uint8Array[]): Promise<void> {
    const { clock, timers, commits, hints } = this.#parts
    const replays: BatchReplay[] = []
    const finished: Uint8Array[] = []
    for (let bytes = 0; due.length > 0 && replays.length < PAGE_BATCHES && bytes < PAGE_BYTES; ) {
      const id = due.shift()!
      const mutations = this.#batches.read(id, Math.floor(clock.nowMs() / 1000))
      if (mutations === null) {
        // It was removed meanwhile.
        this.#ids.delete(idText(id))
        continue
      }
      const replay = new BatchReplay(id, mutations, this.#parts)
      if (replay.isExpired) {
        finished.push(id)
        continue
      }
      replay.send()
      replays.push(replay)
      bytes += replay.sizeBytes
      const waitMs = this.#limiter.acquire(replay.sizeBytes, clock.monotonicMs())
      if (waitMs > 0) await delay(timers, waitMs, { unref: true })
    }
    const hinted = new Set<string>()
    for (const replay of replays) {
      await replay.finish()
      for (const hostId of replay.hinted) hinted.add(hostId)
      if (replay.isDone) finished.push(replay.id)
    }
    // What was applied here, and hints, are durable before the batch is forgotten.
    await committed(commits)
    await hints.flushAndFsync(hinted)
    for (const id of finished) this.remove(id)
    this.totalBatchesReplayed += finished.length
    await committed(commits)
  }
}

/** A key for maps. */
function idText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
