import { parseUuid, uuidText } from '../../common/uuid.ts'
import { type ClusteringBound, NULL_COMPONENT, type Slice } from '../../model/clustering.ts'
import { type DecoratedKey, FULL_RING, type ReadCommand, type TokenRange } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import { ByteSink } from '../../storage/sstable/byte-sink.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { Trace } from '../traces.ts'
import { ByteCursor } from './byte-cursor.ts'
import { IncompatibleSchemaError } from './mutation-message.ts'
import type { ResponseLimits } from './read-response.ts'

/** What a replica is asked for (`ReadCommand`, `MessageParams`). */
export interface ReadRequest {
  readonly command: ReadCommand
  readonly limits: ResponseLimits
  /** The coordinator's now, seconds since the epoch. */
  readonly nowSeconds: number
  /** Only a digest of the answer is wanted. */
  readonly isDigest: boolean
  /** What is to be warned of is told behind the answer, and so is that the read was given up. */
  readonly tracksWarnings?: boolean
  /** Of the request that it is part of; not sent with it. */
  readonly trace?: Trace | null
}

const REQUEST = 'a read of another node'
const REVERSED = 1
const DIGEST = 2
const RANGE = 4
const TRACKS_WARNINGS = 8
const START_INCLUSIVE = 1
const END_INCLUSIVE = 2
const AFTER_KEY = 4
const NULL_LENGTH = -1

const out = new ByteSink(256)
const ids = new WeakMap<TableMetadata, Uint8Array>()

function idOf(table: TableMetadata): Uint8Array {
  let id = ids.get(table)
  if (id === undefined) ids.set(table, (id = parseUuid(table.id)!))
  return id
}

/**
 * The bytes of a request, good until the next call.
 *
 * ```
 * UUID of the table; byte REVERSED 1, DIGEST 2, RANGE 4, TRACKS_WARNINGS 8; int32 now; int64 rows, int64 rows of a partition, int64 bytes
 * keys: uint16 number; each uint16 length, bytes, int64 token
 * or a range: int64 start, int64 end, byte START_INCLUSIVE 1, END_INCLUSIVE 2, AFTER_KEY 4, [uint16 length and bytes of the key]
 * uint16 number of slices; of each start and end: byte side, byte number of components, each int32 length (-1: null), bytes
 * ```
 */
export function encodeRead({
  command,
  limits,
  nowSeconds,
  isDigest,
  tracksWarnings,
}: ReadRequest): Uint8Array {
  const { table, keys, range, slices, reversed } = command
  out.reset()
  out.bytes(idOf(table), 0, 16)
  out.byte(
    (reversed ? REVERSED : 0) |
      (isDigest ? DIGEST : 0) |
      (keys === null ? RANGE : 0) |
      (tracksWarnings === true ? TRACKS_WARNINGS : 0),
  )
  out.int32(nowSeconds)
  writeCount(out, limits.rows)
  writeCount(out, limits.rowsPerPartition)
  writeCount(out, limits.bytes)
  if (keys === null) writeRange(out, range)
  else {
    out.uint16(keys.length)
    for (const { key, tokenHi, tokenLo } of keys) {
      writeShort(out, key)
      out.int64(tokenHi, tokenLo)
    }
  }
  out.uint16(slices.length)
  for (const { start, end } of slices) {
    writeBound(out, start)
    writeBound(out, end)
  }
  return out.u8.subarray(0, out.length)
}

const FLAGS_AT = 16

/** Turns what `encodeRead` made into the same request for a digest, in place. */
export function askForDigest(request: Uint8Array): void {
  request[FLAGS_AT]! |= DIGEST
}

/** A number below 2^53. */
function writeCount(out: ByteSink, count: number): void {
  out.int64(Math.floor(count / 0x1_0000_0000), (count % 0x1_0000_0000) | 0)
}

function readCount(cursor: ByteCursor): number {
  return (cursor.int32() >>> 0) * 0x1_0000_0000 + (cursor.int32() >>> 0)
}

function writeShort(out: ByteSink, bytes: Uint8Array): void {
  out.uint16(bytes.length)
  out.bytes(bytes, 0, bytes.length)
}

function writeRange(out: ByteSink, range: TokenRange): void {
  out.int64(range.startHi, range.startLo)
  out.int64(range.endHi, range.endLo)
  out.byte(
    (range.startInclusive ? START_INCLUSIVE : 0) |
      (range.endInclusive ? END_INCLUSIVE : 0) |
      (range.afterKey === null ? 0 : AFTER_KEY),
  )
  if (range.afterKey !== null) writeShort(out, range.afterKey)
}

function writeBound(out: ByteSink, { components, side }: ClusteringBound): void {
  out.byte(side)
  out.byte(components.length)
  for (const component of components) {
    out.int32(component === NULL_COMPONENT ? NULL_LENGTH : component.length)
    out.bytes(component, 0, component.length)
  }
}

/**
 * Reads what `encodeRead` wrote. Throws an IncompatibleSchemaError where this node has no such table, and a CorruptSSTableError for
 * bytes that are none.
 */
export function decodeRead(bytes: Uint8Array, tableById: (id: string) => TableMetadata | null): ReadRequest {
  const cursor = new ByteCursor(bytes, REQUEST)
  const id = idText(cursor.view(16))
  const table = tableById(id)
  if (table === null) throw new IncompatibleSchemaError(`Couldn't find table with id ${id}`)
  const flags = cursor.byte()
  const nowSeconds = cursor.int32() >>> 0
  const limits = { rows: readCount(cursor), rowsPerPartition: readCount(cursor), bytes: readCount(cursor) }
  const isRange = (flags & RANGE) !== 0
  const range = isRange ? readRange(cursor) : FULL_RING
  const keys = isRange ? null : readKeys(cursor)
  const slices: Slice[] = []
  for (let n = cursor.uint16(); n > 0; n--) {
    slices.push({ start: readBound(cursor, table), end: readBound(cursor, table) })
  }
  const command = { table, keys, range, slices, reversed: (flags & REVERSED) !== 0 }
  const isDigest = (flags & DIGEST) !== 0
  return { command, limits, nowSeconds, isDigest, tracksWarnings: (flags & TRACKS_WARNINGS) !== 0 }
}

let lastId: Uint8Array = new Uint8Array(0)
let lastIdText = ''

/** Requests mostly are of the table that the one before was of. */
function idText(id: Uint8Array): string {
  if (Buffer.compare(lastId, id) !== 0) {
    lastId = new Uint8Array(id)
    lastIdText = uuidText(lastId)
  }
  return lastIdText
}

function readKeys(cursor: ByteCursor): DecoratedKey[] {
  const keys: DecoratedKey[] = []
  for (let n = cursor.uint16(); n > 0; n--) {
    const key = cursor.take(cursor.uint16())
    keys.push({ key, tokenHi: cursor.int32(), tokenLo: cursor.int32() })
  }
  return keys
}

function readRange(cursor: ByteCursor): TokenRange {
  const [startHi, startLo, endHi, endLo] = [cursor.int32(), cursor.int32(), cursor.int32(), cursor.int32()]
  const flags = cursor.byte()
  return {
    startHi,
    startLo,
    startInclusive: (flags & START_INCLUSIVE) !== 0,
    endHi,
    endLo,
    endInclusive: (flags & END_INCLUSIVE) !== 0,
    afterKey: (flags & AFTER_KEY) === 0 ? null : cursor.take(cursor.uint16()),
  }
}

function readBound(cursor: ByteCursor, table: TableMetadata): ClusteringBound {
  const side = cursor.byte()
  const count = cursor.byte()
  if (side > 1 || count > table.clusterings.length) {
    throw new CorruptSSTableError(REQUEST, cursor.position, `side ${side} of ${count} clusterings`)
  }
  const components: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const length = cursor.int32()
    components.push(length === NULL_LENGTH ? NULL_COMPONENT : cursor.take(length))
  }
  return { components, side: side as 0 | 1 }
}
