/**
 * Records who replicates what in rings of many shapes, as Apache Cassandra's own classes say, into placements.jsonl.gz:
 * `node test/golden/ring/record.js`. Needs Java 17 and the oracle kit's jars (`shared/oracle/cassandra install`).
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const SHAPES = 120

const oracle = fileURLToPath(new URL('../../../../shared/oracle/cassandra', import.meta.url))
const environment = execFileSync(oracle, ['env'], { encoding: 'utf8' })
const jars = /^lib=(.*)$/m.exec(environment)[1]
const folder = mkdtempSync(join(tmpdir(), 'ring-'))
try {
  const logging = join(folder, 'logback.xml')
  writeFileSync(logging, '<configuration><root level="OFF"/></configuration>')
  const program = fileURLToPath(new URL('Placements.java', import.meta.url))
  const lines = execFileSync(
    'java',
    [`-Dlogback.configurationFile=${logging}`, '-cp', `${jars}/*`, program, String(SHAPES)],
    { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const file = fileURLToPath(new URL('placements.jsonl.gz', import.meta.url))
  writeFileSync(file, gzipSync(lines, { level: 9 }))
  process.stdout.write(`${SHAPES} rings, ${lines.length} bytes\n`)
} finally {
  rmSync(folder, { recursive: true })
}
