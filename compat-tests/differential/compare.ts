import type { Operation, Run } from './operation.ts'
import { type Answer, Server } from './server.ts'

/** Operations that go at once, and their first index. */
interface Wave {
  readonly start: number
  readonly operations: readonly Operation[]
}

const WAVE_MAX = 48

/** Cuts a run into what may be asked at once: writes that commute, or reads. */
export function wavesOf(operations: readonly Operation[]): Wave[] {
  const waves: Wave[] = []
  let current: Operation[] = []
  const flush = (end: number): void => {
    if (current.length > 0) waves.push({ start: end - current.length, operations: current })
    current = []
  }
  operations.forEach((operation, i) => {
    const effect = waveEffect(operation)
    if (
      effect === 'alone' ||
      (current.length > 0 && waveEffect(current[0]) !== effect) ||
      current.length >= WAVE_MAX
    ) {
      flush(i)
    }
    current.push(operation)
    if (effect === 'alone') flush(i + 1)
  })
  flush(operations.length)
  return waves
}

function waveEffect(operation: Operation): 'read' | 'write' | 'alone' {
  if (operation.kind === 'restart') return 'alone'
  if (operation.kind === 'query' && operation.between !== undefined) return 'alone'
  return operation.effect
}

/** A server that operations are run on. */
export interface Target {
  readonly server: Server
  /** Does nothing where the server is not Sibyl. */
  restart(how: 'stop' | 'kill'): Promise<void>
}

/** A server that is there already and stays: Apache Cassandra. */
export async function namedTarget(host: string, port: number): Promise<Target> {
  return { server: await Server.connect(host, port), restart: async () => {} }
}

/** The answers to operations that may go at once, each a list. */
export async function runWave(target: Target, operations: readonly Operation[]): Promise<Answer[][]> {
  return Promise.all(operations.map((operation) => runOperation(target, operation)))
}

async function runOperation(target: Target, operation: Operation): Promise<Answer[]> {
  if (operation.kind === 'restart') {
    await target.restart(operation.how)
    return []
  }
  return runOn(target, operation)
}

async function runOn(target: Target, operation: Exclude<Operation, { kind: 'restart' }>): Promise<Answer[]> {
  return target.server.run(operation, async (inner) => {
    const answers: Answer[] = []
    for (const one of inner) answers.push(...(await runOperation(target, one)))
    return answers
  })
}

export interface Difference {
  readonly index: number
  readonly operation: Operation
  readonly expected: readonly Answer[]
  readonly actual: readonly Answer[]
}

/** The first answer that differs, of rows only those that do. */
export function describeDifference({ expected, actual }: Difference): string {
  const count = Math.max(expected.length, actual.length)
  for (let i = 0; i < count; i++) {
    const [wanted, got] = [JSON.stringify(expected[i]), JSON.stringify(actual[i])]
    if (wanted === got) continue
    const rows = differingRows(expected[i], actual[i])
    const what = rows ?? `\n  Cassandra: ${wanted}\n  Sibyl:     ${got}`
    return `answer ${i + 1} of ${count}${what}`
  }
  return 'no difference'
}

/** Of two answers with rows of the same columns, the rows that one alone has; null for other answers. */
function differingRows(expected?: Answer, actual?: Answer): string | null {
  const { rows: wanted, ...headOfWanted } = expected ?? {}
  const { rows: got, ...headOfGot } = actual ?? {}
  if (!Array.isArray(wanted) || !Array.isArray(got)) return null
  if (JSON.stringify(headOfWanted) !== JSON.stringify(headOfGot)) return null
  const texts = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row))
  const without = (rows: string[], others: string[]): string[] => rows.filter((row) => !others.includes(row))
  const [wantedTexts, gotTexts] = [texts(wanted), texts(got)]
  const onlyWanted = without(wantedTexts, gotTexts)
  const onlyGot = without(gotTexts, wantedTexts)
  const { columns } = headOfWanted['metadata'] as { columns?: { name: string; type: string }[] }
  const head = (columns ?? []).map(({ name, type }) => `${name} ${type}`).join(', ')
  if (onlyWanted.length + onlyGot.length === 0)
    return `: the same ${wanted.length} rows in another order (${head})`
  const list = (rows: string[]): string => rows.map((row) => `\n    ${row}`).join('')
  return ` (${head})\n  Cassandra has${list(onlyWanted)}\n  Sibyl has${list(onlyGot)}`
}

export function sameAnswers(a: readonly Answer[], b: readonly Answer[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Runs on both at once, a wave at a time, and stops when `differences` are found. Both begin without the keyspace. */
export async function compareRun(
  run: Run,
  oracle: Target,
  sibyl: Target,
  maxDifferences = 1,
): Promise<Difference[]> {
  await Promise.all([oracle, sibyl].map((target) => beginRun(target, run)))
  const differences: Difference[] = []
  for (const { start, operations } of wavesOf(run.operations)) {
    const [expected, actual] = await Promise.all([runWave(oracle, operations), runWave(sibyl, operations)])
    operations.forEach((operation, i) => {
      if (sameAnswers(expected[i], actual[i])) return
      differences.push({ index: start + i, operation, expected: expected[i], actual: actual[i] })
    })
    if (differences.length >= maxDifferences) break
  }
  return differences
}

/** Drops the run's keyspace and forgets what was prepared, so that a run can be run again. */
export async function beginRun(target: Target, run: Run): Promise<void> {
  target.server.forget()
  await target.server.query(`DROP KEYSPACE IF EXISTS ${run.keyspace}`)
}
