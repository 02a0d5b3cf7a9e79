import { murmur3Token } from '../../common/murmur3.ts'
import { createFileSync, type Disk, isDiskError, readFullySync, writeFullySync } from '../../io/disk.ts'
import type { TableMetadata } from '../../model/table.ts'
import { type Component, componentPath, type Descriptor, descriptorName } from '../sstable/descriptor.ts'
import { SSTable } from '../sstable/sstable.ts'
import { changedStatistics } from '../sstable/statistics-mutation.ts'
import { verify } from '../sstable/verify.ts'
import { formatVersion } from '../sstable/version.ts'
import { deleteSSTableFiles } from './delete-files.ts'
import { type ListedSSTable, listSSTables } from './directories.ts'
import { LogTransaction } from './log-transaction.ts'
import { checkTable } from './table-check.ts'

/** The table that SSTables are taken into. */
export interface ImportTarget {
  readonly disk: Disk
  readonly table: TableMetadata
  /** The table's directory. */
  readonly directory: string
  /** Generations of the table's SSTables: one Int32 of the last one given; taken by `Atomics.add`. */
  readonly generations: SharedArrayBuffer
  /** Texts of new time UUIDs, for transactions. */
  readonly timeUuid: () => string
}

/** Options of `nodetool import` (`SSTableImporter.Options`); what it does by default is `IMPORT_DEFAULTS`. */
export interface ImportOptions {
  /** --keep-level: not all of them become level 0. */
  readonly keepLevel: boolean
  /** --keep-repaired. */
  readonly keepRepaired: boolean
  /** Without --no-verify: digests are compared, indexes read. */
  readonly verify: boolean
  /** --extended-verify: all rows are read. */
  readonly extendedVerify: boolean
  /** Without --no-tokens: whether this node owns a token (hi, lo); null owns all. */
  readonly ownsToken: ((hi: number, lo: number) => boolean) | null
  /** --copy-data: the originals stay. */
  readonly copyData: boolean
}

export const IMPORT_DEFAULTS: ImportOptions = {
  keepLevel: false,
  keepRepaired: false,
  verify: true,
  extendedVerify: false,
  ownsToken: null,
  copyData: false,
}

/** `nodetool refresh`: the level is reset, nothing is verified (`ColumnFamilyStore.loadNewSSTables`). */
const REFRESH: ImportOptions = { ...IMPORT_DEFAULTS, keepRepaired: true, verify: false }

export interface ImportResult {
  /** The new SSTables of the table's directory, to be opened and added to its tracker. */
  readonly imported: readonly Descriptor[]
  /** Directories of which nothing was taken, and why. */
  readonly failed: readonly { readonly directory: string; readonly reason: string }[]
  /** Originals that could not be removed after they had been taken. */
  readonly warnings: readonly string[]
}

const token = new Int32Array(2)
const COPY_BYTES = 1 << 20

/** Throws an Error where one of the directories cannot be taken from (`SSTableImporter.getSSTableListers`). */
export function checkSources({ disk, directory: own }: ImportTarget, sources: readonly string[]): void {
  for (const source of sources) {
    if (!disk.existsSync(source)) throw new Error(`Directory ${source} does not exist`)
    if (!disk.isDirectorySync(source)) throw new Error(`Insufficient permissions on directory ${source}`)
    const isOwn = disk.existsSync(own) && disk.realPathSync(source) === disk.realPathSync(own)
    if (isOwn) {
      throw new Error(`${source} is the table's own directory: refresh takes what is in it`)
    }
  }
}

/**
 * Takes the SSTables of directories into a table (`SSTableImporter.importNewSSTables`), those of each directory in one
 * transaction: after a crash all of them are in the table or none, and then they are where they were. A directory with one
 * that cannot be taken is left as it is, and reported. Throws an Error when there is no such directory. Synchronous, and as
 * long as the files are large: for a worker thread.
 */
export function importSSTables(
  target: ImportTarget,
  sources: readonly string[],
  options: ImportOptions,
): ImportResult {
  checkSources(target, sources)
  const { disk } = target
  const imported: Descriptor[] = []
  const failed: { directory: string; reason: string }[] = []
  const warnings: string[] = []
  // All are verified before any of them is taken.
  const verified = sources.flatMap((source) => {
    try {
      return [{ source, sstables: verifiedSSTables(target, source, [], options) }]
    } catch (error) {
      failed.push({ directory: source, reason: reasonOf(error) })
      return []
    }
  })
  for (const { source, sstables } of verified) {
    try {
      imported.push(...takeAll(target, sstables, options, false))
    } catch (error) {
      failed.push({ directory: source, reason: reasonOf(error) })
      continue
    }
    if (!options.copyData) warnings.push(...removeOriginals(disk, sstables))
  }
  return { imported, failed, warnings }
}

/**
 * Takes SSTables that somebody has put into the table's own directory: all that are not among `current`, the table's own. They
 * get new generations, so that they cannot be confused with others of the name they came with. Throws what keeps one of them
 * from being taken; then all are where they were.
 */
export function refreshSSTables(target: ImportTarget, current: readonly Descriptor[]): readonly Descriptor[] {
  return takeAll(target, verifiedSSTables(target, target.directory, current, REFRESH), REFRESH, true)
}

/** Those of a directory, after all of them have passed. */
function verifiedSSTables(
  { disk, table }: ImportTarget,
  directory: string,
  current: readonly Descriptor[],
  options: ImportOptions,
): readonly ListedSSTable[] {
  const known = new Set(current.map(descriptorName))
  const { sstables, problems } = listSSTables(disk, directory)
  const problem = problems.find(({ descriptor }) => !known.has(descriptorName(descriptor)))
  if (problem !== undefined) throw new Error(`Can't import sstable ${problem.path}: ${problem.reason}`)
  const found = sstables.filter(({ descriptor }) => !known.has(descriptorName(descriptor)))
  for (const { descriptor } of found) {
    try {
      verifyOne(disk, table, descriptor, options)
    } catch (error) {
      const path = `${directory}/${descriptorName(descriptor)}`
      throw new Error(`Can't import sstable ${path}: ${reasonOf(error)}`, { cause: error })
    }
  }
  return found
}

function verifyOne(disk: Disk, table: TableMetadata, descriptor: Descriptor, options: ImportOptions): void {
  const sstable = SSTable.open(disk, descriptor, table, { repair: 'memory' })
  try {
    checkTable(sstable, table)
    if (options.ownsToken !== null) checkTokens(sstable, options.ownsToken)
  } finally {
    sstable.close()
  }
  if (!options.verify) return
  const { extendedVerify } = options
  for (const _ of verify(disk, descriptor, { extended: extendedVerify, quick: false, checkVersion: false }));
}

function checkTokens(sstable: SSTable, owns: (hi: number, lo: number) => boolean): void {
  for (const index = sstable.index(); index.next(); ) {
    const { keyBytes, keyLength } = index
    murmur3Token(keyBytes, 0, keyLength, token)
    if (owns(token[0]!, token[1]!)) continue
    const key = Buffer.from(keyBytes.subarray(0, keyLength)).toString('hex')
    throw new Error(`Key ${key} is not contained in the given ranges`)
  }
}

/** Takes SSTables in one transaction, and returns what they are in the table. */
function takeAll(
  target: ImportTarget,
  sstables: readonly ListedSSTable[],
  options: ImportOptions,
  removesOriginals: boolean,
): readonly Descriptor[] {
  if (sstables.length === 0) return []
  const { disk, directory, table } = target
  disk.mkdirpSync(directory)
  const transaction = LogTransaction.begin(disk, directory, 'write', target.timeUuid())
  const generations = new Int32Array(target.generations)
  try {
    const taken = sstables.map((listed) => {
      const { version, format } = listed.descriptor
      let id: string
      do id = String(Atomics.add(generations, 0, 1) + 1)
      while (disk.existsSync(componentPath({ directory, version, id, format }, 'Data.db')))
      const descriptor = { directory, version, id, format }
      transaction.trackNew(descriptor, listed.components.length)
      takeFiles(disk, listed, descriptor, options)
      SSTable.open(disk, descriptor, table, { repair: 'memory' }).close()
      return descriptor
    })
    const originals = sstables.map(({ descriptor }) => descriptor)
    if (removesOriginals) transaction.trackObsolete(...originals)
    transaction.commit()
    if (removesOriginals) for (const original of originals) transaction.release(original)
    return taken
  } catch (error) {
    if (transaction.state === 'open') transaction.abort()
    throw error
  }
}

/** Gives the files of an SSTable their new names beside the old ones, durably but for the names. */
function takeFiles(
  disk: Disk,
  { descriptor: from, components }: ListedSSTable,
  to: Descriptor,
  options: ImportOptions,
): void {
  for (const component of components as readonly Component[]) {
    const source = componentPath(from, component)
    const path = componentPath(to, component)
    const changed = component === 'Statistics.db' ? changedBytes(disk, source, from, options) : null
    if (changed === null) linkOrCopy(disk, source, path)
    else createFileSync(disk, path, changed)
  }
}

/** Statistics.db as it is to be, or null where that is as it is. */
function changedBytes(
  disk: Disk,
  path: string,
  descriptor: Descriptor,
  { keepLevel, keepRepaired }: ImportOptions,
): Uint8Array | null {
  const bytes = disk.readFileSync(path)
  const change = { ...(keepLevel ? {} : { level: 0 }), clearRepaired: !keepRepaired, clearCommitLog: true }
  const changed = changedStatistics(path, bytes, formatVersion(descriptor.version)!, change)
  return Buffer.compare(changed, bytes) === 0 ? null : changed
}

function linkOrCopy(disk: Disk, from: string, to: string): void {
  try {
    disk.linkSync(from, to)
  } catch (error) {
    // Of another device, or a file system without links.
    if (!isDiskError(error) || !['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP'].includes(error.code)) throw error
    copyFile(disk, from, to)
    return
  }
  // Whoever wrote it may not have synced it.
  const file = disk.openSync(to, 'read')
  try {
    file.fsyncSync()
  } finally {
    file.closeSync()
  }
}

function copyFile(disk: Disk, from: string, to: string): void {
  const source = disk.openSync(from, 'read')
  try {
    const copy = disk.openSync(to, 'create')
    try {
      const buffer = new Uint8Array(COPY_BYTES)
      for (let at = 0; ; ) {
        const read = readFullySync(source, buffer, 0, COPY_BYTES, at)
        if (read === 0) break
        writeFullySync(copy, buffer, 0, read, at)
        at += read
      }
      copy.fsyncSync()
    } finally {
      copy.closeSync()
    }
  } finally {
    source.closeSync()
  }
}

/** They are in the table now; what is left of them here can be taken once more without harm. */
function removeOriginals(disk: Disk, sstables: readonly ListedSSTable[]): string[] {
  return sstables.flatMap(({ descriptor }) => {
    try {
      deleteSSTableFiles(disk, descriptor.directory, `${descriptorName(descriptor)}-`)
      return []
    } catch (error) {
      if (!isDiskError(error) || error.code === 'ECRASHED') throw error
      return [`${descriptor.directory}/${descriptorName(descriptor)} could not be removed: ${error.message}`]
    }
  })
}

function reasonOf(error: unknown): string {
  if (isDiskError(error) && error.code === 'ECRASHED') throw error
  return error instanceof Error ? error.message : String(error)
}
