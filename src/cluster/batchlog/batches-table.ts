import { murmur3Token } from '../../common/murmur3.ts'
import { timeUuidBytes, timeUuidTicks } from '../../common/uuid.ts'
import type { Clock } from '../../io/clock.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import { MutationBuilder } from '../../model/mutation.ts'
import { ROW_HAS_LIVENESS } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import { eachLiveRow, microsHi, microsLo, readCommandOf } from '../replica/system-rows.ts'
import { type Batch, batchMicros } from './batch.ts'

/** What `mutations` are encoded as. */
const MUTATIONS_VERSION = 1
const NO_BYTES = new Uint8Array(0)
/** Low halves of the list's paths, which only have to differ in their time. */
const PATH_LOW = 0x8080808080808080n
/** A look at the whole table gives way to other work after so many milliseconds. */
const SLICE_MS = 5

/**
 * Batches in system.batches, as they are kept on this node. Writes are applied; who made them waits for the commit.
 *
 * A batch has the time of its id as its timestamp, and is removed at that time or later, whatever clocks say: a removal that
 * comes before what it removes counts.
 */
export class BatchesTable {
  readonly #engine: StorageEngine
  readonly #table: TableMetadata
  readonly #mutation = new MutationBuilder(1 << 12)
  readonly #token = new Int32Array(2)

  constructor(engine: StorageEngine, table: TableMetadata) {
    this.#engine = engine
    this.#table = table
  }

  #begin(id: Uint8Array): MutationBuilder {
    murmur3Token(id, 0, id.length, this.#token)
    const out = this.#mutation
    out.begin()
    out.beginUpdate(this.#table.handle, this.#token[0]!, this.#token[1]!, id, 0, id.length)
    return out
  }

  /** Throws what the engine throws. */
  store({ id, mutations }: Batch): void {
    const micros = batchMicros(id)
    const hi = microsHi(micros)
    const lo = microsLo(micros)
    const { columns } = this.#table
    const out = this.#begin(id)
    out.beginRow(ROW_HAS_LIVENESS, hi, lo, 0, 0, 0, 0, 0)
    out.endClustering()
    const version = new Uint8Array(4)
    new DataView(version.buffer).setInt32(0, MUTATIONS_VERSION)
    const cells = [
      { id: columns.get('version')!.id, write: (at: number) => this.#cell(at, hi, lo, null, version) },
      {
        id: columns.get('mutations')!.id,
        write: (at: number) => {
          const ticks = timeUuidTicks(id)
          mutations.forEach((mutation, index) => {
            this.#cell(at, hi, lo, timeUuidBytes(ticks + BigInt(index), PATH_LOW), mutation)
          })
        },
      },
    ]
    for (const cell of cells.sort((a, b) => a.id - b.id)) cell.write(cell.id)
    out.endRow()
    out.endUpdate()
    this.#engine.apply(out)
  }

  #cell(column: number, hi: number, lo: number, path: Uint8Array | null, value: Uint8Array): void {
    const pathLength = path === null ? -1 : path.length
    const paths = path ?? NO_BYTES
    this.#mutation.cell(column, 0, hi, lo, 0, 0, paths, 0, pathLength, value, 0, value.length)
  }

  /** Throws what the engine throws. */
  remove(id: Uint8Array, nowMicros: number): void {
    const micros = Math.max(nowMicros, batchMicros(id))
    const out = this.#begin(id)
    out.partitionDeletion(microsHi(micros), microsLo(micros), Math.floor(micros / 1_000_000))
    out.endUpdate()
    this.#engine.apply(out)
  }

  /** The mutations of a batch; null where it is not there (any more). */
  read(id: Uint8Array, nowSeconds: number): Uint8Array[] | null {
    let mutations: Uint8Array[] | null = null
    const column = this.#table.columns.get('mutations')!.id
    eachLiveRow(this.#engine, this.#table, id, nowSeconds, (row) => {
      mutations = row.copyComplex(column).map(({ value }) => value)
    })
    return mutations
  }

  /** Ids of all batches that may be there; some of them may have been removed. */
  async ids(clock: Clock, timers: Timers): Promise<Uint8Array[]> {
    const found: Uint8Array[] = []
    const reader = this.#engine.read(readCommandOf(this.#table, null))
    try {
      let sliceMs = clock.monotonicMs()
      while (reader.nextPartition()) {
        const { keyBytes, keyOffset, keyLength } = reader
        if (reader.nextRow()) found.push(keyBytes.slice(keyOffset, keyOffset + keyLength))
        if (clock.monotonicMs() - sliceMs <= SLICE_MS) continue
        reader.suspend()
        await nextTurn(timers)
        sliceMs = clock.monotonicMs()
      }
    } finally {
      reader.close()
    }
    return found
  }
}
