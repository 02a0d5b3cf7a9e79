import fs from 'node:fs'
import path from 'node:path'
import type { DirectoryLock, Disk, DiskFile, OpenMode } from './disk.ts'
import { isDiskError } from './disk.ts'
import { bootId, lockDirectory } from './node-lock.ts'

const FLAGS: Record<OpenMode, string> = { read: 'r', update: 'r+', create: 'wx+', truncate: 'w+' }

/** An error of an open file says which one, and where in it; Node's own does not. */
function named(error: unknown, path: string, position: number = -1): unknown {
  if (!isDiskError(error) || 'path' in error) return error
  error.message = `${error.message} '${path}'${position < 0 ? '' : ` at offset ${position}`}`
  return Object.assign(error, { path, offset: position })
}

class NodeDiskFile implements DiskFile {
  readonly path: string
  readonly #descriptor: number
  #closed = false

  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    try {
      return fs.writeSync(this.#descriptor, bytes, offset, length, position)
    } catch (error) {
      throw named(error, this.path, position)
    }
  }

  readSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    try {
      return fs.readSync(this.#descriptor, bytes, offset, length, position)
    } catch (error) {
      throw named(error, this.path, position)
    }
  }

  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, bytes, offset, length, position, (error, written) =>
        error ? reject(named(error, this.path, position)) : resolve(written),
      )
    })
  }

  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, bytes, offset, length, position, (error, read) =>
        error ? reject(named(error, this.path, position)) : resolve(read),
      )
    })
  }

  sizeSync(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  truncateSync(length: number): void {
    fs.ftruncateSync(this.#descriptor, length)
  }

  // fdatasync: it waits for the data and for the metadata needed to read it back, the size among them.
  fsync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(named(error, this.path)) : resolve()))
    })
  }

  fsyncSync(): void {
    try {
      fs.fdatasyncSync(this.#descriptor)
    } catch (error) {
      throw named(error, this.path)
    }
  }

  closeSync(): void {
    if (this.#closed) return
    this.#closed = true
    fs.closeSync(this.#descriptor)
  }
}

/** Some file systems refuse to fsync a directory; there the name is as durable as they make it. */
function toleratesNoDirectoryFsync(error: unknown): boolean {
  return isDiskError(error) && (error.code === 'EINVAL' || error.code === 'ENOTSUP' || error.code === 'EPERM')
}

class NodeDisk implements Disk {
  readonly bootId = bootId()

  openSync(path: string, mode: OpenMode): DiskFile {
    return new NodeDiskFile(path, fs.openSync(path, FLAGS[mode]))
  }

  mkdirpSync(directory: string): void {
    const first = fs.mkdirSync(directory, { recursive: true })
    if (first === undefined) return
    // The names that were made stand in the parents, from the directory's own up to that of the first.
    let parent = path.dirname(path.resolve(directory))
    for (const last = path.dirname(path.resolve(first)); ; parent = path.dirname(parent)) {
      this.fsyncDirectorySync(parent)
      if (parent === last) return
    }
  }

  readdirSync(path: string): string[] {
    return fs.readdirSync(path)
  }

  readdir(path: string): Promise<string[]> {
    return fs.promises.readdir(path)
  }

  existsSync(path: string): boolean {
    return fs.existsSync(path)
  }

  isDirectorySync(path: string): boolean {
    return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  }

  fileSizeSync(path: string): number {
    return fs.statSync(path).size
  }

  modifiedMsSync(path: string): number {
    return Math.floor(fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  }

  realPathSync(path: string): string {
    return fs.realpathSync(path)
  }

  readFileSync(path: string): Uint8Array {
    return fs.readFileSync(path)
  }

  readFile(path: string): Promise<Uint8Array> {
    return fs.promises.readFile(path)
  }

  renameSync(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  linkSync(from: string, to: string): void {
    fs.linkSync(from, to)
  }

  unlinkSync(path: string): void {
    fs.unlinkSync(path)
  }

  unlink(path: string): Promise<void> {
    return fs.promises.unlink(path)
  }

  removeSync(path: string): void {
    fs.rmSync(path, { recursive: true, force: true })
  }

  fsyncDirectory(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.open(path, 'r', (openError, descriptor) => {
        if (openError) {
          reject(openError)
          return
        }
        fs.fsync(descriptor, (syncError) => {
          fs.close(descriptor, (closeError) => {
            if (syncError && !toleratesNoDirectoryFsync(syncError)) reject(syncError)
            else if (closeError) reject(closeError)
            else resolve()
          })
        })
      })
    })
  }

  fsyncDirectorySync(path: string): void {
    const descriptor = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(descriptor)
    } catch (error) {
      if (!toleratesNoDirectoryFsync(error)) throw error
    } finally {
      fs.closeSync(descriptor)
    }
  }

  lockDirectory(path: string): DirectoryLock {
    return lockDirectory(path)
  }
}

/** The machine's files. */
export function createNodeDisk(): Disk {
  return new NodeDisk()
}
