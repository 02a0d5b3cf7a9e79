import type { PreparedBatch } from '../cql/modify/batch.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import type { RawStatement } from '../cql/raw/index.ts'
import type { PreparedSelect } from '../cql/select/index.ts'
import type { PreparedRef } from '../model/query-options.ts'
import type { PreparedMetadata, ResultMetadata } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import type { PreparedDescribe } from './describe.ts'

/** A statement after preparation: what is executed. DDL and the like keep their raw form: they meet the schema late. */
export type Executable =
  | PreparedSelect
  | PreparedModification
  | PreparedBatch
  | PreparedDescribe
  | { readonly kind: 'other'; readonly raw: RawStatement }

/** A statement, its bind variables and its columns. */
export interface PreparedStatement {
  readonly executable: Executable
  readonly bind: PreparedMetadata
  /** Names of the bind markers as written; a `?` is known by its receiver's name. */
  readonly markerNames: readonly string[]
  /** Null when it returns no rows, or, for a conditional one, rows whose columns are not known yet. */
  readonly result: ResultMetadata | null
  readonly fullyQualified: boolean
  /** Tables it depends on: when one changes the statement is evicted. */
  readonly tables: readonly TableMetadata[]
  readonly query: string
  /** Keyspace that unqualified names were resolved with. */
  readonly keyspace: string | null
}

interface Entry {
  readonly words: Int32Array
  readonly id: Uint8Array
  readonly statement: PreparedStatement
  readonly sizeBytes: number
  previous: Entry | null
  next: Entry | null
}

/** Rough bytes that a prepared statement takes beside its text; Cassandra measures, here it is reckoned. */
const OVERHEAD_BYTES = 2048

/**
 * Prepared statements by id, the least recently used evicted past a size in bytes
 * (prepared_statements_cache_size). Looked up by the id where it lies in the frame, without a string or a view.
 */
export class PreparedStatements {
  readonly #byWord = new Map<number, Entry[]>()
  readonly #limitBytes: number
  #newest: Entry | null = null
  #oldest: Entry | null = null
  sizeBytes = 0
  count = 0
  evictions = 0
  readonly #onEvict: (id: Uint8Array) => void

  constructor(limitBytes: number, onEvict: (id: Uint8Array) => void = () => {}) {
    this.#limitBytes = limitBytes
    this.#onEvict = onEvict
  }

  /** The statement whose id lies in the frame, or null. */
  find(ref: PreparedRef): PreparedStatement | null {
    if (ref.idLength !== 16) return null
    return this.#find(ref.buffer, ref.idOffset)
  }

  get(id: Uint8Array): PreparedStatement | null {
    return id.length === 16 ? this.#find(id, 0) : null
  }

  #find(buffer: Uint8Array, offset: number): PreparedStatement | null {
    const first = wordAt(buffer, offset)
    const entries = this.#byWord.get(first)
    if (entries === undefined) return null
    for (const entry of entries) {
      const { words } = entry
      if (
        words[1] === wordAt(buffer, offset + 4) &&
        words[2] === wordAt(buffer, offset + 8) &&
        words[3] === wordAt(buffer, offset + 12)
      ) {
        if (entry !== this.#newest) this.#touch(entry)
        return entry.statement
      }
    }
    return null
  }

  set(id: Uint8Array, statement: PreparedStatement): void {
    this.delete(id)
    const words = new Int32Array(4)
    for (let i = 0; i < 4; i++) words[i] = wordAt(id, i * 4)
    const entry: Entry = {
      words,
      id: id.slice(),
      statement,
      sizeBytes: OVERHEAD_BYTES + statement.query.length * 2,
      previous: null,
      next: null,
    }
    const entries = this.#byWord.get(words[0]!)
    if (entries === undefined) this.#byWord.set(words[0]!, [entry])
    else entries.push(entry)
    this.#link(entry)
    this.sizeBytes += entry.sizeBytes
    this.count++
    while (this.sizeBytes > this.#limitBytes && this.#oldest !== null && this.#oldest !== entry) {
      this.evictions++
      this.#remove(this.#oldest)
    }
  }

  delete(id: Uint8Array): boolean {
    const entry = this.#byWord.get(wordAt(id, 0))?.find((e) => Buffer.compare(e.id, id) === 0)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  /** Evicts those for which `test` holds: a table or type of theirs was changed or dropped. */
  evict(test: (statement: PreparedStatement) => boolean): void {
    for (const entries of [...this.#byWord.values()]) {
      for (const entry of [...entries]) if (test(entry.statement)) this.#remove(entry)
    }
  }

  *entries(): Iterable<readonly [Uint8Array, PreparedStatement]> {
    for (const entries of this.#byWord.values())
      for (const entry of entries) yield [entry.id, entry.statement]
  }

  #remove(entry: Entry): void {
    const entries = this.#byWord.get(entry.words[0]!)!
    entries.splice(entries.indexOf(entry), 1)
    if (entries.length === 0) this.#byWord.delete(entry.words[0]!)
    this.#unlink(entry)
    this.sizeBytes -= entry.sizeBytes
    this.count--
    this.#onEvict(entry.id)
  }

  #touch(entry: Entry): void {
    this.#unlink(entry)
    this.#link(entry)
  }

  #link(entry: Entry): void {
    entry.previous = this.#newest
    entry.next = null
    if (this.#newest !== null) this.#newest.next = entry
    this.#newest = entry
    if (this.#oldest === null) this.#oldest = entry
  }

  #unlink(entry: Entry): void {
    if (entry.previous !== null) entry.previous.next = entry.next
    else this.#oldest = entry.next
    if (entry.next !== null) entry.next.previous = entry.previous
    else this.#newest = entry.previous
  }
}

function wordAt(buffer: Uint8Array, offset: number): number {
  return (
    (buffer[offset]! << 24) | (buffer[offset + 1]! << 16) | (buffer[offset + 2]! << 8) | buffer[offset + 3]!
  )
}
