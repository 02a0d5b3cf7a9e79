import { utf8Text } from '../../common/bytes.ts'
import type { Disk } from '../../io/disk.ts'
import { type RemovalStep, removeNow, sstableRemoval } from './delete-files.ts'
import {
  type FilesOnDisk,
  filesOf,
  filesOnDisk,
  type LogLine,
  type LogRecord,
  parseRecord,
  recordName,
  sameRecord,
  secondsOf,
} from './log-record.ts'
import { OPERATION_TYPES, type OperationType } from './operation-type.ts'

/** `nb_txn_compaction_4aef0d10-c5f1-11ef-8b0e-35d1d1d2a1f5.log`; before 4.0 nothing stood before `txn`. */
const NAME = /^((?:[a-z]+-)?.{2}_)?txn_(.*)_(.*)\.log$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether a file is a transaction log, by its name (`LogFile.isLogFile`). */
export function isLogFile(name: string): boolean {
  return NAME.test(name)
}

/** The name of a transaction's log; `id` is the text of a time UUID. */
export function logFileName(type: OperationType, id: string): string {
  return `nb_txn_${type}_${id}.log`
}

/** A transaction log as it was read. */
export interface LogFile {
  readonly path: string
  readonly lines: readonly LogLine[]
  /** COMMIT is the last record, and it is whole. */
  readonly isCommitted: boolean
  /** COMMIT or ABORT is. */
  readonly isCompleted: boolean
}

/** Reads a log, whatever it holds. */
export function readLogFile(disk: Disk, path: string): LogFile {
  // What was torn may be no UTF-8; then it is no record either.
  const text = utf8Text(disk.readFileSync(path)).split(/\r\n|\n|\r/)
  if (text.at(-1) === '') text.pop()
  const lines = text.map(parseRecord)
  const last = lines.at(-1)
  const final = last !== undefined && last.error === null ? last.record : null
  return {
    path,
    lines,
    isCommitted: final?.type === 'COMMIT',
    isCompleted: final?.type === 'COMMIT' || final?.type === 'ABORT',
  }
}

/** What stands in a log, and whether it may be acted upon. */
export interface VerifiedLog {
  readonly log: LogFile
  /** Why not, as Cassandra says it; null where it may. */
  readonly error: string | null
  /** The last record was not written to its end; it is left out. */
  readonly warning: string | null
}

/** The directory of a log, and the names of the files in it. */
export interface LogDirectory {
  readonly path: string
  readonly names: readonly string[]
}

/**
 * Whether a log can be trusted (`LogFile.verify`). Files are not deleted by mistake: those of a REMOVE must be what they
 * were when it was written. A last record that is torn is no COMMIT; then nothing of what was there before may be missing.
 */
export function verifyLogFile(disk: Disk, directory: LogDirectory, log: LogFile): VerifiedLog {
  const { path, lines } = log
  const failed = (error: string): VerifiedLog => ({ log, error, warning: null })
  const named = NAME.exec(path.slice(path.lastIndexOf('/') + 1))
  if (!OPERATION_TYPES.some((type) => type === named?.[2])) {
    return failed(`Invalid fileName for operation type: ${named?.[2]}`)
  }
  if (!UUID.test(named![3]!)) return failed(`Invalid transaction id: ${named![3]}`)
  const structure = structureError(lines)
  if (structure !== null) return failed(structure)
  const onDisk = new Map<LogRecord, FilesOnDisk>()
  const errors: (string | null)[] = []
  for (const { record, error } of lines) {
    if (error !== null) errors.push(error)
    else {
      const elsewhere = isElsewhere(disk, directory, record!)
      if (elsewhere !== null) return failed(elsewhere)
      errors.push(verifyFiles(disk, directory, record!, onDisk))
    }
  }
  const firstBad = errors.findIndex((error) => error !== null)
  if (firstBad < 0) return { log, error: null, warning: null }
  // Cassandra takes one line for torn. What a loss of power leaves of a record may have line ends in it.
  const isTorn = firstBad === lines.length - 1 || lines.slice(firstBad).every(({ error }) => error !== null)
  if (!isTorn) return failed(errors[firstBad]!)
  const whole = lines.slice(0, firstBad)
  for (const { record } of whole) {
    const found = onDisk.get(record!)?.numFiles ?? record!.numFiles
    if (found >= record!.numFiles) continue
    const counts = `number of files [${found}] should have been [${record!.numFiles}]`
    return failed(`Incomplete fileset detected for sstable [${recordName(record!)}]: ${counts}.`)
  }
  const torn = `Last record of the transaction is corrupt or incomplete [${errors[firstBad]}]`
  const warning = `${torn}, but all previous records match state on disk; continuing`
  return { log: { ...log, lines: whole }, error: null, warning }
}

/** What no log has, whatever the files are like (`LogReplicaSet.readRecords`). */
function structureError(lines: readonly LogLine[]): string | null {
  const seen: LogRecord[] = []
  for (const [i, { record, error, text }] of lines.entries()) {
    if (record === null || error !== null) continue
    if (seen.some((other) => sameRecord(other, record))) return `Duplicated record: ${text}`
    if ((record.type === 'COMMIT' || record.type === 'ABORT') && i !== lines.length - 1) {
      return `This record should have been the last one in all replicas: ${text}`
    }
    seen.push(record)
  }
  return null
}

/** What is wrong with the files of a record; notes those of a REMOVE. */
function verifyFiles(
  disk: Disk,
  directory: LogDirectory,
  record: LogRecord,
  onDisk: Map<LogRecord, FilesOnDisk>,
): string | null {
  if (record.type !== 'REMOVE') return null
  const files = filesOf(directory.names, recordName(record))
  const found = filesOnDisk(disk, directory.path, files)
  onDisk.set(record, found)
  const { updateTimeMs } = found
  if (updateTimeMs === 0 || secondsOf(updateTimeMs) === secondsOf(record.updateTimeMs)) return null
  // Earlier versions counted Statistics.db too.
  const all = Math.max(...files.map((name) => disk.modifiedMsSync(`${directory.path}/${name}`)))
  if (secondsOf(all) === secondsOf(record.updateTimeMs)) return null
  const times = `last update time (${updateTimeMs}) should have been (${record.updateTimeMs})`
  return `Unexpected files detected for sstable [${recordName(record)}]: ${times}`
}

/**
 * Records name files by their absolute paths. In a data directory that was moved they are those of the log's own directory;
 * where the other directory exists, it is another disk's (or what this one was copied from), and must be left alone.
 */
function isElsewhere(disk: Disk, directory: LogDirectory, record: LogRecord): string | null {
  if (record.path === '') return null
  const parent = record.path.slice(0, record.path.lastIndexOf('/'))
  if (parent === directory.path || !disk.existsSync(parent)) return null
  if (disk.realPathSync(parent) === directory.path) return null
  return `${record.path} is in another directory than the transaction log; a table has one directory here`
}

/** Paths of the SSTables that a log would remove: the old ones if it is committed, otherwise the new ones. */
export function removedByLog({ lines, isCommitted }: LogFile): readonly string[] {
  const type = isCommitted ? 'REMOVE' : 'ADD'
  return lines.flatMap(({ record, error }) =>
    record?.type === type && error === null ? [recordName(record)] : [],
  )
}

/**
 * Removes what a log that was verified leaves over, and then the log (`LogFile.removeUnfinishedLeftovers`); durably between the
 * two. That the log is gone is durable with the next sync of the directory: the one that comes before an SSTable is created
 * is early enough, lest an id that is given out again should find a log that knows it. Returns the names of the files.
 */
export function* leftoverRemoval(
  disk: Disk,
  directory: string,
  log: LogFile,
): Generator<RemovalStep, string[]> {
  const prefixes = removedByLog(log)
  const removed: string[] = []
  for (const prefix of prefixes) removed.push(...(yield* sstableRemoval(disk, directory, prefix)))
  // Also what was removed before, while the transaction went on.
  if (prefixes.length > 0) yield { syncDirectory: directory }
  yield { unlink: log.path }
  return removed
}

/** The same at once. */
export function removeLeftovers(disk: Disk, directory: string, log: LogFile): string[] {
  return removeNow(disk, leftoverRemoval(disk, directory, log))
}
