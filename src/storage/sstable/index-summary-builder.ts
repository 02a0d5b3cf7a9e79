import { ByteSink } from './byte-sink.ts'

/** Full sampling: nothing is left out (`Downsampling.BASE_SAMPLING_LEVEL`). */
const BASE_SAMPLING_LEVEL = 128

/** Gathers Summary.db while Index.db is written; see index-summary.ts for the layout (`IndexSummaryBuilder`). */
export class IndexSummaryBuilder {
  readonly #minIndexInterval: number
  readonly #offsets: number[] = []
  readonly #entries = new ByteSink()
  #firstKey: Uint8Array | null = null
  readonly #lastKey = new ByteSink(64)

  constructor(minIndexInterval: number) {
    this.#minIndexInterval = minIndexInterval
  }

  /** The key number `count`, from 0, whose entry begins at a position of Index.db. */
  add(count: number, key: Uint8Array, offset: number, length: number, position: number): void {
    this.#firstKey ??= key.slice(offset, offset + length)
    this.#lastKey.reset()
    this.#lastKey.bytes(key, offset, length)
    if (count % this.#minIndexInterval !== 0) return
    const entries = this.#entries
    this.#offsets.push(entries.length)
    entries.bytes(key, offset, length)
    littleEndian(entries, position | 0)
    littleEndian(entries, Math.floor(position / 0x1_0000_0000))
  }

  /** The file for so many keys. */
  file(keys: number): Uint8Array {
    const offsets = this.#offsets
    const entries = this.#entries
    const out = new ByteSink(entries.length + 1024)
    out.int32(this.#minIndexInterval)
    out.int32(offsets.length)
    out.bigInt64(BigInt(offsets.length * 4 + entries.length))
    out.int32(BASE_SAMPLING_LEVEL)
    out.int32(Math.ceil(keys / this.#minIndexInterval))
    for (const offset of offsets) littleEndian(out, offsets.length * 4 + offset)
    out.bytes(entries.u8, 0, entries.length)
    const first = this.#firstKey ?? new Uint8Array(0)
    out.int32(first.length)
    out.bytes(first, 0, first.length)
    out.int32(this.#lastKey.length)
    out.bytes(this.#lastKey.u8, 0, this.#lastKey.length)
    return out.u8.slice(0, out.length)
  }
}

function littleEndian(out: ByteSink, value: number): void {
  out.byte(value)
  out.byte(value >>> 8)
  out.byte(value >>> 16)
  out.byte(value >>> 24)
}
