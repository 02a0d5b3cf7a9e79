/**
 * The bytes of a commit log segment, version 1; docs/formats/commitlog.md is the same in prose. All integers are
 * big-endian.
 *
 * ```
 * segment header, 64 bytes                     entry, 13 bytes and the payload
 *  0  8  magic "SIBYLLOG"                       0  1  kind
 *  8  4  version                                1  4  payload length
 * 12  8  segment id                             5  4  header CRC: offset of the entry in the file (4 bytes), then
 * 20 16  nonce                                        bytes 0 to 4, seeded with the segment header's CRC
 * 36 16  boot id, or zeros                      9  4  payload CRC, seeded with the header CRC
 * 52  8  zeros                                 13  n  payload
 * 60  4  CRC-32 of bytes 0 to 59
 * ```
 *
 * The seeds tie an entry to its segment, by the nonce, and to its place there: bytes of another segment, or the same
 * bytes elsewhere (a log kept as a blob in a record), never pass for an entry.
 */
import { readInt32, writeInt32 } from '../../common/bytes.ts'
import { copyWithCrc, crc32, crc32Of } from './crc32.ts'

export const COMMIT_LOG_VERSION = 1
export const SEGMENT_HEADER_BYTES = 64
export const ENTRY_HEADER_BYTES = 13

/** A segment's offsets must fit in the 32 bits of an entry's position. */
export const SEGMENT_SIZE_BYTES_MAX = 0x7fff_ffff

const MAGIC = new Uint8Array([0x53, 0x49, 0x42, 0x59, 0x4c, 0x4c, 0x4f, 0x47]) // SIBYLLOG
const TWO_TO_32 = 0x1_0000_0000

/**
 * `record`: what the engine appended. `sync`: a position; all before it was on stable storage when this entry was
 * written. `history`: the segments before this one that the log consists of, and where each ends; the first entry of
 * each segment.
 */
export const EntryKind = { record: 1, sync: 2, history: 3 } as const
const KIND_MAX = 3

/** A place in the log: the offset of an entry in a segment. */
export interface CommitLogPosition {
  readonly segmentId: number
  readonly offset: number
}

export interface SegmentHeader {
  readonly id: number
  readonly bootId: string
  /** CRC of the header, the seed of all entries' CRCs. */
  readonly seed: number
}

const FILE_NAME = /^CommitLog-(\d+)-(\d+)\.log$/

export function segmentFileName(id: number): string {
  return `CommitLog-${COMMIT_LOG_VERSION}-${id}.log`
}

/** Version and id of a segment's file name, undefined for any other name. */
export function parseSegmentFileName(name: string): { version: number; id: number } | undefined {
  const match = FILE_NAME.exec(name)
  return match ? { version: Number(match[1]), id: Number(match[2]) } : undefined
}

function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  writeInt32(bytes, offset, Math.floor(value / TWO_TO_32))
  writeInt32(bytes, offset + 4, (value % TWO_TO_32) | 0)
}

function readUint64(bytes: Uint8Array, offset: number): number {
  return (readInt32(bytes, offset) >>> 0) * TWO_TO_32 + (readInt32(bytes, offset + 4) >>> 0)
}

/** The 16 bytes of a boot id; zeros for an unknown one. */
function bootIdBytes(bootId: string): Uint8Array {
  const bytes = new Uint8Array(16)
  const hex = bootId.replaceAll('-', '')
  if (/^[0-9a-f]{32}$/.test(hex)) bytes.set(Buffer.from(hex, 'hex'))
  return bytes
}

/** Lower-case hex of the boot id as a header keeps it, empty if it is not known. */
export function canonicalBootId(bootId: string): string {
  const hex = Buffer.from(bootIdBytes(bootId)).toString('hex')
  return /^0+$/.test(hex) ? '' : hex
}

/** Makes the 64 bytes of a header; `nonce` is 16 random bytes. */
export function encodeSegmentHeader(id: number, bootId: string, nonce: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  bytes.set(MAGIC)
  writeInt32(bytes, 8, COMMIT_LOG_VERSION)
  writeUint64(bytes, 12, id)
  bytes.set(nonce.subarray(0, 16), 20)
  bytes.set(bootIdBytes(bootId), 36)
  writeInt32(bytes, 60, crc32(bytes, 0, 60))
  return bytes
}

/** Reads a header; undefined if it is not whole. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC[i]) return undefined
  const seed = crc32(bytes, 0, 60)
  if (readInt32(bytes, 60) !== seed || readInt32(bytes, 8) !== COMMIT_LOG_VERSION) return undefined
  const boot = Buffer.from(bytes.buffer, bytes.byteOffset + 36, 16).toString('hex')
  return { id: readUint64(bytes, 12), bootId: /^0+$/.test(boot) ? '' : boot, seed }
}

const scratch = new Uint8Array(9)

function headerCrc(kind: number, length: number, fileOffset: number, seed: number): number {
  writeInt32(scratch, 0, fileOffset)
  scratch[4] = kind
  writeInt32(scratch, 5, length)
  return crc32(scratch, 0, 9, seed)
}

/** Writes an entry to `out` at `at`; `fileOffset` is where it will stand in the file. */
export function writeEntry(
  out: Uint8Array,
  at: number,
  kind: number,
  payload: Uint8Array,
  fileOffset: number,
  seed: number,
): void {
  const header = headerCrc(kind, payload.length, fileOffset, seed)
  out[at] = kind
  writeInt32(out, at + 1, payload.length)
  writeInt32(out, at + 5, header)
  writeInt32(out, at + 9, crc32Of(payload, header))
  out.set(payload, at + ENTRY_HEADER_BYTES)
}

/** Writes an entry whose payload is words, in one pass; `data` is over the same memory as `out`. */
export function writeEntryOfWords(
  out: Uint8Array,
  data: DataView,
  at: number,
  kind: number,
  words: Int32Array,
  length: number,
  fileOffset: number,
  seed: number,
): void {
  const header = headerCrc(kind, length, fileOffset, seed)
  out[at] = kind
  writeInt32(out, at + 1, length)
  writeInt32(out, at + 5, header)
  writeInt32(out, at + 9, copyWithCrc(words, length, data, at + ENTRY_HEADER_BYTES, header))
}

/** What stands at a place: a whole entry of so many bytes; nothing valid; or too few bytes to tell, so many needed. */
export const INVALID_ENTRY = -1

/**
 * Looks at the entry at `at` of `bytes`, of which `available` bytes from `at` are there; `fileOffset` is where that is
 * in the file and `remaining` how many bytes the file has from there. Returns how many bytes must be available to
 * judge (more than `available`, if it can't be judged yet), or INVALID_ENTRY. An entry is whole when the returned
 * number is not greater than `available`.
 */
export function checkEntry(
  bytes: Uint8Array,
  at: number,
  available: number,
  fileOffset: number,
  remaining: number,
  seed: number,
): number {
  if (remaining < ENTRY_HEADER_BYTES) return INVALID_ENTRY
  if (available < ENTRY_HEADER_BYTES) return ENTRY_HEADER_BYTES
  const kind = bytes[at]
  if (kind < 1 || kind > KIND_MAX) return INVALID_ENTRY
  const length = readInt32(bytes, at + 1)
  if (length < 0 || length > remaining - ENTRY_HEADER_BYTES) return INVALID_ENTRY
  const header = headerCrc(kind, length, fileOffset, seed)
  if (readInt32(bytes, at + 5) !== header) return INVALID_ENTRY
  if (available < ENTRY_HEADER_BYTES + length) return ENTRY_HEADER_BYTES + length
  if (readInt32(bytes, at + 9) !== crc32(bytes, at + ENTRY_HEADER_BYTES, length, header)) return INVALID_ENTRY
  return ENTRY_HEADER_BYTES + length
}

export const POSITION_BYTES = 12

export function encodePositions(positions: readonly CommitLogPosition[]): Uint8Array {
  const bytes = new Uint8Array(positions.length * POSITION_BYTES)
  positions.forEach(({ segmentId, offset }, i) => {
    writeUint64(bytes, i * POSITION_BYTES, segmentId)
    writeInt32(bytes, i * POSITION_BYTES + 8, offset)
  })
  return bytes
}

export function decodePositions(bytes: Uint8Array, offset: number, length: number): CommitLogPosition[] {
  const positions: CommitLogPosition[] = []
  for (let at = offset; at + POSITION_BYTES <= offset + length; at += POSITION_BYTES) {
    positions.push({ segmentId: readUint64(bytes, at), offset: readInt32(bytes, at + 8) })
  }
  return positions
}

/** Negative if `a` is before `b`. */
export function comparePositions(a: CommitLogPosition, b: CommitLogPosition): number {
  return a.segmentId - b.segmentId || a.offset - b.offset
}
