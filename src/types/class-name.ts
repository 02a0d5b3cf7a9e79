/** Types from the class names that schema files, SSTables and quoted CQL types hold (`TypeParser`). */

import { fromHex, utf8Text } from '../common/bytes.ts'
import { ConfigurationError, SyntaxError as CqlSyntaxError } from '../common/errors.ts'
import { listType, mapType, setType } from './collection.ts'
import { legacyDate, legacyTimeUuid, native } from './native.ts'
import { tupleType, userType } from './tuple.ts'
import { type CqlType, MARSHAL_PACKAGE } from './type.ts'
import { vectorType } from './vector.ts'
import {
  compositeType,
  dynamicCompositeType,
  freeze,
  lexicalUuid,
  partitionerDefinedOrder,
  reversed,
} from './wrapper.ts'

/** Classes without parameters, by full name. */
const SIMPLE: ReadonlyMap<string, CqlType> = new Map(
  [...Object.values(native), legacyDate, legacyTimeUuid, lexicalUuid].map((type) => [type.className, type]),
)

/** Classes that take parameters, by simple name. */
const PARAMETRIC: Readonly<Record<string, (parser: ClassNameParser) => CqlType>> = {
  ListType: (parser) => listType(freeze(one(parser.types(), 'ListType')), true),
  SetType: (parser) => setType(freeze(one(parser.types(), 'SetType')), true),
  MapType: (parser) => {
    const types = parser.types()
    if (types.length !== 2) throw new ConfigurationError('MapType takes exactly 2 type parameters')
    return mapType(freeze(types[0]), freeze(types[1]), true)
  },
  TupleType: (parser) => tupleType(parser.types().map(freeze)),
  UserType: (parser) => parser.userType(),
  VectorType: (parser) => {
    const { elements, dimension } = parser.vector()
    return vectorType(freeze(elements), dimension)
  },
  FrozenType: (parser) => {
    const types = parser.types()
    if (types.length !== 1) throw new CqlSyntaxError('FrozenType() only accepts one parameter')
    return freeze(types[0])
  },
  ReversedType: (parser) => {
    const types = parser.types()
    if (types.length !== 1) {
      throw new ConfigurationError(`ReversedType takes exactly one argument, ${types.length} given`)
    }
    return reversed(types[0])
  },
  CompositeType: (parser) => compositeType(parser.types()),
  DynamicCompositeType: (parser) => dynamicCompositeType(parser.aliases(), parseClassName),
  PartitionerDefinedOrder: (parser) => partitionerDefinedOrder(parser.rawParameters()),
}

function one(types: readonly CqlType[], name: string): CqlType {
  if (types.length !== 1) throw new ConfigurationError(`${name} takes exactly 1 type parameter`)
  return types[0]
}

/** `TypeParser.parse`: a class name, full or within Cassandra's own package, with its parameters. Empty is blob. */
export function parseClassName(text: string): CqlType {
  return /^[ \t\n]*(?![\w.+&-])/.test(text) ? native.blob : new ClassNameParser(text).type()
}

const IDENTIFIER = /[0-9a-zA-Z\-+._&]*/y

class ClassNameParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  type(): CqlType {
    this.#skipBlank()
    const name = this.#identifier()
    this.#skipBlank()
    const className = name.includes('.') ? name : MARSHAL_PACKAGE + name
    const hasParameters = this.#text[this.#at] === '('
    const simple = SIMPLE.get(className)
    if (simple !== undefined) return hasParameters ? this.#defaultParameters(simple) : simple
    const build = className.startsWith(MARSHAL_PACKAGE)
      ? PARAMETRIC[className.slice(MARSHAL_PACKAGE.length)]
      : undefined
    if (build === undefined) throw new ConfigurationError(`Unable to find abstract-type class '${className}'`)
    if (hasParameters) return this.#invoke(className, () => build(this))
    return this.#invoke(className, () => build(new ClassNameParser('')))
  }

  /** What a class makes of bad parameters hides behind one text, as in Cassandra. */
  #invoke(className: string, build: () => CqlType): CqlType {
    try {
      return build()
    } catch (error) {
      if (error instanceof RangeError) throw error
      throw new ConfigurationError(`Invalid definition for comparator ${className}.`, { cause: error })
    }
  }

  /** `(reversed=true)` behind a class without parameters (`AbstractType.parseDefaultParameters`). */
  #defaultParameters(type: CqlType): CqlType {
    const parameters = new Map<string, string>()
    this.#at++
    while (this.#skipBlankAndComma()) {
      if (this.#take(')')) {
        const value = parameters.get('reversed')
        return value === '' || value === 'true' ? reversed(type) : type
      }
      const key = this.#identifier()
      let value = ''
      this.#skipBlank()
      if (this.#take('=')) {
        this.#skipBlank()
        value = this.#identifier()
      } else if (this.#text[this.#at] !== ',' && this.#text[this.#at] !== ')') {
        throw this.#error(`unexpected character '${this.#text[this.#at] ?? ''}'`)
      }
      parameters.set(key, value)
    }
    throw this.#error('unexpected end of string')
  }

  types(): CqlType[] {
    const types: CqlType[] = []
    if (!this.#open()) return types
    while (this.#skipBlankAndComma()) {
      if (this.#take(')')) return types
      types.push(this.#nested())
    }
    throw this.#error('unexpected end of string')
  }

  aliases(): Map<string, CqlType> {
    const aliases = new Map<string, CqlType>()
    if (!this.#open()) return aliases
    while (this.#skipBlankAndComma()) {
      if (this.#take(')')) return aliases
      const alias = this.#identifier()
      if (alias.length !== 1) {
        throw this.#error(`An alias should be a single character: '${alias}', string: ${this.#text}`)
      }
      this.#skipBlank()
      if (!this.#take('=>')) throw this.#error("expecting '=>' token")
      this.#skipBlank()
      aliases.set(alias, this.#nested())
    }
    throw this.#error('unexpected end of string')
  }

  vector(): { elements: CqlType; dimension: number } {
    if (!this.#open()) throw this.#error('unexpected end of string')
    const elements = this.type()
    this.#skipBlankAndComma()
    const dimension = this.#identifier()
    this.#skipBlank()
    if (!/^\d+$/.test(dimension) || !this.#take(')')) throw this.#error('expecting a dimension')
    return { elements, dimension: Number(dimension) }
  }

  userType(): CqlType {
    if (!this.#open()) throw this.#error('unexpected end of string')
    this.#skipBlankAndComma()
    const keyspace = this.#identifier()
    this.#skipBlankAndComma()
    const name = this.#hexName()
    const fieldNames: string[] = []
    const fieldTypes: CqlType[] = []
    while (this.#skipBlankAndComma()) {
      if (this.#take(')')) return userType(keyspace, name, fieldNames, fieldTypes, true)
      fieldNames.push(this.#hexName())
      this.#skipBlank()
      if (!this.#take(':')) throw this.#error("expecting ':' token")
      this.#skipBlank()
      fieldTypes.push(this.#nested())
    }
    throw this.#error('unexpected end of string')
  }

  /** Everything to the bracket that closes the one here, kept as it is. */
  rawParameters(): string {
    const start = this.#at
    let depth = 0
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++]
      if (char === '(') depth++
      else if (char === ')' && --depth === 0) break
    }
    return this.#text.slice(start, this.#at)
  }

  #nested(): CqlType {
    try {
      return this.type()
    } catch (error) {
      if (!(error instanceof CqlSyntaxError)) throw error
      throw new CqlSyntaxError(`Exception while parsing '${this.#text}' around char ${this.#at}`)
    }
  }

  #hexName(): string {
    const hex = this.#identifier()
    const bytes = fromHex(hex)
    if (bytes !== undefined) return utf8Text(bytes)
    throw this.#error(
      hex.length % 2 === 1
        ? 'An hex string representing bytes must have an even length'
        : `Non-hex characters in ${hex}`,
    )
  }

  #open(): boolean {
    return this.#take('(')
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #identifier(): string {
    IDENTIFIER.lastIndex = this.#at
    const identifier = IDENTIFIER.exec(this.#text)?.[0] ?? ''
    this.#at += identifier.length
    return identifier
  }

  #skipBlank(): void {
    while (' \t\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }

  /** Skips blanks and at most one comma; false at the end. */
  #skipBlankAndComma(): boolean {
    let comma = false
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]
      if (char === ',') {
        if (comma) return true
        comma = true
      } else if (!' \t\n'.includes(char)) return true
      this.#at++
    }
    return false
  }

  #error(message: string): CqlSyntaxError {
    return new CqlSyntaxError(`Syntax error parsing '${this.#text}' at char ${this.#at}: ${message}`)
  }
}
