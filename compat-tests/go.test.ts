/** Runs go/, the Go driver's tests. Go keeps what it downloads and builds in its own caches. */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DriverTargets, startDriverTargets } from './driver-targets.ts'
import { fails, run } from './toolchain.ts'

const folder = join(import.meta.dirname, 'go')
// No other Go is fetched in place of the one that is installed, and go.mod stays as it is.
const goEnv = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' }

function whyNot(): string | undefined {
  const without = fails('go', ['version'])
  if (without !== undefined) return `there is no Go (${without})`
  const undone = fails('go', ['mod', 'download'], { cwd: folder, env: goEnv })
  return undone === undefined ? undefined : `its modules could not be had (${undone})`
}

const absent = whyNot()
if (absent !== undefined) console.log(`The Go driver's tests are skipped: ${absent}`)

let targets: DriverTargets | undefined
beforeAll(async () => {
  if (absent === undefined) targets = await startDriverTargets()
}, 120_000)
afterAll(() => targets?.stop())

describe.skipIf(absent !== undefined)('the Go driver', () => {
  test('in protocol versions 3, 4 and 5', async () => {
    const env = { ...goEnv, ...targets?.env }
    const { status, output } = await run('go', ['test', '-count=1', '-v', './...'], { cwd: folder, env })
    if (status !== 0) console.log(output)
    expect(status, 'see the output above').toBe(0)
    expect(output.match(/^--- PASS/gm)?.length ?? 0).toBeGreaterThanOrEqual(19)
  }, 600_000)
})
