import { type Disk, isDiskError } from '../../io/disk.ts'
import type { Random } from '../../io/random.ts'
import { HINTS_VERSION, type HintsFileName, hintsFileName, recordBytes } from './hints-format.ts'
import { HintsWriter } from './hints-writer.ts'

/** A file that is not written to any more. */
export interface HintsFile {
  readonly name: HintsFileName
  readonly sizeBytes: number
  /** Up to here its hints were delivered. */
  position: number
}

/** What `listPendingHints` tells of a node (`PendingHintsInfo`). */
export interface PendingHints {
  readonly hostId: string
  readonly files: number
  /** When the newest and the oldest file were begun: milliseconds since 1970. */
  readonly newestMs: number
  readonly oldestMs: number
}

/** The hints for one node: those in memory, the file that is written, and files that wait for delivery (`HintsStore`). */
export class HintsStore {
  readonly hostId: string
  readonly #disk: Disk
  readonly #directory: string
  /** The oldest first. */
  readonly #files: HintsFile[] = []
  /** Those that the disk could not read. They are tried again after a restart. */
  readonly #unreadable: HintsFile[] = []
  readonly #random: Random
  #hints: Uint8Array[] = []
  /** Bytes of hints in memory. */
  bufferedBytes = 0
  #writer: HintsWriter | null = null
  #lastTimestampMs = 0
  /** Fsyncs of files that are closed meanwhile. */
  readonly #closing = new Set<Promise<void>>()
  #lost: unknown = null

  constructor(hostId: string, disk: Disk, random: Random, directory: string) {
    this.hostId = hostId
    this.#disk = disk
    this.#random = random
    this.#directory = directory
  }

  /** A file of a former session. */
  addFile(name: HintsFileName, sizeBytes: number): void {
    this.#files.push({ name, sizeBytes, position: 0 })
    this.#files.sort((a, b) => a.name.timestampMs - b.name.timestampMs)
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs, name.timestampMs)
  }

  // --- writing

  get isWriting(): boolean {
    return this.#writer !== null || this.#hints.length > 0
  }

  /** Hints in memory. */
  get bufferedCount(): number {
    return this.#hints.length
  }

  /** Takes a hint into memory. */
  buffer(hint: Uint8Array): void {
    this.#hints.push(hint)
    this.bufferedBytes += recordBytes(hint.length)
  }

  /** Gives what is in memory to the operating system. Throws what the disk throws; what was not written stays in memory. */
  flush(nowMs: number, maxFileBytes: number): void {
    while (this.#hints.length > 0) {
      const writer = (this.#writer ??= this.#open(nowMs))
      let count = 0
      let bytes = 0
      while (count < this.#hints.length && writer.sizeBytes + bytes < maxFileBytes) {
        bytes += recordBytes(this.#hints[count++]!.length)
      }
      try {
        writer.append(this.#hints.slice(0, count))
      } catch (error) {
        // What stands behind the end of the file now is no record, or one that is written again: the file is left as it is.
        this.closeWriter()
        throw error
      }
      this.#hints.splice(0, count)
      this.bufferedBytes -= bytes
      if (writer.sizeBytes >= maxFileBytes) this.closeWriter()
    }
  }

  #open(nowMs: number): HintsWriter {
    this.#lastTimestampMs = Math.max(nowMs, this.#lastTimestampMs + 1)
    const name = { hostId: this.hostId, timestampMs: this.#lastTimestampMs, version: HINTS_VERSION }
    const nonce = new Uint8Array(8)
    this.#random.bytes(nonce)
    return new HintsWriter(this.#disk, this.#directory, name, nonce)
  }

  /** What is written from now on goes to another file; this one may be delivered. */
  closeWriter(): void {
    const writer = this.#writer
    if (writer === null) return
    this.#writer = null
    this.#files.push({ name: writer.name, sizeBytes: writer.sizeBytes, position: 0 })
    const closing = writer.close()
    this.#closing.add(closing)
    closing
      .catch((error: unknown) => {
        this.#lost = error
      })
      .finally(() => this.#closing.delete(closing))
  }

  /** Resolves when all that was flushed is on stable storage; rejects where that is not known. */
  async sync(): Promise<void> {
    await Promise.all([...this.#closing, this.#writer?.sync()])
    if (this.#lost !== null) {
      const lost = this.#lost
      this.#lost = null
      throw lost
    }
  }

  /** Forgets what is in memory and could not be written; returns of how many hints. */
  dropBuffered(): number {
    const count = this.#hints.length
    this.#hints = []
    this.bufferedBytes = 0
    return count
  }

  // --- delivery

  get hasFiles(): boolean {
    return this.#files.length > 0
  }

  /** The oldest file that waits, taken out. */
  poll(): HintsFile | undefined {
    return this.#files.shift()
  }

  /** Puts back a file that was not delivered to its end. */
  putBack(file: HintsFile): void {
    this.#files.unshift(file)
  }

  markUnreadable(file: HintsFile): void {
    this.#unreadable.push(file)
  }

  pathOf({ name }: HintsFile): string {
    return `${this.#directory}/${hintsFileName(name)}`
  }

  /** Removes a file; one that is not there is gone. Throws what the disk throws. */
  remove(file: HintsFile): void {
    try {
      this.#disk.unlinkSync(this.pathOf(file))
    } catch (error) {
      if (!isDiskError(error) || error.code !== 'ENOENT') throw error
    }
  }

  /** Removes what there is for the node, but the file that is being delivered. Returns how many files there were. */
  removeAll(): number {
    this.dropBuffered()
    this.closeWriter()
    const files = [...this.#files.splice(0), ...this.#unreadable.splice(0)]
    for (const file of files) this.remove(file)
    return files.length
  }

  /** Removes files that were last written to so long ago. Returns how many. */
  removeOlder(modifiedBeforeMs: number): number {
    let count = 0
    for (const files of [this.#files, this.#unreadable]) {
      for (const file of files.slice()) {
        const modifiedMs = this.#disk.modifiedMsSync(this.pathOf(file))
        if (modifiedMs === 0 || modifiedMs > modifiedBeforeMs) continue
        this.remove(file)
        files.splice(files.indexOf(file), 1)
        count++
      }
    }
    return count
  }

  // --- figures

  /** Bytes of all files, and of what is in memory. */
  get sizeBytes(): number {
    let bytes = this.bufferedBytes + (this.#writer?.sizeBytes ?? 0)
    for (const file of this.#files) bytes += file.sizeBytes
    for (const file of this.#unreadable) bytes += file.sizeBytes
    return bytes
  }

  /** When the oldest file was begun; infinite where there is none (`findOldestHintTimestamp`). */
  get oldestMs(): number {
    const oldest = this.#files[0]?.name ?? this.#writer?.name
    return oldest?.timestampMs ?? Number.POSITIVE_INFINITY
  }

  /** Null where no file waits. */
  get pending(): PendingHints | null {
    const files = this.#files
    if (files.length === 0) return null
    const { hostId } = this
    const times = files.map(({ name }) => name.timestampMs)
    return { hostId, files: files.length, newestMs: Math.max(...times), oldestMs: Math.min(...times) }
  }
}
