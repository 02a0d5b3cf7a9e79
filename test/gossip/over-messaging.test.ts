import { expect, it } from 'vitest'
import { endpoint, parseEndpoint } from '../../src/cluster/endpoint.ts'
import {
  GossipService,
  messagingTransport,
  nextGeneration,
  type PeerRow,
  peerOf,
  peersV2Columns,
  quickGossipSettings,
  serveGossip,
} from '../../src/cluster/gossip/index.ts'
import { type InternodeMessaging, Verb } from '../../src/cluster/messaging/index.ts'
import { SimServices } from '../messaging/sim-services.ts'

/** Node `n`, which speaks over real connections of a simulated network. */
async function started(
  sim: SimServices,
  n: number,
): Promise<{
  service: GossipService
  messaging: InternodeMessaging
  rows: Map<string, PeerRow>
  events: string[]
}> {
  const messaging = await sim.start(n)
  const native = endpoint(sim.host(n), 9042)!
  const hostId = `00000000-0000-4000-8000-00000000000${n}`
  const seeds = [parseEndpoint(`${sim.host(1)}:7000`)!]
  const settings = quickGossipSettings({ clusterName: 'over messaging', local: messaging.self, seeds })
  const rows = new Map<string, PeerRow>()
  const events: string[] = []
  const log = { info() {}, warn: (line: string) => void sim.log.push(line) }
  const local = { endpoint: messaging.self, hostId, dataCenter: 'dc1', rack: `r${n}`, native }
  const service = new GossipService(settings, local, {
    clock: sim.clock,
    timers: sim.timers,
    random: sim.random,
    transport: messagingTransport(messaging),
    log,
    persist: (changes) => {
      for (const change of changes)
        if (change.kind === 'write') rows.set(change.row.endpoint.text, change.row)
    },
    notify: ({ change, node }) => events.push(`${change} ${node.text}`),
  })
  serveGossip(messaging, service, log)
  const states = { releaseVersion: '5.0.6', netVersion: 1, sstableVersions: ['big-nb'], schemaVersion: 's' }
  const saved = { generation: nextGeneration(null, sim.clock.nowMs()), peers: [], tokens: null }
  void service.start(saved, states, { bootstrapping: false, bootstrapComplete: false }).then(() => {
    service.join([BigInt(n), BigInt(-n)])
    service.setRpcReady(true)
  })
  return { service, messaging, rows, events }
}

it('makes a ring of three over the messaging service within a second', async () => {
  const sim = new SimServices(11)
  const nodes = [await started(sim, 1), await started(sim, 2), await started(sim, 3)]
  await sim.run(1000)
  for (const { service, rows } of nodes) {
    expect(service.gossiper.liveMembers.map(({ host }) => host)).toEqual([1, 2, 3].map((n) => sim.host(n)))
    expect(service.membership.schemaAgreed).toBe(true)
    const { ring } = service.membership
    expect(ring).toBe(service.membership.ring)
    expect(ring.nodes.map(({ rack }) => rack)).toEqual(['r1', 'r2', 'r3'])
    expect(ring.members().map(({ tokens }) => tokens)).toEqual([
      [-1n, 1n],
      [-2n, 2n],
      [-3n, 3n],
    ])
    expect(rows.size).toBe(2)
    for (const row of rows.values()) expect(peerOf(peersV2Columns(row))).toEqual(row)
  }
  // Bytes that are no gossip harm nobody.
  nodes[0]!.messaging.send(nodes[1]!.messaging.self, Verb.GOSSIP_DIGEST_ACK, Uint8Array.of(9, 9))
  await sim.run(100)
  expect(sim.log.some((line) => line.includes("GOSSIP_DIGEST_ACK of /10.0.0.1:7000 can't be read"))).toBe(
    true,
  )

  const stopping = nodes[2]!
  const stopped = stopping.service.stop()
  await sim.run(200)
  await stopped
  for (const { service, events } of nodes.slice(0, 2)) {
    expect(service.gossiper.isAlive(stopping.messaging.self)).toBe(false)
    expect(events.at(-1)).toBe(`DOWN ${sim.host(3)}:9042`)
  }
})
