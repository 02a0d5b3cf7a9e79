import { compareEndpoints, type Endpoint, endpointLogText, parseEndpoint } from '../endpoint.ts'
import { Ring, type RingChanges } from '../ring/ring.ts'
import { type Location, UNKNOWN_LOCATION } from '../ring/snitch.ts'
import { type ApplicationState, Status } from './application-state.ts'
import type { EndpointState } from './endpoint-state.ts'
import type { Gossiper } from './gossiper.ts'
import { statusFirst } from './lifecycle.ts'
import type { LocalMember, MembershipEvent, MemberTokens } from './membership-event.ts'
import { type PeerChange, type PeerRow, PeerTable } from './peers.ts'
import type { EndpointStateSubscriber, GossipLogger, RingMembers } from './subscriber.ts'
import { TokenClaims } from './token-claims.ts'
import { TokenMap } from './token-map.ts'
import { splitValue, type VersionedValue } from './versioned-value.ts'

/** States of a member that are kept in system.peers. */
const PEER_STATES: ReadonlySet<ApplicationState> = new Set<ApplicationState>([
  'RELEASE_VERSION',
  'DC',
  'RACK',
  'RPC_ADDRESS',
  'NATIVE_ADDRESS_AND_PORT',
  'SCHEMA',
  'HOST_ID',
])

/**
 * The members of the ring, by what gossip says (the half of `StorageService` that subscribes to it): who owns which
 * tokens, who comes and goes, what is kept of each in system.peers.
 */
export class Membership implements EndpointStateSubscriber, RingMembers {
  readonly local: LocalMember
  readonly #log: GossipLogger
  readonly #tokens = new TokenMap()
  readonly #peers = new PeerTable()
  readonly #listeners: ((event: MembershipEvent) => void)[] = []
  #gossiper!: Gossiper
  #claims!: TokenClaims
  #ring: { readonly version: number; readonly ring: Ring } | null = null
  /** The version of the token map that listeners know. */
  #told = 0

  constructor(local: LocalMember, log: GossipLogger) {
    this.local = local
    this.#log = log
    this.#tokens.updateHostId(local.endpoint, local.hostId)
  }

  /** To be called once, before anything is heard. */
  attach(gossiper: Gossiper): void {
    this.#gossiper = gossiper
    this.#claims = new TokenClaims(this.local, this.#tokens, this.#peers, gossiper, this.#log)
    gossiper.register(this)
  }

  subscribe(listener: (event: MembershipEvent) => void): void {
    this.#listeners.push(listener)
  }

  #tell(event: MembershipEvent): void {
    if (event.kind === 'ring') this.#ring = null
    for (const listener of this.#listeners) listener(event)
  }

  #tellOfRing(): void {
    if (this.#told === this.#tokens.version) return
    this.#told = this.#tokens.version
    this.#tell({ kind: 'ring' })
  }

  // What is known

  isMember(endpoint: Endpoint): boolean {
    return this.#tokens.isMember(endpoint)
  }

  isAlive(endpoint: Endpoint): boolean {
    return endpoint.text === this.local.endpoint.text || this.#gossiper.isAlive(endpoint)
  }

  /** Whether it serves clients (`StorageService.isRpcReady`). */
  isRpcReady(endpoint: Endpoint): boolean {
    return this.#gossiper.state(endpoint)?.isRpcReady ?? false
  }

  /** Where it serves clients (`StorageService.getNativeaddress`). */
  nativeAddress(endpoint: Endpoint): Endpoint {
    if (endpoint.text === this.local.endpoint.text) return this.local.native
    const state = this.#gossiper.state(endpoint)
    const said = state?.value('NATIVE_ADDRESS_AND_PORT') ?? state?.value('RPC_ADDRESS')
    const { port } = this.local.native
    const known = said === undefined ? null : parseEndpoint(said, port)
    return known ?? this.#peers.get(endpoint)?.native ?? parseEndpoint(endpoint.host, port) ?? endpoint
  }

  hostIdOf(endpoint: Endpoint): string | undefined {
    return this.#tokens.hostIdOf(endpoint)
  }

  endpointOf(hostId: string): Endpoint | undefined {
    return this.#tokens.endpointOf(hostId)
  }

  tokensOf(endpoint: Endpoint): bigint[] {
    return this.#tokens.tokensOf(endpoint)
  }

  /** What was on disk of a node, or is to be. */
  peer(endpoint: Endpoint): PeerRow | undefined {
    return this.#peers.get(endpoint)
  }

  /** Rows of system.peers and peers_v2 that are to be written or deleted since this was called last. */
  takePeerChanges(): PeerChange[] {
    return this.#peers.takeChanges()
  }

  /**
   * The ring of the members, and what is under way in it: the same value until something of it changes. Who has not said its host
   * id yet is not in it.
   */
  get ring(): Ring {
    const { version } = this.#tokens
    if (this.#ring?.version !== version) {
      const { joining, leaving, moving } = this.ringChanges()
      const changes = { joining: joining.filter(isNamed), leaving, moving: moving.filter(isNamed) }
      this.#ring = { version, ring: Ring.of(this.ringMembers().filter(isNamed), changes) }
    }
    return this.#ring!.ring
  }

  /** The members with their tokens, in the order of addresses. */
  ringMembers(): MemberTokens[] {
    const owners = this.#tokens.members.map((text) => parseEndpoint(text)!)
    return owners
      .sort(compareEndpoints)
      .map((endpoint) => this.#member(endpoint, this.#tokens.tokensOf(endpoint)))
  }

  /** Who joins, leaves and moves, for `Ring.changing`. */
  ringChanges(): RingChanges & { readonly joining: MemberTokens[]; readonly moving: MemberTokens[] } {
    return {
      joining: [...this.#tokens.joining].map(([endpoint, tokens]) => this.#member(endpoint, tokens)),
      leaving: this.#tokens.leaving.flatMap((text) => this.#tokens.hostIdOf(parseEndpoint(text)!) ?? []),
      moving: this.#tokens.moving.map(({ endpoint, token }) => this.#member(endpoint, [token])),
    }
  }

  #member(endpoint: Endpoint, tokens: readonly bigint[]): MemberTokens {
    const hostId = this.#tokens.hostIdOf(endpoint) ?? ''
    const { dataCenter, rack } = this.place(endpoint)
    return { node: { hostId, endpoint, dataCenter, rack }, tokens }
  }

  /** Data centre and rack: as it says, or as it said last before this node started. */
  place(endpoint: Endpoint): Location {
    if (endpoint.text === this.local.endpoint.text) return this.local
    const state = this.#gossiper.state(endpoint)
    const saved = this.#peers.get(endpoint)
    return {
      dataCenter: state?.value('DC') ?? saved?.dataCenter ?? UNKNOWN_LOCATION.dataCenter,
      rack: state?.value('RACK') ?? saved?.rack ?? UNKNOWN_LOCATION.rack,
    }
  }

  /** Live nodes that own tokens and have not left (`Gossiper.getLiveTokenOwners`). */
  get liveTokenOwners(): Endpoint[] {
    return this.#gossiper.liveMembers.filter(
      (endpoint) => this.isMember(endpoint) && !this.#gossiper.state(endpoint)?.isDead,
    )
  }

  /** Whether all live owners of tokens say that they have the same schema (`nodesAgreeOnSchema`). */
  get schemaAgreed(): boolean {
    const versions = this.liveTokenOwners.map((endpoint) => this.#gossiper.state(endpoint)?.value('SCHEMA'))
    return versions.every((version) => version !== undefined && version === versions[0])
  }

  // This node

  /** Nodes that were known before this start; they are members, and down until they are heard. */
  load(peers: readonly PeerRow[]): void {
    for (const row of peers) {
      if (row.endpoint.text === this.local.endpoint.text || row.hostId === this.local.hostId) {
        // What this node itself was, at this or at another address.
        this.#peers.load(row)
        this.#peers.remove(row.endpoint)
        continue
      }
      this.#peers.load(row)
      if (row.hostId !== null) this.#tokens.updateHostId(row.endpoint, row.hostId)
      if (row.hostId !== null && row.tokens !== null) this.#tokens.updateTokens(row.endpoint, row.tokens)
    }
    this.#tellOfRing()
  }

  /** Tokens of this node, from when on it is a member. */
  setLocalTokens(tokens: readonly bigint[]): void {
    this.#tokens.updateTokens(this.local.endpoint, tokens)
    this.#tellOfRing()
  }

  // What gossip says

  onJoin(endpoint: Endpoint, state: EndpointState): void {
    for (const [name, value] of statusFirst([...state.states])) this.onChange(endpoint, name, value)
  }

  onAlive(endpoint: Endpoint): void {
    this.#tell({ kind: 'alive', endpoint })
    if (this.isMember(endpoint)) this.#notifyUp(endpoint)
  }

  onDead(endpoint: Endpoint): void {
    this.#tell({ kind: 'dead', endpoint })
    // Of others clients were never told, or that they are gone.
    if (this.isMember(endpoint)) this.#tell({ kind: 'down', endpoint })
  }

  onRemove(endpoint: Endpoint): void {
    this.#tokens.remove(endpoint)
    this.#tellOfRing()
  }

  onRestart(endpoint: Endpoint, before: EndpointState): void {
    // It was down without anybody having noticed.
    if (before.alive) this.onDead(endpoint)
    this.#tell({ kind: 'restarted', endpoint })
  }

  onChange(endpoint: Endpoint, state: ApplicationState, { value }: VersionedValue): void {
    if (state === 'STATUS' || state === 'STATUS_WITH_PORT') {
      this.#onStatus(endpoint, splitValue(value))
      this.#tellOfRing()
      return
    }
    const known = this.#gossiper.state(endpoint)
    if (known === undefined || known.isDead || !this.isMember(endpoint)) return
    const local = endpoint.text === this.local.endpoint.text
    if (PEER_STATES.has(state) && !local) {
      const changed = this.#peers.take(endpoint, state, value)
      if (changed && (state === 'DC' || state === 'RACK')) this.#tell({ kind: 'ring' })
    }
    if (state === 'SCHEMA') this.#tell({ kind: 'schema', endpoint, version: value })
    if (state !== 'RPC_READY') return
    if (known.isRpcReady) this.#notifyUp(endpoint)
    else this.#tell({ kind: 'down', endpoint })
  }

  #notifyUp(endpoint: Endpoint): void {
    if (this.isRpcReady(endpoint) && this.isAlive(endpoint)) this.#tell({ kind: 'up', endpoint })
  }

  #onStatus(endpoint: Endpoint, pieces: readonly string[]): void {
    switch (pieces[0]) {
      case Status.BOOTSTRAPPING_REPLACE:
        this.#onBootReplacing(endpoint, pieces)
        break
      case Status.BOOTSTRAPPING:
        this.#onBootstrap(endpoint)
        break
      case Status.NORMAL:
      case Status.SHUTDOWN:
        this.#onNormal(endpoint, pieces[0])
        break
      case Status.LEAVING:
        this.#claims.ensureMember(endpoint, Status.LEAVING)
        this.#tokens.leave(endpoint)
        break
      case Status.MOVING:
        this.#onMoving(endpoint, pieces)
        break
      case Status.LEFT:
        this.#excise(endpoint, pieces)
        break
      case Status.REMOVING:
      case Status.REMOVED:
        this.#onRemoving(endpoint, pieces)
        break
    }
  }

  #onBootstrap(endpoint: Endpoint): void {
    const name = endpointLogText(endpoint)
    if (this.isMember(endpoint)) {
      if (!this.#tokens.isLeaving(endpoint)) this.#log.info(`Node ${name} state jump to bootstrap`)
      this.#tokens.remove(endpoint)
    }
    const hostId = this.#claims.hostIdSaid(endpoint)
    const taken = hostId === undefined ? undefined : this.#tokens.endpointOf(hostId)
    if (
      hostId === undefined ||
      (taken !== undefined && taken.text !== endpoint.text && this.isAlive(taken))
    ) {
      this.#log.warn(`Host ID collision between active endpoint ${taken?.text} and ${name} (id=${hostId})`)
    } else if (this.#tokens.bootstrap(endpoint, this.#claims.tokensSaid(endpoint))) {
      this.#tokens.updateHostId(endpoint, hostId)
    } else {
      this.#log.warn(`Bootstrap Token collision: ${name} claims a token of another node`)
    }
  }

  #onBootReplacing(endpoint: Endpoint, pieces: readonly string[]): void {
    const old = parseEndpoint(pieces[1] ?? '')
    const name = endpointLogText(endpoint)
    if (old === null) {
      this.#log.warn(`Node ${name} tried to replace malformed endpoint ${pieces[1]}.`)
    } else if (this.isAlive(old)) {
      this.#log.warn(`Node ${name} is trying to replace alive node ${endpointLogText(old)}.`)
    } else if (!this.#tokens.bootstrap(endpoint, this.#claims.tokensSaid(endpoint), old)) {
      this.#log.warn(
        `Node ${name} claims other tokens than those of ${endpointLogText(old)}, which it replaces`,
      )
    } else {
      const hostId = this.#claims.hostIdSaid(endpoint)
      if (hostId !== undefined) this.#tokens.updateHostId(endpoint, hostId)
    }
  }

  /** It takes part in the ring, or did until it was stopped (`handleStateNormal`). */
  #onNormal(endpoint: Endpoint, status: string): void {
    const state = this.#gossiper.state(endpoint)!
    const name = endpointLogText(endpoint)
    const tokens = this.#claims.tokensSaid(endpoint)
    const hostId = state.value('HOST_ID')
    if (tokens.length === 0 && status === Status.NORMAL) {
      this.#log.warn(`Node ${name} is in state normal but it has no tokens`)
    }
    const replaced = this.#tokens.replacedBy(endpoint)
    if (replaced !== undefined && this.isAlive(replaced)) {
      this.#log.warn(`Node ${name} cannot complete replacement of alive node ${endpointLogText(replaced)}.`)
      return
    }
    if (hostId === undefined || !this.#claims.claimHostId(endpoint, hostId)) return
    const wasMember = this.isMember(endpoint)
    const wasMoving = this.#tokens.isMoving(endpoint)
    this.#claims.claimTokens(endpoint, tokens)
    if (replaced !== undefined) this.#claims.forget(replaced)
    if (!this.isMember(endpoint)) return
    this.#keepPeer(endpoint, state)
    const version = state.value('SCHEMA')
    // It was not listened to before it was a member.
    if (!wasMember && version !== undefined) this.#tell({ kind: 'schema', endpoint, version })
    if (wasMoving) this.#tell({ kind: 'moved', endpoint })
    else if (!wasMember && status === Status.NORMAL) this.#tell({ kind: 'joined', endpoint })
  }

  /** All that is kept of a member; its columns are not looked at before it is one. */
  #keepPeer(endpoint: Endpoint, state: EndpointState): void {
    if (endpoint.text === this.local.endpoint.text) return
    for (const [name, { value }] of state.states)
      if (PEER_STATES.has(name)) this.#peers.take(endpoint, name, value)
    this.#peers.setTokens(endpoint, this.#tokens.tokensOf(endpoint))
  }

  #onMoving(endpoint: Endpoint, pieces: readonly string[]): void {
    this.#claims.ensureMember(endpoint, Status.MOVING)
    if (/^-?\d{1,20}$/.test(pieces[1] ?? '')) this.#tokens.move(endpoint, BigInt(pieces[1]!))
  }

  #onRemoving(endpoint: Endpoint, pieces: readonly string[]): void {
    const removed = pieces[0] === Status.REMOVED
    if (endpoint.text === this.local.endpoint.text) {
      this.#log.info(
        'Received removenode gossip about myself. Is this node rejoining after an explicit removenode?',
      )
    } else if (!this.isMember(endpoint)) {
      if (removed) this.#expire(endpoint, pieces)
      this.#claims.removeEndpoint(endpoint)
    } else if (removed) {
      this.#excise(endpoint, pieces)
    } else {
      this.#claims.ensureMember(endpoint, Status.REMOVING)
      this.#tokens.leave(endpoint)
    }
  }

  #expire(endpoint: Endpoint, pieces: readonly string[]): void {
    const at = Number(pieces[2])
    if (Number.isSafeInteger(at) && at > 0) this.#gossiper.expireAt(endpoint, at)
  }

  /** It left, or was removed: its tokens are nobody's (`StorageService.excise`). */
  #excise(endpoint: Endpoint, pieces: readonly string[]): void {
    const native = this.nativeAddress(endpoint)
    const hostId = this.#tokens.hostIdOf(endpoint) ?? null
    this.#expire(endpoint, pieces)
    this.#claims.removeEndpoint(endpoint)
    this.#tell({ kind: 'left', endpoint, native, hostId })
  }
}

function isNamed({ node }: MemberTokens): boolean {
  return node.hostId !== ''
}
