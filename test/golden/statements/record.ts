import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readCases } from './case-file.ts'
import { type RecordedStep, runCases } from './run.ts'

/**
 * Without authentication Cassandra lets anyone write to the tables of its own: a statement that did so would
 * spoil the server that it is recorded from.
 */
function isHarmful(cql: string): boolean {
  if (!/^\s*(INSERT|UPDATE|DELETE|TRUNCATE|BEGIN)\b/i.test(cql)) return false
  return /\b(INTO|UPDATE|FROM|TRUNCATE|TABLE)\s+"?system(_schema|_auth|_distributed|_traces)?"?\s*\./i.test(
    cql,
  )
}

/** The recorder's main function, which record.js bundles: records the named case files, or all of them. */
export async function record(
  folder: string,
  host: string,
  port: number,
  names: readonly string[],
): Promise<void> {
  const all = readdirSync(`${folder}cases`).map((file) => file.replace(/\.cql$/, ''))
  for (const name of names.length === 0 ? all : names) {
    const steps = readCases(name, readFileSync(`${folder}cases/${name}.cql`, 'utf8'))
    for (const { cql } of steps)
      if (isHarmful(cql)) throw new Error(`not at a server that others use: ${cql}`)
    const answers = await runCases(name, steps, host, port)
    const recorded = steps.map(({ cql, options }, i): RecordedStep => {
      return { cql, ...(Object.keys(options).length === 0 ? {} : { options }), answer: answers[i]! }
    })
    for (const [i, step] of steps.entries()) {
      const { answer } = recorded[i]!
      const isFailure = 'code' in answer || 'silence' in answer
      if (step.kind === 'fixture' && isFailure) console.error('fixture failed:', step.cql, answer['message'])
      else if (answer['silence'] !== undefined || answer['code'] === '0x0000')
        console.error('look at:', step.cql, answer['message'] ?? answer['silence'])
    }
    const lines = recorded.map((step) => ` ${JSON.stringify(step)}`)
    writeFileSync(`${folder}recorded/${name}.json`, `[\n${lines.join(',\n')}\n]\n`)
    const counted = steps.flatMap(({ kind }, i) => (kind === 'statement' ? [recorded[i]!] : []))
    const codes = new Map<string, number>()
    for (const { answer } of counted) {
      const code = String(answer['code'] ?? 'ok')
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    console.log(name, counted.length, 'statements', Object.fromEntries(codes))
  }
}
