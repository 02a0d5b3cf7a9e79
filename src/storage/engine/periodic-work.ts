import type { TimerHandle, Timers } from '../../io/timers.ts'
import type { ColumnFamilyStore } from '../column-family-store.ts'

/** How often tables are asked whether something is to be compacted that only time has brought about. */
const COMPACTION_CHECK_MS = 60_000

/** What is done from time to time. */
export interface PeriodicActions {
  flush(store: ColumnFamilyStore): void
  /** Looks at all tables. */
  compact(): void
}

/**
 * Flushes tables every memtable_flush_period_in_ms, and has what has expired compacted
 * (`AbstractAllocatorMemtable.scheduleFlush`, `CassandraDaemon.setup`). Keeps no process alive.
 */
export class PeriodicWork {
  readonly #timers: Timers
  readonly #actions: PeriodicActions
  readonly #flushes = new Map<ColumnFamilyStore, { readonly periodMs: number; timer: TimerHandle }>()
  #check: TimerHandle | null = null

  constructor(timers: Timers, actions: PeriodicActions) {
    this.#timers = timers
    this.#actions = actions
  }

  start(): void {
    this.#check = this.#timers.setTimeout(() => this.#onCheck(), COMPACTION_CHECK_MS, { unref: true })
  }

  #onCheck(): void {
    this.#actions.compact()
    this.start()
  }

  /** Takes a table's period, or another one after ALTER; 0 is none. */
  setTable(store: ColumnFamilyStore): void {
    const periodMs = store.table.params.memtableFlushPeriodMs
    if (this.#flushes.get(store)?.periodMs === periodMs) return
    this.dropTable(store)
    if (periodMs > 0) this.#flushes.set(store, { periodMs, timer: this.#schedule(store, periodMs) })
  }

  #schedule(store: ColumnFamilyStore, periodMs: number): TimerHandle {
    const flush = (): void => {
      const entry = this.#flushes.get(store)
      if (entry === undefined) return
      entry.timer = this.#schedule(store, periodMs)
      this.#actions.flush(store)
    }
    return this.#timers.setTimeout(flush, periodMs, { unref: true })
  }

  dropTable(store: ColumnFamilyStore): void {
    const entry = this.#flushes.get(store)
    if (entry !== undefined) this.#timers.clearTimeout(entry.timer)
    this.#flushes.delete(store)
  }

  stop(): void {
    for (const store of [...this.#flushes.keys()]) this.dropTable(store)
    if (this.#check !== null) this.#timers.clearTimeout(this.#check)
    this.#check = null
  }
}
