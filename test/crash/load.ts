/** Lanes of operations over registers, until it is told to stop or the server is gone. */

import cassandra, { type Client } from 'cassandra-driver'
import { driverOptions } from '../../compat-tests/harness.ts'
import { kinds } from './kinds.ts'
import type { Random } from './random.ts'
import { type Kind, Register } from './register.ts'

const counts: Readonly<Record<string, number>> = {
  row: 40,
  partition: 20,
  counter: 20,
  collection: 20,
  batch: 16,
  conditional: 12,
  table: 3,
}

// biome-ignore lint/suspicious/noExplicitAny: each register has a state of its own kind
export type AnyRegister = Register<any>

export function makeRegisters(): AnyRegister[] {
  return kinds.flatMap((kind) =>
    Array.from({ length: counts[kind.name] }, (_, id) => new Register(kind as Kind<unknown>, id)),
  )
}

export const schema: readonly string[] = kinds.flatMap((kind) => kind.schema)

/** Leaves the timestamps to the server: a condition's and a plain write's then come from one clock. */
class ServerTimestamps extends cassandra.policies.timestampGeneration.MonotonicTimestampGenerator {
  override next(): never {
    // The driver takes null for "none of mine", its declarations do not.
    return null as never
  }
}

export function makeClient(target: { host: string; port: number }, keyspace?: string): Client {
  return new cassandra.Client({
    ...driverOptions(target),
    ...(keyspace !== undefined && { keyspace }),
    isMetadataSyncEnabled: false,
    policies: {
      retry: new cassandra.policies.retry.FallthroughRetryPolicy(),
      reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(100),
      timestampGeneration: new ServerTimestamps(1000, 1000),
    },
  })
}

/** Codes of answers after which it may or may not have happened. */
const inDoubt: readonly number[] = [
  cassandra.types.responseErrorCodes.overloaded,
  cassandra.types.responseErrorCodes.writeTimeout,
  cassandra.types.responseErrorCodes.readTimeout,
  cassandra.types.responseErrorCodes.unavailableException,
]

/** No answer, or one that leaves it open: not the answer that it was refused. */
export function answerIsLost(error: unknown): boolean {
  if (error instanceof cassandra.errors.ResponseError) return inDoubt.includes(error.code)
  if (error instanceof cassandra.errors.NoHostAvailableError) {
    return Object.values(error.innerErrors as Record<string, unknown>).every(answerIsLost)
  }
  if (error instanceof cassandra.errors.OperationTimedOutError) return true
  // The driver's socket errors are plain ones.
  return error instanceof Error && (error as { isSocketError?: boolean }).isSocketError === true
}

export interface Load {
  /** No new operation is begun; resolves when those under way have ended. */
  stop(): Promise<void>
}

const lanes = 40

export function startLoad(
  client: Client,
  registers: readonly AnyRegister[],
  random: Random,
  failed: (error: unknown) => void,
): Load {
  let stopping = false
  const tables = registers.filter((register) => register.kind.name === 'table')
  const others = registers.filter((register) => register.kind.name !== 'table')
  const run = async (own: readonly AnyRegister[]) => {
    while (!stopping) {
      const register = random.pick(own)
      // Now and then a read in the midst of the writes: no operation is under way on this register.
      const wrong = random.chance(0.1) ? await register.judge(client) : undefined
      if (wrong !== undefined) throw new Error(wrong)
      await register.step(client, random, answerIsLost)
    }
  }
  const guarded = (own: readonly AnyRegister[]) =>
    run(own).catch((error: unknown) => {
      // A read that found no server is no failure either.
      if (!answerIsLost(error)) failed(error)
      stopping = true
    })
  const work = [guarded(tables)]
  for (let lane = 0; lane < lanes; lane++) work.push(guarded(others.filter((_, n) => n % lanes === lane)))
  return {
    stop: async () => {
      stopping = true
      await Promise.all(work)
    },
  }
}

/** Everything that is not as it was acknowledged. */
export async function judgeAll(client: Client, registers: readonly AnyRegister[]): Promise<string[]> {
  const complaints: string[] = []
  for (const register of registers) {
    const complaint = await register.judge(client)
    if (complaint !== undefined) complaints.push(complaint)
  }
  return complaints
}
