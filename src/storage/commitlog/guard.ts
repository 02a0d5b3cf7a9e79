/**
 * A file in front of the segments that keeps Apache Cassandra from starting on a log that it cannot read: it gives up
 * the last segment of a log when that is unreadable, starts, and removes it; with one before the last it stops. So a
 * directory that was not drained loses nothing when Cassandra is started on it.
 */
import { utf8Bytes } from '../../common/bytes.ts'
import { type Disk, isDiskError, writeFullySync } from '../../io/disk.ts'
import { COMMIT_LOG_VERSION, segmentFileName } from './format.ts'

/** No segment has it. */
export const GUARD_ID = 0
const TEXT = `The commit log in this directory was written by Sibyl, in its version ${COMMIT_LOG_VERSION}, and is not empty.
Apache Cassandra cannot replay it, and stops at this file. Start Sibyl on this data directory, run
\`sibyl nodetool drain\`, and stop it; then this file and the others named CommitLog-1-* are gone, and
Cassandra starts on what is left.
`

/** Puts the file there, unless it is. Throws a DiskError. */
export function placeGuard(disk: Disk, directory: string): void {
  const path = `${directory}/${segmentFileName(GUARD_ID)}`
  if (disk.existsSync(path)) return
  const file = disk.openSync(path, 'create')
  try {
    const text = utf8Bytes(TEXT)
    writeFullySync(file, text, 0, text.length, 0)
  } finally {
    file.closeSync()
  }
}

/** Takes it away: nothing is in the log. */
export function removeGuard(disk: Disk, directory: string): void {
  try {
    disk.unlinkSync(`${directory}/${segmentFileName(GUARD_ID)}`)
  } catch (error) {
    if (!isDiskError(error) || error.code !== 'ENOENT') throw error
  }
}
