import { ticksFromUnixMicros, timeUuidBytes } from '../common/uuid.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import type { Disk } from '../io/disk.ts'
import type { Random } from '../io/random.ts'
import type { Timers } from '../io/timers.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import { BatchlogManager, type BatchlogSettings } from './batchlog/index.ts'
import type { Coordinator } from './coordinator/coordinator.ts'
import { HintHandler, HintsService, type HintsSettings } from './hints/index.ts'
import type { MessagingService } from './messaging/index.ts'
import { type Paxos, PaxosAcceptor } from './paxos/index.ts'
import type { Commits } from './replica/commit-promise.ts'
import type { ReplicaMetrics } from './replica/replica-metrics.ts'
import type { RingView } from './ring-view.ts'
import type { Traces } from './traces.ts'

export interface WriteKeepingSettings {
  readonly hints: HintsSettings
  readonly batchlog: BatchlogSettings
  /** cas_contention_timeout. */
  readonly casContentionTimeoutMs: number
}

export interface WriteKeepingParts {
  readonly messaging: MessagingService
  readonly engine: StorageEngine
  readonly commits: Commits
  readonly coordinator: Coordinator
  readonly ring: RingView
  /** Of requests that are traced. */
  readonly traces?: Traces
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
  /** Where hints are. */
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  /** The node's timestamps. */
  readonly timestamps: Pick<TimestampSource, 'nextMicros'>
  /** Tables of keyspace system. */
  readonly system: { readonly batches: TableMetadata; readonly paxos: TableMetadata }
  readonly tableById: (id: string) => TableMetadata | null
  /** The greatest gc_grace_seconds of all tables. */
  readonly largestGcGraceSeconds: () => number
  /** When a table was last truncated here, milliseconds since 1970; 0 where it never was. */
  readonly truncatedAtMs: (tableId: string) => number
  readonly logger: { info(text: string): void; warn(text: string): void; error(text: string): void }
}

/**
 * What outlives a coordinator that dies and a replica that is down: hints, the batchlog, and rounds of Paxos. It is put together
 * here for a node, and taken into use by its coordinator.
 */
export class WriteKeeping {
  readonly hints: HintsService
  readonly batchlog: BatchlogManager
  readonly paxos: Paxos
  readonly #handlers: readonly { listen(): void }[]

  /** Throws what the disk throws. */
  constructor(settings: WriteKeepingSettings, parts: WriteKeepingParts) {
    const { coordinator, random, timestamps, system } = parts
    this.hints = new HintsService(settings.hints, parts)
    const { hints } = this
    this.batchlog = new BatchlogManager(settings.batchlog, { ...parts, table: system.batches, hints })
    this.#handlers = [
      new HintHandler({ ...parts, hints }),
      this.batchlog,
      new PaxosAcceptor({ ...parts, paxos: system.paxos }),
    ]
    coordinator.useHints(hints)
    const node = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32())
    coordinator.useBatchlog(this.batchlog, () =>
      timeUuidBytes(ticksFromUnixMicros(BigInt(timestamps.nextMicros())), node),
    )
    this.paxos = coordinator.usePaxos(timestamps, settings.casContentionTimeoutMs)
  }

  /** Answers other nodes from now on. */
  listen(): void {
    for (const handler of this.#handlers) handler.listen()
  }

  /** Delivers hints from now on, and finishes batches. The node is a member then. */
  start(): void {
    this.hints.start()
    this.batchlog.start()
  }

  /** A node is alive again, or a member. */
  alive(): void {
    this.hints.dispatch()
  }

  /** A node left for good. */
  left(hostId: string): void {
    this.hints.excise(hostId)
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.batchlog.close()
    await this.hints.close()
  }
}
