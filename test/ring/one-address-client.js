// Run where 127.0.0.1 is the only address: writes and reads at QUORUM through each contact point, host:port, that is given, and prints what
// the Node driver sees. With `embedded` in front, in a ring of this process.
import cassandra from 'cassandra-driver'

const [mode, ...given] = process.argv.slice(2)
const { Sibyl } = mode === 'embedded' ? await import('../../dist/index.js') : {}
const db = await Sibyl?.start({ nodes: 3 })
const seen = []
for (const [i, contactPoint] of (db?.contactPoints ?? given).entries()) {
  const client = new cassandra.Client({
    contactPoints: [contactPoint],
    localDataCenter: 'datacenter1',
    queryOptions: { consistency: cassandra.types.consistencies.quorum, prepare: true },
  })
  await client.connect()
  if (i === 0) {
    await client.execute(
      "CREATE KEYSPACE one_address WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
    )
    await client.execute('CREATE TABLE one_address.t (k int PRIMARY KEY, v int)')
  }
  await client.execute('INSERT INTO one_address.t (k, v) VALUES (?, ?)', [i, i * 10])
  const { rows } = await client.execute('SELECT k, v FROM one_address.t')
  const { rows: peers } = await client.execute('SELECT native_address, native_port FROM system.peers_v2')
  seen.push({
    contactPoint,
    rows: rows.map(({ k, v }) => [k, v]).sort(([a], [b]) => a - b),
    isAmongHosts: client.hosts.values().some(({ address }) => address === contactPoint),
    peers: peers.map((row) => `${row.native_address}:${row.native_port}`).sort(),
  })
  await client.shutdown()
}
await db?.stop()
console.log(JSON.stringify(seen))
