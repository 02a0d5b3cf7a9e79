import { writeFileSync } from 'node:fs'
import { runCases } from './run.ts'

export async function record(folder: string, name: string, host: string, port: number): Promise<void> {
  const answers = await runCases(host, port)
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify(answers, null, 1)}\n`)
}
