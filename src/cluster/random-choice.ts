/** What is drawn from the random port. */

import type { Random } from '../io/random.ts'

/** A number from 0 up to 1. */
export function fraction(random: Random): number {
  return random.uint32() / 0x1_0000_0000
}

/** A whole number of 0 .. `bound` - 1, each as likely. */
export function below(random: Random, bound: number): number {
  return Math.floor(fraction(random) * bound)
}

/** The same items in any order, each as likely as the others (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    const item = mixed[i]!
    mixed[i] = mixed[j]!
    mixed[j] = item
  }
  return mixed
}
