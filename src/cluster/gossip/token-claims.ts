import { type Endpoint, endpointLogText } from '../endpoint.ts'
import type { Gossiper } from './gossiper.ts'
import type { LocalMember } from './membership-event.ts'
import type { PeerTable } from './peers.ts'
import type { GossipLogger } from './subscriber.ts'
import type { TokenMap } from './token-map.ts'
import { parseTokens } from './versioned-value.ts'

/** Who owns what, where several nodes say that it is theirs: whoever started last. */
export class TokenClaims {
  readonly #local: LocalMember
  readonly #tokens: TokenMap
  readonly #peers: PeerTable
  readonly #gossiper: Gossiper
  readonly #log: GossipLogger

  constructor(local: LocalMember, tokens: TokenMap, peers: PeerTable, gossiper: Gossiper, log: GossipLogger) {
    this.#local = local
    this.#tokens = tokens
    this.#peers = peers
    this.#gossiper = gossiper
    this.#log = log
  }

  /** The tokens that it says it has; none where it says none, or nonsense. */
  tokensSaid(endpoint: Endpoint): bigint[] {
    const value = this.#gossiper.state(endpoint)?.value('TOKENS')
    return value === undefined ? [] : (parseTokens(value) ?? [])
  }

  hostIdSaid(endpoint: Endpoint): string | undefined {
    return this.#gossiper.state(endpoint)?.value('HOST_ID')
  }

  /**
   * A host id belongs to one node: of two that claim it, to the one that started later, which is the same at another
   * address. False where it is another's; what claimed it wrongly is forgotten.
   */
  claimHostId(endpoint: Endpoint, hostId: string): boolean {
    const existing = this.#tokens.endpointOf(hostId)
    if (existing === undefined || existing.text === endpoint.text) {
      this.#tokens.updateHostId(endpoint, hostId)
      return true
    }
    const name = endpointLogText(endpoint)
    const collision = `Host ID collision for ${hostId} between ${endpointLogText(existing)} and ${name}`
    if (existing.text === this.#local.endpoint.text) {
      this.#log.warn(`Not updating host ID ${hostId} for ${name} because it's mine`)
    } else if (this.#gossiper.compareStartup(endpoint, existing) > 0) {
      this.#log.warn(`${collision}; ${name} is the new owner`)
      this.forget(existing)
      this.#tokens.updateHostId(endpoint, hostId)
      return true
    } else {
      this.#log.warn(`${collision}; ignored ${name}`)
    }
    this.forget(endpoint)
    return false
  }

  /** A token that two nodes say they own is of the one that started later (`updateTokenMetadata`). */
  claimTokens(endpoint: Endpoint, tokens: readonly bigint[]): void {
    const owned: bigint[] = []
    const losers = new Map<string, Endpoint>()
    for (const token of tokens) {
      const owner = this.#tokens.ownerOf(token)
      const isReplaced = owner !== undefined && owner.text === this.#tokens.replacedBy(endpoint)?.text
      if (owner === undefined || owner.text === endpoint.text) {
        owned.push(token)
      } else if (isReplaced || this.#gossiper.compareStartup(endpoint, owner) > 0) {
        owned.push(token)
        losers.set(owner.text, owner)
        this.#log.info(
          this.#sameToken(endpoint, owner, token, `${endpointLogText(endpoint)} is the new owner`),
        )
      } else {
        this.#log.info(this.#sameToken(endpoint, owner, token, `Ignoring ${endpointLogText(endpoint)}`))
      }
    }
    this.#tokens.updateTokens(endpoint, owned)
    for (const loser of losers.values()) {
      if (!this.#tokens.isMember(loser)) this.forget(loser)
      else this.#peers.setTokens(loser, this.#tokens.tokensOf(loser))
    }
  }

  #sameToken(a: Endpoint, b: Endpoint, token: bigint, outcome: string): string {
    return `Nodes ${endpointLogText(a)} and ${endpointLogText(b)} have the same token ${token}. ${outcome}`
  }

  /** Makes it own what it says, so that what becomes of its ranges is known although its joining was missed. */
  ensureMember(endpoint: Endpoint, status: string): void {
    const tokens = this.tokensSaid(endpoint)
    if (!this.#tokens.isMember(endpoint))
      this.#log.info(`Node ${endpointLogText(endpoint)} state jump to ${status}`)
    const hostId = this.hostIdSaid(endpoint)
    if (hostId !== undefined && !this.claimHostId(endpoint, hostId)) return
    this.claimTokens(endpoint, tokens)
  }

  /**
   * It has no place any more, since another node has it; nobody is told. Cassandra goes on to pass its state around
   * for a while, so that an address which a node had before comes back now and then.
   */
  forget(endpoint: Endpoint): void {
    this.#gossiper.replacedEndpoint(endpoint)
    this.#peers.remove(endpoint)
  }

  /** It is gone; that it left is passed on. */
  removeEndpoint(endpoint: Endpoint): void {
    this.#gossiper.removeEndpoint(endpoint)
    this.#peers.remove(endpoint)
  }
}
