// Records what Cassandra's sstabledump and sstablemetadata say of the oracle kit's SSTables with options that the kit
// itself has no output of: `node test/golden/sstables/record.js`, with Java. Paths are told from the kit's folder.
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const oracle = fileURLToPath(new URL('../../../../shared/oracle/', import.meta.url))
const fixtures = `${oracle}fixtures/sstables/`

function dataFile(table) {
  return `${table}/${readdirSync(`${fixtures}${table}`).find((name) => name.endsWith('-Data.db'))}`
}

const dumped = [
  'nb/deletions',
  'nb/deletions_desc',
  'nb/statics',
  'nb/collections',
  'nb/counters',
  'nb/composite',
  'nb/composite_keys',
  'nb/ttls',
  'nb/timestamps',
  'nb/native_types',
  'nb/empty_values',
  'nb/static_only',
  'oa/deletions',
  'oa/ttls',
]
const runs = []
for (const table of dumped) for (const flags of [['-d'], ['-e'], ['-l', '-t'], []]) runs.push(['sstabledump', dataFile(table), ...flags])
runs.push(['sstabledump', dataFile('nb/deletions'), '-t', '-k', 'rows', 'partition', 'absent'])
runs.push(['sstabledump', dataFile('nb/deletions'), '-t', '-k', 'rows', '-x', 'rows'])
runs.push(['sstabledump', dataFile('nb/deletions'), '-e', '-x', 'rows'])
runs.push(['sstabledump', dataFile('nb/deletions'), '-t', '-x', 'slices', 'rows'])
for (const table of ['nb/deletions', 'nb/ttls', 'nb/many', 'nb/wide', 'nb/counters', 'nb/composite_keys', 'oa/ttls', 'nb/statics']) {
  runs.push(['sstablemetadata', dataFile(table), '-s'])
}
for (const flags of [['-u'], ['-c'], ['-c', '-u', '-s'], ['-g', '1000000000'], ['-t', 'MILLISECONDS']]) {
  runs.push(['sstablemetadata', dataFile('nb/ttls'), ...flags])
}
runs.push(['sstablemetadata', dataFile('nb/deletions'), 'nb/nowhere-Data.db', dataFile('nb/statics')])

const recorded = runs.map((args) => {
  const { stdout } = spawnSync(`${oracle}cassandra`, args, { cwd: fixtures, encoding: 'utf8', maxBuffer: 1 << 28 })
  return { args, output: stdout.replaceAll(fixtures, '') }
})
const now = Math.floor(Date.now() / 1000)
const file = new URL('recorded.json.gz', import.meta.url)
writeFileSync(file, gzipSync(`${JSON.stringify({ now, runs: recorded }, null, 1)}\n`, { level: 9 }))
