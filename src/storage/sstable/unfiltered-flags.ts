/** Flags before rows, markers and cells of Data.db. */

/** Before a row or marker (`UnfilteredSerializer`). */
export const END_OF_PARTITION = 0x01
export const IS_MARKER = 0x02
export const HAS_TIMESTAMP = 0x04
export const HAS_TTL = 0x08
export const HAS_DELETION = 0x10
export const HAS_ALL_COLUMNS = 0x20
export const HAS_COMPLEX_DELETION = 0x40
export const EXTENSION = 0x80
/** In the byte that EXTENSION announces. */
export const IS_STATIC = 0x01

/** Before a cell (`Cell.Serializer`). */
export const CELL_IS_DELETED = 0x01
export const CELL_IS_EXPIRING = 0x02
export const CELL_IS_EMPTY = 0x04
export const CELL_USES_ROW_TIMESTAMP = 0x08
export const CELL_USES_ROW_TTL = 0x10

/** Up to so many columns, a bit a column says which ones a row has; beyond, their numbers (`Columns.Serializer`). */
export const BITMAP_COLUMNS_MAX = 63
