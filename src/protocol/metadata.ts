import type { ColumnSpecification, PreparedMetadata, ResultMetadata } from '../model/query-result.ts'
import { writeTypeOption } from './type-option.ts'
import { ByteWriter } from './writer.ts'

/** Flags of `<metadata>` (v5, section 4.2.5.2). */
export const MetadataFlag = {
  GLOBAL_TABLES_SPEC: 0x01,
  HAS_MORE_PAGES: 0x02,
  NO_METADATA: 0x04,
  METADATA_CHANGED: 0x08,
} as const

/** The columns of a result as bytes: what stands between the paging state and the rows. */
export interface EncodedColumns {
  /** GLOBAL_TABLES_SPEC or nothing. */
  readonly flags: number
  readonly bytes: Uint8Array
}

/** By version; versions 5 and 6 write the same. */
type EncodedByVersion = (EncodedColumns | undefined)[]

const encodedResults = new WeakMap<ResultMetadata, EncodedByVersion>()

/** Encoded once for each metadata object and version. */
export function encodedColumns(metadata: ResultMetadata, version: number): EncodedColumns {
  let versions = encodedResults.get(metadata)
  if (versions === undefined) {
    versions = []
    encodedResults.set(metadata, versions)
  }
  return (versions[version] ??= encodeColumns(metadata.columns, version))
}

function encodeColumns(columns: readonly ColumnSpecification[], version: number): EncodedColumns {
  const out = new ByteWriter(256)
  const flags = inOneTable(columns) ? MetadataFlag.GLOBAL_TABLES_SPEC : 0
  writeColumns(out, columns, flags, version)
  return { flags, bytes: Uint8Array.from(out.written()) }
}

/** `ColumnSpecification.allInSameTable`, false for no columns. */
function inOneTable(columns: readonly ColumnSpecification[]): boolean {
  if (columns.length === 0) return false
  const [first] = columns
  return columns.every((column) => column.keyspace === first.keyspace && column.table === first.table)
}

function writeColumns(
  out: ByteWriter,
  columns: readonly ColumnSpecification[],
  flags: number,
  version: number,
): void {
  const isGlobal = (flags & MetadataFlag.GLOBAL_TABLES_SPEC) !== 0
  if (isGlobal) {
    out.string(columns[0].keyspace)
    out.string(columns[0].table)
  }
  for (const column of columns) {
    if (!isGlobal) {
      out.string(column.keyspace)
      out.string(column.table)
    }
    out.string(column.name)
    writeTypeOption(out, column.type, version)
  }
}

/** The bind variables of a prepared statement; the key's places are sent only where all are of one table. */
export function writePreparedMetadata(out: ByteWriter, metadata: PreparedMetadata, version: number): void {
  const flags = inOneTable(metadata.columns) ? MetadataFlag.GLOBAL_TABLES_SPEC : 0
  out.int(flags)
  out.int(metadata.columns.length)
  if (version >= 4) {
    const indexes = flags === 0 ? [] : metadata.pkIndexes
    out.int(indexes.length)
    for (const index of indexes) out.short(index)
  }
  writeColumns(out, metadata.columns, flags, version)
}
