import { parseUuid, uuidText } from '../../common/uuid.ts'
import { crc32 } from '../../storage/commitlog/crc32.ts'

/** Files of hints; docs/formats/hints.md has them byte by byte. */
export const HINTS_MAGIC = 0x53484e54
export const HINTS_VERSION = 1
export const HINTS_HEADER_BYTES = 44
const NONCE_BYTES = 8
const HEADER_CRC_AT = HINTS_HEADER_BYTES - 4
/** The length of a record and its CRC, and the CRC of what is between. */
const RECORD_HEAD_BYTES = 8
const RECORD_TAIL_BYTES = 4
/** Records begin at multiples of this, so that what follows a broken one is found again. */
const ALIGNMENT = 4
/** No hint is longer: more than any mutation may be. */
const HINT_BYTES_MAX = 1 << 29

const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d+)-(\d+)\.hints$/

/** A file of hints: who they are for, and when it was begun, which no other file of that host id has. */
export interface HintsFileName {
  readonly hostId: string
  readonly timestampMs: number
  readonly version: number
}

export function hintsFileName({ hostId, timestampMs, version }: HintsFileName): string {
  return `${hostId}-${timestampMs}-${version}.hints`
}

/** Null for what is no file of hints. */
export function parseHintsFileName(name: string): HintsFileName | null {
  const match = NAME.exec(name)
  if (match === null) return null
  return { hostId: match[1]!, timestampMs: Number(match[2]), version: Number(match[3]) }
}

/** @param nonce 8 random bytes */
export function encodeHintsHeader({ hostId, timestampMs }: HintsFileName, nonce: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HINTS_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, HINTS_MAGIC)
  view.setUint32(4, HINTS_VERSION)
  bytes.set(parseUuid(hostId)!, 8)
  view.setBigInt64(24, BigInt(timestampMs))
  bytes.set(nonce.subarray(0, NONCE_BYTES), 32)
  view.setInt32(HEADER_CRC_AT, crc32(bytes, 0, HEADER_CRC_AT))
  return bytes
}

/** The CRC of a file's header, with which those of its records begin. */
export function headerCrc(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, header.length).getInt32(HEADER_CRC_AT)
}

/** Whether `bytes` begin with the header of that file. */
export function isHintsHeader(bytes: Uint8Array, { hostId, timestampMs }: HintsFileName): boolean {
  if (bytes.length < HINTS_HEADER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return (
    view.getUint32(0) === HINTS_MAGIC &&
    view.getUint32(4) === HINTS_VERSION &&
    headerCrc(bytes) === crc32(bytes, 0, HEADER_CRC_AT) &&
    uuidText(bytes, 8) === hostId &&
    view.getBigInt64(24) === BigInt(timestampMs)
  )
}

const place = new Uint8Array(4)
const placeView = new DataView(place.buffer)

/** What the CRC of a record begins with: its file and where it stands there. */
function seedAt(fileCrc: number, position: number): number {
  placeView.setUint32(0, position >>> 0)
  return crc32(place, 0, 4, fileCrc)
}

/** Bytes that a hint takes in a file. */
export function recordBytes(hintLength: number): number {
  return RECORD_HEAD_BYTES + ((hintLength + RECORD_TAIL_BYTES + ALIGNMENT - 1) & ~(ALIGNMENT - 1))
}

/**
 * Writes the record of a hint into `out`. Its CRCs hold for that file and that place alone, so that bytes of a file of hints that
 * are the value of a hint never pass for a record.
 *
 * @param fileCrc that of the file's header
 * @param position of the record in the file
 */
export function encodeRecord(
  hint: Uint8Array,
  out: Uint8Array,
  at: number,
  fileCrc: number,
  position: number,
): void {
  const view = new DataView(out.buffer, out.byteOffset + at)
  view.setUint32(0, hint.length)
  const lengthCrc = crc32(out, at, 4, seedAt(fileCrc, position))
  view.setInt32(4, lengthCrc)
  out.set(hint, at + RECORD_HEAD_BYTES)
  view.setInt32(RECORD_HEAD_BYTES + hint.length, crc32(hint, 0, hint.length, lengthCrc))
}

/** What was found in a piece of a file. */
export interface ParsedHints {
  /** The hints, which lie in the piece. */
  readonly hints: readonly Uint8Array[]
  /** Where the next piece has to begin: behind the last record that is whole, or at one that goes on behind the piece. */
  readonly end: number
  /** The length of the record at `end`, if all of it is needed to go on; 0 where nothing is known of it. */
  readonly needed: number
  /** Bytes that are no records, and not zero. */
  readonly skipped: number
}

/**
 * The records of a piece of a file, which begins with one. What is no record is passed over, by 4 bytes at a time: the end
 * of a file that was being written when the power went may be anything.
 *
 * @param isLast whether nothing of the file is behind the piece
 * @param fileCrc that of the file's header
 * @param position of the piece in the file
 */
export function parseHints(
  piece: Uint8Array,
  isLast: boolean,
  fileCrc: number,
  position: number,
): ParsedHints {
  const view = new DataView(piece.buffer, piece.byteOffset, piece.length)
  const hints: Uint8Array[] = []
  let skipped = 0
  let at = 0
  while (at + RECORD_HEAD_BYTES <= piece.length) {
    const length = view.getUint32(at)
    const lengthCrc = view.getInt32(at + 4)
    if (length > HINT_BYTES_MAX || crc32(piece, at, 4, seedAt(fileCrc, position + at)) !== lengthCrc) {
      if (length !== 0) skipped += ALIGNMENT
      at += ALIGNMENT
      continue
    }
    const size = recordBytes(length)
    if (at + size > piece.length) {
      if (!isLast) return { hints, end: at, needed: size, skipped }
      skipped += ALIGNMENT
      at += ALIGNMENT
      continue
    }
    const from = at + RECORD_HEAD_BYTES
    if (crc32(piece, from, length, lengthCrc) === view.getInt32(from + length)) {
      hints.push(piece.subarray(from, from + length))
      at += size
    } else {
      skipped += ALIGNMENT
      at += ALIGNMENT
    }
  }
  return { hints, end: isLast ? piece.length : at, needed: 0, skipped }
}
