/**
 * The disk port: the only files this program has. Synchronous calls are for what is short and on the hot path (a
 * write to the page cache, a 16 KiB read), asynchronous ones for what may wait for a device.
 *
 * What each call makes durable is stated as POSIX states it, no better: a write survives the end of the process
 * once it returned, and the loss of power only after `fsync` of its file; a created, renamed or removed name only
 * after `fsyncDirectory` of its directory. The simulated disk of test/sim takes away everything else.
 */

/**
 * `read`: the file exists, reading only. `update`: it exists, reading and writing. `create`: it must not exist,
 * reading and writing. `truncate`: created, or emptied if it exists, reading and writing.
 */
export type OpenMode = 'read' | 'update' | 'create' | 'truncate'

/** An open file. Positions are explicit; there is no cursor. */
export interface DiskFile {
  readonly path: string
  /** Writes at `position` and returns how many bytes were written, maybe fewer; see `writeFullySync`. */
  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): number
  /** Reads at `position` and returns how many bytes were read, maybe fewer, 0 at the end; see `readFullySync`. */
  readSync(bytes: Uint8Array, offset: number, length: number, position: number): number
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number>
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number>
  sizeSync(): number
  truncateSync(length: number): void
  /**
   * Resolves when all that was written before the call is on stable storage, the size included. A failed fsync must
   * never be retried: the kernel may have dropped the pages and a second call would succeed without them.
   */
  fsync(): Promise<void>
  fsyncSync(): void
  closeSync(): void
}

export interface DirectoryLock {
  /** Gives the directory free; idempotent. */
  release(): void
}

export interface Disk {
  /**
   * Names the period over which what was written, fsynced or not, is still there: the boot of the machine. Empty
   * where that is not known.
   */
  readonly bootId: string
  openSync(path: string, mode: OpenMode): DiskFile
  /** Makes the directory and its parents, durably; no error if it exists. */
  mkdirpSync(path: string): void
  /** Names in the directory, without order. */
  readdirSync(path: string): string[]
  readdir(path: string): Promise<string[]>
  existsSync(path: string): boolean
  /** False for a file, and for what is not there. */
  isDirectorySync(path: string): boolean
  fileSizeSync(path: string): number
  /** When what is at `path` was last changed: whole milliseconds since the epoch; 0 where there is nothing. */
  modifiedMsSync(path: string): number
  /** The absolute path without symbolic links; `path` exists. */
  realPathSync(path: string): string
  readFileSync(path: string): Uint8Array
  readFile(path: string): Promise<Uint8Array>
  /** Replaces atomically what is at `to`. */
  renameSync(from: string, to: string): void
  /** Another name for the file at `from`, on the same device; nothing is at `to` (`EEXIST`). */
  linkSync(from: string, to: string): void
  unlinkSync(path: string): void
  unlink(path: string): Promise<void>
  /** Removes the directory and all in it; no error if it is not there. */
  removeSync(path: string): void
  fsyncDirectory(path: string): Promise<void>
  fsyncDirectorySync(path: string): void
  /** Takes the directory for this process, or throws a DirectoryLockedError; see node-lock.ts. */
  lockDirectory(path: string): DirectoryLock
}

/** A failed call of the disk port, with the code of the operating system (`ENOSPC`, `EIO`, `ENOENT`, ...). */
export interface DiskError extends Error {
  readonly code: string
}

export function isDiskError(error: unknown): error is DiskError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** The directory belongs to a living process. */
export class DirectoryLockedError extends Error {
  readonly directory: string
  readonly pid: number

  constructor(directory: string, pid: number) {
    super(`Directory ${directory} is in use by another Sibyl server (process ${pid})`)
    this.directory = directory
    this.pid = pid
  }
}

/** Writes all of it: a short write goes on where it stopped, until an error says why it can't. */
export function writeFullySync(
  file: DiskFile,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
): void {
  let done = 0
  while (done < length) {
    const written = file.writeSync(bytes, offset + done, length - done, position + done)
    if (written <= 0) throw new Error(`Writing ${file.path} at offset ${position + done} made no progress`)
    done += written
  }
}

/** Reads until `length` bytes or the end of the file; returns how many. */
export function readFullySync(
  file: DiskFile,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
): number {
  let done = 0
  while (done < length) {
    const read = file.readSync(bytes, offset + done, length - done, position + done)
    if (read <= 0) break
    done += read
  }
  return done
}

/** As `readFullySync`, without blocking. */
export async function readFully(
  file: DiskFile,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0
  while (done < length) {
    const read = await file.read(bytes, offset + done, length - done, position + done)
    if (read <= 0) break
    done += read
  }
  return done
}

/** Writes a file that is not there yet, and syncs it; its name is the caller's to make durable. */
export function createFileSync(disk: Disk, path: string, content: Uint8Array): void {
  const file = disk.openSync(path, 'create')
  try {
    writeFullySync(file, content, 0, content.length, 0)
    file.fsyncSync()
  } finally {
    file.closeSync()
  }
}

/** Writes a whole small file so that after a crash `path` holds the old or the new content, never a part. */
export function writeFileAtomicSync(disk: Disk, directory: string, name: string, content: Uint8Array): void {
  const temporary = `${directory}/${name}.tmp`
  const file = disk.openSync(temporary, 'truncate')
  try {
    writeFullySync(file, content, 0, content.length, 0)
    file.fsyncSync()
  } finally {
    file.closeSync()
  }
  disk.renameSync(temporary, `${directory}/${name}`)
  disk.fsyncDirectorySync(directory)
}
