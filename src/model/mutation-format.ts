import type { Words } from './row-format.ts'

/**
 * A mutation in its flat form: what one statement, or one batch, writes. It is built once, copied into the commit log
 * as it is, and applied to memtables from the same bytes; replay applies it again.
 *
 * ```
 * word 0   size in bytes
 *      1   number of partition updates
 * update:
 *      0   size in bytes
 *      1   table handle
 *      2   token hi, lo
 *      4   key length; key, padding to 4
 *      .   UPDATE_* flags, number of rows, number of range tombstones
 *      [marked for delete hi, lo, local deletion time]    UPDATE_HAS_DELETION
 *      rows (see row-format)
 *      range tombstones:
 *        size in bytes, marked for delete hi, lo, local deletion time, start bound, end bound
 *        bound: number of components, side (0 before, 1 after the rows it is a prefix of), components as in a row
 * ```
 */
export const UPDATE_HAS_DELETION = 1

export const MUTATION_HEADER_WORDS = 2
export const UPDATE_KEY_WORD = 5

/** Words at which the updates of a finished mutation begin. */
export function updatesAt({ i32 }: Words): number[] {
  const found: number[] = []
  let at = MUTATION_HEADER_WORDS
  for (let n = i32[1]!; n > 0; n--) {
    found.push(at)
    at += i32[at]! >>> 2
  }
  return found
}

/** Word of the flags of the update at word `at`; behind it come the numbers of its rows and of its range tombstones. */
export function countsAt(i32: Int32Array, at: number): number {
  return at + UPDATE_KEY_WORD + ((i32[at + 4]! + 3) >>> 2)
}

/** Word of the first row of an update whose flags are at word `counts`. */
export function rowsAt(i32: Int32Array, counts: number): number {
  return counts + 3 + (i32[counts]! & UPDATE_HAS_DELETION ? 3 : 0)
}
