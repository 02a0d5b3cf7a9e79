// Run with `node --test examples/` after `npm ci`.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import cassandra from 'cassandra-driver'
import { Sibyl } from 'sibyl'

const schema = fileURLToPath(new URL('schema.cql', import.meta.url))
const db = await Sibyl.start({ port: 0, dir: ':memory:', init: [schema] })
const client = new cassandra.Client(db.driverOptions)

after(async () => {
  await client.shutdown()
  await db.stop()
})

test('the newest tweet comes first', async () => {
  const insert = 'INSERT INTO demo.tweets (user, year, month, posted, body) VALUES (?, ?, ?, ?, ?)'
  await client.execute(insert, ['ada', 2025, 3, new Date('2025-03-01'), 'Good morning'], { prepare: true })
  await client.execute(insert, ['ada', 2025, 3, new Date('2025-03-02'), 'Good evening'], { prepare: true })

  const select = 'SELECT body FROM demo.tweets WHERE user = ? AND year = ? AND month = ?'
  const { rows } = await client.execute(select, ['ada', 2025, 3], { prepare: true })
  assert.deepEqual(
    rows.map((row) => row.body),
    ['Good evening', 'Good morning'],
  )
})
