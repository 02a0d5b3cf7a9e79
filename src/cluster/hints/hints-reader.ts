import { type Disk, type DiskFile, readFully } from '../../io/disk.ts'
import {
  HINTS_HEADER_BYTES,
  type HintsFileName,
  headerCrc,
  isHintsHeader,
  parseHints,
} from './hints-format.ts'

/** So much of a file is read, and sent, at once (`HintsReader.PAGE_SIZE`). */
export const PAGE_BYTES = 512 * 1024

/** Hints that stand one behind the other. */
export interface HintsPage {
  /** Bytes of their own. */
  readonly hints: readonly Uint8Array[]
  /** Where the next page begins. */
  readonly end: number
  readonly isLast: boolean
  /** Bytes that could not be read as hints and were passed over. */
  readonly skipped: number
}

/** Reads a file that is not written to any more (`HintsReader`). To be closed. */
export class HintsReader {
  readonly #file: DiskFile
  readonly #size: number
  readonly #fileCrc: number
  /** Whether the file is what its name says. */
  readonly isReadable: boolean

  /** Throws what the disk throws. */
  constructor(disk: Disk, path: string, name: HintsFileName) {
    this.#file = disk.openSync(path, 'read')
    try {
      this.#size = this.#file.sizeSync()
      const header = new Uint8Array(HINTS_HEADER_BYTES)
      let done = 0
      while (done < header.length) {
        const read = this.#file.readSync(header, done, header.length - done, done)
        if (read <= 0) break
        done += read
      }
      this.#fileCrc = headerCrc(header)
      this.isReadable = done === header.length && isHintsHeader(header, name)
    } catch (error) {
      this.#file.closeSync()
      throw error
    }
  }

  /** The page at a place that is the end of another page, or 0. Rejects with what the disk says. */
  async page(position: number): Promise<HintsPage> {
    let at = Math.max(position, HINTS_HEADER_BYTES)
    let skipped = 0
    for (let bytes = PAGE_BYTES; ; ) {
      const wanted = Math.max(0, Math.min(bytes, this.#size - at))
      const piece = new Uint8Array(wanted)
      const read = await readFully(this.#file, piece, 0, wanted, at)
      const isLast = at + read >= this.#size || read < wanted
      const parsed = parseHints(piece.subarray(0, read), isLast, this.#fileCrc, at)
      skipped += parsed.skipped
      at += parsed.end
      if (parsed.hints.length > 0 || isLast) return { hints: parsed.hints, end: at, isLast, skipped }
      bytes = Math.max(PAGE_BYTES, parsed.needed)
    }
  }

  close(): void {
    this.#file.closeSync()
  }
}
