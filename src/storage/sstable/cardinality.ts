import { ByteSink } from './byte-sink.ts'
import { murmur2Hash } from './murmur2.ts'

/** How many distinct keys an SSTable has, roughly: precision of the registers, and of the sparse form. */
const P = 13
const SP = 25
const REGISTERS = 1 << P
/** Five bits a register, six registers a word. */
const REGISTERS_A_WORD = 6
const REGISTER_WORDS = Math.floor(REGISTERS / REGISTERS_A_WORD) + 1
const SPARSE_MAX = REGISTERS * 0.75
const TEMPORARY_MAX = SPARSE_MAX / 4
const FORMAT_NORMAL = 0
const FORMAT_SPARSE = 1
const VERSION = -2

const hash = new Int32Array(2)

/**
 * A HyperLogLog++ sketch (p = 13, sp = 25) of keys, in the bytes in which Cassandra keeps it in Statistics.db
 * (`CompactionMetadata`): as long as there are few keys a sorted list of encoded hashes, then registers.
 */
export class CardinalityEstimator {
  #sparse: Int32Array = new Int32Array(0)
  #temporary: Int32Array | null = new Int32Array(TEMPORARY_MAX + 1)
  #temporaryCount = 0
  /** Null as long as the list is kept. */
  #registers: Int32Array | null = null

  add(key: Uint8Array, offset: number, length: number): void {
    murmur2Hash(key, offset, length, hash)
    const hi = hash[0]!
    const lo = hash[1]!
    if (this.#registers !== null) {
      this.#update(hi >>> (32 - P), runLength(hi, lo))
      return
    }
    this.#temporary![this.#temporaryCount++] = encode(hi, lo)
    if (this.#temporaryCount <= TEMPORARY_MAX) return
    this.#merge()
    if (this.#sparse.length > SPARSE_MAX) this.#toRegisters()
  }

  #update(index: number, rank: number): void {
    const registers = this.#registers!
    const word = Math.floor(index / REGISTERS_A_WORD)
    const shift = 5 * (index % REGISTERS_A_WORD)
    const bits = registers[word]!
    if (((bits >>> shift) & 31) < rank) registers[word] = (bits & ~(31 << shift)) | (rank << shift)
  }

  /** Sorts what came since the last time into the list; of hashes of one index the least encoding stays. */
  #merge(): void {
    const added = this.#temporary!.slice(0, this.#temporaryCount).sort(
      (a, b) => sparseIndex(a) - sparseIndex(b) || a - b,
    )
    this.#temporaryCount = 0
    const old = this.#sparse
    const result: number[] = []
    let i = 0
    let j = 0
    const skipAdded = (index: number): void => {
      while (j < added.length && sparseIndex(added[j]!) === index) j++
    }
    while (i < old.length || j < added.length) {
      const a = old[i]!
      const b = added[j]!
      if (j >= added.length) {
        result.push(a)
        i++
      } else if (i >= old.length || (sparseIndex(a) !== sparseIndex(b) && b <= a)) {
        result.push(b)
        skipAdded(sparseIndex(b))
      } else if (sparseIndex(a) === sparseIndex(b)) {
        result.push(Math.min(a, b))
        skipAdded(sparseIndex(b))
        i++
      } else {
        result.push(a)
        i++
      }
    }
    this.#sparse = Int32Array.from(result)
  }

  #toRegisters(): void {
    this.#registers = new Int32Array(REGISTER_WORDS)
    for (const encoded of this.#sparse)
      this.#update(sparseIndex(encoded) >>> (SP - P), decodeRunLength(encoded))
    this.#sparse = new Int32Array(0)
    this.#temporary = null
  }

  /** The serialized sketch (`HyperLogLogPlus.getBytes`). */
  bytes(): Uint8Array {
    const out = new ByteSink()
    out.int32(VERSION)
    varint(out, P)
    varint(out, SP)
    if (this.#registers !== null) {
      varint(out, FORMAT_NORMAL)
      varint(out, REGISTER_WORDS * 4)
      for (const word of this.#registers) out.int32(word)
      return out.u8.slice(0, out.length)
    }
    this.#merge()
    varint(out, FORMAT_SPARSE)
    varint(out, this.#sparse.length)
    let before = 0
    for (const encoded of this.#sparse) {
      varint(out, encoded - before)
      before = encoded
    }
    return out.u8.slice(0, out.length)
  }
}

/** Above so many keys the registers say more than the empty ones among them (`HyperLogLogPlus.THRESHOLD_DATA`). */
const LINEAR_MAX = 6500
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

/**
 * How many keys a serialized sketch has seen, about (`ICardinality.cardinality`); -1 where it is none of ours. Equal to
 * Cassandra's number up to 6,500 keys and from 40,960 on; between these Cassandra corrects by a table what is up to 2
 * per cent too much here.
 */
export function cardinalityOf(sketch: Uint8Array): number {
  return mergedCardinality([sketch])
}

/** How many keys serialized sketches have seen together, about (`HyperLogLogPlus.merge`); -1 where one is none of ours. */
export function mergedCardinality(sketches: readonly Uint8Array[]): number {
  const registers = new Uint8Array(REGISTERS)
  const sparse: number[] = []
  let isSparse = true
  for (const sketch of sketches) {
    const format = readSketch(sketch, registers, sparse)
    if (format === null) return -1
    if (format !== FORMAT_SPARSE) isSparse = false
  }
  const indexes = new Set(sparse.map(sparseIndex))
  if (isSparse && (sketches.length === 1 || indexes.size <= SPARSE_MAX)) {
    return Math.round(linearCount(2 ** SP, 2 ** SP - indexes.size))
  }
  for (const encoded of sparse) {
    const index = sparseIndex(encoded) >>> (SP - P)
    registers[index] = Math.max(registers[index]!, decodeRunLength(encoded))
  }
  return registersCardinality(registers)
}

/** Adds a serialized sketch to registers, or to a list of encoded hashes. Its format; null where it is none of ours. */
function readSketch(sketch: Uint8Array, registers: Uint8Array, sparse: number[]): number | null {
  const view = new DataView(sketch.buffer, sketch.byteOffset, sketch.byteLength)
  let at = 4
  const next = (): number => {
    let value = 0
    for (let shift = 0; at < sketch.length && shift < 35; shift += 7) {
      const byte = sketch[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) break
    }
    return value
  }
  if (sketch.length < 8 || view.getInt32(0) !== VERSION || next() !== P || next() !== SP) return null
  if (next() === FORMAT_SPARSE) {
    let encoded = 0
    for (let left = next(); left > 0; left--) {
      if (at >= sketch.length) return null
      encoded = (encoded + next()) | 0
      sparse.push(encoded)
    }
    return FORMAT_SPARSE
  }
  if (next() !== REGISTER_WORDS * 4 || at + REGISTER_WORDS * 4 > sketch.length) return null
  for (let i = 0; i < REGISTERS; i++) {
    const word = view.getInt32(at + Math.floor(i / REGISTERS_A_WORD) * 4)
    const rank = (word >>> (5 * (i % REGISTERS_A_WORD))) & 31
    if (rank > registers[i]!) registers[i] = rank
  }
  return FORMAT_NORMAL
}

function registersCardinality(registers: Uint8Array): number {
  let sum = 0
  let zeros = 0
  for (const rank of registers) {
    sum += 2 ** -rank
    if (rank === 0) zeros++
  }
  const linear = zeros > 0 ? linearCount(REGISTERS, zeros) : Number.POSITIVE_INFINITY
  return Math.round(linear <= LINEAR_MAX ? linear : (ALPHA * REGISTERS * REGISTERS) / sum)
}

function linearCount(places: number, empty: number): number {
  return places * Math.log(places / empty)
}

/** One more than the zeros behind the first P bits. */
function runLength(hi: number, lo: number): number {
  const high = (hi << P) | (lo >>> (32 - P))
  const zeros = high !== 0 ? Math.clz32(high) : 32 + Math.clz32((lo << P) | (1 << (P - 1)))
  return zeros + 1
}

function encode(hi: number, lo: number): number {
  const index = hi >>> (32 - SP)
  if (index << (32 - SP + P) !== 0) return index << 1
  return (((index << 6) | (runLength(hi, lo) ^ 63)) << 1) | 1
}

function sparseIndex(encoded: number): number {
  return encoded & 1 ? encoded >>> 7 : encoded >>> 1
}

function decodeRunLength(encoded: number): number {
  return encoded & 1 ? ((encoded >>> 1) & 63) ^ 63 : Math.clz32(encoded << (P + 31 - SP)) + 1
}

/** Seven bits a byte, the lowest first. */
function varint(out: ByteSink, value: number): void {
  while ((value & ~127) !== 0) {
    out.byte((value & 127) | 128)
    value >>>= 7
  }
  out.byte(value)
}
