import { beginRun, runWave, type Target, wavesOf } from './compare.ts'
import type { Run } from './operation.ts'
import type { Answer } from './server.ts'

/** A run with what Apache Cassandra answered, an entry an operation. */
export interface RecordedRun extends Run {
  readonly answers: readonly (readonly Answer[])[]
}

/** What the target answers to the operations of a run, an entry each. */
export async function answersOf(run: Run, target: Target): Promise<Answer[][]> {
  await beginRun(target, run)
  const answers: Answer[][] = []
  for (const { operations } of wavesOf(run.operations)) answers.push(...(await runWave(target, operations)))
  return answers
}
