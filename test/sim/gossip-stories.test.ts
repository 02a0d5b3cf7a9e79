import { expect, it } from 'vitest'
import { endpoint } from '../../src/cluster/endpoint.ts'
import { quickGossipSettings } from '../../src/cluster/gossip/settings.ts'
import { SimGossip, type SimNode } from './gossip-cluster.ts'

/** A ring in which all agree, and everything that was told on the way is forgotten. */
async function settled(nodes: number, seeds = 1): Promise<SimGossip> {
  const sim = new SimGossip(7, nodes, seeds)
  for (const node of sim.nodes) sim.start(node)
  expect(await sim.until(() => sim.disagreement() === null, 30_000)).not.toBeNull()
  await sim.advance(60_000)
  sim.told.length = 0
  return sim
}

const others = (sim: SimGossip, of: SimNode): SimNode[] => sim.running.filter((node) => node !== of)

/** What all other nodes told, each the same, without when. */
function toldByAll(sim: SimGossip, nodes: readonly SimNode[]): string[] {
  const [first, ...rest] = nodes.map(({ name }) =>
    sim.told.filter(({ node }) => node === name).map(({ what }) => what),
  )
  for (const told of rest) expect(told).toEqual(first)
  return first!
}

it('forms a ring that starts all at once', async () => {
  for (const seeds of [1, 3]) {
    const sim = new SimGossip(1, 5, seeds)
    for (const node of sim.nodes) sim.start(node)
    expect(await sim.until(() => sim.disagreement() === null, 20_000)).not.toBeNull()
  }
})

it('starts three nodes within half a second where rounds are quick', async () => {
  const local = endpoint('127.0.30.1')!
  const {
    seeds: _,
    local: __,
    clusterName: ___,
    ...quick
  } = quickGossipSettings({ clusterName: '', local, seeds: [] })
  const sim = new SimGossip(3, 3, 1, quick)
  for (const node of sim.nodes) sim.start(node)
  let waited = 0
  const agreed = await sim.until(() => sim.disagreement() === null, 400, 10)
  expect(agreed).not.toBeNull()
  for (const node of sim.nodes) void node.service!.waitToSettle().then(() => waited++)
  sim.stir()
  await sim.advance(100)
  expect(waited).toBe(3)
})

it('convicts a silent node after the silence that Cassandra waits for', async () => {
  const sim = await settled(5)
  const silent = sim.nodes[3]!
  sim.crash(silent)
  await sim.advance(15_000)
  expect(sim.told).toEqual([])
  await sim.advance(15_000)
  expect(sim.disagreement()).toBeNull()
  const at = silent.address.text
  expect(toldByAll(sim, sim.running)).toEqual([
    `dead ${at}`,
    `STATUS_CHANGE DOWN ${endpoint(silent.address.host, 9042)!.text}`,
  ])
})

it('hears a goodbye at once', async () => {
  const sim = await settled(4)
  const leaving = sim.nodes[2]!
  sim.stop(leaving)
  await sim.advance(100)
  expect(toldByAll(sim, others(sim, leaving))).toEqual([
    `dead ${leaving.address.text}`,
    `STATUS_CHANGE DOWN ${leaving.address.host}:9042`,
  ])
})

it('mends after a node could hear but not be heard', async () => {
  const sim = await settled(5)
  const mute = sim.nodes[4]!
  for (const node of others(sim, mute)) sim.block(mute, node)
  await sim.advance(60_000)
  for (const node of others(sim, mute)) expect(node.service!.gossiper.isAlive(mute.address)).toBe(false)
  sim.heal()
  expect(await sim.until(() => sim.disagreement() === null, 30_000)).not.toBeNull()
})

it('mends where no seed is left', async () => {
  const sim = await settled(3)
  const [seed, two, three] = sim.nodes as [SimNode, SimNode, SimNode]
  sim.crash(seed)
  sim.block(two, three)
  sim.block(three, two)
  await sim.advance(60_000)
  expect(two.service!.gossiper.isAlive(three.address)).toBe(false)
  sim.heal()
  expect(await sim.until(() => sim.disagreement() === null, 30_000)).not.toBeNull()
})

it('knows a node that is back at another address', async () => {
  const sim = await settled(4)
  const moved = sim.nodes[3]!
  const before = moved.address
  sim.crash(moved)
  await sim.advance(40_000)
  sim.told.length = 0
  moved.address = sim.newAddress()
  sim.start(moved)
  expect(await sim.until(() => sim.disagreement() === null, 30_000)).not.toBeNull()
  // For long after that nobody hears of the old address again.
  await sim.advance(400_000)
  expect(sim.disagreement()).toBeNull()
  for (const node of others(sim, moved)) {
    expect(node.service!.gossiper.state(before)).toBeUndefined()
    expect(node.disk.peers.has(before.text)).toBe(false)
  }
  const native = `${moved.address.host}:9042`
  expect(toldByAll(sim, others(sim, moved)).sort()).toEqual(
    [
      `STATUS_CHANGE UP ${native}`,
      `TOPOLOGY_CHANGE NEW_NODE ${native}`,
      `alive ${moved.address.text}`,
    ].sort(),
  )
})

it('refuses an address that is another node’s', async () => {
  const sim = await settled(3)
  const [, down, thief] = sim.nodes as [SimNode, SimNode, SimNode]
  sim.crash(down)
  sim.crash(thief)
  await sim.advance(40_000)
  thief.address = down.address
  sim.start(thief)
  await sim.advance(2000)
  expect(thief.failure?.message).toBe(
    `A node with address /${down.address.text} already exists, cancelling join. ` +
      'Use cassandra.replace_address if you want to replace this node.',
  )
})

it('gives up where no seed answers, unless it is one', async () => {
  const sim = new SimGossip(5, 3, 2)
  const [seed, , other] = sim.nodes as [SimNode, SimNode, SimNode]
  sim.start(other)
  await sim.advance(59_000)
  expect(other.failure).toBeNull()
  await sim.advance(7000)
  expect(other.failure?.message).toBe('Unable to gossip with any peers')
  sim.start(seed)
  await sim.advance(36_000)
  expect(seed.service!.gossiper.enabled).toBe(true)
})

it('keeps clusters of other names apart', async () => {
  const sim = new SimGossip(5, 2, 1)
  const [one, two] = sim.nodes as [SimNode, SimNode]
  const warnings: string[] = []
  sim.log = (node, line) => void warnings.push(`${node.name}: ${line}`)
  two.choice = { clusterName: 'other' }
  sim.start(one)
  sim.start(two)
  await sim.advance(70_000)
  expect(two.failure?.message).toBe('Unable to gossip with any peers')
  expect(warnings).toContain(`n1: ClusterName mismatch from /${two.address.text} other!=sim`)
  expect(one.service!.gossiper.endpointCount).toBe(1)
})

it('stops to gossip and begins again', async () => {
  const sim = await settled(3)
  const node = sim.nodes[1]!
  node.service!.disable()
  await sim.advance(100)
  for (const other of others(sim, node)) expect(other.service!.gossiper.isAlive(node.address)).toBe(false)
  node.service!.enable()
  node.disk.generation!++
  expect(await sim.until(() => sim.disagreement() === null, 20_000)).not.toBeNull()
})

it('assassinates one that is gone, and not one that is alive', async () => {
  const sim = await settled(4)
  const [one, gone, alive] = sim.nodes as [SimNode, SimNode, SimNode]
  let refused = ''
  one.service!.assassinate(alive.address, 0n).catch((error: Error) => {
    refused = error.message
  })
  sim.stir()
  await sim.advance(31_000)
  expect(refused).toMatch(
    /^Endpoint still alive: \/127\.0\.30\.3:7000 heartbeat changed while trying to assassinate it$/,
  )
  sim.crash(gone)
  await sim.advance(30_000)
  void one.service!.assassinate(gone.address, 0n)
  await sim.advance(45_000)
  gone.disk.joined = false
  expect(sim.disagreement()).toBeNull()
  for (const node of sim.running) {
    const told = sim.told.filter((said) => said.node === node.name).map(({ what }) => what)
    expect(told).toContain(`TOPOLOGY_CHANGE REMOVED_NODE ${gone.address.host}:9042`)
  }
})
