import type { CompactionCandidate, CompactionView } from './candidate.ts'
import type { StrategyView } from './strategy.ts'

/** Now in the tests: 2023-11-14T22:13:20Z. */
export const NOW_SECONDS = 1_700_000_000
const NEVER = Number.MAX_SAFE_INTEGER
let lastNumber = 0

/** What a test says of an SSTable; tokens as numbers, and the keys go with them. */
export interface Given extends Partial<Omit<CompactionCandidate, 'firstToken' | 'lastToken'>> {
  readonly first?: number
  readonly last?: number
  readonly ratio?: number
  readonly keysIn?: number
}

/** An SSTable as strategies see it, of a megabyte over the whole range from 0 to 1000 where nothing else is said. */
export function candidate({
  first = 0,
  last = 1000,
  ratio = 0,
  keysIn = 1,
  ...given
}: Given = {}): CompactionCandidate {
  const number = given.number ?? ++lastNumber
  return {
    number,
    onDiskLength: 1_000_000,
    firstToken: BigInt(first),
    lastToken: BigInt(last),
    firstKey: Buffer.from(String(first)),
    lastKey: Buffer.from(String(last)),
    minTimestamp: BigInt(NOW_SECONDS) * 1_000_000n,
    maxTimestamp: BigInt(NOW_SECONDS) * 1_000_000n + BigInt(number),
    maxLocalDeletionTime: NEVER,
    level: 0,
    createdAtMillis: NOW_SECONDS * 1000,
    isRepaired: false,
    isSuspect: false,
    readHotness: 0,
    estimatedKeys: 1000,
    isEstimationInformative: true,
    partitionCount: 1000,
    estimatedKeysIn: () => keysIn,
    estimatedDroppableTombstoneRatio: () => ratio,
    ...given,
  }
}

export function sizes(...bytes: number[]): CompactionCandidate[] {
  return bytes.map((onDiskLength) => candidate({ onDiskLength }))
}

/** A table with these SSTables, all of them the strategy's own. */
export function viewOf(
  own: readonly CompactionCandidate[],
  others: Partial<CompactionView> = {},
): StrategyView {
  return {
    own,
    live: own,
    compacting: new Set(),
    nowMillis: NOW_SECONDS * 1000,
    gcBeforeSeconds: NOW_SECONDS - 864_000,
    memtableMinTimestamp: null,
    ...others,
  }
}

export function numbers(candidates: readonly CompactionCandidate[] | undefined): number[] {
  return (candidates ?? []).map(({ number }) => number).sort((a, b) => a - b)
}
