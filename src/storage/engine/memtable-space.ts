import type { Memtable } from '../memtable/memtable.ts'

/** What of the memory beyond the limit is kept for deletions, at least. */
const SPACE_RESERVE_BYTES = 4 * 1024 * 1024

/**
 * Counts the memory of all memtables of a node, and says when one of them is to be flushed and when writers have to wait
 * (`MemtablePool`, `MemtableCleanerThread`).
 */
export class MemtableSpace {
  readonly limitBytes: number
  readonly #cleanupBytes: number
  readonly #flushes: boolean
  /** Memory taken from the system. */
  reservedBytes = 0
  /** With so much a write has to look closer. */
  checkAtBytes: number
  /** Memory of memtables that are being flushed, and of each of them. */
  #flushingBytes = 0
  readonly #flushing = new Map<Memtable, number>()
  #waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null
  /** The last flush failed: nobody waits for memory that may never come. */
  #hasFailed = false

  /** Flushes begin when `cleanupThreshold` of the limit is in use by what is not being flushed; 1 is never. */
  constructor(limitBytes: number, cleanupThreshold: number) {
    this.limitBytes = limitBytes
    this.#flushes = cleanupThreshold < 1
    this.#cleanupBytes = limitBytes * cleanupThreshold
    this.checkAtBytes = Math.min(limitBytes, this.#cleanupBytes)
  }

  add(bytes: number): void {
    this.reservedBytes += bytes
    if (bytes < 0 && this.#waiting !== null && this.reservedBytes <= this.limitBytes) this.#wake()
  }

  flushing(memtable: Memtable): void {
    const bytes = memtable.slabs.reservedBytes
    this.#flushing.set(memtable, bytes)
    this.#flushingBytes += bytes
    this.#setCheck()
  }

  /** The memory of a memtable is about to be given back. */
  freed(memtable: Memtable): void {
    const bytes = this.#flushing.get(memtable)
    if (bytes === undefined) return
    this.#flushing.delete(memtable)
    this.#flushingBytes -= bytes
    this.#hasFailed = false
    this.#setCheck()
    // Nothing more is coming back: the next write sees to it.
    if (this.#flushing.size === 0) this.#wake()
  }

  failed(): void {
    this.#hasFailed = true
    this.#wake()
  }

  #setCheck(): void {
    this.checkAtBytes = Math.min(this.limitBytes, this.#cleanupBytes + this.#flushingBytes)
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = null
  }

  /** Whether a memtable is to be flushed, with so much more in use. */
  wantsFlush(moreBytes: number): boolean {
    return this.#flushes && this.reservedBytes - this.#flushingBytes + moreBytes > this.#cleanupBytes
  }

  /** Whether writes have to be refused. Where flushes bring memory back, writers are made to wait before that. */
  isOver(moreBytes: number): boolean {
    const limit = this.#isReclaiming ? 2 * this.limitBytes : this.limitBytes
    return this.reservedBytes + moreBytes > limit
  }

  get #isReclaiming(): boolean {
    return this.#flushes && !this.#hasFailed && this.#flushing.size > 0
  }

  /** Whether there is room beyond the limit, or a part of that room. */
  hasReserve(moreBytes: number, part: number = 1): boolean {
    const reserve = Math.max(this.limitBytes / 8, SPACE_RESERVE_BYTES)
    return this.reservedBytes + moreBytes - this.limitBytes <= reserve / part
  }

  /** While more is in use than may be: resolves when flushes have brought some back. */
  get pressure(): Promise<void> | null {
    if (this.reservedBytes <= this.limitBytes || !this.#isReclaiming) return null
    if (this.#waiting === null) {
      let resolve: () => void = () => undefined
      const promise = new Promise<void>((resolvePromise) => {
        resolve = resolvePromise
      })
      this.#waiting = { promise, resolve }
    }
    return this.#waiting.promise
  }
}
