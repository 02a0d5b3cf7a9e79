import { OverloadedError } from '../../common/errors.ts'
import type { Clock } from '../../io/clock.ts'
import type { Disk } from '../../io/disk.ts'
import type { Random } from '../../io/random.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { HintSink } from '../coordinator/batchlog.ts'
import { type Endpoint, endpointLogText } from '../endpoint.ts'
import { type MessagingService, wordsOf } from '../messaging/index.ts'
import { MutationFormatError } from '../replica/mutation-message.ts'
import { MutationSummaries, type MutationSummary, smallestGcGrace } from '../replica/mutation-summary.ts'
import type { RingNode } from '../ring/ring.ts'
import type { RingView } from '../ring-view.ts'
import { encodeHint, type Hint, isLiveHint } from './hint.ts'
import { type DispatcherParts, HintsDispatcher } from './hints-dispatcher.ts'
import { HINTS_VERSION, parseHintsFileName, recordBytes } from './hints-format.ts'
import { HintsMetrics } from './hints-metrics.ts'
import { HintsStore, type PendingHints } from './hints-store.ts'
import {
  BUFFER_BYTES,
  CLEANUP_PERIOD_MS,
  DISPATCH_PERIOD_MS,
  type HintsSettings,
  OVERLOAD_BYTES,
  UNWRITTEN_BYTES_MAX,
} from './settings.ts'

export interface HintsParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly messaging: Pick<MessagingService, 'request'>
  readonly ring: RingView
  /** The table of that UUID as the schema is now, or null. */
  readonly tableById: (id: string) => TableMetadata | null
  /** The greatest gc_grace_seconds of all tables, for auto_hints_cleanup_enabled. */
  readonly largestGcGraceSeconds: () => number
  readonly logger: { info(text: string): void; warn(text: string): void; error(text: string): void }
}

/**
 * Writes that replicas missed, kept in files until they are delivered (`HintsService`). The files are made known by the
 * constructor; nothing is delivered before `start`.
 *
 * Settings can be changed while it runs, as nodetool does.
 */
export class HintsService implements HintSink {
  readonly metrics = new HintsMetrics()
  #settings: HintsSettings
  readonly #parts: HintsParts
  readonly #stores = new Map<string, HintsStore>()
  readonly #summaries = new MutationSummaries()
  readonly #dispatcherParts: DispatcherParts
  /** Host ids of those that are being delivered to, and those that wait for their turn. */
  readonly #dispatching = new Map<string, Promise<void>>()
  readonly #waiting = new Set<string>()
  #bufferedBytes = 0
  #isPaused = true
  #isClosed = false
  #timers: TimerHandle[] = []
  /** Host ids that left while their hints were being delivered. */
  readonly #excised = new Set<string>()

  /** Throws what the disk throws. */
  constructor(settings: HintsSettings, parts: HintsParts) {
    this.#settings = settings
    this.#parts = parts
    this.#dispatcherParts = {
      ...parts,
      metrics: this.metrics,
      isWanted: (hint) => this.#isWanted(hint),
      readdress: (hint) => this.writeForAllReplicas(hint),
    }
    this.#load()
  }

  #load(): void {
    const { disk, logger } = this.#parts
    const { directory } = this.#settings
    disk.mkdirpSync(directory)
    for (const file of disk.readdirSync(directory).sort()) {
      const name = parseHintsFileName(file)
      if (name === null) continue
      if (name.version === HINTS_VERSION) {
        this.#store(name.hostId).addFile(name, disk.fileSizeSync(`${directory}/${file}`))
      } else logger.warn(`Hints file ${directory}/${file} is of another version; it is left alone`)
    }
  }

  #store(hostId: string): HintsStore {
    let store = this.#stores.get(hostId)
    if (store === undefined) {
      const { disk, random } = this.#parts
      store = new HintsStore(hostId, disk, random, this.#settings.directory)
      this.#stores.set(hostId, store)
    }
    return store
  }

  get settings(): HintsSettings {
    return this.#settings
  }

  /** Changes settings; the directory stays. */
  configure(changes: Partial<Omit<HintsSettings, 'directory'>>): void {
    this.#settings = { ...this.#settings, ...changes }
  }

  // --- writing

  shouldHint(node: RingNode, usesPersistentWindow = true): boolean {
    const { ring, clock } = this.#parts
    const { isEnabled, disabledDataCenters, maxWindowMs, isWindowPersistent, maxBytesPerHost } =
      this.#settings
    const { hostId, endpoint } = node
    if (!isEnabled || this.#isClosed || hostId === ring.local.hostId) return false
    if (disabledDataCenters.includes(node.dataCenter)) return false
    if (ring.endpointOf(hostId) === undefined) return false
    let isPast = ring.downtimeMs(endpoint) > maxWindowMs
    const store = this.#stores.get(hostId)
    if (!isPast && usesPersistentWindow && isWindowPersistent && store !== undefined) {
      isPast = clock.nowMs() - maxWindowMs > store.oldestMs
    }
    if (isPast) {
      this.metrics.notStored(hostId)
      return false
    }
    return maxBytesPerHost <= 0 || store === undefined || store.sizeBytes <= maxBytesPerHost
  }

  get isOverloaded(): boolean {
    return this.#bufferedBytes > OVERLOAD_BYTES
  }

  checkOverload(node: RingNode): void {
    const waiting = this.#stores.get(node.hostId)?.bufferedCount ?? 0
    if (!this.isOverloaded || waiting === 0 || !this.shouldHint(node)) return
    let total = 0
    for (const store of this.#stores.values()) total += store.bufferedCount
    throw new OverloadedError(
      `Too many in flight hints: ${total} destination: ${endpointLogText(node.endpoint)} destination hints: ${waiting}`,
    )
  }

  /** Keeps a hint in memory; hints_flush_period says when it is in a file. There is never a promise. */
  store(nodes: readonly RingNode[], mutation: Uint8Array): null {
    const hostIds = nodes.map(({ hostId }) => hostId)
    this.write(hostIds, mutation)
    return null
  }

  /** Keeps a hint for nodes by their host ids; it was written at `creationMs`, and its tables had that gc_grace_seconds then. */
  write(
    hostIds: readonly string[],
    mutation: Uint8Array,
    creationMs: number = this.#parts.clock.nowMs(),
    gcGraceSeconds: number | null = this.#gcGrace(this.#summaries.of(wordsOf(mutation))),
  ): void {
    // Without its table a mutation is of no use to anybody.
    if (hostIds.length === 0 || gcGraceSeconds === null) return
    if (this.#isClosed) throw new Error("HintsService is shut down and can't accept new hints")
    const hint = encodeHint(mutation, creationMs, gcGraceSeconds)
    const bytes = recordBytes(hint.length)
    for (const hostId of hostIds) {
      if (this.#bufferedBytes + bytes > UNWRITTEN_BYTES_MAX) {
        this.metrics.dropped++
        continue
      }
      this.#store(hostId).buffer(hint)
      this.#bufferedBytes += bytes
      this.metrics.hinted(hostId)
    }
    if (this.#bufferedBytes > BUFFER_BYTES) this.flush()
  }

  #gcGrace(summary: MutationSummary): number | null {
    return smallestGcGrace(summary, this.#parts.tableById)
  }

  /** Writes a hint for all replicas of its partition, since who it was for is none of them (any more). */
  writeForAllReplicas({ mutation, creationMs, gcGraceSeconds }: Hint): void {
    const summary = this.#summaries.of(wordsOf(mutation))
    const replicas = this.#parts.ring.replicas(summary.keyspace, summary.tokenHi, summary.tokenLo)
    const hinted = replicas.filter((node) => this.shouldHint(node, false)).map(({ hostId }) => hostId)
    this.write(hinted, mutation, creationMs, gcGraceSeconds)
  }

  /** Gives what is in memory to the operating system; what it does not take stays for the next time. */
  flush(stores: Iterable<HintsStore> = this.#stores.values()): void {
    const { clock, logger } = this.#parts
    for (const store of stores) {
      if (store.bufferedBytes === 0) continue
      this.#bufferedBytes -= store.bufferedBytes
      try {
        store.flush(clock.nowMs(), this.#settings.maxFileBytes)
      } catch (error) {
        logger.error(`Writing hints for ${store.hostId} failed: ${textOf(error)}`)
      }
      this.#bufferedBytes += store.bufferedBytes
    }
  }

  /**
   * Resolves when all hints that were written for these nodes so far are on stable storage (`flushAndFsyncBlockingly`). Rejects
   * where that can't be.
   */
  async flushAndFsync(hostIds: Iterable<string>): Promise<void> {
    const stores = [...hostIds].flatMap((hostId) => this.#stores.get(hostId) ?? [])
    this.flush(stores)
    // Before anything is waited for: others may come meanwhile, which are for the next flush.
    const unwritten = stores.find(({ bufferedBytes }) => bufferedBytes > 0)
    if (unwritten !== undefined) throw new Error(`Hints for ${unwritten.hostId} could not be written`)
    for (const store of stores) await store.sync()
  }

  // --- delivery

  /** Begins to deliver, and to flush as hints_flush_period says. */
  start(): void {
    this.#isPaused = false
    this.#every(this.#settings.flushPeriodMs, () => this.#flushAll())
    this.#every(DISPATCH_PERIOD_MS, () => this.dispatch())
    this.#every(CLEANUP_PERIOD_MS, () => this.#cleanUp())
  }

  #every(periodMs: number, work: () => void): void {
    const index = this.#timers.length
    const again = (): void => {
      this.#timers[index] = this.#parts.timers.setTimeout(
        () => {
          if (this.#isClosed) return
          work()
          again()
        },
        periodMs,
        { unref: true },
      )
    }
    this.#timers.push({})
    again()
  }

  #flushAll(): void {
    this.flush()
    for (const store of this.#stores.values()) {
      store.sync().catch((error: unknown) => {
        this.#parts.logger.error(`Syncing hints for ${store.hostId} failed: ${textOf(error)}`)
      })
    }
  }

  /** Delivers to each node that is alive and has hints (`HintsDispatchTrigger`). To be called when a node is alive again, too. */
  dispatch(): void {
    if (this.#isPaused || this.#isClosed) return
    const { ring } = this.#parts
    for (const [hostId, store] of this.#stores) {
      const endpoint = ring.endpointOf(hostId)
      if (endpoint === undefined || !ring.isAlive(endpoint)) continue
      if (this.#dispatching.has(hostId) || !(store.isWriting || store.hasFiles)) continue
      this.#waiting.add(hostId)
    }
    this.#next()
  }

  #next(): void {
    for (const hostId of this.#waiting) {
      if (this.#dispatching.size >= this.#settings.maxDeliveries) return
      this.#waiting.delete(hostId)
      if (this.#dispatching.has(hostId) || this.#isClosed || this.#isPaused) continue
      const store = this.#stores.get(hostId)
      if (store === undefined) continue
      this.flush([store])
      store.closeWriter()
      const running = this.#dispatcher(store)
        .run()
        .then(() => {
          this.#dispatching.delete(hostId)
          if (this.#excised.delete(hostId)) this.#remove(hostId)
          this.#next()
        })
      this.#dispatching.set(hostId, running)
    }
  }

  #dispatcher(store: HintsStore): HintsDispatcher {
    const { ring } = this.#parts
    // All nodes but this one may deliver to one that has come back: they share what it is to take.
    const others = Math.max(1, ring.memberCount - 1)
    const { throttleBytes } = this.#settings
    const bytesPerSecond = throttleBytes > 0 ? throttleBytes / others : Number.POSITIVE_INFINITY
    const target = {
      endpoint: () => ring.endpointOf(store.hostId),
      isStopped: (endpoint: Endpoint | undefined) =>
        this.#isPaused ||
        this.#isClosed ||
        this.#excised.has(store.hostId) ||
        (endpoint !== undefined && !ring.isAlive(endpoint)),
    }
    return new HintsDispatcher(this.#dispatcherParts, store, target, bytesPerSecond)
  }

  #isWanted({ mutation, creationMs, gcGraceSeconds }: Hint): boolean {
    let gcGrace: number | null
    try {
      gcGrace = this.#gcGrace(this.#summaries.of(wordsOf(mutation)))
    } catch (error) {
      if (!(error instanceof MutationFormatError)) throw error
      gcGrace = null
    }
    const isLive =
      gcGrace !== null && isLiveHint(creationMs, Math.min(gcGraceSeconds, gcGrace), this.#parts.clock.nowMs())
    if (!isLive) this.metrics.expired++
    return isLive
  }

  /** pausehandoff. What is under way stops behind the hint that is being sent. */
  pause(): void {
    this.#isPaused = true
  }

  /** resumehandoff. */
  resume(): void {
    this.#isPaused = false
    this.dispatch()
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  // --- removal

  /** A node left the ring: its hints are dropped (`HintsService.excise`). */
  excise(hostId: string): void {
    if (!this.#stores.has(hostId)) return
    if (this.#dispatching.has(hostId)) this.#excised.add(hostId)
    this.#remove(hostId)
  }

  #remove(hostId: string): void {
    this.truncate(hostId)
    if (!this.#dispatching.has(hostId)) this.#stores.delete(hostId)
  }

  /** truncatehints: removes the hints for one node, or for all, but those that are being delivered. */
  truncate(hostId: string | null = null): void {
    const stores = hostId === null ? [...this.#stores.values()] : [this.#stores.get(hostId)]
    for (const store of stores) {
      if (store === undefined) continue
      this.#bufferedBytes -= store.bufferedBytes
      try {
        store.removeAll()
      } catch (error) {
        this.#parts.logger.error(`Removing hints for ${store.hostId} failed: ${textOf(error)}`)
      }
    }
  }

  /** Removes files in which every hint must have expired. */
  #cleanUp(): void {
    const { clock, largestGcGraceSeconds, logger } = this.#parts
    if (!this.#settings.isCleanedUp) return
    const before = clock.nowMs() - largestGcGraceSeconds() * 1000
    for (const store of this.#stores.values()) {
      try {
        store.removeOlder(before)
      } catch (error) {
        logger.error(`Removing hints for ${store.hostId} failed: ${textOf(error)}`)
      }
    }
  }

  // --- figures

  /** listpendinghints, in the order of the host ids. */
  pendingHints(): PendingHints[] {
    const pending = [...this.#stores.values()].flatMap((store) => store.pending ?? [])
    return pending.sort((a, b) => (a.hostId < b.hostId ? -1 : 1))
  }

  /** Whether there is anything for anybody: in memory, in files, or on its way. */
  get hasHints(): boolean {
    if (this.#dispatching.size > 0) return true
    return [...this.#stores.values()].some((store) => store.isWriting || store.hasFiles)
  }

  /** Bytes of hints for a node. */
  sizeOf(hostId: string): number {
    return this.#stores.get(hostId)?.sizeBytes ?? 0
  }

  /** Ends deliveries, and makes all hints durable. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#timers) this.#parts.timers.clearTimeout(timer)
    await Promise.all(this.#dispatching.values())
    this.flush()
    for (const store of this.#stores.values()) {
      store.closeWriter()
      await store.sync().catch((error: unknown) => {
        this.#parts.logger.error(`Syncing hints for ${store.hostId} failed: ${textOf(error)}`)
      })
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
