/** The tokens of a node that has none yet (`BootStrapper.getBootstrapTokens`). */

import { ConfigurationError } from '../../common/errors.ts'
import { parseInt64 } from '../../common/java-numbers.ts'
import type { Random } from '../../io/random.ts'
import type { Ring } from './ring.ts'
import { MINIMUM_TOKEN, tokenHigh, tokenLow } from './token.ts'

/** The documents' number; cassandra.yaml of 5.0 says 16. */
export const DEFAULT_NUM_TOKENS = 256

const MOST_TOKENS = 1536
const TWO_TO_64 = 2n ** 64n

/** Draws of which a joining node takes the one that leaves the ring most even. */
const DRAWS = 8

export interface TokenSettings {
  /** Tokens that were asked for, or null: random ones. */
  readonly tokens: readonly bigint[] | null
  readonly count: number
}

/**
 * What `initial_token` (tokens with commas between them) and `num_tokens` say; undefined is not said. Throws a
 * ConfigurationError with Cassandra's text (`DatabaseDescriptor.applyTokensConfig`).
 */
export function tokenSettings(
  initialToken: string | undefined,
  numTokens: number | undefined,
  defaultCount: number = DEFAULT_NUM_TOKENS,
): TokenSettings {
  if (numTokens !== undefined && numTokens > MOST_TOKENS) {
    throw new ConfigurationError(`A maximum number of ${MOST_TOKENS} tokens per node is supported`)
  }
  if (initialToken === undefined) {
    const count = numTokens ?? defaultCount
    if (count < 1) throw new ConfigurationError('num_tokens must be >= 1')
    return { tokens: null, count }
  }
  const texts = initialToken
    .split(',')
    .filter((text) => text !== '')
    .map((text) => text.trim())
  if (numTokens === undefined && texts.length !== 1) {
    throw new ConfigurationError('initial_token was set but num_tokens is not!')
  }
  if (numTokens !== undefined && texts.length !== numTokens) {
    throw new ConfigurationError(
      `The number of initial tokens (by initial_token) specified (${texts.length}) is different from num_tokens value (${numTokens})`,
    )
  }
  // `initial_token:` with nothing behind it is no token, as in Cassandra.
  if (texts.length === 0) throw new ConfigurationError('num_tokens must be >= 1')
  return { tokens: texts.map(parseToken), count: texts.length }
}

/** Reads a token; throws a ConfigurationError for what is none. */
export function parseToken(text: string): bigint {
  const token = parseInt64(text)
  if (token !== null) return token
  throw new ConfigurationError(
    `Invalid token for Murmur3Partitioner. Got ${text} but expected a long value (unsigned 8 bytes integer).`,
  )
}

/**
 * The tokens of a new node: those that were asked for, which nobody may have yet, or random ones that are not in the
 * ring. Throws a ConfigurationError for a token that is taken.
 *
 * A draw has a token in each of `count` equal parts of the ring, somewhere in it, so that nodes that start at once and don't see
 * each other are more even than by tokens from anywhere. A node that sees others in its data centre makes several draws
 * and takes the one after which the largest difference of a node there from its fair part is least. Cassandra draws
 * anywhere and once; the tokens of its allocator (`allocate_tokens_for_local_replication_factor`) split what others have.
 */
export function chooseTokens(
  { tokens, count }: TokenSettings,
  dataCenter: string,
  ring: Ring,
  random: Random,
): bigint[] {
  if (tokens !== null) {
    for (const token of tokens) {
      if (!isTaken(ring, token)) continue
      throw new ConfigurationError(
        `Bootstrapping to existing token ${token} is not allowed (decommission/removenode the old node first).`,
      )
    }
    return [...tokens]
  }
  const balance = new Balance(ring, dataCenter)
  let best = draw(count, ring, random)
  if (balance.isEmpty) return best
  let least = balance.worstAfter(best)
  for (let i = 1; i < DRAWS; i++) {
    const tokens = draw(count, ring, random)
    const worst = balance.worstAfter(tokens)
    if (worst >= least) continue
    least = worst
    best = tokens
  }
  return best
}

function isTaken(ring: Ring, token: bigint): boolean {
  return ring.size > 0 && ring.token(ring.positionOf(tokenHigh(token), tokenLow(token))) === token
}

/** Ascending tokens, one in each of so many equal parts of the ring. */
function draw(count: number, ring: Ring, random: Random): bigint[] {
  return Array.from({ length: count }, (_, i) => {
    const start = (BigInt(i) * TWO_TO_64) / BigInt(count)
    const width = (BigInt(i + 1) * TWO_TO_64) / BigInt(count) - start
    for (;;) {
      const offset = ((BigInt(random.uint32()) << 32n) | BigInt(random.uint32())) % width
      const token = MINIMUM_TOKEN + start + offset
      // Keys don't have the least token, so to own up to it is to own up to the greatest.
      if (token !== MINIMUM_TOKEN && !isTaken(ring, token)) return token
    }
  })
}

/** How even a data centre's own ring is, and would be with one node more; parts of the ring are numbers from 0 to 1. */
class Balance {
  /** Distances from the first token, ascending. */
  readonly #at: Float64Array
  readonly #owners: Int32Array
  readonly #owned: Float64Array
  readonly #counts: Int32Array
  readonly #first: bigint

  constructor(ring: Ring, dataCenter: string) {
    const positions = Array.from(ring.owners.keys()).filter(
      (position) => ring.nodes[ring.owners[position]!]!.dataCenter === dataCenter,
    )
    this.#first = positions.length === 0 ? 0n : ring.token(positions[0]!)
    this.#at = Float64Array.from(positions, (position) => this.#distance(ring.token(position)))
    this.#owners = Int32Array.from(positions, (position) => ring.owners[position]!)
    this.#owned = new Float64Array(ring.nodes.length)
    this.#counts = new Int32Array(ring.nodes.length)
    for (const [i, owner] of this.#owners.entries()) {
      this.#counts[owner]!++
      this.#owned[owner]! += i === 0 ? 1 - this.#at.at(-1)! : this.#at[i]! - this.#at[i - 1]!
    }
  }

  get isEmpty(): boolean {
    return this.#at.length === 0
  }

  #distance(token: bigint): number {
    return Number(BigInt.asUintN(64, token - this.#first)) / 2 ** 64
  }

  /** The largest difference of a node from its part, of which 1 is all, were a node with these tokens added. */
  worstAfter(tokens: readonly bigint[]): number {
    const owned = this.#owned.slice()
    const added = Float64Array.from(tokens, (token) => this.#distance(token)).sort()
    let total = 0
    let before = 0
    let next = 0
    for (const token of added) {
      while (next < this.#at.length && this.#at[next]! < token) before = this.#at[next++]!
      const taken = token - before
      owned[this.#owners[next === this.#at.length ? 0 : next]!]! -= taken
      total += taken
      before = token
    }
    const all = this.#owners.length + tokens.length
    let worst = Math.abs((total * all) / tokens.length - 1)
    for (let i = 0; i < owned.length; i++) {
      if (this.#counts[i]! > 0) worst = Math.max(worst, Math.abs((owned[i]! * all) / this.#counts[i]! - 1))
    }
    return worst
  }
}
