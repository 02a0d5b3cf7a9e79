/**
 * A file of an SSTable is not what it has to be (`CorruptSSTableException`): names the file and the byte at which that
 * was seen. What such a file holds is never given to anybody.
 */
export class CorruptSSTableError extends Error {
  readonly path: string
  /** Bytes from the beginning of the file, as it lies on disk; -1 where it is the file as a whole. */
  readonly offset: number

  constructor(path: string, offset: number, reason: string) {
    super(`Corrupt SSTable file ${path}${offset < 0 ? '' : ` at offset ${offset}`}: ${reason}`)
    this.name = 'CorruptSSTableError'
    this.path = path
    this.offset = offset
  }
}
