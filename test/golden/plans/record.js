/**
 * Records plans of replicas in rings of many shapes with dead nodes, as Apache Cassandra's own ReplicaPlans makes them:
 * `node test/golden/plans/record.js`. Needs Java 17 and the oracle kit.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const RINGS = 45

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const kit = here('../../../../shared/oracle/cassandra')
const folder = mkdtempSync(join(tmpdir(), 'plans-'))

try {
  const jars = /^lib=(.*)$/m.exec(execFileSync(kit, ['env'], { encoding: 'utf8' }))[1]
  execFileSync('javac', ['-nowarn', '-cp', `${jars}/*`, '-d', folder, here('Plans.java')], { stdio: 'inherit' })
  const out = execFileSync(kit, ['java', 'Plans', String(RINGS), join(folder, 'node')], {
    env: { ...process.env, CLASSPATH: folder },
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.stdout.write(`Plans: ${out.length} bytes\n`)
  writeFileSync(here('plans.jsonl.gz'), gzipSync(out, { level: 9 }))
} finally {
  rmSync(folder, { recursive: true })
}
