import { writeFileSync } from 'node:fs'
import { selections, setup } from './cases.ts'
import { Runner } from './run.ts'
import { terms } from './terms.ts'

/** Runs all groups at a server and writes what it answered, an answer a line. */
export async function record(folder: string, host: string, port: number): Promise<void> {
  const runner = await Runner.connect(host, port, { atOnce: false })
  await runner.runAll(setup())
  for (const [name, groups] of [
    ['selections', selections()],
    ['terms', terms()],
  ] as const) {
    const answers = await runner.runAll(groups)
    writeFileSync(`${folder}${name}.json`, `[\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]\n`)
    const evaluations = answers.reduce((sum, { results = [] }) => sum + results.length, 0)
    console.log(`${name}: ${answers.length} statements, ${evaluations} executions`)
  }
  await runner.close()
}
