import { compareEndpoints, type Endpoint, endpointLogText } from '../endpoint.ts'
import { type ApplicationState, isBootstrappingStatus } from './application-state.ts'
import type { GossipContext } from './context.ts'
import {
  EndpointState,
  type EndpointStateView,
  HIGHEST_VERSION,
  maxVersion,
  statusPieces,
} from './endpoint-state.ts'
import type { EndpointTable } from './endpoint-table.ts'
import { FailureDetector } from './failure-detector.ts'
import type { EndpointStates } from './message.ts'
import { stateValue, type VersionedValue } from './versioned-value.ts'

/** Nobody can be so far ahead: a year, in seconds (`MAX_GENERATION_DIFFERENCE`). */
const MAX_GENERATION_DIFFERENCE = 86_400 * 365

/** What each node's values replace once it says both (`EndpointState.removeMajorVersion3LegacyApplicationStates`). */
const LEGACY: readonly (readonly [legacy: ApplicationState, by: ApplicationState])[] = [
  ['STATUS', 'STATUS_WITH_PORT'],
  ['INTERNAL_IP', 'INTERNAL_ADDRESS_AND_PORT'],
  ['RPC_ADDRESS', 'NATIVE_ADDRESS_AND_PORT'],
]

/**
 * What becomes of the nodes that gossip hears of (the half of `Gossiper` that applies states): they join, are found
 * alive, are convicted, restart, say goodbye, leave, and are forgotten.
 */
export class EndpointLifecycle {
  readonly detector: FailureDetector
  readonly #context: GossipContext
  readonly #table: EndpointTable
  readonly #live = new Map<string, Endpoint>()
  /** Since when, by the monotonic clock. */
  readonly #unreachable = new Map<string, { readonly endpoint: Endpoint; readonly sinceMs: number }>()
  /** From when on they may be believed again, by the monotonic clock. */
  readonly #quarantine = new Map<string, number>()
  /** When they are forgotten, by the wall clock. */
  readonly #expireMs = new Map<string, number>()
  readonly #echoes = new Map<string, { readonly since: number; readonly state: EndpointState }>()
  #attempt = 0

  constructor(context: GossipContext, table: EndpointTable) {
    this.#context = context
    this.#table = table
    this.detector = new FailureDetector(context.settings.failureDetector, context.now.monotonicMs)
  }

  /** Nodes but for this one, in the order of addresses. */
  get live(): Endpoint[] {
    return [...this.#live.values()].sort(compareEndpoints)
  }

  get unreachable(): Endpoint[] {
    return [...this.#unreachable.values()].map(({ endpoint }) => endpoint).sort(compareEndpoints)
  }

  /** Since when a node is down, by the monotonic clock; undefined where it is up or unknown. */
  downSinceMs(endpoint: Endpoint): number | undefined {
    return this.#unreachable.get(endpoint.text)?.sinceMs
  }

  isQuarantined(endpoint: Endpoint): boolean {
    return this.#quarantine.has(endpoint.text)
  }

  /** When a node that left is forgotten, milliseconds since 1970 (`addExpireTimeForEndpoint`). */
  expireAt(endpoint: Endpoint, wallMs: number): void {
    this.#expireMs.set(endpoint.text, wallMs)
  }

  // Alive and dead

  /** A node is believed to be alive when it answers itself; until then it is down. */
  #markAlive(endpoint: Endpoint, state: EndpointState): void {
    state.alive = false
    // Cassandra leaves a node that restarted among the live ones until it answers: for ever, if it never does.
    if (this.#live.delete(endpoint.text)) {
      this.#unreachable.set(endpoint.text, { endpoint, sinceMs: this.#context.now.monotonicMs })
    }
    const attempt = ++this.#attempt
    // Answers to earlier questions count as well: a slow one would never count otherwise, as more are asked meanwhile.
    if (this.#echoes.get(endpoint.text)?.state !== state)
      this.#echoes.set(endpoint.text, { since: attempt, state })
    this.#context.send(endpoint, { verb: 'ECHO_REQ', attempt })
  }

  /** It answered (`realMarkAlive`); an answer from before it was convicted, or restarted, says nothing. */
  echoed(endpoint: Endpoint, attempt: number): void {
    const asked = this.#echoes.get(endpoint.text)
    if (asked === undefined || attempt < asked.since) return
    this.#echoes.delete(endpoint.text)
    const state = this.#table.get(endpoint)
    if (state !== asked.state || state.alive) return
    state.alive = true
    state.updatedAtMs = this.#context.now.monotonicMs
    this.#live.set(endpoint.text, endpoint)
    this.#unreachable.delete(endpoint.text)
    this.#expireMs.delete(endpoint.text)
    this.#context.log.info(`InetAddress ${endpointLogText(endpoint)} is now UP`)
    for (const subscriber of this.#context.subscribers) subscriber.onAlive(endpoint, state)
  }

  /** Down without a word: it was known before this node started, or is about to be announced. */
  silentlyMarkDead(endpoint: Endpoint, state: EndpointState): void {
    state.alive = false
    this.#echoes.delete(endpoint.text)
    this.#live.delete(endpoint.text)
    this.#unreachable.set(endpoint.text, { endpoint, sinceMs: this.#context.now.monotonicMs })
  }

  #markDead(endpoint: Endpoint, state: EndpointState): void {
    this.silentlyMarkDead(endpoint, state)
    this.#context.log.info(`InetAddress ${endpointLogText(endpoint)} is now DOWN`)
    for (const subscriber of this.#context.subscribers) subscriber.onDead(endpoint, state)
  }

  /** The failure detector, or somebody who knows better, says that it is down. */
  convict(endpoint: Endpoint): void {
    const state = this.#table.get(endpoint)
    if (state === undefined || !state.alive) return
    if (state.isShutdown) this.#shutDown(endpoint)
    else this.#markDead(endpoint, state)
  }

  /**
   * It stopped in order (`markAsShutdown`): nothing of this generation counts after that. `said` is its goodbye;
   * without one it is made up, as all other nodes do.
   */
  #shutDown(endpoint: Endpoint, said?: EndpointStateView): void {
    let state = this.#table.get(endpoint)
    if (state === undefined || state.states.size === 0) return
    const { generation } = (said ?? state).heartbeat
    if (said !== undefined) {
      state = new EndpointState(said.heartbeat, said.states, this.#context.now.monotonicMs)
      this.#table.set(endpoint, state)
    } else {
      state.states.set('STATUS_WITH_PORT', this.#context.value(stateValue.shutdown()))
      state.states.set('RPC_READY', this.#context.value('false'))
    }
    state.heartbeat = { generation, version: HIGHEST_VERSION }
    this.#markDead(endpoint, state)
    this.#context.changed(endpoint, 'STATUS_WITH_PORT', state.states.get('STATUS_WITH_PORT')!)
  }

  /** A goodbye (`GossipShutdownVerbHandler`); one of an earlier life is none. */
  receiveShutdown(from: Endpoint, said: EndpointStateView): void {
    const known = this.#table.get(from)
    if (known === undefined || known.heartbeat.generation > said.heartbeat.generation) return
    if (statusPieces(said)?.[0] !== 'shutdown' || !said.states.has('STATUS_WITH_PORT')) return
    this.#shutDown(from, said)
  }

  // States

  /** Tells the failure detector of nodes of which something newer is said (`notifyFailureDetector`). */
  #report(endpoint: Endpoint, { heartbeat }: EndpointStateView): void {
    const known = this.#table.get(endpoint)
    if (known === undefined) return
    const { monotonicMs } = this.#context.now
    const restarted = heartbeat.generation > known.heartbeat.generation
    if (!restarted) {
      if (heartbeat.generation < known.heartbeat.generation || heartbeat.version <= maxVersion(known)) return
    }
    known.updatedAtMs = monotonicMs
    // Intervals of another life say nothing of this one.
    if (restarted && !known.alive) this.detector.remove(endpoint.text)
    this.detector.report(endpoint.text, monotonicMs)
  }

  /** Takes what another node said of nodes (`applyStateLocally`). */
  learn(said: EndpointStates): void {
    for (const [endpoint, state] of said) this.#report(endpoint, state)
    for (const [endpoint, state] of inOrder(said)) {
      if (endpoint.text === this.#context.settings.local.text || this.#quarantine.has(endpoint.text)) continue
      this.#apply(endpoint, withoutLegacy(state))
    }
  }

  #apply(endpoint: Endpoint, said: EndpointStateView): void {
    const known = this.#table.get(endpoint)
    if (isMisdirected(said, known)) return
    const { wallMs, monotonicMs } = this.#context.now
    if (known === undefined) {
      this.detector.report(endpoint.text, monotonicMs)
      this.majorChange(endpoint, said)
      return
    }
    const { generation } = said.heartbeat
    const localTime = Math.floor(wallMs / 1000)
    if (generation > localTime + MAX_GENERATION_DIFFERENCE) {
      this.#context.log.warn(
        `received an invalid gossip generation for peer ${endpointLogText(endpoint)}; ` +
          `local time = ${localTime}, received generation = ${generation}`,
      )
    } else if (generation > known.heartbeat.generation) {
      this.majorChange(endpoint, said)
    } else if (generation === known.heartbeat.generation) {
      if (maxVersion(said) > maxVersion(known)) this.#applyNewer(endpoint, known, said)
      const now = this.#table.get(endpoint)
      if (now !== undefined && !now.alive && !now.isDead) this.#markAlive(endpoint, now)
    }
  }

  /** Takes values that are newer; the status is told first, since it makes a node a member or not. */
  #applyNewer(endpoint: Endpoint, known: EndpointState, said: EndpointStateView): void {
    const newer: [ApplicationState, VersionedValue][] = []
    for (const [name, value] of said.states) {
      const old = known.states.get(name)
      if (old === undefined || old.version < value.version) newer.push([name, value])
    }
    for (const [name, value] of newer) known.states.set(name, value)
    known.heartbeat = said.heartbeat
    known.updatedAtMs = this.#context.now.monotonicMs
    for (const [legacy, by] of LEGACY) if (known.states.has(by)) known.states.delete(legacy)
    for (const [name, value] of statusFirst(newer)) this.#context.changed(endpoint, name, value)
  }

  /** A node that was not known, or that has another generation (`handleMajorStateChange`). */
  majorChange(endpoint: Endpoint, said: EndpointStateView): void {
    const { log, now, subscribers } = this.#context
    const before = this.#table.get(endpoint)
    const state = new EndpointState(said.heartbeat, said.states, now.monotonicMs)
    const name = endpointLogText(endpoint)
    if (!state.isDead) {
      log.info(
        before === undefined
          ? `Node ${name} is now part of the cluster`
          : `Node ${name} has restarted, now UP`,
      )
    }
    this.#table.set(endpoint, state)
    if (before !== undefined) for (const subscriber of subscribers) subscriber.onRestart(endpoint, before)
    if (state.isDead) this.#markDead(endpoint, state)
    else this.#markAlive(endpoint, state)
    for (const subscriber of subscribers) subscriber.onJoin(endpoint, state)
    if (state.isShutdown) this.#shutDown(endpoint)
  }

  // Gone

  /** It is no member any more, and nothing is believed of it for a while; its state is kept (`removeEndpoint`). */
  removeEndpoint(endpoint: Endpoint): void {
    for (const subscriber of this.#context.subscribers) subscriber.onRemove(endpoint)
    this.#live.delete(endpoint.text)
    this.#unreachable.delete(endpoint.text)
    this.#echoes.delete(endpoint.text)
    this.#quarantineUntil(endpoint, this.#context.settings.quarantineDelayMs)
  }

  /** Forgets all of it (`evictFromMembership`). */
  #evict(endpoint: Endpoint): void {
    this.#unreachable.delete(endpoint.text)
    this.#echoes.delete(endpoint.text)
    this.#table.delete(endpoint)
    this.#expireMs.delete(endpoint.text)
    this.detector.remove(endpoint.text)
    this.#quarantineUntil(endpoint, this.#context.settings.quarantineDelayMs)
  }

  #quarantineUntil(endpoint: Endpoint, delayMs: number): void {
    this.#quarantine.set(endpoint.text, this.#context.now.monotonicMs + delayMs)
  }

  /**
   * Another node took over its tokens or host id for good (`replacedEndpoint`): forgotten, and kept out for twice as
   * long. Of one that was not heard since this node started nobody can say which of the two is the later one: it is
   * believed again as soon as it is heard.
   */
  replacedEndpoint(endpoint: Endpoint): void {
    const unheard = this.#table.get(endpoint)?.isEmptyWithoutStatus ?? true
    this.removeEndpoint(endpoint)
    this.#evict(endpoint)
    if (unheard) this.#quarantine.delete(endpoint.text)
    else this.#quarantineUntil(endpoint, 2 * this.#context.settings.quarantineDelayMs)
  }

  /** Convicts who is silent, and forgets who is gone (`doStatusCheck`). */
  checkStatus(): void {
    const { now, log, settings } = this.#context
    for (const { endpoint, state } of this.#table.all()) {
      if (endpoint.text === settings.local.text) continue
      const verdict = this.detector.interpret(endpoint.text, now.monotonicMs)
      if (verdict === 'convicted') this.convict(endpoint)
      if (verdict === 'paused now') {
        const length = Math.round(this.detector.lastPauseLengthMs)
        log.warn(
          `Not marking nodes down due to local pause of ${length}ms > ${settings.failureDetector.maxLocalPauseMs}ms`,
        )
      }
      this.#forgetIfGone(endpoint, state)
    }
    for (const [endpoint, untilMs] of this.#quarantine) {
      if (now.monotonicMs > untilMs) this.#quarantine.delete(endpoint)
    }
  }

  #forgetIfGone(endpoint: Endpoint, state: EndpointState): void {
    const { now, log, settings, members } = this.#context
    if (members.isMember(endpoint)) return
    const timeout = isBootstrappingStatus(state.status)
      ? settings.failedBootstrapTimeoutMs
      : settings.fatClientTimeoutMs
    const silentMs = now.monotonicMs - state.updatedAtMs
    if (!state.isDead && !this.isQuarantined(endpoint) && silentMs > timeout) {
      log.info(
        `FatClient ${endpointLogText(endpoint)} has been silent for ${timeout}ms, removing from gossip`,
      )
      this.removeEndpoint(endpoint)
      this.#evict(endpoint)
    }
    const expireMs = this.#expireMs.get(endpoint.text)
    if (!state.alive && expireMs !== undefined && now.wallMs > expireMs) this.#evict(endpoint)
  }
}

/** Status before everything else: other values of a node that is no member are not looked at. */
export function statusFirst<T>(
  states: readonly (readonly [ApplicationState, T])[],
): (readonly [ApplicationState, T])[] {
  const isStatus = (name: ApplicationState): boolean => name === 'STATUS_WITH_PORT' || name === 'STATUS'
  const named = new Set(states.map(([name]) => name))
  return [
    ...states.filter(
      ([name]) => name === 'STATUS_WITH_PORT' || (name === 'STATUS' && !named.has('STATUS_WITH_PORT')),
    ),
    ...states.filter(([name]) => !isStatus(name)),
  ]
}

/**
 * What one message says of several nodes, in an order that subscribers understand (`stateOrderMap`): who bootstraps
 * comes last, since it may take the place of another; then the older generation first, then by address.
 */
function inOrder(said: EndpointStates): EndpointStates {
  const joining = (state: EndpointStateView): number =>
    isBootstrappingStatus(statusPieces(state)?.[0] ?? '') ? 1 : 0
  return [...said].sort(
    ([a, first], [b, second]) =>
      joining(first) - joining(second) ||
      first.heartbeat.generation - second.heartbeat.generation ||
      compareEndpoints(a, b),
  )
}

function withoutLegacy(said: EndpointStateView): EndpointStateView {
  const states = new Map(said.states)
  for (const [legacy, by] of LEGACY) if (states.has(by)) states.delete(legacy)
  return { ...said, states }
}

/**
 * Whether it leaves out what this node does not have. A message that waited for a connection, while the node that it answers started
 * anew, would make half a state of it, which nobody ever completes: versions say that nothing is lacking. Cassandra takes it.
 */
function isMisdirected(
  { heartbeat, since = 0 }: EndpointStateView,
  known: EndpointState | undefined,
): boolean {
  if (since === 0) return false
  return (
    known === undefined || known.heartbeat.generation !== heartbeat.generation || maxVersion(known) < since
  )
}
