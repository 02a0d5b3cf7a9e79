/** Runs python/test_driver.py, the DataStax Python driver's tests, once for each protocol version. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTarget, type Target } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'

const environment = await pythonEnvironment()
if (environment.kind === 'absent') console.log(`The Python driver's tests are skipped: ${environment.why}`)

let target: Target
beforeAll(async () => {
  if (environment.kind === 'ready') target = await startTarget()
}, 120_000)
afterAll(() => target?.stop())

async function runPython(
  python: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  const child = spawn(python, args, {
    env: {
      ...process.env,
      CASSANDRA_CONTACT_POINTS: `${target.host}:${target.port}`,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const status = await new Promise<number | null>((fulfil, reject) => {
    child.once('error', reject)
    child.once('close', fulfil)
  })
  return { status, output }
}

describe.skipIf(environment.kind === 'absent')('the Python driver', () => {
  test.each(['ProtocolV3', 'ProtocolV4', 'ProtocolV5', 'Negotiation'])('%s', async (name) => {
    if (environment.kind === 'absent') return
    const { status, output } = await runPython(environment.python, [
      join(import.meta.dirname, 'python', 'test_driver.py'),
      name,
    ])
    if (status !== 0) console.log(output)
    expect(status, `see the output of ${name} above`).toBe(0)
  }, 180_000)
})
