import type { LocalReadFigures, ReplicaTableMetrics } from '../cluster/replica/replica-metrics.ts'
import { DecayingHistogram, LatencyTimer } from '../common/metrics.ts'
import type { ReadObserver } from '../cql/select/index.ts'
import type { BatchType } from '../model/query-options.ts'
import type { TableMetadata } from '../model/table.ts'

/**
 * What was asked of one table (`TableMetrics`). Of what the server reads and writes for itself nothing is counted. What this
 * node does alone is a request of its coordinator and one of its replica at once, and is counted by one timer for both.
 */
export class TableMetrics implements ReplicaTableMetrics {
  readonly #read = new LatencyTimer()
  readonly #scan = new LatencyTimer()
  readonly #write = new LatencyTimer()
  readonly coordinatorRead = new LatencyTimer(this.#read)
  readonly coordinatorScan = new LatencyTimer(this.#scan)
  readonly coordinatorWrite = new LatencyTimer(this.#write)
  readonly localRead = new LatencyTimer(this.#read)
  readonly localScan = new LatencyTimer(this.#scan)
  readonly localWrite = new LatencyTimer(this.#write)
  /** Of the reads that are timed. */
  readonly tombstonesPerRead = new DecayingHistogram()
  readonly rowsPerRead = new DecayingHistogram()
  /** Of reads of partitions by key that are timed: the SSTables that had one of them. */
  readonly sstablesPerRead = new DecayingHistogram()

  // --- what this node does alone

  /** Counts reads of partitions by key, or a scan. Returns for how many the one to be timed stands, or 0. */
  beginRead(isScan: boolean, reads: number, nowMs: number): number {
    return isScan ? this.#scan.mark(1, nowMs) : this.#read.mark(reads, nowMs)
  }

  /** Whether the next read will most likely be timed. */
  isNextTimed(isScan: boolean): boolean {
    return isScan ? this.#scan.isNextTimed : this.#read.isNextTimed
  }

  /** Takes in how long reads took, in milliseconds. */
  endRead(isScan: boolean, coordinatorMs: number, localMs: number, nowMs: number, reads: number): void {
    this.endCoordinatedRead(isScan, coordinatorMs, nowMs, reads)
    const local = isScan ? this.localScan : this.localRead
    local.update(localMs, nowMs, reads)
  }

  /** Counts a write. Returns for how many the one to be timed stands, or 0. */
  beginWrite(nowMs: number): number {
    return this.#write.mark(1, nowMs)
  }

  /** Takes in how long writes took, in milliseconds. */
  endWrite(coordinatorMs: number, localMs: number, nowMs: number, writes: number): void {
    this.coordinatorWrite.update(coordinatorMs, nowMs, writes)
    this.localWrite.update(localMs, nowMs, writes)
  }

  // --- what this node has replicas do, itself perhaps among them

  beginCoordinatedRead(isScan: boolean, reads: number, nowMs: number): number {
    return isScan ? this.coordinatorScan.mark(1, nowMs) : this.coordinatorRead.mark(reads, nowMs)
  }

  endCoordinatedRead(isScan: boolean, elapsedMs: number, nowMs: number, reads: number): void {
    const coordinator = isScan ? this.coordinatorScan : this.coordinatorRead
    coordinator.update(elapsedMs, nowMs, reads)
  }

  // --- what it does as a replica

  beginLocalRead(isScan: boolean, nowMs: number): number {
    return isScan ? this.localScan.mark(1, nowMs) : this.localRead.mark(1, nowMs)
  }

  endLocalRead(isScan: boolean, read: LocalReadFigures, nowMs: number, reads: number): void {
    const { elapsedMs, liveRows, tombstones, sstables } = read
    const local = isScan ? this.localScan : this.localRead
    local.update(elapsedMs, nowMs, reads)
    if (sstables !== null) this.sstablesPerRead.update(sstables, nowMs, reads)
    this.tombstonesPerRead.update(tombstones, nowMs, reads)
    this.rowsPerRead.update(liveRows, nowMs, reads)
  }

  beginLocalWrite(nowMs: number): number {
    return this.localWrite.mark(1, nowMs)
  }

  endLocalWrite(elapsedMs: number, nowMs: number, writes: number): void {
    this.localWrite.update(elapsedMs, nowMs, writes)
  }
}

/** Takes in what the partitions, or the range of them, of a read that is timed hold (`ReadCommand.withMetricsRecording`). */
export class SampledRead implements ReadObserver {
  readonly #metrics: TableMetrics
  readonly #times: number

  /** @param times for how many reads each of this one's stands */
  constructor(metrics: TableMetrics, times: number) {
    this.#metrics = metrics
    this.#times = times
  }

  read(
    liveRows: number,
    tombstones: number,
    nowMs: number,
    _isMissing: boolean,
    sstables: number | null,
  ): void {
    if (sstables !== null) this.#metrics.sstablesPerRead.update(sstables, nowMs, this.#times)
    this.#metrics.tombstonesPerRead.update(tombstones, nowMs, this.#times)
    this.#metrics.rowsPerRead.update(liveRows, nowMs, this.#times)
  }
}

/** What statements have done since the start (`CQLMetrics`, `BatchMetrics`, `TableMetrics`). */
export class QueryMetrics {
  regularStatementsExecuted = 0
  preparedStatementsExecuted = 0
  readonly partitionsPerBatch: Readonly<Record<BatchType, DecayingHistogram>> = {
    logged: new DecayingHistogram(),
    unlogged: new DecayingHistogram(),
    counter: new DecayingHistogram(),
  }
  /** By the table's handle, from the first one on. */
  readonly #tables: (TableMetrics | undefined)[] = []
  /** The least handle of a table of this server: a process that has had many servers has given out many handles. */
  readonly #first: number

  /** @param tables of the server, the built-in ones at least, which are its first; without them handles may be any */
  constructor(tables: readonly TableMetadata[] = []) {
    this.#first = tables.reduce((least, { handle }) => Math.min(least, handle), tables[0]?.handle ?? 0)
  }

  /** Those of a table, which are made when they are first asked for. */
  of(table: TableMetadata): TableMetrics {
    return this.#tables[table.handle - this.#first] ?? this.#make(table.handle)
  }

  #make(handle: number): TableMetrics {
    const made = new TableMetrics()
    const at = handle - this.#first
    // Without holes, so that a look stays a look into an array.
    while (this.#tables.length < at) this.#tables.push(undefined)
    this.#tables[at] = made
    return made
  }

  /** Those of the table with that handle. */
  ofHandle(handle: number): TableMetrics {
    return this.#tables[handle - this.#first] ?? this.#make(handle)
  }

  /** Forgets tables that are gone. */
  retain(tables: readonly TableMetadata[]): void {
    const kept = new Set(tables.map(({ handle }) => handle - this.#first))
    for (let at = 0; at < this.#tables.length; at++) {
      if (!kept.has(at)) this.#tables[at] = undefined
    }
  }

  /** Reads and writes of all tables that are there, as their stages have completed them. */
  completed(): { readonly reads: number; readonly writes: number } {
    let reads = 0
    let writes = 0
    for (const table of this.#tables) {
      if (table === undefined) continue
      reads += table.localRead.count + table.localScan.count
      writes += table.localWrite.count
    }
    return { reads, writes }
  }
}
