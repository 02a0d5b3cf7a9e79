import { expect, test } from 'vitest'
import cassandra from 'cassandra-driver'
import { Sibyl } from '../../../src/node/sibyl.ts'

/** Cassandra reads what is aggregated in pages of the client's size, each with its own limit of tombstones. */
test('tombstone_failure_threshold holds for a page of an aggregation, not for all of them', async () => {
  const server = await Sibyl.start({ settings: { tombstone_warn_threshold: 50, tombstone_failure_threshold: 60 } })
  const client = new cassandra.Client(server.driverOptions)
  try {
    await client.execute("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.execute('CREATE TABLE ks.t (k int, c int, a int, b int, PRIMARY KEY (k, c))')
    for (let i = 0; i < 100; i++) {
      await client.execute('INSERT INTO ks.t (k, c, a, b) VALUES (?, ?, null, null)', [i % 5, i], { prepare: true })
    }
    const count = async (query: string, fetchSize: number) => {
      const { rows, info } = await client.execute(query, [], { fetchSize })
      return [Number(rows[0]!['count']), (info.warnings ?? []).filter((text) => text.startsWith('Read ')).length]
    }
    expect(await count('SELECT count(*) FROM ks.t', 10)).toEqual([100, 0])
    // 26 rows have 52 tombstones; the last page has fewer.
    expect(await count('SELECT count(*) FROM ks.t', 26)).toEqual([100, 3])
    await expect(count('SELECT count(*) FROM ks.t', 40)).rejects.toThrow('1 failed')
    expect(await count('SELECT count(*) FROM ks.t WHERE k = 1', 10)).toEqual([20, 0])
    expect(await count('SELECT count(*) FROM ks.t WHERE k IN (1, 2, 3)', 10)).toEqual([60, 0])
  } finally {
    await client.shutdown()
    await server.stop()
  }
})
