import { utf8Bytes } from '../../common/bytes.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { ByteSink } from './byte-sink.ts'
import type { EstimatedHistogram } from './histograms.ts'
import type { MetadataCollector, Prefix } from './metadata-collector.ts'
import {
  type CommitLogPosition,
  DELETION_TIME_EPOCH,
  type HeaderColumn,
  type HeaderComponent,
  NO_DELETION,
  TIMESTAMP_EPOCH,
} from './statistics.ts'

/** What Statistics.db says beside what was gathered in writing. */
export interface StatisticsContext {
  readonly partitioner: string
  readonly bloomFilterFpChance: number
  /** -1 without compression. */
  readonly compressionRatio: number
  readonly level: number
  /** When it was repaired, milliseconds since the epoch; 0, the default, where it never was. */
  readonly repairedAt?: bigint
  /** 16 bytes. */
  readonly originatingHostId: Uint8Array | null
  readonly commitLogIntervals: readonly (readonly [CommitLogPosition, CommitLogPosition])[]
}

const NO_POSITION: CommitLogPosition = { segmentId: -1n, position: 0 }
const INT_MAX = 0x7fffffff
const COMPONENTS = 4

/** The bytes of Statistics.db in version nb; see statistics.ts for the layout. */
export function statisticsBytes(
  collector: MetadataCollector,
  header: HeaderComponent,
  context: StatisticsContext,
): Uint8Array {
  const components = [
    validationBytes(context),
    cardinalityBytes(collector),
    statsBytes(collector, context),
    headerBytes(header),
  ]
  const out = new ByteSink(8192)
  const checksum = (from: number, seed: number): number => crc32(out.u8, from, out.length - from, seed)
  out.int32(COMPONENTS)
  const countChecksum = checksum(0, 0)
  out.int32(countChecksum)
  let position = 12 + COMPONENTS * 8
  const toc = out.length
  components.forEach((bytes, type) => {
    out.int32(type)
    out.int32(position)
    position += bytes.length + 4
  })
  out.int32(checksum(toc, countChecksum))
  for (const bytes of components) {
    out.bytes(bytes, 0, bytes.length)
    out.int32(crc32(bytes, 0, bytes.length))
  }
  return out.u8.slice(0, out.length)
}

function taken(out: ByteSink): Uint8Array {
  return out.u8.slice(0, out.length)
}

function validationBytes({ partitioner, bloomFilterFpChance }: StatisticsContext): Uint8Array {
  const out = new ByteSink()
  const name = utf8Bytes(partitioner)
  out.uint16(name.length)
  out.bytes(name, 0, name.length)
  out.float64(bloomFilterFpChance)
  return taken(out)
}

function cardinalityBytes({ cardinality }: MetadataCollector): Uint8Array {
  const out = new ByteSink()
  const sketch = cardinality.bytes()
  out.int32(sketch.length)
  out.bytes(sketch, 0, sketch.length)
  return taken(out)
}

function writeHistogram(out: ByteSink, { offsets, counts }: EstimatedHistogram): void {
  out.int32(counts.length)
  counts.forEach((count, i) => {
    out.bigInt64(BigInt(offsets[i === 0 ? 0 : i - 1]!))
    out.bigInt64(BigInt(count))
  })
}

function writePosition(out: ByteSink, { segmentId, position }: CommitLogPosition): void {
  out.bigInt64(segmentId)
  out.int32(position)
}

/** Version nb ends in 2038. */
function deletionTime(time: number): number {
  return time === NO_DELETION ? INT_MAX : Math.min(time, INT_MAX - 1)
}

function writeClustering(out: ByteSink, prefix: Prefix | null): void {
  const components = prefix?.components ?? []
  const end = components.indexOf(null)
  const known = end < 0 ? components : components.slice(0, end)
  out.int32(known.length)
  for (const component of known) {
    out.uint16(component!.length)
    out.bytes(component!, 0, component!.length)
  }
}

function statsBytes(collector: MetadataCollector, context: StatisticsContext): Uint8Array {
  const out = new ByteSink(8192)
  const { commitLogIntervals, originatingHostId } = context
  writeHistogram(out, collector.partitionSizes)
  writeHistogram(out, collector.cellsPerPartition)
  writePosition(out, commitLogIntervals.at(-1)?.[1] ?? NO_POSITION)
  out.int64(collector.minTimestampHi, collector.minTimestampLo)
  out.int64(collector.maxTimestampHi, collector.maxTimestampLo)
  out.int32(deletionTime(collector.minLocalDeletionTime))
  out.int32(deletionTime(collector.maxLocalDeletionTime))
  out.int32(collector.minTtl)
  out.int32(collector.maxTtl)
  out.float64(context.compressionRatio)
  const bins = collector.tombstoneDropTimes.bins()
  out.int32(bins.length)
  out.int32(bins.length)
  for (const [seconds, count] of bins) {
    out.float64(seconds)
    out.bigInt64(BigInt(count))
  }
  out.int32(context.level)
  out.bigInt64(context.repairedAt ?? 0n)
  writeClustering(out, collector.minClustering)
  writeClustering(out, collector.maxClustering)
  // No counter shards from before 2.1.
  out.byte(0)
  out.bigInt64(BigInt(collector.totalColumnsSet))
  out.bigInt64(BigInt(collector.totalRows))
  writePosition(out, commitLogIntervals[0]?.[0] ?? NO_POSITION)
  out.int32(commitLogIntervals.length)
  for (const [from, to] of commitLogIntervals) {
    writePosition(out, from)
    writePosition(out, to)
  }
  // Neither in a repair nor transient.
  out.byte(0)
  out.byte(0)
  out.byte(originatingHostId === null ? 0 : 1)
  if (originatingHostId !== null) out.bytes(originatingHostId, 0, originatingHostId.length)
  return taken(out)
}

function writeText(out: ByteSink, text: string): void {
  const bytes = utf8Bytes(text)
  out.vint(bytes.length)
  out.bytes(bytes, 0, bytes.length)
}

function writeBigVint(out: ByteSink, value: bigint): void {
  out.vint64(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)))
}

function headerBytes(header: HeaderComponent): Uint8Array {
  const out = new ByteSink()
  writeBigVint(out, header.minTimestamp - TIMESTAMP_EPOCH)
  writeBigVint(out, BigInt(header.minLocalDeletionTime - DELETION_TIME_EPOCH))
  writeBigVint(out, BigInt(header.minTtl))
  writeText(out, header.keyType)
  out.vint(header.clusteringTypes.length)
  for (const type of header.clusteringTypes) writeText(out, type)
  const writeColumns = (columns: readonly HeaderColumn[]): void => {
    out.vint(columns.length)
    for (const { name, type } of columns) {
      writeText(out, name)
      writeText(out, type)
    }
  }
  writeColumns(header.statics)
  writeColumns(header.regulars)
  return taken(out)
}
