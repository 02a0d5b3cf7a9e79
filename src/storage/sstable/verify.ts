import { compareBytes, utf8Text } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import type { Disk } from '../../io/disk.ts'
import { compare64 } from '../../model/row-format.ts'
import { BloomFilter } from './bloom-filter.ts'
import { CorruptSSTableError } from './corruption.ts'
import { componentPath, type Descriptor, descriptorName, isComponent } from './descriptor.ts'
import type { IndexReader } from './index-reader.ts'
import { type OfflineSSTable, openOffline, versionOf } from './offline-sstable.ts'
import { verifyChecksums, verifyDigest, verifyIndexChecksums } from './verify-checksums.ts'
import { PartitionVerifier } from './verify-partition.ts'

/** Options of sstableverify. */
export interface VerifyOptions {
  /** -e: reads all rows, and compares all files with them. */
  readonly extended: boolean
  /** -q: not even the digest of Data.db. */
  readonly quick: boolean
  /** -c: only the version that is written by default passes. */
  readonly checkVersion: boolean
}

const WRITTEN_VERSION = 'nb'
const token = new Int32Array(2)

/** `FBUtilities.prettyPrintMemory`. */
function memoryText(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`
  const prefix = Math.min(6, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** prefix).toFixed(3)}${'KMGTPE'[prefix - 1]}iB`
}

/** How Cassandra names an SSTable in these messages. */
export function sstableText(descriptor: Descriptor): string {
  return `BigTableReader(path='${componentPath(descriptor, 'Data.db')}')`
}

/**
 * Verifies the files of one SSTable (`SortedTableVerifier`), without a schema; yields what there is to say. Throws a
 * CorruptSSTableError that names file and offset for the first thing that is wrong.
 */
export function* verify(disk: Disk, descriptor: Descriptor, options: VerifyOptions): Generator<string> {
  const name = sstableText(descriptor)
  const dataPath = componentPath(descriptor, 'Data.db')
  versionOf(descriptor)
  if (!disk.existsSync(dataPath)) throw new CorruptSSTableError(dataPath, -1, 'the file is missing')
  yield `Verifying ${name} (${memoryText(disk.fileSizeSync(dataPath))})\n`
  if (options.checkVersion && descriptor.version !== WRITTEN_VERSION) {
    throw new CorruptSSTableError(dataPath, -1, `${name} is not the latest version, run upgradesstables`)
  }
  yield `Deserializing sstable metadata for ${name} \n`
  verifyTableOfContents(disk, descriptor)
  verifyIndexChecksums(disk, descriptor)
  const offline = openOffline(disk, descriptor)
  try {
    verifyIndex(disk, offline)
    if (options.quick) return
    if (options.extended || !disk.existsSync(componentPath(descriptor, 'Digest.crc32'))) {
      if (options.extended) yield `Checking computed hash of ${name} \n`
      else yield 'Data digest missing, assuming extended verification of disk values\n'
      verifyDigest(disk, descriptor)
      yield 'Extended Verify requested, proceeding to inspect values\n'
      verifyChecksums(disk, offline)
      const rows = verifyData(offline)
      yield `Verify of ${name} succeeded. All ${rows} rows read successfully\n`
    } else {
      yield `Checking computed hash of ${name} \n`
      verifyDigest(disk, descriptor)
    }
  } finally {
    offline.sstable.close()
  }
}

/** TOC.txt names all files of the SSTable and no others. */
function verifyTableOfContents(disk: Disk, descriptor: Descriptor): void {
  const path = componentPath(descriptor, 'TOC.txt')
  if (!disk.existsSync(path)) throw new CorruptSSTableError(path, -1, 'the file is missing')
  const text = utf8Text(disk.readFileSync(path))
  if (!text.endsWith('\n')) throw new CorruptSSTableError(path, text.length, 'the file ends too early')
  const named = text.slice(0, -1).split('\n')
  let offset = 0
  for (const [i, component] of named.entries()) {
    if (named.indexOf(component) !== i)
      throw new CorruptSSTableError(path, offset, `${component} stands twice`)
    // An index with nothing in it has no files, and is named nevertheless.
    if (isComponent(component) && !disk.existsSync(componentPath(descriptor, component))) {
      throw new CorruptSSTableError(path, offset, `there is no ${component}`)
    }
    offset += component.length + 1
  }
  const prefix = `${descriptorName(descriptor)}-`
  for (const file of disk.readdirSync(descriptor.directory)) {
    if (!file.startsWith(prefix) || !/^[A-Za-z]+\.(db|crc32|txt)$/.test(file.slice(prefix.length))) continue
    const component = file.slice(prefix.length)
    // What tools leave beside an SSTable is no component of it.
    if (isComponent(component) && !named.includes(component)) {
      throw new CorruptSSTableError(path, -1, `${component} is there and not named`)
    }
  }
}

/** Index.db is read whole: its keys are in order, and Summary.db and Filter.db are those of its keys. */
function verifyIndex(disk: Disk, { descriptor, sstable }: OfflineSSTable): void {
  const { summary, filter } = sstable
  const indexPath = componentPath(descriptor, 'Index.db')
  const summaryPath = componentPath(descriptor, 'Summary.db')
  const index = sstable.index()
  const order = new KeyOrder(indexPath)
  const rebuilt =
    filter === null ? null : new BloomFilter(filter.hashCount, new Uint8Array(filter.bytes.length))
  let count = 0
  let sample = 0
  let position = -1
  let entry = 0
  while (entry < disk.fileSizeSync(indexPath)) {
    if (!index.next()) break
    order.next(index, entry)
    if (index.position <= position) {
      throw new CorruptSSTableError(indexPath, entry, `position ${index.position} behind ${position}`)
    }
    position = index.position
    if (sample < summary.count && summary.positionAt(sample) === entry) {
      const key = summary.keyAt(sample)
      if (!isKey(index, key))
        throw new CorruptSSTableError(summaryPath, -1, `entry ${sample} has another key`)
      const isFull = summary.samplingLevel === FULL_SAMPLING
      if (isFull && count !== sample * summary.minIndexInterval) {
        throw new CorruptSSTableError(summaryPath, -1, `entry ${sample} is that of key ${count}`)
      }
      sample++
    }
    if (count === 0 && !isKey(index, summary.firstKey)) {
      throw new CorruptSSTableError(summaryPath, -1, 'the first key is not that of the index')
    }
    rebuilt?.add(index.keyBytes, 0, index.keyLength)
    for (let i = 0; i < index.blockCount; i++) index.block(i)
    count++
    entry = index.indexPosition
  }
  if (sample !== summary.count)
    throw new CorruptSSTableError(summaryPath, -1, `entry ${sample} is not in the index`)
  verifySummary(disk, summaryPath, sstable, index, count)
  if (filter !== null && rebuilt !== null)
    verifyFilter(componentPath(descriptor, 'Filter.db'), filter, rebuilt)
}

const FULL_SAMPLING = 128

function verifySummary(
  disk: Disk,
  path: string,
  { summary }: OfflineSSTable['sstable'],
  last: IndexReader,
  keys: number,
): void {
  if (!isKey(last, summary.lastKey))
    throw new CorruptSSTableError(path, -1, 'the last key is not that of the index')
  const { samplingLevel, sizeAtFullSampling, minIndexInterval, count } = summary
  const full = Math.ceil(keys / minIndexInterval)
  if (samplingLevel < 1 || samplingLevel > FULL_SAMPLING || sizeAtFullSampling !== full) {
    throw new CorruptSSTableError(
      path,
      16,
      `level ${samplingLevel} of ${sizeAtFullSampling} entries for ${keys} keys`,
    )
  }
  if (samplingLevel === FULL_SAMPLING && count !== full) {
    throw new CorruptSSTableError(path, 4, `${count} entries for ${keys} keys`)
  }
  if (disk.fileSizeSync(path) !== summary.end) {
    throw new CorruptSSTableError(path, summary.end, 'there are bytes behind the last key')
  }
}

/** The filter has the bits of all keys, and no others. */
function verifyFilter(path: string, filter: BloomFilter, rebuilt: BloomFilter): void {
  const at = filter.bytes.findIndex((byte, i) => byte !== rebuilt.bytes[i])
  if (at < 0) return
  const missing = rebuilt.bytes[at]! & ~filter.bytes[at]!
  throw new CorruptSSTableError(path, 8 + at, missing ? 'a key is missing' : 'there are bits of no key')
}

/** Keys as they follow each other. */
class KeyOrder {
  readonly #path: string
  #key: Uint8Array | null = null
  #hi = 0
  #lo = 0

  constructor(path: string) {
    this.#path = path
  }

  next({ keyBytes, keyLength }: IndexReader, offset: number): void {
    murmur3Token(keyBytes, 0, keyLength, token)
    const hi = token[0]!
    const lo = token[1]!
    const before = this.#key
    if (before !== null) {
      const order =
        compare64(this.#hi, this.#lo, hi, lo) ||
        compareBytes(before, 0, before.length, keyBytes, 0, keyLength)
      if (order >= 0) throw new CorruptSSTableError(this.#path, offset, 'Key out of order')
    }
    this.#key = keyBytes.slice(0, keyLength)
    this.#hi = hi
    this.#lo = lo
  }
}

function isKey({ keyBytes, keyLength }: IndexReader, key: Uint8Array): boolean {
  return compareBytes(keyBytes, 0, keyLength, key, 0, key.length) === 0
}

/** All rows are read; Index.db says of each partition what is there. Returns how many partitions there are. */
function verifyData(offline: OfflineSSTable): number {
  const { sstable } = offline
  const index = sstable.index()
  const partitions = new PartitionVerifier(offline)
  let position = 0
  let count = 0
  while (position < sstable.dataLength) {
    const entry = index.indexPosition
    if (!index.next()) throw partitions.corrupt(position, 'the index does not have the partition')
    position = partitions.verify(position, index, entry)
    count++
  }
  if (index.next()) throw partitions.corrupt(position, 'the index has more partitions')
  return count
}
