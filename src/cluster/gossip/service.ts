import type { Clock } from '../../io/clock.ts'
import type { Random } from '../../io/random.ts'
import { delay, type TimerHandle, type Timers } from '../../io/timers.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ApplicationState } from './application-state.ts'
import { type ClientEvent, EventNotifier } from './client-events.ts'
import { decodeGossip, encodeGossip } from './codec.ts'
import type { GossipTime } from './context.ts'
import { Gossiper } from './gossiper.ts'
import { Membership } from './membership.ts'
import type { LocalMember } from './membership-event.ts'
import type { GossipMessage, Outgoing } from './message.ts'
import type { PeerChange, PeerRow } from './peers.ts'
import type { GossipSettings } from './settings.ts'
import { endpointCollisionText, isSafeForStartup, type StartingNode } from './shadow-round.ts'
import type { GossipLogger } from './subscriber.ts'
import { stateValue, tokensValue } from './versioned-value.ts'

/** How gossip reaches other nodes; what gets lost is nobody's error. */
export interface GossipTransport {
  send(to: Endpoint, verb: GossipMessage['verb'], payload: Uint8Array): void
  /** Asks whether a node is there; `answered` is called when it is, once or never. */
  echo(to: Endpoint, answered: () => void): void
}

/** What a node says of itself from its start on. */
export interface LocalStates {
  readonly releaseVersion: string
  /** Version of the protocol between nodes. */
  readonly netVersion: number
  readonly sstableVersions: readonly string[]
  readonly schemaVersion: string
}

/** What was kept of the life before this one. */
export interface SavedGossip {
  /** Of this start: see `nextGeneration`; it is on disk before gossip starts. */
  readonly generation: number
  /** Rows of system.peers_v2. */
  readonly peers: readonly PeerRow[]
  /** Tokens of this node where it was in the ring before. */
  readonly tokens: readonly bigint[] | null
}

export interface GossipPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly transport: GossipTransport
  readonly log: GossipLogger
  /** Keeps rows of system.peers and peers_v2; called after the turn of gossip that changed them. */
  readonly persist: (changes: readonly PeerChange[]) => void
  /** Tells the clients that registered for it. */
  readonly notify: (event: ClientEvent) => void
}

/**
 * Gossip and membership of one node with its timers and its messages: the thin shell around `Gossiper`, `Membership`
 * and `EventNotifier`, which do all that there is to think about.
 */
export class GossipService {
  readonly gossiper: Gossiper
  readonly membership: Membership
  readonly #settings: GossipSettings
  readonly #ports: GossipPorts
  readonly #local: LocalMember
  #timer: TimerHandle | null = null
  #stopped = false
  /** What is to be said from the start on. */
  readonly #early = new Map<ApplicationState, string>()
  /** Called when a shadow round may be done. */
  #wake: () => void = () => {}

  constructor(settings: GossipSettings, local: LocalMember, ports: GossipPorts) {
    this.#settings = settings
    this.#ports = ports
    this.#local = local
    this.membership = new Membership(local, ports.log)
    this.gossiper = new Gossiper(settings, {
      random: ports.random,
      members: this.membership,
      log: ports.log,
      now: this.now(),
      savedStates: (endpoint) => this.#savedStates(endpoint),
    })
    this.membership.attach(this.gossiper)
    const view = {
      local: local.endpoint,
      localNative: local.native,
      nativeAddress: (endpoint: Endpoint) => this.membership.nativeAddress(endpoint),
      isRpcReady: (endpoint: Endpoint) => this.membership.isRpcReady(endpoint),
    }
    this.#tellClients(new EventNotifier(view, ports.notify))
  }

  #tellClients(notifier: EventNotifier): void {
    this.membership.subscribe((event) => {
      if (event.kind === 'joined') notifier.onJoinCluster(event.endpoint)
      else if (event.kind === 'left') notifier.onLeaveCluster(event.endpoint, event.native)
      else if (event.kind === 'moved') notifier.onMove(event.endpoint)
      else if (event.kind === 'up') notifier.onUp(event.endpoint)
      else if (event.kind === 'down') notifier.onDown(event.endpoint)
    })
  }

  #savedStates(endpoint: Endpoint): [ApplicationState, string][] {
    const states: [ApplicationState, string][] = []
    const row = this.membership.peer(endpoint)
    if (row?.hostId) states.push(['HOST_ID', row.hostId])
    if (row?.tokens?.length) states.push(['TOKENS', tokensValue(row.tokens)])
    return states
  }

  now(): GossipTime {
    return { wallMs: this.#ports.clock.nowMs(), monotonicMs: this.#ports.clock.monotonicMs() }
  }

  /** Sends and keeps what a call led to. */
  #settle(out: readonly Outgoing[]): void {
    const changes = this.membership.takePeerChanges()
    if (changes.length > 0) this.#ports.persist(changes)
    for (const { to, message } of out) {
      if (message.verb === 'ECHO_REQ') {
        this.#ports.transport.echo(to, () => {
          if (!this.#stopped) this.#settle(this.gossiper.echoed(to, message.attempt, this.now()))
        })
      } else {
        this.#ports.transport.send(to, message.verb, encodeGossip(message))
      }
    }
  }

  /**
   * Takes a message. Throws a GossipFormatError for bytes that are none: whoever sent them speaks another language,
   * and his connection is to be closed.
   */
  receive(from: Endpoint, verb: GossipMessage['verb'], payload: Uint8Array): void {
    const message = decodeGossip(verb, payload)
    if (this.#stopped) return
    this.#settle(this.gossiper.receive(from, message, this.now()))
    this.#wake()
  }

  /** Whether to answer an ECHO_REQ: not while this node stops. */
  get answersEcho(): boolean {
    return !this.#stopped
  }

  // Start

  /**
   * Asks what there is, makes sure that this node may take its address, and begins to gossip; it is no member yet.
   * Throws an Error with Cassandra's text when the address is another node's, or when no seed answers a node that is
   * none. `node` says what it was before. True where a node answered that gossips already.
   */
  async start(
    saved: SavedGossip,
    states: LocalStates,
    node: Pick<StartingNode, 'bootstrapping' | 'bootstrapComplete'>,
  ): Promise<boolean> {
    this.membership.load(saved.peers)
    // What others send to it, such as hints, is for a member, though it has not said yet that it is one again.
    if (saved.tokens !== null) this.membership.setLocalTokens(saved.tokens)
    for (const { endpoint } of saved.peers) this.gossiper.addSavedEndpoint(endpoint, this.now())
    const isHeard = await this.#shadowRound(
      saved.peers.map(({ endpoint }) => endpoint),
      node,
    )
    if (this.#stopped) return false
    const { hostId, dataCenter, rack, native } = this.#local
    const local: [ApplicationState, string][] = [
      ...(saved.tokens === null ? [] : [['TOKENS', tokensValue(saved.tokens)] as [ApplicationState, string]]),
      ['NET_VERSION', String(states.netVersion)],
      ['HOST_ID', hostId],
      ['NATIVE_ADDRESS_AND_PORT', native.text],
      ['RPC_ADDRESS', native.host],
      ['RELEASE_VERSION', states.releaseVersion],
      ['SSTABLE_VERSIONS', states.sstableVersions.join(',')],
      ['DC', dataCenter],
      ['RACK', rack],
      ['SCHEMA', states.schemaVersion],
    ]
    this.gossiper.start(saved.generation, [...local, ...this.#early], this.now())
    this.#schedule()
    this.#settle([])
    return isHeard
  }

  async #shadowRound(
    peers: readonly Endpoint[],
    node: Pick<StartingNode, 'bootstrapping' | 'bootstrapComplete'>,
  ): Promise<boolean> {
    const { local, seeds, ringDelayMs, shadowRoundRetryMs } = this.#settings
    const others = peers.filter((peer) => peer.text !== local.text)
    const round = this.gossiper.beginShadowRound(others)
    if (round === null) return false
    const isSeed = seeds.some((seed) => seed.text === local.text)
    // Seeds of a ring that starts all at once have the time to come up.
    const deadlineMs = this.now().monotonicMs + (isSeed ? 1 : 2) * ringDelayMs
    for (let again = false; !round.done && !this.#stopped; again = true) {
      this.#settle(
        this.gossiper.shadowSyns(again ? [...this.gossiper.seeds, ...others] : this.gossiper.seeds),
      )
      await this.#pause(shadowRoundRetryMs, () => round.done)
      if (round.done || this.now().monotonicMs < deadlineMs) continue
      if (!isSeed) throw new Error('Unable to gossip with any peers')
      round.finish()
    }
    const starting = { endpoint: local, hostId: this.#local.hostId, ...node }
    if (!isSafeForStartup(starting, round.states)) throw new Error(endpointCollisionText(local))
    return round.states.length > 0
  }

  /** Waits so long, or until a message made it so. */
  #pause(ms: number, done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#ports.timers.clearTimeout(timer)
        this.#wake = () => {}
        resolve()
      }
      const timer = this.#ports.timers.setTimeout(end, ms, { unref: false })
      this.#wake = () => {
        if (done() || this.#stopped) end()
      }
    })
  }

  #schedule(): void {
    this.#timer = this.#ports.timers.setTimeout(
      () => {
        this.#settle(this.gossiper.round(this.now()))
        if (this.gossiper.enabled) this.#schedule()
      },
      this.#settings.intervalMs,
      { unref: true },
    )
  }

  /** Waits until no node comes to be known any more (`Gossiper.waitToSettle`). */
  async waitToSettle(): Promise<void> {
    const { minWaitMs, pollMs, successes } = this.#settings.settle
    if (minWaitMs > 0) await delay(this.#ports.timers, minWaitMs)
    let known = this.gossiper.endpointCount
    for (let same = 0; same < successes && !this.#stopped; ) {
      await delay(this.#ports.timers, pollMs)
      const now = this.gossiper.endpointCount
      same = now === known ? same + 1 : 0
      known = now
    }
  }

  // What this node says of itself

  /**
   * Says something new of this node; a value equal to the one that is said already is said again. Before gossip has
   * started it is kept, and said in the place of what `start` was given.
   */
  say(states: Iterable<readonly [ApplicationState, string]>): void {
    if (this.gossiper.state(this.#local.endpoint) === undefined) {
      for (const [name, value] of states) this.#early.set(name, value)
      return
    }
    this.gossiper.setLocalStates(states, this.now())
    this.#settle([])
  }

  /** Takes part in the ring with these tokens from now on (`StorageService.setTokens`). */
  join(tokens: readonly bigint[]): void {
    this.membership.setLocalTokens(tokens)
    this.say(this.#joined(tokens))
  }

  #joined(tokens: readonly bigint[]): [ApplicationState, string][] {
    const status = stateValue.normal(tokens)
    return [
      ['TOKENS', tokensValue(tokens)],
      ['STATUS_WITH_PORT', status],
      ['STATUS', status],
    ]
  }

  /** Announces the tokens that this node will have when it has their data (`BootStrapper`). */
  bootstrap(tokens: readonly bigint[]): void {
    const status = stateValue.bootstrapping(tokens)
    this.say([
      ['TOKENS', tokensValue(tokens)],
      ['STATUS_WITH_PORT', status],
      ['STATUS', status],
    ])
  }

  /** Says whether this node serves clients (`StorageService.setRpcReady`). */
  setRpcReady(ready: boolean): void {
    this.say([['RPC_READY', String(ready)]])
  }

  setSchemaVersion(version: string): void {
    this.say([['SCHEMA', version]])
  }

  /** Bytes on disk (`LoadBroadcaster`, each minute). */
  setLoad(bytes: number): void {
    this.say([['LOAD', stateValue.load(bytes)]])
  }

  // Stop

  /** Stops to gossip without stopping the node (`nodetool disablegossip`). */
  disable(): void {
    this.#cancel()
    this.#settle(this.gossiper.stop(this.now()))
  }

  /** Gossips again after `disable`, as a node that restarted (`nodetool enablegossip`). */
  enable(): void {
    if (this.gossiper.enabled || this.#stopped) return
    const tokens = this.membership.tokensOf(this.#local.endpoint)
    this.gossiper.restart(tokens.length === 0 ? [] : this.#joined(tokens), this.now())
    this.#settle([])
    this.#schedule()
  }

  /** Says goodbye and waits until it had the time to arrive. Nothing is sent or received after that. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    if (this.gossiper.enabled && this.gossiper.state(this.#local.endpoint)?.isRpcReady)
      this.setRpcReady(false)
    this.#cancel()
    const goodbye = this.gossiper.enabled ? this.gossiper.stop(this.now()) : []
    this.#settle(goodbye)
    this.#stopped = true
    this.#wake()
    if (goodbye.length > 0) await delay(this.#ports.timers, this.#settings.shutdownAnnounceMs)
  }

  #cancel(): void {
    if (this.#timer !== null) this.#ports.timers.clearTimeout(this.#timer)
    this.#timer = null
  }

  /**
   * Makes all nodes forget one that is gone (`nodetool assassinate`), after the ring delay, in which it must not give
   * a sign of life. A node without known tokens leaves with the token `otherwise`.
   */
  async assassinate(endpoint: Endpoint, otherwise: bigint): Promise<void> {
    this.#ports.log.warn(`Assassinating /${endpoint.text} via gossip`)
    const plan = this.gossiper.planAssassination(endpoint)
    if (plan.seen !== null) await delay(this.#ports.timers, this.#settings.ringDelayMs)
    const known = this.membership.tokensOf(endpoint)
    this.#settle(this.gossiper.assassinate(plan, known.length > 0 ? known : [otherwise], this.now()))
    await delay(this.#ports.timers, 4 * this.#settings.intervalMs)
    this.#ports.log.warn(`Finished assassinating /${endpoint.text}`)
  }
}
