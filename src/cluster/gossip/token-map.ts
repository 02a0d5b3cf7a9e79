import type { Endpoint } from '../endpoint.ts'

/**
 * Who owns which token and who is about to (the mutable half of `TokenMetadata`): the ring's value is made of it.
 * A member is who owns a token.
 */
export class TokenMap {
  /** Text of an endpoint to host id and back. */
  readonly #hostIds = new Map<string, string>()
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #owners = new Map<bigint, Endpoint>()
  readonly #tokens = new Map<string, Set<bigint>>()
  readonly #bootstrapping = new Map<bigint, Endpoint>()
  readonly #leaving = new Set<string>()
  readonly #moving = new Map<string, { readonly endpoint: Endpoint; readonly token: bigint }>()
  /** Text of the new node to the old one whose place it takes. */
  readonly #replacing = new Map<string, Endpoint>()
  /** Grows with each change. */
  version = 0

  isMember(endpoint: Endpoint): boolean {
    return this.#tokens.has(endpoint.text)
  }

  get members(): string[] {
    return [...this.#tokens.keys()]
  }

  /** Ascending; none where it is no member. */
  tokensOf(endpoint: Endpoint): bigint[] {
    return ascending(this.#tokens.get(endpoint.text) ?? [])
  }

  ownerOf(token: bigint): Endpoint | undefined {
    return this.#owners.get(token)
  }

  hostIdOf(endpoint: Endpoint): string | undefined {
    return this.#hostIds.get(endpoint.text)
  }

  /** The node of a host id, or undefined. */
  endpointOf(hostId: string): Endpoint | undefined {
    return this.#endpoints.get(hostId)
  }

  updateHostId(endpoint: Endpoint, hostId: string): void {
    if (this.#hostIds.get(endpoint.text) === hostId) return
    this.#removeHostId(endpoint)
    const before = this.#endpoints.get(hostId)
    if (before !== undefined) this.#hostIds.delete(before.text)
    this.#hostIds.set(endpoint.text, hostId)
    this.#endpoints.set(hostId, endpoint)
    this.version++
  }

  /** Makes it own these tokens, and no others; each is taken from who owned it. Nothing where there are none. */
  updateTokens(endpoint: Endpoint, tokens: Iterable<bigint>): void {
    const owned = new Set(tokens)
    if (owned.size === 0) return
    const { text } = endpoint
    const before = this.#tokens.get(text)
    const settled = !this.#leaving.delete(text) && !this.#moving.delete(text) && !this.#replacing.delete(text)
    if (before !== undefined && sameSet(before, owned) && settled) return
    this.#removeTokens(endpoint)
    this.#removeBootstrapTokens(endpoint)
    for (const token of owned) {
      const loser = this.#owners.get(token)
      if (loser !== undefined) this.#take(loser, token)
      this.#owners.set(token, endpoint)
    }
    this.#tokens.set(text, owned)
    this.version++
  }

  #take(from: Endpoint, token: bigint): void {
    const tokens = this.#tokens.get(from.text)!
    tokens.delete(token)
    if (tokens.size === 0) this.#tokens.delete(from.text)
  }

  #removeTokens(endpoint: Endpoint): void {
    for (const token of this.#tokens.get(endpoint.text) ?? []) this.#owners.delete(token)
    this.#tokens.delete(endpoint.text)
  }

  #removeBootstrapTokens(endpoint: Endpoint): void {
    for (const [token, owner] of this.#bootstrapping) {
      if (owner.text === endpoint.text) this.#bootstrapping.delete(token)
    }
  }

  #removeHostId(endpoint: Endpoint): void {
    const hostId = this.#hostIds.get(endpoint.text)
    if (hostId === undefined) return
    this.#hostIds.delete(endpoint.text)
    this.#endpoints.delete(hostId)
  }

  /** Forgets all of it (`TokenMetadata.removeEndpoint`). */
  remove(endpoint: Endpoint): void {
    this.#removeBootstrapTokens(endpoint)
    this.#removeTokens(endpoint)
    this.#removeHostId(endpoint)
    this.#leaving.delete(endpoint.text)
    this.#moving.delete(endpoint.text)
    this.#replacing.delete(endpoint.text)
    this.version++
  }

  /** It will own these tokens; false where another node owns or claims one of them. */
  bootstrap(endpoint: Endpoint, tokens: readonly bigint[], replaced?: Endpoint): boolean {
    for (const token of tokens) {
      const claimed = this.#bootstrapping.get(token)
      if (claimed !== undefined && claimed.text !== endpoint.text) return false
      const owner = this.#owners.get(token)
      if (owner !== undefined && owner.text !== endpoint.text && owner.text !== replaced?.text) return false
    }
    this.#removeBootstrapTokens(endpoint)
    for (const token of tokens) this.#bootstrapping.set(token, endpoint)
    if (replaced !== undefined) this.#replacing.set(endpoint.text, replaced)
    this.version++
    return true
  }

  /** The node whose place it takes. */
  replacedBy(endpoint: Endpoint): Endpoint | undefined {
    return this.#replacing.get(endpoint.text)
  }

  leave(endpoint: Endpoint): void {
    if (!this.#leaving.has(endpoint.text)) this.version++
    this.#leaving.add(endpoint.text)
  }

  isLeaving(endpoint: Endpoint): boolean {
    return this.#leaving.has(endpoint.text)
  }

  move(endpoint: Endpoint, token: bigint): void {
    this.#moving.set(endpoint.text, { endpoint, token })
    this.version++
  }

  isMoving(endpoint: Endpoint): boolean {
    return this.#moving.has(endpoint.text)
  }

  /** Nodes that will own tokens, and these, ascending. */
  get joining(): Map<Endpoint, bigint[]> {
    const byEndpoint = new Map<string, { endpoint: Endpoint; tokens: bigint[] }>()
    for (const [token, endpoint] of this.#bootstrapping) {
      const entry = byEndpoint.get(endpoint.text) ?? { endpoint, tokens: [] }
      byEndpoint.set(endpoint.text, entry)
      entry.tokens.push(token)
    }
    return new Map([...byEndpoint.values()].map(({ endpoint, tokens }) => [endpoint, ascending(tokens)]))
  }

  get leaving(): string[] {
    return [...this.#leaving]
  }

  get moving(): { readonly endpoint: Endpoint; readonly token: bigint }[] {
    return [...this.#moving.values()]
  }
}

function ascending(tokens: Iterable<bigint>): bigint[] {
  return [...tokens].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function sameSet(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): boolean {
  if (a.size !== b.size) return false
  for (const token of a) if (!b.has(token)) return false
  return true
}
