import type { Clock } from './clock.ts'

/** The machine's clock. Microseconds come in steps of a millisecond, as Cassandra's do; TimestampSource fills them. */
export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  nowMicros: () => Date.now() * 1000,
  monotonicMs: () => performance.now(),
}
