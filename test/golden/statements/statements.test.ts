import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Sibyl } from '../../../src/index.ts'
import { canonical } from './answers.ts'
import { readCases } from './case-file.ts'
import { type RecordedStep, runCases } from './run.ts'

/**
 * What Apache Cassandra answered (record.js) against what Sibyl answers, through the bytes of the protocol.
 */

const folder = new URL('./', import.meta.url)
const load = <T>(path: string) => JSON.parse(readFileSync(new URL(path, folder), 'utf8')) as T

/** Statements whose answer differs, by id, with the reason. Each stands in docs/compatibility.md. */
const known = load<Record<string, string>>('known-differences.json')

/** DIFFERENCES=FILE appends every differing answer beside the recorded one, a JSON object a line. */
const report = process.env['DIFFERENCES']

const names = readdirSync(new URL('cases/', folder)).map((file) => file.replace(/\.cql$/, ''))

describe.each(names)('%s', (name) => {
  it('is answered as by Cassandra', { timeout: 120_000 }, async () => {
    const steps = readCases(name, readFileSync(new URL(`cases/${name}.cql`, folder), 'utf8'))
    const recorded = load<RecordedStep[]>(`recorded/${name}.json`)
    expect(recorded.map(({ cql, options = {} }) => ({ cql, options }))).toEqual(
      steps.map(({ cql, options }) => ({ cql, options })),
    )
    const server = await Sibyl.start()
    const answers = await runCases(name, steps, server.host, server.port).finally(() => server.stop())
    const differing = new Set<string>()
    for (const [i, { kind, cql, id }] of steps.entries()) {
      const [expected, actual] = [recorded[i]!.answer, answers[i]!].map((answer) =>
        JSON.stringify(canonical(answer)),
      )
      if (expected === actual) continue
      differing.add(kind === 'fixture' ? `fixture: ${cql}` : id)
      if (report !== undefined) {
        appendFileSync(report, `${JSON.stringify({ id, cql, expected, actual })}\n`)
      }
    }
    const own = new Set(steps.map(({ id }) => id))
    const accepted = Object.keys(known).filter((id) => own.has(id))
    expect([...differing].sort()).toEqual(accepted.sort())
  })
})
