import { readInt32 } from '../../common/bytes.ts'
import { parseClassName } from '../../types/index.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { ByteSink } from './byte-sink.ts'
import { readBound } from './clustering-codec.ts'
import { type ChunkSource, FileCursor } from './file-cursor.ts'
import { readStatistics, readTypes } from './statistics.ts'
import type { FormatVersion } from './version.ts'

/** What of Statistics.db is written anew while an SSTable lives; undefined leaves it as it is. */
export interface StatisticsChange {
  readonly level?: number
  /** Not repaired, nor in a repair, nor transient (`ActiveRepairService.UNREPAIRED_SSTABLE`). */
  readonly clearRepaired?: boolean
  /** What is in it stands in no commit log: a truncation there does not mean it. */
  readonly clearCommitLog?: boolean
}

const STATS = 2
const INT_MAX = 0x7fffffff

/**
 * Statistics.db with another level, or as of an SSTable that was never repaired (`MetadataSerializer.mutate`); everything else
 * is kept byte for byte. Throws a CorruptSSTableError.
 */
export function changedStatistics(
  path: string,
  bytes: Uint8Array,
  version: FormatVersion,
  change: StatisticsChange,
): Uint8Array {
  // All checksums are right, and all of it can be read.
  readStatistics(path, bytes, version)
  const count = readInt32(bytes, 0)
  const components: Uint8Array[] = []
  const types: number[] = []
  for (let i = 0; i < count; i++) {
    const from = readInt32(bytes, 12 + i * 8)
    const end = i + 1 < count ? readInt32(bytes, 20 + i * 8) : bytes.length
    const type = readInt32(bytes, 8 + i * 8)
    const content = bytes.subarray(from, end - 4)
    types.push(type)
    components.push(type === STATS ? changedStats(path, content, version, change) : content)
  }
  const out = new ByteSink(bytes.length + 32)
  out.int32(count)
  const countChecksum = crc32(out.u8, 0, 4)
  out.int32(countChecksum)
  let position = 12 + count * 8
  components.forEach((content, i) => {
    out.int32(types[i]!)
    out.int32(position)
    position += content.length + 4
  })
  out.int32(crc32(out.u8, 8, count * 8, countChecksum))
  for (const content of components) {
    out.bytes(content, 0, content.length)
    out.int32(crc32(content, 0, content.length))
  }
  return out.u8.slice(0, out.length)
}

/** The stats component up to and behind what may be changed; see `readStats` of statistics.ts for the layout. */
function changedStats(
  path: string,
  bytes: Uint8Array,
  version: FormatVersion,
  { level, clearRepaired, clearCommitLog }: StatisticsChange,
): Uint8Array {
  const part = { bytes, offset: 0, length: bytes.length, position: 0 }
  const source: ChunkSource = { path, length: bytes.length, chunkAt: () => part }
  const cursor = new FileCursor(source)
  for (let i = 0; i < 2; i++) cursor.skip(cursor.int32() * 16)
  // A position, timestamps, times of deletion, TTLs, and the ratio of compression.
  cursor.skip(12 + 16 + 8 + 8 + 8)
  cursor.skip(4)
  cursor.skip(cursor.int32() * (version.hasUnsignedDeletionTime ? 12 : 16))
  const levelAt = cursor.position
  const repairedAt = levelAt + 4
  cursor.seek(repairedAt + 8)
  skipCovered(cursor, version)
  // Legacy shards, columns, rows, and a position.
  cursor.skip(1 + 8 + 8 + 12)
  const intervalsAt = cursor.position
  cursor.skip(cursor.int32() * 24)
  const pendingAt = cursor.position
  const pendingEnd = pendingAt + (cursor.byte() === 0 ? 1 : 17)
  const out = new ByteSink(bytes.length + 16)
  out.bytes(bytes, 0, levelAt)
  if (level === undefined) out.bytes(bytes, levelAt, 4)
  else out.int32(level)
  if (clearRepaired === true) out.bigInt64(0n)
  else out.bytes(bytes, repairedAt, 8)
  out.bytes(bytes, repairedAt + 8, intervalsAt - repairedAt - 8)
  if (clearCommitLog === true) out.int32(0)
  else out.bytes(bytes, intervalsAt, pendingAt - intervalsAt)
  if (clearRepaired !== true) out.bytes(bytes, pendingAt, bytes.length - pendingAt)
  else {
    out.byte(0)
    out.byte(0)
    out.bytes(bytes, pendingEnd + 1, bytes.length - pendingEnd - 1)
  }
  return out.u8.slice(0, out.length)
}

function skipCovered(cursor: FileCursor, version: FormatVersion): void {
  if (version.hasImprovedMinMax) {
    const types = readTypes(cursor).map((name) => parseClassName(name))
    readBound(cursor, types, cursor.byte())
    readBound(cursor, types, cursor.byte())
    return
  }
  for (let i = 0; i < 2; i++) {
    for (let left = Math.min(INT_MAX, cursor.int32()); left > 0; left--) cursor.skip(cursor.uint16())
  }
}
