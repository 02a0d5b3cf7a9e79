import { type Disk, type DiskFile, writeFullySync } from '../../io/disk.ts'
import {
  encodeHintsHeader,
  encodeRecord,
  HINTS_HEADER_BYTES,
  type HintsFileName,
  headerCrc,
  hintsFileName,
  recordBytes,
} from './hints-format.ts'

/** Appends hints to a new file (`HintsWriter`). */
export class HintsWriter {
  readonly name: HintsFileName
  readonly #disk: Disk
  readonly #directory: string
  readonly #file: DiskFile
  readonly #fileCrc: number
  /** Behind the last record that is whole. */
  #size = HINTS_HEADER_BYTES
  /** What is under way of fsyncs; each covers what was written before it began. */
  #syncing: Promise<void> | null = null
  #syncedSize = 0
  #isNamed = false
  #failure: unknown = null

  /** Throws what the disk throws. */
  constructor(disk: Disk, directory: string, name: HintsFileName, nonce: Uint8Array) {
    this.#disk = disk
    this.#directory = directory
    this.name = name
    this.#file = disk.openSync(`${directory}/${hintsFileName(name)}`, 'create')
    try {
      const header = encodeHintsHeader(name, nonce)
      this.#fileCrc = headerCrc(header)
      writeFullySync(this.#file, header, 0, HINTS_HEADER_BYTES, 0)
    } catch (error) {
      this.#file.closeSync()
      disk.unlinkSync(this.#file.path)
      throw error
    }
  }

  get sizeBytes(): number {
    return this.#size
  }

  /** Appends hints. Throws what the disk throws; the file is as it was before then, or has something behind its end. */
  append(hints: readonly Uint8Array[]): void {
    let length = 0
    for (const hint of hints) length += recordBytes(hint.length)
    const records = new Uint8Array(length)
    let at = 0
    for (const hint of hints) {
      encodeRecord(hint, records, at, this.#fileCrc, this.#size + at)
      at += recordBytes(hint.length)
    }
    writeFullySync(this.#file, records, 0, length, this.#size)
    this.#size += length
  }

  /** Resolves when what was appended so far is on stable storage. Rejects for ever once an fsync has failed. */
  async sync(): Promise<void> {
    while (this.#syncedSize < this.#size) {
      if (this.#failure !== null) throw this.#failure
      this.#syncing ??= this.#fsync()
      await this.#syncing
    }
  }

  async #fsync(): Promise<void> {
    const size = this.#size
    try {
      await this.#file.fsync()
      if (!this.#isNamed) await this.#disk.fsyncDirectory(this.#directory)
      this.#isNamed = true
      this.#syncedSize = size
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#syncing = null
    }
  }

  /** Closes the file, after an fsync. Rejects where that fails; the file is closed then too. */
  async close(): Promise<void> {
    try {
      await this.sync()
    } finally {
      this.#file.closeSync()
    }
  }
}
