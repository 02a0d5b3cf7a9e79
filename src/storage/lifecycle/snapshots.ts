import { utf8Bytes } from '../../common/bytes.ts'
import { createFileSync, type Disk, isDiskError } from '../../io/disk.ts'
import { descriptorName } from '../sstable/descriptor.ts'
import {
  type ListedSSTable,
  listKeyspaces,
  listTableDirectories,
  SNAPSHOTS,
  type TableDirectory,
} from './directories.ts'
import { instantText, manifestText, parseManifest } from './snapshot-manifest.ts'

/** How a snapshot is to be taken. */
export interface SnapshotOptions {
  readonly name: string
  /** Wall time, milliseconds since the epoch. */
  readonly nowMs: number
  /** The statements that make the table again, for schema.cql; null for tables of the system's. */
  readonly schema: string | null
  /** After so many seconds it may be removed; null for never. */
  readonly ttlSeconds?: number | null
  readonly ephemeral?: boolean
}

/** A snapshot of one table (`TableSnapshot`), as `nodetool listsnapshots` shows it. */
export interface TableSnapshot {
  readonly name: string
  readonly keyspace: string
  readonly table: string
  /** With hyphens. */
  readonly tableId: string
  readonly directory: string
  /** Bytes of files that the table does not have any more: what the snapshot costs. */
  readonly trueSize: number
  /** Bytes of all of its files. */
  readonly sizeOnDisk: number
  /** ISO texts. Without a manifest, when its directory was last changed; null where that is not known either. */
  readonly createdAt: string | null
  readonly expiresAt: string | null
  readonly ephemeral: boolean
}

/** The snapshot that TRUNCATE takes first (`ColumnFamilyStore.SNAPSHOT_TRUNCATE_PREFIX`). */
export function truncateSnapshotName(nowMs: number, table: string): string {
  return `truncated-${nowMs}-${table}`
}

/** That of DROP TABLE (`ColumnFamilyStore.SNAPSHOT_DROP_PREFIX`). */
export function dropSnapshotName(nowMs: number, table: string): string {
  return `dropped-${nowMs}-${table}`
}

/** Whether a table has a snapshot of that name. */
export function snapshotExists(disk: Disk, directory: string, name: string): boolean {
  return disk.existsSync(`${directory}/${SNAPSHOTS}/${name}`)
}

/** Refuses names as `StorageService.takeSnapshot` does, in its words. */
export function checkSnapshotName(name: string): void {
  if (name === '') throw new Error('You must supply a snapshot name.')
  if (name.includes('/')) throw new Error('Snapshot name cannot contain /')
  if (name === '.' || name === '..') throw new Error(`Snapshot name cannot be ${name}`)
}

/**
 * Takes a snapshot of SSTables that are held while it is taken (`ColumnFamilyStore.createSnapshot`): hard links to all of
 * their files, then manifest.json and schema.cql, all of it durable at the end. A snapshot without its manifest was not
 * finished. Throws an Error when there is one of that name, and a DiskError; what was made is removed again then.
 */
export function takeSnapshot(
  disk: Disk,
  directory: string,
  sstables: readonly ListedSSTable[],
  { name, nowMs, schema, ttlSeconds = null, ephemeral = false }: SnapshotOptions,
): string {
  checkSnapshotName(name)
  if (ephemeral && ttlSeconds !== null) {
    throw new Error(`can not take ephemeral snapshot (${name}) while ttl is specified too`)
  }
  if (snapshotExists(disk, directory, name)) throw new Error(`Snapshot ${name} already exists.`)
  const target = `${directory}/${SNAPSHOTS}/${name}`
  disk.mkdirpSync(target)
  try {
    for (const { descriptor, components } of sstables) {
      for (const component of components) {
        const file = `${descriptorName(descriptor)}-${component}`
        disk.linkSync(`${descriptor.directory}/${file}`, `${target}/${file}`)
      }
    }
    if (schema !== null) {
      const text = schema.endsWith('\n') ? schema : `${schema}\n`
      createFileSync(disk, `${target}/schema.cql`, utf8Bytes(text))
    }
    const manifest = {
      files: sstables.map(({ descriptor }) => `${descriptorName(descriptor)}-Data.db`),
      createdAt: instantText(nowMs),
      expiresAt: ttlSeconds === null ? null : instantText(nowMs + ttlSeconds * 1000),
      ephemeral,
    }
    createFileSync(disk, `${target}/manifest.json`, utf8Bytes(manifestText(manifest)))
    disk.fsyncDirectorySync(target)
  } catch (error) {
    try {
      disk.removeSync(target)
    } catch {
      // Whoever called hears of the first error.
    }
    throw error
  }
  return target
}

/**
 * All snapshots of a data directory, also those of tables that were dropped (`SnapshotLoader`). Ephemeral ones and those that
 * have expired are among them.
 */
export function listSnapshots(
  disk: Disk,
  dataDirectory: string,
  keyspaces?: readonly string[],
): TableSnapshot[] {
  const found: TableSnapshot[] = []
  for (const keyspace of listKeyspaces(disk, dataDirectory)) {
    if (keyspaces !== undefined && !keyspaces.includes(keyspace)) continue
    for (const table of listTableDirectories(disk, dataDirectory, keyspace)) {
      found.push(...listTableSnapshots(disk, keyspace, table))
    }
  }
  return found
}

/** The snapshots of one table. */
export function listTableSnapshots(disk: Disk, keyspace: string, table: TableDirectory): TableSnapshot[] {
  const parent = `${table.directory}/${SNAPSHOTS}`
  if (!disk.isDirectorySync(parent)) return []
  return disk
    .readdirSync(parent)
    .sort()
    .flatMap((name) => {
      const directory = `${parent}/${name}`
      return disk.isDirectorySync(directory) ? [snapshotOf(disk, keyspace, table, name, directory)] : []
    })
}

function snapshotOf(
  disk: Disk,
  keyspace: string,
  table: TableDirectory,
  name: string,
  directory: string,
): TableSnapshot {
  const manifestPath = `${directory}/manifest.json`
  const manifest = disk.existsSync(manifestPath) ? parseManifest(disk.readFileSync(manifestPath)) : null
  const changedMs = disk.modifiedMsSync(directory)
  const sizes = { all: 0, own: 0 }
  addSizes(disk, directory, table.directory, sizes)
  return {
    name,
    keyspace,
    table: table.table,
    tableId: table.id,
    directory,
    trueSize: sizes.own,
    sizeOnDisk: sizes.all,
    createdAt: manifest?.createdAt ?? (changedMs === 0 ? null : instantText(changedMs)),
    expiresAt: manifest?.expiresAt ?? null,
    // Before 4.1 a file said so.
    ephemeral: manifest?.ephemeral === true || disk.existsSync(`${directory}/ephemeral.snapshot`),
  }
}

/** Sizes of the files below, those of indexes among them; the table's own files stand in `live`, under the same names. */
function addSizes(disk: Disk, directory: string, live: string, sizes: { all: number; own: number }): void {
  for (const name of disk.readdirSync(directory)) {
    const path = `${directory}/${name}`
    if (disk.isDirectorySync(path)) {
      addSizes(disk, path, `${live}/${name}`, sizes)
      continue
    }
    const bytes = disk.fileSizeSync(path)
    sizes.all += bytes
    if (!disk.existsSync(`${live}/${name}`)) sizes.own += bytes
  }
}

/** Which snapshots are to be removed; what is left out is not asked for. */
export interface SnapshotFilter {
  readonly keyspaces?: readonly string[]
  readonly name?: string
  /** Only those that were taken before, milliseconds since the epoch. */
  readonly olderThanMs?: number
}

/**
 * Removes snapshots (`StorageService.clearSnapshot`) and returns them. Ephemeral ones are not the user's to remove. Throws a
 * DiskError.
 */
export function clearSnapshots(disk: Disk, dataDirectory: string, filter: SnapshotFilter): TableSnapshot[] {
  const { name, olderThanMs } = filter
  const removed = listSnapshots(disk, dataDirectory, filter.keyspaces).filter((snapshot) => {
    if (snapshot.ephemeral || (name !== undefined && snapshot.name !== name)) return false
    if (olderThanMs === undefined || snapshot.createdAt === null) return true
    return Date.parse(snapshot.createdAt) < olderThanMs
  })
  for (const snapshot of removed) removeSnapshot(disk, snapshot)
  return removed
}

/** What a repair that did not end has left (`ColumnFamilyStore.clearEphemeralSnapshots`); for the start. */
export function clearEphemeralSnapshots(disk: Disk, dataDirectory: string): TableSnapshot[] {
  const removed = listSnapshots(disk, dataDirectory).filter(({ ephemeral }) => ephemeral)
  for (const snapshot of removed) removeSnapshot(disk, snapshot)
  return removed
}

/** Snapshots whose time to live is over (`SnapshotManager.clearExpiredSnapshots`); `nowMs` is wall time. */
export function clearExpiredSnapshots(disk: Disk, dataDirectory: string, nowMs: number): TableSnapshot[] {
  const removed = listSnapshots(disk, dataDirectory).filter(
    ({ expiresAt }) => expiresAt !== null && Date.parse(expiresAt) < nowMs,
  )
  for (const snapshot of removed) removeSnapshot(disk, snapshot)
  return removed
}

/** Without its manifest it is no whole one any more, so that goes first. */
function removeSnapshot(disk: Disk, { directory }: TableSnapshot): void {
  try {
    disk.unlinkSync(`${directory}/manifest.json`)
  } catch (error) {
    if (!isDiskError(error) || error.code !== 'ENOENT') throw error
  }
  disk.removeSync(directory)
  disk.fsyncDirectorySync(directory.slice(0, directory.lastIndexOf('/')))
}
