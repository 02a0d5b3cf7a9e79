import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/**
 * Seeds that nobody has run before, other ones each time: `CLUSTER_SEED=n` runs those of another run again, `SEED=n` of
 * `npm run proof:cluster` or of cluster.test.ts one of them.
 */
const SEEDS = 300
/** Such a share of a second that no run comes to the seeds of the one before. */
const SEED_MS = 200
const FIRST = Number(
  process.env['CLUSTER_SEED'] ?? 1_000_000 + (Math.floor(Date.now() / SEED_MS) % 400_000_000),
)

interface Proof {
  readonly status: number | null
  readonly output: string
}

function prove(): Promise<Proof> {
  const program = fileURLToPath(new URL('../../scripts/proof-cluster.js', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, String(SEEDS), String(FIRST)], {
      env: { ...process.env, JOBS: '2' },
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}

test(`clusters do what they promise, in ${SEEDS} new seeds from ${FIRST} on`, {
  timeout: 1_800_000,
}, async () => {
  console.log(`seeds of clusters: ${FIRST} to ${FIRST + SEEDS - 1}; again: CLUSTER_SEED=${FIRST}`)
  const { status, output } = await prove()
  // What failed and what never happened stands in it, and that all seeds were run.
  expect(output).toContain(`seeds ${FIRST} to ${FIRST + SEEDS - 1}: 0 failed`)
  expect(output).not.toContain('never happened')
  expect(status).toBe(0)
})
