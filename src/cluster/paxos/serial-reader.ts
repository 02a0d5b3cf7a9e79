import {
  ConsistencyLevel,
  ReadFailureError,
  ReadTimeoutError,
  WriteFailureError,
  WriteTimeoutError,
} from '../../common/errors.ts'
import {
  type DecoratedKey,
  type MarkerCounter,
  type PartitionReader,
  type ReadCommand,
  STARVED,
} from '../../model/read-command.ts'
import type { Words } from '../../model/row-format.ts'
import { LIVE } from '../../storage/unfiltered.ts'
import type { CoordinatedRead } from '../coordinator/coordinator.ts'
import { timeoutText } from '../coordinator/level-failure.ts'
import type { Trace } from '../traces.ts'
import { NO_UPDATE } from './commit.ts'
import type { Paxos } from './paxos.ts'

/** Opens what is read of replicas at levels that are not serial. */
export interface ReplicaReads {
  read(command: ReadCommand, read: CoordinatedRead): PartitionReader
}

const NO_BYTES = new Uint8Array(0)
const NO_ROW: Words = { i32: new Int32Array(0), u8: NO_BYTES }

/**
 * A read at SERIAL or LOCAL_SERIAL of one partition: first all rounds that are in progress are finished, by a round that changes
 * nothing, then the rows are read at a quorum (`StorageProxy.legacyReadWithPaxos`).
 */
export class SerialReader implements PartitionReader {
  readonly #paxos: Paxos
  readonly #reads: ReplicaReads
  readonly #command: ReadCommand
  readonly #read: CoordinatedRead
  readonly #trace: Trace | null
  #rows: PartitionReader | null = null

  constructor(
    paxos: Paxos,
    reads: ReplicaReads,
    command: ReadCommand,
    read: CoordinatedRead,
    trace: Trace | null = null,
  ) {
    this.#trace = trace
    this.#paxos = paxos
    this.#reads = reads
    this.#command = command
    this.#read = read
  }

  /** Rejects with an UnavailableError, a ReadTimeoutError or a ReadFailureError. */
  async fill(): Promise<void> {
    if (this.#rows === null) {
      for (const key of this.#command.keys!) await this.#finishRounds(key)
      const isLocal = this.#read.level === ConsistencyLevel.LOCAL_SERIAL
      const level = isLocal ? ConsistencyLevel.LOCAL_QUORUM : ConsistencyLevel.QUORUM
      this.#rows = this.#reads.read(this.#command, { ...this.#read, level })
    }
    await this.#rows.fill?.()
  }

  async #finishRounds(key: DecoratedKey): Promise<void> {
    const { table } = this.#command
    const { level } = this.#read
    const isLocal = level === ConsistencyLevel.LOCAL_SERIAL
    // What is found unfinished has to be seen by the read that follows.
    const replay = isLocal ? ConsistencyLevel.LOCAL_QUORUM : ConsistencyLevel.QUORUM
    try {
      await this.#paxos.execute({
        table,
        key,
        consistencyForPaxos: level,
        consistencyForReplayCommits: replay,
        consistencyForCommit: ConsistencyLevel.ANY,
        trace: this.#trace,
        startedMs: this.#paxos.monotonicMs(),
        propose: () => Promise.resolve({ update: NO_UPDATE, result: null }),
      })
    } catch (error) {
      const required = this.#paxos.blockFor(table.keyspace, level)
      if (error instanceof WriteTimeoutError) {
        throw new ReadTimeoutError(timeoutText(0), level, 0, required, false)
      }
      if (error instanceof WriteFailureError) {
        const { message, received, blockFor, failures } = error
        throw new ReadFailureError(message, level, received, blockFor, failures, false)
      }
      throw error
    }
  }

  nextPartition(): boolean {
    if (this.#rows === null) throw STARVED
    return this.#rows.nextPartition()
  }

  staticRow(): boolean {
    return this.#rows!.staticRow()
  }

  nextRow(): boolean {
    return this.#rows!.nextRow()
  }

  get keyBytes(): Uint8Array {
    return this.#rows?.keyBytes ?? NO_BYTES
  }

  get keyOffset(): number {
    return this.#rows?.keyOffset ?? 0
  }

  get keyLength(): number {
    return this.#rows?.keyLength ?? 0
  }

  get tokenHi(): number {
    return this.#rows?.tokenHi ?? 0
  }

  get tokenLo(): number {
    return this.#rows?.tokenLo ?? 0
  }

  get row(): Words {
    return this.#rows?.row ?? NO_ROW
  }

  get rowAt(): number {
    return this.#rows?.rowAt ?? 0
  }

  get rowDeletionHi(): number {
    return this.#rows?.rowDeletionHi ?? LIVE.hi
  }

  get rowDeletionLo(): number {
    return this.#rows?.rowDeletionLo ?? LIVE.lo
  }

  get isPartitionDeleted(): boolean {
    return this.#rows?.isPartitionDeleted ?? false
  }

  get markers(): MarkerCounter | null {
    return this.#rows?.markers ?? null
  }

  suspend(): void {
    this.#rows?.suspend()
  }

  close(): void {
    this.#rows?.close()
  }
}
