import { EMPTY_BYTES, toHex } from '../common/bytes.ts'
import { InvalidRequestError, MarshalError, ServerError } from '../common/errors.ts'
import type { ColumnSpecification } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import {
  type CqlType,
  isValueCompatible,
  literalText,
  literalToBytes,
  packList,
  packMapSorted,
  packSet,
  packTuple,
  packVector,
  sameType,
  type Literal as TypedLiteral,
  testLiteralAssignment,
  unpackList,
  unpackMap,
  unpackSet,
  unwrapReversed,
} from '../types/index.ts'
import type { ExecutionContext } from './execution-context.ts'
import { callText, prepareCall, shortName, testCall } from './functions/call.ts'
import { signature } from './functions/definition.ts'
import type { ScalarFunction } from './functions/function.ts'
import { prepareComposedLiteral, testComposedLiteral } from './literals.ts'
import type * as raw from './raw/index.ts'
import { qualifiedTypeText, rawTypeText } from './types.ts'

/**
 * Terms: values that a statement names, prepared against the type they are for (`Term`). A term evaluates to bytes, to
 * null, or to undefined where the client left the value unset.
 */
export type Term =
  | { readonly kind: 'constant'; readonly value: Uint8Array | null }
  | { readonly kind: 'marker'; readonly index: number; readonly receiver: ColumnSpecification }
  | { readonly kind: 'list'; readonly elements: readonly Term[] }
  | { readonly kind: 'set'; readonly type: CqlType; readonly elements: readonly Term[] }
  | { readonly kind: 'map'; readonly type: CqlType; readonly entries: readonly (readonly [Term, Term])[] }
  | { readonly kind: 'tuple'; readonly type: CqlType; readonly elements: readonly Term[] }
  | { readonly kind: 'vector'; readonly type: CqlType; readonly elements: readonly Term[] }
  /** A value with a source of its own: a column in the JSON of a bind marker. */
  | { readonly kind: 'computed'; evaluate(context: ExecutionContext): Value }
  | { readonly kind: 'function'; readonly function: ScalarFunction; readonly args: readonly Term[] }

/** A value: its bytes, null, or undefined for a bind variable that was left unset. */
export type Value = Uint8Array | null | undefined

export type { ExecutionContext } from './execution-context.ts'

/** What is gathered while a statement is prepared. */
export interface PrepareContext {
  readonly keyspace: string
  /** The table that the statement is about; null where it is about none. */
  readonly table: TableMetadata | null
  /** The receiver of each bind marker, by its index in the statement. */
  readonly markers: (ColumnSpecification | undefined)[]
  /** The milliseconds that the literal 'now' of a timestamp stands for. */
  readonly nowMillis: number
  /** Type of a hint or cast. */
  resolveType(type: raw.RawType): CqlType
}

/** Type as messages name it: that of CQL, without frozen for what is nested (`AbstractType.asCQL3Type`). */
export function typeName(type: CqlType): string {
  return unwrapReversed(type).cqlName
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/** A specification for part of a receiver, such as `value(l)` for an element of list `l`. */
export function part(receiver: ColumnSpecification, name: string, type: CqlType): ColumnSpecification {
  return { keyspace: receiver.keyspace, table: receiver.table, name, type }
}

export function elementSpecification(receiver: ColumnSpecification, type: CqlType): ColumnSpecification {
  return part(receiver, `value(${receiver.name})`, type)
}

type NonNullLiteral = raw.Literal & { readonly type: Exclude<raw.LiteralType, 'null'> }

function typed(literal: raw.Literal): TypedLiteral {
  return { kind: (literal as NonNullLiteral).type, text: literal.text }
}

/** The text of a raw term as error messages show it (`Term.Raw.getText`). */
export function termText(term: raw.Term): string {
  switch (term.kind) {
    case 'literal':
      return term.type === 'null' ? 'NULL' : literalText(typed(term))
    case 'bindMarker':
      return '?'
    case 'functionCall':
    case 'cast':
    case 'arithmetic':
    case 'negation':
      return callText(term)
    case 'typeCast':
      return `(${rawTypeText(term.type)})${termText(term.term)}`
    case 'listLiteral':
      return `[${term.elements.map(termText).join(', ')}]`
    case 'setLiteral':
      return `{${term.elements.map(termText).join(', ')}}`
    case 'mapLiteral':
      return `{${term.entries.map(([k, v]) => `${termText(k)}: ${termText(v)}`).join(', ')}}`
    case 'tupleLiteral':
      return `(${term.elements.map(termText).join(', ')})`
    case 'udtLiteral':
      return `{${term.fields.map(([f, v]) => `${f.text}: ${termText(v)}`).join(', ')}}`
    case 'prepared':
      return ''
  }
}

/** Whether a term can be given for a receiver (`AssignmentTestable.testAssignment`). */
export function testAssignment(
  term: raw.Term,
  receiver: ColumnSpecification,
  context: PrepareContext,
): 'EXACT' | 'WEAK' | 'NOT' {
  const type = unwrapReversed(receiver.type)
  switch (term.kind) {
    case 'literal':
      if (term.type === 'null') return type.kind === 'counter' ? 'NOT' : 'WEAK'
      return testLiteralAssignment(type, typed(term))
    case 'bindMarker':
      return 'WEAK'
    case 'typeCast': {
      const cast = context.resolveType(term.type)
      if (sameType(receiver.type, cast)) return 'EXACT'
      return isValueCompatible(receiver.type, cast) ? 'WEAK' : 'NOT'
    }
    case 'functionCall':
    case 'cast':
    case 'arithmetic':
    case 'negation':
      return testCall(term, receiver, context)
    case 'listLiteral':
    case 'setLiteral':
    case 'mapLiteral':
    case 'tupleLiteral':
    case 'udtLiteral':
      return testComposedLiteral(term, receiver, context)
    case 'prepared':
      return 'WEAK'
  }
}

/** Prepares a term for a receiver. Throws an InvalidRequestError when its type does not fit. */
export function prepareTerm(term: raw.Term, receiver: ColumnSpecification, context: PrepareContext): Term {
  const type = unwrapReversed(receiver.type)
  switch (term.kind) {
    case 'literal':
      return prepareLiteral(term, receiver, context)
    case 'bindMarker':
      context.markers[term.index] = receiver
      return { kind: 'marker', index: term.index, receiver }
    case 'typeCast': {
      const cast = context.resolveType(term.type)
      // A user type was looked up by now, and is shown with its keyspace.
      const hint = qualifiedTypeText(term.type, context.keyspace)
      const text = `(${hint})${termText(term.term)}`
      if (testAssignment(term.term, part(receiver, text, cast), context) === 'NOT') {
        throw invalid(`Cannot cast value ${termText(term.term)} to type ${hint}`)
      }
      if (testAssignment(term, receiver, context) === 'NOT') {
        throw invalid(`Cannot assign value ${text} to ${receiver.name} of type ${typeName(type)}`)
      }
      // Not for the type of the hint, which is a matter of what fits alone.
      return prepareTerm(term.term, receiver, context)
    }
    case 'functionCall':
    case 'cast':
    case 'arithmetic':
    case 'negation':
      return prepareCall(term, receiver, context)
    case 'prepared':
      return term.term
    case 'listLiteral':
    case 'setLiteral':
    case 'mapLiteral':
    case 'tupleLiteral':
    case 'udtLiteral':
      return prepareComposedLiteral(term, receiver, context)
  }
}

function prepareLiteral(term: raw.Literal, receiver: ColumnSpecification, context: PrepareContext): Term {
  if (term.type === 'null') {
    if (unwrapReversed(receiver.type).kind === 'counter') {
      throw invalid('Invalid null value for counter increment/decrement')
    }
    return { kind: 'constant', value: null }
  }
  const literal = typed(term)
  if (testLiteralAssignment(receiver.type, literal) === 'NOT') {
    throw invalid(
      `Invalid ${term.type.toUpperCase()} constant (${literal.text}) for "${receiver.name}" of type ${typeName(receiver.type)}`,
    )
  }
  try {
    const value = literalToBytes(receiver.type, literal, context.nowMillis)
    unwrapReversed(receiver.type).validate(value)
    return { kind: 'constant', value }
  } catch (error) {
    throw marshal(error)
  }
}

/** A MarshalError becomes an InvalidRequestError with its text; others pass. */
export function marshal(error: unknown): unknown {
  return error instanceof MarshalError ? invalid(error.message) : error
}

/** Throws an InvalidRequestError unless the bytes are a value of the type; looks without a copy where it can. */
export function validateValue(type: CqlType, buffer: Uint8Array, offset: number, length: number): void {
  if (type.kind === 'reversed') type = type.base
  const fixed = type.fixedLength
  switch (type.kind) {
    case 'int':
    case 'bigint':
    case 'timestamp':
    case 'double':
    case 'float':
    case 'uuid':
      if (length === fixed || length === 0) return
      break
    case 'blob':
      return
    case 'text': {
      const end = offset + length
      let at = offset
      while (at < end && buffer[at]! < 0x80) at++
      if (at === end) return
      break
    }
  }
  try {
    type.validate(buffer.subarray(offset, offset + length))
  } catch (error) {
    throw marshal(error)
  }
}

function boundValue(
  term: { readonly index: number; readonly receiver: ColumnSpecification },
  context: ExecutionContext,
): Value {
  const { values } = context
  const length = values.lengths[term.index]!
  if (length < 0) return length === -1 ? null : undefined
  const offset = values.offsets[term.index]!
  const type = unwrapReversed(term.receiver.type)
  validateValue(type, values.buffer, offset, length)
  const value = values.buffer.subarray(offset, offset + length)
  // Of a DESC column Cassandra takes the bytes as they are.
  return term.receiver.type.kind === 'reversed' ? value : canonical(type, value)
}

/** Whether values of the type have sets or maps in them, which clients may send in any order. */
function hasOrder(type: CqlType): boolean {
  switch (type.kind) {
    case 'set':
    case 'map':
      return true
    case 'list':
    case 'vector':
      return hasOrder(type.elements)
    default:
      return false
  }
}

/** A bound value with its sets and maps, nested ones too, in order and without duplicates (`Sets.Value`, `Maps.Value`). */
export function canonical(type: CqlType, value: Uint8Array): Uint8Array {
  if (!hasOrder(type) || value.length === 0) return value
  switch (type.kind) {
    case 'list':
      return packList(unpackList(value).map((e) => (e === null ? null : canonical(type.elements, e))))
    case 'set':
      return packSet(
        type,
        unpackSet(value).map((e) => canonical(type.elements, e)),
      )
    case 'map':
      return packMapSorted(
        type,
        unpackMap(value).map(([k, v]) => [canonical(type.keys, k), canonical(type.values, v)] as const),
      )
    default:
      return value
  }
}

function collectionElement(term: Term, context: ExecutionContext): Uint8Array {
  const value = evaluate(term, context)
  if (value === null) throw invalid('null is not supported inside collections')
  if (value === undefined) throw invalid('unset value is not supported inside collections')
  return value
}

/** A function's result, which has to be a value of its type (`FunctionCall.executeInternal`). */
function checkedResult(called: ScalarFunction, result: Uint8Array | null): Uint8Array | null {
  if (result === null) return null
  try {
    called.returnType.validate(result)
    return result
  } catch (error) {
    if (!(error instanceof MarshalError)) throw error
    throw new ServerError(
      `java.lang.RuntimeException: Return of function ${signature(called)} (${toHex(result)}) is not a valid value for its declared return type ${called.returnType.cqlName}`,
    )
  }
}

/** A field of a user type that is not frozen is left empty where it is unset; there is no such thing in other tuples. */
function unsetComponent(type: CqlType, index: number): Uint8Array {
  if (type.kind !== 'udt') throw invalid(`Invalid unset value for tuple field number ${index}`)
  if (type.multiCell) return EMPTY_BYTES
  throw invalid(`Invalid unset value for field '${type.fieldNames[index]}' of user defined type ${type.name}`)
}

/** The value of a term. A view into the bound values where the term is a marker: copy it to keep it. */
export function evaluate(term: Term, context: ExecutionContext): Value {
  switch (term.kind) {
    case 'constant':
      return term.value
    case 'marker':
      return boundValue(term, context)
    case 'list':
      return packList(term.elements.map((e) => collectionElement(e, context)))
    case 'set': {
      if (term.type.kind !== 'set') throw invalid('Invalid set literal')
      return packSet(
        term.type,
        term.elements.map((e) => collectionElement(e, context)),
      )
    }
    case 'map':
      if (term.type.kind !== 'map') throw invalid('Invalid map literal')
      return packMapSorted(
        term.type,
        term.entries.map(([k, v]) => [collectionElement(k, context), collectionElement(v, context)] as const),
      )
    case 'tuple':
      return packTuple(
        term.elements.map((e, index) => {
          const value = evaluate(e, context)
          return value === undefined ? unsetComponent(term.type, index) : value
        }),
      )
    case 'vector':
      if (term.type.kind !== 'vector') throw invalid('Invalid vector literal')
      return packVector(
        term.type,
        term.elements.map((e) => {
          const value = evaluate(e, context)
          if (value === null || value === undefined) throw invalid('null is not supported inside vectors')
          return value
        }),
      )
    case 'computed':
      return term.evaluate(context)
    case 'function': {
      const args = term.args.map((arg) => evaluate(arg, context))
      if (args.includes(undefined))
        throw invalid(`Invalid unset value for argument in call to function ${shortName(term.function)}`)
      return checkedResult(term.function, term.function.execute(args as (Uint8Array | null)[], context))
    }
  }
}
