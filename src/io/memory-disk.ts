import type { Disk, DiskError, DiskFile, OpenMode } from './disk.ts'

interface Content {
  bytes: Uint8Array
  size: number
  modifiedMs: number
}

function failed(code: string, path: string): DiskError {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** A disk that is gone with the process, for what servers keep in files whose data is in memory. */
export class MemoryDisk implements Disk {
  readonly bootId = ''
  readonly #nowMs: () => number
  readonly #files = new Map<string, Content>()
  readonly #directories = new Set<string>([''])

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  openSync(path: string, mode: OpenMode): DiskFile {
    let content = this.#files.get(path)
    if (content === undefined) {
      if (mode === 'read' || mode === 'update' || !this.isDirectorySync(parentOf(path))) {
        throw failed('ENOENT', path)
      }
      content = { bytes: new Uint8Array(1024), size: 0, modifiedMs: this.#nowMs() }
      this.#files.set(path, content)
    } else if (mode === 'create') throw failed('EEXIST', path)
    else if (mode === 'truncate') content.size = 0
    return new MemoryFile(path, content, this.#nowMs)
  }

  mkdirpSync(path: string): void {
    for (let at = path; at !== ''; at = parentOf(at)) this.#directories.add(at)
  }

  readdirSync(path: string): string[] {
    if (!this.isDirectorySync(path)) throw failed('ENOENT', path)
    return [...this.#files.keys(), ...this.#directories].flatMap((name) =>
      name !== '' && parentOf(name) === path ? [name.slice(path.length + 1)] : [],
    )
  }

  async readdir(path: string): Promise<string[]> {
    return this.readdirSync(path)
  }

  existsSync(path: string): boolean {
    return this.#files.has(path) || this.isDirectorySync(path)
  }

  isDirectorySync(path: string): boolean {
    return this.#directories.has(path)
  }

  #content(path: string): Content {
    const content = this.#files.get(path)
    if (content === undefined) throw failed('ENOENT', path)
    return content
  }

  fileSizeSync(path: string): number {
    return this.#content(path).size
  }

  modifiedMsSync(path: string): number {
    return this.#files.get(path)?.modifiedMs ?? 0
  }

  realPathSync(path: string): string {
    return path
  }

  readFileSync(path: string): Uint8Array {
    const { bytes, size } = this.#content(path)
    return bytes.slice(0, size)
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.readFileSync(path)
  }

  renameSync(from: string, to: string): void {
    this.#files.set(to, this.#content(from))
    if (from !== to) this.#files.delete(from)
  }

  linkSync(from: string, to: string): void {
    if (this.existsSync(to)) throw failed('EEXIST', to)
    this.#files.set(to, this.#content(from))
  }

  unlinkSync(path: string): void {
    if (!this.#files.delete(path)) throw failed('ENOENT', path)
  }

  async unlink(path: string): Promise<void> {
    this.unlinkSync(path)
  }

  removeSync(path: string): void {
    for (const name of [...this.#files.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name)
    }
    for (const name of [...this.#directories]) {
      if (name === path || name.startsWith(`${path}/`)) this.#directories.delete(name)
    }
  }

  async fsyncDirectory(): Promise<void> {}

  fsyncDirectorySync(): void {}

  lockDirectory(): { release(): void } {
    return { release() {} }
  }
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #content: Content
  readonly #nowMs: () => number

  constructor(path: string, content: Content, nowMs: () => number) {
    this.path = path
    this.#content = content
    this.#nowMs = nowMs
  }

  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    const content = this.#content
    const end = position + length
    if (end > content.bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * content.bytes.length))
      grown.set(content.bytes.subarray(0, content.size))
      content.bytes = grown
    }
    // What a file was cut to and grows beyond again is zeros.
    if (position > content.size) content.bytes.fill(0, content.size, position)
    content.bytes.set(bytes.subarray(offset, offset + length), position)
    content.size = Math.max(content.size, end)
    content.modifiedMs = this.#nowMs()
    return length
  }

  readSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    const { bytes: all, size } = this.#content
    const read = Math.max(0, Math.min(length, size - position))
    bytes.set(all.subarray(position, position + read), offset)
    return read
  }

  async write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.writeSync(bytes, offset, length, position)
  }

  async read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.readSync(bytes, offset, length, position)
  }

  sizeSync(): number {
    return this.#content.size
  }

  truncateSync(length: number): void {
    const content = this.#content
    if (length > content.size) this.writeSync(new Uint8Array(0), 0, 0, length)
    content.size = length
  }

  async fsync(): Promise<void> {}

  fsyncSync(): void {}

  closeSync(): void {}
}
