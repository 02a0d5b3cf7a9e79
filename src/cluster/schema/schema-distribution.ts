import type { Logger } from '../../common/logger.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'
import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Membership } from '../gossip/index.ts'
import { type InboundMessage, type MessagingService, Verb, wordsOf } from '../messaging/index.ts'
import type { LocalCommits } from '../replica/local-commits.ts'
import { MutationDecoder } from '../replica/mutation-message.ts'
import { KnownRows } from './known-rows.ts'
import { encodeSchema, schemaMutation } from './schema-message.ts'

/** The schema of this node, as it is given to others and takes from them. */
export interface SharedSchema {
  /** UUID that is equal where schemas are. */
  readonly version: string
  /** The tables of system_schema. */
  readonly tables: Iterable<TableMetadata>
  /**
   * Applies rows of these tables that another node wrote and takes over what they come to; false where that is nothing new. Whoever
   * has the schema calls `changed` then.
   */
  merge(mutations: Iterable<MutationBuilder>): boolean
}

export interface SchemaDistributionSettings {
  /** How long a difference is left to a push that may be under way before the schema is pulled, milliseconds. */
  readonly pullDelayMs: number
  /** After a pull that failed. */
  readonly retryMs: number
}

/** Cassandra waits for a minute (`cassandra.migration_delay_ms`), in which whatever needs the new table fails. */
export const SCHEMA_SETTINGS: SchemaDistributionSettings = { pullDelayMs: 1000, retryMs: 1000 }
/** For nodes of one machine. */
export const QUICK_SCHEMA_SETTINGS: SchemaDistributionSettings = { pullDelayMs: 50, retryMs: 50 }

export interface SchemaDistributionParts {
  readonly messaging: MessagingService
  readonly membership: Membership
  readonly engine: StorageEngine
  readonly commits: LocalCommits
  readonly schema: SharedSchema
  readonly timers: Timers
  readonly logger: Logger
  /** Says the version of the schema to others. */
  readonly announce: (version: string) => void
  /** Live nodes, this one among them. */
  readonly live: () => readonly Endpoint[]
}

/** What is known of another node's schema. */
interface Peer {
  readonly endpoint: Endpoint
  version: string
  /** The version that it had when it last gave its schema. */
  pulled: string | null
  timer: TimerHandle | null
  isAsked: boolean
}

const NO_BYTES = new Uint8Array(0)
/** Rows that come are applied so many bytes at a time. */
const PORTION_BYTES = 1 << 20

/**
 * Keeps the schemas of all nodes the same (`MigrationCoordinator`): what a statement changes is pushed to all that are alive; a
 * node that hears by gossip of another version pulls the whole. Rows merge by their timestamps, so that nodes which have seen the same
 * rows in whatever order have the same schema.
 */
export class SchemaDistribution {
  readonly #parts: SchemaDistributionParts
  readonly #settings: SchemaDistributionSettings
  readonly #decoder = new MutationDecoder()
  readonly #peers = new Map<string, Peer>()
  readonly #waiting = new Set<() => void>()
  #isHurried = true
  #isStopped = false

  constructor(parts: SchemaDistributionParts, settings: SchemaDistributionSettings) {
    this.#parts = parts
    this.#settings = settings
  }

  /** Answers others and follows what they say from now on; to be called before gossip starts. */
  listen(): void {
    const { messaging, membership } = this.#parts
    messaging.handle(Verb.SCHEMA_PUSH_REQ, (message) => this.#onPush(message))
    messaging.handle(Verb.SCHEMA_PULL_REQ, (message) => this.#onPull(message))
    messaging.handle(Verb.SCHEMA_VERSION_REQ, (message) =>
      message.respond(Buffer.from(this.#parts.schema.version)),
    )
    membership.subscribe((event) => {
      if (event.kind === 'schema') this.#reported(event.endpoint, event.version)
      else if (event.kind === 'alive') this.#check(this.#peers.get(event.endpoint.text))
      else if (event.kind === 'left') this.#forget(event.endpoint)
      if (event.kind === 'dead' || event.kind === 'left') this.#wake()
    })
  }

  /** Pushes rows of system_schema that a statement wrote on this node. */
  push(mutation: MutationBuilder): void {
    if (this.#isStopped || mutation.updateCount === 0) return
    const { messaging, schema, live } = this.#parts
    const payload = encodeSchema(mutation, schema.tables)
    for (const endpoint of live()) {
      if (endpoint.text !== messaging.self.text) messaging.send(endpoint, Verb.SCHEMA_PUSH_REQ, payload)
    }
  }

  /** The schema of this node is another one. */
  changed(): void {
    if (this.#isStopped) return
    this.#parts.announce(this.#parts.schema.version)
    for (const peer of this.#peers.values()) this.#check(peer)
    this.#wake()
  }

  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#peers.values()) if (timer !== null) this.#parts.timers.clearTimeout(timer)
    this.#peers.clear()
    this.#wake()
  }

  // --- what others know

  /** Whether another node that is alive has said what schema it has. */
  get hasHeard(): boolean {
    return [...this.#peers.values()].some(({ endpoint }) => this.#parts.membership.isAlive(endpoint))
  }

  /** Whether there is nothing to learn: all live nodes have this node's schema, or have given it theirs. */
  get isReady(): boolean {
    return [...this.#peers.values()].every((peer) => !this.#isMissing(peer))
  }

  /** Resolves when that is so, with true, or after that time, with false (`awaitSchemaRequests`). */
  async waitUntilReady(timeoutMs: number): Promise<boolean> {
    const { timers } = this.#parts
    let isOver = false
    while (!this.isReady && !isOver && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        const timer = timers.setTimeout(() => {
          isOver = true
          resolve()
        }, timeoutMs)
        const wake = (): void => {
          this.#waiting.delete(wake)
          timers.clearTimeout(timer)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
    // From now on a difference is most likely a push that is under way.
    this.#isHurried = false
    return this.isReady
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  #isMissing({ endpoint, version, pulled }: Peer): boolean {
    const { schema, membership } = this.#parts
    return version !== schema.version && version !== pulled && membership.isAlive(endpoint)
  }

  #reported(endpoint: Endpoint, version: string): void {
    if (this.#isStopped || endpoint.text === this.#parts.messaging.self.text) return
    let peer = this.#peers.get(endpoint.text)
    if (peer === undefined) {
      peer = { endpoint, version, pulled: null, timer: null, isAsked: false }
      this.#peers.set(endpoint.text, peer)
    }
    peer.version = version
    this.#check(peer)
    this.#wake()
  }

  #forget(endpoint: Endpoint): void {
    const peer = this.#peers.get(endpoint.text)
    this.#peers.delete(endpoint.text)
    if (peer?.timer != null) this.#parts.timers.clearTimeout(peer.timer)
  }

  // --- pull

  #check(peer: Peer | undefined): void {
    if (peer === undefined || peer.timer !== null || peer.isAsked || !this.#isMissing(peer)) return
    if (this.#isHurried) this.#ask(peer)
    else this.#later(peer, this.#settings.pullDelayMs)
  }

  #later(peer: Peer, delayMs: number): void {
    peer.timer = this.#parts.timers.setTimeout(
      () => {
        peer.timer = null
        if (!this.#isStopped && this.#isMissing(peer)) this.#ask(peer)
      },
      delayMs,
      { unref: true },
    )
  }

  #ask(peer: Peer): void {
    const { version } = peer
    peer.isAsked = true
    const done = (isAnswered: boolean): void => {
      peer.isAsked = false
      if (this.#isStopped || this.#peers.get(peer.endpoint.text) !== peer) return
      if (isAnswered) peer.pulled = version
      if (this.#isMissing(peer)) this.#later(peer, isAnswered ? 0 : this.#settings.retryMs)
      this.#wake()
    }
    this.#parts.messaging.request(peer.endpoint, Verb.SCHEMA_PULL_REQ, NO_BYTES, {
      onResponse: (payload) => done(!this.#isStopped && this.#take(payload, peer.endpoint, true)),
      onFailure: () => done(false),
    })
  }

  #onPull(message: InboundMessage): void {
    const { engine, schema } = this.#parts
    message.respond(encodeSchema(schemaMutation(engine, schema.tables), schema.tables))
  }

  // --- what comes

  #onPush(message: InboundMessage): void {
    if (!this.#isStopped) this.#take(message.payload, message.from, false)
  }

  /** Merges what came; false where it can't be read or kept. Of a whole schema most is here already. */
  #take(payload: Uint8Array, from: Endpoint, isWhole: boolean): boolean {
    const { commits, engine, schema, logger } = this.#parts
    const byId = new Map([...schema.tables].map((table) => [table.id, table]))
    try {
      const rows = this.#decoder.decode(wordsOf(payload).slice(), (id) => byId.get(id) ?? null)
      const known = isWhole ? new KnownRows(schemaMutation(engine, schema.tables)) : null
      const isNew = schema.merge(portionsOf(rows, known))
      const committed = commits.commit()
      committed?.catch((error: unknown) => this.#failed(from, error))
      if (isNew) logger.info(`The schema is ${schema.version} by what /${from.text} said`)
      return true
    } catch (error) {
      this.#failed(from, error)
      return false
    }
  }

  #failed(from: Endpoint, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#parts.logger.error(`Unable to merge schema from /${from.text}: ${text}`)
  }
}

/** The updates of a mutation, but for what is known, in mutations of a size that the commit log takes. */
function* portionsOf(mutation: MutationBuilder, known: KnownRows | null): Generator<MutationBuilder> {
  const portion = new MutationBuilder()
  portion.begin()
  for (const at of updatesAt(mutation)) {
    if (portion.updateCount > 0 && portion.sizeBytes + mutation.i32[at]! > PORTION_BYTES) {
      portion.finish()
      yield portion
      portion.begin()
    }
    if (known === null) portion.copyUpdate(mutation, at)
    else known.copyUnknown(mutation, at, portion)
  }
  portion.finish()
  if (portion.updateCount > 0) yield portion
}
