import { toHex } from '../common/bytes.ts'
import { type ConsistencyLevel, InvalidRequestError } from '../common/errors.ts'
import type { RowSnapshot } from '../cql/modify/operations.ts'
import { type DecoratedKey, FULL_RING, type ReadCommand } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import type { Cluster } from './cluster.ts'
import { consistencyName, validateForRead } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { rowFound, slicesOf } from './row-lookup.ts'

/** A row that a statement has to see before it writes is at other nodes, and has to be waited for. */
export class RowNeeded extends Error {
  readonly table: TableMetadata
  readonly key: DecoratedKey
  readonly clustering: readonly Uint8Array[] | null

  constructor(table: TableMetadata, key: DecoratedKey, clustering: readonly Uint8Array[] | null) {
    super('A row has to be read before it is written')
    this.table = table
    this.key = key
    this.clustering = clustering
  }
}

/** Rows that a statement wanted to see, as replicas have them (`ModificationStatement.readRequiredLists`). */
export class FetchedRows {
  readonly #scope: ExecutionScope
  readonly #cluster: Cluster
  readonly #level: ConsistencyLevel
  readonly #rows = new Map<string, RowSnapshot | null>()

  /** Throws an InvalidRequestError for a level that can't be read at. */
  constructor(scope: ExecutionScope, cluster: Cluster, level: ConsistencyLevel) {
    try {
      validateForRead(level)
    } catch {
      throw new InvalidRequestError(
        `Write operation require a read but consistency ${consistencyName(level)} is not supported on reads`,
      )
    }
    this.#scope = scope
    this.#cluster = cluster
    this.#level = level
  }

  /** The row, or null where there is none. Throws a RowNeeded for one that has not been fetched. */
  find(
    table: TableMetadata,
    key: DecoratedKey,
    clustering: readonly Uint8Array[] | null,
  ): RowSnapshot | null {
    const row = this.#rows.get(placeText(table, key, clustering))
    if (row !== undefined) return row
    throw new RowNeeded(table, key, clustering)
  }

  /** Reads a row, to be found from now on. Rejects with what reading rejects with. */
  async fetch({ table, key, clustering }: RowNeeded): Promise<void> {
    const { clock, config } = this.#scope
    const nowSeconds = Math.floor(clock.nowMs() / 1000)
    const command: ReadCommand = {
      table,
      keys: [key],
      range: FULL_RING,
      slices: slicesOf(clustering),
      reversed: false,
    }
    const reader = this.#cluster.read(command, {
      level: this.#level,
      nowSeconds,
      limits: { rows: 1, rowsPerPartition: 1, bytes: 1 << 20 },
      deadlineMs: clock.monotonicMs() + config.read_request_timeout_ms,
    })
    const metrics = this.#scope.metrics.of(table)
    if (reader.fill === undefined) metrics.beginRead(false, 1, clock.nowMs())
    else metrics.beginCoordinatedRead(false, 1, clock.nowMs())
    try {
      await reader.fill?.()
      this.#rows.set(placeText(table, key, clustering), rowFound(reader, table, clustering, nowSeconds))
    } finally {
      reader.close()
    }
  }
}

function placeText(
  table: TableMetadata,
  { key }: DecoratedKey,
  clustering: readonly Uint8Array[] | null,
): string {
  const place = clustering === null ? 'static' : clustering.map((component) => toHex(component)).join('.')
  return `${table.handle} ${toHex(key)} ${place}`
}

/** Executes what may need rows of replicas: again and again until it has all that it wants to see. */
export async function withRows<T>(
  rows: FetchedRows,
  needed: RowNeeded,
  execute: (rows: FetchedRows) => T | Promise<T>,
): Promise<T> {
  for (;;) {
    await rows.fetch(needed)
    try {
      return await execute(rows)
    } catch (error) {
      if (!(error instanceof RowNeeded)) throw error
      needed = error
    }
  }
}
