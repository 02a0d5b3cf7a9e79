import { randomFillSync } from 'node:crypto'
import type { Random } from './random.ts'

const word = new Uint32Array(1)

/** The machine's cryptographic random source. */
export const nodeRandom: Random = {
  bytes(out: Uint8Array): void {
    randomFillSync(out)
  },
  uint32(): number {
    return randomFillSync(word)[0]
  },
}
