import type { TableMetadata } from '../../model/table.ts'
import type { TableDescriptor } from '../../storage/records.ts'
import { MutationFormatError } from './mutation-message.ts'

/** What an encoded mutation is about, without a look at its rows. */
export interface MutationSummary {
  /** Of its tables; those of one mutation have the same. */
  readonly keyspace: string
  /** UUIDs of the tables. */
  readonly tableIds: readonly string[]
  /** The token of its first partition; all its partitions have the same key. */
  readonly tokenHi: number
  readonly tokenLo: number
}

const HEADER_WORDS = 2
const KNOWN_MAX = 1000

/** Reads what `MutationEncoder` wrote as far as its descriptors, which it remembers by their text. */
export class MutationSummaries {
  readonly #known = new Map<string, { readonly id: string; readonly keyspace: string }>()

  /** Throws a MutationFormatError. `words` are not changed. A mutation of nothing has no tables. */
  of(words: Int32Array): MutationSummary {
    const count = words[0] ?? -1
    if (words.length < HEADER_WORDS || count < 0) throw new MutationFormatError('The message is too short')
    const tableIds: string[] = []
    let keyspace = ''
    let at = HEADER_WORDS
    for (let i = 0; i < count; i++) {
      const length = words[at] ?? -1
      if (length < 0 || at + 1 + (length >>> 2) > words.length) {
        throw new MutationFormatError('A descriptor is cut')
      }
      const table = this.#read(words, at + 1, length)
      keyspace = table.keyspace
      tableIds.push(table.id)
      at += 1 + (length >>> 2)
    }
    return { keyspace, tableIds, tokenHi: words[at + 2] ?? 0, tokenLo: words[at + 3] ?? 0 }
  }

  #read(words: Int32Array, at: number, length: number): { readonly id: string; readonly keyspace: string } {
    const text = Buffer.from(words.buffer, words.byteOffset + (at << 2), length).toString('latin1')
    const known = this.#known.get(text)
    if (known !== undefined) return known
    let descriptor: TableDescriptor
    try {
      descriptor = JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as TableDescriptor
    } catch {
      throw new MutationFormatError('A descriptor is no JSON')
    }
    const { id, keyspace } = descriptor
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(text, { id, keyspace })
    return { id, keyspace }
  }
}

/**
 * The least gc_grace_seconds of a mutation's tables (`Mutation.smallestGCGS`); null where one of them is not there (any
 * more).
 */
export function smallestGcGrace(
  { tableIds }: MutationSummary,
  tableById: (id: string) => TableMetadata | null,
): number | null {
  let least = 0x7fffffff
  for (const id of tableIds) {
    const table = tableById(id)
    if (table === null) return null
    least = Math.min(least, table.params.gcGraceSeconds)
  }
  return least
}
