/**
 * cqlsh with TRACING ON runs cqlsh/tracing/statements.cql; the steps that it shows are compared with statements.out,
 * recorded from Apache Cassandra. RECORD_GOLDEN=1 with CASSANDRA_CONTACT_POINTS writes the recording anew.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshKeyspace, runCqlsh } from './cqlsh-process.ts'
import { namedTarget, startTarget, type Target, temporaryDirectory } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'

const environment = await pythonEnvironment()
const recording = process.env['RECORD_GOLDEN'] === '1' && namedTarget() !== undefined
const folder = join(import.meta.dirname, 'cqlsh', 'tracing')
const home = temporaryDirectory('cqlsh-tracing')

let target: Target
beforeAll(async () => {
  if (environment.kind === 'ready') target = await startTarget()
}, 120_000)
afterAll(async () => {
  await target?.stop()
  home.remove()
})

/** A line of the table that cqlsh shows of a trace: activity, [thread], timestamp, source, source_elapsed, client. */
const EVENT = /^ *(.*?)(?: \[[\w-]+\])? \| +\d{4}-\d\d-\d\d [\d:.]+(?:\+00:00)? \| [\d.]+ \| +\S+ \| [\d.]+$/
/** What Cassandra alone does: Paxos, messages to itself, looking for SSTables where there are none. */
const NOT_HERE =
  /ballot|[Pp]roposal|paxos memtable|^Preparing [0-9a-f-]{36}$|^Enqueuing|^Sending|message received|^Processing response|^Acquiring sstable|^Skipped 0\/0 |^Adding to local memtable/
/** Changes of the schema are followed by Cassandra's reading it whole, and written to other tables, too. */
const SCHEMA_CHANGE = /^Parsing (CREATE|ALTER|DROP) /
const OF_SCHEMA_CHANGES =
  /^(Execute CQL3 query|Parsing .*|Preparing statement|Appending to commitlog|Adding to columns memtable|Request complete)$/

/** The activities of each trace, without times, threads, ids and what `NOT_HERE` names; and all else that cqlsh printed. */
function activitiesOf(output: string): string {
  const lines: string[] = []
  let trace: string[] = []
  const flush = () => {
    lines.push(...ownSteps(trace).map((activity) => `  - ${activity}`))
    trace = []
  }
  for (const line of output.split('\n')) {
    const event = EVENT.exec(line)
    if (event !== null) trace.push(event[1]!.trim())
    else if (!/^ *activity +\| timestamp|^-[-+]+$/.test(line)) {
      flush()
      if (line.trim() !== '') lines.push(line.replace(/^(Tracing session: ).*/, '$1ID'))
    }
  }
  flush()
  return `${lines.join('\n')}\n`
}

function ownSteps(trace: readonly string[]): readonly string[] {
  const steps = withoutPaxos(trace)
    .filter((activity) => !NOT_HERE.test(activity))
    .map((activity) => activity.replace(/^(CAS precondition (is met|does not match current values)).*/, '$1'))
  // Cassandra proposes nothing, as an empty update, where a condition is not met.
  const refused = steps.indexOf('CAS precondition does not match current values')
  if (refused >= 0 && steps[refused + 1] === 'CAS precondition is met') steps.splice(refused + 1, 1)
  if (!steps.some((activity) => SCHEMA_CHANGE.test(activity))) return steps
  return [...new Set(steps.filter((activity) => OF_SCHEMA_CHANGES.test(activity)))].sort()
}

/** Leaves out what is read and written of the table that Paxos keeps its promises in. */
function withoutPaxos(trace: readonly string[]): readonly string[] {
  let isOfPaxos = false
  return trace.filter((activity, i) => {
    if (activity === 'Executing single-partition query on paxos') isOfPaxos = true
    else if (activity.startsWith('Promising ballot')) isOfPaxos = false
    const isLog = activity === 'Appending to commitlog' && trace[i + 1] === 'Adding to paxos memtable'
    return !isOfPaxos && !isLog
  })
}

describe.skipIf(environment.kind === 'absent')('cqlsh with TRACING ON', () => {
  test('shows the steps that Apache Cassandra shows', async () => {
    await freshKeyspace(target, 'compat_cqlsh_tracing')
    const statements = readFileSync(join(folder, 'statements.cql'), 'utf8')
    const args = ['-k', 'compat_cqlsh_tracing']
    const steps = activitiesOf(await runCqlsh({ target, environment, home: home.path }, args, statements))
    const recorded = join(folder, 'statements.out')
    if (recording) writeFileSync(recorded, steps)
    expect(steps).toBe(readFileSync(recorded, 'utf8'))
  }, 120_000)
})
