import { readInt16, readUint16 } from '../../common/bytes.ts'
import { MarshalError } from '../../common/errors.ts'
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
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_MARKER } from '../../storage/unfiltered.ts'
import { type CqlType, maybeQuote, toJson, toText, type UserType } from '../../types/index.ts'
import { secondsText, timestampOf, timestampText } from './java-time.ts'
import { JsonLayout } from './json-layout.ts'

const header = new RowHeader()
const cell = new CellReader()

/** The JSON of partitions as sstabledump has it (`JsonTransformer`), put together in `json`. */
export class JsonTransformer {
  readonly json: JsonLayout
  readonly #offline: OfflineSSTable
  readonly #reader: DataReader | null
  readonly #rawTime: boolean
  readonly #nowSeconds: number
  /** Position in Data.db, before compression, behind what was read last. */
  #position = 0

  /** Without a reader only keys can be shown. */
  constructor(
    offline: OfflineSSTable,
    reader: DataReader | null,
    rawTime: boolean,
    isPretty: boolean,
    nowSeconds: number,
  ) {
    this.#offline = offline
    this.#reader = reader
    this.#rawTime = rawTime
    this.#nowSeconds = nowSeconds
    this.json = new JsonLayout(isPretty)
  }

  /** Switches to one line, or back to many. */
  #compact(isCompact: boolean): void {
    this.json.objects.isCompact = this.json.arrays.isCompact = isCompact
  }

  key(bytes: Uint8Array): void {
    const { json } = this
    const { keyType } = this.#offline
    this.#compact(true)
    json.startArray()
    for (const text of keyTexts(keyType, bytes)) json.string(text)
    json.endArray()
    this.#compact(false)
  }

  /** The partition that the reader has moved to; yields behind each row, so that what is there may be written. */
  *partition(): Generator<void> {
    const { json } = this
    const reader = this.#reader!
    // The static row belongs to the head of the partition: positions stand behind it.
    const hasStatic = reader.staticRow()
    json.startObject()
    json.name('table kind')
    json.string(this.#offline.tableKind)
    json.name('partition')
    json.startObject()
    json.name('key')
    this.key(reader.keyBytes.subarray(0, reader.keyLength))
    this.#position = reader.position
    json.name('position')
    json.raw(String(this.#position))
    if (reader.partitionDeletion !== LIVE) this.#deletion(reader.partitionDeletion)
    json.endObject()
    json.name('rows')
    json.startArray()
    if (hasStatic) this.#row(true)
    for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
      if (kind === UNFILTERED_MARKER) this.#marker()
      else this.#row(false)
      this.#position = reader.position
      yield
    }
    json.endArray()
    json.endObject()
    yield
  }

  #time(micros: bigint): string {
    return this.#rawTime ? String(micros) : timestampText(micros)
  }

  #seconds(seconds: number): string {
    return this.#rawTime ? String(seconds) : secondsText(seconds)
  }

  #row(isStatic: boolean): void {
    const { json } = this
    const reader = this.#reader!
    const { i32 } = reader.row
    header.read(i32, reader.rowAt)
    json.startObject()
    json.name('type')
    json.string(isStatic ? 'static_block' : 'row')
    json.name('position')
    json.raw(String(this.#position))
    if (!isStatic) this.#clustering(this.#rowClustering())
    const hasLiveness = (header.flags & ROW_HAS_LIVENESS) !== 0
    if (hasLiveness) this.#liveness()
    if (header.flags & ROW_HAS_DELETION) {
      const { deletionHi: hi, deletionLo: lo, deletionLocalTime: localDeletionTime } = header
      this.#deletion({ hi, lo, localDeletionTime })
    }
    json.name('cells')
    json.startArray()
    const end = header.end
    for (let at = header.cells; at < end; at = cell.next) {
      cell.read(i32, at, header.livenessHi, header.livenessLo)
      const column = this.#offline.sstable.table.columnsById[cell.columnId]!
      if (cell.flags & CELL_COMPLEX_DELETION) this.#complexDeletion(column)
      else this.#cell(column, hasLiveness)
    }
    json.endArray()
    json.endObject()
  }

  #liveness(): void {
    const { json } = this
    json.name('liveness_info')
    json.objects.isCompact = true
    json.startObject()
    json.name('tstamp')
    json.string(this.#time(timestampOf(header.livenessHi, header.livenessLo)))
    if (header.flags & ROW_LIVENESS_EXPIRES) {
      json.name('ttl')
      json.raw(String(header.ttl))
      json.name('expires_at')
      json.string(this.#seconds(header.localExpirationTime))
      json.name('expired')
      json.raw(String(header.localExpirationTime < this.#nowSeconds))
    }
    json.endObject()
    json.objects.isCompact = false
  }

  #rowClustering(): (Uint8Array | null)[] {
    const { i32, u8 } = this.#reader!.row
    let at = header.clustering
    return this.#offline.clusteringTypes.map(() => {
      const length = i32[at++]!
      if (length < 0) return null
      const from = at << 2
      at += (length + 3) >>> 2
      return u8.subarray(from, from + length)
    })
  }

  #clustering(components: readonly (Uint8Array | null)[]): void {
    if (components.length === 0) return
    const { json } = this
    json.name('clustering')
    json.objects.isCompact = true
    json.startArray()
    json.arrays.isCompact = true
    this.#offline.clusteringTypes.forEach((type, i) => {
      if (i >= components.length) json.string('*')
      else json.raw(valueJson(type, components[i]!))
    })
    json.endArray()
    this.#compact(false)
  }

  #deletion({ hi, lo, localDeletionTime }: DeletionTime): void {
    const { json } = this
    json.name('deletion_info')
    json.objects.isCompact = true
    json.startObject()
    json.name('marked_deleted')
    json.string(this.#time(timestampOf(hi, lo)))
    json.name('local_delete_time')
    json.string(this.#seconds(localDeletionTime >>> 0))
    json.endObject()
    json.objects.isCompact = false
  }

  #complexDeletion(column: ColumnMetadata): void {
    const { json } = this
    const { timestampHi: hi, timestampLo: lo, localDeletionTime } = cell
    json.objects.isCompact = true
    json.startObject()
    json.name('name')
    json.string(maybeQuote(column.name))
    this.#deletion({ hi, lo, localDeletionTime })
    json.objects.isCompact = true
    json.endObject()
    json.objects.isCompact = false
  }

  #marker(): void {
    const { json } = this
    const { bound, closes, opens } = this.#reader!.marker
    json.startObject()
    json.name('type')
    json.string(closes !== null && opens !== null ? 'range_tombstone_boundary' : 'range_tombstone_bound')
    // A start before its rows has them in it, as an end behind its rows has.
    if (opens !== null) this.#bound('start', bound.side === 0, bound.components, opens)
    if (closes !== null) this.#bound('end', bound.side === 1, bound.components, closes)
    json.endObject()
    json.objects.isCompact = false
  }

  #bound(
    name: string,
    isInclusive: boolean,
    components: readonly Uint8Array[],
    deletion: DeletionTime,
  ): void {
    const { json } = this
    json.name(name)
    json.startObject()
    json.name('type')
    json.string(isInclusive ? 'inclusive' : 'exclusive')
    this.#clustering(components)
    this.#deletion(deletion)
    json.endObject()
  }

  #cell(column: ColumnMetadata, hasLiveness: boolean): void {
    const { json } = this
    const { u8 } = this.#reader!.row
    json.startObject()
    json.objects.isCompact = true
    json.name('name')
    json.string(maybeQuote(column.name))
    let { type } = column
    if (cell.pathLength >= 0) {
      const path = u8.subarray(cell.pathOffset, cell.pathOffset + cell.pathLength)
      json.name('path')
      json.arrays.isCompact = true
      json.startArray()
      json.string(pathText(type, path))
      json.endArray()
      json.arrays.isCompact = false
      type = cellType(type, path)
    }
    if (cell.flags & CELL_TOMBSTONE) {
      json.name('deletion_info')
      json.objects.isCompact = true
      json.startObject()
      json.name('local_delete_time')
      json.string(this.#seconds(cell.localDeletionTime))
      json.endObject()
      json.objects.isCompact = false
    } else {
      json.name('value')
      json.raw(valueJson(type, u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)))
    }
    this.#cellTimes(hasLiveness)
    json.endObject()
    json.objects.isCompact = false
  }

  /** What of the cell's times is not the row's. */
  #cellTimes(hasLiveness: boolean): void {
    const { json } = this
    const { timestampHi, timestampLo } = cell
    if (!hasLiveness || timestampHi !== header.livenessHi || timestampLo !== header.livenessLo) {
      json.name('tstamp')
      json.string(this.#time(timestampOf(timestampHi, timestampLo)))
    }
    if ((cell.flags & CELL_EXPIRES) !== 0 && (!hasLiveness || cell.ttl !== header.ttl)) {
      json.name('ttl')
      json.raw(String(cell.ttl))
      json.name('expires_at')
      json.string(this.#seconds(cell.localDeletionTime))
      json.name('expired')
      json.raw(String(!cell.isLive(this.#nowSeconds)))
    }
  }
}

/** Broken bytes are refused before their lengths and counts are believed. A counter's are a context and no number. */
function valueJson(type: CqlType, bytes: Uint8Array | null): string {
  if (bytes !== null && type.kind !== 'counter') type.validate(bytes)
  return toJson(type, bytes)
}

/** What of a multi-cell value the path names: an element, a key or a field. */
export function pathText(type: CqlType, path: Uint8Array): string {
  if (type.kind === 'udt') return type.fieldNames[fieldOf(type, path)]!
  return 'nameComparator' in type ? toText(type.nameComparator, path) : ''
}

/** The type of the cell's value. */
export function cellType(type: CqlType, path: Uint8Array): CqlType {
  if (type.kind === 'udt') return type.fieldTypes[fieldOf(type, path)]!
  return 'cellValueType' in type ? type.cellValueType : type
}

function fieldOf({ fieldTypes, name }: UserType, path: Uint8Array): number {
  const field = path.length === 2 ? readInt16(path, 0) : -1
  if (field < 0 || field >= fieldTypes.length) throw new MarshalError(`${name} has no field ${field}`)
  return field
}

const STATIC_MARKER = 0xffff

/** The texts of a key's columns; those of a composite as far as they go. */
function keyTexts(type: CqlType, bytes: Uint8Array): string[] {
  if (type.kind !== 'custom' || type.custom !== 'composite') return [toText(type, bytes)]
  const texts: string[] = []
  let at = bytes.length >= 2 && readUint16(bytes, 0) === STATIC_MARKER ? 2 : 0
  for (const component of type.components) {
    if (at + 2 > bytes.length) break
    const length = readUint16(bytes, at)
    texts.push(toText(component, bytes.subarray(at + 2, at + 2 + length)))
    at += 2 + length
    if (bytes[at++] !== 0) break
  }
  return texts
}
