import { UPDATE_HAS_DELETION, UPDATE_KEY_WORD } from './mutation-format.ts'
import {
  CELL_EXPIRES,
  CELL_HAS_PATH,
  CELL_MAY_BE_DEAD,
  CELL_ROW_TIMESTAMP,
  cellsAt,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_HEADER_WORDS,
  ROW_LIVENESS_EXPIRES,
  wordsOf,
} from './row-format.ts'

/** Hears of timestamps, as halves. */
export type TimestampListener = (hi: number, lo: number) => void

/** Tells the timestamps of the flat row at word `at`: of its liveness, its deletion and its cells. */
export function timestampsOfRow(i32: Int32Array, at: number, note: TimestampListener): void {
  const flags = i32[at + 1]!
  let p = at + ROW_HEADER_WORDS
  if (flags & ROW_HAS_LIVENESS) {
    note(i32[p]!, i32[p + 1]!)
    p += flags & ROW_LIVENESS_EXPIRES ? 4 : 2
  }
  if (flags & ROW_HAS_DELETION) note(i32[p]!, i32[p + 1]!)
  const end = at + (i32[at]! >>> 2)
  for (p = cellsAt(i32, at); p < end; ) {
    const head = i32[p]!
    const valueWords = wordsOf(i32[p + 1]!)
    p += 2
    if ((head & CELL_ROW_TIMESTAMP) === 0) {
      note(i32[p]!, i32[p + 1]!)
      p += 2
    }
    if (head & CELL_EXPIRES) p++
    if (head & CELL_MAY_BE_DEAD) p++
    if (head & CELL_HAS_PATH) p += 1 + wordsOf(i32[p]!)
    p += valueWords
  }
}

/** Tells the timestamps of the flat update at word `at`. */
export function timestampsOfUpdate(i32: Int32Array, at: number, note: TimestampListener): void {
  let p = at + UPDATE_KEY_WORD + wordsOf(i32[at + 4]!)
  const [flags, rows, tombstones] = [i32[p]!, i32[p + 1]!, i32[p + 2]!]
  p += 3
  if (flags & UPDATE_HAS_DELETION) {
    note(i32[p]!, i32[p + 1]!)
    p += 3
  }
  for (let i = 0; i < rows; i++) {
    timestampsOfRow(i32, p, note)
    p += i32[p]! >>> 2
  }
  for (let i = 0; i < tombstones; i++) {
    note(i32[p + 1]!, i32[p + 2]!)
    p += i32[p]! >>> 2
  }
}
