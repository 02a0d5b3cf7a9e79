const NOTHING = Buffer.alloc(0)

/**
 * The bytes a connection has received and not yet used. Whole units are read where they arrived, in the chunk; only
 * a unit that is cut by the end of a chunk is copied together. What is kept of a cut unit grows with the bytes that
 * have come, never with the length that a header claims, and does not hold on to the chunk.
 */
export class ByteQueue {
  buffer: Buffer = NOTHING
  position = 0
  /** End of the bytes in `buffer`. */
  end = 0
  /** Bytes held in all. */
  size = 0
  /** Whether `buffer` is ours, with room behind `end`. */
  private isOwn = false
  private readonly chunks: Buffer[] = []
  /** Bytes of `chunks[0]` that are used already. */
  private chunkOffset = 0

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.size += chunk.length
    if (this.position === this.end && this.chunks.length === 0) this.view(chunk, 0)
    else this.chunks.push(chunk)
  }

  /** Makes `count` bytes available at `position`, or says that so many have not come yet. */
  require(count: number): boolean {
    while (this.end - this.position < count) {
      const next = this.chunks[0]
      if (this.position === this.end && next !== undefined) {
        const offset = this.chunkOffset
        this.chunks.shift()
        this.chunkOffset = 0
        this.view(next, offset)
        continue
      }
      if (next === undefined) {
        if (!this.isOwn && this.position < this.end) this.own(this.end - this.position + 16)
        return false
      }
      this.take(next, count)
    }
    return true
  }

  /** Steps over bytes that `require` has made available. */
  skip(count: number): void {
    this.position += count
    this.size -= count
  }

  /** Drops up to `count` bytes and returns how many there were. */
  discard(count: number): number {
    let left = count
    while (left > 0 && this.require(1)) {
      const here = Math.min(left, this.end - this.position)
      this.skip(here)
      left -= here
    }
    return count - left
  }

  clear(): void {
    this.discard(this.size)
  }

  /** Lets go of a chunk that has been used up. */
  release(): void {
    if (this.size === 0) this.view(NOTHING, 0)
  }

  private view(chunk: Buffer, offset: number): void {
    this.buffer = chunk
    this.position = offset
    this.end = chunk.length
    this.isOwn = false
  }

  /** Moves what is left to a buffer of ours of at least `capacity` bytes. */
  private own(capacity: number): void {
    const bigger = Buffer.allocUnsafe(capacity)
    this.buffer.copy(bigger, 0, this.position, this.end)
    this.end -= this.position
    this.position = 0
    this.buffer = bigger
    this.isOwn = true
  }

  /** Copies of the next chunk what completes `count` bytes. */
  private take(next: Buffer, count: number): void {
    const have = this.end - this.position
    const taken = Math.min(count - have, next.length - this.chunkOffset)
    if (!this.isOwn || this.end + taken > this.buffer.length) {
      this.own(Math.min(count, Math.max(have + taken, have * 2)))
    }
    next.copy(this.buffer, this.end, this.chunkOffset, this.chunkOffset + taken)
    this.end += taken
    this.chunkOffset += taken
    if (this.chunkOffset === next.length) {
      this.chunks.shift()
      this.chunkOffset = 0
    }
  }
}
