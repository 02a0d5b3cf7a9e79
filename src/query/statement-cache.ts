import type { PreparedStatement } from './prepared-statements.ts'

interface Entry {
  readonly text: string
  readonly keyspace: string | null
  readonly statement: PreparedStatement
  readonly sizeBytes: number
}

/** Rough bytes that a statement takes beside its text, as of prepared ones. */
const OVERHEAD_BYTES = 2048
/** Longer texts are not kept: one of them would push out many. */
const TEXT_MAX = 16_384
/** Places for hashes of texts that came once, which are forgotten after so many others. */
const SEEN = 1 << 11
const SEEN_FOR = 1 << 10

/** The timestamp 'now' means the moment of preparation; an escape in JSON may hide one. */
const MEANS_NOW = /\bnow\b(?!\s*\()|\\u/i
const JSON_WORD = /\bjson\b/i

/**
 * Statements that came as text, in the form they were prepared to, so that the same text need not be parsed and
 * prepared again. A text is kept when it comes again within a thousand others: texts with values in them, each
 * different, leave nothing but a number behind. Kept are those statements only that mean the same whenever they are prepared; the
 * caller empties the cache when the schema changes.
 */
export class StatementCache {
  readonly #limitBytes: number
  readonly #seen = new Int32Array(SEEN)
  /** By hash: those of late, and those before them, which go when there is no room. */
  #young = new Map<number, Entry>()
  #old = new Map<number, Entry>()
  #youngBytes = 0
  #oldBytes = 0
  #hash = 0
  #offers = 0

  /** @param limitBytes of all that is kept; 0 keeps nothing. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get count(): number {
    return this.#young.size + this.#old.size
  }

  get sizeBytes(): number {
    return this.#youngBytes + this.#oldBytes
  }

  /** The statement that the text was in that keyspace, or null. */
  get(text: string, keyspace: string | null): PreparedStatement | null {
    if (text.length > TEXT_MAX) return null
    const hash = hashOf(text, keyspace)
    this.#hash = hash
    let entry = this.#young.get(hash)
    if (entry !== undefined && entry.text === text && entry.keyspace === keyspace) return entry.statement
    entry = this.#old.get(hash)
    if (entry === undefined || entry.text !== text || entry.keyspace !== keyspace) return null
    this.#old.delete(hash)
    this.#oldBytes -= entry.sizeBytes
    this.#keep(hash, entry)
    return entry.statement
  }

  /** Takes in what `get` just did not find. */
  offer(text: string, keyspace: string | null, statement: PreparedStatement): void {
    const { kind } = statement.executable
    if (text.length > TEXT_MAX || (kind !== 'select' && kind !== 'modification' && kind !== 'batch')) return
    const hash = this.#hash
    const slot = hash & (SEEN - 1)
    if (this.#seen[slot] !== hash) {
      if (++this.#offers % SEEN_FOR === 0) this.#seen.fill(0)
      this.#seen[slot] = hash
      return
    }
    if (MEANS_NOW.test(text)) return
    if (kind !== 'select' && JSON_WORD.test(text)) return
    const sizeBytes = OVERHEAD_BYTES + 2 * text.length
    if (sizeBytes * 2 > this.#limitBytes) return
    this.#keep(hash, { text, keyspace, statement, sizeBytes })
  }

  #keep(hash: number, entry: Entry): void {
    const replaced = this.#young.get(hash)
    if (replaced !== undefined) this.#youngBytes -= replaced.sizeBytes
    if ((this.#youngBytes + entry.sizeBytes) * 2 > this.#limitBytes) {
      this.#old = this.#young
      this.#oldBytes = this.#youngBytes
      this.#young = new Map()
      this.#youngBytes = 0
      if (replaced !== undefined) this.#old.delete(hash)
    }
    this.#young.set(hash, entry)
    this.#youngBytes += entry.sizeBytes
  }

  /** Forgets all statements: the schema is another. */
  clear(): void {
    if (this.count === 0) return
    this.#young.clear()
    this.#old.clear()
    this.#youngBytes = this.#oldBytes = 0
  }
}

/** FNV-1a over the characters; never 0, which is what no text has. */
function hashOf(text: string, keyspace: string | null): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  if (keyspace !== null) {
    hash = Math.imul(hash ^ 0xffff, 0x01000193)
    for (let i = 0; i < keyspace.length; i++) hash = Math.imul(hash ^ keyspace.charCodeAt(i), 0x01000193)
  }
  hash ^= hash >>> 15
  return hash === 0 ? 1 : hash
}
