/** What a real ring's node 1 said of its ring, and what ours says that heard the same: see record.py. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type Endpoint, endpoint } from '../../../src/cluster/endpoint.ts'
import type { ApplicationState } from '../../../src/cluster/gossip/application-state.ts'
import { type ClientEvent, EventNotifier } from '../../../src/cluster/gossip/client-events.ts'
import type { EndpointStateView } from '../../../src/cluster/gossip/endpoint-state.ts'
import { Gossiper } from '../../../src/cluster/gossip/gossiper.ts'
import { Membership } from '../../../src/cluster/gossip/membership.ts'
import type { Outgoing } from '../../../src/cluster/gossip/message.ts'
import { type PeerRow, peersColumns, peersV2Columns } from '../../../src/cluster/gossip/peers.ts'
import { gossipSettings } from '../../../src/cluster/gossip/settings.ts'
import { tokensValue, type VersionedValue } from '../../../src/cluster/gossip/versioned-value.ts'
import { describeClusterText, gossipInfoText, nodeStatuses, statusText } from '../../../src/cluster/gossip/views.ts'
import { SimRandom } from '../../sim/sim-random.ts'

type Row = Record<string, string | number | string[] | null>

interface Step {
  readonly name: string
  readonly events: readonly [kind: string, change: string, node: string][]
  readonly nodes: Record<string, { nodetool: Record<string, string>; local: Row[]; peers: Row[]; peers_v2: Row[] }>
}

const { prefix, steps } = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as {
  prefix: string
  steps: Step[]
}
const [one, two, three] = [1, 2, 3].map((i) => endpoint(prefix + i)!) as [Endpoint, Endpoint, Endpoint]

/** Tokens of a node, as it kept them itself at the beginning. */
function tokensOf(of: Endpoint): bigint[] {
  return (steps[0]!.nodes[of.host]!.local[0]!.tokens as string[]).map(BigInt).sort((a, b) => (a < b ? -1 : 1))
}

/** What node 1 knew of a node, out of its `gossipinfo`. */
function stateIn(step: Step, of: Endpoint): EndpointStateView {
  const text = step.nodes[one.host]!.nodetool.gossipinfo!
  const block = text.split(/^\//m).find((part) => part.startsWith(`${of.host}\n`))!
  const number = (name: string): number => Number(new RegExp(`  ${name}:(\\d+)`).exec(block)![1])
  const states = new Map<ApplicationState, VersionedValue>()
  for (const [, name, version, value] of block.matchAll(/^ {2}([A-Z_]+):(\d+):(.*)$/gm)) {
    const said = name === 'TOKENS' ? tokensValue(tokensOf(of)) : value!
    states.set(name as ApplicationState, { value: said, version: Number(version) })
  }
  return { heartbeat: { generation: number('generation'), version: number('heartbeat') }, states }
}

/** Node 1 of ours, to which the messages are fed that the real one must have got. */
class NodeOne {
  readonly gossiper: Gossiper
  readonly membership: Membership
  readonly rows = new Map<string, PeerRow>()
  events: [string, string, string][] = []
  #now = { wallMs: 1_795_273_497_000, monotonicMs: 1000 }

  constructor() {
    const log = { info() {}, warn() {} }
    const native = endpoint(one.host, 9042)!
    const { hostId, states, generation } = localState(steps[0]!)
    this.membership = new Membership({ endpoint: one, hostId, dataCenter: 'datacenter1', rack: 'rack1', native }, log)
    const settings = gossipSettings({ clusterName: 'gossip', local: one, seeds: [one] })
    const parts = { random: new SimRandom(1), members: this.membership, log, now: this.#now }
    this.gossiper = new Gossiper(settings, parts)
    this.membership.attach(this.gossiper)
    const view = {
      local: one,
      localNative: native,
      nativeAddress: (of: Endpoint) => this.membership.nativeAddress(of),
      isRpcReady: (of: Endpoint) => this.membership.isRpcReady(of),
    }
    const notifier = new EventNotifier(view, ({ kind, change, node }: ClientEvent) => {
      this.events.push([kind, change, node.text])
    })
    this.membership.subscribe((event) => {
      if (event.kind === 'joined') notifier.onJoinCluster(event.endpoint)
      if (event.kind === 'left') notifier.onLeaveCluster(event.endpoint, event.native)
      if (event.kind === 'up') notifier.onUp(event.endpoint)
      if (event.kind === 'down') notifier.onDown(event.endpoint)
    })
    this.gossiper.start(generation, states, this.#now)
    this.membership.setLocalTokens(tokensOf(one))
  }

  /** Sends nothing, but for echoes, which are answered by who is there. */
  #settle(out: readonly Outgoing[], answering: boolean): void {
    for (const { to, message } of out) {
      if (message.verb === 'ECHO_REQ' && answering) this.#settle(this.gossiper.echoed(to, message.attempt, this.#now), true)
    }
    for (const change of this.membership.takePeerChanges()) {
      if (change.kind === 'write') this.rows.set(change.row.endpoint.text, change.row)
      else this.rows.delete(change.endpoint.text)
    }
  }

  hear(from: Endpoint, of: Endpoint, state: EndpointStateView, answering = true): void {
    const message = { verb: 'GOSSIP_DIGEST_ACK2', states: [[of, state]] } as const
    this.#settle(this.gossiper.receive(from, message, this.#now), answering)
  }

  goodbye(from: Endpoint, state: EndpointStateView): void {
    this.#settle(this.gossiper.receive(from, { verb: 'GOSSIP_SHUTDOWN', state }, this.#now), false)
  }

  /** Rounds in which node 2 is heard, so that only others are convicted. */
  rounds(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#now = { wallMs: this.#now.wallMs + 1000, monotonicMs: this.#now.monotonicMs + 1000 }
      const known = this.gossiper.state(two)!
      const heartbeat = { generation: known.heartbeat.generation, version: known.heartbeat.version + 1 }
      if (!known.isDead) this.hear(two, two, { heartbeat, states: new Map() })
      this.#settle(this.gossiper.round(this.#now), false)
    }
  }

  assassinate(of: Endpoint): void {
    const plan = this.gossiper.planAssassination(of)
    this.#settle(this.gossiper.assassinate(plan, this.membership.tokensOf(of), this.#now), false)
  }

  say(states: Iterable<readonly [ApplicationState, string]>): void {
    this.gossiper.setLocalStates(states, this.#now)
  }
}

function localState(step: Step): { hostId: string; generation: number; states: [ApplicationState, string][] } {
  const { heartbeat, states } = stateIn(step, one)
  const said = [...states].map(([name, { value }]): [ApplicationState, string] => [name, value])
  return { hostId: states.get('HOST_ID')!.value, generation: heartbeat.generation, states: said }
}

/** What happened before each of the recorded steps, as node 1 got to know it. */
const STORY: Record<string, (node: NodeOne, step: Step) => void> = {
  'three nodes': (node, step) => {
    node.hear(two, two, stateIn(step, two))
    node.hear(three, three, stateIn(step, three))
    node.rounds(3)
    // Clients come when all is well.
    node.events = []
  },
  'node 3 killed': (node, step) => {
    node.hear(two, three, stateIn(step, three))
    node.rounds(40)
  },
  'node 3 started again': (node, step) => node.hear(three, three, stateIn(step, three)),
  'node 3 stopped': (node, step) => node.goodbye(three, stateIn(step, three)),
  'node 3 without native transport': (node, step) => node.hear(three, three, stateIn(step, three)),
  'node 3 without gossip': (node, step) => {
    const goodbye = stateIn(step, three)
    node.goodbye(three, goodbye)
    // Node 2 passes on what it heard last, and node 3 still answers to echoes.
    node.hear(two, three, { heartbeat: { ...goodbye.heartbeat, version: 1 }, states: new Map() })
  },
  'node 3 with gossip again': (node, step) => node.hear(three, three, stateIn(step, three)),
  'node 3 decommissioned': (node, step) => node.hear(three, three, stateIn(step, three)),
  'node 2 assassinated': (node) => {
    node.assassinate(two)
    node.rounds(40)
  },
}

/** The pulse and the versions of what a node says of itself are its own business, and so is the time it is forgotten at. */
function withoutVersions(text: string): string {
  return text
    .replace(/heartbeat:\d+/g, 'heartbeat:#')
    .replace(/^( {2}[A-Z_]+):\d+:/gm, '$1:#:')
    .replace(/(LEFT,[-\d]+),\d+/g, '$1,#')
    // Cassandra says the status of an assassinated node twice.
    .replace(/^ {2}STATUS:#:LEFT,.*\n/gm, '')
}

function shares(status: string): Map<string, number> {
  return new Map([...status.matchAll(/([\d.]+)% +(\S+)/g)].map(([, share, hostId]) => [hostId!, Number(share) / 100]))
}

const node = new NodeOne()

it.each(steps)('knows what Apache Cassandra knew: $name', (step) => {
  const { nodetool, peers, peers_v2 } = step.nodes[one.host]!
  STORY[step.name]!(node, step)
  if (step.name !== 'three nodes') node.say([['LOAD', localState(step).states.find(([name]) => name === 'LOAD')![1]]])

  expect(node.events).toEqual(step.events)
  node.events = []

  const { gossiper, membership } = node
  for (const [command, withPort] of [['', false], ['-pp ', true]] as const) {
    const info = gossipInfoText(gossiper.endpoints, withPort)
    expect(withoutVersions(info)).toBe(withoutVersions(nodetool[`${command}gossipinfo`]!))
    const described = nodetool[`${command}describecluster`]!
    const keyspaces = [...described.matchAll(/^\t(\w+) -> Replication class: (.*)$/gm)].map(([, name, of]) => [name!, of!] as const)
    const description = {
      clusterName: 'gossip',
      snitch: 'org.apache.cassandra.locator.SimpleSnitch',
      dynamicSnitch: true,
      partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
      keyspaces,
    }
    expect(describeClusterText(gossiper, membership, description, withPort)).toBe(described)
  }
  // A node's load is broadcast once a minute; what it knows of itself is newer.
  const loads = (text: string): string => text.replace(/ +[\d.]+ [KM]iB +/g, ' LOAD ').replace(/ Load +/g, ' Load ')
  for (const command of ['status', '-pp status', 'status system_auth']) {
    const recorded = nodetool[command]!
    const owned = shares(recorded)
    const nodes = nodeStatuses(gossiper, membership, (hostId) => owned.get(hostId) ?? null)
    expect(loads(statusText(nodes, { withPort: command.startsWith('-pp') }))).toBe(loads(recorded))
    if (step.name === 'three nodes') expect(statusText(nodes, { withPort: command.startsWith('-pp') })).toBe(recorded)
  }

  const byPeer = (rows: Row[]): Row[] => rows.sort((a, b) => (String(a.peer) < String(b.peer) ? -1 : 1))
  const kept = (columns: (row: PeerRow) => object): Row[] =>
    [...node.rows.values()].map((row) => JSON.parse(JSON.stringify(columns(row), (_, v) => (v instanceof Set ? [...v] : v))) as Row)
  expect(byPeer(kept(peersColumns))).toEqual(byPeer(peers))
  expect(byPeer(kept(peersV2Columns))).toEqual(byPeer(peers_v2))
})
