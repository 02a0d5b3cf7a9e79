import { utf8Text } from '../../common/bytes.ts'
import { type Disk, readFullySync } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { CorruptSSTableError } from './corruption.ts'
import { type ChecksumFile, readChecksumFile } from './crc-file.ts'
import { componentPath, type Descriptor } from './descriptor.ts'
import { checkWhole, readIndexChecksums } from './index-checksums.ts'
import type { OfflineSSTable } from './offline-sstable.ts'

const READ_BYTES = 1 << 20

/** Calls `visit` with one stretch of the file after another, each `length` bytes but for the last. */
function readStretches(
  disk: Disk,
  path: string,
  length: number,
  visit: (bytes: Uint8Array, at: number) => void,
): void {
  const file = disk.openSync(path, 'read')
  try {
    const buffer = new Uint8Array(length)
    for (let at = 0; ; at += length) {
      const read = readFullySync(file, buffer, 0, length, at)
      if (read === 0) return
      visit(buffer.subarray(0, read), at)
    }
  } finally {
    file.closeSync()
  }
}

/** Digest.crc32 holds the checksum of Data.db as it lies on disk (`FileDigestValidator`); nothing where it is missing. */
export function verifyDigest(disk: Disk, descriptor: Descriptor): void {
  const path = componentPath(descriptor, 'Digest.crc32')
  if (!disk.existsSync(path)) return
  const text = utf8Text(disk.readFileSync(path))
  if (!/^[0-9]+$/.test(text))
    throw new CorruptSSTableError(path, 0, `${JSON.stringify(text.slice(0, 20))} is no number`)
  const dataPath = componentPath(descriptor, 'Data.db')
  let digest = 0
  readStretches(disk, dataPath, READ_BYTES, (bytes) => {
    digest = crc32(bytes, 0, bytes.length, digest)
  })
  if (text !== String(digest >>> 0)) {
    throw new CorruptSSTableError(
      dataPath,
      -1,
      `Corrupted file: digest ${digest >>> 0} where ${path} says ${text}`,
    )
  }
}

/** What Checksums.db says of Summary.db, Filter.db and Index.db; nothing where it is missing, as with Cassandra's. */
export function verifyIndexChecksums(disk: Disk, descriptor: Descriptor): void {
  const path = componentPath(descriptor, 'Checksums.db')
  if (!disk.existsSync(path)) return
  const indexPath = componentPath(descriptor, 'Index.db')
  const bytes = disk.readFileSync(path)
  const { summary, filter, index } = readIndexChecksums(path, bytes, indexPath, disk.fileSizeSync(indexPath))
  for (const [component, checksum] of [
    ['Summary.db', summary],
    ['Filter.db', filter],
  ] as const) {
    const file = componentPath(descriptor, component)
    if (disk.existsSync(file)) checkWhole(file, disk.readFileSync(file), checksum)
  }
  verifyStretches(disk, indexPath, index)
}

function verifyStretches(disk: Disk, path: string, { stretchBytes, checksums }: ChecksumFile): void {
  readStretches(disk, path, stretchBytes, (stretch, at) => {
    if (crc32(stretch, 0, stretch.length) !== checksums[at / stretchBytes]) {
      throw new CorruptSSTableError(path, at, 'the checksum of a stretch is not that of its bytes')
    }
  })
}

/** The checksum of each chunk: those behind compressed chunks, or those of CRC.db. */
export function verifyChecksums(disk: Disk, { descriptor, sstable }: OfflineSSTable): void {
  const { compression } = sstable
  if (compression !== null) {
    const { chunkLength, chunkOffsets, dataLength } = compression
    const path = componentPath(descriptor, 'CompressionInfo.db')
    const needed = Math.ceil(dataLength / chunkLength)
    // A compaction may leave one empty chunk.
    if (chunkOffsets.length > needed + 1) {
      throw new CorruptSSTableError(path, -1, `${chunkOffsets.length} chunks for ${dataLength} bytes`)
    }
    if (disk.fileSizeSync(path) !== compression.end) {
      throw new CorruptSSTableError(path, compression.end, 'there are bytes behind the chunks')
    }
    const source = sstable.dataSource()
    for (let at = 0; at < source.length; at += chunkLength) source.chunkAt(at)
    return
  }
  const path = componentPath(descriptor, 'CRC.db')
  if (!disk.existsSync(path)) throw new CorruptSSTableError(path, -1, 'the file is missing')
  const dataPath = componentPath(descriptor, 'Data.db')
  const file = readChecksumFile(path, disk.readFileSync(path), disk.fileSizeSync(dataPath))
  verifyStretches(disk, dataPath, file)
}
