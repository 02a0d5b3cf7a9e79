import type { Disk } from '../../io/disk.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_TOMBSTONE,
  CellReader,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
} from '../../model/row-format.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import type { Descriptor } from '../../storage/sstable/descriptor.ts'
import { type OfflineSSTable, openOffline } from '../../storage/sstable/offline-sstable.ts'
import { LIVE, UNFILTERED_END, UNFILTERED_MARKER } from '../../storage/unfiltered.ts'
import { toText } from '../../types/index.ts'
import { byteText } from './java-text.ts'
import { fieldText } from './metadata.ts'
import { CYAN, RESET, type Style, WHITE } from './term-histogram.ts'

const LEADERS = 5
const header = new RowHeader()
const cell = new CellReader()

/** The partitions with the greatest numbers; of equal ones those that came first. */
class Leaders {
  readonly #keyText: (key: Uint8Array) => string
  readonly entries: { readonly key: string; readonly value: number }[] = []

  constructor(keyText: (key: Uint8Array) => string) {
    this.#keyText = keyText
  }

  add(key: Uint8Array, value: number): void {
    const { entries } = this
    const behind = entries.findIndex((entry) => entry.value < value)
    const at = behind < 0 ? entries.length : behind
    if (at >= LEADERS) return
    entries.splice(at, 0, { key: this.#keyText(key), value })
    entries.length = Math.min(entries.length, LEADERS)
  }
}

/** What `sstablemetadata -s` says of the rows of an SSTable. */
export function* scanOverview(disk: Disk, descriptor: Descriptor, style: Style): Generator<string> {
  const offline = openOffline(disk, descriptor)
  try {
    yield* overview(offline, style)
  } finally {
    offline.sstable.close()
  }
}

function* overview(offline: OfflineSSTable, style: Style): Generator<string> {
  const keyText = (key: Uint8Array): string => toText(offline.keyType, key)
  const widest = new Leaders(keyText)
  const largest = new Leaders(keyText)
  const tombstones = new Leaders(keyText)
  const total = { partitions: 0, rows: 0, tombstones: 0, cells: 0 }
  const reader = offline.sstable.scan()
  while (reader.nextPartition()) {
    const { rows, bytes, deleted, cells } = measure(offline, reader)
    total.partitions++
    total.rows += rows
    total.tombstones += deleted
    total.cells += cells
    const key = reader.keyBytes.subarray(0, reader.keyLength)
    widest.add(key, rows)
    largest.add(key, bytes)
    tombstones.add(key, deleted)
  }
  const { color } = style
  const [cyan, white, reset] = color ? [CYAN, WHITE, RESET] : ['', '', '']
  const field = (name: string, value: number | string): string => fieldText(name, String(value), null, style)
  const leader = (key: string, value: number): string => `  ${cyan}[${reset}${key}${cyan}] ${reset}${value}`
  yield field('Size', offline.sstable.dataLength)
  yield field('Partitions', total.partitions)
  yield field('Rows', total.rows)
  yield field('Tombstones', total.tombstones)
  yield field('Cells', total.cells)
  yield field('Widest Partitions', '')
  for (const { key, value } of widest.entries) yield `${leader(key, value)}\n`
  yield field('Largest Partitions', '')
  for (const { key, value } of largest.entries) {
    yield `${leader(key, value)}${white} (${byteText(value)})${reset}\n`
  }
  const leaders = tombstones.entries.filter(({ value }) => value > 0)
  // Ten characters of a leader are none, as Cassandra has it.
  const text = leaders.map(({ key, value }) => `${leader(key, value)}\n`).join('')
  if (text.length > 10) yield field('Tombstone Leaders', '') + text
}

interface Measure {
  readonly rows: number
  readonly bytes: number
  readonly deleted: number
  readonly cells: number
}

/** Counts the partition that the reader has moved to. Cells of static rows are not counted, as in Cassandra. */
function measure(offline: OfflineSSTable, reader: DataReader): Measure {
  let rows = 0
  let bytes = 0
  let deleted = reader.partitionDeletion === LIVE ? 0 : 1
  let cells = 0
  if (reader.staticRow()) {
    rows++
    bytes += rowSize(offline, reader).bytes
  }
  for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
    if (kind === UNFILTERED_MARKER) {
      deleted++
      continue
    }
    const row = rowSize(offline, reader)
    rows++
    bytes += row.bytes
    deleted += row.tombstones
    cells += row.cells
  }
  return { rows, bytes, deleted, cells }
}

const LIVENESS_BYTES = 8
const EXPIRING_BYTES = 12
const ROW_DELETION_BYTES = 13
const DELETION_BYTES = 12
const CELL_BYTES = 20

/** `Row.dataSize`: of a row its clustering, its times and its cells, each with its times. */
function rowSize(
  offline: OfflineSSTable,
  { row, rowAt }: DataReader,
): { readonly bytes: number; readonly cells: number; readonly tombstones: number } {
  const { i32 } = row
  header.read(i32, rowAt)
  let bytes = LIVENESS_BYTES + ROW_DELETION_BYTES
  if (header.flags & ROW_LIVENESS_EXPIRES) bytes += EXPIRING_BYTES
  for (let at = header.clustering; at < header.cells; ) {
    const length = Math.max(0, i32[at]!)
    bytes += length
    at += 1 + ((length + 3) >>> 2)
  }
  let cells = 0
  let tombstones = 0
  let complex = -1
  for (let at = header.cells; at < header.end; at = cell.next) {
    cell.read(i32, at, header.livenessHi, header.livenessLo)
    const { type } = offline.sstable.table.columnsById[cell.columnId]!
    if (type.multiCell && cell.columnId !== complex) {
      complex = cell.columnId
      bytes += DELETION_BYTES
    }
    if (cell.flags & CELL_COMPLEX_DELETION) continue
    cells++
    if (cell.flags & CELL_TOMBSTONE) tombstones++
    bytes += CELL_BYTES + cell.valueLength + Math.max(0, cell.pathLength)
  }
  return { bytes, cells, tombstones }
}
