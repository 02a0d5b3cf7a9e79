import { parseUuid } from '../../common/uuid.ts'
import { LiveRow } from '../../model/live-row.ts'
import { MutationBuilder, NO_DELETION_TIME } from '../../model/mutation.ts'
import type { DecoratedKey, ReadCommand } from '../../model/read-command.ts'
import { FULL_RING } from '../../model/read-command.ts'
import { CELL_EXPIRES, CELL_TOMBSTONE } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import { microsHi, microsLo } from '../replica/system-rows.ts'
import { type Ballot, ballotMicros, ballotOf, latest, NO_BALLOT } from './ballot.ts'
import { type Commit, NO_COMMIT } from './commit.ts'
import type { PaxosState } from './paxos-state.ts'

/** What updates are encoded as. */
const UPDATE_VERSION = 1
const NO_BYTES = new Uint8Array(0)
/** Paxos state is kept for so long at least. */
const TTL_SECONDS_MIN = 3 * 3600

/** How long the state of a table's partitions is kept, in seconds (`SystemKeyspace.legacyPaxosTtlSec`). */
export function paxosTtlSeconds(table: TableMetadata): number {
  return Math.max(TTL_SECONDS_MIN, table.params.gcGraceSeconds)
}

/** A partition that rounds are about. */
export interface PaxosPartition {
  readonly table: TableMetadata
  readonly key: DecoratedKey
}

/** A cell to be written; a null value deletes. */
type Cell = readonly [name: string, value: Uint8Array | null]

/**
 * The Paxos state of partitions in system.paxos. Writes are applied, with the time of their ballot; who made them waits for the
 * commit.
 */
export class PaxosTable {
  readonly #engine: StorageEngine
  readonly #paxos: TableMetadata
  readonly #mutation = new MutationBuilder(1 << 12)
  readonly #live = new LiveRow()

  constructor(engine: StorageEngine, paxos: TableMetadata) {
    this.#engine = engine
    this.#paxos = paxos
  }

  /** The state, without what has expired at that time: that of the ballot in question, so that replicas agree about it. */
  load({ table, key }: PaxosPartition, nowSeconds: number): PaxosState {
    const components = [parseUuid(table.id)!]
    const command: ReadCommand = {
      table: this.#paxos,
      keys: [key],
      range: FULL_RING,
      slices: [{ start: { components, side: 0 }, end: { components, side: 1 } }],
      reversed: false,
    }
    const reader = this.#engine.read(command)
    try {
      if (!reader.nextPartition() || !reader.nextRow()) {
        return { promised: NO_BALLOT, accepted: null, committed: NO_COMMIT }
      }
      const live = this.#live
      // Nothing has expired in 1970: a promise counts for as long as it is there.
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, 0)
      const promised = latest(
        this.#ballot('in_progress_ballot') ?? NO_BALLOT,
        this.#ballot('in_progress_read_ballot') ?? NO_BALLOT,
      )
      const accepted = this.#commit('proposal_ballot', 'proposal', 'proposal_version', nowSeconds)
      const committed =
        this.#commit(
          'most_recent_commit_at',
          'most_recent_commit',
          'most_recent_commit_version',
          nowSeconds,
        ) ?? NO_COMMIT
      const isOpen = accepted !== null && accepted.ballot.ticks > committed.ballot.ticks
      return { promised, accepted: isOpen ? accepted : null, committed }
    } finally {
      reader.close()
    }
  }

  #ballot(name: string): Ballot | null {
    const value = this.#live.copySimple(this.#paxos.columns.get(name)!.id)
    return value === null ? null : ballotOf(value)
  }

  #commit(ballotName: string, name: string, versionName: string, nowSeconds: number): Commit | null {
    const live = this.#live
    const ballot = this.#ballot(ballotName)
    if (ballot === null) return null
    const { flags, localDeletionTime } = live.cell
    if (flags & CELL_EXPIRES && localDeletionTime !== NO_DELETION_TIME && localDeletionTime <= nowSeconds) {
      return null
    }
    const update = live.copySimple(this.#paxos.columns.get(name)!.id)
    const version = live.copySimple(this.#paxos.columns.get(versionName)!.id)
    const isOurs = version !== null && version.length === 4 && version[3] === UPDATE_VERSION
    return { ballot, update: update !== null && isOurs ? update : NO_BYTES }
  }

  /** Throws what the engine throws. */
  savePromise(partition: PaxosPartition, ballot: Ballot, nowSeconds: number): void {
    this.#save(partition, ballot, nowSeconds, [['in_progress_ballot', ballot.bytes]])
  }

  /** Throws what the engine throws. */
  saveProposal(partition: PaxosPartition, { ballot, update }: Commit, nowSeconds: number): void {
    this.#save(partition, ballot, nowSeconds, [
      ['proposal', update],
      ['proposal_ballot', ballot.bytes],
      ['proposal_version', version()],
    ])
  }

  /** What was proposed until then is done with. Throws what the engine throws. */
  saveCommit(partition: PaxosPartition, { ballot, update }: Commit, nowSeconds: number): void {
    this.#save(partition, ballot, nowSeconds, [
      ['most_recent_commit', update],
      ['most_recent_commit_at', ballot.bytes],
      ['most_recent_commit_version', version()],
      ['proposal', null],
      ['proposal_ballot', null],
      ['proposal_version', null],
    ])
  }

  #save({ table, key }: PaxosPartition, ballot: Ballot, nowSeconds: number, cells: readonly Cell[]): void {
    const out = this.#mutation
    const id = parseUuid(table.id)!
    const micros = ballotMicros(ballot)
    const hi = microsHi(micros)
    const lo = microsLo(micros)
    const ttl = paxosTtlSeconds(table)
    out.begin()
    out.beginUpdate(this.#paxos.handle, key.tokenHi, key.tokenLo, key.key, 0, key.key.length)
    out.beginRow(0, 0, 0, 0, 0, 0, 0, 0)
    out.clustering(id, 0, id.length)
    out.endClustering()
    const ordered = cells
      .map(([name, value]) => ({ column: this.#paxos.columns.get(name)!.id, value }))
      .sort((a, b) => a.column - b.column)
    for (const { column, value } of ordered) {
      if (value === null)
        out.cell(column, CELL_TOMBSTONE, hi, lo, 0, nowSeconds, NO_BYTES, 0, -1, NO_BYTES, 0, 0)
      else {
        const expiration = nowSeconds + ttl
        out.cell(column, CELL_EXPIRES, hi, lo, ttl, expiration, NO_BYTES, 0, -1, value, 0, value.length)
      }
    }
    out.endRow()
    out.endUpdate()
    this.#engine.apply(out)
  }
}

function version(): Uint8Array {
  const bytes = new Uint8Array(4)
  bytes[3] = UPDATE_VERSION
  return bytes
}
