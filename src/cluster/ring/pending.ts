/** Who will replicate what once the changes that are under way are done (`TokenMetadata.calculatePendingRanges`). */

import { Ring, type RingNode } from './ring.ts'
import type { ReplicationStrategy } from './strategy.ts'
import { tokenHigh, tokenLow } from './token.ts'

const NONE: readonly RingNode[] = Object.freeze([])

/**
 * The nodes that are to be written to beside the natural replicas: those that are no replica yet and will be when the
 * leaving ones have left, when one of the joining ones has joined or one of the moving ones has moved. Each joining and
 * each moving node is looked at by itself, since nobody knows which of them will be first, or be at all.
 */
export class PendingPlacement {
  /** The ring and the tokens that are to come: no range between two of them has more than one answer. */
  readonly #boundaries: Ring
  readonly #table: readonly (readonly RingNode[])[]

  constructor(ring: Ring, strategy: ReplicationStrategy) {
    const { joining, leaving, moving } = ring.changes
    const allLeft = Ring.of(ring.members().filter((member) => !leaving.includes(member.node.hostId)))
    const ahead = [
      allLeft,
      ...joining.map((member) => allLeft.with(member.node, member.tokens)),
      ...moving.map((member) => allLeft.with(member.node, member.tokens)),
    ].map((after) => after.placement(strategy))
    const tokens = new Set(ring.members().flatMap((member) => [...member.tokens]))
    for (const member of [...joining, ...moving]) for (const token of member.tokens) tokens.add(token)
    this.#boundaries = Ring.of([{ node: BOUNDARY, tokens }])
    const now = ring.placement(strategy)
    this.#table = Array.from({ length: this.#boundaries.size }, (_, position) => {
      const token = this.#boundaries.token(position)
      const [hi, lo] = [tokenHigh(token), tokenLow(token)]
      const natural = now.replicas(hi, lo)
      const pending = new Map<string, RingNode>()
      for (const placement of ahead) {
        for (const node of placement.replicas(hi, lo)) {
          if (!natural.some((replica) => replica.hostId === node.hostId)) pending.set(node.hostId, node)
        }
      }
      return pending.size === 0 ? NONE : Object.freeze([...pending.values()])
    })
  }

  /** The pending replicas of a token, frozen; allocates nothing. */
  replicas(hi: number, lo: number): readonly RingNode[] {
    return this.#table.length === 0 ? NONE : this.#table[this.#boundaries.positionOf(hi, lo)]!
  }
}

/** Owns the tokens of a ring that only its boundaries matter of. */
const BOUNDARY: RingNode = {
  hostId: '',
  endpoint: { host: '', port: 0, text: '', address: new Uint8Array(4) },
  dataCenter: '',
  rack: '',
}
