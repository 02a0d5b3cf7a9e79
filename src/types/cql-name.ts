/**
 * Types as CQL writes them. `RawType` is what the grammar gives (`CQL3Type.Raw`), `prepareType` resolves it against
 * the keyspace's user types, and `parseCqlTypeName` does both for the texts of system_schema.
 */

import { SyntaxError as CqlSyntaxError, InvalidRequestError } from '../common/errors.ts'
import { parseClassName } from './class-name.ts'
import { listType, mapType, setType } from './collection.ts'
import { maybeQuote } from './identifier.ts'
import { nativeByName } from './native.ts'
import { tupleType } from './tuple.ts'
import type { CqlType, UserType } from './type.ts'
import { vectorType } from './vector.ts'
import { freeze } from './wrapper.ts'

export type RawType =
  | { readonly kind: 'native'; readonly name: string }
  | { readonly kind: 'list' | 'set'; readonly elements: RawType; readonly frozen: boolean }
  | { readonly kind: 'map'; readonly keys: RawType; readonly values: RawType; readonly frozen: boolean }
  | { readonly kind: 'tuple'; readonly types: readonly RawType[] }
  | { readonly kind: 'vector'; readonly elements: RawType; readonly dimension: number }
  | { readonly kind: 'udt'; readonly keyspace?: string; readonly name: string; readonly frozen: boolean }
  | { readonly kind: 'custom'; readonly className: string }

/** User types of one keyspace by name. */
export type UserTypes = ReadonlyMap<string, UserType>

function supportsFreezing(raw: RawType): boolean {
  return raw.kind !== 'native' && raw.kind !== 'custom'
}

function isFrozen(raw: RawType): boolean {
  return raw.kind === 'tuple' || raw.kind === 'vector' || ('frozen' in raw && raw.frozen)
}

function freezeInner(raw: RawType): RawType {
  return supportsFreezing(raw) ? freezeRaw(raw) : raw
}

/** `frozen<raw>` (`CQL3Type.Raw.freeze`). */
export function freezeRaw(raw: RawType): RawType {
  switch (raw.kind) {
    case 'list':
    case 'set':
      return { ...raw, elements: freezeInner(raw.elements), frozen: true }
    case 'map':
      return { ...raw, keys: freezeInner(raw.keys), values: freezeInner(raw.values), frozen: true }
    case 'udt':
      return { ...raw, frozen: true }
    case 'tuple':
    case 'vector':
      return raw
    default:
      throw new InvalidRequestError(
        `frozen<> is only allowed on collections, tuples, and user-defined types (got ${rawText(raw)})`,
      )
  }
}

/** A tuple's components are frozen from the start (`CQL3Type.Raw.tuple`). */
export function rawTuple(types: readonly RawType[]): RawType {
  return { kind: 'tuple', types: types.map(freezeInner) }
}

/** As error texts show it (`CQL3Type.Raw.toString`). */
export function rawText(raw: RawType): string {
  switch (raw.kind) {
    case 'native':
      return raw.name
    case 'custom':
      return `'${raw.className}'`
    case 'tuple':
      return `tuple<${raw.types.map(rawText).join(', ')}>`
    case 'vector':
      return `vector<${rawText(raw.elements)}, ${raw.dimension}>`
    case 'udt': {
      const name = rawUserTypeName(raw)
      return raw.frozen ? `frozen<${name}>` : name
    }
    case 'map': {
      const text = `map<${rawText(raw.keys)}, ${rawText(raw.values)}>`
      return raw.frozen ? `frozen<${text}>` : text
    }
    default: {
      const text = `${raw.kind}<${rawText(raw.elements)}>`
      return raw.frozen ? `frozen<${text}>` : text
    }
  }
}

function rawUserTypeName(raw: { readonly keyspace?: string; readonly name: string }): string {
  return raw.keyspace === undefined ? raw.name : `${raw.keyspace}.${raw.name}`
}

/**
 * The type that a raw one stands for in a keyspace (`CQL3Type.Raw.prepare`, and `prepareInternal` for system_schema's
 * texts, where counters may stand in collections).
 */
export function prepareType(raw: RawType, keyspace: string, userTypes: UserTypes, internal = false): CqlType {
  const prepare = (inner: RawType): CqlType => prepareType(inner, keyspace, userTypes)
  switch (raw.kind) {
    case 'native': {
      const type = nativeByName(raw.name)
      if (type === undefined) throw new InvalidRequestError(`Unknown type ${keyspace}.${raw.name}`)
      return type
    }
    case 'custom':
      return parseClassName(raw.className)
    case 'udt':
      return prepareUserType(raw, keyspace, userTypes)
    case 'tuple':
      if (raw.types.some(isCounter)) throw new InvalidRequestError('Counters are not allowed inside tuples')
      return tupleType(raw.types.map(prepare))
    case 'vector':
      // VectorType's parser freezes the elements, CQL's does not: a vector's class name then shows them unfrozen.
      return vectorType(prepare(raw.elements), raw.dimension)
    case 'list':
    case 'set':
      checkInner(raw, raw.elements, internal)
      if (raw.kind === 'set' && isDuration(raw.elements)) {
        throw new InvalidRequestError(`Durations are not allowed inside sets: ${rawText(raw)}`)
      }
      return raw.kind === 'list'
        ? listType(prepare(raw.elements), !raw.frozen)
        : setType(prepare(raw.elements), !raw.frozen)
    case 'map':
      checkInner(raw, raw.values, internal)
      if (isCounter(raw.keys)) {
        throw new InvalidRequestError(`Counters are not allowed inside collections: ${rawText(raw)}`)
      }
      if (isDuration(raw.keys)) {
        throw new InvalidRequestError(`Durations are not allowed as map keys: ${rawText(raw)}`)
      }
      checkInner(raw, raw.keys, internal)
      return mapType(prepare(raw.keys), prepare(raw.values), !raw.frozen)
  }
}

function isCounter(raw: RawType): boolean {
  return raw.kind === 'native' && raw.name === 'counter'
}

function isDuration(raw: RawType): boolean {
  return raw.kind === 'native' && raw.name === 'duration'
}

function checkInner(collection: RawType, inner: RawType, internal: boolean): void {
  if (!isFrozen(collection) && supportsFreezing(inner) && !isFrozen(inner)) {
    const what = inner.kind === 'udt' ? 'UDTs' : 'collections'
    throw new InvalidRequestError(
      `Non-frozen ${what} are not allowed inside collections: ${rawText(collection)}`,
    )
  }
  if (isCounter(inner) && !internal) {
    throw new InvalidRequestError(`Counters are not allowed inside collections: ${rawText(collection)}`)
  }
}

function prepareUserType(raw: RawType & { kind: 'udt' }, keyspace: string, userTypes: UserTypes): CqlType {
  if (raw.keyspace !== undefined && raw.keyspace !== keyspace) {
    throw new InvalidRequestError(
      `Statement on keyspace ${keyspace} cannot refer to a user type in keyspace ${raw.keyspace}; user types can only be used in the keyspace they are defined in`,
    )
  }
  const type = userTypes.get(raw.name)
  if (type === undefined) throw new InvalidRequestError(`Unknown type ${keyspace}.${raw.name}`)
  return raw.frozen ? freeze(type) : type
}

// ---------------------------------------------------------------- text

/** `CQLTypeParser.parse`: a type as system_schema holds it, with the user types of its keyspace. */
export function parseCqlTypeName(text: string, userTypes: UserTypes, keyspace = ''): CqlType {
  const simple = nativeByName(text.toLowerCase()) ?? userTypes.get(text.toLowerCase())
  return simple ?? prepareType(parseRawType(text), keyspace, userTypes, true)
}

/** Parses a whole text as a type, names not yet resolved. */
export function parseRawType(text: string): RawType {
  const parser = new TypeNameParser(text)
  const raw = parser.type()
  parser.end()
  return raw
}

const TOKEN = /\s*(?:([A-Za-z]\w*)|"((?:[^"]|"")*)"|'((?:[^']|'')*)'|(\d+)|([<>,.]))/y

interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'integer' | 'symbol'
  readonly text: string
}

class TypeNameParser {
  readonly #source: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(source: string) {
    this.#source = source
    this.#tokens = this.#tokenize()
  }

  #tokenize(): Token[] {
    const tokens: Token[] = []
    const end = this.#source.trimEnd().length
    TOKEN.lastIndex = 0
    while (TOKEN.lastIndex < end) {
      const match = TOKEN.exec(this.#source)
      if (match === null) throw this.#error()
      const [, word, quoted, string, integer, symbol] = match
      if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase() })
      else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted.replaceAll('""', '"') })
      else if (string !== undefined) tokens.push({ kind: 'string', text: string.replaceAll("''", "'") })
      else if (integer !== undefined) tokens.push({ kind: 'integer', text: integer })
      else tokens.push({ kind: 'symbol', text: symbol })
    }
    return tokens
  }

  type(): RawType {
    const token = this.#next()
    if (token.kind === 'string') return { kind: 'custom', className: token.text }
    if (token.kind === 'quoted') return this.#userType(token.text)
    if (token.kind !== 'word') throw this.#error()
    if (this.#peek('<')) {
      switch (token.text) {
        case 'frozen':
          return freezeRaw(this.#parameters(1)[0])
        case 'list':
        case 'set':
          return { kind: token.text, elements: this.#parameters(1)[0], frozen: false }
        case 'map': {
          const [keys, values] = this.#parameters(2)
          return { kind: 'map', keys, values, frozen: false }
        }
        case 'tuple':
          return rawTuple(this.#parameters())
        case 'vector':
          return this.#vector()
        default:
          throw this.#error()
      }
    }
    return nativeByName(token.text) !== undefined
      ? { kind: 'native', name: token.text }
      : this.#userType(token.text)
  }

  end(): void {
    if (this.#at !== this.#tokens.length) throw this.#error()
  }

  #userType(first: string): RawType {
    if (!this.#peek('.')) return { kind: 'udt', name: first, frozen: false }
    this.#at++
    const token = this.#next()
    if (token.kind !== 'word' && token.kind !== 'quoted') throw this.#error()
    return { kind: 'udt', keyspace: first, name: token.text, frozen: false }
  }

  #parameters(count?: number): RawType[] {
    this.#expect('<')
    const types = [this.type()]
    while (this.#peek(',')) {
      this.#at++
      types.push(this.type())
    }
    this.#expect('>')
    if (count !== undefined && types.length !== count) throw this.#error()
    return types
  }

  #vector(): RawType {
    this.#expect('<')
    const elements = this.type()
    this.#expect(',')
    const dimension = this.#next()
    if (dimension.kind !== 'integer') throw this.#error()
    this.#expect('>')
    return { kind: 'vector', elements, dimension: Number(dimension.text) }
  }

  #peek(symbol: string): boolean {
    const token = this.#tokens[this.#at]
    return token !== undefined && token.kind === 'symbol' && token.text === symbol
  }

  #expect(symbol: string): void {
    if (!this.#peek(symbol)) throw this.#error()
    this.#at++
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw this.#error()
    return token
  }

  #error(): CqlSyntaxError {
    return new CqlSyntaxError(`Failed parsing CQL type: [${this.#source}]`)
  }
}

/** The name of a user type with its keyspace, quoted as needed (`UserType.getCqlTypeName`). */
export function qualifiedName(type: UserType): string {
  return `${maybeQuote(type.keyspace)}.${maybeQuote(type.name)}`
}
