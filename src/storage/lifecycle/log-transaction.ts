import { utf8Bytes } from '../../common/bytes.ts'
import { type Disk, type DiskFile, writeFullySync } from '../../io/disk.ts'
import { type Descriptor, descriptorName } from '../sstable/descriptor.ts'
import { type RemovalStep, remove, removeNow, sstableRemoval } from './delete-files.ts'
import { leftoverRemoval, logFileName, readLogFile } from './log-file.ts'
import { filesOf, filesOnDisk, type LogRecord, recordName, recordText, sameRecord } from './log-record.ts'
import type { OperationType } from './operation-type.ts'

/** Files of an SSTable with compression and a Bloom filter. */
const USUAL_FILES = 8

const COMMIT: LogRecord = { type: 'COMMIT', path: '', updateTimeMs: 0, numFiles: 0 }
const ABORT: LogRecord = { type: 'ABORT', path: '', updateTimeMs: 0, numFiles: 0 }

/**
 * `unknown`: COMMIT could neither be written nor taken back. Only the next start can tell, so the table must not be written
 * to any more (disk_failure_policy).
 */
export type TransactionState = 'open' | 'committed' | 'aborted' | 'unknown'

/**
 * Puts new SSTables in the place of old ones, all at once, also across a crash (`LogTransaction`): a file in the table's
 * directory names the new ones before they are written and the old ones before they are removed, and its last record says
 * what counts. Cassandra reads the same files. Nothing is kept in memory that is not in the file too, so that another thread
 * may add to a transaction while the one that began it waits. What waits for the disk, or removes large files, comes twice:
 * for a thread that may wait, and for the event loop, which does one thing after another with a transaction.
 */
export class LogTransaction {
  readonly path: string
  readonly directory: string
  readonly #disk: Disk
  #state: TransactionState = 'open'
  #records: LogRecord[] = []
  /** Bytes of the file when it was last read or written; -1 before it is there. */
  #size = -1
  /** The file has bytes behind its last record that could not be taken away. */
  #isTorn = false
  /** The name of the file is durable. */
  #isNameSynced = false
  /** The directory as records name it. */
  #realDirectory = ''
  /** Old SSTables that somebody still reads, by their names in records. */
  readonly #held = new Set<string>()
  readonly #released = new Set<string>()
  #isFinished = false
  #failure: unknown = null
  #removing: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.path = path
    this.directory = path.slice(0, path.lastIndexOf('/'))
  }

  /** A new transaction of a table's directory. Its file comes with the first record. `id` is the text of a new time UUID. */
  static begin(disk: Disk, directory: string, type: OperationType, id: string): LogTransaction {
    return new LogTransaction(disk, `${directory}/${logFileName(type, id)}`)
  }

  /** The transaction of that path, which another thread has begun. */
  static open(disk: Disk, path: string): LogTransaction {
    return new LogTransaction(disk, path)
  }

  get state(): TransactionState {
    return this.#state
  }

  /** Nothing is left to do: whatever was to be removed is gone, and so is the log. */
  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Why files of a transaction that is over could not be removed; null where they could. `retry`, or a start, tries again. */
  get failure(): unknown {
    return this.#failure
  }

  /**
   * Names an SSTable that is going to be written: durably, before its first file is created. `numFiles` is how many files it
   * will have, which nobody relies upon. Throws a DiskError.
   */
  trackNew(descriptor: Descriptor, numFiles: number = USUAL_FILES): void {
    this.#append(() => ({ type: 'ADD', path: this.#pathOf(descriptor), updateTimeMs: 0, numFiles }))
  }

  /** Names SSTables that go when the transaction is committed, with what their files are like. Throws a DiskError. */
  trackObsolete(...descriptors: readonly Descriptor[]): void {
    for (const record of this.#removals(descriptors)) this.#append(() => record)
  }

  #removals(descriptors: readonly Descriptor[]): LogRecord[] {
    const names = this.#disk.readdirSync(this.directory)
    return descriptors.map((descriptor) => {
      const files = filesOf(names, prefixOf(descriptor))
      const found = filesOnDisk(this.#disk, this.directory, files)
      return { type: 'REMOVE', path: this.#pathOf(descriptor), ...found }
    })
  }

  /** `trackObsolete` and `commit` for the event loop. Rejects as they throw. */
  async commitReplacing(obsolete: readonly Descriptor[]): Promise<void> {
    this.#refresh()
    const removals = obsolete.length === 0 ? [] : this.#removals(obsolete)
    if (removals.length > 0 || this.#records.length > 0) {
      await this.#disk.fsyncDirectory(this.directory)
      // One by one: of several that are written at once any may be missing after a loss of power, and the log be refused.
      for (const removal of removals) await this.#appendLater(removal)
      try {
        await this.#appendLater(COMMIT)
      } catch (error) {
        if (this.#isTorn) this.#state = 'unknown'
        throw error
      }
    }
    this.#committed()
    await this.removeLater()
  }

  #committed(): void {
    this.#state = 'committed'
    for (const record of this.#records) if (record.type === 'REMOVE') this.#held.add(recordName(record))
  }

  /**
   * The point of no return. All files of new SSTables have been written and synced; their names are made durable here. Throws
   * a DiskError, after which the transaction is open and to be aborted, or its state is `unknown`. Old SSTables are removed
   * as they are released.
   */
  commit(): void {
    this.#refresh()
    if (this.#records.length > 0) {
      this.#disk.fsyncDirectorySync(this.directory)
      try {
        this.#append(() => COMMIT)
      } catch (error) {
        if (this.#isTorn) this.#state = 'unknown'
        throw error
      }
    }
    this.#committed()
    this.retry()
  }

  /**
   * Removes new SSTables, whose files are closed; the old ones stay. Does not throw for the disk: see `failure`. Nothing is
   * done where the state is `unknown`, or the transaction was aborted before.
   */
  abort(): void {
    if (!this.#mayAbort()) return
    try {
      this.#refresh()
      // A log without COMMIT means the same to whoever finds it.
      if (this.#records.length > 0 && !this.#isTorn) this.#append(() => ABORT)
    } catch (error) {
      this.#failure = error
    }
    this.#state = 'aborted'
    this.retry()
  }

  #mayAbort(): boolean {
    if (this.#state === 'committed') throw new Error('Attempted to abort a committed operation')
    return this.#state === 'open'
  }

  /** `abort` for the event loop; resolves when the files are gone, or could not be removed. */
  async abortLater(): Promise<void> {
    if (!this.#mayAbort()) return
    try {
      this.#refresh()
      if (this.#records.length > 0 && !this.#isTorn) await this.#appendLater(ABORT)
    } catch (error) {
      this.#failure = error
    }
    this.#state = 'aborted'
    await this.removeLater()
  }

  /**
   * Nobody reads an old SSTable any more, and its files are closed: it is removed, if the transaction has been committed, or
   * else as soon as it is. Does not throw for the disk: see `failure`.
   */
  release(descriptor: Descriptor): void {
    this.#released.add(prefixOf(descriptor))
    if (this.#state === 'committed') this.retry()
  }

  /** `release` for the event loop; resolves when the files are gone, or could not be removed. */
  async releaseLater(descriptor: Descriptor): Promise<void> {
    this.#released.add(prefixOf(descriptor))
    if (this.#state === 'committed') await this.removeLater()
  }

  /** Tries again to remove what is to be removed. */
  retry(): void {
    try {
      removeNow(this.#disk, this.#removal())
    } catch (error) {
      this.#failure = error
    }
  }

  /** `retry` for the event loop. Never rejects. */
  removeLater(): Promise<void> {
    this.#removing = this.#removing.then(async () => {
      try {
        await remove(this.#disk, this.#removal())
      } catch (error) {
        this.#failure = error
      }
    })
    return this.#removing
  }

  *#removal(): Generator<RemovalStep, void> {
    if (this.#isFinished || (this.#state !== 'committed' && this.#state !== 'aborted')) return
    for (const name of [...this.#held].filter((held) => this.#released.has(held))) {
      yield* sstableRemoval(this.#disk, this.directory, name)
      this.#held.delete(name)
    }
    if (this.#held.size > 0) return
    const { path } = this
    if (this.#disk.existsSync(path)) {
      const log = readLogFile(this.#disk, path)
      yield* leftoverRemoval(this.#disk, this.directory, { ...log, isCommitted: this.#state === 'committed' })
    }
    this.#isFinished = true
    this.#failure = null
  }

  #pathOf(descriptor: Descriptor): string {
    if (this.#realDirectory === '') this.#realDirectory = this.#disk.realPathSync(this.directory)
    return `${this.#realDirectory}/${prefixOf(descriptor)}`
  }

  /** Reads what another thread has added. */
  #refresh(): void {
    const disk = this.#disk
    if (!disk.existsSync(this.path)) return
    if (disk.fileSizeSync(this.path) === this.#size) return
    const { lines } = readLogFile(disk, this.path)
    if (lines.some(({ error }) => error !== null)) this.#isTorn = true
    this.#records = lines.flatMap(({ record, error }) => (record === null || error !== null ? [] : [record]))
    this.#size = disk.fileSizeSync(this.path)
  }

  /** Adds a record, durably (`LogReplica.append`). What of it cannot be written is taken away again. */
  #append(make: () => LogRecord): void {
    this.#checkOpen()
    const record = make()
    const { file, before, bytes } = this.#openToAppend(record)
    try {
      writeFullySync(file, bytes, 0, bytes.length, before)
      file.fsyncSync()
      if (!this.#isNameSynced) this.#disk.fsyncDirectorySync(this.directory)
      this.#isNameSynced = true
    } catch (error) {
      this.#takeBack(file, before)
      throw error
    } finally {
      file.closeSync()
    }
    this.#size = before + bytes.length
    this.#records.push(record)
  }

  /** The same for the event loop. */
  async #appendLater(record: LogRecord): Promise<void> {
    this.#checkOpen()
    const { file, before, bytes } = this.#openToAppend(record)
    try {
      writeFullySync(file, bytes, 0, bytes.length, before)
      await file.fsync()
      if (!this.#isNameSynced) await this.#disk.fsyncDirectory(this.directory)
      this.#isNameSynced = true
    } catch (error) {
      this.#takeBack(file, before)
      throw error
    } finally {
      file.closeSync()
    }
    this.#size = before + bytes.length
    this.#records.push(record)
  }

  #checkOpen(): void {
    if (this.#state !== 'open') throw new Error(`Transaction ${this.path} is ${this.#state}`)
    this.#refresh()
    if (this.#isTorn) throw new Error(`Transaction log ${this.path} ends in a record that is not whole`)
    const last = this.#records.at(-1)?.type
    if (last === 'COMMIT' || last === 'ABORT') throw new Error(`Transaction ${this.path} is completed`)
  }

  #openToAppend(record: LogRecord): { file: DiskFile; before: number; bytes: Uint8Array } {
    if (this.#records.some((other) => sameRecord(other, record))) throw new Error('Record already exists')
    const file = this.#disk.openSync(this.path, this.#disk.existsSync(this.path) ? 'update' : 'create')
    return { file, before: Math.max(0, this.#size), bytes: utf8Bytes(`${recordText(record)}\n`) }
  }

  #takeBack(file: DiskFile, size: number): void {
    this.#isTorn = true
    try {
      file.truncateSync(size)
      file.fsyncSync()
      this.#size = size
      this.#isTorn = false
    } catch {
      // Whoever called hears of the first error.
    }
  }
}

/** `nb-1-big-`. */
function prefixOf(descriptor: Descriptor): string {
  return `${descriptorName(descriptor)}-`
}
