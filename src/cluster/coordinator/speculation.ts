/** When another replica is asked because one is late (`SpeculativeRetryPolicy`). */

import type { TableMetadata } from '../../model/table.ts'
import type { Speculation } from './replica-plan.ts'

/** The value of that share of the latencies of late, microseconds; 0 where there was none. */
export type LatencyQuantile = (table: TableMetadata, kind: 'read' | 'write', share: number) => number

/** A policy as it stands in the schema: `99p`, `50ms`, `MIN(99p,50ms)`, ALWAYS, NEVER. */
export interface SpeculationPolicy {
  readonly kind: Speculation
  /** From 0 to 1; null where it does not depend on latencies. */
  readonly share: number | null
  readonly fixedMs: number | null
  /** Of both, the lesser or the greater. */
  readonly pick: 'MIN' | 'MAX' | null
}

const NEVER: SpeculationPolicy = { kind: 'NEVER', share: null, fixedMs: null, pick: null }
const ALWAYS: SpeculationPolicy = { kind: 'ALWAYS', share: null, fixedMs: null, pick: null }
const HYBRID = /^(MIN|MAX)\((.*)p,(.*)ms\)$/

/** Reads what `speculative_retry` and `additional_write_policy` say; DDL has checked it. */
export function speculationPolicy(text: string): SpeculationPolicy {
  if (text === 'NEVER') return NEVER
  if (text === 'ALWAYS') return ALWAYS
  const hybrid = HYBRID.exec(text)
  if (hybrid !== null) {
    const pick = hybrid[1] as 'MIN' | 'MAX'
    return { kind: 'LATE', share: Number(hybrid[2]) / 100, fixedMs: Number(hybrid[3]), pick }
  }
  if (text.endsWith('ms'))
    return { kind: 'LATE', share: null, fixedMs: Number(text.slice(0, -2)), pick: null }
  return { kind: 'LATE', share: Number(text.replace(/p.*$/, '')) / 100, fixedMs: null, pick: null }
}

interface Threshold {
  readonly policy: SpeculationPolicy
  ms: number
  /** When it was computed last. */
  atMs: number
}

/**
 * The times after which others are asked, by tables. As in Cassandra they are computed anew once in a read's timeout, and
 * are half of the timeout before anything has been measured.
 */
export class SpeculationThresholds {
  readonly #kind: 'read' | 'write'
  readonly #timeoutMs: number
  readonly #intervalMs: number
  readonly #latencies: () => LatencyQuantile
  readonly #byTable = new WeakMap<TableMetadata, Threshold>()

  constructor(
    kind: 'read' | 'write',
    timeoutMs: number,
    intervalMs: number,
    latencies: () => LatencyQuantile,
  ) {
    this.#kind = kind
    this.#timeoutMs = timeoutMs
    this.#intervalMs = intervalMs
    this.#latencies = latencies
  }

  #of(table: TableMetadata, nowMs: number): Threshold {
    let threshold = this.#byTable.get(table)
    if (threshold === undefined) {
      const { speculativeRetry, additionalWritePolicy } = table.params
      const policy = speculationPolicy(this.#kind === 'read' ? speculativeRetry : additionalWritePolicy)
      threshold = { policy, ms: this.#timeoutMs / 2, atMs: nowMs }
      this.#compute(table, threshold)
      this.#byTable.set(table, threshold)
    } else if (nowMs - threshold.atMs > this.#intervalMs) {
      threshold.atMs = nowMs
      this.#compute(table, threshold)
    }
    return threshold
  }

  #compute(table: TableMetadata, threshold: Threshold): void {
    const { share, fixedMs, pick, kind } = threshold.policy
    // Never is later than any timeout, and always is at once.
    if (kind === 'NEVER') threshold.ms = Number.POSITIVE_INFINITY
    else if (kind === 'ALWAYS') threshold.ms = 0
    else if (share === null) threshold.ms = fixedMs!
    else {
      const micros = this.#latencies()(table, this.#kind, share)
      if (micros <= 0) return
      const ms = micros / 1000
      threshold.ms = pick === null ? ms : pick === 'MIN' ? Math.min(ms, fixedMs!) : Math.max(ms, fixedMs!)
    }
  }

  /** When a table's reads ask another replica. */
  speculation(table: TableMetadata, nowMs: number): Speculation {
    return this.#of(table, nowMs).policy.kind
  }

  /** After how many milliseconds; infinite for never. */
  delayMs(table: TableMetadata, nowMs: number): number {
    return this.#of(table, nowMs).ms
  }
}
