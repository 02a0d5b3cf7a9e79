/**
 * A disk that keeps what POSIX promises and no more. What a process wrote is in the page cache; what was fsynced is
 * on the platter. A process that is killed loses nothing of the page cache. A machine that loses power loses any part
 * of what was not fsynced: each write by itself is kept, lost or torn (at any byte, or sector by sector), each created,
 * renamed or removed name kept or lost, in any combination.
 */
import type { DirectoryLock, Disk, DiskError, DiskFile, OpenMode } from '../../src/io/disk.ts'
import { DirectoryLockedError } from '../../src/io/disk.ts'
import type { Timers } from '../../src/io/timers.ts'
import type { SimRandom } from './sim-random.ts'

const SECTOR_BYTES = 512

export type CrashKind = 'kill' | 'power'

/** The call in whose middle a process died. */
export interface Death {
  readonly call: string
  readonly path: string
  /** What was being written, or what the file holds that was being fsynced. */
  readonly text: string
}

/** A call that fails: the one after `after` others of that kind. */
export interface Fault {
  readonly operation: 'write' | 'fsync' | 'read' | 'create' | 'fsyncDirectory' | 'unlink'
  /** `SHORT` writes a part and returns how much; `ENOSPC` on a write leaves a part behind and fails. */
  readonly code: 'EIO' | 'ENOSPC' | 'SHORT'
  after: number
  /** Only of files whose path has this in it. */
  readonly path?: string
  /** How many calls fail; for ever by default. */
  times?: number
}

class SimDiskError extends Error implements DiskError {
  readonly code: string
  readonly syscall: string
  readonly path: string

  constructor(code: string, operation: string, path: string) {
    // Files that are not there are looked for often, and nobody asks from where.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(`${code}: ${operation} '${path}'`)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.syscall = operation
    this.path = path
  }
}

type FileOperation =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number }

/** Two fsyncs may overlap: each takes what came before it, by number. */
interface UnsyncedOperation {
  readonly number: number
  readonly timeMs: number
  readonly operation: FileOperation
}

/** Bytes that grow. */
class Content {
  #bytes = new Uint8Array(1024)
  size = 0

  write(offset: number, bytes: Uint8Array): void {
    this.#reserve(offset + bytes.length)
    this.#bytes.set(bytes, offset)
    this.size = Math.max(this.size, offset + bytes.length)
  }

  truncate(length: number): void {
    this.#reserve(length)
    if (length < this.size) this.#bytes.fill(0, length, this.size)
    this.size = length
  }

  apply(operation: FileOperation): void {
    if (operation.kind === 'write') this.write(operation.offset, operation.bytes)
    else this.truncate(operation.length)
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.size)
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

class Inode {
  readonly cached = new Content()
  readonly durable = new Content()
  #unsynced: UnsyncedOperation[] = []
  #operations = 0
  /** When it was last written to; that of what is durable comes back after a loss of power. */
  modifiedMs: number
  #durableModifiedMs: number

  constructor(timeMs: number) {
    this.modifiedMs = timeMs
    this.#durableModifiedMs = timeMs
  }

  perform(operation: FileOperation, timeMs: number): void {
    this.cached.apply(operation)
    this.modifiedMs = timeMs
    this.#unsynced.push({ number: ++this.#operations, operation, timeMs })
  }

  /** Number of the last operation: what an fsync that begins now covers. */
  get operations(): number {
    return this.#operations
  }

  /** Brings the operations up to `number` to the platter, or drops them as if they were there. */
  sync(number: number, fails: boolean): void {
    while (this.#unsynced.length > 0 && this.#unsynced[0].number <= number) {
      const { operation, timeMs } = this.#unsynced.shift() as UnsyncedOperation
      if (fails) continue
      this.durable.apply(operation)
      this.#durableModifiedMs = timeMs
    }
  }

  losePower(random: SimRandom): void {
    for (const { operation, timeMs } of this.#unsynced) {
      const fate = random.below(4)
      if (fate === 0) continue
      this.#durableModifiedMs = timeMs
      if (fate === 1 || operation.kind === 'truncate') this.durable.apply(operation)
      else this.#tear(operation, random, fate === 2)
    }
    this.#unsynced = []
    this.modifiedMs = this.#durableModifiedMs
    this.cached.truncate(0)
    this.cached.write(0, this.durable.view())
  }

  #tear(
    { offset, bytes }: { offset: number; bytes: Uint8Array },
    random: SimRandom,
    atOneByte: boolean,
  ): void {
    if (atOneByte) {
      const length = random.below(bytes.length + 1)
      this.durable.write(offset, bytes.subarray(0, length))
      return
    }
    // Some sectors arrive; of those that don't, the file's new size may be there without them.
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES))
      const fate = random.below(8)
      if (fate < 3) this.durable.write(offset + at, bytes.subarray(at, end))
      else if (fate < 6 && offset + end > this.durable.size) this.durable.truncate(offset + end)
      else if (fate === 6) this.#writeGarbage(offset + at, end - at, random)
      at = end
    }
  }

  /** What the platter held before, for another file. */
  #writeGarbage(offset: number, length: number, random: SimRandom): void {
    const garbage = new Uint8Array(length)
    random.bytes(garbage)
    this.durable.write(offset, garbage)
  }
}

type NameOperation =
  | { readonly kind: 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode }

function applyName(names: Map<string, Inode>, operation: NameOperation): void {
  switch (operation.kind) {
    case 'link':
      names.set(operation.path, operation.inode)
      break
    case 'unlink':
      names.delete(operation.path)
      break
    case 'rename':
      names.delete(operation.from)
      names.set(operation.to, operation.inode)
      break
  }
}

/** The path at which a change can be made durable. */
function pathOf(operation: NameOperation): string {
  return operation.kind === 'rename' ? operation.to : operation.path
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** The machine's disk. A process sees it through `attach`, until it or the machine crashes. */
export class SimDisk {
  readonly #random: SimRandom
  #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  /** The paths of each directory's files, and of the directories in it. */
  readonly #files = new Map<string, Set<string>>()
  readonly #folders = new Map<string, Set<string>>()
  /** What is not durable yet, by directory. */
  readonly #unsyncedNames = new Map<string, NameOperation[]>()
  readonly faults: Fault[] = []
  readonly locks = new Map<string, number>()
  #boot = 1
  #process = 0
  #crashIn = Number.POSITIVE_INFINITY
  /** Of the process that attached last. */
  death: Death | null = null
  #timeMs = 1_700_000_000_000
  #ticks = 0

  constructor(random: SimRandom) {
    this.#random = random
  }

  get bootId(): string {
    return `00000000-0000-4000-8000-${this.#boot.toString(16).padStart(12, '0')}`
  }

  /** The disk as a new process sees it. */
  attach(timers: Timers): Disk {
    return new ProcessDisk(this, timers, ++this.#process)
  }

  /** The process dies in the middle of its n-th changing call from now. */
  crashAfter(operations: number): void {
    this.#crashIn = operations
  }

  /** The time of a change: a later one is later, sometimes by seconds. */
  tick(): number {
    return (this.#timeMs += this.#ticks++ % 3 === 0 ? 1500 : 1)
  }

  /** An fsync takes less than so long. */
  fsyncMsMax = 20

  /** Called in the middle of the call in which a process dies of `crashAfter`. */
  onDeath: () => void = () => {}

  /** The attached process is gone, and with power all that it had not fsynced may be. */
  crash(kind: CrashKind): void {
    this.#process++
    this.#crashIn = Number.POSITIVE_INFINITY
    this.death = null
    this.locks.clear()
    this.faults.length = 0
    if (kind === 'kill') return
    this.#boot++
    for (const operations of this.#unsyncedNames.values()) {
      for (const operation of operations) {
        if (this.#random.chance(0.5)) applyName(this.#durableNames, operation)
      }
    }
    this.#unsyncedNames.clear()
    this.#names = new Map(this.#durableNames)
    for (const files of this.#files.values()) files.clear()
    for (const path of this.#names.keys()) {
      this.makeDirectory(parentOf(path))
      this.#files.get(parentOf(path))!.add(path)
    }
    for (const inode of new Set(this.#names.values())) inode.losePower(this.#random)
  }

  /** Whether the process that attached last has died of `crashAfter`. */
  get hasCrashed(): boolean {
    return this.#crashIn < 0
  }

  /** The bytes at `path` as a process sees them: for tests that look or flip a bit. */
  bytes(path: string): Uint8Array {
    return this.inode(path, 'peek').cached.view()
  }

  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  check(process: number, path: string): void {
    if (process !== this.#process || this.#crashIn < 0) throw new SimDiskError('ECRASHED', 'any', path)
  }

  /** Counts a changing call down; true if the process dies in the middle of it. */
  diesNow(): boolean {
    return this.#crashIn-- === 0
  }

  crashed(call: string, path: string, bytes: Uint8Array | null = null): Error {
    this.#crashIn = -1
    this.onDeath()
    this.death = { call, path, text: bytes === null ? '' : Buffer.from(bytes).toString('latin1') }
    return new SimDiskError('ECRASHED', 'any', path)
  }

  fault(operation: Fault['operation'], path: string): Fault['code'] | undefined {
    for (const fault of this.faults) {
      if (fault.operation !== operation || !path.includes(fault.path ?? '')) continue
      if (fault.after-- > 0) continue
      if (fault.times !== undefined && fault.times-- <= 0) continue
      return fault.code
    }
    return undefined
  }

  get random(): SimRandom {
    return this.#random
  }

  inode(path: string, operation: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw new SimDiskError('ENOENT', operation, path)
    return inode
  }

  has(path: string): boolean {
    return this.#names.has(path) || this.#files.has(path)
  }

  change(operation: NameOperation): void {
    applyName(this.#names, operation)
    const path = pathOf(operation)
    const directory = parentOf(path)
    if (operation.kind === 'rename') this.#files.get(parentOf(operation.from))?.delete(operation.from)
    if (operation.kind === 'unlink') this.#files.get(directory)?.delete(path)
    else this.#files.get(directory)!.add(path)
    const unsynced = this.#unsyncedNames.get(directory)
    if (unsynced === undefined) this.#unsyncedNames.set(directory, [operation])
    else unsynced.push(operation)
  }

  create(path: string): Inode {
    if (!this.isDirectory(parentOf(path))) throw new SimDiskError('ENOENT', 'open', path)
    const inode = new Inode(this.tick())
    this.change({ kind: 'link', path, inode })
    return inode
  }

  isDirectory(path: string): boolean {
    return this.#files.has(path)
  }

  forgetDirectory(path: string): void {
    for (const folder of this.#folders.get(path) ?? []) this.forgetDirectory(folder)
    this.#files.delete(path)
    this.#folders.delete(path)
    this.#folders.get(parentOf(path))?.delete(path)
  }

  makeDirectory(path: string): void {
    if (path === '' || this.#files.has(path)) return
    this.#files.set(path, new Set())
    this.#folders.set(path, new Set())
    const parent = parentOf(path)
    this.makeDirectory(parent)
    this.#folders.get(parent)?.add(path)
  }

  list(directory: string): string[] {
    const files = this.#files.get(directory)
    if (files === undefined) throw new SimDiskError('ENOENT', 'readdir', directory)
    return [...files, ...this.#folders.get(directory)!].map((path) => path.slice(directory.length + 1))
  }

  /** What of a directory is not durable yet, as a mark to sync up to. */
  unsyncedNames(directory: string): NameOperation[] {
    return [...(this.#unsyncedNames.get(directory) ?? [])]
  }

  syncNames(directory: string, operations: readonly NameOperation[]): void {
    const synced = new Set(operations)
    const unsynced = this.#unsyncedNames.get(directory) ?? []
    for (const operation of unsynced) if (synced.has(operation)) applyName(this.#durableNames, operation)
    this.#unsyncedNames.set(
      directory,
      unsynced.filter((operation) => !synced.has(operation)),
    )
  }
}

class SimFile implements DiskFile {
  readonly path: string
  readonly #disk: SimDisk
  readonly #timers: Timers
  readonly #process: number
  readonly #inode: Inode
  #open = true

  constructor(path: string, disk: SimDisk, timers: Timers, process: number, inode: Inode) {
    this.path = path
    this.#disk = disk
    this.#timers = timers
    this.#process = process
    this.#inode = inode
  }

  #check(): void {
    this.#disk.check(this.#process, this.path)
    if (!this.#open) throw new SimDiskError('EBADF', 'file', this.path)
  }

  writeSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    this.#check()
    const code = this.#disk.fault('write', this.path)
    if (code === 'EIO') throw new SimDiskError(code, 'write', this.path)
    const dies = this.#disk.diesNow()
    const fewest = code === 'SHORT' ? 1 : 0
    const part = fewest + this.#disk.random.below(Math.max(1, length - fewest))
    const written = dies || code !== undefined ? part : length
    if (written > 0) {
      this.#inode.perform(
        { kind: 'write', offset: position, bytes: bytes.slice(offset, offset + written) },
        this.#disk.tick(),
      )
    }
    if (dies) throw this.#disk.crashed('write', this.path, bytes.subarray(offset, offset + length))
    if (code === 'ENOSPC') throw new SimDiskError(code, 'write', this.path)
    return written
  }

  readSync(bytes: Uint8Array, offset: number, length: number, position: number): number {
    this.#check()
    const code = this.#disk.fault('read', this.path)
    if (code === 'EIO') throw new SimDiskError(code, 'read', this.path)
    const content = this.#inode.cached.view()
    const available = Math.max(0, Math.min(length, content.length - position))
    const read = code === 'SHORT' ? Math.min(available, 1 + this.#disk.random.below(available)) : available
    if (read > 0) bytes.set(content.subarray(position, position + read), offset)
    return read
  }

  async write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.writeSync(bytes, offset, length, position)
  }

  async read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.readSync(bytes, offset, length, position)
  }

  sizeSync(): number {
    this.#check()
    return this.#inode.cached.size
  }

  truncateSync(length: number): void {
    this.#check()
    if (this.#disk.diesNow()) throw this.#disk.crashed('truncate', this.path)
    this.#inode.perform({ kind: 'truncate', length }, this.#disk.tick())
  }

  /** Takes some time, and covers what was written before the call only. */
  fsync(): Promise<void> {
    this.#check()
    const number = this.#inode.operations
    return new Promise((resolve, reject) => {
      this.#timers.setTimeout(() => {
        try {
          this.#check()
          this.#sync(number)
          resolve()
        } catch (error) {
          reject(error)
        }
      }, this.#disk.random.below(this.#disk.fsyncMsMax))
    })
  }

  fsyncSync(): void {
    this.#check()
    this.#sync(this.#inode.operations)
  }

  #sync(number: number): void {
    if (this.#disk.diesNow()) throw this.#disk.crashed('fsync', this.path, this.#inode.cached.view())
    const code = this.#disk.fault('fsync', this.path)
    // The kernel reports it once and holds the pages for clean: no later fsync brings them to the platter.
    this.#inode.sync(number, code !== undefined)
    if (code !== undefined) throw new SimDiskError(code, 'fsync', this.path)
  }

  closeSync(): void {
    this.#open = false
  }
}

/** The disk of one process. */
class ProcessDisk implements Disk {
  readonly bootId: string
  readonly #disk: SimDisk
  readonly #timers: Timers
  readonly #process: number

  constructor(disk: SimDisk, timers: Timers, process: number) {
    this.#disk = disk
    this.#timers = timers
    this.#process = process
    this.bootId = disk.bootId
  }

  #change(call: string, path: string): void {
    this.#disk.check(this.#process, path)
    if (this.#disk.diesNow()) throw this.#disk.crashed(call, path)
  }

  openSync(path: string, mode: OpenMode): DiskFile {
    this.#disk.check(this.#process, path)
    const isNew = !this.#disk.has(path)
    if (mode === 'create' && !isNew) throw new SimDiskError('EEXIST', 'open', path)
    let inode: Inode
    if (isNew && (mode === 'create' || mode === 'truncate')) {
      const code = this.#disk.fault('create', path)
      if (code !== undefined) throw new SimDiskError(code, 'open', path)
      this.#change('create', path)
      inode = this.#disk.create(path)
    } else {
      inode = this.#disk.inode(path, 'open')
      if (mode === 'truncate') inode.perform({ kind: 'truncate', length: 0 }, this.#disk.tick())
    }
    return new SimFile(path, this.#disk, this.#timers, this.#process, inode)
  }

  mkdirpSync(path: string): void {
    this.#disk.check(this.#process, path)
    this.#disk.makeDirectory(path)
  }

  readdirSync(path: string): string[] {
    this.#disk.check(this.#process, path)
    return this.#disk.list(path)
  }

  async readdir(path: string): Promise<string[]> {
    return this.readdirSync(path)
  }

  existsSync(path: string): boolean {
    this.#disk.check(this.#process, path)
    return this.#disk.has(path)
  }

  isDirectorySync(path: string): boolean {
    this.#disk.check(this.#process, path)
    return this.#disk.isDirectory(path)
  }

  fileSizeSync(path: string): number {
    this.#disk.check(this.#process, path)
    return this.#disk.inode(path, 'stat').cached.size
  }

  /** Directories have no time of their own. */
  modifiedMsSync(path: string): number {
    this.#disk.check(this.#process, path)
    if (!this.#disk.has(path) || this.#disk.isDirectory(path)) return 0
    return this.#disk.inode(path, 'stat').modifiedMs
  }

  realPathSync(path: string): string {
    this.#disk.check(this.#process, path)
    if (!this.#disk.has(path)) throw new SimDiskError('ENOENT', 'realpath', path)
    return path
  }

  readFileSync(path: string): Uint8Array {
    const file = this.openSync(path, 'read')
    const bytes = new Uint8Array(file.sizeSync())
    file.readSync(bytes, 0, bytes.length, 0)
    return bytes
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.readFileSync(path)
  }

  renameSync(from: string, to: string): void {
    const inode = this.#disk.inode(from, 'rename')
    this.#change('rename', from)
    this.#disk.change({ kind: 'rename', from, to, inode })
  }

  linkSync(from: string, to: string): void {
    const inode = this.#disk.inode(from, 'link')
    if (this.#disk.has(to)) throw new SimDiskError('EEXIST', 'link', to)
    if (!this.#disk.isDirectory(parentOf(to))) throw new SimDiskError('ENOENT', 'link', to)
    const code = this.#disk.fault('create', to)
    if (code !== undefined) throw new SimDiskError(code, 'link', to)
    this.#change('link', to)
    this.#disk.change({ kind: 'link', path: to, inode })
  }

  unlinkSync(path: string): void {
    this.#disk.inode(path, 'unlink')
    this.#change('unlink', path)
    if (this.#disk.fault('unlink', path) !== undefined) throw new SimDiskError('EIO', 'unlink', path)
    this.#disk.change({ kind: 'unlink', path })
  }

  async unlink(path: string): Promise<void> {
    this.unlinkSync(path)
  }

  removeSync(path: string): void {
    this.#disk.check(this.#process, path)
    for (const name of this.#disk.paths()) {
      if (name === path || name.startsWith(`${path}/`)) this.unlinkSync(name)
    }
    this.#disk.forgetDirectory(path)
  }

  fsyncDirectory(path: string): Promise<void> {
    this.#disk.check(this.#process, path)
    const operations = this.#disk.unsyncedNames(path)
    return new Promise((resolve, reject) => {
      this.#timers.setTimeout(() => {
        try {
          this.#syncDirectory(path, operations)
          resolve()
        } catch (error) {
          reject(error)
        }
      }, this.#disk.random.below(this.#disk.fsyncMsMax))
    })
  }

  fsyncDirectorySync(path: string): void {
    this.#disk.check(this.#process, path)
    this.#syncDirectory(path, this.#disk.unsyncedNames(path))
  }

  #syncDirectory(path: string, operations: readonly NameOperation[]): void {
    this.#change('fsyncDirectory', path)
    const code = this.#disk.fault('fsyncDirectory', path)
    if (code !== undefined) throw new SimDiskError(code, 'fsyncDirectory', path)
    this.#disk.syncNames(path, operations)
  }

  lockDirectory(path: string): DirectoryLock {
    this.#disk.check(this.#process, path)
    const holder = this.#disk.locks.get(path)
    if (holder !== undefined) throw new DirectoryLockedError(path, holder)
    const process = this.#process
    const { locks } = this.#disk
    locks.set(path, process)
    return {
      release(): void {
        if (locks.get(path) === process) locks.delete(path)
      },
    }
  }
}
