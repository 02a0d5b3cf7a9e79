/**
 * Reads of more tombstones than the 1000 of tombstone_warn_threshold, and the warnings they get: those of Apache
 * Cassandra are in tombstones.json, recorded by `node test/golden/select/tombstones.js [host] [port]`.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import cassandra from 'cassandra-driver'

/** Each query with its warnings and number of rows, or its error. */
export async function readTombstones(host, port) {
  const client = new cassandra.Client({
    contactPoints: [host],
    localDataCenter: 'datacenter1',
    protocolOptions: { port, maxVersion: 4 },
  })
  await client.connect()
  await client.execute("DROP KEYSPACE IF EXISTS tombtext")
  await client.execute("CREATE KEYSPACE tombtext WITH replication = {'class':'SimpleStrategy','replication_factor':1}")
  await client.execute('CREATE TABLE tombtext.t (p int, a int, b text, v int, w set<int>, s int static, "X" int, PRIMARY KEY (p, a, b)) WITH CLUSTERING ORDER BY (a DESC, b ASC)')
  await client.execute('CREATE TABLE tombtext.o (p int, q text, c int, v int, PRIMARY KEY ((p, q), c))')
  await client.execute('CREATE TABLE tombtext.e (p int PRIMARY KEY, v int, x text)')
  const N = 1010
  for (let at = 0; at < N; at += 100) {
    const qs = []
    for (let i = at; i < Math.min(N, at + 100); i++) {
      qs.push({ query: 'DELETE FROM tombtext.t WHERE p = 1 AND a = ? AND b = ?', params: [i, 'it\'s'] })
      qs.push({ query: 'INSERT INTO tombtext.t (p, a, b, v) VALUES (2, ?, ?, null)', params: [i, 'x'] })
      qs.push({ query: 'DELETE FROM tombtext.o WHERE p = 1 AND q = ? AND c = ?', params: ['k', i] })
    }
    await client.batch(qs, { prepare: true, logged: false })
  }
  for (let i = 0; i < N; i++) await client.execute('DELETE FROM tombtext.e WHERE p = ?', [i], { prepare: true })
  await client.execute("INSERT INTO tombtext.t (p, a, b, v, w, s, \"X\") VALUES (1, 5000, 'y', 1, {1}, 9, 3)")
  await client.execute("INSERT INTO tombtext.t (p, a, b, v, w, s) VALUES (1, 5001, 'y', 1, null, 9)")
  await client.execute("UPDATE tombtext.t USING TTL 1 SET v = 3 WHERE p = 1 AND a = 5002 AND b = 'z'")
  await client.execute("INSERT INTO tombtext.t (p, a, b, v) VALUES (1, 5003, 'z', 4) USING TTL 1")
  await new Promise((r) => setTimeout(r, 2500))
  const out = []
  async function q(text, o = {}) {
    try {
      const r = await client.execute(text, o.params ?? [], { prepare: !!o.params, fetchSize: 0, ...o })
      out.push([text + JSON.stringify(o), r.info.warnings ?? null, r.rowLength])
    } catch (e) { out.push([text + JSON.stringify(o), e.message]) }
  }
  await q('SELECT * FROM tombtext.t WHERE p = 1')
  await q('SELECT v FROM tombtext.t WHERE p = 1')
  await q('SELECT "X", w, s, a FROM tombtext.t WHERE p = 1 LIMIT 7')
  await q('SELECT p FROM tombtext.t WHERE p = 1 ORDER BY a ASC')
  await q('SELECT p FROM tombtext.t WHERE p = 1 AND a > -1')
  await q('SELECT p FROM tombtext.t WHERE p = 1 AND a >= 0 AND a < 1005 ORDER BY a ASC')
  await q("SELECT p FROM tombtext.t WHERE p = 1 AND (a, b) > (0, 'a')")
  await q("SELECT p FROM tombtext.t WHERE p = 1 AND (a, b) >= (0, 'a') AND (a, b) < (2000, 'z')")
  await q('SELECT p FROM tombtext.t WHERE p = 1 AND v = 3 ALLOW FILTERING')
  await q('SELECT p FROM tombtext.t WHERE p = 1 AND v > 3 AND "X" < 2 AND w CONTAINS 3 ALLOW FILTERING')
  await q('SELECT p FROM tombtext.t WHERE p = 1 AND a < 3000 AND v IN (1, 2) ALLOW FILTERING')
  await q("SELECT p FROM tombtext.t WHERE p = 1 AND b = 'x' ALLOW FILTERING")
  await q("SELECT * FROM tombtext.t WHERE b = 'x' ALLOW FILTERING")
  await q("SELECT * FROM tombtext.t WHERE a > 3 AND b = 'x' ALLOW FILTERING")
  await q('SELECT * FROM tombtext.t')
  await q('SELECT * FROM tombtext.t WHERE p IN (1, 2)')
  await q('SELECT * FROM tombtext.t WHERE p IN (1, 2) ORDER BY a ASC LIMIT 5')
  await q('SELECT * FROM tombtext.t WHERE p IN (1, 2) PER PARTITION LIMIT 2000')
  await q('SELECT * FROM tombtext.t PER PARTITION LIMIT 2000 LIMIT 3000')
  await q('SELECT DISTINCT p, s FROM tombtext.t')
  await q('SELECT count(*) FROM tombtext.t')
  await q('SELECT count(*) FROM tombtext.t', { fetchSize: 4000 })
  await q('SELECT count(*) FROM tombtext.t WHERE p = 1')
  await q('SELECT JSON v FROM tombtext.t WHERE p = 1')
  await q('SELECT writetime(v) FROM tombtext.t WHERE p = 1')
  await q('SELECT * FROM tombtext.t WHERE token(p) > -9223372036854775800')
  await q('SELECT * FROM tombtext.t WHERE token(p) >= -9000000000000000000 AND token(p) <= 9000000000000000000')
  await q('SELECT * FROM tombtext.o')
  await q("SELECT * FROM tombtext.o WHERE p = 1 AND q = 'k'")
  await q("SELECT * FROM tombtext.o WHERE p = 1 AND q IN ('k', 'l') AND c > 0")
  await q('SELECT v FROM tombtext.e')
  await q('SELECT v FROM tombtext.e WHERE v = 3 ALLOW FILTERING')
  await q('SELECT * FROM tombtext.e WHERE p > 3 ALLOW FILTERING')
  await q('SELECT * FROM tombtext.t WHERE p = 1', { fetchSize: 2 })
  await q('SELECT * FROM tombtext.t', { fetchSize: 3000 })
  await q('SELECT * FROM tombtext.t WHERE p = ? AND a IN ?', { params: [1, Array.from({ length: 1005 }, (_, i) => i)] })
  await q(`SELECT * FROM tombtext.t WHERE p = 1 AND a IN (${Array.from({ length: 1005 }, (_, i) => i)}) AND b = 'it''s'`)
  await q('SELECT * FROM tombtext.t WHERE p = 2')
  await client.execute("DELETE FROM tombtext.t WHERE p = 1")
  await q('SELECT * FROM tombtext.t WHERE p = 1')
  await client.execute("DROP KEYSPACE tombtext")
  await client.shutdown()
  return out
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const answers = await readTombstones(process.argv[2] ?? '127.0.0.61', Number(process.argv[3] ?? 9042))
  const lines = answers.map((answer) => JSON.stringify(answer))
  writeFileSync(new URL('tombstones.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`)
}
