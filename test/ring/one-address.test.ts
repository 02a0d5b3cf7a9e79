/** Rings where 127.0.0.1 is the only address, as on macOS: ports of their own for nodes, told of by system.peers_v2. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchSibyl, sibylIsBuilt, sleep, temporaryDirectory } from '../../compat-tests/harness.ts'
import { isOracleHere } from '../referee/oracle.ts'
import { mayMakeNamespaces, OneAddress } from './host-network.ts'

const PORTS = [9042, 9043, 9044]
const ALL = PORTS.map((port) => `127.0.0.1:${port}`)
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const NODETOOL = [process.execPath, here('../../bin/sibyl.js'), 'nodetool', '-pp']

const why = mayMakeNamespaces()
  ? ''
  : ' (skipped: it needs network namespaces, which root may make on Linux by `ip netns`)'

describe.skipIf(!sibylIsBuilt() || why !== '')(`where 127.0.0.1 is the only address${why}`, () => {
  const directory = temporaryDirectory('one-address')
  let machine: OneAddress

  beforeAll(() => {
    machine = new OneAddress('sibylone')
  })

  afterAll(() => {
    machine?.close()
    directory.remove()
  })

  /** What a program prints that runs there. */
  const run = async (...command: readonly string[]): Promise<string> => {
    const [program, ...args] = [...machine.runner, ...command]
    return (await promisify(execFile)(program!, args)).stdout
  }

  const nodeDriver = async (...args: readonly string[]): Promise<readonly Seen[]> =>
    JSON.parse(await run(process.execPath, here('one-address-client.js'), ...args))

  test('a second address cannot be listened at', async () => {
    const listen =
      "require('net').createServer().on('error', (e) => console.log(e.code)).listen(0, '127.0.0.2')"
    expect(await run(process.execPath, '-e', listen)).toBe('EADDRNOTAVAIL\n')
  })

  test('`sibyl cluster` forms a ring, says so, and is used by drivers', { timeout: 120_000 }, async () => {
    const { child, output } = launchSibyl({
      verb: 'cluster',
      port: 9042,
      dir: directory.path,
      args: ['--nodes', '3', '--log-level', 'warn'],
      runner: machine.runner,
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      for (let tries = 0; !output().includes('A ring of'); tries++) {
        if (tries === 600) throw new Error(output())
        await sleep(100)
      }
      expect(output()).toContain(
        'A ring of 3 nodes at 127.0.0.1, the one address that there is, on ports 9042, 9043, 9044 (nodetool -p 7199, 7200, 7201), data centres datacenter1: drivers that read system.peers_v2 find all of them',
      )
      expectRing(await nodeDriver('process', ...ALL), ALL)

      for (const port of [7199, 7200, 7201]) {
        const lines = (await run(...NODETOOL, '-p', String(port), 'status')).split('\n')
        const up = lines.filter((line) => line.startsWith('UN')).map((line) => line.split(/\s+/)[1])
        expect(up.sort()).toEqual(['127.0.0.1:7000', '127.0.0.1:7001', '127.0.0.1:7002'])
      }

      if (isOracleHere()) {
        const oracle = here('../../../shared/oracle/cassandra')
        for (const port of PORTS) {
          const seen = JSON.parse(await run(oracle, 'python', here('one_address.py'), String(port)))
          seen.rows.sort()
          expect(seen).toEqual({ hosts: ALL, asked: PORTS, rows: ROWS })
        }
      }
    } finally {
      child.kill('SIGTERM')
      await ended
    }
  })

  test('Sibyl.start({ nodes: 3 }) does so in one process', { timeout: 60_000 }, async () => {
    const seen = await nodeDriver('embedded')
    expectRing(
      seen,
      seen.map(({ contactPoint }) => contactPoint),
    )
  })
})

interface Seen {
  readonly contactPoint: string
  readonly rows: readonly (readonly [number, number])[]
  readonly isAmongHosts: boolean
  readonly peers: readonly string[]
}

const ROWS = [
  [0, 0],
  [1, 10],
  [2, 20],
]

/** Each node sees the two others in peers_v2; a row was written through each in turn, and each shows what was written till then. */
function expectRing(seen: readonly Seen[], contactPoints: readonly string[]): void {
  expect(new Set(contactPoints).size).toBe(3)
  expect(seen).toEqual(
    contactPoints.map((contactPoint, i) => ({
      contactPoint,
      rows: ROWS.slice(0, i + 1),
      isAmongHosts: true,
      peers: contactPoints.filter((other) => other !== contactPoint).sort(),
    })),
  )
}
