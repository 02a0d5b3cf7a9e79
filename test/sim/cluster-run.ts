import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { QueryProcessor } from '../../src/query/query-processor.ts'
import { handleMark, resetHandles } from '../../src/schema/index.ts'
import { Client, valuesOf } from '../golden/describe/client.ts'
import { type Place, SimCluster, type Trace } from './cluster.ts'
import { Batches } from './cluster-batches.ts'
import { ClusterClient, type Row, textOf } from './cluster-client.ts'
import { Conditions } from './cluster-conditions.ts'
import { Counters } from './cluster-counters.ts'
import { Faults } from './cluster-faults.ts'
import type { SimHost } from './cluster-host.ts'
import { Inserts } from './cluster-inserts.ts'
import { type Part, type PartContext, Violation } from './cluster-part.ts'
import { Registers } from './cluster-registers.ts'
import { SchemaChanges } from './cluster-schema.ts'
import { settle } from './sim-clock.ts'
import { SimRandom } from './sim-random.ts'

/** Handles of tables that were there before any seed. */
let handles: number | null = null

export type ClusterCoverage = Record<string, number>

/** Of the leader of a counter, which has another view of who is alive than the coordinator. */
const EXPECTED_ERROR = /COUNTER_MUTATION_REQ .* failed: Cannot achieve consistency level/
/** How long hints and batches may take when all is whole. */
const KEPT_WITHIN_MS = 240_000

/** A cluster of a seed, what is done to it, and what must be true of it. */
export class ClusterRun {
  readonly #seed: number
  readonly #random: SimRandom
  readonly #coverage: ClusterCoverage
  readonly #cluster: SimCluster
  readonly #places: readonly Place[]
  readonly #factorMax: number
  readonly #commitlogSync: 'periodic' | 'batch' | 'group'
  #failure: Error | null = null
  readonly #count = (what: string, times = 1): void => {
    this.#coverage[what] = (this.#coverage[what] ?? 0) + times
  }

  constructor(seed: number, coverage: ClusterCoverage, trace: Trace) {
    handles ??= handleMark()
    resetHandles(handles)
    this.#seed = seed
    this.#coverage = coverage
    const random = new SimRandom(seed * 2 + 1)
    this.#random = random
    this.#places = placesOf(random)
    this.#factorMax = random.pick([3, 3, 3, 2, 1])
    this.#commitlogSync = random.pick(['periodic', 'batch', 'group'])
    const node: SibylOptions = {
      numTokens: random.pick([1, 2, 4]),
      memtableSpaceMiB: 1,
      commitlogSync: this.#commitlogSync,
      settings: {
        dynamic_snitch_update_interval: 2_000,
        ...(this.#commitlogSync === 'periodic' ? { commitlog_sync_period: 10_000 } : {}),
        // Rounds of Paxos are three writes, which have two seconds together.
        ...(this.#commitlogSync === 'group' ? { commitlog_sync_group_window: 100 } : {}),
        commitlog_segment_size: '256KiB',
        file_cache_size: '0B',
        key_cache_size: '0B',
      },
    }
    const skewMs = random.pick([0, 20, 500])
    const drift = random.pick([0, 0, 0.002])
    const repeatChance = new SimRandom(seed * 7 + 13).pick([0, 0, 0.02, 0.2])
    const options = { places: this.#places, node, skewMs, drift, repeatChance }
    this.#cluster = new SimCluster(seed, options, trace, this.#count)
  }

  get cluster(): SimCluster {
    return this.#cluster
  }

  async run(): Promise<void> {
    const cluster = this.#cluster
    try {
      await cluster.start()
      await this.#work()
      for (const error of cluster.errors.filter((text) => !EXPECTED_ERROR.test(text)))
        throw new Violation(`logged: ${error}`)
    } finally {
      cluster.end()
      await settle()
    }
  }

  async #work(): Promise<void> {
    const cluster = this.#cluster
    const random = this.#random
    const { time } = cluster
    const mode = random.below(4)
    // Who may die: any, one that no client asks, or none.
    const victims = mode === 0 ? [] : mode === 1 ? [random.pick(cluster.hosts)] : cluster.hosts
    const client = new ClusterClient(
      cluster,
      new SimRandom(this.#seed * 3 + 7),
      mode === 1 ? victims[0]! : null,
    )
    const dataCenters = new Set(this.#places.map(({ dataCenter }) => dataCenter)).size
    const context: PartContext = { client, random: client.random, dataCenters, count: this.#count }
    const parts = partsOf(context)
    await this.#prepare(parts)
    const plan = {
      powerLoss: this.#commitlogSync !== 'periodic',
      victims,
      gapMs: random.pick([2_000, 5_000, 10_000]),
    }
    const faults = new Faults(cluster, new SimRandom(this.#seed * 5 + 11), plan, this.#count)
    client.onAsk = (host) => faults.asked(host)
    this.#watch(faults.run())
    const end = time.nowMs + random.pick([10_000, 20_000, 40_000])
    const clients = Array.from({ length: 3 }, () => this.#watch(this.#clientLoop(client.random, parts, end)))
    await time.run(Promise.all(clients))
    this.#throwFailure()
    await time.run(faults.heal())
    await cluster.whole()
    await this.#settleKept()
    this.#throwFailure()
    if (client.complaints.length > 0) throw new Violation(client.complaints.join('\n'))
    const isKept = mode === 0 || mode === 1
    if (isKept) this.#compareReplicas(parts, 'after hints')
    await this.#finish(client, parts)
    this.#count('requests', client.requests)
    for (const [name, times] of client.errors) this.#count(name, times)
  }

  /** Remembers what a promise that nobody waits for is rejected with. */
  async #watch(promise: Promise<void>): Promise<void> {
    try {
      await promise
    } catch (error) {
      this.#failure ??= error as Error
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }

  async #prepare(parts: readonly Part[]): Promise<void> {
    const cluster = this.#cluster
    const centers = [...new Set(this.#places.map(({ dataCenter }) => dataCenter))]
    const factors = centers.map((name) => `'${name}': ${this.#factor(name)}`)
    const statements = [
      `CREATE KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', ${factors.join(', ')}}`,
      ...parts.flatMap(({ ddl }) => ddl),
    ]
    const host = this.#random.pick(cluster.hosts)
    for (const cql of statements) {
      cluster.say(`${host.name} <- ${cql}`)
      await cluster.time.run(
        host.serve(async (database) => {
          await new Client(database, 5).query(cql)
        }),
      )
    }
    await cluster.whole()
  }

  async #clientLoop(random: SimRandom, parts: readonly Part[], end: number): Promise<void> {
    const { time } = this.#cluster
    while (time.nowMs < end && this.#failure === null) {
      const thinkMs = random.below(random.pick([50, 500, 3_000]))
      await new Promise<void>((resolve) => time.setTimeout(resolve, thinkMs))
      await random.pick(parts).act()
    }
  }

  /** Lets hints be delivered and batches be finished. */
  async #settleKept(): Promise<void> {
    const { time, hosts } = this.#cluster
    const end = time.nowMs + KEPT_WITHIN_MS
    do {
      await time.advance(5_000)
      if (time.nowMs > end) throw new Violation('hints or batches are still there')
    } while (hosts.some((host) => host.isKeeping))
  }

  /** What each replica has by itself of each partition must be the same. */
  #compareReplicas(parts: readonly Part[], when: string): void {
    for (const table of parts.flatMap(({ tables }) => tables)) {
      // A round of Paxos may be unfinished, and a TRUNCATE may come before what it was to take away.
      if (when === 'after hints' && ['cas', 'counts', 'trunc'].includes(table)) continue
      const contents = this.#cluster.hosts.map((host) => ownRows(host, table))
      const keys = new Set(contents.flatMap((content) => [...content.keys()]))
      for (const key of [...keys].sort()) {
        const texts = contents.map((content) => content.get(key))
        const there = texts.filter((text) => text !== undefined)
        if (new Set(texts).size === 1) continue
        // Not all nodes are replicas where there are more than three.
        if (new Set(there).size === 1 && there.length >= this.#replicaCount) continue
        const detail = texts.map((text, i) => `${this.#cluster.hosts[i]!.name}: ${text}`).join('\n')
        throw new Violation(`replicas of ${table} ${key} differ ${when}\n${detail}`)
      }
    }
  }

  /** Three replicas mostly, where there are so many nodes; with one of them the coordinator is often none itself. */
  #factor(dataCenter: string): number {
    return Math.min(this.#factorMax, this.#places.filter((place) => place.dataCenter === dataCenter).length)
  }

  get #replicaCount(): number {
    const centers = new Set(this.#places.map(({ dataCenter }) => dataCenter))
    return [...centers].reduce((sum, name) => sum + this.#factor(name), 0)
  }

  async #finish(client: ClusterClient, parts: readonly Part[]): Promise<void> {
    const cluster = this.#cluster
    const tables = new Map<string, readonly Row[]>()
    for (const table of parts.flatMap((part) => part.tables)) {
      const host = this.#random.pick(cluster.hosts)
      const statement = { cql: `SELECT * FROM ks.${table}`, values: [] }
      const answer = await cluster.time.run(client.ask(host, statement, { level: Level.ALL }))
      if (answer.kind !== 'rows')
        throw new Violation(`${table} can't be read of a whole ring: ${describe(answer)}`)
      tables.set(table, answer.rows)
    }
    await cluster.time.advance(5_000)
    this.#compareReplicas(parts, 'after a read at ALL')
    for (const part of parts) await cluster.time.run(part.finish((table) => tables.get(table)!))
  }
}

function describe(answer: unknown): string {
  const { kind, error } = answer as { readonly kind: string; readonly error?: Error }
  return error === undefined ? kind : `${error}`
}

/** Mostly three nodes of one data centre; sometimes more, or two data centres. */
function placesOf(random: SimRandom): Place[] {
  const shape = random.below(10)
  if (shape < 6) return [1, 2, 3].map((i) => ({ dataCenter: 'dc1', rack: `r${i}` }))
  if (shape < 8) {
    return Array.from({ length: 4 + random.below(2) }, (_, i) => ({ dataCenter: 'dc1', rack: `r${i % 3}` }))
  }
  const each = 2 + random.below(2)
  return ['dc1', 'dc2'].flatMap((dataCenter) =>
    Array.from({ length: each }, (_, i) => ({ dataCenter, rack: `r${i}` })),
  )
}

/** Some of the parts (`PARTS=conditions,batches` for these alone), so that a seed is short and they meet each other in many ways. */
function partsOf(context: PartContext): Part[] {
  const makers: Readonly<Record<string, () => Part>> = {
    registers: () => new Registers(context),
    inserts: () => new Inserts(context, 'ins', false),
    truncated: () => new Inserts(context, 'trunc', true),
    counters: () => new Counters(context),
    conditions: () => new Conditions(context),
    batches: () => new Batches(context),
    schema: () => new SchemaChanges(context),
  }
  const names = Object.keys(makers)
  const wanted = process.env['PARTS']?.split(',')
  const chosen = wanted ?? names.filter(() => context.random.chance(0.35))
  return (chosen.length === 0 ? [context.random.pick(names)] : chosen).map((name) => makers[name]!())
}

/** By partition keys: what a node has of a table, asked as if it were alone. */
function ownRows(host: SimHost, table: string): Map<string, string> {
  const { database } = host
  const { engine, schema, virtual } = database
  const apart = new QueryProcessor({
    ...host.ports,
    engine,
    schema,
    virtual,
    counterId: new Uint8Array(16),
  })
  const result = new Client({ ...database, processor: apart }, 5).query(`SELECT * FROM ks.${table}`)
  if (result instanceof Promise || result.kind !== 'rows') throw new Error('not answered at once')
  const rows = new Map<string, string>()
  for (const values of valuesOf(result)) {
    const key = String(values[0])
    const text = textOf(values)
    rows.set(key, `${rows.get(key) ?? ''}${text}`)
  }
  return rows
}
