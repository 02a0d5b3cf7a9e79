import type { CoordinatedRead } from '../cluster/coordinator/coordinator.ts'
import type { BoundSelect } from '../cql/select/index.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { Cluster } from './cluster.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { ReplicaReports } from './replica-reports.ts'

/** Bytes of rows that a replica answers at once, about. */
const PIECE_BYTES = 1 << 20
/** No limit of rows. */
const NO_LIMIT = 0x7fffffff

/** The ring, if it executes statements on that keyspace: null where this node has it alone. */
export function ringOf(scope: ExecutionScope, keyspace: string): Cluster | null {
  const { cluster } = scope
  return cluster === null || cluster.isLocal(keyspace) ? null : cluster
}

/** How a SELECT reads of replicas: no more of them than it is going to give, as far as that is known. */
export function ringRead(
  scope: ExecutionScope,
  bound: BoundSelect,
  { consistency, pageSize }: QueryOptions,
  heard: ReplicaReports,
): CoordinatedRead {
  const { config, clock } = scope
  const { selection } = bound.prepared
  const isFiltered = bound.filter.length > 0 || bound.keyRange !== null
  const isGrouped = selection.groups !== null
  let rows = bound.pageRows
  if (isGrouped) rows = pageSize > 0 ? pageSize : NO_LIMIT
  else if (isFiltered && !bound.isPaged) rows = NO_LIMIT
  const timeoutMs = bound.pager === 'range' ? config.range_request_timeout_ms : config.read_request_timeout_ms
  return {
    level: consistency,
    nowSeconds: bound.nowSeconds,
    limits: {
      rows,
      rowsPerPartition: isFiltered || isGrouped ? NO_LIMIT : bound.perPartitionLimit,
      bytes: PIECE_BYTES,
    },
    deadlineMs: clock.monotonicMs() + timeoutMs,
    heard,
  }
}

/** What one SELECT reads of the ring. */
export class RingReading {
  readonly #ring: Cluster
  readonly #read: CoordinatedRead
  /** What replicas warn of. */
  readonly report: ReplicaReports
  #first: PartitionReader | null = null

  /** Begins with the first command. Throws an UnavailableError. */
  constructor(scope: ExecutionScope, ring: Cluster, bound: BoundSelect, options: QueryOptions) {
    this.#ring = ring
    this.report = new ReplicaReports(bound, ring, scope.config.read_thresholds_enabled)
    this.#read = ringRead(scope, bound, options, this.report)
    const command = bound.commands[0]
    if (command !== undefined) this.#first = ring.read(command, this.#read)
  }

  /** Whether rows have to be waited for. */
  get waits(): boolean {
    return this.#first?.fill !== undefined
  }

  fill(): Promise<void> {
    return this.#first!.fill!()
  }

  /** Opens the first command, and afterwards the others. */
  readonly open = (command: ReadCommand): PartitionReader => {
    const first = this.#first
    this.#first = null
    return first ?? this.#ring.read(command, this.#read)
  }

  close(): void {
    this.#first?.close()
    this.#first = null
  }
}
