/**
 * Three real processes, replication factor 3, QUORUM, the stock Node driver: while one node after the other is killed, stopped, paused
 * and cut off, no idempotent request fails, nothing that was acknowledged is lost, and conditional statements are linearizable.
 *
 *   npm run proof:ring                      5 minutes
 *   RING_SECONDS=60 RING_SEED=7 npx vitest run test/ring
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sibylIsBuilt, sleep } from '../../compat-tests/harness.ts'
import { Random } from '../crash/random.ts'
import { type HostNetwork, loopback, mayMakeNamespaces, NamespaceNetwork } from './host-network.ts'
import { ProcessRing, type RingProcess } from './ring-processes.ts'
import { Comparers, ringClient, SCHEMA, Writer } from './workload.ts'

const SECONDS = Number(process.env['RING_SECONDS'] ?? 20)
const seed = Number(process.env['RING_SEED'] ?? Math.floor(Math.random() * 0x1_0000_0000))
const WRITERS = 6
const mayCut = mayMakeNamespaces()
if (!mayCut) console.log('No node is cut off: network namespaces cannot be made here')

type Fault = (node: RingProcess, ring: ProcessRing, random: Random) => Promise<void>

const pauseOf = (random: Random) => 200 + random.below(5000)

const FAULTS: Readonly<Record<string, Fault>> = {
  killed: async (node, _ring, random) => {
    await node.end('SIGKILL')
    await sleep(random.below(3000))
    await node.start()
  },
  restarted: async (node) => {
    await node.end('SIGTERM')
    await node.start()
  },
  paused: async (node, _ring, random) => {
    node.pause()
    await sleep(pauseOf(random))
    node.resume()
  },
  'cut off': async (node, { network }, random) => {
    network.cut(node.host, null)
    await sleep(pauseOf(random))
    network.heal()
  },
  'cut off one way': async (node, { nodes, network }, random) => {
    network.cut(node.host, nodes.find((other) => other !== node)!.host)
    await sleep(pauseOf(random))
    network.heal()
  },
}

describe.skipIf(!sibylIsBuilt())('a ring of processes', () => {
  let network: HostNetwork
  let ring: ProcessRing

  beforeAll(async () => {
    network = mayCut ? new NamespaceNetwork(71) : loopback(71)
    ring = new ProcessRing(3, network)
    await ring.start()
  }, 120_000)

  afterAll(async () => ring?.stop(), 60_000)

  test(
    `serves while nodes are killed, paused and cut off, for ${SECONDS} s`,
    async () => {
      console.log(`seed ${seed}`)
      const random = new Random(seed)
      const hosts = ring.nodes.map(({ host }) => host)
      const client = ringClient(hosts, true)
      const comparing = ringClient(hosts, false)
      const counts: Record<string, number> = {}
      try {
        for (const statement of SCHEMA) await client.execute(statement, [], { prepare: false })
        const end = Date.now() + SECONDS * 1000
        let isOver = false
        const writers = Array.from({ length: WRITERS }, (_, k) => new Writer(client, k))
        const comparers = [0, 100_000].map((first) => new Comparers(comparing, first))
        const running = [
          ...writers.map((writer) => writer.run(() => isOver)),
          ...comparers.map((each) => each.run(() => isOver, 3, 8)),
        ]
        const names = Object.keys(FAULTS).filter((name) => network.canCut || !name.startsWith('cut'))
        // Each of them once before any of them twice.
        for (let n = 0; Date.now() < end || n < names.length; n++) {
          const name = n < names.length ? names[n]! : random.pick(names)
          counts[name] = (counts[name] ?? 0) + 1
          await FAULTS[name]!(ring.nodes[random.below(ring.nodes.length)]!, ring, random)
          await ring.settled()
          await sleep(random.below(1000))
        }
        isOver = true
        await Promise.all(running)
        for (const writer of writers) await writer.judge()
        const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
        const decided = comparers.reduce((sum, each) => sum + each.decided, 0)
        const unknown = comparers.reduce((sum, each) => sum + each.unknown, 0)
        const longest = Math.max(...writers.map(({ longestMs }) => longestMs))
        console.log(
          `${JSON.stringify(counts)}; ${acknowledged} rounds of writes and reads, the longest request ${Math.round(longest)} ms; ` +
            `${decided} conditional statements and SERIAL reads decided, ${unknown} not`,
        )
        expect([...writers, ...comparers].flatMap(({ failed }) => failed)).toEqual([])
        expect(acknowledged).toBeGreaterThan(WRITERS)
        expect(decided).toBeGreaterThan(0)
      } finally {
        await Promise.all([client.shutdown(), comparing.shutdown()])
      }
    },
    SECONDS * 1000 + 240_000,
  )
})
