import type { Endpoint } from '../endpoint.ts'
import { type FailureDetectorSettings, failureDetectorSettings } from './failure-detector.ts'

/** How a node gossips. Times are milliseconds. */
export interface GossipSettings {
  readonly clusterName: string
  readonly partitioner: string
  /** This node's own address, the one that others know it by (`broadcast_address`). */
  readonly local: Endpoint
  /** As configured; this node may be one of them. */
  readonly seeds: readonly Endpoint[]
  /** Between two rounds. */
  readonly intervalMs: number
  /** How long the ring may take to hear of something (`cassandra.ring_delay_ms`). */
  readonly ringDelayMs: number
  /** How long nothing is believed of a node that was removed (`cassandra.gossip_quarantine_delay_ms`). */
  readonly quarantineDelayMs: number
  /** How long a node without tokens may be silent before it is forgotten. */
  readonly fatClientTimeoutMs: number
  /** The same of a node that bootstraps (`cassandra.failed_bootstrap_timeout_ms`). */
  readonly failedBootstrapTimeoutMs: number
  /** How long a node that left is remembered (`cassandra.very_long_time_ms`). */
  readonly veryLongTimeMs: number
  /** A shadow round asks again after this. */
  readonly shadowRoundRetryMs: number
  /** `cassandra.gossip_settle_min_wait_ms`, `_interval_ms` and `_poll_success_required`. */
  readonly settle: { readonly minWaitMs: number; readonly pollMs: number; readonly successes: number }
  /** How long a goodbye is given to arrive (`cassandra.shutdown_announce_in_ms`). */
  readonly shutdownAnnounceMs: number
  readonly failureDetector: FailureDetectorSettings
}

/** What must be said of a node; the rest has Cassandra's values. */
export type GossipChoice = Pick<GossipSettings, 'clusterName' | 'local' | 'seeds'> & Partial<GossipSettings>

/** `RING_DELAY` and `SHUTDOWN_ANNOUNCE_DELAY_IN_MS` and so on, for rounds of one second. */
export function gossipSettings(choice: GossipChoice): GossipSettings {
  const intervalMs = choice.intervalMs ?? 1000
  const ringDelayMs = choice.ringDelayMs ?? 30_000
  const quarantineDelayMs = choice.quarantineDelayMs ?? 2 * ringDelayMs
  const fatClientTimeoutMs = choice.fatClientTimeoutMs ?? quarantineDelayMs / 2
  return {
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    failedBootstrapTimeoutMs: 10 * fatClientTimeoutMs,
    veryLongTimeMs: 259_200_000,
    shadowRoundRetryMs: 5000,
    settle: { minWaitMs: 5000, pollMs: 1000, successes: 3 },
    shutdownAnnounceMs: 2000,
    failureDetector: failureDetectorSettings(intervalMs),
    ...choice,
    intervalMs,
    ringDelayMs,
    quarantineDelayMs,
    fatClientTimeoutMs,
  }
}

/**
 * For rings within one process or machine, where a message takes no time: a round each 25 ms, and everything that
 * Cassandra measures in rounds as many rounds; nothing is waited for that can be seen.
 *
 * The failure detector stays patient, since one busy event loop is what all these nodes share.
 */
export function quickGossipSettings(choice: GossipChoice): GossipSettings {
  return gossipSettings({
    intervalMs: 25,
    shadowRoundRetryMs: 25,
    settle: { minWaitMs: 0, pollMs: 25, successes: 2 },
    shutdownAnnounceMs: 10,
    failureDetector: {
      ...failureDetectorSettings(1000),
      initialIntervalMs: 500,
      // Whoever is silent for 4.6 s is down.
      leastMeanMs: 250,
      maxIntervalMs: 500,
      maxLocalPauseMs: 2000,
    },
    ...choice,
  })
}
