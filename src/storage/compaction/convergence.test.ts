import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CompactionCandidate, CompactionView } from './candidate.ts'
import { type CompactionPlan, OutputSequence } from './plan.ts'
import { CompactionStrategyManager } from './strategy-manager.ts'
import { candidate, NOW_SECONDS } from './test-candidates.ts'

/** What one row takes; LCS's SSTables are of a megabyte here. */
const ROW_BYTES = 60_000
const TOKENS = 2000
const MOST_COMPACTIONS = 3

interface Row {
  readonly micros: bigint
  /** Seconds since the epoch; NEVER without TTL. */
  readonly expires: number
}

const NEVER = Number.MAX_SAFE_INTEGER

interface Stored {
  readonly candidate: CompactionCandidate
  readonly rows: ReadonlyMap<number, Row>
}

/** A table whose compactions do what a plan says, some of them at the same time, as an engine drives them. */
class SimulatedTable {
  readonly manager: CompactionStrategyManager
  readonly #stored = new Map<number, Stored>()
  readonly #running: CompactionPlan[] = []
  /** The latest row of each key that was ever written. */
  readonly written = new Map<number, Row>()
  nowSeconds = NOW_SECONDS
  compactions = 0
  #number = 0

  constructor(options: Record<string, string>) {
    this.manager = new CompactionStrategyManager(
      { keyspace: 'ks', name: 't' },
      new Map(Object.entries(options)),
    )
  }

  get live(): CompactionCandidate[] {
    return [...this.#stored.values()].map((stored) => stored.candidate)
  }

  view(): CompactionView {
    return {
      live: this.live,
      compacting: new Set(this.#running.flatMap(({ inputs }) => inputs.map(({ number }) => number))),
      nowMillis: this.nowSeconds * 1000,
      gcBeforeSeconds: this.nowSeconds,
      memtableMinTimestamp: null,
    }
  }

  #store(rows: ReadonlyMap<number, Row>, level: number): CompactionCandidate {
    const tokens = [...rows.keys()]
    const micros = [...rows.values()].map((row) => row.micros).sort((a, b) => (a < b ? -1 : 1))
    const made = candidate({
      number: ++this.#number,
      level,
      first: Math.min(...tokens),
      last: Math.max(...tokens),
      onDiskLength: rows.size * ROW_BYTES,
      minTimestamp: micros[0]!,
      maxTimestamp: micros.at(-1)!,
      maxLocalDeletionTime: Math.max(...[...rows.values()].map(({ expires }) => expires)),
      createdAtMillis: this.nowSeconds * 1000,
    })
    this.#stored.set(made.number, { candidate: made, rows })
    return made
  }

  flush(tokens: readonly number[], ttl: number | null): void {
    const rows = new Map<number, Row>()
    for (const token of tokens) {
      const micros = BigInt(this.nowSeconds) * 1_000_000n + BigInt(this.#number)
      rows.set(token, { micros, expires: ttl === null ? NEVER : this.nowSeconds + ttl })
    }
    for (const [token, row] of rows) this.written.set(token, row)
    this.manager.replaced([], [this.#store(rows, 0)])
  }

  /** Begins what there is to begin, as far as there is room. */
  begin(): boolean {
    if (this.#running.length === MOST_COMPACTIONS) return false
    const view = this.view()
    const plan = this.manager.nextBackgroundTask(view)
    if (plan === null) return false
    expect(plan.inputs.length).toBeGreaterThan(0)
    expect(new Set(plan.inputs).size).toBe(plan.inputs.length)
    for (const { number } of plan.inputs) expect(view.compacting.has(number)).toBe(false)
    this.#running.push(plan)
    return true
  }

  /** Ends one of those that run; false where none does. */
  end(which: number): boolean {
    if (this.#running.length === 0) return false
    const [plan] = this.#running.splice(which % this.#running.length, 1)
    this.run(plan!)
    return true
  }

  run(plan: CompactionPlan): void {
    const rows = new Map<number, Row>()
    for (const input of plan.inputs) {
      const { rows: from } = this.#stored.get(input.number)!
      this.#stored.delete(input.number)
      if (plan.expired.includes(input)) continue
      for (const [token, row] of from) {
        const other = rows.get(token)
        if (other === undefined || row.micros > other.micros) rows.set(token, row)
      }
    }
    this.compactions++
    this.manager.replaced(plan.inputs, this.#write(plan, rows))
  }

  #write(plan: CompactionPlan, rows: ReadonlyMap<number, Row>): CompactionCandidate[] {
    const outputs = new OutputSequence(plan)
    const added: CompactionCandidate[] = []
    let current = new Map<number, Row>()
    for (const token of [...rows.keys()].sort((a, b) => a - b)) {
      const bytes = current.size * ROW_BYTES
      if (bytes > outputs.maxBytes) {
        added.push(this.#store(current, outputs.level))
        outputs.next(bytes)
        current = new Map()
      }
      current.set(token, rows.get(token)!)
    }
    if (current.size > 0) added.push(this.#store(current, outputs.level))
    return added
  }

  /** Runs all there is to run; fails where there is no end to it. */
  settle(): void {
    const most = this.compactions + 3000
    for (;;) {
      while (this.begin()) expect(this.compactions).toBeLessThan(most)
      if (!this.end(this.compactions)) return
      expect(this.compactions).toBeLessThan(most)
    }
  }

  /** Every row that was written is there, but for those that have expired. */
  checkRows(): void {
    const found = new Map<number, Row>()
    for (const { rows } of this.#stored.values()) {
      for (const [token, row] of rows) {
        const other = found.get(token)
        if (other === undefined || row.micros > other.micros) found.set(token, row)
      }
    }
    for (const [token, row] of this.written) {
      const now = found.get(token)
      if (row.expires >= this.nowSeconds) expect(now).toEqual(row)
      // Nothing older comes back from behind one that has expired.
      else if (now !== undefined) expect(now.expires).toBeLessThan(this.nowSeconds)
    }
  }

  /** From L1 on, no level has two SSTables with the same key, as their Statistics.db have the levels. */
  checkLevels(): void {
    for (let level = 1; level < 9; level++) {
      const own = this.live
        .filter((one) => one.level === level)
        .sort((a, b) => Number(a.firstToken - b.firstToken))
      for (let i = 1; i < own.length; i++) expect(own[i]!.firstToken > own[i - 1]!.lastToken).toBe(true)
    }
  }
}

/** A flush of some keys, or the end of a compaction, or some time. */
type Action =
  | {
      readonly kind: 'flush'
      readonly from: number
      readonly count: number
      readonly step: number
      readonly ttl: number | null
    }
  | { readonly kind: 'end'; readonly which: number }
  | { readonly kind: 'wait'; readonly seconds: number }

const actions = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('flush' as const),
        from: fc.nat(TOKENS),
        count: fc.integer({ min: 1, max: 60 }),
        step: fc.integer({ min: 1, max: 40 }),
        ttl: fc.constantFrom(null, 600, 7200),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(5) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        seconds: fc.integer({ min: 1, max: 7200 }),
      }),
    },
  ),
  { minLength: 20, maxLength: 150 },
)

/** With a `ttl` of `any` each flush has its own. */
function play(
  table: SimulatedTable,
  steps: readonly Action[],
  ttl: number | null | 'any',
  check: () => void,
): void {
  for (const step of steps) {
    if (step.kind === 'wait') table.nowSeconds += step.seconds
    else if (step.kind === 'end') table.end(step.which)
    else {
      const { from, count, step: by } = step
      table.flush(
        Array.from({ length: count }, (_, i) => (from + i * by) % TOKENS),
        ttl === 'any' ? step.ttl : ttl,
      )
    }
    table.begin()
    check()
  }
  table.settle()
  check()
  table.checkRows()
}

const RUNS = { numRuns: 60 }

test('size-tiering comes to an end', () => {
  const options = fc.constantFrom<Record<string, string>>(
    {},
    { min_sstable_size: '1' },
    { min_sstable_size: '1', min_threshold: '2', max_threshold: '3' },
    { min_sstable_size: '100000', bucket_low: '0.9', bucket_high: '1.1' },
  )
  fc.assert(
    fc.property(actions, options, (steps, given) => {
      const table = new SimulatedTable({ class: 'SizeTieredCompactionStrategy', ...given })
      play(table, steps, null, () => undefined)
      expect(table.manager.estimatedRemainingTasks(table.view())).toBe(0)
      for (const plan of table.manager.maximalTasks(table.view(), false)) table.run(plan)
      expect(table.live.length).toBeLessThanOrEqual(1)
      table.checkRows()
    }),
    RUNS,
  )
})

test('levels come to an end, and never overlap, whatever runs at the same time', () => {
  const options = fc.constantFrom<Record<string, string>>(
    { sstable_size_in_mb: '1' },
    { sstable_size_in_mb: '1', fanout_size: '2' },
    { sstable_size_in_mb: '1', fanout_size: '3', max_threshold: '4' },
    { sstable_size_in_mb: '2', fanout_size: '2', single_sstable_uplevel: 'true' },
  )
  fc.assert(
    fc.property(actions, options, (steps, given) => {
      const table = new SimulatedTable({ class: 'LeveledCompactionStrategy', ...given })
      play(table, steps, null, () => table.checkLevels())
      // One large SSTable of L0 that overlaps nothing in L1 waits for another, as in Cassandra.
      const inL0 = table.live.filter(({ level }) => level === 0).length
      if (inL0 !== 1) expect(table.manager.estimatedRemainingTasks(table.view())).toBe(0)
      for (const plan of table.manager.maximalTasks(table.view(), false)) table.run(plan)
      table.checkLevels()
      table.checkRows()
      table.settle()
      table.checkLevels()
    }),
    RUNS,
  )
})

test('L0 that is far behind is caught up with', () => {
  const table = new SimulatedTable({ class: 'LeveledCompactionStrategy', sstable_size_in_mb: '1' })
  for (let i = 0; i < 300; i++) table.flush([(i * 7) % TOKENS, (i * 131) % TOKENS, (i * 53) % TOKENS], null)
  table.settle()
  table.checkLevels()
  table.checkRows()
  expect(table.manager.estimatedRemainingTasks(table.view())).toBe(0)
  expect(table.live.filter(({ level }) => level === 0).length).toBeLessThan(2)
})

test('windows of the past hold one SSTable each, and what has expired goes', () => {
  const windowSeconds = 3600
  fc.assert(
    fc.property(actions, fc.constantFrom(null, 600, 4 * windowSeconds, 'any' as const), (steps, ttl) => {
      const table = new SimulatedTable({
        class: 'TimeWindowCompactionStrategy',
        compaction_window_unit: 'HOURS',
        expired_sstable_check_frequency_seconds: '60',
      })
      play(table, steps, ttl, () => undefined)
      expect(table.manager.estimatedRemainingTasks(table.view())).toBe(0)
      const windows = table.live.map(({ maxTimestamp }) => maxTimestamp / BigInt(windowSeconds * 1_000_000))
      const newest = windows.reduce((a, b) => (b > a ? b : a), 0n)
      const old = windows.filter((window) => window < newest)
      expect(new Set(old).size).toBe(old.length)
      // Later, when all have expired, the next look drops them.
      table.nowSeconds += 6 * windowSeconds
      table.settle()
      table.checkRows()
      if (typeof ttl === 'number') expect(table.live).toEqual([])
    }),
    RUNS,
  )
})
