/**
 * Records who replicates what in rings of many shapes, into which pieces range reads are cut and medians of decaying samples,
 * as Apache Cassandra's own classes say: `node test/golden/ring/record.js`. Needs Java 17 and the oracle kit.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const SHAPES = 120

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const kit = here('../../../../shared/oracle/cassandra')
const folder = mkdtempSync(join(tmpdir(), 'ring-'))

function run(name, argument) {
  const out = execFileSync(kit, ['java', name, argument], {
    env: { ...process.env, CLASSPATH: folder },
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.stdout.write(`${name}: ${out.length} bytes\n`)
  return gzipSync(out, { level: 9 })
}

try {
  const jars = /^lib=(.*)$/m.exec(execFileSync(kit, ['env'], { encoding: 'utf8' }))[1]
  const sources = ['Placements', 'Splits'].map((name) => here(`${name}.java`))
  execFileSync('javac', ['-nowarn', '-cp', `${jars}/*`, '-d', folder, ...sources], { stdio: 'inherit' })
  writeFileSync(here('placements.jsonl.gz'), run('Placements', String(SHAPES)))
  writeFileSync(here('splits.json.gz'), run('Splits', join(folder, 'node')))
} finally {
  rmSync(folder, { recursive: true })
}
