import type { ClusterView } from '../../src/cluster/coordinator/cluster-view.ts'
import { DEFAULT_REQUEST_TIMEOUTS, type RequestTimeouts } from '../../src/cluster/coordinator/cluster-view.ts'
import { Coordinator } from '../../src/cluster/coordinator/coordinator.ts'
import type { Replicas } from '../../src/cluster/coordinator/replica-plan.ts'
import { endpoint } from '../../src/cluster/endpoint.ts'
import type { InternodeMessaging } from '../../src/cluster/messaging/index.ts'
import { PaxosAcceptor } from '../../src/cluster/paxos/index.ts'
import { LocalCommits } from '../../src/cluster/replica/local-commits.ts'
import {
  NO_READ_THRESHOLDS,
  type ReadThresholdsAtReplica,
} from '../../src/cluster/replica/read-thresholds.ts'
import { Replica } from '../../src/cluster/replica/replica.ts'
import { ReplicaMetrics } from '../../src/cluster/replica/replica-metrics.ts'
import { Ring, type RingMember, type RingNode } from '../../src/cluster/ring/ring.ts'
import { isWorthMerging, SimpleSnitch } from '../../src/cluster/ring/snitch.ts'
import { Traces } from '../../src/cluster/traces.ts'
import type { ConsistencyLevel } from '../../src/common/errors.ts'
import { TimestampSource } from '../../src/io/clock.ts'
import type { QueryOptions } from '../../src/model/query-options.ts'
import type { QueryResult } from '../../src/model/query-result.ts'
import type { Database } from '../../src/node/database.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { QueryProcessor } from '../../src/query/query-processor.ts'
import { Client, openNode, valuesOf } from '../golden/describe/client.ts'
import { SimServices } from '../messaging/sim-services.ts'

/** A place for a node: its data centre, rack and tokens. */
export interface Place {
  readonly dataCenter?: string
  readonly rack?: string
  readonly tokens: readonly bigint[]
}

export interface SimRingOptions {
  readonly seed?: number
  readonly places: readonly Place[]
  readonly timeouts?: Partial<RequestTimeouts>
  readonly thresholds?: ReadThresholdsAtReplica
  /** By cassandra.yaml's names. */
  readonly settings?: SibylOptions['settings']
  /** How all keyspaces are replicated, whatever their schema says: DDL does not know the data centres of the ring. */
  readonly replication?: Readonly<Record<string, string>>
}

/** One node of a ring in memory: its database, and what makes it part of the ring. */
export interface SimNode {
  readonly node: RingNode
  readonly database: Database
  readonly client: Client
  /** Executes what it is asked on this node alone, as if there were no ring. */
  readonly alone: Client
  readonly messaging: InternodeMessaging
  readonly coordinator: Coordinator
  readonly view: SimView
}

/** What a node knows of the others; tests change it. */
export class SimView implements ClusterView {
  epoch = 1
  readonly localNode: RingNode
  readonly down = new Set<string>()
  #ring: Ring

  constructor(localNode: RingNode, ring: Ring) {
    this.localNode = localNode
    this.#ring = ring
  }

  ring(): Ring {
    return this.#ring
  }

  change(ring: Ring): void {
    this.#ring = ring
    this.epoch++
  }

  isAlive({ hostId }: RingNode): boolean {
    return !this.down.has(hostId)
  }

  isRpcReady(node: RingNode): boolean {
    return this.isAlive(node)
  }

  /** This node first, then its data centre, then the others; else as the ring has them. */
  sortedByProximity(nodes: Replicas): Replicas {
    const far = (node: RingNode): number =>
      node.hostId === this.localNode.hostId ? 0 : node.dataCenter === this.localNode.dataCenter ? 1 : 2
    return [...nodes].sort((a, b) => far(a) - far(b))
  }

  isWorthMerging(merged: Replicas, first: Replicas, second: Replicas): boolean {
    return isWorthMerging(new SimpleSnitch(), this.localNode.dataCenter, merged, first, second)
  }
}

/** Nodes with fixed tokens that write to and read from each other, over a simulated network and in simulated time. */
export class SimRing {
  readonly sim: SimServices
  readonly nodes: SimNode[] = []

  private constructor(sim: SimServices) {
    this.sim = sim
  }

  static async start({
    seed = 1,
    places,
    timeouts,
    thresholds,
    settings = {},
    replication,
  }: SimRingOptions): Promise<SimRing> {
    const sim = new SimServices(seed)
    const ring = new SimRing(sim)
    const members = places.map(({ dataCenter = 'datacenter1', rack = 'rack1', tokens }, i): RingMember => {
      const host = endpoint(sim.host(i + 1))!
      const hostId = `00000000-0000-4000-8000-00000000000${i + 1}`
      return { node: { hostId, endpoint: host, dataCenter, rack }, tokens }
    })
    const replicated = replication === undefined ? null : new Map(Object.entries(replication))
    const tokenRing = Ring.of(members)
    for (const [i, { node }] of members.entries()) {
      const messaging = await sim.start(i + 1)
      const { clock, timers, random } = sim
      const database = await openNode({ settings }, { clock, timers, random })
      const { engine, schema, processor } = database
      const commits = new LocalCommits(engine, timers)
      const log = (text: string) => void sim.log.push(`${i + 1}: ${text}`)
      const logger = { warn: log, error: log }
      const tableById = (id: string) => schema.current.tableById(id)
      const parts = {
        messaging,
        engine,
        clock,
        timers,
        logger,
        commits,
        thresholds: thresholds ?? NO_READ_THRESHOLDS,
        replicaMetrics: new ReplicaMetrics(clock),
      }
      const view = new SimView(node, tokenRing)
      const traces = new Traces()
      const coordinator = new Coordinator({
        ...parts,
        traces,
        view,
        random,
        timeouts: { ...DEFAULT_REQUEST_TIMEOUTS, ...timeouts },
        counterId: new Uint8Array(16).fill(i + 1),
        schema: {
          replicationOf: (name) =>
            (name === 'ks' ? replicated : null) ??
            schema.current.keyspaces.get(name)?.params.replication ??
            null,
          tableById,
          tableByHandle: (handle) => schema.current.tableByHandle(handle)!,
        },
      })
      new Replica({ ...parts, tableById, traces }).listen()
      coordinator.listen()
      coordinator.usePaxos(new TimestampSource(clock), 1_800)
      const paxos = schema.system.table('paxos')
      new PaxosAcceptor({ ...parts, paxos, tableById, truncatedAtMs: () => 0 }).listen()
      processor.useCluster(coordinator)
      const client = new Client(database)
      const apart = { engine, schema, clock, timers, random, virtual: database.virtual }
      const timestamps = new TimestampSource(clock)
      const alone = new Client({
        ...database,
        processor: new QueryProcessor({ ...apart, timestamps, counterId: new Uint8Array(16) }),
      })
      ring.nodes.push({ node, database, client, alone, messaging, coordinator, view })
    }
    return ring
  }

  /** Changes the schema at every node; tables are to be given an id. */
  async schema(...statements: string[]): Promise<void> {
    for (const { client } of this.nodes)
      for (const cql of statements) await this.sim.timers.run(Promise.resolve(client.query(cql)))
  }

  /** Executes a statement at a node, by its number from 0, and lets time pass until it is answered. */
  async query(
    at: number,
    cql: string,
    consistency: ConsistencyLevel,
    options: Partial<QueryOptions> = {},
  ): Promise<QueryResult> {
    const start = async (): Promise<QueryResult> =>
      this.nodes[at]!.client.query(cql, { consistency, ...options })
    return this.sim.timers.run(start())
  }

  /** The values of a SELECT's rows. */
  async rows(at: number, cql: string, consistency: ConsistencyLevel): Promise<unknown[][]> {
    const result = await this.query(at, cql, consistency)
    return result.kind === 'rows' ? valuesOf(result) : []
  }

  /** The error of a statement; throws where there is none. */
  async error(at: number, cql: string, consistency: ConsistencyLevel): Promise<Error> {
    try {
      await this.query(at, cql, consistency)
    } catch (error) {
      return error as Error
    }
    throw new Error(`${cql} was answered`)
  }

  /** What a node has by itself. */
  ownRows(at: number, cql: string): Promise<unknown[][]> {
    return this.nodes[at]!.alone.rows(cql)
  }

  /** Nothing gets to or from a node any more; the others need not know. */
  cut(at: number): void {
    const { network } = this.sim
    for (let n = 0; n < this.nodes.length; n++) {
      if (n === at) continue
      network.cut(this.sim.host(at + 1), this.sim.host(n + 1))
      network.cut(this.sim.host(n + 1), this.sim.host(at + 1))
    }
  }

  heal(at: number): void {
    const { network } = this.sim
    for (let n = 0; n < this.nodes.length; n++) {
      if (n === at) continue
      network.heal(this.sim.host(at + 1), this.sim.host(n + 1))
      network.heal(this.sim.host(n + 1), this.sim.host(at + 1))
    }
  }

  /** All nodes take a node for dead, or alive again. */
  markDown(at: number, isDown = true): void {
    const { hostId } = this.nodes[at]!.node
    for (const { view } of this.nodes) {
      if (view.localNode.hostId === hostId) continue
      if (isDown) view.down.add(hostId)
      else view.down.delete(hostId)
      view.epoch++
    }
  }
}
