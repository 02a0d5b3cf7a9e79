/**
 * cqlsh runs each cqlsh/*.cql; what it prints is compared with *.out, recorded from Apache Cassandra.
 * RECORD_GOLDEN=1 with CASSANDRA_CONTACT_POINTS writes the recordings anew.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKeyspace, runCqlsh } from './cqlsh-process.ts'
import { namedTarget, startTarget, type Target, temporaryDirectory } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'

const environment = await pythonEnvironment()
if (environment.kind === 'absent') console.log(`cqlsh's tests are skipped: ${environment.why}`)

const scripts = join(import.meta.dirname, 'cqlsh')
const recording = process.env['RECORD_GOLDEN'] === '1' && namedTarget() !== undefined
const home = temporaryDirectory('cqlsh')

let target: Target
beforeAll(async () => {
  if (environment.kind === 'ready') target = await startTarget()
}, 120_000)
afterAll(async () => {
  await target?.stop()
  home.remove()
})

function cqlsh(args: readonly string[], input?: string): Promise<string> {
  return runCqlsh({ target, environment, home: home.path }, args, input)
}

describe.skipIf(environment.kind === 'absent')('cqlsh', () => {
  const names = readdirSync(scripts)
    .filter((file) => file.endsWith('.cql'))
    .map((file) => file.slice(0, -'.cql'.length))

  test.each(names)('%s.cql from standard input', async (name) => {
    const keyspace = `compat_cqlsh_${name}`
    await freshKeyspace(target, keyspace)
    const output = await cqlsh(['-k', keyspace], readFileSync(join(scripts, `${name}.cql`), 'utf8'))
    const recorded = join(scripts, `${name}.out`)
    if (recording) writeFileSync(recorded, output)
    expect(output).toBe(readFileSync(recorded, 'utf8'))
  }, 120_000)

  test('SHOW VERSION, SHOW HOST and one statement from the command line', async () => {
    expect(await cqlsh(['-e', 'SHOW VERSION'])).toMatch(
      /^\[cqlsh 6\.2\.\d+ \| Cassandra 5\.0\.\d+\S* \| CQL spec 3\.4\.7 \| Native protocol v5\]\n$/,
    )
    expect(await cqlsh(['-e', 'SHOW HOST'])).toMatch(/^Connected to .+ at HOST:PORT\n$/)
    expect(await cqlsh(['-e', "SELECT key FROM system.local WHERE key = 'local'"])).toBe(
      '\n key\n-------\n local\n\n(1 rows)\n',
    )
  }, 60_000)

  test.each([3, 4, 5])('protocol version %i', async (version) => {
    const output = await cqlsh(['--protocol-version', String(version), '-e', 'SHOW VERSION'])
    expect(output).toContain(`Native protocol v${version}]`)
  }, 60_000)
})
