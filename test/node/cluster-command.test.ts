import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cassandra from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'

/** `sibyl cluster`, as processes. It has to be built: `npm run build`. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const isBuilt = existsSync(join(root, 'dist/cli.cjs'))
const children: ChildProcess[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'close')
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function run(...args: readonly string[]): { readonly child: ChildProcess; out: string } {
  const child = spawn(process.execPath, [join(root, 'bin/sibyl.js'), 'cluster', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const running = { child, out: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      running.out += chunk.toString()
    })
  }
  return running
}

async function announced(running: { readonly child: ChildProcess; out: string }): Promise<number> {
  for (;;) {
    const line = /A ring of \d+ nodes: contact points ([\d.,]+), port (\d+), data centres (.*)\n/.exec(
      running.out,
    )
    if (line !== null) return Number(line[2])
    if (running.child.exitCode !== null) throw new Error(running.out)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe.skipIf(!isBuilt)('sibyl cluster', () => {
  it('is a ring of processes, with the CQL that it was given, and ends as one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sibyl-cluster-'))
    folders.push(folder)
    const script = join(folder, 'init.cql')
    writeFileSync(
      script,
      `CREATE KEYSPACE demo WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2, 'dc2': 1};
       CREATE TABLE demo.notes (id int PRIMARY KEY); INSERT INTO demo.notes (id) VALUES (7);`,
    )
    const dir = join(folder, 'data')
    const args = [
      '--dc',
      'dc1:2,dc2:1',
      '--racks',
      '2',
      '--port',
      '0',
      '--dir',
      dir,
      '--init',
      script,
      '--num-tokens',
      '8',
    ]
    const running = run(...args)
    const port = await announced(running)
    const client = new cassandra.Client({
      contactPoints: ['127.0.0.2'],
      localDataCenter: 'dc1',
      protocolOptions: { port },
    })
    try {
      await client.connect()
      const hosts = client.hosts
        .values()
        .map(({ address, datacenter, rack }) => `${address} ${datacenter} ${rack}`)
      expect(hosts.sort()).toEqual([
        `127.0.0.1:${port} dc1 rack1`,
        `127.0.0.2:${port} dc1 rack2`,
        `127.0.0.3:${port} dc2 rack1`,
      ])
      const all = { consistency: cassandra.types.consistencies.all }
      expect(
        (await client.execute('SELECT id FROM demo.notes', [], all)).rows.map((row) => row['id']),
      ).toEqual([7])
    } finally {
      await client.shutdown()
    }
    running.child.kill('SIGTERM')
    const [code] = await once(running.child, 'close')
    expect(code).toBe(0)
    for (const node of [1, 2, 3]) {
      expect(running.out).toContain(`node${node} has ended (0)\n`)
      expect(existsSync(join(dir, `node${node}`, 'commitlog'))).toBe(true)
    }
  })

  it('leaves no nodes behind when it is killed', async () => {
    const running = run(
      '--nodes',
      '2',
      '--port',
      '0',
      '--dir',
      ':memory:',
      '--num-tokens',
      '4',
      '--log-level',
      'info',
    )
    const port = await announced(running)
    const connects = (host: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, host, () => {
          socket.destroy()
          resolve(true)
        })
        socket.on('error', () => resolve(false))
      })
    expect(await connects('127.0.0.2')).toBe(true)
    // Each says which of them it is.
    expect(running.out).toMatch(/"node":"127\.0\.0\.1","msg":/)
    expect(running.out).toMatch(/"node":"127\.0\.0\.2","msg":/)
    running.child.kill('SIGKILL')
    // Its streams are those of the nodes too: they close with the last of them.
    await once(running.child, 'close')
    expect(await connects('127.0.0.1')).toBe(false)
    expect(await connects('127.0.0.2')).toBe(false)
  })

  it.each([
    [['--nodes', 'three'], '--nodes takes a whole number'],
    [['--nodes', '0'], 'is to have at least one node'],
    [['--dc', 'dc1'], '--dc takes names and numbers of nodes, such as dc1:3, not dc1'],
    [['--dc', 'dc1:2', '--nodes', '2'], '--dc says how many nodes there are'],
  ])('says what is wrong with %j', async (args, message) => {
    const running = run(...args)
    const [code] = await once(running.child, 'close')
    expect(code).toBe(2)
    expect(running.out).toContain(`sibyl cluster: `)
    expect(running.out).toContain(message)
  })
})
