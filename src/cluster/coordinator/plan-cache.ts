/** Plans, kept while nothing changes that they were made from. */

import type { ConsistencyLevel } from '../../common/errors.ts'
import type { TableMetadata } from '../../model/table.ts'
import { type ReplicationStrategy, strategyOf } from '../ring/strategy.ts'
import type { ClusterView, CoordinatorSchema } from './cluster-view.ts'
import { planRead } from './read-plan.ts'
import {
  type PlanView,
  type Replicas,
  type Speculation,
  sameNode,
  type TokenReadPlan,
  type WriteReplicaPlan,
} from './replica-plan.ts'
import { planWrite } from './write-plan.ts'

const LEVELS = 12
const SPECULATIONS: readonly Speculation[] = ['NEVER', 'ALWAYS', 'LATE']

/**
 * The plans of one keyspace. Tokens with the same replicas have the same list of them (`Placement`), and so the same plans,
 * as long as the view's epoch stays.
 */
export class KeyspacePlans {
  readonly view: PlanView
  /** The node keeps it for itself (LocalStrategy), or is alone. */
  readonly isLocal: boolean
  readonly replication: ReadonlyMap<string, string>
  readonly epoch: number
  readonly #writes: (Map<Replicas, WriteReplicaPlan> | undefined)[] = new Array(LEVELS)
  readonly #reads: (Map<Replicas, TokenReadPlan> | undefined)[] = new Array(LEVELS * SPECULATIONS.length)

  /** Throws a ConfigurationError for a replication that is none. */
  constructor(view: ClusterView, replication: ReadonlyMap<string, string>) {
    const strategy: ReplicationStrategy = strategyOf(replication, view.localNode)
    const ring = view.ring()
    const isAlone =
      ring.nodes.every((node) => sameNode(node, view.localNode)) && ring.changes.joining.length === 0
    this.isLocal = strategy.kind === 'LocalStrategy' || isAlone
    this.replication = replication
    this.epoch = view.epoch
    this.view = {
      ring,
      strategy,
      localDataCenter: view.localNode.dataCenter,
      isAlive: (node) => view.isAlive(node),
      sortedByProximity: (nodes) => view.sortedByProximity(nodes),
      isWorthMerging: (merged, first, second) => view.isWorthMerging(merged, first, second),
    }
  }

  /** Throws an UnavailableError. */
  write(level: ConsistencyLevel, hi: number, lo: number): WriteReplicaPlan {
    const { ring, strategy } = this.view
    // With pending replicas tokens of one list may differ in these.
    if (ring.pendingReplicas(strategy, hi, lo).length > 0) return planWrite(this.view, level, hi, lo)
    const natural = ring.replicas(strategy, hi, lo)
    const plans = (this.#writes[level] ??= new Map())
    let plan = plans.get(natural)
    if (plan === undefined) plans.set(natural, (plan = planWrite(this.view, level, hi, lo)))
    return plan
  }

  /** Throws an UnavailableError. */
  read(level: ConsistencyLevel, hi: number, lo: number, speculation: Speculation): TokenReadPlan {
    const natural = this.view.ring.replicas(this.view.strategy, hi, lo)
    const plans = (this.#reads[level * SPECULATIONS.length + SPECULATIONS.indexOf(speculation)] ??= new Map())
    let plan = plans.get(natural)
    if (plan === undefined) plans.set(natural, (plan = planRead(this.view, level, hi, lo, speculation)))
    return plan
  }
}

/** The plans of all keyspaces. */
export class PlanCache {
  readonly #view: ClusterView
  readonly #schema: CoordinatorSchema
  readonly #byKeyspace = new Map<string, KeyspacePlans>()
  #last: KeyspacePlans | null = null
  #lastKeyspace = ''

  constructor(view: ClusterView, schema: CoordinatorSchema) {
    this.#view = view
    this.#schema = schema
  }

  ofTable({ keyspace }: TableMetadata): KeyspacePlans {
    return this.of(keyspace)
  }

  /** The plans of a keyspace as all is now. */
  of(keyspace: string): KeyspacePlans {
    const replication = this.#schema.replicationOf(keyspace)
    const last = this.#last
    // Statements mostly are of the keyspace that the one before was of.
    if (
      last !== null &&
      this.#lastKeyspace === keyspace &&
      last.replication === replication &&
      last.epoch === this.#view.epoch
    ) {
      return last
    }
    return this.#find(keyspace, replication)
  }

  #find(keyspace: string, replication: ReadonlyMap<string, string> | null): KeyspacePlans {
    if (replication === null) throw new Error(`There is no keyspace ${keyspace}`)
    let plans = this.#byKeyspace.get(keyspace)
    if (plans === undefined || plans.replication !== replication || plans.epoch !== this.#view.epoch) {
      plans = new KeyspacePlans(this.#view, replication)
      this.#byKeyspace.set(keyspace, plans)
    }
    this.#lastKeyspace = keyspace
    this.#last = plans
    return plans
  }
}
