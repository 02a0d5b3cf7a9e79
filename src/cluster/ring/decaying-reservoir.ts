/** A sample of a stream that favours what is recent (`ExponentiallyDecayingReservoir` of the metrics library). */

import type { Random } from '../../io/random.ts'

const RESCALE_AFTER_SECONDS = 3600
/** Beyond this, weights would leave what a number can hold; long before that they are brought down. */
const GREATEST_EXPONENT = 500

/**
 * Keeps up to `size` values. A value of t seconds after the landmark weighs e^(alpha * t), and the values with the greatest
 * weight / random are kept: the forward decay of Cormode, Shkapenyuk, Srivastava and Xu.
 */
export class DecayingReservoir {
  readonly #size: number
  readonly #alpha: number
  readonly #random: Random
  readonly #values: Float64Array
  readonly #weights: Float64Array
  readonly #priorities: Float64Array
  #count = 0
  #landmark: number

  /** `now` is in milliseconds of a clock that does not go back. */
  constructor(size: number, alpha: number, random: Random, now: number) {
    this.#size = size
    this.#alpha = alpha
    this.#random = random
    this.#values = new Float64Array(size)
    this.#weights = new Float64Array(size)
    this.#priorities = new Float64Array(size)
    this.#landmark = Math.floor(now / 1000)
  }

  get count(): number {
    return this.#count
  }

  add(value: number, now: number): void {
    const age = this.#rescaledAge(now)
    const weight = Math.exp(this.#alpha * age)
    // Never 0: halves of steps.
    const priority = weight / ((this.#random.uint32() + 0.5) / 2 ** 32)
    let at = this.#count
    if (at < this.#size) this.#count++
    else {
      at = 0
      for (let i = 1; i < this.#size; i++) if (this.#priorities[i]! < this.#priorities[at]!) at = i
      if (this.#priorities[at]! >= priority) return
    }
    this.#values[at] = value
    this.#weights[at] = weight
    this.#priorities[at] = priority
  }

  /** The value that has half of the weight below it; 0 where there is none. */
  median(): number {
    const order = Array.from({ length: this.#count }, (_, i) => i)
    order.sort((a, b) => this.#values[a]! - this.#values[b]!)
    if (order.length === 0) return 0
    let total = 0
    for (const i of order) total += this.#weights[i]!
    const below = new Float64Array(order.length)
    for (let i = 1; i < order.length; i++) below[i] = below[i - 1]! + this.#weights[order[i - 1]!]! / total
    // Java's binary search, since it decides which of several with half of the weight below them is meant.
    let low = 0
    let high = order.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (below[middle]! < 0.5) low = middle + 1
      else if (below[middle]! > 0.5) high = middle - 1
      else return this.#values[order[middle]!]!
    }
    return this.#values[order[Math.max(0, low - 1)]!]!
  }

  /** Seconds since the landmark, which is moved to now when it is long ago. */
  #rescaledAge(now: number): number {
    const seconds = Math.floor(now / 1000)
    const age = seconds - this.#landmark
    if (age < RESCALE_AFTER_SECONDS && age * this.#alpha < GREATEST_EXPONENT) return age
    const factor = Math.exp(-this.#alpha * age)
    this.#landmark = seconds
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      const weight = this.#weights[i]! * factor
      // What has decayed to nothing is gone.
      if (weight === 0) continue
      this.#values[kept] = this.#values[i]!
      this.#weights[kept] = weight
      this.#priorities[kept++] = this.#priorities[i]! * factor
    }
    this.#count = kept
    return 0
  }
}
