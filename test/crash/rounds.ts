/** Rounds of load, a strike in its midst, and the judgement of all data. */
import { expect } from 'vitest'
import { sleep } from '../../compat-tests/harness.ts'
import { type AnyRegister, judgeAll, makeClient, schema, startLoad } from './load.ts'
import type { Random } from './random.ts'

export const keyspace = 'crash'

const loadMsMin = 300
const loadMsMore = 2000

/** Makes the tables; each `more` is executed for every table after that. */
export async function createSchema(
  target: { host: string; port: number },
  more: readonly ((table: string) => string)[] = [],
): Promise<void> {
  const setup = makeClient(target)
  await setup.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`)
  await setup.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  )
  await setup.shutdown()
  const client = makeClient(target, keyspace)
  for (const statement of schema) {
    await client.execute(statement)
    const table = /^CREATE TABLE (\w+)/.exec(statement)?.[1]
    if (table !== undefined) for (const alteration of more) await client.execute(alteration(table))
  }
  await client.shutdown()
}

export async function expectAllRight(
  target: { host: string; port: number },
  registers: readonly AnyRegister[],
  seed: number,
): Promise<void> {
  const client = makeClient(target, keyspace)
  try {
    const complaints = await judgeAll(client, registers)
    expect(complaints.length, `seed ${seed}; the first of them:\n${complaints.slice(0, 3).join('\n')}`).toBe(
      0,
    )
  } finally {
    await client.shutdown()
  }
}

/** Load until the moment comes, then `strike` while it goes on, and the end of what was under way. */
export async function loadUntil(
  target: { host: string; port: number },
  registers: readonly AnyRegister[],
  random: Random,
  seed: number,
  strike: () => Promise<void>,
): Promise<void> {
  const client = makeClient(target, keyspace)
  await client.connect()
  const failures: unknown[] = []
  const load = startLoad(client, registers, random, (error) => failures.push(error))
  await sleep(loadMsMin + random.below(loadMsMore))
  await strike()
  await load.stop()
  await client.shutdown()
  if (failures.length > 0) throw new Error(`seed ${seed}`, { cause: failures[0] })
}

/** How many operations of each kind were acknowledged, and how many were not. */
export function summary(registers: readonly AnyRegister[]): string {
  const kinds = new Map<string, { acknowledged: number; unknown: number }>()
  for (const { kind, acknowledged, unknowns } of registers) {
    const sum = kinds.get(kind.name) ?? { acknowledged: 0, unknown: 0 }
    kinds.set(kind.name, { acknowledged: sum.acknowledged + acknowledged, unknown: sum.unknown + unknowns })
  }
  return [...kinds].map(([name, sum]) => `${name} ${sum.acknowledged}+${sum.unknown}`).join(', ')
}
