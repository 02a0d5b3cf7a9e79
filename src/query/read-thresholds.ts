import { NO_THRESHOLDS, type ReadSizes, type ReadThresholds } from '../cql/select/index.ts'
import { isLocalSystemKeyspace, isReplicatedSystemKeyspace } from '../schema/names.ts'

/** Settings of how large reads may become, by cassandra.yaml's names; null where there is no limit. */
export interface ReadThresholdConfig {
  readonly tombstone_warn_threshold: number
  readonly tombstone_failure_threshold: number
  readonly read_thresholds_enabled: boolean
  readonly coordinator_read_size_warn_threshold_bytes: number | null
  readonly coordinator_read_size_fail_threshold_bytes: number | null
  readonly local_read_size_warn_threshold_bytes: number | null
  readonly local_read_size_fail_threshold_bytes: number | null
}

/** What holds for reads of which keyspace (`ReadCommand.shouldTrackSize`, `respectTombstoneThresholds`). */
export class KeyspaceThresholds {
  readonly #ofUsers: ReadThresholds
  /** What is read of these is never too large; nor are there too many tombstones in what is this node's alone. */
  readonly #ofSystem: ReadThresholds
  readonly #ofLocalSystem: ReadThresholds

  constructor(config: ReadThresholdConfig) {
    const { tombstone_warn_threshold: warn, tombstone_failure_threshold: fail } = config
    const sizes = config.read_thresholds_enabled ? sizesOf(config) : null
    const unmeasured =
      sizes === null
        ? null
        : { ...sizes, localWarn: Number.POSITIVE_INFINITY, localFail: Number.POSITIVE_INFINITY }
    this.#ofUsers = { warn, fail, sizes }
    this.#ofSystem = { warn, fail, sizes: unmeasured }
    this.#ofLocalSystem = { ...NO_THRESHOLDS, sizes: unmeasured }
  }

  of(keyspace: string): ReadThresholds {
    // Statements mostly ask for the keyspace that the one before asked for.
    if (keyspace === this.#lastKeyspace) return this.#last
    this.#last = this.#find(keyspace)
    this.#lastKeyspace = keyspace
    return this.#last
  }

  readonly #merged = new Map<ReadThresholds, ReadThresholds>()

  /** The same for what replicas have answered, who look at what they read themselves: the answer alone may be too large. */
  ofMerged(keyspace: string): ReadThresholds {
    const alone = this.of(keyspace)
    let merged = this.#merged.get(alone)
    if (merged === undefined) {
      const { sizes } = alone
      const answer =
        sizes === null
          ? null
          : { ...sizes, localWarn: Number.POSITIVE_INFINITY, localFail: Number.POSITIVE_INFINITY }
      merged = { ...NO_THRESHOLDS, sizes: answer }
      this.#merged.set(alone, merged)
    }
    return merged
  }

  #lastKeyspace = ''
  #last: ReadThresholds = NO_THRESHOLDS

  #find(keyspace: string): ReadThresholds {
    if (isLocalSystemKeyspace(keyspace)) return this.#ofLocalSystem
    // Where sizes are not measured, that is all there is to know.
    return this.#ofUsers.sizes !== null && isReplicatedSystemKeyspace(keyspace)
      ? this.#ofSystem
      : this.#ofUsers
  }
}

function sizesOf(config: ReadThresholdConfig): ReadSizes {
  return {
    coordinatorWarn: config.coordinator_read_size_warn_threshold_bytes ?? Number.POSITIVE_INFINITY,
    coordinatorFail: config.coordinator_read_size_fail_threshold_bytes ?? Number.POSITIVE_INFINITY,
    localWarn: config.local_read_size_warn_threshold_bytes ?? Number.POSITIVE_INFINITY,
    localFail: config.local_read_size_fail_threshold_bytes ?? Number.POSITIVE_INFINITY,
  }
}
