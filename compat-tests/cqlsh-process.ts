/** Runs cqlsh against a target. */

import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import cassandra from 'cassandra-driver'
import { driverOptions, type Target } from './harness.ts'
import type { PythonEnvironment } from './python-environment.ts'

export interface CqlshRun {
  readonly target: Target
  readonly environment: PythonEnvironment
  /** A directory of the test's own: cqlsh's home, and where it is run. */
  readonly home: string
}

/** What cqlsh prints, as from a terminal that is no terminal, in UTC, without the user's own cqlshrc. */
export async function runCqlsh(
  { target, environment, home }: CqlshRun,
  args: readonly string[],
  input = '',
): Promise<string> {
  if (environment.kind === 'absent') throw new Error(environment.why)
  // One file for both, so that an error stands where it happened.
  const file = join(home, 'output')
  writeFileSync(file, '')
  const output = openSync(file, 'a')
  const child = spawn(
    environment.python,
    [environment.cqlsh, target.host, String(target.port), '--no-color', '--encoding', 'utf-8', ...args],
    {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        TZ: 'UTC',
        LC_ALL: 'C.UTF-8',
        PYTHONIOENCODING: 'utf-8',
        PYTHONUNBUFFERED: '1',
        COLUMNS: '200',
      },
      stdio: ['pipe', output, output],
    },
  )
  child.stdin?.end(input)
  await new Promise((fulfil, reject) => {
    child.once('error', reject)
    child.once('close', fulfil)
  })
  closeSync(output)
  // Warnings about this cqlsh and this Python, and what differs from server to server
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(
      (line) =>
        !/^WARNING: cqlsh was built|DeprecationWarning|^\s+from cqlshlib|^\s+import |^Warnings :$|supplied explicitly/.test(
          line,
        ),
    )
    .join('\n')
    .replaceAll(`${target.host}:${target.port}`, 'HOST:PORT')
}

/** Drops the keyspace if it is there, and makes it anew. */
export async function freshKeyspace(target: Target, name: string): Promise<void> {
  const client = new cassandra.Client(driverOptions(target))
  await client.execute(`DROP KEYSPACE IF EXISTS ${name}`)
  await client.execute(
    `CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  )
  await client.shutdown()
}
