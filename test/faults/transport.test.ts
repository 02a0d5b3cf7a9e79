import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as Driver } from 'cassandra-driver'
import { afterAll, expect, test } from 'vitest'
import { Sibyl } from '../../src/node/sibyl.ts'
import { Client, openNode } from '../golden/describe/client.ts'
import { KEYSPACE } from './faulty-node.ts'

/** What drivers see of a broken SSTable, and of a transport that stops because of it. */

const dir = mkdtempSync(join(tmpdir(), 'sibyl-faults-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Resolves to whether the port takes a connection. */
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

test('a start with a broken SSTable', async () => {
  const database = await openNode({ dir })
  const client = new Client(database)
  await client.query(KEYSPACE)
  await client.query('CREATE TABLE ks.t (k int PRIMARY KEY, v text)')
  await client.query("INSERT INTO ks.t (k, v) VALUES (1, 'a')")
  await database.processor.commit()
  await database.engine.drain()
  await database.close()
  const table = readdirSync(join(dir, 'data', 'ks'))[0]!
  const path = join(dir, 'data', 'ks', table, 'nb-1-big-Data.db')
  const bytes = readFileSync(path)
  bytes[5]! ^= 1
  writeFileSync(path, bytes)

  await expect(Sibyl.start({ dir, diskFailurePolicy: 'stop_paranoid' })).rejects.toThrow(
    /Corrupt SSTable file .*nb-1-big-Data\.db at offset 0/,
  )
  const server = await Sibyl.start({ dir, diskFailurePolicy: 'ignore' })
  const driver = new Driver(server.driverOptions)
  expect((await driver.execute('SELECT * FROM ks.t')).rowLength).toBe(0)
  await driver.shutdown()
  await server.stop()
})

test('a bit flips while the server runs: stop_paranoid stops the transport, and the process lives until stop', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sibyl-faults-'))
  const database = await openNode({ dir: home })
  const client = new Client(database)
  await client.query(KEYSPACE)
  await client.query('CREATE TABLE ks.t (k int PRIMARY KEY, v text)')
  for (let k = 0; k < 2000; k++)
    await client.query(`INSERT INTO ks.t (k, v) VALUES (${k}, '${'v'.repeat(50)}${k}')`)
  await database.processor.commit()
  await database.engine.drain()
  await database.close()
  const server = await Sibyl.start({ dir: home, diskFailurePolicy: 'stop_paranoid' })
  const driver = new Driver({ ...server.driverOptions, pooling: { warmup: true } })
  await driver.connect()
  const table = readdirSync(join(home, 'data', 'ks'))[0]!
  const path = join(home, 'data', 'ks', table, 'nb-1-big-Data.db')
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  writeFileSync(path, bytes)
  await expect(driver.execute('SELECT * FROM ks.t')).rejects.toThrow()
  await expect.poll(() => connects(server.port), { timeout: 10_000 }).toBe(false)
  await driver.shutdown().catch(() => undefined)
  await server.stop()
  rmSync(home, { recursive: true })
}, 60_000)
