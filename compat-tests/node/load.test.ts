/** Many requests at once, and a server that goes away and comes back. */

import cassandra from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { driverOptions, namedTarget, sleep, spawnSibyl, temporaryDirectory, useSession } from '../harness.ts'

const db = useSession('load', ['CREATE TABLE t (k int PRIMARY KEY, v text)'])

describe('10,000 queries at once', () => {
  test('each gets its own answer', async () => {
    const count = 10_000
    const client = new cassandra.Client({ ...db.options(), pooling: { maxRequestsPerConnection: 32_768 } })
    await client.connect()
    await Promise.all(
      Array.from({ length: count }, (_, k) =>
        client.execute('INSERT INTO t (k, v) VALUES (?, ?)', [k, `value ${k}`], { prepare: true }),
      ),
    )
    const rows = await Promise.all(
      Array.from({ length: count }, (_, k) =>
        client.execute('SELECT v FROM t WHERE k = ?', [k], { prepare: true }),
      ),
    )
    for (let k = 0; k < count; k++) expect(rows[k].first().v).toBe(`value ${k}`)
    await client.shutdown()
  }, 120_000)

  test('errors among them reach those who asked', async () => {
    const answers = await Promise.all(
      Array.from({ length: 2000 }, (_, k) =>
        k % 3 === 0
          ? db.error(`SELECT nope${k} FROM t`)
          : db.run('SELECT k FROM t WHERE k = ?', [k]).then((result) => result.first().k),
      ),
    )
    answers.forEach((answer, k) => {
      expect(answer).toBe(k % 3 === 0 ? `0x2200 Undefined column name nope${k} in table compat_load.t` : k)
    })
  }, 60_000)

  test('large values go both ways', async () => {
    for (const size of [0, 1, 65_535, 65_536, 1_000_000, 5_000_000]) {
      const value = 'é'.repeat(size / 2)
      await db.run('INSERT INTO t (k, v) VALUES (?, ?)', [-1, value])
      expect((await db.run('SELECT v FROM t WHERE k = ?', [-1])).first().v).toBe(value)
    }
  }, 60_000)

  test('twenty clients come and go', async () => {
    const clients = Array.from({ length: 20 }, () => new cassandra.Client(db.options()))
    await Promise.all(clients.map((client) => client.connect()))
    const rows = await Promise.all(
      clients.map((client, k) => client.execute('SELECT v FROM t WHERE k = ?', [k], { prepare: true })),
    )
    expect(rows.map((result) => result.first().v)).toEqual(clients.map((_, k) => `value ${k}`))
    await Promise.all(clients.map((client) => client.shutdown()))
  }, 60_000)
})

describe('reconnection', () => {
  if (namedTarget() !== undefined) {
    console.log('Reconnection is not tried: it kills the server, and this one was not started by the test')
  }
  test.skipIf(namedTarget() !== undefined)(
    'a client finds a server that was killed and started again, with all its data',
    async () => {
      const directory = temporaryDirectory('reconnect')
      let server = await spawnSibyl({ dir: directory.path })
      const { port } = server
      const client = new cassandra.Client({
        ...driverOptions(server),
        policies: { reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(50) },
      })
      await client.execute(
        "CREATE KEYSPACE back WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      )
      await client.execute('CREATE TABLE back.t (k int PRIMARY KEY, v int)')
      const insert = 'INSERT INTO back.t (k, v) VALUES (?, ?)'
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < 100; n++) await client.execute(insert, [round * 100 + n, n], { prepare: true })
        await server.kill('SIGKILL')
        await expect(client.execute(insert, [9999, 1], { prepare: true })).rejects.toThrow()
        server = await spawnSibyl({ dir: directory.path, port })
        const started = Date.now()
        for (;;) {
          try {
            const result = await client.execute('SELECT k FROM back.t', [], {
              prepare: true,
              fetchSize: 5000,
            })
            expect(result.rows.filter((row) => row.k < 9999)).toHaveLength((round + 1) * 100)
            break
          } catch (error) {
            // The driver prepares without a look for another host, and says so with an error of no class of its own.
            const isAway =
              error instanceof cassandra.errors.NoHostAvailableError ||
              (error instanceof Error && error.message === 'No connection available')
            if (!isAway || Date.now() - started > 20_000) throw error
            await sleep(50)
          }
        }
      }
      await client.shutdown()
      await server.kill('SIGTERM')
      directory.remove()
    },
    120_000,
  )
})
