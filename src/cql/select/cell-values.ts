import { EMPTY_BYTES, readUint16, utf8Bytes, writeInt64 } from '../../common/bytes.ts'
import { counterTotal } from '../../model/counter-context.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import {
  OUTPUT_COUNTER,
  OUTPUT_LIST,
  OUTPUT_MAP,
  OUTPUT_SET,
  OUTPUT_UDT,
  type Output,
  outputOf,
} from './output.ts'
import { RowsWriter } from './rows-writer.ts'

/** Values of columns that are more than the bytes of one cell. */

const scratch = new RowsWriter(1024)
const counterBytes = new Uint8Array(8)

/** Writes the cells of a column that is not a plain value: a counter, collection or user type; null when there are none. */
export function writeCells(out: RowsWriter, output: Output, live: LiveRow): void {
  const { cell } = live
  if (output.kind === OUTPUT_COUNTER) {
    if (!live.simple(output.argument)) {
      out.nullValue()
      return
    }
    const context = live.u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)
    out.int32(8)
    const at = out.length
    out.bytes(counterBytes, 0, 8)
    writeInt64(out.u8, at, counterTotal(context))
    return
  }
  live.complex(output.argument)
  if (!live.nextCell()) {
    out.nullValue()
    return
  }
  const lengthAt = out.length
  out.int32(0)
  if (output.kind === OUTPUT_UDT) writeFields(out, output.size, live)
  else {
    out.int32(0)
    let count = 0
    do {
      count++
      if (output.kind === OUTPUT_SET || output.kind === OUTPUT_MAP)
        out.value(live.u8, cell.pathOffset, cell.pathLength)
      if (output.kind === OUTPUT_LIST || output.kind === OUTPUT_MAP)
        out.value(live.u8, cell.valueOffset, cell.valueLength)
    } while (live.nextCell())
    out.patchInt32(lengthAt + 4, count)
  }
  out.patchInt32(lengthAt, out.length - lengthAt - 4)
}

/** The fields of a user type, from cells whose paths are their positions; `live` stands at the first. */
function writeFields(out: RowsWriter, size: number, live: LiveRow): void {
  const { cell } = live
  let next = 0
  do {
    const position = readUint16(live.u8, cell.pathOffset)
    if (position >= size) break
    while (next < position) {
      out.nullValue()
      next++
    }
    out.value(live.u8, cell.valueOffset, cell.valueLength)
    next = position + 1
  } while (live.nextCell())
  while (next++ < size) out.nullValue()
}

/** The value of a column as bytes; those of a simple one are a view of the row. */
export function cellsValue(column: ColumnMetadata, live: LiveRow): Uint8Array | null {
  const { id, type } = column
  if (type.kind !== 'counter' && !type.multiCell) {
    if (!live.simple(id)) return null
    return live.u8.subarray(live.cell.valueOffset, live.cell.valueOffset + live.cell.valueLength)
  }
  scratch.reset()
  writeCells(scratch, outputOf({ kind: 'cells', column }), live)
  return scratch.length === 4 && scratch.u8[0] === 0xff ? null : scratch.u8.slice(4, scratch.length)
}

export function hasCell(live: LiveRow, column: ColumnMetadata): boolean {
  if (!column.type.multiCell) return live.simple(column.id)
  live.complex(column.id)
  return live.nextCell()
}

/**
 * The name of the row's last cell, by the name of its column and then by its path, as Cassandra 2 ordered them
 * (`Row.cellsInLegacyOrder`): in v3, a page ends there.
 */
export function lastCellName(
  live: LiveRow,
  regulars: readonly ColumnMetadata[],
): readonly Uint8Array[] | undefined {
  let last: ColumnMetadata | null = null
  for (const column of regulars) {
    if ((last === null || column.name > last.name) && hasCell(live, column)) last = column
  }
  if (last === null) return undefined
  if (!last.type.multiCell) return [utf8Bytes(last.name)]
  let path = EMPTY_BYTES
  live.complex(last.id)
  while (live.nextCell()) {
    path = live.u8.slice(live.cell.pathOffset, live.cell.pathOffset + live.cell.pathLength)
  }
  return [utf8Bytes(last.name), path]
}
