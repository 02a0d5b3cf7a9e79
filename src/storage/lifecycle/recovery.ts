import { type Disk, isDiskError } from '../../io/disk.ts'
import { unlinkIfThere } from './delete-files.ts'
import { isLogFile, readLogFile, removeLeftovers, type VerifiedLog, verifyLogFile } from './log-file.ts'

/** A transaction that was found and brought to its end. */
export interface RecoveredTransaction {
  readonly path: string
  readonly isCommitted: boolean
  /** Names of the files that were removed, the log apart. */
  readonly removed: readonly string[]
  /** What was noticed, for the log of the server. */
  readonly warning: string | null
}

export interface RecoveryReport {
  readonly transactions: readonly RecoveredTransaction[]
  /** Names of temporary files that were removed. */
  readonly temporary: readonly string[]
}

/**
 * Transaction logs say what the files do not: nothing is removed that should perhaps be kept, so the table cannot be opened
 * (`StartupException.ERR_WRONG_DISK_STATE`).
 */
export class WrongDiskStateError extends Error {
  /** Of each log that was refused: its path, and why. */
  readonly logs: readonly { readonly path: string; readonly reason: string }[]

  constructor(directory: string, logs: readonly { readonly path: string; readonly reason: string }[]) {
    const reasons = logs.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
    super(
      `Cannot remove temporary or obsoleted files for ${directory} due to a problem with transaction log files. ${reasons}`,
    )
    this.name = 'WrongDiskStateError'
    this.logs = logs
  }
}

/** Whether a file is there only while a transaction goes on, or because one did not end. */
export function isLeftover(name: string): boolean {
  return isLogFile(name) || name.endsWith('.tmp')
}

/**
 * Ends all transactions whose logs are in a table's directory, ours and Cassandra's (`LogTransaction.
 * removeUnfinishedLeftovers`): of one that was committed the old SSTables go, of any other the new ones. Also removes what
 * was half replaced (`*.tmp`). To be called before anything of the directory is opened; nothing is there, nothing is done.
 * Throws a WrongDiskStateError when all that could be ended has been, and a DiskError.
 */
export function recoverTransactions(disk: Disk, directory: string): RecoveryReport {
  if (!disk.isDirectorySync(directory)) return { transactions: [], temporary: [] }
  const path = disk.realPathSync(directory)
  const transactions: RecoveredTransaction[] = []
  const refused: { path: string; reason: string }[] = []
  for (const name of disk.readdirSync(path).filter(isLogFile).sort()) {
    const logPath = `${path}/${name}`
    // What was deleted before the crash must not come back while others are deleted by what is left (CASSANDRA-12261).
    disk.fsyncDirectorySync(path)
    const verified = verify(disk, path, logPath)
    if (verified.error !== null) {
      refused.push({ path: logPath, reason: verified.error })
      continue
    }
    const { log, warning } = verified
    // A COMMIT may have been written and not synced; power may fail while files are removed on its behalf.
    syncFile(disk, logPath)
    const removed = removeLeftovers(disk, path, log)
    disk.fsyncDirectorySync(path)
    transactions.push({ path: logPath, isCommitted: log.isCommitted, removed, warning })
  }
  if (refused.length > 0) throw new WrongDiskStateError(directory, refused)
  return { transactions, temporary: removeTemporaryFiles(disk, path) }
}

function verify(disk: Disk, directory: string, path: string): VerifiedLog {
  const names = disk.readdirSync(directory)
  try {
    return verifyLogFile(disk, { path: directory, names }, readLogFile(disk, path))
  } catch (error) {
    if (!isDiskError(error) || error.code === 'ECRASHED') throw error
    const log = { path, lines: [], isCommitted: false, isCompleted: false }
    return { log, error: error.message, warning: null }
  }
}

function syncFile(disk: Disk, path: string): void {
  const file = disk.openSync(path, 'update')
  try {
    file.fsyncSync()
  } finally {
    file.closeSync()
  }
}

/** `nb-1-big-Statistics.db.tmp` and the like: of a rename that did not happen. */
function removeTemporaryFiles(disk: Disk, directory: string): string[] {
  const temporary = disk.readdirSync(directory).filter((name) => name.endsWith('.tmp'))
  for (const name of temporary) unlinkIfThere(disk, `${directory}/${name}`)
  return temporary
}
