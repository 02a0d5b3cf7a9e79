/** Nodes and their tokens as one immutable value (`TokenMetadata`). */

import { compare64 } from '../../model/row-format.ts'
import { compareEndpoints, type Endpoint } from '../endpoint.ts'
import { PendingPlacement } from './pending.ts'
import { Placement } from './placement.ts'
import type { ReplicationStrategy } from './strategy.ts'
import { type RingRange, tokenFrom, tokenHigh, tokenLow } from './token.ts'

/** A member of the ring as placement sees it. */
export interface RingNode {
  /** A UUID as text. */
  readonly hostId: string
  readonly endpoint: Endpoint
  readonly dataCenter: string
  readonly rack: string
}

/** A node and the tokens that it has. */
export interface RingMember {
  readonly node: RingNode
  readonly tokens: Iterable<bigint>
}

/** What is not settled: who joins, leaves or moves. They are no members, or still are, as if nothing happened. */
export interface RingChanges {
  /** Nodes that will be members with these tokens. A token of a member is taken over from it: its node is replaced. */
  readonly joining: readonly RingMember[]
  /** Host ids of members that will be none. */
  readonly leaving: readonly string[]
  /** Members that will have these tokens in the place of theirs. */
  readonly moving: readonly RingMember[]
}

export const NO_CHANGES: RingChanges = Object.freeze({ joining: [], leaving: [], moving: [] })

/** Makes the order of signed halves that of unsigned ones. */
const SIGN = -0x80000000

interface Entry {
  readonly token: bigint
  readonly node: RingNode
}

/**
 * A ring, immutable: changes give a new one. Nodes are in the order of their endpoints and tokens ascending, whatever
 * the order in which they came, so that equal members make equal rings. Only nodes with tokens are members.
 */
export class Ring {
  static readonly EMPTY: Ring = new Ring([], [], NO_CHANGES)

  /** The members, in the order of their endpoints. */
  readonly nodes: readonly RingNode[]
  /** Halves of the tokens in ascending order, not to be written to. */
  readonly tokenHi: Int32Array
  readonly tokenLo: Int32Array
  /** For each token the index of its owner in `nodes`. */
  readonly owners: Int32Array
  /** For the first bits of a token, and one more: the first position whose token has these or greater ones. */
  readonly #starts: Int32Array
  readonly #startShift: number
  readonly #byHostId: ReadonlyMap<string, number>
  readonly #byEndpoint: ReadonlyMap<string, number>
  /** What is under way; placement does not see it, `pendingReplicas` does. */
  readonly changes: RingChanges
  readonly #placements = new Map<string, Placement>()
  readonly #pending = new Map<string, PendingPlacement>()

  private constructor(nodes: readonly RingNode[], entries: readonly Entry[], changes: RingChanges) {
    this.nodes = Object.freeze(nodes)
    this.changes = isNone(changes) ? NO_CHANGES : changes
    this.#byHostId = new Map(nodes.map((node, i) => [node.hostId, i]))
    this.#byEndpoint = new Map(nodes.map((node, i) => [node.endpoint.text, i]))
    this.tokenHi = Int32Array.from(entries, (entry) => tokenHigh(entry.token))
    this.tokenLo = Int32Array.from(entries, (entry) => tokenLow(entry.token))
    this.owners = Int32Array.from(entries, (entry) => this.#byHostId.get(entry.node.hostId)!)
    // About as many starts as tokens, so that a search has few of these to look at.
    const bits = Math.min(16, Math.max(1, 32 - Math.clz32(entries.length)))
    this.#startShift = 32 - bits
    this.#starts = new Int32Array(2 ** bits + 1)
    for (const hi of this.tokenHi) this.#starts[((hi ^ SIGN) >>> this.#startShift) + 1]!++
    for (let i = 1; i < this.#starts.length; i++) this.#starts[i]! += this.#starts[i - 1]!
  }

  /**
   * A ring of members. Of two that have the same host id or the same endpoint the later one counts, and of two that
   * have the same token the later one owns it, as in `TokenMetadata.updateNormalTokens`.
   */
  static of(members: Iterable<RingMember>, changes: RingChanges = NO_CHANGES): Ring {
    const byHostId = new Map<string, RingNode>()
    const hostIdOf = new Map<string, string>()
    const owners = new Map<bigint, RingNode>()
    const remove = (hostId: string) => {
      hostIdOf.delete(byHostId.get(hostId)!.endpoint.text)
      byHostId.delete(hostId)
      for (const [token, owner] of owners) if (owner.hostId === hostId) owners.delete(token)
    }
    for (const { node, tokens } of members) {
      if (byHostId.has(node.hostId)) remove(node.hostId)
      const before = hostIdOf.get(node.endpoint.text)
      if (before !== undefined) remove(before)
      byHostId.set(node.hostId, node)
      hostIdOf.set(node.endpoint.text, node.hostId)
      for (const token of tokens) owners.set(token, node)
    }
    const entries = [...owners].map(([token, node]) => ({ token, node }))
    entries.sort((a, b) => (a.token < b.token ? -1 : 1))
    const nodes = [...new Set(owners.values())]
    return new Ring(
      nodes.sort((a, b) => compareEndpoints(a.endpoint, b.endpoint)),
      entries,
      changes,
    )
  }

  /** How many tokens there are, of all nodes. */
  get size(): number {
    return this.owners.length
  }

  /** The members with their tokens, from which an equal ring can be made. */
  members(): RingMember[] {
    const tokens: bigint[][] = this.nodes.map(() => [])
    for (let i = 0; i < this.size; i++) tokens[this.owners[i]!]!.push(this.token(i))
    return this.nodes.map((node, i) => ({ node, tokens: tokens[i]! }))
  }

  /**
   * This ring and one member more, or one that is known already with other tokens or at another place. What was under
   * way with that node is done.
   */
  with(node: RingNode, tokens: Iterable<bigint>): Ring {
    return Ring.of([...this.members(), { node, tokens }], changesWithout(this.changes, node.hostId))
  }

  /** This ring without a member, and without what was under way with it. */
  without(hostId: string): Ring {
    const members = this.members().filter((member) => member.node.hostId !== hostId)
    return Ring.of(members, changesWithout(this.changes, hostId))
  }

  /** This ring with other changes under way. */
  changing(changes: RingChanges): Ring {
    return Ring.of(this.members(), changes)
  }

  /** The member of a host id, or null. */
  node(hostId: string): RingNode | null {
    return this.nodes[this.#byHostId.get(hostId) ?? -1] ?? null
  }

  /** The member at an endpoint, by its text, or null. */
  nodeAt(endpointText: string): RingNode | null {
    return this.nodes[this.#byEndpoint.get(endpointText) ?? -1] ?? null
  }

  /** How many members each data centre has, in the order of their names; what DDL takes for the data centres there are. */
  dataCenters(): Map<string, number> {
    const names = this.nodes.map((node) => node.dataCenter).sort()
    const counts = new Map<string, number>()
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
    return counts
  }

  /** The tokens of a member, ascending; none where it is no member. */
  tokensOf(hostId: string): bigint[] {
    const owner = this.#byHostId.get(hostId)
    const found: bigint[] = []
    for (let i = 0; i < this.size; i++) if (this.owners[i] === owner) found.push(this.token(i))
    return found
  }

  /** The token at a position. */
  token(position: number): bigint {
    return tokenFrom(this.tokenHi[position]!, this.tokenLo[position]!)
  }

  /** The first position whose token is not less than the given one; `size` where all are. Allocates nothing. */
  lowerBound(hi: number, lo: number): number {
    const { tokenHi, tokenLo } = this
    const bucket = (hi ^ SIGN) >>> this.#startShift
    let low = this.#starts[bucket]!
    let high = this.#starts[bucket + 1]!
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare64(tokenHi[middle]!, tokenLo[middle]!, hi, lo) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * The position that owns a token: the first that is not less, around the end of the ring
   * (`TokenMetadata.firstTokenIndex`). 0 where the ring is empty. Allocates nothing.
   */
  positionOf(hi: number, lo: number): number {
    const position = this.lowerBound(hi, lo)
    return position === this.tokenHi.length ? 0 : position
  }

  /** The node that owns a token, or null where the ring is empty. */
  ownerOf(hi: number, lo: number): RingNode | null {
    return this.size === 0 ? null : this.nodes[this.owners[this.positionOf(hi, lo)]!]!
  }

  /** What the token at a position owns: after the token before it, up to and including itself. */
  range(position: number): RingRange {
    return { left: this.token(position === 0 ? this.size - 1 : position - 1), right: this.token(position) }
  }

  /** All ranges in the order of their tokens, each token's own; together the whole ring. */
  ranges(): RingRange[] {
    return Array.from(this.owners, (_, position) => this.range(position))
  }

  /** Who replicates what under a strategy; computed at its first use and kept. */
  placement(strategy: ReplicationStrategy): Placement {
    let placement = this.#placements.get(strategy.key)
    if (placement === undefined) {
      placement = new Placement(this, strategy)
      this.#placements.set(strategy.key, placement)
    }
    return placement
  }

  /** The natural replicas of a token in the order of the ring, frozen; allocates nothing once the table is made. */
  replicas(strategy: ReplicationStrategy, hi: number, lo: number): readonly RingNode[] {
    return this.placement(strategy).replicas(hi, lo)
  }

  /**
   * The nodes that are to be written to beside the natural replicas, because they will be replicas of a token when the
   * changes are done; frozen, and empty where nothing is under way. Allocates nothing once the table is made.
   */
  pendingReplicas(strategy: ReplicationStrategy, hi: number, lo: number): readonly RingNode[] {
    if (this.changes === NO_CHANGES || strategy.kind === 'LocalStrategy') return NONE
    let pending = this.#pending.get(strategy.key)
    if (pending === undefined) {
      pending = new PendingPlacement(this, strategy)
      this.#pending.set(strategy.key, pending)
    }
    return pending.replicas(hi, lo)
  }
}

const NONE: readonly RingNode[] = Object.freeze([])

function changesWithout({ joining, leaving, moving }: RingChanges, hostId: string): RingChanges {
  const isOther = (member: RingMember) => member.node.hostId !== hostId
  return {
    joining: joining.filter(isOther),
    leaving: leaving.filter((id) => id !== hostId),
    moving: moving.filter(isOther),
  }
}

function isNone({ joining, leaving, moving }: RingChanges): boolean {
  return joining.length === 0 && leaving.length === 0 && moving.length === 0
}
