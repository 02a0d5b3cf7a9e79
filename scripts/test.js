// Runs everything that has to hold: types, lint, build, tests. Ends with one plain line that counts the tests.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name) => join(root, 'node_modules', name)

function run(title, script, args) {
  console.log(`--- ${title}`)
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  return status === 0
}

const checks = [
  ['types', bin('typescript/bin/tsc'), ['-p', 'tsconfig.json']],
  ['lint and format', bin('@biomejs/biome/bin/biome'), ['check', '.']],
  ['build', join(root, 'scripts/build.js'), ['--no-types']],
]
let failedChecks = 0
for (const [title, script, args] of checks) if (!run(title, script, args)) failedChecks++

const folder = mkdtempSync(join(tmpdir(), 'sibyl-test-'))
const report = join(folder, 'report.json')
run('tests', bin('vitest/vitest.mjs'), [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
])
let passed = 0
let failed = failedChecks
let skipped = 0
if (existsSync(report)) {
  const result = JSON.parse(readFileSync(report, 'utf8'))
  passed = result.numPassedTests
  failed += result.numFailedTests
  skipped = result.numPendingTests + (result.numTodoTests ?? 0)
  // A file that fails to load, or whose hooks fail, has no failed test of its own.
  const counted = result.testResults.filter((file) => file.status === 'failed')
  for (const file of counted) if (!file.assertionResults.some((test) => test.status === 'failed')) failed++
  if (result.success === false && failed === 0) failed = 1
} else failed++
rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
