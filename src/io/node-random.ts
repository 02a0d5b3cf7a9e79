import { randomFillSync } from 'node:crypto'
import type { Random } from './random.ts'

/** Drawn ahead: a call for four bytes costs as much as one for thousands. */
const words = new Uint32Array(256)
let next = words.length

/** The machine's cryptographic random source. */
export const nodeRandom: Random = {
  bytes(out: Uint8Array): void {
    randomFillSync(out)
  },
  uint32(): number {
    if (next === words.length) {
      randomFillSync(words)
      next = 0
    }
    return words[next++]!
  },
}
