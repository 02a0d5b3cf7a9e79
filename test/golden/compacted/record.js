// Records what Cassandra makes of SSTables by `nodetool compact`: `node test/golden/compacted/record.js CLUSTER`, with
// Java and a cluster of one node of the oracle kit that was started by that name and has no keyspaces `fx` and `cx`.
// Of the kit's SSTables only the outcome is recorded; SSTables that are made here are recorded themselves, too.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const oracle = fileURLToPath(new URL('../../../../shared/oracle/', import.meta.url))
const cluster = process.argv[2]
const data = join(homedir(), `.cache/cassandra-oracle/clusters/${cluster}/node1/data/data`)

function cassandra(...args) {
  const { stdout, stderr, status } = spawnSync(`${oracle}cassandra`, ['--name', cluster, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

const cql = (text) => cassandra('cqlsh', '-e', text)
const flush = (keyspace, table) => cassandra('nodetool', 'flush', keyspace, table)
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

function directoryOf(keyspace, table) {
  // Those of tables that were dropped stay.
  const found = readdirSync(join(data, keyspace))
    .filter((entry) => entry.startsWith(`${table}-`))
    .map((entry) => join(data, keyspace, entry))
  return found.sort((a, b) => statSync(b).birthtimeMs - statSync(a).birthtimeMs)[0]
}

/** The components of each SSTable of a directory by its id. */
function sstablesIn(directory) {
  const sstables = {}
  for (const name of readdirSync(directory)) {
    const match = /^nb-(\d+)-big-(.*\.(?:db|crc32|txt))$/.exec(name)
    if (match === null) continue
    sstables[match[1]] ??= {}
    sstables[match[1]][match[2]] = readFileSync(join(directory, name)).toString('base64')
  }
  return sstables
}

/** Compacts all of a table, or the SSTables of these ids, and says what has come of it. */
function compact(keyspace, table, ids) {
  const directory = directoryOf(keyspace, table)
  const before = new Set(Object.keys(sstablesIn(directory)))
  if (before.size === 0) throw new Error(`${keyspace}.${table} has no SSTables`)
  const now = Math.floor(Date.now() / 1000)
  if (ids === undefined) cassandra('nodetool', 'compact', keyspace, table)
  else cassandra('nodetool', 'compact', '--user-defined', ...ids.map((id) => join(directory, `nb-${id}-big-Data.db`)))
  for (let tries = 0; tries < 50; tries++) {
    const after = sstablesIn(directory)
    const gone = ids ?? [...before]
    if (gone.every((id) => after[id] === undefined)) {
      return { now, outputs: Object.entries(after).filter(([id]) => !before.has(id)).map(([, files]) => files) }
    }
    sleep(200)
  }
  throw new Error(`${keyspace}.${table} is not compacted`)
}

const KIT = [
  'altered', 'c_deflate', 'c_snappy', 'c_zstd', 'clustering_only', 'collections', 'compacted', 'composite',
  'composite_keys', 'counters', 'default_ttl', 'deletions', 'deletions_desc', 'empty_values', 'key_only', 'many_columns',
  'no_bloom', 'overlap', 'some_columns', 'static_only', 'statics', 'timestamps', 'ttls', 'uncompressed', 'wide_tombstones',
]
const fixtures = `${oracle}fixtures/sstables/nb/`

function recordKit(table, gcGrace) {
  const lines = readFileSync(`${fixtures}${table}/schema.cql`, 'utf8').split('\n')
  const schema = lines.filter((line) => line !== '' && !line.startsWith('--')).join('\n')
  cql(`DROP KEYSPACE IF EXISTS fx; ${schema}\nALTER TABLE fx.${table} WITH gc_grace_seconds = ${gcGrace}`)
  // Cassandra tells from the folders' names what the SSTables are of.
  const scratch = mkdtempSync(join(tmpdir(), 'compaction-'))
  const copy = join(scratch, 'fx', table)
  mkdirSync(copy, { recursive: true })
  for (const name of readdirSync(fixtures + table)) {
    if (name.startsWith('nb-') && !/dump|metadata/.test(name)) cpSync(`${fixtures}${table}/${name}`, join(copy, name))
  }
  cassandra('nodetool', 'import', 'fx', table, copy)
  rmSync(scratch, { recursive: true })
  return { table, gcGrace, ...compact('fx', table) }
}

/** Statements between flushes; what is compacted is all of it, or some SSTables by their places. */
const MADE = JSON.parse(readFileSync(new URL('scripts.json', import.meta.url), 'utf8'))

function recordMade({ name, schema, flushes, compacted, waitSeconds = 0 }) {
  cql(`DROP KEYSPACE IF EXISTS cx; CREATE KEYSPACE cx WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}; ${schema}`)
  cassandra('nodetool', 'disableautocompaction', 'cx')
  for (const statements of flushes) {
    cql(statements.join(';'))
    flush('cx', 't')
  }
  sleep((waitSeconds + 2) * 1000)
  const directory = directoryOf('cx', 't')
  const ids = Object.keys(sstablesIn(directory)).sort((a, b) => a - b)
  const inputs = sstablesIn(directory)
  const chosen = compacted?.map((place) => ids[place])
  return { name, schema, inputs: ids.map((id) => inputs[id]), compacted: compacted ?? null, ...compact('cx', 't', chosen) }
}

const recorded = {
  kit: KIT.flatMap((table) => [864_000, 0].map((gcGrace) => recordKit(table, gcGrace))),
  made: MADE.map(recordMade),
}
writeFileSync(new URL('recorded.json.gz', import.meta.url), gzipSync(JSON.stringify(recorded), { level: 9 }))
