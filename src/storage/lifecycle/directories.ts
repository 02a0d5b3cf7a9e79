import { utf8Text } from '../../common/bytes.ts'
import { type Disk, isDiskError } from '../../io/disk.ts'
import {
  type Component,
  type Descriptor,
  descriptorName,
  isComponent,
  parseFileName,
} from '../sstable/descriptor.ts'
import { formatVersion } from '../sstable/version.ts'
import { isLogFile, readLogFile, removedByLog } from './log-file.ts'

/** Folders of a table's directory that hold no live SSTables; so do those of indexes, which begin with a dot. */
export const BACKUPS = 'backups'
export const SNAPSHOTS = 'snapshots'

const TABLE_DIRECTORY = /^(\w+)-([0-9a-f]{32})$/
const SSTABLE_NUMBER = /^[0-9]+$/
/** Without these nothing can be read. */
const REQUIRED: readonly Component[] = ['Data.db', 'Index.db', 'Statistics.db']
/** These are made anew, or done without, whatever TOC.txt says. */
const REPLACEABLE: readonly string[] = ['Summary.db', 'Filter.db', 'Digest.crc32', 'CRC.db', 'Checksums.db']

/** The directory of one table (`Directories`). */
export interface TableDirectory {
  /** Its path. */
  readonly directory: string
  readonly table: string
  /** The table's id with its hyphens. */
  readonly id: string
}

/** An SSTable of a directory, and its files by their components' names. */
export interface ListedSSTable {
  readonly descriptor: Descriptor
  readonly components: readonly string[]
}

export interface SSTableListing {
  /** Those that are whole and whose version can be read, those with the least ids first. */
  readonly sstables: readonly ListedSSTable[]
  /** Those of transactions that go on: new ones of one that is not committed, old ones of one that is. */
  readonly temporary: readonly ListedSSTable[]
  /** What is not to be used: files of an SSTable that is not whole, or whose version cannot be read. */
  readonly problems: readonly SSTableProblem[]
}

export interface SSTableProblem {
  readonly descriptor: Descriptor
  /** Of the file that is missing or cannot be read. */
  readonly path: string
  readonly reason: string
}

/** `data/ks/t-5a1c395eb41f11edb1ab1d3dbd0a2e0b` of a table whose id is given with or without hyphens. */
export function tableDirectory(dataDirectory: string, keyspace: string, table: string, id: string): string {
  return `${dataDirectory}/${keyspace}/${table}-${id.replaceAll('-', '').toLowerCase()}`
}

/** Names of all that is in a directory; none where there is no such directory. */
export function namesIn(disk: Disk, directory: string): string[] {
  try {
    return disk.readdirSync(directory)
  } catch (error) {
    if (isDiskError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}

/** Names of the keyspaces' directories. */
export function listKeyspaces(disk: Disk, dataDirectory: string): string[] {
  if (!disk.isDirectorySync(dataDirectory)) return []
  return disk
    .readdirSync(dataDirectory)
    .filter((name) => /^\w+$/.test(name) && disk.isDirectorySync(`${dataDirectory}/${name}`))
    .sort()
}

/** The directories of a keyspace's tables, also of tables that were dropped. */
export function listTableDirectories(disk: Disk, dataDirectory: string, keyspace: string): TableDirectory[] {
  const parent = `${dataDirectory}/${keyspace}`
  if (!disk.isDirectorySync(parent)) return []
  return disk
    .readdirSync(parent)
    .sort()
    .flatMap((name) => {
      const match = TABLE_DIRECTORY.exec(name)
      const directory = `${parent}/${name}`
      if (match === null || !disk.isDirectorySync(directory)) return []
      const id = match[2]!.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
      return [{ directory, table: match[1]!, id }]
    })
}

/**
 * The SSTables of a directory (`Directories.SSTableLister`). Files of other kinds, and folders, are passed over; an SSTable
 * that is not whole is reported, and never among those to be used. Other transactions may be under way, unless the names
 * of all that is in the directory are given.
 */
export function listSSTables(disk: Disk, directory: string, names?: readonly string[]): SSTableListing {
  const found = new Map<string, { descriptor: Descriptor; components: string[] }>()
  const problems: SSTableProblem[] = []
  // Logs are removed last, so they are looked at last.
  for (const name of names ?? namesIn(disk, directory)) {
    const file = parseFileName(directory, name)
    if (file === null || name.endsWith('.tmp')) continue
    const key = descriptorName(file.descriptor)
    const listed = found.get(key)
    if (listed === undefined) found.set(key, { descriptor: file.descriptor, components: [file.component] })
    else listed.components.push(file.component)
  }
  const hidden = unfinished(disk, directory, names ?? namesIn(disk, directory))
  const sstables: ListedSSTable[] = []
  const temporary: ListedSSTable[] = []
  for (const [name, listed] of [...found].sort(([, a], [, b]) => compareIds(a.descriptor, b.descriptor))) {
    listed.components.sort()
    if (hidden.has(`${name}-`)) temporary.push(listed)
    else {
      const problem = problemOf(disk, listed)
      if (problem === null) sstables.push(listed)
      else problems.push(problem)
    }
  }
  return { sstables, temporary, problems }
}

/** What transactions would remove if they ended now. */
function unfinished(disk: Disk, directory: string, names: readonly string[]): ReadonlySet<string> {
  const prefixes = new Set<string>()
  for (const name of names.filter(isLogFile)) {
    const path = `${directory}/${name}`
    if (!disk.existsSync(path)) continue
    for (const prefix of removedByLog(readLogFile(disk, path))) prefixes.add(prefix)
  }
  return prefixes
}

function problemOf(disk: Disk, { descriptor, components }: ListedSSTable): SSTableProblem | null {
  const name = `${descriptor.directory}/${descriptorName(descriptor)}`
  const { format, version } = descriptor
  if (format !== 'big' || formatVersion(version) === null) {
    const reason = `SSTables of the format ${version}-${format} cannot be read`
    return { descriptor, path: `${name}-${components[0]}`, reason }
  }
  const missing = (component: string, reason: string): SSTableProblem => {
    return { descriptor, path: `${name}-${component}`, reason }
  }
  for (const component of REQUIRED) {
    if (!components.includes(component)) return missing(component, 'the file is missing')
  }
  if (disk.fileSizeSync(`${name}-Data.db`) === 0) return missing('Data.db', 'the file is empty')
  if (!components.includes('TOC.txt')) return null
  const named = utf8Text(disk.readFileSync(`${name}-TOC.txt`)).split('\n')
  // An index with nothing in it has no files, and TOC.txt names them nevertheless.
  const absent = named.find(
    (component) =>
      isComponent(component) && !components.includes(component) && !REPLACEABLE.includes(component),
  )
  return absent === undefined ? null : missing(absent, 'the file is missing, and TOC.txt names it')
}

/** By number; UUIDs after all numbers, by their text (`SSTableIdFactory.COMPARATOR`). */
function compareIds(a: Descriptor, b: Descriptor): number {
  const isNumber = SSTABLE_NUMBER.test(a.id)
  if (isNumber !== SSTABLE_NUMBER.test(b.id)) return isNumber ? -1 : 1
  if (isNumber) return Number(a.id) - Number(b.id)
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/**
 * The greatest number that an SSTable of the directory has, whole or not, or one among its backups; 0 where there is none.
 * Those given out from now on are greater (`SequenceBasedSSTableId.Builder`).
 */
export function lastGeneration(
  disk: Disk,
  directory: string,
  names: readonly string[] = namesIn(disk, directory),
): number {
  let last = 0
  const backups = `${directory}/${BACKUPS}`
  for (const name of [...names, ...(names.includes(BACKUPS) ? namesIn(disk, backups) : [])]) {
    const id = parseFileName(directory, name)?.descriptor.id
    if (id !== undefined && SSTABLE_NUMBER.test(id)) last = Math.max(last, Number(id))
  }
  return last
}

/**
 * Removes the directory of a table that was dropped, whose SSTables are gone. It stays, and false is returned, where
 * something is in it: snapshots, backups, or files that nobody here knows.
 */
export function removeTableDirectory(disk: Disk, directory: string): boolean {
  if (!disk.isDirectorySync(directory)) return true
  for (const name of disk.readdirSync(directory)) {
    const path = `${directory}/${name}`
    if ((name !== SNAPSHOTS && name !== BACKUPS) || !disk.isDirectorySync(path)) return false
    if (disk.readdirSync(path).length > 0) return false
  }
  disk.removeSync(directory)
  disk.fsyncDirectorySync(directory.slice(0, directory.lastIndexOf('/')))
  return true
}
