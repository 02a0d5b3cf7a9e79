import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { Sibyl } from '../../src/index.ts'
import { Workbench } from './support.ts'

/** Nodes that talk to each other over TLS, each a server with a storage port of its own. */

const bench = new Workbench()
afterEach(() => bench.release())

const keystore = fileURLToPath(new URL('../protocol/tls/server.pem', import.meta.url))
const truststore = fileURLToPath(new URL('../protocol/tls/ca.pem', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function start(index: number, storagePort: number): Promise<Sibyl> {
  return bench.start({
    host: `127.0.0.${index}`,
    storagePort,
    seeds: '127.0.0.1',
    quickGossip: true,
    expectNodes: 2,
    numTokens: 4,
    serverEncryption: {
      internode_encryption: 'all',
      keystore,
      truststore,
      require_client_auth: true,
    },
  })
}

it('a ring is made over TLS', async () => {
  const storagePort = await freePort()
  const [first, second] = await Promise.all([start(1, storagePort), start(2, storagePort)])
  const client = await bench.connect(first!, { protocolOptions: { port: first!.port } })
  await client.execute(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}",
  )
  const other = await bench.connect(second!)
  expect(await other.metadata.getTable('ks', 'none')).toBeNull()
  expect(
    (await other.execute("SELECT * FROM system_schema.keyspaces WHERE keyspace_name = 'ks'")).rows,
  ).toHaveLength(1)
  const { rows } = await other.execute('SELECT peer, native_port FROM system.peers_v2')
  expect(rows.map((row) => [row['peer'].toString(), row['native_port']])).toEqual([
    ['127.0.0.1', first!.port],
  ])
})
