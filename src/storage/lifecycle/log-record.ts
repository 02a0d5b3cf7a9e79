import { utf8Bytes, writeInt32 } from '../../common/bytes.ts'
import type { Disk } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'

/**
 * A line of a transaction log (`LogRecord`): `TYPE:[path,update time,number of files][checksum]`. The path of an SSTable
 * goes up to the hyphen before the component's name.
 */
export interface LogRecord {
  readonly type: 'ADD' | 'REMOVE' | 'COMMIT' | 'ABORT'
  /** Of ADD and REMOVE; empty for the others. */
  readonly path: string
  /** Of REMOVE: when the newest of the files was changed, milliseconds since the epoch; 0 for the others. */
  readonly updateTimeMs: number
  /** Of ADD those that there will be, as far as that is known; of REMOVE those that there were. */
  readonly numFiles: number
}

/** A line that was read, and what is wrong with it. */
export interface LogLine {
  readonly text: string
  /** Null where the line is no record. */
  readonly record: LogRecord | null
  /** Null where nothing is wrong. */
  readonly error: string | null
}

/** An SSTable's files as they are on disk, for a REMOVE. */
export interface FilesOnDisk {
  readonly updateTimeMs: number
  readonly numFiles: number
}

// Cassandra's pattern has no commas in paths, so that it cannot read its own records of such a directory; here they may be.
const LINE = /^(add|remove|commit|abort):\[(.*),(\d+),(\d+)\]\[(\d+)\]$/i
const INT_MAX = 0x7fffffff

/** `nb-1-big-` of `/data/ks/t-id/nb-1-big-`. */
export function recordName(record: LogRecord): string {
  return record.path.slice(record.path.lastIndexOf('/') + 1)
}

/** CRC-32 of path, type, update time (low half first) and number of files, as an unsigned number. */
export function recordChecksum({ type, path, updateTimeMs, numFiles }: LogRecord): number {
  const text = utf8Bytes(path + type)
  const numbers = new Uint8Array(12)
  writeInt32(numbers, 0, updateTimeMs % 0x1_0000_0000)
  writeInt32(numbers, 4, Math.floor(updateTimeMs / 0x1_0000_0000))
  writeInt32(numbers, 8, numFiles)
  return crc32(numbers, 0, 12, crc32(text, 0, text.length)) >>> 0
}

/** The line of a record, without its end. */
export function recordText(record: LogRecord): string {
  const { type, path, updateTimeMs, numFiles } = record
  return `${type}:[${path},${updateTimeMs},${numFiles}][${recordChecksum(record)}]`
}

/** Reads a line. A record whose checksum is wrong comes with an error. */
export function parseRecord(text: string): LogLine {
  const match = LINE.exec(text)
  if (match === null) return { text, record: null, error: `Failed to parse [${text}]` }
  const type = match[1]!.toUpperCase() as LogRecord['type']
  const hasFile = type === 'ADD' || type === 'REMOVE'
  const numFiles = Number(match[4])
  const updateTimeMs = Number(match[3])
  if (numFiles > INT_MAX || !Number.isSafeInteger(updateTimeMs)) {
    return { text, record: null, error: `Failed to parse [${text}]` }
  }
  const record: LogRecord = {
    type,
    path: hasFile ? match[2]! : '',
    updateTimeMs: type === 'REMOVE' ? updateTimeMs : 0,
    numFiles: hasFile ? numFiles : 0,
  }
  const checksum = recordChecksum(record)
  if (match[5] === String(checksum)) return { text, record, error: null }
  const error = `Invalid checksum for sstable [${recordName(record)}]: [${match[5]}] should have been [${checksum}]`
  return { text, record, error }
}

/** Two records of one log must not say the same (`LogRecord.equals`). */
export function sameRecord(a: LogRecord, b: LogRecord): boolean {
  return (
    a.type === b.type && a.path === b.path && a.numFiles === b.numFiles && a.updateTimeMs === b.updateTimeMs
  )
}

/** The files of an SSTable among the names of its directory; `prefix` is `nb-1-big-`. */
export function filesOf(names: readonly string[], prefix: string): string[] {
  return names.filter((name) => name.startsWith(prefix))
}

/**
 * What a REMOVE says of files. The time of Statistics.db is left out, since that file may be written anew while the SSTable
 * lives, and so is whatever is temporary.
 */
export function filesOnDisk(disk: Disk, directory: string, files: readonly string[]): FilesOnDisk {
  let updateTimeMs = 0
  let numFiles = 0
  for (const name of files) {
    if (name.endsWith('.tmp')) continue
    const time = disk.modifiedMsSync(`${directory}/${name}`)
    if (time <= 0) continue
    numFiles++
    if (!name.endsWith('-Statistics.db')) updateTimeMs = Math.max(updateTimeMs, time)
  }
  return { updateTimeMs, numFiles }
}

/** Times are compared in seconds, since older ones have no more (`LogFile.truncateMillis`). */
export function secondsOf(timeMs: number): number {
  return Math.floor(timeMs / 1000)
}
