/** The random port. */
export interface Random {
  /** Fills all of `out`. */
  bytes(out: Uint8Array): void
  /** Uniform over 0 .. 2^32 - 1. */
  uint32(): number
}
