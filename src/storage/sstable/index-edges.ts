import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { compare64 } from '../../model/row-format.ts'
import { type BloomFilter, bloomFilterFor } from './bloom-filter.ts'
import { CorruptSSTableError } from './corruption.ts'
import type { IndexReader } from './index-reader.ts'
import { IndexSummary } from './index-summary.ts'
import { IndexSummaryBuilder } from './index-summary-builder.ts'

/** What is needed to judge Summary.db and Filter.db of an SSTable, and to make them anew. */
export interface IndexFiles {
  readonly summaryPath: string
  readonly filterPath: string
  readonly indexPath: string
  /** Reads Index.db by a summary. */
  readonly reader: (summary: IndexSummary) => IndexReader
  /** Whether Data.db has the partition of a key at a position. Throws a CorruptSSTableError. */
  readonly hasPartition: (position: number, key: Uint8Array) => boolean
}

/** What a rebuild has made: files' bytes, ready to be saved. */
export interface RebuiltIndex {
  readonly summary: Uint8Array
  readonly filter: Uint8Array | null
}

/** A summary of nothing: with it an IndexReader walks from the first entry to the last. */
export function emptySummary(path: string): IndexSummary {
  return IndexSummary.read(path, new IndexSummaryBuilder(1).file(0))
}

/**
 * Looks whether Summary.db is that of Index.db: its first entry and its first and last key, and that Data.db has the
 * partitions of these two keys. Index.db, Summary.db and Filter.db have no checksums; what else is wrong in them is seen by
 * the reads that depend on it. Throws a CorruptSSTableError.
 */
export function checkEdges(files: IndexFiles, summary: IndexSummary): void {
  const wrong = (reason: string): CorruptSSTableError =>
    new CorruptSSTableError(files.summaryPath, -1, reason)
  const index = files.reader(summary)
  if (summary.count === 0 || summary.positionAt(0) !== 0) {
    throw wrong('the first entry is not that of the beginning of the index')
  }
  if (!index.next()) throw new CorruptSSTableError(files.indexPath, 0, 'the file is empty')
  if (!isKeyOf(index, summary.keyAt(0)) || !isKeyOf(index, summary.firstKey)) {
    throw wrong('the first key is not that of the index')
  }
  const first = index.position
  index.seek(summary.positionAt(summary.count - 1))
  while (index.next());
  if (!isKeyOf(index, summary.lastKey)) throw wrong('the last key is not that of the index')
  checkPartition(files, first, summary.firstKey)
  checkPartition(files, index.position, summary.lastKey)
}

function checkPartition(files: IndexFiles, position: number, key: Uint8Array): void {
  if (files.hasPartition(position, key)) return
  const reason = `the partition at ${position} of Data.db is not that of the index`
  throw new CorruptSSTableError(files.indexPath, -1, reason)
}

/** Whether the filter has the keys of all entries of the summary, as far as that says something about it. */
export function hasSampledKeys(filter: BloomFilter, summary: IndexSummary): boolean {
  for (let i = 0; i < summary.count; i++) {
    const key = summary.keyAt(i)
    if (!filter.mayContain(key, 0, key.length)) return false
  }
  return true
}

/**
 * Makes Summary.db and Filter.db anew from Index.db (`BigSSTableReaderLoadingBuilder.buildSummaryAndBloomFilter`); no filter
 * where the chance of a false positive may be 1. Throws a CorruptSSTableError where Index.db is broken itself.
 */
export function rebuildIndex(
  files: IndexFiles,
  minIndexInterval: number,
  bloomFilterFpChance: number,
): RebuiltIndex {
  const empty = emptySummary(files.summaryPath)
  const summary = new IndexSummaryBuilder(minIndexInterval)
  const before = { key: new Uint8Array(0), token: new Int32Array(2) }
  const token = new Int32Array(2)
  let keys = 0
  for (const index = files.reader(empty); index.next(); keys++) {
    const { keyBytes, keyLength, entryPosition } = index
    murmur3Token(keyBytes, 0, keyLength, token)
    const order = compare64(token[0]!, token[1]!, before.token[0]!, before.token[1]!)
    const isBehind =
      keys === 0 ||
      order > 0 ||
      (order === 0 && compareBytes(keyBytes, 0, keyLength, before.key, 0, before.key.length) > 0)
    if (!isBehind) throw new CorruptSSTableError(files.indexPath, entryPosition, 'the keys are not in order')
    summary.add(keys, keyBytes, 0, keyLength, entryPosition)
    before.key = keyBytes.slice(0, keyLength)
    before.token.set(token)
  }
  if (keys === 0) throw new CorruptSSTableError(files.indexPath, 0, 'the file is empty')
  const filter = bloomFilterFor(keys, bloomFilterFpChance)
  if (filter !== null) {
    for (const index = files.reader(empty); index.next(); ) filter.add(index.keyBytes, 0, index.keyLength)
  }
  return { summary: summary.file(keys), filter: filter?.file() ?? null }
}

/** Whether the entry that was read last is that of a key. */
export function isKeyOf({ keyBytes, keyLength }: IndexReader, key: Uint8Array): boolean {
  return compareBytes(keyBytes, 0, keyLength, key, 0, key.length) === 0
}
