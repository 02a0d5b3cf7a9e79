/** How drivers see a ring of two data centres: tokens, replicas of keys, racks, who is up. The Python and the Java driver are the oracle kit's. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sibylIsBuilt, sleep } from '../../compat-tests/harness.ts'
import { isOracleHere } from '../referee/oracle.ts'
import { loopback } from './host-network.ts'
import { ProcessRing, type RingProcess } from './ring-processes.ts'

interface HostView {
  readonly dataCenter: string
  readonly rack: string
  readonly isUp: boolean
  readonly tokens: readonly string[]
}

interface RingSeen {
  readonly hosts: Readonly<Record<string, HostView>>
  readonly replicas: Readonly<Record<string, readonly string[]>>
}

const PLACES = ['dc1:r1', 'dc1:r1', 'dc1:r2', 'dc2:r1', 'dc2:r2'].map(
  (place) => place.split(':') as [string, string],
)
const KEYS = Array.from({ length: 40 }, (_, i) => `key${i}`)
const KEYSPACES = {
  simple: "{'class': 'SimpleStrategy', 'replication_factor': 2}",
  network: "{'class': 'NetworkTopologyStrategy', 'dc1': 2, 'dc2': 1}",
}
const ORACLE = fileURLToPath(new URL('../../../shared/oracle/cassandra', import.meta.url))
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const clientOf = (host: string) =>
  new cassandra.Client({
    contactPoints: [host],
    localDataCenter: 'dc1',
    pooling: { heartBeatInterval: 1000 },
  })

/** What the node itself says, by what nodetool is told. */
async function ours(node: RingProcess, keyspace: string): Promise<RingSeen> {
  const { nodes } = (await node.ask('status')) as {
    readonly nodes: readonly { readonly address: string; readonly state: string }[]
  }
  const client = clientOf(node.host)
  await client.connect()
  const host = client.hosts.values().find(({ address }) => address.startsWith(`${node.host}:`))
  const tables = ['SELECT rpc_address AS a, data_center, rack, tokens FROM system.peers']
  tables.push('SELECT rpc_address AS a, data_center, rack, tokens FROM system.local')
  const answers = await Promise.all(tables.map((query) => client.execute(query, [], { host })))
  await client.shutdown()
  const rows = answers.flatMap((answer) => answer.rows)
  const hosts = rows.map((row): [string, HostView] => {
    const address = String(row['a'])
    const isUp = nodes.find((each) => each.address === address)?.state === 'UN'
    const tokens = [...(row['tokens'] as readonly string[])].sort()
    return [address, { dataCenter: row['data_center'], rack: row['rack'], isUp, tokens }]
  })
  const replicas: [string, readonly string[]][] = []
  for (const key of KEYS) {
    const found = (await node.ask('getendpoints', { keyspace, table: 't', key })) as readonly string[]
    replicas.push([key, [...found].sort()])
  }
  return { hosts: Object.fromEntries(hosts), replicas: Object.fromEntries(replicas) }
}

/** A driver that is connected to a ring. */
interface Driver {
  see(): Promise<RingSeen>
  close(): Promise<void>
}

async function nodeDriver(host: string, keyspace: string): Promise<Driver> {
  const client = clientOf(host)
  await client.connect()
  return {
    see: async () => {
      const hosts = client.hosts.values().map((each): [string, HostView] => {
        const { datacenter, rack, tokens } = each as unknown as Record<string, never>
        const view = {
          dataCenter: datacenter,
          rack,
          isUp: each.isUp(),
          tokens: [...(tokens as string[])].sort(),
        }
        return [each.address.split(':')[0], view]
      })
      const replicas = KEYS.map((key): [string, string[]] => {
        const found = client.getReplicas(keyspace, Buffer.from(key)) as readonly {
          readonly address: string
        }[]
        return [key, found.map(({ address }) => address.split(':')[0]).sort()]
      })
      return { hosts: Object.fromEntries(hosts), replicas: Object.fromEntries(replicas) }
    },
    close: () => client.shutdown(),
  }
}

async function program(
  verb: 'python' | 'java',
  file: string,
  host: string,
  keyspace: string,
): Promise<Driver> {
  const child = spawn(ORACLE, [verb, here(file), host, keyspace, ...KEYS], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    see: async () => {
      child.stdin.write('\n')
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`${file} ended`)
        // The driver may log.
        if (value.startsWith('{')) return JSON.parse(value) as RingSeen
      }
    },
    close: async () => {
      child.stdin.end()
      await new Promise((resolve) => child.once('close', resolve))
    },
  }
}

const DRIVERS: Readonly<Record<string, (host: string, keyspace: string) => Promise<Driver>>> = {
  Node: nodeDriver,
  ...(isOracleHere() &&
    existsSync(ORACLE) && {
      Python: (host: string, keyspace: string) => program('python', 'driver_view.py', host, keyspace),
      Java: (host: string, keyspace: string) => program('java', 'DriverView.java', host, keyspace),
    }),
}

/** Looks again until the driver has heard of it. */
async function expectSame(driver: Driver, expected: RingSeen): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (isDeepStrictEqual(await driver.see(), expected)) return
    await sleep(100)
  }
  expect(await driver.see()).toEqual(expected)
}

describe.skipIf(!sibylIsBuilt())('a ring of two data centres', () => {
  let ring: ProcessRing

  beforeAll(async () => {
    const options = PLACES.map(([dataCenter, rack]) => {
      const place = ['--dc', dataCenter, '--rack', rack, '--num-tokens', '8']
      return [...place, '--endpoint-snitch', 'GossipingPropertyFileSnitch']
    })
    ring = new ProcessRing(PLACES.length, loopback(74), options)
    await ring.start()
    const client = clientOf(ring.nodes[0]!.host)
    for (const [name, replication] of Object.entries(KEYSPACES)) {
      await client.execute(`CREATE KEYSPACE ${name} WITH replication = ${replication}`)
      await client.execute(`CREATE TABLE ${name}.t (k text PRIMARY KEY)`)
    }
    await client.shutdown()
  }, 120_000)

  afterAll(async () => ring?.stop(), 60_000)

  test.each(Object.keys(DRIVERS))('is seen by the %s driver as by its nodes', {
    timeout: 180_000,
  }, async (name) => {
    for (const keyspace of Object.keys(KEYSPACES)) {
      const expected = await ours(ring.nodes[1]!, keyspace)
      expect(Object.keys(expected.hosts)).toHaveLength(PLACES.length)
      expect(new Set(Object.values(expected.replicas).map(String)).size).toBeGreaterThan(3)
      const driver = await DRIVERS[name]!(ring.nodes[0]!.host, keyspace)
      await expectSame(driver, expected)
      await driver.close()
    }
  })

  test('and so are nodes that go and come back', { timeout: 180_000 }, async () => {
    const drivers = await Promise.all(
      Object.values(DRIVERS).map((open) => open(ring.nodes[0]!.host, 'network')),
    )
    for (const dead of [ring.nodes[4]!, ring.nodes[2]!]) {
      for (const driver of drivers) await driver.see()
      await dead.end('SIGKILL')
      await ring.settled([dead])
      const without = await ours(ring.nodes[1]!, 'network')
      const down = Object.entries(without.hosts).filter(([, { isUp }]) => !isUp)
      expect(down.map(([host]) => host)).toEqual([dead.host])
      for (const driver of drivers) await expectSame(driver, without)
      await dead.start()
      await ring.settled()
      const whole = await ours(ring.nodes[1]!, 'network')
      for (const driver of drivers) await expectSame(driver, whole)
    }
    for (const driver of drivers) await driver.close()
  })
})
