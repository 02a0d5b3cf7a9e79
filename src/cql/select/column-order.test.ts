import cassandra from 'cassandra-driver'
import { describe, expect, it } from 'vitest'
import { Sibyl } from '../../node/sibyl.ts'

/** The columns of a table, and `*` of it as Apache Cassandra 5.0.6 has it. */
const TABLES: readonly (readonly [columns: string, order: string])[] = [
  ['k int PRIMARY KEY, "é" int, a int, "日本" set<int>, b set<int>, z int', 'k é a b z 日本'],
  [
    'k int, c int, "é" int static, z set<int> static, "ñ" list<int> static, a int, "日本" set<int>, "éa" map<int, int>, b set<int>, z2 int, ab int, "Ab" int, "_x" int, PRIMARY KEY (k, c)',
    'k c é ñ z Ab _x a ab b z2 éa 日本',
  ],
  [
    'k int PRIMARY KEY, abcdefgh int, abcdefgg int, "abcdefé" set<int>, abcdef set<int>, abcdefa int',
    'k abcdef abcdefé abcdefa abcdefgg abcdefgh',
  ],
  ['k int PRIMARY KEY, "日" set<int>, "本" set<int>', 'k 日 本'],
  ['k int PRIMARY KEY, "é" int, "日" int, a int', 'k é 日 a'],
]

describe('the columns of *', () => {
  it.each(TABLES)('of (%s)', async (columns, order) => {
    const server = await Sibyl.start()
    const client = new cassandra.Client(server.driverOptions)
    try {
      await client.execute(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
      )
      await client.execute(`CREATE TABLE ks.t (${columns})`)
      const names = async (query: string) => (await client.execute(query)).columns.map(({ name }) => name)
      expect(await names('SELECT * FROM ks.t')).toEqual(order.split(' '))
      const key = columns.includes('PRIMARY KEY (k, c)') ? '(k, c) VALUES (1, 1)' : '(k) VALUES (1)'
      await client.execute(`INSERT INTO ks.t ${key}`)
      expect(await names(`INSERT INTO ks.t ${key} IF NOT EXISTS`)).toEqual(['[applied]', ...order.split(' ')])
    } finally {
      await client.shutdown()
      await server.stop()
    }
  })
})
