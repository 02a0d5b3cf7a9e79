import { toHex } from '../../common/bytes.ts'
import { counterTotal } from '../../model/counter-context.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
} from '../../model/row-format.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import type { OfflineSSTable } from '../../storage/sstable/offline-sstable.ts'
import {
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
} from '../../storage/unfiltered.ts'
import { toCqlLiteral, toText } from '../../types/index.ts'
import { timestampOf } from './java-time.ts'
import { cellType, pathText } from './json-transformer.ts'

const header = new RowHeader()
const cell = new CellReader()
const NO_TIMESTAMP = -(2n ** 63n)

/** The lines of `sstabledump -d` for the partition that the reader has moved to. */
export function* debugPartition(offline: OfflineSSTable, reader: DataReader): Generator<string> {
  const hasStatic = reader.staticRow()
  const key = toText(offline.keyType, reader.keyBytes.subarray(0, reader.keyLength))
  let position = reader.position
  const line = (text: string): string => `[${key}]@${position} ${text}\n`
  if (reader.partitionDeletion !== LIVE) yield line(deletionText(reader.partitionDeletion))
  if (hasStatic) yield line(rowText(offline, reader, true))
  for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
    yield line(
      kind === UNFILTERED_MARKER ? markerText(offline, reader.marker) : rowText(offline, reader, false),
    )
    position = reader.position
  }
}

/** `DeletionTime.toString`. */
function deletionText({ hi, lo, localDeletionTime }: DeletionTime): string {
  return `deletedAt=${timestampOf(hi, lo)}, localDeletion=${localDeletionTime >>> 0}`
}

/** `AbstractRow.toString` with all details. */
function rowText(offline: OfflineSSTable, { row, rowAt }: DataReader, isStatic: boolean): string {
  const { i32, u8 } = row
  header.read(i32, rowAt)
  const hasLiveness = (header.flags & ROW_HAS_LIVENESS) !== 0
  const timestamp = hasLiveness ? timestampOf(header.livenessHi, header.livenessLo) : NO_TIMESTAMP
  const expires =
    header.flags & ROW_LIVENESS_EXPIRES ? ` ttl=${header.ttl}, let=${header.localExpirationTime}` : ''
  let text = `Row[info=[ts=${timestamp}${expires}]`
  if (header.flags & ROW_HAS_DELETION) {
    const { deletionHi: hi, deletionLo: lo, deletionLocalTime: localDeletionTime } = header
    text += ` del=${deletionText({ hi, lo, localDeletionTime })}`
  }
  let at = header.clustering
  const components = offline.clusteringTypes.map((type) => {
    const length = i32[at++]!
    const from = at << 2
    at += (Math.max(0, length) + 3) >>> 2
    return toCqlLiteral(type, length < 0 ? null : u8.subarray(from, from + length))
  })
  text += ` ]: ${isStatic ? 'STATIC' : components.join(', ')} | `
  let before: ColumnMetadata | null = null
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(i32, p, header.livenessHi, header.livenessLo)
    const column: ColumnMetadata = offline.sstable.table.columnsById[cell.columnId]!
    if (before !== null && column !== before) text += ', '
    if (cell.flags & CELL_COMPLEX_DELETION) {
      const { timestampHi: hi, timestampLo: lo, localDeletionTime } = cell
      text += `del(${column.name})=${deletionText({ hi, lo, localDeletionTime })}`
    } else text += `${column.type.multiCell ? ', ' : ''}${cellText(column, u8)}`
    before = column
  }
  return text
}

/** `AbstractCell.toString`. */
function cellText({ name, type }: ColumnMetadata, u8: Uint8Array): string {
  const timestamp = timestampOf(cell.timestampHi, cell.timestampLo)
  const value = u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)
  const isTombstone = (cell.flags & CELL_TOMBSTONE) !== 0
  if (type.kind === 'counter' && !isTombstone) return `[${name}=${counterTotal(value)} ts=${timestamp}]`
  const path = u8.subarray(cell.pathOffset, cell.pathOffset + Math.max(0, cell.pathLength))
  const isElement = type.multiCell && type.kind !== 'udt'
  const place = isElement ? `${name}[${pathText(type, path)}]` : name
  let shown = '<tombstone>'
  if (!isTombstone) {
    // Of a user type Cassandra shows a field's bytes as if they were the whole.
    const shownType = isElement ? cellType(type, path) : type
    try {
      shown = toText(shownType, value)
    } catch {
      shown = `0x${toHex(value)}`
    }
  }
  const times =
    cell.flags & CELL_EXPIRES
      ? ` ttl=${cell.ttl} ldt=${cell.localDeletionTime}`
      : isTombstone
        ? ` ldt=${cell.localDeletionTime}`
        : ''
  return `[${place}=${shown} ts=${timestamp}${times}]`
}

/** `RangeTombstoneMarker.toString`. */
function markerText(
  { clusteringTypes }: OfflineSSTable,
  { bound, closes, opens }: RangeTombstoneMarker,
): string {
  const isBefore = bound.side === 0
  let kind: string
  if (closes !== null && opens !== null) {
    kind = isBefore ? 'EXCL_END_INCL_START_BOUNDARY' : 'INCL_END_EXCL_START_BOUNDARY'
  } else if (opens !== null) kind = isBefore ? 'INCL_START_BOUND' : 'EXCL_START_BOUND'
  else kind = isBefore ? 'EXCL_END_BOUND' : 'INCL_END_BOUND'
  const values = bound.components.map((component, i) => toText(clusteringTypes[i]!, component))
  const deletions = [closes, opens].flatMap((deletion) =>
    deletion === null ? [] : [`${timestampOf(deletion.hi, deletion.lo)}/${deletion.localDeletionTime >>> 0}`],
  )
  return `Marker ${kind}(${values.join(', ')})@${deletions.join('-')}`
}
