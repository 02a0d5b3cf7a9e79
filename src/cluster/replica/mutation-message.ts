import { countsAt, MutationBuilder, rowsAt, UPDATE_KEY_WORD } from '../../model/mutation.ts'
import { cellsAt, endOfCell, type Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { applyTranslation, describeTable, type TableDescriptor } from '../../storage/records.ts'

/** A mutation that came from another node means a table, or a column, that this one does not know (yet). */
export class IncompatibleSchemaError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'IncompatibleSchemaError'
  }
}

/** The bytes are no mutation. */
export class MutationFormatError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MutationFormatError'
  }
}

const HEADER_WORDS = 2
/** What tables look like in messages, for those that were sent lately. */
const DESCRIPTORS_MAX = 1000

const descriptors = new WeakMap<TableMetadata, Int32Array>()

/** Descriptor of a table as it stands in a message: its length in bytes, then JSON padded with spaces to whole words. */
function descriptorWords(table: TableMetadata): Int32Array {
  let words = descriptors.get(table)
  if (words === undefined) {
    const text = Buffer.from(JSON.stringify(describeTable(table)))
    const bytes = new Uint8Array(4 + ((text.length + 3) & ~3)).fill(0x20)
    bytes.set(text, 4)
    words = new Int32Array(bytes.buffer)
    words[0] = bytes.length - 4
    descriptors.set(table, words)
  }
  return words
}

/**
 * Writes mutations as they go to other nodes, into hints and into the batchlog: behind the descriptors of their tables, so that each can
 * be read by itself. Words are in the machine's byte order, which is little-endian wherever Node runs.
 *
 * ```
 * word 0  number of descriptors; 1  number of updates
 * descriptor: length in bytes, JSON as in the commit log (handle, id, keyspace, table, columns)
 * updates as in a mutation (mutation.ts)
 * ```
 */
export class MutationEncoder {
  #words = new Int32Array(1 << 12)
  #tables: TableMetadata[] = []

  /**
   * The updates at those words of `source`, as bytes that are good until the next call.
   *
   * @param tableOf the table of a handle in `source`
   */
  encode(source: Words, updates: readonly number[], tableOf: (handle: number) => TableMetadata): Uint8Array {
    this.#tables.length = 0
    let size = HEADER_WORDS
    for (const at of updates) {
      size += source.i32[at]! >>> 2
      const table = tableOf(source.i32[at + 1]!)
      if (this.#tables.includes(table)) continue
      this.#tables.push(table)
      size += descriptorWords(table).length
    }
    if (size > this.#words.length) this.#words = new Int32Array(size * 2)
    const words = this.#words
    words[0] = this.#tables.length
    words[1] = updates.length
    let to = HEADER_WORDS
    for (const table of this.#tables) {
      const descriptor = descriptorWords(table)
      words.set(descriptor, to)
      to += descriptor.length
    }
    for (const at of updates) {
      const end = at + (source.i32[at]! >>> 2)
      words.set(source.i32.subarray(at, end), to)
      to += end - at
    }
    return new Uint8Array(words.buffer, 0, to << 2)
  }
}

/** Reads what `MutationEncoder` wrote, in terms of this node's schema. */
export class MutationDecoder {
  readonly #mutation = new MutationBuilder()
  /** Descriptors that came before, by their text. */
  readonly #known = new Map<string, TableDescriptor>()
  readonly #tables = new Map<number, { descriptor: TableDescriptor; table: TableMetadata }>()

  /**
   * The mutation, good until the next call. `words` are changed.
   *
   * Throws an IncompatibleSchemaError, or a MutationFormatError.
   *
   * @param tableById the table with that UUID, or null
   * @param isKept whether the updates of a table are wanted, by its UUID; all are where it is not given
   */
  decode(
    words: Int32Array<ArrayBufferLike>,
    tableById: (id: string) => TableMetadata | null,
    isKept: (id: string) => boolean = () => true,
  ): MutationBuilder {
    const record = {
      i32: words,
      u8: new Uint8Array(words.buffer, words.byteOffset, words.byteLength),
    } as Words
    if (words.length < HEADER_WORDS) throw new MutationFormatError('The message is too short')
    let at = HEADER_WORDS
    this.#tables.clear()
    for (let i = 0; i < words[0]!; i++) at = this.#readDescriptor(record, at, tableById)
    const mutation = this.#mutation
    mutation.begin()
    for (let i = 0; i < words[1]!; i++) {
      const size = (words[at] ?? 0) >>> 2
      if (size <= UPDATE_KEY_WORD || at + size > words.length)
        throw new MutationFormatError('An update is cut')
      const known = this.#tables.get(words[at + 1]!)
      if (known === undefined) throw new MutationFormatError(`Nothing says what table ${words[at + 1]} is`)
      if (!isKept(known.table.id)) {
        at += size
        continue
      }
      checkColumns(words, at, known.descriptor, known.table)
      const translated = applyTranslation(record, at, known.descriptor, known.table)
      mutation.copyUpdate(translated.words, translated.at)
      at += size
    }
    mutation.finish()
    return mutation
  }

  #readDescriptor(record: Words, at: number, tableById: (id: string) => TableMetadata | null): number {
    const length = record.i32[at] ?? -1
    const start = (at + 1) << 2
    if (length < 0 || start + length > record.u8.length) throw new MutationFormatError('A descriptor is cut')
    const text = Buffer.from(record.u8.buffer, record.u8.byteOffset + start, length).toString('latin1')
    let descriptor = this.#known.get(text)
    if (descriptor === undefined) {
      descriptor = parseDescriptor(Buffer.from(text, 'latin1').toString('utf8'))
      if (this.#known.size >= DESCRIPTORS_MAX) this.#known.clear()
      this.#known.set(text, descriptor)
    }
    const table = tableById(descriptor.id)
    if (table === null) {
      const { keyspace, table: name, id } = descriptor
      throw new IncompatibleSchemaError(`Couldn't find table with id ${id} (${keyspace}.${name})`)
    }
    this.#tables.set(descriptor.handle, { descriptor, table })
    return at + 1 + (length >>> 2)
  }
}

function parseDescriptor(text: string): TableDescriptor {
  try {
    return JSON.parse(text) as TableDescriptor
  } catch {
    throw new MutationFormatError('A descriptor is no JSON')
  }
}

/** Ids of columns that a table neither has nor had, by descriptors; most have none. */
const unknownIds = new WeakMap<TableDescriptor, { table: TableMetadata; ids: ReadonlySet<number> }>()

/** Throws an IncompatibleSchemaError where an update writes to a column that this node has not heard of. */
function checkColumns(I: Int32Array, at: number, descriptor: TableDescriptor, table: TableMetadata): void {
  let unknown = unknownIds.get(descriptor)
  if (unknown === undefined || unknown.table !== table) {
    const missing = descriptor.columns.filter(
      ([, name]) => !table.columns.has(name) && !table.dropped.has(name),
    )
    unknown = { table, ids: new Set(missing.map(([id]) => id)) }
    unknownIds.set(descriptor, unknown)
  }
  if (unknown.ids.size === 0) return
  const counts = countsAt(I, at)
  let row = rowsAt(I, counts)
  for (let rows = I[counts + 1]!; rows > 0; rows--) {
    const end = row + (I[row]! >>> 2)
    for (let p = cellsAt(I, row); p < end; p = endOfCell(I, p)) {
      const id = I[p]! & 0xffff
      if (!unknown.ids.has(id)) continue
      const name = descriptor.columns.find(([column]) => column === id)?.[1]
      throw new IncompatibleSchemaError(
        `Unknown column ${name} in table ${table.keyspace}.${table.name} during deserialization`,
      )
    }
    row = end
  }
}
