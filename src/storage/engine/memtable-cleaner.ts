import { OverloadedError } from '../../common/errors.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'
import { MUTATION_HEADER_WORDS } from '../../model/mutation.ts'
import type { Words } from '../../model/row-format.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { SlabPool } from '../memtable/slab-allocator.ts'
import { onlyDeletes } from '../records.ts'
import type { Flusher } from './flusher.ts'
import type { MemtableSpace } from './memtable-space.ts'
import { isServersOwn, type TableStores } from './table-stores.ts'

const POOL_KEPT_MS = 15_000

/**
 * Finds memory for what is written, and gives it back: flushes the largest memtable where it runs short, and refuses what has no
 * room even so (`MemtableCleaner`, `AbstractAllocatorMemtable.flushLargestMemtable`).
 */
export class MemtableCleaner {
  readonly #tables: TableStores
  readonly #space: MemtableSpace
  /** Memory of memtables that were flushed. */
  readonly #pool: SlabPool | null
  readonly #flusher: Flusher | null
  readonly #timers: Timers | null
  #poolTimer: TimerHandle | null = null

  /** Without files the last three are null, and nothing is flushed. */
  constructor(
    tables: TableStores,
    space: MemtableSpace,
    pool: SlabPool | null,
    flusher: Flusher | null,
    timers: Timers | null,
  ) {
    this.#tables = tables
    this.#space = space
    this.#pool = pool
    this.#flusher = flusher
    this.#timers = timers
  }

  /**
   * Where memory runs short the largest memtable is flushed. Without a disk, or where flushing fails, memory near the
   * limit is counted in slabs: what fits into blocks that are free already is let in. So are deletions, and what the
   * server writes for itself, or a full table could not be emptied; for them, and for blocks that are free but of the
   * wrong size, there is some room above the limit. Throws an OverloadedError over that.
   */
  admit(mutation: Words, size: number): void {
    const space = this.#space
    this.makeRoom(size)
    if (!space.isOver(size)) return
    const { table, memtable } = this.#tables.of(mutation.i32[MUTATION_HEADER_WORDS + 1]!)
    if (isServersOwn(table)) return
    const { slabs } = memtable
    if (space.hasReserve(size) && onlyDeletes(mutation)) return
    // Deletions need what is left then.
    if (space.hasReserve(size, 4) && slabs.reservedBytes - slabs.usedBytes > size * 4 + 4096) return
    const advice =
      this.#flusher === null
        ? 'Rows have to be deleted, or tables truncated, before more is written'
        : 'They are not flushed fast enough, or cannot be: see the log'
    throw new OverloadedError(
      `Too much data in memtables: ${space.reservedBytes} of ${space.limitBytes} bytes are in use (memtable_offheap_space). ${advice}`,
    )
  }

  /** Flushes the largest memtable where memory is short, with so many bytes more in use. */
  makeRoom(moreBytes: number): void {
    if (this.#flusher === null || !this.#space.wantsFlush(moreBytes)) return
    const { largest } = this.#tables
    if (largest !== null) this.#flusher.begin(largest)
  }

  /** A memtable that was flushed or thrown away is read by nobody any more. */
  freed(memtable: Memtable): void {
    this.#space.freed(memtable)
    memtable.slabs.clear()
    this.#keepPool()
  }

  /** Memory for memtables is given back some time after the last of them was flushed. */
  #keepPool(): void {
    const pool = this.#pool
    const timers = this.#timers
    if (pool === null || pool.bytes === 0 || timers === null) return
    if (this.#poolTimer !== null) timers.clearTimeout(this.#poolTimer)
    this.#poolTimer = timers.setTimeout(() => pool.clear(), POOL_KEPT_MS, { unref: true })
  }

  close(): void {
    if (this.#poolTimer !== null) this.#timers?.clearTimeout(this.#poolTimer)
  }
}
