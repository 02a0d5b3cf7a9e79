/**
 * DESCRIBE of the whole schema through cqlsh, compared with cqlsh/describe/*.out, recorded from Apache Cassandra as
 * cqlsh.test.ts says; and a keyspace that is made again from what cqlsh printed of it. A server that is named takes part
 * in the first when COMPAT_EMPTY_SERVER=1 says that it has no keyspaces and nobody else makes any.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKeyspace, runCqlsh } from './cqlsh-process.ts'
import { driverOptions, namedTarget, startTarget, type Target, temporaryDirectory } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'

const environment = await pythonEnvironment()
if (environment.kind === 'absent') console.log(`cqlsh's tests are skipped: ${environment.why}`)

const scripts = join(import.meta.dirname, 'cqlsh')
const recording = process.env['RECORD_GOLDEN'] === '1' && namedTarget() !== undefined
/** The statements of describe.cql that make something; a server has each table's id once. */
function definitions(idEnd: string): string {
  const [statements] = readFileSync(join(scripts, 'describe.cql'), 'utf8').split('\nDESCRIBE')
  return statements!.replace('ba0be0483d01', `ba0be0483d${idEnd}`)
}

const isAlone = namedTarget() === undefined || process.env['COMPAT_EMPTY_SERVER'] === '1'
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

/** Drops what compat tests have left behind. */
async function emptyServer(): Promise<void> {
  const client = new cassandra.Client(driverOptions(target))
  const { rows } = await client.execute('SELECT keyspace_name FROM system_schema.keyspaces')
  const names = rows.map((row) => row['keyspace_name'] as string).filter((name) => name.startsWith('compat_'))
  for (const name of names) await client.execute(`DROP KEYSPACE ${name}`)
  await client.shutdown()
}

/** What differs from node to node: its name, its tokens and address, and the ids that it gives. */
function normalized(output: string): string {
  return output
    .replaceAll(/^Cluster: .*$/gm, 'Cluster: NAME')
    .replaceAll(/ID = (?!5a1c395e)[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f-]{21}/g, 'ID = GIVEN')
    .replaceAll(/^ +-?\d+ {2}\[\/[\d.]+:7000\]\n/gm, '')
}

describe.skipIf(environment.kind === 'absent')('DESCRIBE in cqlsh', () => {
  test('of a whole schema', async (context) => {
    if (!isAlone)
      context.skip('the named server may have other keyspaces: COMPAT_EMPTY_SERVER=1 says that it has none')
    await emptyServer()
    await freshKeyspace(target, 'compat_cqlsh_describe_all')
    await cqlsh(['-k', 'compat_cqlsh_describe_all'], definitions('02'))
    const output = normalized(await cqlsh([], readFileSync(join(scripts, 'describe', 'all.cql'), 'utf8')))
    const recorded = join(scripts, 'describe', 'all.out')
    if (recording) writeFileSync(recorded, output)
    expect(output).toBe(readFileSync(recorded, 'utf8'))
  }, 120_000)

  test('a keyspace is made again by what is printed of it', async () => {
    const keyspace = 'compat_cqlsh_describe_again'
    await freshKeyspace(target, keyspace)
    await cqlsh(['-k', keyspace], definitions('03'))
    const printed = await cqlsh(['-e', `DESCRIBE KEYSPACE ${keyspace}`])
    const recorded = join(scripts, 'describe', 'again.out')
    if (recording) writeFileSync(recorded, printed)
    expect(printed).toBe(readFileSync(recorded, 'utf8'))
    const drop = `DROP KEYSPACE ${keyspace};\n`
    expect(await cqlsh([], drop + printed)).toBe('')
    // What is inside the comment, a table that CQL can't make, is not made.
    const withoutComment = printed.replaceAll(/\/\*[\s\S]*?\*\/\n\n?/g, '')
    expect(withoutComment).not.toBe(printed)
    expect((await cqlsh(['-e', `DESCRIBE KEYSPACE ${keyspace}`])).trim()).toBe(withoutComment.trim())
  }, 120_000)
})
