import { countsAt, type MutationBuilder, rowsAt, UPDATE_KEY_WORD, updatesAt } from '../../model/mutation.ts'
import type { Words } from '../../model/row-format.ts'

/**
 * The rows of the schema that this node has, to tell what is new of another node's: of a schema that was pulled that is little, and often
 * nothing. Rows that are the same word for word are; of others the merge will find out.
 */
export class KnownRows {
  readonly #own: Words
  /** Words at which updates begin, by table and partition. */
  readonly #updates = new Map<string, number>()

  /** @param own a finished mutation with all rows, an update for each partition of a table */
  constructor(own: Words) {
    this.#own = own
    for (const at of updatesAt(own)) this.#updates.set(partitionName(own, at), at)
  }

  /** Appends what is not known of the update at word `at`; nothing where all is. */
  copyUnknown(source: Words, at: number, out: MutationBuilder): void {
    const ownAt = this.#updates.get(partitionName(source, at))
    if (ownAt === undefined) {
      out.copyUpdate(source, at)
      return
    }
    if (textOf(source, at) === textOf(this.#own, ownAt)) return
    const { i32, u8 } = source
    const counts = countsAt(i32, at)
    // Deletions of more than a row are taken with all that stands beside them.
    if (i32[counts] !== 0 || i32[counts + 2] !== 0) {
      out.copyUpdate(source, at)
      return
    }
    const known = new Set(rowsOf(this.#own.i32, ownAt).map((row) => textOf(this.#own, row)))
    const fresh = rowsOf(i32, at).filter((row) => !known.has(textOf(source, row)))
    if (fresh.length === 0) return
    out.beginUpdate(i32[at + 1]!, i32[at + 2]!, i32[at + 3]!, u8, (at + UPDATE_KEY_WORD) << 2, i32[at + 4]!)
    for (const row of fresh) out.copyRow(source, row)
    out.endUpdate()
  }
}

/** What begins with its size in bytes, in a form that can be compared. */
function textOf({ i32, u8 }: Words, at: number): string {
  return Buffer.from(u8.buffer, u8.byteOffset + (at << 2), i32[at]!).toString('latin1')
}

function partitionName({ i32, u8 }: Words, at: number): string {
  const start = u8.byteOffset + ((at + UPDATE_KEY_WORD) << 2)
  return `${i32[at + 1]}/${Buffer.from(u8.buffer, start, i32[at + 4]!).toString('latin1')}`
}

/** Words at which the rows of an update begin. */
function rowsOf(i32: Int32Array, at: number): number[] {
  const counts = countsAt(i32, at)
  const rows: number[] = []
  let row = rowsAt(i32, counts)
  for (let n = i32[counts + 1]!; n > 0; n--) {
    rows.push(row)
    row += i32[row]! >>> 2
  }
  return rows
}
