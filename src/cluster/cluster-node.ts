import type { Logger } from '../common/logger.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import type { Disk } from '../io/disk.ts'
import type { Network } from '../io/network.ts'
import type { Random } from '../io/random.ts'
import { delay, type Timers } from '../io/timers.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import type { CoordinatorSchema, RequestTimeouts } from './coordinator/cluster-view.ts'
import { Coordinator } from './coordinator/coordinator.ts'
import {
  type ClientEvent,
  GossipService,
  type GossipSettings,
  type LocalMember,
  type LocalStates,
  type Membership,
  messagingTransport,
  type PeerChange,
  type SavedGossip,
  serveGossip,
} from './gossip/index.ts'
import { MemberView } from './member-view.ts'
import { MembershipView } from './membership-view.ts'
import {
  type InternodeEncryption,
  InternodeMessaging,
  type ListenAddresses,
  type MessagingSettings,
} from './messaging/index.ts'
import { LocalCommits } from './replica/local-commits.ts'
import type { ReadThresholdsAtReplica } from './replica/read-thresholds.ts'
import { Replica } from './replica/replica.ts'
import { ReplicaMetrics } from './replica/replica-metrics.ts'
import type { DynamicSnitchConfig } from './ring/dynamic-snitch.ts'
import { Ring } from './ring/ring.ts'
import type { Snitch } from './ring/snitch.ts'
import { chooseTokens, type TokenSettings } from './ring/token-choice.ts'
import {
  SchemaDistribution,
  type SchemaDistributionSettings,
  type SharedSchema,
} from './schema/schema-distribution.ts'
import { Traces } from './traces.ts'
import { WriteKeeping, type WriteKeepingSettings } from './write-keeping.ts'

/** What a node of a ring is told at its start. */
export interface ClusterNodeSettings {
  readonly gossip: GossipSettings
  readonly schema: SchemaDistributionSettings
  readonly messaging: Partial<MessagingSettings>
  readonly encryption: InternodeEncryption
  readonly listen: ListenAddresses
  /** Of a node that has none yet. */
  readonly tokens: TokenSettings
  /** Null where nearness is what the snitch says. */
  readonly dynamicSnitch: DynamicSnitchConfig | null
  readonly timeouts: RequestTimeouts
  readonly thresholds: ReadThresholdsAtReplica
  readonly keeping: WriteKeepingSettings
}

/** What a node of a ring works with, and whom it tells. */
export interface ClusterNodeParts {
  readonly local: LocalMember
  /** What is said of this node beside where and who it is; the schema's version is taken from the schema. */
  readonly states: Omit<LocalStates, 'schemaVersion'>
  readonly engine: StorageEngine
  readonly schema: SharedSchema
  readonly tables: CoordinatorSchema
  readonly snitch: Snitch
  /** 16 bytes that name this node's shards of counters. */
  readonly counterId: Uint8Array
  /** Tables of keyspace system. */
  readonly system: { readonly batches: TableMetadata; readonly paxos: TableMetadata }
  /** When a table was last truncated here, milliseconds since 1970; 0 where it never was. */
  readonly truncatedAtMs: (tableId: string) => number
  /** The greatest gc_grace_seconds of all tables. */
  readonly largestGcGraceSeconds: () => number
  /** The node's timestamps. */
  readonly timestamps: TimestampSource
  /** Where hints are. */
  readonly disk: Disk
  readonly network: Network
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly logger: Logger
  /** Keeps rows of system.peers and peers_v2. */
  readonly persistPeers: (changes: readonly PeerChange[]) => void
  /** Keeps the tokens that this node has chosen; they are on disk when it resolves. */
  readonly persistTokens: (tokens: readonly bigint[]) => Promise<void>
  /** Tells the clients that registered for it. */
  readonly notify: (event: ClientEvent) => void
}

const POLL_MS = 100
/** How often a node says how much data it has (`LoadBroadcaster`). */
const LOAD_INTERVAL_MS = 60_000

/**
 * All that makes a database a node of a ring: messages, gossip, the members and their tokens, what it does for others as a
 * replica, and the schema that all have (`StorageService.initServer`). It takes part from `join` on, and says so by `serve`.
 */
export class ClusterNode {
  readonly messaging: InternodeMessaging
  readonly gossip: GossipService
  readonly membership: Membership
  readonly schema: SchemaDistribution
  readonly view: MemberView
  readonly coordinator: Coordinator
  readonly keeping: WriteKeeping
  readonly #settings: ClusterNodeSettings
  readonly #parts: ClusterNodeParts
  #isStopped = false

  constructor(settings: ClusterNodeSettings, parts: ClusterNodeParts) {
    const { local, engine, clock, timers, random, network, logger } = parts
    this.#settings = settings
    this.#parts = parts
    this.messaging = new InternodeMessaging({
      self: local.endpoint,
      network,
      clock,
      timers,
      random,
      logger,
      settings: { ...settings.messaging, clusterName: settings.gossip.clusterName },
      encryption: settings.encryption,
    })
    this.gossip = new GossipService(settings.gossip, local, {
      clock,
      timers,
      random,
      transport: messagingTransport(this.messaging),
      log: logger,
      persist: parts.persistPeers,
      notify: parts.notify,
    })
    this.membership = this.gossip.membership
    serveGossip(this.messaging, this.gossip, logger)
    const commits = new LocalCommits(engine, timers)
    this.schema = new SchemaDistribution(
      {
        messaging: this.messaging,
        membership: this.membership,
        engine,
        commits,
        schema: parts.schema,
        timers,
        logger,
        announce: (version) => this.gossip.setSchemaVersion(version),
        live: () => this.gossip.gossiper.liveMembers,
      },
      settings.schema,
    )
    this.schema.listen()
    const { messaging } = this
    const { dynamicSnitch, timeouts, thresholds } = settings
    const traces = new Traces()
    const replicaMetrics = new ReplicaMetrics(clock)
    const shared = { messaging, engine, commits, clock, timers, logger, thresholds, traces, replicaMetrics }
    new Replica({ ...shared, tableById: parts.tables.tableById }).listen()
    this.view = new MemberView(this.membership, parts.snitch, dynamicSnitch, {
      clock,
      timers,
      random,
      logger,
    })
    const { counterId, tables } = parts
    this.coordinator = new Coordinator({
      ...shared,
      view: this.view,
      schema: tables,
      random,
      timeouts,
      counterId,
    })
    this.coordinator.onLatency = (node, latencyMs) => this.view.onLatency(node, latencyMs)
    this.coordinator.listen()
    this.keeping = new WriteKeeping(settings.keeping, {
      ...shared,
      ...parts,
      coordinator: this.coordinator,
      ring: new MembershipView(this.gossip, tables, this.view.localNode),
      tableById: tables.tableById,
    })
    this.keeping.listen()
    this.membership.subscribe((event) => {
      // A node takes hints when it is a member, which it is some time after it is heard.
      if (event.kind === 'alive' || event.kind === 'up' || event.kind === 'joined') this.keeping.alive()
      else if (event.kind === 'left' && event.hostId !== null) this.keeping.left(event.hostId)
    })
  }

  /** Who has what, by what this node knows; nodes that nobody has said anything of are left out. */
  get ring(): Ring {
    return this.membership.ring
  }

  /**
   * Takes messages, asks what there is, has the schema of those that are alive, and takes part in the ring with the tokens that
   * the node had before, or with new ones. Rejects with Cassandra's text when the storage port can't be had, the
   * address is another node's, or no seed answers.
   *
   * @param saved the generation in it is on disk
   */
  async start(saved: SavedGossip): Promise<void> {
    const { logger, states, schema } = this.#parts
    for (const warning of this.#settings.encryption.warnings) logger.warn(warning)
    await this.messaging.listen(this.#settings.listen)
    const isMember = saved.tokens !== null
    const isHeard = await this.gossip.start(
      saved,
      { ...states, schemaVersion: schema.version },
      { bootstrapping: false, bootstrapComplete: isMember },
    )
    if (isHeard) await this.#meetOthers()
    await this.gossip.waitToSettle()
    const { ringDelayMs } = this.#settings.gossip
    if (!(await this.schema.waitUntilReady(ringDelayMs))) {
      logger.warn(
        `There are nodes in the cluster with a different schema version than us, from which we did not merge schemas: our version: (${schema.version})`,
      )
    }
    this.gossip.join(saved.tokens ?? (await this.#newTokens()))
    this.view.start()
    this.keeping.start()
    this.#sayLoad()
  }

  /** There is a ring that goes on: waits until one of its nodes is alive and has said what schema it has. */
  async #meetOthers(): Promise<void> {
    const { clock, timers } = this.#parts
    const { ringDelayMs, shadowRoundRetryMs } = this.#settings.gossip
    const end = clock.monotonicMs() + ringDelayMs
    while (!this.#isStopped && !this.schema.hasHeard && clock.monotonicMs() < end) {
      await delay(timers, Math.min(shadowRoundRetryMs, POLL_MS))
    }
  }

  /** Without data to fetch a node takes part at once; what its tokens take over is not streamed yet. */
  async #newTokens(): Promise<readonly bigint[]> {
    const { local, random, logger, persistTokens } = this.#parts
    const others = this.membership.ringMembers().filter(({ node }) => node.hostId !== '')
    const tokens = chooseTokens(this.#settings.tokens, local.dataCenter, Ring.of(others), random)
    logger.info(`This node takes ${tokens.length} tokens in a ring of ${others.length} other nodes`)
    await persistTokens(tokens)
    return tokens
  }

  #sayLoad(): void {
    if (this.#isStopped) return
    let bytes = 0
    for (const store of this.#parts.engine.stores) bytes += store.bytesOnDisk(store.sstables)
    this.gossip.setLoad(bytes)
    this.#parts.timers.setTimeout(() => this.#sayLoad(), LOAD_INTERVAL_MS, { unref: true })
  }

  /** Clients are served, or not any more. */
  setRpcReady(ready: boolean): void {
    if (!this.#isStopped) this.gossip.setRpcReady(ready)
  }

  /** Rows of system_schema that a statement wrote on this node; `schemaChanged` follows. */
  pushSchema(mutation: MutationBuilder): void {
    this.schema.push(mutation)
  }

  schemaChanged(): void {
    this.schema.changed()
  }

  /** Says goodbye, sends what waits, and closes all connections. Nothing is done for others any more. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.schema.stop()
    this.view.stop()
    await this.gossip.stop()
    await this.keeping.close()
    await this.messaging.close()
  }
}
