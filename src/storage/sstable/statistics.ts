import { readInt32, utf8Text } from '../../common/bytes.ts'
import { parseClassName } from '../../types/index.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { readBound } from './clustering-codec.ts'
import { CorruptSSTableError } from './corruption.ts'
import { type ChunkSource, FileCursor } from './file-cursor.ts'
import type { FormatVersion } from './version.ts'

/**
 * Statistics.db (`MetadataSerializer`): what is known of an SSTable as a whole.
 *
 * ```
 * number of components (int32), CRC
 * of each: type (int32: 0 validation, 1 compaction, 2 stats, 3 header), offset in the file (int32); then a CRC
 * each component, with a CRC behind it
 * ```
 */
export interface Statistics {
  readonly validation: ValidationMetadata
  /** HyperLogLog++ sketch of the keys, as Cassandra serializes it (`CompactionMetadata`). */
  readonly cardinality: Uint8Array
  readonly stats: StatsMetadata
  readonly header: HeaderComponent
}

export interface ValidationMetadata {
  readonly partitioner: string
  readonly bloomFilterFpChance: number
}

/** Counts by ranges of values: `counts[i]` of values up to `offsets[i]`, the last of all greater ones. */
export interface Histogram {
  readonly offsets: readonly bigint[]
  readonly counts: readonly bigint[]
}

export interface CommitLogPosition {
  readonly segmentId: bigint
  readonly position: number
}

/** `StatsMetadata`. Timestamps in microseconds, times of deletion in seconds since the epoch. */
export interface StatsMetadata {
  readonly partitionSizes: Histogram
  readonly cellsPerPartition: Histogram
  readonly commitLogIntervals: readonly (readonly [CommitLogPosition, CommitLogPosition])[]
  readonly minTimestamp: bigint
  readonly maxTimestamp: bigint
  /** NO_DELETION where nothing is deleted or expires. */
  readonly minLocalDeletionTime: number
  readonly maxLocalDeletionTime: number
  readonly minTtl: number
  readonly maxTtl: number
  readonly compressionRatio: number
  /** How many tombstones fall due in which second, rounded (`TombstoneHistogram`). */
  readonly tombstoneDropTimes: readonly (readonly [seconds: number, count: number])[]
  readonly level: number
  readonly repairedAt: bigint
  /** Bounds of the clusterings there are, as far as they are known; [] for none. */
  readonly minClustering: readonly Uint8Array[]
  readonly maxClustering: readonly Uint8Array[]
  /** Whether clusterings that begin with these bounds are covered; before `oa` they always are. */
  readonly isMinInclusive: boolean
  readonly isMaxInclusive: boolean
  readonly hasLegacyCounterShards: boolean
  readonly totalColumnsSet: bigint
  readonly totalRows: bigint
  readonly pendingRepair: Uint8Array | null
  readonly isTransient: boolean
  readonly originatingHostId: Uint8Array | null
  /** `oa` knows it; in older ones true unless nothing at all is deleted. */
  readonly hasPartitionLevelDeletions: boolean
  /** Share of the tokens between the first and the last; NaN before `oa`. */
  readonly tokenSpaceCoverage: number
  /** Known here from `oa` on; before, Summary.db has them. */
  readonly firstKey: Uint8Array | null
  readonly lastKey: Uint8Array | null
}

/** What the bytes of Data.db are encoded against (`SerializationHeader.Component`). */
export interface HeaderComponent {
  readonly minTimestamp: bigint
  readonly minLocalDeletionTime: number
  readonly minTtl: number
  /** Class names. */
  readonly keyType: string
  readonly clusteringTypes: readonly string[]
  readonly statics: readonly HeaderColumn[]
  readonly regulars: readonly HeaderColumn[]
}

export interface HeaderColumn {
  readonly name: string
  readonly type: string
}

/** No deletion: of times of deletion the greatest. */
export const NO_DELETION = Number.MAX_SAFE_INTEGER
const INT_MAX = 0x7fffffff

/** 2015-09-22T00:00:00Z, from which timestamps and times of deletion are counted (`EncodingStats`). */
export const TIMESTAMP_EPOCH = 1_442_880_000_000_000n
export const DELETION_TIME_EPOCH = 1_442_880_000

const VALIDATION = 0
const COMPACTION = 1
const STATS = 2
const HEADER = 3

/** Reads the file whole. Throws a CorruptSSTableError. */
export function readStatistics(path: string, bytes: Uint8Array, version: FormatVersion): Statistics {
  const parts = readComponents(path, bytes)
  const cursorOf = (type: number): FileCursor => {
    const part = parts.get(type)
    if (part === undefined) throw new CorruptSSTableError(path, -1, `component ${type} is missing`)
    return new FileCursor(part)
  }
  const compaction = cursorOf(COMPACTION)
  const stats = cursorOf(STATS)
  try {
    return {
      validation: readValidation(cursorOf(VALIDATION)),
      cardinality: compaction.copy(compaction.int32()),
      stats: readStats(stats, version),
      header: readHeader(cursorOf(HEADER)),
    }
  } catch (error) {
    if (error instanceof CorruptSSTableError) throw error
    // A type of the covered clusterings that there is none of.
    throw stats.corrupt(error instanceof Error ? error.message : String(error))
  }
}

/** The components by type, each as a source of its own; their checksums are right. */
function readComponents(path: string, bytes: Uint8Array): ReadonlyMap<number, ChunkSource> {
  const check = (from: number, length: number): void => {
    if (from < 0 || length < 0 || from + length + 4 > bytes.length) {
      throw new CorruptSSTableError(path, from, 'the file ends too early')
    }
    if (crc32(bytes, from, length) !== readInt32(bytes, from + length)) {
      throw new CorruptSSTableError(path, from, 'the checksum is not that of the bytes')
    }
  }
  check(0, 4)
  const count = readInt32(bytes, 0)
  const tocEnd = 8 + count * 8
  if (count < 0 || tocEnd + 4 > bytes.length) throw new CorruptSSTableError(path, 0, `${count} components`)
  // The checksum goes on from that of the count.
  const toc = crc32(bytes, 8, count * 8, crc32(bytes, 0, 4))
  if (toc !== readInt32(bytes, tocEnd)) {
    throw new CorruptSSTableError(path, 8, 'the checksum is not that of the bytes')
  }
  const sources = new Map<number, ChunkSource>()
  for (let i = 0; i < count; i++) {
    const from = readInt32(bytes, 12 + i * 8)
    const end = i + 1 < count ? readInt32(bytes, 20 + i * 8) : bytes.length
    check(from, end - from - 4)
    const part = { bytes: bytes.subarray(from, end - 4), offset: 0, length: end - from - 4, position: 0 }
    sources.set(readInt32(bytes, 8 + i * 8), { path, length: part.length, chunkAt: () => part })
  }
  return sources
}

function readValidation(cursor: FileCursor): ValidationMetadata {
  const partitioner = utf8Text(cursor.copy(cursor.uint16()))
  return { partitioner, bloomFilterFpChance: float64(cursor) }
}

function int64(cursor: FileCursor): bigint {
  cursor.int64()
  return (BigInt(cursor.hi) << 32n) | BigInt(cursor.lo >>> 0)
}

function float64(cursor: FileCursor): number {
  cursor.take(8)
  return new DataView(cursor.taken.buffer, cursor.taken.byteOffset + cursor.takenAt, 8).getFloat64(0)
}

function readCount(cursor: FileCursor): number {
  const value = cursor.int32()
  if (value < 0) throw cursor.corrupt(`a count of ${value}`)
  return value
}

function readHistogram(cursor: FileCursor): Histogram {
  const size = readCount(cursor)
  const offsets: bigint[] = []
  const counts: bigint[] = []
  for (let i = 0; i < size; i++) {
    // The first offset stands there twice.
    offsets[i === 0 ? 0 : i - 1] = int64(cursor)
    counts.push(int64(cursor))
  }
  return { offsets, counts }
}

function readPosition(cursor: FileCursor): CommitLogPosition {
  return { segmentId: int64(cursor), position: cursor.int32() }
}

/** A time of deletion as the version has it: NO_DELETION where there is none. */
function deletionTime(value: number, version: FormatVersion): number {
  if (version.hasUnsignedDeletionTime) return value === -1 ? NO_DELETION : value >>> 0
  return value === INT_MAX ? NO_DELETION : value
}

function readStats(cursor: FileCursor, version: FormatVersion): StatsMetadata {
  const partitionSizes = readHistogram(cursor)
  const cellsPerPartition = readHistogram(cursor)
  readPosition(cursor)
  const minTimestamp = int64(cursor)
  const maxTimestamp = int64(cursor)
  const minLocalDeletionTime = deletionTime(cursor.int32(), version)
  const maxLocalDeletionTime = deletionTime(cursor.int32(), version)
  const minTtl = cursor.int32()
  const maxTtl = cursor.int32()
  const compressionRatio = float64(cursor)
  const tombstoneDropTimes = readDropTimes(cursor, version)
  const level = cursor.int32()
  const repairedAt = int64(cursor)
  const covered = version.hasImprovedMinMax ? readCoveredSlice(cursor) : readLegacyBounds(cursor)
  const hasLegacyCounterShards = cursor.byte() !== 0
  const totalColumnsSet = int64(cursor)
  const totalRows = int64(cursor)
  readPosition(cursor)
  const commitLogIntervals = readIntervals(cursor)
  const pendingRepair = cursor.byte() === 0 ? null : cursor.copy(16)
  const isTransient = cursor.byte() !== 0
  const originatingHostId = version.hasOriginatingHostId && cursor.byte() !== 0 ? cursor.copy(16) : null
  const hasPartitionLevelDeletions = version.hasImprovedMinMax
    ? cursor.byte() !== 0
    : minLocalDeletionTime !== NO_DELETION
  const firstKey = version.hasImprovedMinMax ? cursor.copy(cursor.vint()) : null
  const lastKey = version.hasImprovedMinMax ? cursor.copy(cursor.vint()) : null
  const tokenSpaceCoverage = version.hasImprovedMinMax ? float64(cursor) : Number.NaN
  return {
    partitionSizes,
    cellsPerPartition,
    commitLogIntervals,
    minTimestamp,
    maxTimestamp,
    minLocalDeletionTime,
    maxLocalDeletionTime,
    minTtl,
    maxTtl,
    compressionRatio,
    tombstoneDropTimes,
    level,
    repairedAt,
    ...covered,
    hasLegacyCounterShards,
    totalColumnsSet,
    totalRows,
    pendingRepair,
    isTransient,
    originatingHostId,
    hasPartitionLevelDeletions,
    tokenSpaceCoverage,
    firstKey,
    lastKey,
  }
}

function readDropTimes(cursor: FileCursor, version: FormatVersion): (readonly [number, number])[] {
  cursor.int32()
  const size = readCount(cursor)
  const times: (readonly [number, number])[] = []
  for (let i = 0; i < size; i++) {
    times.push(
      version.hasUnsignedDeletionTime
        ? [Number(int64(cursor)), cursor.int32()]
        : [float64(cursor), Number(int64(cursor))],
    )
  }
  return times
}

type CoveredClusterings = Pick<
  StatsMetadata,
  'minClustering' | 'maxClustering' | 'isMinInclusive' | 'isMaxInclusive'
>

function readLegacyBounds(cursor: FileCursor): CoveredClusterings {
  const read = (): Uint8Array[] =>
    Array.from({ length: readCount(cursor) }, () => cursor.copy(cursor.uint16()))
  const minClustering = read()
  return { minClustering, maxClustering: read(), isMinInclusive: true, isMaxInclusive: true }
}

function readIntervals(cursor: FileCursor): (readonly [CommitLogPosition, CommitLogPosition])[] {
  const size = readCount(cursor)
  const intervals: (readonly [CommitLogPosition, CommitLogPosition])[] = []
  for (let i = 0; i < size; i++) intervals.push([readPosition(cursor), readPosition(cursor)])
  return intervals
}

/** `oa` has the types of the clustering columns and a slice; its bounds' kinds are told by what is included. */
function readCoveredSlice(cursor: FileCursor): CoveredClusterings {
  const types = readTypes(cursor).map((name) => parseClassName(name))
  const start = readBound(cursor, types, cursor.byte())
  const end = readBound(cursor, types, cursor.byte())
  return {
    minClustering: start.components,
    maxClustering: end.components,
    isMinInclusive: start.side === 0,
    isMaxInclusive: end.side === 1,
  }
}

/** Class names, each behind its length. */
export function readTypes(cursor: FileCursor): string[] {
  const count = cursor.vint()
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push(readText(cursor))
  return names
}

function readText(cursor: FileCursor): string {
  return utf8Text(cursor.copy(cursor.vint()))
}

/** 64 bits of a vint that is counted from an epoch. */
function vintFrom(cursor: FileCursor, epoch: bigint): bigint {
  cursor.vint64()
  return BigInt.asIntN(64, ((BigInt(cursor.hi) << 32n) | BigInt(cursor.lo >>> 0)) + epoch)
}

function readHeader(cursor: FileCursor): HeaderComponent {
  return {
    minTimestamp: vintFrom(cursor, TIMESTAMP_EPOCH),
    minLocalDeletionTime: Number(vintFrom(cursor, BigInt(DELETION_TIME_EPOCH))),
    minTtl: Number(vintFrom(cursor, 0n)),
    keyType: readText(cursor),
    clusteringTypes: readTypes(cursor),
    statics: readColumns(cursor),
    regulars: readColumns(cursor),
  }
}

function readColumns(cursor: FileCursor): HeaderColumn[] {
  const count = cursor.vint()
  const columns: HeaderColumn[] = []
  for (let i = 0; i < count; i++) columns.push({ name: readText(cursor), type: readText(cursor) })
  return columns
}
