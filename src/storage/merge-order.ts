/**
 * Sources of a merge in the order of what each stands at (`MergeIterator.ManyToOne`). They are kept sorted: one that has
 * moved on is compared with the first, since what was taken last mostly comes next again, and then its place is looked for
 * by halving. Measured over 2 to 32 sources: where they come in runs one comparison a row, a binary heap takes two;
 * where they interleave as many as a heap, and of 32 sources a fifth of what a linear scan takes.
 */
export class MergeOrder {
  readonly #compare: (a: number, b: number) => number
  /** The next one last. */
  #order = new Int32Array(16)
  #size = 0
  /** Order of the first two, where it is known. */
  #isTied: boolean | null = null
  /** Those that stood at the same place, by `take`. */
  group = new Int32Array(16)
  groupSize = 0

  /** `compare` says in which order two sources stand, given their numbers. */
  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  clear(): void {
    this.#size = 0
    this.groupSize = 0
    this.#isTied = null
  }

  /** Adds a source where it stands. */
  insert(source: number): void {
    const size = this.#size
    if (size === this.#order.length) {
      this.#order = grown(this.#order)
      this.group = grown(this.group)
    }
    const order = this.#order
    if (size === 0) {
      order[this.#size++] = source
      this.#isTied = false
      return
    }
    const toFirst = this.#compare(source, order[size - 1]!)
    if (toFirst <= 0) {
      order[this.#size++] = source
      this.#isTied = toFirst === 0
      return
    }
    let low = 0
    let high = size - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(source, order[middle]!) < 0) low = middle + 1
      else high = middle
    }
    for (let i = size; i > low; i--) order[i] = order[i - 1]!
    order[low] = source
    this.#size++
    // Behind the first one, it may have come to be the second.
    if (low === size - 1) this.#isTied = false
  }

  /** Takes out the first, and all that stand where it does, into `group`. */
  take(): void {
    const order = this.#order
    let size = this.#size
    let count = 0
    const first = order[--size]!
    this.group[count++] = first
    while (size > 0) {
      const isTied =
        count === 1 && this.#isTied !== null ? this.#isTied : this.#compare(first, order[size - 1]!) === 0
      if (!isTied) break
      this.group[count++] = order[--size]!
    }
    this.#size = size
    this.groupSize = count
    this.#isTied = size < 2 ? false : null
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(array.length * 2)
  copy.set(array)
  return copy
}
