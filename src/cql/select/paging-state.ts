import { EMPTY_BYTES, readInt32, readUint16, writeInt32 } from '../../common/bytes.ts'
import { ProtocolError } from '../../common/errors.ts'
import { readUnsignedVintBig, unsignedVintBytes, vintLength } from '../../common/varint.ts'
import { NULL_COMPONENT } from '../../model/clustering.ts'
import { packComposite, unpackComposite } from '../../types/index.ts'
import { copyOf } from '../restrictions/index.ts'

/** Where a page ended (`PagingState`), so that the next goes on behind it. */
export interface PagingState {
  /** Null where the statement names one partition. */
  readonly partitionKey: Uint8Array | null
  /** The serialized clustering of the last row; null at the start of a partition. */
  readonly rowMark: Uint8Array | null
  /** Whether the mark is a cell name of protocol v3, or what later versions have. */
  readonly legacyMark: boolean
  /** Rows that the LIMIT leaves, and those of the partition that PER PARTITION LIMIT leaves. */
  readonly remaining: number
  readonly remainingInPartition: number
}

const MAX_INT = 0x7fffffff

/** The name of the cell that stood for a row without any. */
const ROW_MARKER: readonly Uint8Array[] = [EMPTY_BYTES]

function malformed(): ProtocolError {
  return new ProtocolError('Invalid value for the paging state')
}

/** Reads a paging state of either form; drivers may change the protocol version in between. */
export function parsePagingState(bytes: Uint8Array, protocolVersion: number): PagingState {
  const first = protocolVersion > 3 ? modern(bytes) : legacy(bytes)
  const state = first ?? (protocolVersion > 3 ? legacy(bytes) : modern(bytes))
  if (state === null) throw malformed()
  return state
}

/** Key and mark with vint lengths, then two vints. */
function modern(bytes: Uint8Array): PagingState | null {
  let at = 0
  const int = (): number => {
    if (at >= bytes.length) return -1
    const length = vintLength(bytes[at])
    if (at + length > bytes.length) return -1
    const value = readUnsignedVintBig(bytes, at)
    at += length
    return value > BigInt(MAX_INT) ? -1 : Number(value)
  }
  const keyLength = int()
  if (keyLength < 0 || at + keyLength > bytes.length) return null
  const key = copyOf(bytes, at, keyLength)
  at += keyLength
  const markLength = int()
  if (markLength < 0 || at + markLength > bytes.length) return null
  const mark = copyOf(bytes, at, markLength)
  at += markLength
  const remaining = int()
  const remainingInPartition = int()
  if (remaining < 0 || remainingInPartition < 0 || at !== bytes.length) return null
  return {
    partitionKey: key.length > 0 ? key : null,
    rowMark: mark.length > 0 ? mark : null,
    legacyMark: false,
    remaining,
    remainingInPartition,
  }
}

/** Key and mark with 16-bit lengths, then one 32-bit integer (Cassandra 2.1) or two. */
function legacy(bytes: Uint8Array): PagingState | null {
  if (bytes.length < 2) return null
  const keyLength = readUint16(bytes, 0)
  let at = 2 + keyLength
  if (keyLength > 0x7fff || bytes.length - at < 2) return null
  const markLength = readUint16(bytes, at)
  const markAt = at + 2
  at = markAt + markLength
  if (markLength > 0x7fff || (bytes.length - at !== 4 && bytes.length - at !== 8)) return null
  const remaining = readInt32(bytes, at)
  const remainingInPartition = bytes.length - at === 8 ? readInt32(bytes, at + 4) : MAX_INT
  if (remaining < 0 || remainingInPartition < 0) return null
  return {
    partitionKey: keyLength > 0 ? copyOf(bytes, 2, keyLength) : null,
    rowMark: markLength > 0 ? copyOf(bytes, markAt, markLength) : null,
    legacyMark: true,
    remaining,
    remainingInPartition,
  }
}

/** The form that the protocol version has. */
export function serializePagingState(state: PagingState, protocolVersion: number): Uint8Array {
  const key = state.partitionKey ?? EMPTY_BYTES
  const mark = state.rowMark ?? EMPTY_BYTES
  if (protocolVersion > 3) {
    return Buffer.concat([
      unsignedVintBytes(BigInt(key.length)),
      key,
      unsignedVintBytes(BigInt(mark.length)),
      mark,
      unsignedVintBytes(BigInt(state.remaining)),
      unsignedVintBytes(BigInt(state.remainingInPartition)),
    ])
  }
  const bytes = new Uint8Array(12 + key.length + mark.length)
  bytes[0] = key.length >> 8
  bytes[1] = key.length
  bytes.set(key, 2)
  let at = 2 + key.length
  bytes[at] = mark.length >> 8
  bytes[at + 1] = mark.length
  bytes.set(mark, at + 2)
  at += 2 + mark.length
  writeInt32(bytes, at, state.remaining)
  writeInt32(bytes, at + 4, state.remainingInPartition)
  return bytes
}

/**
 * A row mark of the clustering's values, as bytes whatever their types, so that it outlives changes of them
 * (`RowMark.create`): for each 32 values a vint of 2 bits a value (1: empty, 2: null), then those with their lengths.
 * In v3 it is the name that Cassandra 2 gave a cell: a composite of the values and of what names the cell in its row.
 */
export function makeRowMark(
  clustering: readonly Uint8Array[],
  protocolVersion: number,
  cellName: readonly Uint8Array[] = ROW_MARKER,
  isCompact = false,
): Uint8Array {
  if (protocolVersion <= 3) {
    if (isCompact && clustering.length === 1) return clustering[0]
    const end = clustering.indexOf(NULL_COMPONENT)
    return packComposite(end >= 0 ? clustering.slice(0, end) : [...clustering, ...cellName])
  }
  const parts: Uint8Array[] = []
  for (let from = 0; from < clustering.length; from += 32) {
    const batch = clustering.slice(from, from + 32)
    const header = batch.reduce(
      (bits, value, i) =>
        value.length > 0 ? bits : bits | ((value === NULL_COMPONENT ? 2n : 1n) << BigInt(i * 2)),
      0n,
    )
    parts.push(unsignedVintBytes(header))
    for (const value of batch)
      if (value.length > 0) parts.push(unsignedVintBytes(BigInt(value.length)), value)
  }
  return Buffer.concat(parts)
}

/** The clustering that a mark stands for. */
export function readRowMark(
  mark: Uint8Array,
  count: number,
  isLegacy: boolean,
  isCompact = false,
): readonly Uint8Array[] {
  if (isLegacy) {
    if (isCompact && count === 1) return [mark]
    const components = unpackComposite(mark).slice(0, count)
    if (components.length < count && !isCompact) throw malformed()
    while (components.length < count) components.push(NULL_COMPONENT)
    return components
  }
  const values: Uint8Array[] = []
  let at = 0
  const vint = (): bigint => {
    if (at >= mark.length || at + vintLength(mark[at]) > mark.length) throw malformed()
    const value = readUnsignedVintBig(mark, at)
    at += vintLength(mark[at])
    return value
  }
  while (values.length < count) {
    const header = vint()
    for (let i = 0; i < 32 && values.length < count; i++) {
      const absence = (header >> BigInt(i * 2)) & 3n
      if (absence !== 0n) {
        values.push(absence === 1n ? EMPTY_BYTES : NULL_COMPONENT)
        continue
      }
      const length = Number(vint())
      if (at + length > mark.length) throw malformed()
      values.push(copyOf(mark, at, length))
      at += length
    }
  }
  return values
}
