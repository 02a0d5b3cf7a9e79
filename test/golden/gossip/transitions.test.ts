/**
 * What becomes of the ring by what a node hears: transitions.json has steps, and what each of them led to.
 * `GOLDEN_WRITE=1` writes the outcomes anew, for a look at the difference.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Endpoint, endpoint } from '../../../src/cluster/endpoint.ts'
import type { ApplicationState } from '../../../src/cluster/gossip/application-state.ts'
import { encodeGossip } from '../../../src/cluster/gossip/codec.ts'
import type { EndpointStateView } from '../../../src/cluster/gossip/endpoint-state.ts'
import type { PeerRow } from '../../../src/cluster/gossip/peers.ts'
import { GossipService } from '../../../src/cluster/gossip/service.ts'
import { gossipSettings } from '../../../src/cluster/gossip/settings.ts'
import { tokensValue } from '../../../src/cluster/gossip/versioned-value.ts'
import { SimRandom } from '../../sim/sim-random.ts'

interface Said {
  /** The last part of its address. */
  readonly node: number
  readonly generation: number
  readonly version?: number
  readonly tokens?: readonly number[]
  readonly host?: string
  readonly states?: Readonly<Partial<Record<ApplicationState, string>>>
}

interface Step {
  readonly hear?: readonly Said[]
  readonly goodbye?: Said
  readonly rounds?: number
  /** Who answers to echoes from now on; at the beginning everybody does. */
  readonly silent?: readonly number[]
  outcome?: unknown
}

interface Scenario {
  readonly name: string
  readonly saved?: readonly { readonly node: number; readonly host: string; readonly tokens: readonly number[] }[]
  readonly steps: readonly Step[]
}

const file = new URL('transitions.json', import.meta.url)
const scenarios = JSON.parse(readFileSync(file, 'utf8')) as Scenario[]

const at = (node: number): Endpoint => endpoint(`127.0.0.${node}`)!
const name = (of: Endpoint): string => String(of.address[3])
const hostId = (host: string): string => `00000000-0000-4000-8000-${host.padStart(12, '0')}`

function stateOf({ node, generation, version = 1, tokens, host, states = {} }: Said): EndpointStateView {
  const said: [ApplicationState, string][] = Object.entries(states) as [ApplicationState, string][]
  if (tokens !== undefined) said.push(['TOKENS', tokensValue(tokens.map(BigInt))])
  if (host !== undefined) {
    said.push(['HOST_ID', hostId(host)], ['DC', 'dc1'], ['RACK', 'r1'], ['RELEASE_VERSION', '5.0.6'])
    said.push(['NATIVE_ADDRESS_AND_PORT', `127.0.0.${node}:9042`])
  }
  return { heartbeat: { generation, version }, states: new Map(said.map(([key, value]) => [key, { value, version }])) }
}

/** Node 1 with the token 1, and everything that it tells and keeps. */
class Listener {
  readonly service: GossipService
  readonly told: string[] = []
  readonly peers = new Map<string, PeerRow>()
  readonly silent = new Set<string>()
  #nowMs = 1000
  #round: (() => void) | null = null

  constructor() {
    const local = { endpoint: at(1), hostId: hostId('1'), dataCenter: 'dc1', rack: 'r1', native: endpoint('127.0.0.1', 9042)! }
    const settings = gossipSettings({ clusterName: 'golden', local: at(1), seeds: [at(1)] })
    this.service = new GossipService(settings, local, {
      clock: {
        nowMs: () => 1_700_000_000_000 + this.#nowMs,
        nowMicros: () => (1_700_000_000_000 + this.#nowMs) * 1000,
        monotonicMs: () => this.#nowMs,
      },
      timers: {
        setTimeout: (run) => {
          this.#round = run
          return {}
        },
        clearTimeout() {},
        setImmediate() {},
      },
      random: new SimRandom(1),
      transport: {
        send() {},
        echo: (to, answered) => {
          if (!this.silent.has(name(to))) answered()
        },
      },
      log: { info() {}, warn: (line) => this.told.push(`warn: ${line}`) },
      persist: (changes) => {
        for (const change of changes) {
          if (change.kind === 'write') this.peers.set(name(change.row.endpoint), change.row)
          else this.peers.delete(name(change.endpoint))
        }
      },
      notify: ({ change, node }) => this.told.push(`clients: ${change} ${name(node)}`),
    })
    this.service.membership.subscribe((event) => {
      if (event.kind !== 'ring') this.told.push(`${event.kind} ${name(event.endpoint)}`)
    })
  }

  async start(saved: Scenario['saved'] = []): Promise<void> {
    const peers = saved.map(({ node, host, tokens }): PeerRow => {
      const unsaid = { dataCenter: 'dc1', rack: 'r1', releaseVersion: null, schemaVersion: null, native: null }
      return { endpoint: at(node), hostId: hostId(host), tokens: tokens.map(BigInt), ...unsaid }
    })
    for (const row of peers) this.peers.set(name(row.endpoint), row)
    // Nobody is asked: whoever was known before is not there, and this node is the only seed.
    this.service.membership.load(peers)
    for (const { endpoint: of } of peers) this.service.gossiper.addSavedEndpoint(of, this.service.now())
    const states = { releaseVersion: '5.0.6', netVersion: 1, sstableVersions: ['big-nb'], schemaVersion: 's' }
    await this.service.start({ generation: 100, peers: [], tokens: null }, states, { bootstrapping: false, bootstrapComplete: true })
    this.service.join([1n])
    this.service.setRpcReady(true)
    this.told.length = 0
  }

  take({ hear, goodbye, rounds = 0, silent }: Step): void {
    if (silent !== undefined) this.silent.clear()
    for (const node of silent ?? []) this.silent.add(String(node))
    if (hear !== undefined) {
      const states = hear.map((said) => [at(said.node), stateOf(said)] as const)
      this.service.receive(at(9), 'GOSSIP_DIGEST_ACK2', encodeGossip({ verb: 'GOSSIP_DIGEST_ACK2', states }))
    }
    if (goodbye !== undefined) {
      const payload = encodeGossip({ verb: 'GOSSIP_SHUTDOWN', state: stateOf(goodbye) })
      this.service.receive(at(goodbye.node), 'GOSSIP_SHUTDOWN', payload)
    }
    for (let i = 0; i < rounds; i++) {
      this.#nowMs += 1000
      this.#round!()
    }
  }

  outcome(): object {
    const { gossiper, membership } = this.service
    const { joining, leaving, moving } = membership.ringChanges()
    const owned = (members: readonly { node: { endpoint: Endpoint }; tokens: readonly bigint[] }[]): string[] =>
      members.map(({ node, tokens }) => `${name(node.endpoint)}: ${tokens.join(' ')}`)
    return {
      told: this.told.splice(0),
      ring: owned(membership.ringMembers()),
      ...(joining.length > 0 ? { joining: owned(joining) } : {}),
      ...(leaving.length > 0 ? { leaving } : {}),
      ...(moving.length > 0 ? { moving: owned(moving) } : {}),
      live: gossiper.liveMembers.map(name),
      unreachable: gossiper.unreachableMembers.map(name),
      known: gossiper.endpoints.map(({ endpoint: of, state }) =>
        [name(of), state.status, gossiper.isQuarantined(of) ? 'quarantined' : ''].filter(Boolean).join(' '),
      ),
      peers: [...this.peers].map(([node, row]) => `${node}: ${row.tokens?.join(' ')} ${row.hostId?.slice(-2)}`).sort(),
    }
  }
}

it.each(scenarios)('$name', async ({ saved, steps }) => {
  const listener = new Listener()
  await listener.start(saved)
  for (const step of steps) {
    listener.take(step)
    const outcome = listener.outcome()
    if (process.env.GOLDEN_WRITE) step.outcome = outcome
    else expect(outcome).toEqual(step.outcome)
  }
  if (process.env.GOLDEN_WRITE) writeFileSync(file, `${JSON.stringify(scenarios, null, 1)}\n`)
})
