import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { namedTarget } from './compare.ts'
import { generateRun } from './generator.ts'
import type { Run } from './operation.ts'
import { answersOf, type RecordedRun } from './recording.ts'

/** Seeds of the recorded share; features that are chance, or the clock's, are not among them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
const LENGTH = 300

/** Asks the server for the answers to the cases, and to the runs of the recorded seeds, and writes them to `folder`. */
export async function record(folder: string, host: string, port: number): Promise<void> {
  const target = await namedTarget(host, port)
  for (const name of readdirSync(join(folder, 'cases'))) {
    const file = join(folder, 'cases', name)
    const run = JSON.parse(readFileSync(file, 'utf8')) as Run & { reason: string }
    const { answers: _, ...rest } = run as RecordedRun & { reason: string }
    writeFileSync(file, `${JSON.stringify({ ...rest, answers: await answersOf(run, target) }, null, 1)}\n`)
    console.log(`case ${run.name}`)
  }
  const runs: RecordedRun[] = []
  for (const seed of SEEDS) {
    const run = generateRun({ seed, length: LENGTH })
    runs.push({ ...run, answers: await answersOf(run, target) })
    console.log(`seed ${seed}: ${run.operations.length} operations`)
  }
  writeFileSync(join(folder, 'recorded.json.gz'), gzipSync(JSON.stringify(runs), { level: 9 }))
  target.server.close()
}
