/**
 * The parser's place in the tokens. The parser decides by looking ahead and never explains: at the first token that
 * fits nothing it throws FAILED, and `diagnose` finds the words.
 */

import type { BindMarker } from '../raw/index.ts'
import { stringContent, type Tokens } from './lexer.ts'
import { T, TOKEN_KINDS } from './tokens.ts'

/** Thrown where the tokens fit no rule: no message, no stack, because most of the time none is wanted. */
export const FAILED = { failed: 'cql' } as const

/** Nesting beyond this fails as Cassandra's does when its stack overflows. */
const MAX_DEPTH = 400

export class Cursor {
  readonly tokens: Tokens
  kinds: Uint8Array
  at = 0
  /** Names of the bind markers so far. */
  bindMarkers: (string | null)[] = []
  /**
   * The first error that is none of grammar, such as a property given twice. The rest is still parsed, and an
   * error before this one in the text wins.
   */
  complaint: { readonly text: string; readonly at: number } | null = null
  private depth = 0

  constructor(tokens: Tokens) {
    this.tokens = tokens
    this.kinds = tokens.kinds
  }

  reset(): void {
    this.kinds = this.tokens.kinds
    this.at = 0
    this.bindMarkers = []
    this.complaint = null
    this.depth = 0
  }

  get kind(): number {
    return this.kinds[this.at] as number
  }

  /** Like `kind ===`, but the compiler doesn't take it for a fact that outlasts the next move. */
  is(kind: number): boolean {
    return this.kinds[this.at] === kind
  }

  /** Kinds ahead; the tokens end with EOF or ERROR, which no rule passes, but lookahead may. */
  ahead(distance: number): number {
    const index = this.at + distance
    return index < this.tokens.count ? (this.kinds[index] as number) : T.EOF
  }

  fail(): never {
    throw FAILED
  }

  expect(kind: number): void {
    if (this.kinds[this.at] !== kind) throw FAILED
    this.at++
  }

  accept(kind: number): boolean {
    if (this.kinds[this.at] !== kind) return false
    this.at++
    return true
  }

  /** Where the token begins. */
  offset(): number {
    return this.tokens.starts[Math.min(this.at, this.tokens.count - 1)] as number
  }

  /** The token's text as written. */
  rawText(): string {
    return this.tokens.source.slice(this.tokens.starts[this.at], this.tokens.ends[this.at])
  }

  /** Takes a string literal and answers its content. */
  string(): string {
    if (this.kinds[this.at] !== T.STRING_LITERAL) throw FAILED
    const at = this.at++
    return stringContent(this.tokens.source, this.tokens.starts[at] as number, this.tokens.ends[at] as number)
  }

  complain(message: string): void {
    this.complaint ??= { text: message, at: this.tokens.starts[this.at] as number }
  }

  marker(name: string | null): BindMarker {
    const index = this.bindMarkers.length
    this.bindMarkers.push(name)
    return { kind: 'bindMarker', index, name }
  }

  enter(): void {
    if (++this.depth > MAX_DEPTH) throw FAILED
  }

  leave(): void {
    this.depth--
  }

  /** Tries a rule as Cassandra's syntactic predicates do: everything is as before if it fails. */
  attempt<R>(rule: (cursor: Cursor) => R): R | null {
    const { at, complaint, depth } = this
    const markers = this.bindMarkers.length
    try {
      return rule(this)
    } catch (error) {
      if (error !== FAILED) throw error
      this.at = at
      this.complaint = complaint
      this.depth = depth
      this.bindMarkers.length = markers
      return null
    }
  }
}

/** A set of token kinds as flags, for the test on the common path. */
export function kindSet(kinds: readonly number[]): Uint8Array {
  const set = new Uint8Array(TOKEN_KINDS)
  for (const kind of kinds) set[kind] = 1
  return set
}
