/**
 * Memory for one memtable: blocks of any size cut from slabs, named by 32-bit pointers instead of objects, so that
 * millions of rows cost the garbage collector nothing. A table that is truncated or dropped lets go of all its slabs
 * at once.
 *
 * A pointer is `slab index << 17 | offset / 8`: each slab stands for a stride of 1 MiB whatever its true size. Small
 * tables begin with small slabs; a block larger than a stride has a slab to itself. Pointer 0 is none.
 */
const STRIDE_SHIFT = 17
const STRIDE_BYTES = 1 << 20
const FIRST_SLAB_BYTES = 4096
/** A longer block has a slab to itself, which goes with it. */
const OWN_SLAB_BYTES = STRIDE_BYTES / 4
const EXACT_CLASS_BYTES = 512
const EXACT_CLASSES = EXACT_CLASS_BYTES / 8 + 1
const CLASSES = EXACT_CLASSES + 8 * 24

const NO_WORDS = new Int32Array(0)
const NO_BYTES = new Uint8Array(0)

/** Size class of a block of `bytes`; exact up to 512 bytes, then eight classes to each power of two. */
function sizeClass(bytes: number): number {
  if (bytes <= EXACT_CLASS_BYTES) return (bytes + 7) >>> 3
  const power = 31 - Math.clz32(bytes - 1)
  const step = 1 << (power - 3)
  return EXACT_CLASSES + (power - 9) * 8 + (((bytes - 1 - (1 << power)) / step) | 0)
}

/** Bytes that a block of a size class takes. */
function classBytes(index: number): number {
  if (index < EXACT_CLASSES) return index << 3
  const power = 9 + ((index - EXACT_CLASSES) >>> 3)
  const step = 1 << (power - 3)
  return (1 << power) + (((index - EXACT_CLASSES) & 7) + 1) * step
}

/** Views of slabs, by slab index: all that reading blocks needs. */
export interface Slabs {
  readonly words: readonly Int32Array[]
  readonly bytes: readonly Uint8Array[]
}

/** The memory of one slab. */
interface Slab {
  readonly words: Int32Array
  readonly bytes: Uint8Array
}

/**
 * Slabs of memtables that are gone, for those to come. The system gets memory back only when the collector of each thread
 * that has seen it finds the time, while new memtables already take more.
 */
export class SlabPool {
  readonly #slabs: Slab[] = []
  readonly #capacity: number

  /** Keeps up to so many bytes. */
  constructor(capacityBytes: number) {
    this.#capacity = Math.floor(capacityBytes / STRIDE_BYTES)
  }

  get bytes(): number {
    return this.#slabs.length * STRIDE_BYTES
  }

  take(bytes: number): Slab | undefined {
    return bytes === STRIDE_BYTES ? this.#slabs.pop() : undefined
  }

  put(slab: Slab): void {
    if (slab.bytes.length === STRIDE_BYTES && this.#slabs.length < this.#capacity) this.#slabs.push(slab)
  }

  clear(): void {
    this.#slabs.length = 0
  }
}

/** Allocates blocks out of slabs on SharedArrayBuffers. Contents of a block are not zeroed. */
export class SlabAllocator implements Slabs {
  /** Views of each slab, by slab index. */
  readonly words: Int32Array[] = []
  readonly bytes: Uint8Array[] = []
  /** Bytes in slabs, and of them in blocks that are in use. */
  reservedBytes = 0
  usedBytes = 0
  readonly #free = new Int32Array(CLASSES)
  /** Indices of slabs that are gone. */
  readonly #emptySlabs: number[] = []
  #slab = -1
  #offset = 0
  #limit = 0
  #nextSlabBytes = FIRST_SLAB_BYTES
  readonly #onReserve: (bytes: number) => void
  readonly #pool: SlabPool | null

  /** `onReserve` hears of each change in reserved bytes, so that a limit over all tables can be kept. */
  constructor(onReserve: (bytes: number) => void = () => {}, pool: SlabPool | null = null) {
    this.#onReserve = onReserve
    this.#pool = pool
  }

  /** Word index of a block within its slab. */
  static wordOf(pointer: number): number {
    return (pointer & 0x1ffff) << 1
  }

  /** Index of the slab of a block. */
  static slabOf(pointer: number): number {
    return pointer >>> STRIDE_SHIFT
  }

  /** Pointer to a new block of at least `bytes` bytes, aligned to 8. */
  allocate(bytes: number): number {
    const index = sizeClass(bytes)
    const size = classBytes(index)
    this.usedBytes += size
    const head = this.#free[index]!
    if (head !== 0) {
      this.#free[index] = this.words[head >>> STRIDE_SHIFT]![(head & 0x1ffff) << 1]!
      return head
    }
    if (this.#offset + size > this.#limit) {
      if (size > OWN_SLAB_BYTES && this.#slab >= 0) return this.#addSlab(size) << STRIDE_SHIFT
      this.#retireTail()
      this.#nextSlabBytes = Math.max(this.#nextSlabBytes, Math.min(OWN_SLAB_BYTES, size + 8))
      this.#slab = this.#addSlab(this.#nextSlabBytes)
      this.#limit = this.#nextSlabBytes
      // The first block of the first slab would have pointer 0, which stands for none.
      this.#offset = this.#slab === 0 ? 8 : 0
      this.#nextSlabBytes = Math.min(STRIDE_BYTES, this.#nextSlabBytes * 2)
      if (this.#offset + size > this.#limit) return this.#reallocate(size)
    }
    const pointer = (this.#slab << STRIDE_SHIFT) | (this.#offset >>> 3)
    this.#offset += size
    return pointer
  }

  /** Gives a block back; `bytes` as it was allocated with. */
  free(pointer: number, bytes: number): void {
    const index = sizeClass(bytes)
    const size = classBytes(index)
    this.usedBytes -= size
    const slab = pointer >>> STRIDE_SHIFT
    if (size > OWN_SLAB_BYTES && this.bytes[slab]!.length === size && slab !== this.#slab) {
      this.#dropSlab(slab)
      return
    }
    this.words[pointer >>> STRIDE_SHIFT]![(pointer & 0x1ffff) << 1] = this.#free[index]!
    this.#free[index] = pointer
  }

  /** Whether a block allocated with `oldBytes` can hold `newBytes` and would not be another size. */
  static sameClass(oldBytes: number, newBytes: number): boolean {
    return sizeClass(oldBytes) === sizeClass(newBytes)
  }

  /** Lets go of everything. Pointers given before are void; with a pool nobody may read any more. */
  clear(): void {
    this.#onReserve(-this.reservedBytes)
    for (const [i, words] of this.words.entries()) this.#pool?.put({ words, bytes: this.bytes[i]! })
    this.words.length = 0
    this.bytes.length = 0
    this.reservedBytes = 0
    this.usedBytes = 0
    this.#free.fill(0)
    this.#emptySlabs.length = 0
    this.#slab = -1
    this.#offset = 0
    this.#limit = 0
    this.#nextSlabBytes = FIRST_SLAB_BYTES
  }

  #reallocate(size: number): number {
    this.usedBytes -= size
    return this.allocate(size)
  }

  #addSlab(bytes: number): number {
    const slab = this.#emptySlabs.pop() ?? this.words.length
    const pooled = this.#pool?.take(bytes)
    const memory = pooled === undefined ? new SharedArrayBuffer(bytes) : pooled.bytes.buffer
    this.words[slab] = pooled?.words ?? new Int32Array(memory)
    this.bytes[slab] = pooled?.bytes ?? new Uint8Array(memory)
    this.reservedBytes += bytes
    this.#onReserve(bytes)
    return slab
  }

  #dropSlab(slab: number): void {
    const bytes = this.bytes[slab]!.length
    this.words[slab] = NO_WORDS
    this.bytes[slab] = NO_BYTES
    this.#emptySlabs.push(slab)
    this.reservedBytes -= bytes
    this.#onReserve(-bytes)
  }

  /** What is left of the current slab becomes free blocks. */
  #retireTail(): void {
    let left = this.#limit - this.#offset
    while (left >= 8 && this.#slab >= 0) {
      const size = Math.min(left, EXACT_CLASS_BYTES) & ~7
      const pointer = (this.#slab << STRIDE_SHIFT) | (this.#offset >>> 3)
      const index = size >>> 3
      this.words[this.#slab]![(pointer & 0x1ffff) << 1] = this.#free[index]!
      this.#free[index] = pointer
      this.#offset += size
      left -= size
    }
  }
}
