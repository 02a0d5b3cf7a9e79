import type { Random } from '../../io/random.ts'
import { compareEndpoints, type Endpoint, endpointLogText } from '../endpoint.ts'
import { below, fraction } from '../random-choice.ts'
import { type ApplicationState, isSilentShutdownStatus } from './application-state.ts'
import { GossipContext, type GossipTime } from './context.ts'
import { EMPTY_HEARTBEAT, EMPTY_VERSION, EndpointState, type EndpointStateView } from './endpoint-state.ts'
import { EndpointTable } from './endpoint-table.ts'
import { EndpointLifecycle } from './lifecycle.ts'
import type {
  EndpointStates,
  GossipDigestAck,
  GossipDigestSyn,
  GossipMessage,
  GossipShutdown,
  Outgoing,
} from './message.ts'
import type { GossipSettings } from './settings.ts'
import { ShadowRound } from './shadow-round.ts'
import type { EndpointStateSubscriber, GossipLogger, RingMembers } from './subscriber.ts'
import { stateValue } from './versioned-value.ts'

/** What a gossiper is made with. */
export interface GossiperParts {
  readonly random: Random
  readonly members: RingMembers
  readonly log: GossipLogger
  readonly now: GossipTime
  /** What is kept on disk of a node that was not heard since this one started: HOST_ID and TOKENS. */
  readonly savedStates?: (endpoint: Endpoint) => Iterable<readonly [ApplicationState, string]>
}

/** What was seen of a node that is to be assassinated: it must stay as it is for a while. */
export interface AssassinationPlan {
  readonly endpoint: Endpoint
  /** Null of a node that is not known. */
  readonly seen: { readonly generation: number; readonly version: number } | null
}

/**
 * The gossip of one node (`Gossiper`): who there is, what they say of themselves, and who of them is alive.
 *
 * Synchronous and without a clock: whoever has the sockets and timers calls `round`, `receive` and `echoed` with the
 * time, and sends what they return. Subscribers are called within these calls.
 */
export class Gossiper {
  readonly settings: GossipSettings
  readonly #table: EndpointTable
  readonly #lifecycle: EndpointLifecycle
  readonly #context: GossipContext
  readonly #random: Random
  readonly #savedStates: NonNullable<GossiperParts['savedStates']>
  readonly #seeds: ReadonlyMap<string, Endpoint>
  #enabled = false
  #synSent = false
  #shadow: ShadowRound | null = null

  constructor(settings: GossipSettings, { random, members, log, now, savedStates }: GossiperParts) {
    this.settings = settings
    this.#random = random
    this.#savedStates = savedStates ?? (() => [])
    this.#context = new GossipContext(settings, members, log, now)
    this.#table = new EndpointTable(settings.local.text)
    this.#lifecycle = new EndpointLifecycle(this.#context, this.#table)
    const others = settings.seeds.filter((seed) => seed.text !== settings.local.text)
    this.#seeds = new Map(others.map((seed) => [seed.text, seed]))
  }

  register(subscriber: EndpointStateSubscriber): void {
    this.#context.subscribers.push(subscriber)
  }

  // What is known

  get enabled(): boolean {
    return this.#enabled
  }

  /** How many nodes are known, this one among them. */
  get endpointCount(): number {
    return this.#table.size
  }

  /** Nodes and what is known of them, in the order of addresses. */
  get endpoints(): { readonly endpoint: Endpoint; readonly state: EndpointState }[] {
    return this.#table.all()
  }

  /** Nodes that answered and were not convicted since, and this one (`getLiveMembers`). */
  get liveMembers(): Endpoint[] {
    return [this.settings.local, ...this.#lifecycle.live].sort(compareEndpoints)
  }

  get unreachableMembers(): Endpoint[] {
    return this.#lifecycle.unreachable
  }

  /** Seeds but for this node itself (`Gossiper.seeds`). */
  get seeds(): Endpoint[] {
    return [...this.#seeds.values()].sort(compareEndpoints)
  }

  state(endpoint: Endpoint): EndpointState | undefined {
    return this.#table.get(endpoint)
  }

  /** This node is; another one when it answered, was not convicted since, and did not leave. */
  isAlive(endpoint: Endpoint): boolean {
    const state = this.#table.get(endpoint)
    return state?.alive === true && !state.isDead
  }

  isQuarantined(endpoint: Endpoint): boolean {
    return this.#lifecycle.isQuarantined(endpoint)
  }

  /** Milliseconds since the node was marked down; 0 where it is up or unknown (`getEndpointDowntime`). */
  downtimeMs(endpoint: Endpoint, now: GossipTime): number {
    return now.monotonicMs - (this.#lifecycle.downSinceMs(endpoint) ?? now.monotonicMs)
  }

  /** Phi of a node on the scale of `phi_convict_threshold`; undefined of one that was never heard. */
  phi(endpoint: Endpoint, now: GossipTime): number | undefined {
    return this.#lifecycle.detector.phi(endpoint.text, now.monotonicMs)
  }

  /** Which of two nodes started later: positive when it is `a` (`compareEndpointStartup`). */
  compareStartup(a: Endpoint, b: Endpoint): number {
    const generation = (of: Endpoint): number => this.#table.get(of)?.heartbeat.generation ?? 0
    return generation(a) - generation(b)
  }

  // This node itself

  /** A node that was known before this start; it is down until it is heard (`addSavedEndpoint`). */
  addSavedEndpoint(endpoint: Endpoint, now: GossipTime): void {
    if (endpoint.text === this.settings.local.text) return
    this.#context.now = now
    const state = this.#table.get(endpoint) ?? new EndpointState(EMPTY_HEARTBEAT, [], now.monotonicMs)
    state.heartbeat = EMPTY_HEARTBEAT
    this.#table.set(endpoint, state)
    this.#lifecycle.silentlyMarkDead(endpoint, state)
  }

  /**
   * Begins to ask what is known before anything is said (`doShadowRound`): what `shadowSyns` returns is to be sent
   * until it is done. Null where there is nobody to ask; `peers` are who may be asked beside the seeds.
   */
  beginShadowRound(peers: readonly Endpoint[]): ShadowRound | null {
    if (this.#seeds.size === 0 && peers.length === 0) return null
    this.#shadow = new ShadowRound(this.settings.local, this.seeds)
    return this.#shadow
  }

  shadowSyns(to: readonly Endpoint[]): Outgoing[] {
    const message = this.#syn([])
    return to.map((endpoint) => ({ to: endpoint, message }))
  }

  /** Starts to take part, with these states of this node. */
  start(generation: number, states: Iterable<readonly [ApplicationState, string]>, now: GossipTime): void {
    this.#context.now = now
    this.#shadow = null
    const state = new EndpointState({ generation, version: 0 }, [], now.monotonicMs)
    for (const [name, value] of states) state.states.set(name, this.#context.value(value))
    this.#table.set(this.settings.local, state)
    this.#enabled = true
  }

  /** Takes part again after `stop`, as one that restarted (`StorageService.startGossiping`). */
  restart(states: Iterable<readonly [ApplicationState, string]>, now: GossipTime): void {
    this.setLocalStates(states, now)
    const state = this.#localState()
    const { generation, version } = state.heartbeat
    state.heartbeat = { generation: generation + 1, version }
    this.#enabled = true
  }

  /** Says something new of this node from the next round on; subscribers hear it at once. */
  setLocalStates(states: Iterable<readonly [ApplicationState, string]>, now: GossipTime): void {
    this.#context.now = now
    const state = this.#localState()
    for (const [name, text] of states) {
      const value = this.#context.value(text)
      state.states.set(name, value)
      this.#context.changed(this.settings.local, name, value)
    }
  }

  /**
   * Stops to take part. A node of the ring says goodbye to all that are alive; what is returned is to be sent, and
   * given `shutdownAnnounceMs` to arrive.
   */
  stop(now: GossipTime): Outgoing[] {
    this.#context.now = now
    this.#enabled = false
    const { local } = this.settings
    const state = this.#table.get(local)
    const { members } = this.#context
    if (state === undefined || isSilentShutdownStatus(state.status) || !members.isMember(local)) return []
    const shutdown = stateValue.shutdown()
    // Not by way of subscribers: for itself this node is what it was.
    state.states.set('STATUS_WITH_PORT', this.#context.value(shutdown))
    state.states.set('STATUS', this.#context.value(shutdown))
    const goodbye: GossipShutdown = {
      verb: 'GOSSIP_SHUTDOWN',
      state: { heartbeat: state.heartbeat, states: new Map(state.states) },
    }
    for (const to of this.#lifecycle.live) this.#context.send(to, goodbye)
    return this.#context.take()
  }

  #localState(): EndpointState {
    const state = this.#table.get(this.settings.local)
    if (state === undefined)
      throw new Error(`Can't find endpoint state for ${endpointLogText(this.settings.local)}`)
    return state
  }

  // Rounds

  /** One round (`GossipTask`): a pulse, a question to some nodes, and a look at who is silent. */
  round(now: GossipTime): Outgoing[] {
    this.#context.now = now
    if (!this.#enabled) return []
    const state = this.#localState()
    state.heartbeat = { generation: state.heartbeat.generation, version: this.#context.nextVersion() }
    const syn = this.#syn(this.#table.digests(this.#random))
    const { live } = this.#lifecycle
    const toSeed = this.#gossipTo(syn, live)
    this.#maybeGossipToUnreachable(syn, live.length)
    if (!toSeed || live.length < this.#seeds.size) this.#maybeGossipToSeed(syn, live.length)
    this.#lifecycle.checkStatus()
    return this.#context.take()
  }

  #syn(digests: GossipDigestSyn['digests']): GossipDigestSyn {
    const { clusterName, partitioner } = this.settings
    return { verb: 'GOSSIP_DIGEST_SYN', clusterName, partitioner, digests }
  }

  /** Asks one of them; true when that one is a seed. */
  #gossipTo(syn: GossipDigestSyn, endpoints: readonly Endpoint[]): boolean {
    if (endpoints.length === 0) return false
    const to = endpoints[below(this.#random, endpoints.length)]!
    this.#synSent = true
    this.#context.send(to, syn)
    return this.#seeds.has(to.text)
  }

  /** The more are unreachable, the more likely one of them is tried. */
  #maybeGossipToUnreachable(syn: GossipDigestSyn, live: number): void {
    const { unreachable } = this.#lifecycle
    if (unreachable.length === 0 || fraction(this.#random) >= unreachable.length / (live + 1)) return
    this.#gossipTo(
      syn,
      unreachable.filter((endpoint) => !this.#table.get(endpoint)?.isDead),
    )
  }

  /** So that parts of a ring that lost each other meet again at the seeds. */
  #maybeGossipToSeed(syn: GossipDigestSyn, live: number): void {
    const { seeds } = this
    if (seeds.length === 0) return
    const known = live + this.#lifecycle.unreachable.length
    if (live === 0 || fraction(this.#random) <= seeds.length / known) this.#gossipTo(syn, seeds)
  }

  // Messages

  /** Takes a message of another node; what is returned is to be sent. */
  receive(from: Endpoint, message: GossipMessage, now: GossipTime): Outgoing[] {
    this.#context.now = now
    if (message.verb === 'GOSSIP_DIGEST_SYN') this.#receiveSyn(from, message)
    else if (message.verb === 'GOSSIP_DIGEST_ACK') this.#receiveAck(from, message)
    else if (this.#enabled && message.verb === 'GOSSIP_DIGEST_ACK2') this.#lifecycle.learn(message.states)
    else if (this.#enabled && message.verb === 'GOSSIP_SHUTDOWN')
      this.#lifecycle.receiveShutdown(from, message.state)
    return this.#context.take()
  }

  /** A node answered to an ECHO_REQ; what is returned is to be sent. */
  echoed(from: Endpoint, attempt: number, now: GossipTime): Outgoing[] {
    this.#context.now = now
    this.#lifecycle.echoed(from, attempt)
    return this.#context.take()
  }

  get #asking(): ShadowRound | null {
    return this.#shadow === null || this.#shadow.done ? null : this.#shadow
  }

  #receiveSyn(from: Endpoint, { clusterName, partitioner, digests }: GossipDigestSyn): void {
    if (!this.#enabled && this.#asking === null) return
    const own = this.settings
    const mismatch = (what: string, theirs: string, ours: string): void =>
      this.#context.log.warn(`${what} mismatch from ${endpointLogText(from)} ${theirs}!=${ours}`)
    if (clusterName !== own.clusterName) {
      mismatch('ClusterName', clusterName, own.clusterName)
    } else if (partitioner !== own.partitioner) {
      mismatch('Partitioner', partitioner, own.partitioner)
    } else if (!this.#enabled) {
      // Both are asking, and neither knows anything.
      if (digests.length === 0) this.#ack(from, [], [])
    } else if (digests.length === 0) {
      this.#ack(from, [], this.#shadowStates())
    } else {
      const { wanted, lacking } = this.#table.examine(digests)
      this.#ack(from, wanted, lacking)
    }
  }

  #ack(to: Endpoint, digests: GossipDigestAck['digests'], states: EndpointStates): void {
    this.#context.send(to, { verb: 'GOSSIP_DIGEST_ACK', digests, states })
  }

  /** All that is known, with host ids and tokens of those that were not heard since this node started. */
  #shadowStates(): EndpointStates {
    return this.#table.all().map(({ endpoint, state }) => {
      const states = new Map(state.states)
      if (state.isEmptyWithoutStatus) {
        for (const [name, value] of this.#savedStates(endpoint)) states.set(name, { value, version: 0 })
      }
      return [endpoint, { heartbeat: state.heartbeat, states }]
    })
  }

  #receiveAck(from: Endpoint, { digests, states }: GossipDigestAck): void {
    const asking = this.#asking
    if (asking !== null) {
      asking.answered(from, states, digests.length === 0 && states.length === 0)
      return
    }
    // An answer to the shadow round that came late is none to a question of a round.
    if (!this.#enabled || (states.length > 0 && !this.#synSent)) return
    this.#lifecycle.learn(states)
    const answer: [Endpoint, EndpointStateView][] = []
    for (const { endpoint, maxVersion } of digests) {
      const own = endpoint.text === this.settings.local.text
      const state = this.#table.newerThan(endpoint, own ? EMPTY_VERSION : maxVersion)
      if (state !== undefined) answer.push([endpoint, state])
    }
    this.#context.send(from, { verb: 'GOSSIP_DIGEST_ACK2', states: answer })
  }

  // Members that are gone

  /** Called by who keeps the ring: it is no member any more (`removeEndpoint`). */
  removeEndpoint(endpoint: Endpoint): void {
    this.#lifecycle.removeEndpoint(endpoint)
  }

  /** Called by who keeps the ring: when a node that left is forgotten, milliseconds since 1970. */
  expireAt(endpoint: Endpoint, wallMs: number): void {
    this.#lifecycle.expireAt(endpoint, wallMs)
  }

  /** Called by who keeps the ring: another node has its place for good; its state is passed on no more. */
  replacedEndpoint(endpoint: Endpoint): void {
    this.#lifecycle.replacedEndpoint(endpoint)
  }

  /** The first half of `assassinate`; the second one follows after the ring delay. */
  planAssassination(endpoint: Endpoint): AssassinationPlan {
    const state = this.#table.get(endpoint)
    return { endpoint, seen: state === undefined ? null : state.heartbeat }
  }

  /**
   * Makes all nodes believe that one left (`assassinateEndpoint`): for one that is gone and can't be removed in
   * order. `tokens` are those it owned; throws where it gave a sign of life since the plan.
   */
  assassinate({ endpoint, seen }: AssassinationPlan, tokens: readonly bigint[], now: GossipTime): Outgoing[] {
    this.#context.now = now
    const name = endpointLogText(endpoint)
    const known = this.#table.get(endpoint)
    for (const what of ['generation', 'version'] as const) {
      if (seen === null || known === undefined || known.heartbeat[what] === seen[what]) continue
      const changed = what === 'version' ? 'heartbeat' : what
      throw new Error(`Endpoint still alive: ${name} ${changed} changed while trying to assassinate it`)
    }
    const heartbeat =
      known === undefined
        ? { generation: Math.floor((now.wallMs + 60_000) / 1000), version: 9999 }
        : { generation: known.heartbeat.generation + 1, version: known.heartbeat.version }
    const states = new Map(known?.states ?? [])
    const left = stateValue.left(tokens, now.wallMs + this.settings.veryLongTimeMs)
    states.set('STATUS_WITH_PORT', this.#context.value(left))
    this.#lifecycle.majorChange(endpoint, { heartbeat, states })
    return this.#context.take()
  }
}
