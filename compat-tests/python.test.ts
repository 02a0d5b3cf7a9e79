/** Runs python/test_driver.py, the DataStax Python driver's tests, once for each protocol version. */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTarget, type Target } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'
import { run } from './toolchain.ts'

const environment = await pythonEnvironment()
if (environment.kind === 'absent') console.log(`The Python driver's tests are skipped: ${environment.why}`)

let target: Target
beforeAll(async () => {
  if (environment.kind === 'ready') target = await startTarget()
}, 120_000)
afterAll(() => target?.stop())

describe.skipIf(environment.kind === 'absent')('the Python driver', () => {
  test.each(['ProtocolV3', 'ProtocolV4', 'ProtocolV5', 'Negotiation'])('%s', async (name) => {
    if (environment.kind === 'absent') return
    const { status, output } = await run(
      environment.python,
      [join(import.meta.dirname, 'python', 'test_driver.py'), name],
      {
        env: { CASSANDRA_CONTACT_POINTS: `${target.host}:${target.port}`, PYTHONDONTWRITEBYTECODE: '1' },
      },
    )
    if (status !== 0) console.log(output)
    expect(status, `see the output of ${name} above`).toBe(0)
  }, 180_000)
})
