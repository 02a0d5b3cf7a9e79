/** Identifiers, qualified names and type references. */

import { CqlError } from '../../common/errors.ts'
import { parseClassName } from '../../types/index.ts'
import type { FunctionName, Identifier, NativeTypeName, QualifiedName, RawType } from '../raw/index.ts'
import { type Cursor, kindSet } from './cursor.ts'
import { quotedContent } from './lexer.ts'
import { BASIC_UNRESERVED, NATIVE_TYPES, T, UNRESERVED_NOT_FUNCTION } from './tokens.ts'

/** What may name columns, tables, keyspaces. */
const IDENTIFIERS = kindSet([
  T.IDENT,
  T.QUOTED_NAME,
  ...BASIC_UNRESERVED,
  ...NATIVE_TYPES,
  ...UNRESERVED_NOT_FUNCTION,
])

/** What may name a function. */
const FUNCTION_NAMES = kindSet([
  T.IDENT,
  T.QUOTED_NAME,
  ...BASIC_UNRESERVED,
  ...NATIVE_TYPES,
  T.K_TOKEN,
  T.K_COUNT,
])

/** What may name a user type, where a keyspace does not come before it. */
const TYPE_NAMES = kindSet([T.IDENT, T.QUOTED_NAME, ...BASIC_UNRESERVED, T.K_KEY])

const NATIVE = kindSet(NATIVE_TYPES)
const BASIC = kindSet(BASIC_UNRESERVED)

/** Names no user type may have. */
const RESERVED_TYPE_NAMES = new Set(['byte', 'complex', 'enum', 'date', 'interval', 'macaddr', 'bitstring'])

export function isIdentifier(kind: number): boolean {
  return IDENTIFIERS[kind] === 1
}

export function isFunctionName(kind: number): boolean {
  return FUNCTION_NAMES[kind] === 1
}

export function isNativeType(kind: number): boolean {
  return NATIVE[kind] === 1
}

/** The name under the cursor, resolved. */
function take(c: Cursor): string {
  const at = c.at++
  const { source, starts, ends } = c.tokens
  const start = starts[at] as number
  const end = ends[at] as number
  if (c.kinds[at] === T.QUOTED_NAME) return quotedContent(source, start, end)
  return source.slice(start, end).toLowerCase()
}

/** An identifier's resolved text. */
export function name(c: Cursor): string {
  if (IDENTIFIERS[c.kind] !== 1) c.fail()
  return take(c)
}

export function identifier(c: Cursor): Identifier {
  const kind = c.kind
  if (IDENTIFIERS[kind] !== 1) c.fail()
  return { text: take(c), quoted: kind === T.QUOTED_NAME }
}

/** A column's name, which old tables allow to be empty: `""`. */
export function columnIdentifier(c: Cursor): Identifier {
  if (c.accept(T.EMPTY_QUOTED_NAME)) return { text: '', quoted: true }
  return identifier(c)
}

export function isColumnIdentifier(kind: number): boolean {
  return IDENTIFIERS[kind] === 1 || kind === T.EMPTY_QUOTED_NAME
}

function nameOrMarker(c: Cursor, what: string): string {
  if (c.accept(T.QMARK)) {
    c.complain(`Bind variables cannot be used for ${what} names`)
    return ''
  }
  return name(c)
}

export function keyspaceName(c: Cursor): string {
  return nameOrMarker(c, 'keyspace')
}

function qualified(c: Cursor, what: string): QualifiedName {
  if (c.ahead(1) === T.DOT) {
    const keyspace = keyspaceName(c)
    c.at++
    return { keyspace, name: nameOrMarker(c, what) }
  }
  return { keyspace: null, name: nameOrMarker(c, what) }
}

export function tableName(c: Cursor): QualifiedName {
  return qualified(c, 'table')
}

export function qualifiedIndexName(c: Cursor): QualifiedName {
  return qualified(c, 'index')
}

export function indexName(c: Cursor): string {
  return nameOrMarker(c, 'index')
}

export function roleName(c: Cursor): string {
  if (c.kind === T.STRING_LITERAL) return c.string()
  return nameOrMarker(c, 'role')
}

/** Keywords name functions as written, without lower-casing: Cassandra's quirk. */
function functionWord(c: Cursor): string {
  const kind = c.kind
  if (FUNCTION_NAMES[kind] !== 1) c.fail()
  if (BASIC[kind] === 1) {
    const text = c.rawText()
    c.at++
    return text
  }
  return take(c)
}

export function functionName(c: Cursor): FunctionName {
  // A marker can only be meant for the keyspace.
  if (c.ahead(1) === T.DOT || c.kind === T.QMARK) {
    const keyspace = keyspaceName(c)
    c.expect(T.DOT)
    return { keyspace, name: functionWord(c) }
  }
  return { keyspace: null, name: functionWord(c) }
}

export function localFunctionName(c: Cursor): string {
  return functionWord(c)
}

export function nativeType(c: Cursor): NativeTypeName {
  if (NATIVE[c.kind] !== 1) c.fail()
  return take(c) as NativeTypeName
}

/** A user type's name. */
export function typeName(c: Cursor): QualifiedName & { readonly raw: string } {
  let keyspace: string | null = null
  if (c.ahead(1) === T.DOT) {
    keyspace = name(c)
    c.at++
  }
  const kind = c.kind
  if (TYPE_NAMES[kind] !== 1) c.fail()
  const quoted = kind === T.QUOTED_NAME
  const raw = c.rawText()
  const text = take(c)
  if (kind === T.IDENT && RESERVED_TYPE_NAMES.has(raw)) c.complain(`Invalid (reserved) user type name ${raw}`)
  return { keyspace, name: text, raw: quoted ? text : raw }
}

/** Whether a type can begin here; after a parenthesis, to tell a cast from a tuple. */
export function type(c: Cursor): RawType {
  c.enter()
  const result = typeInside(c)
  c.leave()
  return result
}

function typeInside(c: Cursor): RawType {
  const kind = c.kind
  if (NATIVE[kind] === 1) {
    // A keyspace may have a type's name: `date.address`.
    if (c.ahead(1) === T.DOT) return userType(c)
    return { kind: 'native', name: take(c) as NativeTypeName }
  }
  if (kind === T.STRING_LITERAL) return customType(c)
  if (kind === T.K_SET || c.ahead(1) === T.LESS) {
    switch (kind) {
      case T.K_LIST:
      case T.K_SET: {
        c.at++
        c.expect(T.LESS)
        const element = type(c)
        c.expect(T.GREATER)
        return { kind: kind === T.K_LIST ? 'list' : 'set', element, frozen: false }
      }
      case T.K_MAP: {
        c.at += 2
        const key = type(c)
        c.expect(T.COMMA)
        const value = type(c)
        c.expect(T.GREATER)
        return { kind: 'map', key, value, frozen: false }
      }
      case T.K_TUPLE: {
        c.at += 2
        const elements = [freezable(type(c))]
        while (c.accept(T.COMMA)) elements.push(freezable(type(c)))
        c.expect(T.GREATER)
        return { kind: 'tuple', elements, frozen: true }
      }
      case T.K_VECTOR: {
        c.at += 2
        const element = type(c)
        c.expect(T.COMMA)
        if (c.kind !== T.INTEGER) c.fail()
        const text = c.rawText()
        c.at++
        c.expect(T.GREATER)
        return { kind: 'vector', element, dimension: dimension(c, text), frozen: true }
      }
      case T.K_FROZEN: {
        c.at += 2
        const inner = type(c)
        c.expect(T.GREATER)
        return frozen(c, inner)
      }
    }
    c.fail()
  }
  return userType(c)
}

/** The marshal types by name, which a custom type may leave without their package. */
const MARSHAL_TYPES = new Set([
  ...[
    'Ascii',
    'Boolean',
    'Bytes',
    'Byte',
    'Composite',
    'CounterColumn',
    'Date',
    'Decimal',
    'Double',
    'Duration',
  ],
  ...[
    'DynamicComposite',
    'Empty',
    'Float',
    'Frozen',
    'InetAddress',
    'Int32',
    'Integer',
    'LegacyTimeUUID',
    'LexicalUUID',
  ],
  ...[
    'List',
    'Long',
    'Map',
    'PartitionerDefinedOrder',
    'Reversed',
    'Set',
    'Short',
    'SimpleDate',
    'TimeUUID',
    'Time',
  ],
  ...['Timestamp', 'Tuple', 'UTF8', 'UUID', 'User', 'Vector', 'ColumnToCollection'],
])

function customType(c: Cursor): RawType {
  const className = c.string()
  const complaint = className === '' ? null : classNameComplaint(className)
  if (complaint !== null) c.complain(`Error setting type ${className}: ${complaint}`)
  return { kind: 'custom', className, frozen: false }
}

/** What Cassandra has against the class name of a type, or null. */
function classNameComplaint(className: string): string | null {
  const base = /^[^(]*/.exec(className)?.[0] ?? ''
  const full = base.includes('.') ? base : `org.apache.cassandra.db.marshal.${base}`
  const known = /^org\.apache\.cassandra\.db\.marshal\.(\w+)Type$/.exec(full)?.[1]
  const missing = `Unable to find abstract-type class '${full}'`
  if (known === undefined || !MARSHAL_TYPES.has(known)) return missing
  try {
    parseClassName(className)
    return null
  } catch (error) {
    if (!(error instanceof CqlError)) throw error
    // Types that no column of ours can have are refused where the column is.
    return error.message === missing ? null : error.message
  }
}

function userType(c: Cursor): RawType {
  const { keyspace, name: text, raw } = typeName(c)
  return { kind: 'udt', keyspace, name: text, raw, frozen: false }
}

function dimension(c: Cursor, text: string): number {
  const value = Number(text)
  if (value > 0x7fffffff || value < -0x80000000)
    c.complain(
      `Failed parsing statement: [${c.tokens.source}] reason: NumberFormatException For input string: "${text}"`,
    )
  return value
}

function frozen(c: Cursor, inner: RawType): RawType {
  if (inner.kind === 'native' || inner.kind === 'custom') {
    c.complain(
      'frozen<> is only allowed on collections, tuples, and user-defined types (got ' +
        `${inner.kind === 'native' ? inner.name : `'${inner.className}'`})`,
    )
    return inner
  }
  return freeze(inner)
}

function freezable(inner: RawType): RawType {
  return inner.kind === 'native' || inner.kind === 'custom' ? inner : freeze(inner)
}

/** Freezing a collection freezes what is in it. */
function freeze(inner: RawType): RawType {
  switch (inner.kind) {
    case 'list':
    case 'set':
      return { ...inner, element: freezable(inner.element), frozen: true }
    case 'map':
      return { ...inner, key: freezable(inner.key), value: freezable(inner.value), frozen: true }
    case 'udt':
      return { ...inner, frozen: true }
    default:
      return inner
  }
}

/** A word as a property's value: `compaction = all`. */
export function keywordText(c: Cursor): string {
  const kind = c.kind
  if (IDENTIFIERS[kind] !== 1 || kind === T.IDENT || kind === T.QUOTED_NAME) c.fail()
  const text = c.rawText()
  c.at++
  return NATIVE[kind] === 1 ? text.toLowerCase() : text
}
