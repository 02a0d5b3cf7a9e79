import type { Clock } from '../io/clock.ts'
import { nextTurn, type Timers } from '../io/timers.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { CommitLogSnapshot } from './commitlog/commit-log.ts'
import type { Memtable } from './memtable/memtable.ts'
import { MemtableWalk, type WalkLimits } from './memtable/memtable-walk.ts'

const SCHEMA_KEYSPACE = 'system_schema'
/** Without its row there a keyspace does not exist, so it is written last. */
const KEYSPACES = 'keyspaces'

const SLICE_MS = 3
const MUTATION_BYTES = 64 * 1024
const ROW_BYTES = 2 * 1024 * 1024

/** What a compaction works with. */
export interface LogCompactionOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly memtables: Iterable<Memtable>
  readonly maxMutationSizeBytes: number
  beginSnapshot(): CommitLogSnapshot
  /** Appends a finished mutation to the log, with the descriptors it needs. */
  append(mutation: MutationBuilder): void
  /** The schema is written: tables that were described before were unknown to replay, and must be described again. */
  onSchemaWritten(): void
}

/**
 * Writes all that the memtables hold to the commit log anew and lets go of the segments before, in slices between
 * other work.
 *
 * What is written at one moment may be overtaken by what is appended in the next; replay merges both, in that order. So
 * it is enough that each row is written in the turn in which it is read. The schema comes first: replay can
 * place no record of a table that it does not know yet. Until it is written to its end no change of it may be
 * appended (`finishSchema`), or replay would meet a change of what is not there. A table that is created meanwhile has
 * all its records behind the beginning already; one that is truncated or dropped has nothing more to write.
 */
export class LogCompaction {
  readonly #options: LogCompactionOptions
  readonly #limits: WalkLimits
  readonly #mutation = new MutationBuilder()
  #schema: Memtable[] = []
  #tables: Memtable[] = []
  #walk: MemtableWalk | null = null
  #isStopped = false

  constructor(options: LogCompactionOptions) {
    this.#options = options
    this.#limits = {
      mutationBytes: Math.min(MUTATION_BYTES, options.maxMutationSizeBytes >>> 2),
      rowBytes: Math.min(ROW_BYTES, options.maxMutationSizeBytes >>> 1),
    }
  }

  /** Resolves with true when the log has been replaced, false when it was stopped. Rejects when the log fails. */
  async run(): Promise<boolean> {
    const { clock, timers } = this.#options
    await nextTurn(timers)
    if (this.#isStopped) return false
    const snapshot = this.#options.beginSnapshot()
    for (const memtable of this.#options.memtables) {
      const { keyspace, name } = memtable.table
      if (keyspace !== SCHEMA_KEYSPACE) this.#tables.push(memtable)
      else if (name === KEYSPACES) this.#schema.push(memtable)
      else this.#schema.unshift(memtable)
    }
    let deadline = clock.monotonicMs() + SLICE_MS
    while (this.#step()) {
      if (clock.monotonicMs() < deadline) continue
      await nextTurn(timers)
      if (this.#isStopped) return false
      deadline = clock.monotonicMs() + SLICE_MS
    }
    await snapshot.complete()
    return true
  }

  /** Whether a change of the schema has to wait for `finishSchema`. */
  get isInSchema(): boolean {
    return this.#schema.length > 0
  }

  /** Writes what is left of the schema. */
  finishSchema(): void {
    while (this.#schema.length > 0) this.#step()
  }

  /** Ends it where it stands; what was written does no harm. */
  stop(): void {
    this.#isStopped = true
  }

  /** Writes one mutation; false when there is nothing left to write. */
  #step(): boolean {
    const queue = this.#schema.length > 0 ? this.#schema : this.#tables
    if (queue.length === 0) return false
    this.#walk ??= new MemtableWalk(queue[0]!)
    this.#mutation.begin()
    const hasMore = this.#walk.fill(this.#mutation, this.#limits)
    if (this.#mutation.updateCount > 0) this.#options.append(this.#mutation)
    if (!hasMore) {
      this.#walk = null
      queue.shift()
      if (queue === this.#schema && queue.length === 0) this.#options.onSchemaWritten()
    }
    return true
  }
}
