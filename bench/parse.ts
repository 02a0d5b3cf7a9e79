/** Statements parsed a second. */

import { parse } from '../src/cql/parser.ts'

const STATEMENTS: Readonly<Record<string, string>> = {
  select: 'SELECT a, b, c FROM ks.t WHERE k = ? AND c > 10 LIMIT 100',
  insert: "INSERT INTO ks.t (k, c, v) VALUES (?, ?, 'abc') USING TTL 100",
  update: 'UPDATE t SET v = v + 1, w[0] = ? WHERE k = 0x12ab IF v = 2',
  delete: 'DELETE FROM t WHERE k = 123e4567-e89b-12d3-a456-426655440000',
  batch: "BEGIN BATCH INSERT INTO t (a) VALUES (1); UPDATE t SET b = 'x' WHERE a = 2; APPLY BATCH",
  'create table': `CREATE TABLE IF NOT EXISTS ks.t (a int, b text, c timestamp, m map<text, frozen<list<int>>>,
    PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC) AND compaction = {'class': 'X'} AND comment = ''`,
  'syntax error': 'SELECT a, b, c FROM ks.t WHERE k == ? AND c > 10',
}

function attempt(query: string): void {
  try {
    parse(query)
  } catch {
    // Measured too.
  }
}

for (const [name, query] of Object.entries(STATEMENTS)) {
  for (let i = 0; i < 20_000; i++) attempt(query)
  const started = performance.now()
  let count = 0
  while (performance.now() - started < 500) {
    for (let i = 0; i < 1_000; i++) attempt(query)
    count += 1_000
  }
  const rate = (count / (performance.now() - started)) * 1_000
  process.stdout.write(`${name.padEnd(14)} ${Math.round(rate).toLocaleString('en')} statements/s\n`)
}
