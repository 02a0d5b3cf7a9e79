import { compareRun, type Target } from './compare.ts'
import type { Operation, Run } from './operation.ts'

/** How often a run is run while it is made smaller. */
const ATTEMPTS = Number(process.env['DIFFERENTIAL_ATTEMPTS'] ?? 150)

/**
 * The run without the operations that its last one does not need in order to differ: halves are left out, then
 * quarters, and so on down to single ones.
 */
export async function shrinkRun(run: Run, failing: number, oracle: Target, sibyl: Target): Promise<Run> {
  let attempts = 0
  const last = run.operations[failing]
  const candidate = (operations: readonly Operation[]): Run => ({ ...run, operations: [...operations, last] })
  const stillFails = async (operations: readonly Operation[]): Promise<boolean> => {
    attempts++
    const differences = await compareRun(candidate(operations), oracle, sibyl, Number.POSITIVE_INFINITY)
    return differences.some((difference) => difference.operation === last)
  }
  let kept: readonly Operation[] = run.operations.slice(0, failing)
  const reads = kept.filter((operation) => operation.kind !== 'query' || operation.effect !== 'read')
  if (await stillFails(reads)) kept = reads
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1 && attempts < ATTEMPTS;
    size = size === 1 ? 0 : size >> 1
  ) {
    for (let end = kept.length; end > 0 && attempts < ATTEMPTS; end -= size) {
      const start = Math.max(0, end - size)
      const without = [...kept.slice(0, start), ...kept.slice(end)]
      if (await stillFails(without)) kept = without
    }
  }
  return candidate(kept)
}
