/**
 * The commit log of Apache Cassandra in a directory that it wrote. Its mutations cannot be read here, so such a
 * directory is taken over only when nothing is in them: after `nodetool drain`, or a stop in order, which drains too.
 */
import { readInt32, utf8Text } from '../../common/bytes.ts'
import { ConfigurationError } from '../../common/errors.ts'
import { type Disk, type DiskFile, readFullySync } from '../../io/disk.ts'
import { COMMIT_LOG_VERSION, parseSegmentFileName } from './format.ts'

/** Versions of Cassandra's segments: 3.0, 4.0 (and 5.0 unless told otherwise), 5.0 (`CommitLogDescriptor`). */
const VERSION_MIN = 6
const VERSION_MAX = 8
/** version (int32), id (int64), length of the parameters (uint16); the parameters; a CRC. */
const FIXED_HEADER_BYTES = 14
const CRC_BYTES = 4
/** Offset of the next section (int32) and a CRC; zeros where nothing follows. */
const MARKER_BYTES = 8

/** Whether a segment's file name says that Cassandra wrote it. */
export function isForeignSegment(version: number): boolean {
  return version !== COMMIT_LOG_VERSION && version >= VERSION_MIN && version <= VERSION_MAX
}

/**
 * Throws a ConfigurationError when the directory has segments of Cassandra with mutations in them, or some that are
 * broken, so that nobody can tell. Nothing is changed, also where they are empty: Cassandra passes over those.
 */
export function checkForeignSegments(disk: Disk, directory: string): void {
  if (!disk.isDirectorySync(directory)) return
  const names = disk.readdirSync(directory).filter((name) => {
    const parsed = parseSegmentFileName(name)
    return parsed !== undefined && isForeignSegment(parsed.version)
  })
  const filled = names.sort().filter((name) => !isEmpty(disk, `${directory}/${name}`))
  if (filled.length === 0) return
  throw new ConfigurationError(
    `The commit log of Apache Cassandra in ${directory} is not empty (${filled.join(', ')}), and only Cassandra can ` +
      `replay it. Start Cassandra on this data once more, run \`nodetool drain\`, stop it, and copy the directory ` +
      'anew. Nothing was changed',
  )
}

/** Whether no mutation is in a segment: a header, if anything, and sections with nothing in them. */
function isEmpty(disk: Disk, path: string): boolean {
  const file = disk.openSync(path, 'read')
  try {
    const size = file.sizeSync()
    const fixed = bytesAt(file, 0, Math.min(size, FIXED_HEADER_BYTES))
    // Made, filled with zeros perhaps, and not yet begun: a header is written before anything else.
    if (fixed === null || fixed.every((byte) => byte === 0)) return fixed !== null && isZero(file, size)
    if (fixed.length < FIXED_HEADER_BYTES) return false
    const parameters = (fixed[12]! << 8) | fixed[13]!
    const text = bytesAt(file, FIXED_HEADER_BYTES, parameters)
    // They are JSON; what is none is no header.
    if (text === null || !utf8Text(text).startsWith('{')) return false
    return hasEmptySections(file, FIXED_HEADER_BYTES + parameters + CRC_BYTES, size)
  } finally {
    file.closeSync()
  }
}

/**
 * Sections begin with where they end. The one that a stop writes has nothing in it; compressed, it says that it is 0
 * bytes long; otherwise the first thing in it is the length of a mutation, or 0 at the end (`CommitLogSegmentReader`).
 */
function hasEmptySections(file: DiskFile, first: number, size: number): boolean {
  for (let at = first; at + MARKER_BYTES <= size; ) {
    const marker = bytesAt(file, at, MARKER_BYTES)
    if (marker === null) return false
    const end = readInt32(marker, 0)
    if (end === 0) return readInt32(marker, 4) === 0
    const begin = at + MARKER_BYTES
    if (end < begin || end > size) return false
    const content = bytesAt(file, begin, Math.min(4, end - begin))
    if (content === null || content.some((byte) => byte !== 0)) return false
    at = end
  }
  return true
}

function bytesAt(file: DiskFile, position: number, length: number): Uint8Array | null {
  const bytes = new Uint8Array(length)
  return readFullySync(file, bytes, 0, length, position) === length ? bytes : null
}

/** A segment is filled with zeros before its header is written. */
function isZero(file: DiskFile, size: number): boolean {
  const bytes = new Uint8Array(64 * 1024)
  for (let at = 0; at < size; at += bytes.length) {
    const read = readFullySync(file, bytes, 0, Math.min(bytes.length, size - at), at)
    for (let i = 0; i < read; i++) if (bytes[i] !== 0) return false
  }
  return true
}
