import { InvalidRequestError } from '../common/errors.ts'
import type { ColumnSpecification } from '../model/query-result.ts'
import { type CqlType, componentTypes, unwrapReversed } from '../types/index.ts'
import type { Assignment } from './functions/function.ts'
import type * as raw from './raw/index.ts'
import {
  type ExecutionContext,
  elementSpecification,
  evaluate,
  type PrepareContext,
  part,
  prepareTerm,
  type Term,
  termText,
  testAssignment,
  typeName,
} from './term.ts'

/** Literals that are composed of terms: lists, sets, maps, tuples, user types and vectors. */

export type ComposedLiteral =
  | raw.ListLiteral
  | raw.SetLiteral
  | raw.MapLiteral
  | raw.TupleLiteral
  | raw.UdtLiteral

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/** How well parts fit, all together (`TestResult.testAll`). */
function worst(tests: readonly Assignment[]): Assignment {
  return tests.includes('NOT') ? 'NOT' : tests.includes('WEAK') ? 'WEAK' : 'EXACT'
}

/** Whether a literal can be given for a receiver. */
export function testComposedLiteral(
  term: ComposedLiteral,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Assignment {
  const type = unwrapReversed(receiver.type)
  const testElements = (elements: readonly raw.Term[], of: CqlType): Assignment => {
    // Nothing says what an empty one is of.
    if (elements.length === 0) return 'WEAK'
    const specification = elementSpecification(receiver, of)
    return worst(elements.map((element) => testAssignment(element, specification, context)))
  }
  switch (term.kind) {
    case 'listLiteral':
      if (type.kind === 'vector') {
        return term.elements.length === type.dimension ? testElements(term.elements, type.elements) : 'NOT'
      }
      if (type.kind !== 'list') throw unexpectedReceiver(type)
      return testElements(term.elements, type.elements)
    case 'setLiteral':
      if (type.kind === 'map' && term.elements.length === 0) return 'WEAK'
      return type.kind === 'set' ? testElements(term.elements, type.elements) : 'NOT'
    case 'mapLiteral':
      if (type.kind !== 'map') return 'NOT'
      return worst(
        term.entries.flatMap(([key, value]) => [
          testAssignment(key, part(receiver, `key(${receiver.name})`, type.keys), context),
          testAssignment(value, elementSpecification(receiver, type.values), context),
        ]),
      )
    case 'tupleLiteral':
      return testTuple(term, receiver, context)
    case 'udtLiteral':
      return testUserType(term, receiver, context)
  }
}

/** Of tuples nothing is exact. */
function testTuple(
  term: raw.TupleLiteral,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Assignment {
  const type = unwrapReversed(receiver.type)
  if (isParenthesized(term, type)) return testAssignment(term.elements[0]!, receiver, context)
  if (type.kind !== 'tuple' && type.kind !== 'udt') return 'NOT'
  const types = componentTypes(type)
  if (term.elements.length > types.length) return 'NOT'
  return eachFits(
    term.elements.map((element, i) => [element, part(receiver, `${receiver.name}[${i}]`, types[i]!)]),
    context,
  )
}

/** Whether each of some terms can be given where it stands; what cannot be given anywhere does not fit either. */
function eachFits(
  terms: readonly (readonly [raw.Term, ColumnSpecification])[],
  context: PrepareContext,
): Assignment {
  try {
    return terms.every(([term, receiver]) => testAssignment(term, receiver, context) !== 'NOT')
      ? 'WEAK'
      : 'NOT'
  } catch (error) {
    if (error instanceof InvalidRequestError) return 'NOT'
    throw error
  }
}

function testUserType(
  term: raw.UdtLiteral,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Assignment {
  const type = unwrapReversed(receiver.type)
  if (type.kind !== 'udt') return 'NOT'
  const fields = term.fields.flatMap(([field, value]) => {
    const index = type.fieldNames.indexOf(field.text)
    // That there is no such field is said when the literal is prepared.
    if (index < 0) return []
    return [[value, part(receiver, `${receiver.name}.${field.text}`, type.fieldTypes[index]!)] as const]
  })
  return eachFits(fields, context)
}

/** Prepares a literal for a receiver. Throws an InvalidRequestError when its type does not fit. */
export function prepareComposedLiteral(
  term: ComposedLiteral,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Term {
  const type = unwrapReversed(receiver.type)
  switch (term.kind) {
    case 'listLiteral':
      if (type.kind === 'vector') return prepareVector(term, receiver, context)
      if (type.kind !== 'list') throw unexpectedReceiver(type)
      return prepareElements('list', term, receiver, type.elements, context)
    case 'setLiteral':
      if (type.kind === 'map' && term.elements.length === 0) return { kind: 'map', type, entries: [] }
      if (type.kind !== 'set') {
        throw invalid(`Invalid set literal for ${receiver.name} of type ${typeName(type)}`)
      }
      return prepareElements('set', term, receiver, type.elements, context)
    case 'mapLiteral':
      return prepareMap(term, receiver, context)
    case 'tupleLiteral':
      return prepareTuple(term, receiver, context)
    case 'udtLiteral':
      return prepareUdt(term, receiver, context)
  }
}

function prepareElements(
  kind: 'list' | 'set',
  term: raw.ListLiteral | raw.SetLiteral,
  receiver: ColumnSpecification,
  elementType: CqlType,
  context: PrepareContext,
): Term {
  const specification = elementSpecification(receiver, elementType)
  for (const element of term.elements) {
    if (testAssignment(element, specification, context) !== 'NOT') continue
    throw invalid(
      `Invalid ${kind} literal for ${receiver.name}: value ${termText(element)} is not of type ${typeName(elementType)}`,
    )
  }
  const elements = term.elements.map((element) => {
    const prepared = prepareTerm(element, specification, context)
    if (hasMarker(prepared)) throw markerInLiteral(kind, receiver)
    return prepared
  })
  const type = unwrapReversed(receiver.type)
  return fold(kind === 'list' ? { kind, elements } : { kind, type, elements })
}

/** An array in brackets is a list or a vector, and can be nothing else. */
function unexpectedReceiver(type: CqlType): InvalidRequestError {
  return invalid(`Unexpected receiver type '${typeName(type)}'; only list and vector are expected`)
}

function markerInLiteral(kind: string, receiver: ColumnSpecification): InvalidRequestError {
  return invalid(
    `Invalid ${kind} literal for ${receiver.name}: bind variables are not supported inside collection literals`,
  )
}

/** Whether a term takes a bound value (`Term.containsBindMarker`). */
function hasMarker(term: Term): boolean {
  switch (term.kind) {
    case 'constant':
    case 'computed':
      return false
    case 'marker':
      return true
    case 'map':
      return term.entries.some(([key, value]) => hasMarker(key) || hasMarker(value))
    case 'function':
      return term.args.some(hasMarker)
    default:
      return term.elements.some(hasMarker)
  }
}

function prepareVector(term: raw.ListLiteral, receiver: ColumnSpecification, context: PrepareContext): Term {
  const type = unwrapReversed(receiver.type)
  if (type.kind !== 'vector')
    throw invalid(`Invalid vector literal for ${receiver.name} of type ${typeName(type)}`)
  if (term.elements.length !== type.dimension) {
    throw invalid(
      `Invalid vector literal for ${receiver.name} of type ${typeName(type)}; expected ${type.dimension} elements, but given ${term.elements.length}`,
    )
  }
  const specification = elementSpecification(receiver, type.elements)
  const elements = term.elements.map((element) => {
    if (testAssignment(element, specification, context) === 'NOT') {
      throw invalid(
        `Invalid vector literal for ${receiver.name}: value ${termText(element)} is not of type ${typeName(type.elements)}`,
      )
    }
    return prepareTerm(element, specification, context)
  })
  return fold({ kind: 'vector', type, elements })
}

function prepareMap(term: raw.MapLiteral, receiver: ColumnSpecification, context: PrepareContext): Term {
  const type = unwrapReversed(receiver.type)
  if (type.kind !== 'map') throw invalid(`Invalid map literal for ${receiver.name} of type ${typeName(type)}`)
  const keySpecification = part(receiver, `key(${receiver.name})`, type.keys)
  const valueSpecification = elementSpecification(receiver, type.values)
  for (const [key, value] of term.entries) {
    if (testAssignment(key, keySpecification, context) === 'NOT') {
      throw invalid(
        `Invalid map literal for ${receiver.name}: key ${termText(key)} is not of type ${typeName(type.keys)}`,
      )
    }
    if (testAssignment(value, valueSpecification, context) === 'NOT') {
      throw invalid(
        `Invalid map literal for ${receiver.name}: value ${termText(value)} is not of type ${typeName(type.values)}`,
      )
    }
  }
  const entries = term.entries.map(([rawKey, rawValue]): [Term, Term] => {
    const key = prepareTerm(rawKey, keySpecification, context)
    const value = prepareTerm(rawValue, valueSpecification, context)
    if (hasMarker(key) || hasMarker(value)) throw markerInLiteral('map', receiver)
    return [key, value]
  })
  return fold({ kind: 'map', type, entries })
}

/** A tuple of one is what the grammar makes of parentheses around a term. */
function isParenthesized(term: raw.TupleLiteral, type: CqlType): boolean {
  return term.elements.length === 1 && type.kind !== 'tuple' && type.kind !== 'udt'
}

function prepareTuple(term: raw.TupleLiteral, receiver: ColumnSpecification, context: PrepareContext): Term {
  const type = unwrapReversed(receiver.type)
  if (isParenthesized(term, type)) return prepareTerm(term.elements[0]!, receiver, context)
  if (type.kind !== 'tuple' && type.kind !== 'udt') {
    throw invalid(`Invalid tuple type literal for ${receiver.name} of type ${typeName(type)}`)
  }
  const types = componentTypes(type)
  if (term.elements.length > types.length) {
    throw invalid(
      `Invalid tuple literal for ${receiver.name}: too many elements. Type ${typeName(type)} expects ${types.length} but got ${term.elements.length}`,
    )
  }
  const elements = term.elements.map((element, index) => {
    const specification = part(receiver, `${receiver.name}[${index}]`, types[index]!)
    if (testAssignment(element, specification, context) === 'NOT') {
      throw invalid(
        `Invalid tuple literal for ${receiver.name}: component ${index} is not of type ${typeName(types[index]!)}`,
      )
    }
    return prepareTerm(element, specification, context)
  })
  return fold({ kind: 'tuple', type, elements })
}

function prepareUdt(term: raw.UdtLiteral, receiver: ColumnSpecification, context: PrepareContext): Term {
  const type = unwrapReversed(receiver.type)
  if (type.kind !== 'udt') {
    throw invalid(`Invalid user type literal for ${receiver.name} of type ${typeName(type)}`)
  }
  const given = new Map(term.fields.map(([field, value]) => [field.text, value]))
  for (const name of given.keys()) {
    if (!type.fieldNames.includes(name)) {
      throw invalid(`Unknown field '${name}' in value of user defined type ${type.name}`)
    }
  }
  const elements = type.fieldNames.map((name, index): Term => {
    const value = given.get(name)
    if (value === undefined) return { kind: 'constant', value: null }
    const fieldType = type.fieldTypes[index]!
    const specification = part(receiver, `${receiver.name}.${name}`, fieldType)
    if (testAssignment(value, specification, context) === 'NOT') {
      throw invalid(
        `Invalid user type literal for ${receiver.name}: field ${name} is not of type ${typeName(fieldType)}`,
      )
    }
    return prepareTerm(value, specification, context)
  })
  return fold({ kind: 'tuple', type, elements })
}

const NO_CONTEXT: ExecutionContext = {
  values: { buffer: new Uint8Array(0), count: 0, offsets: [], lengths: [] },
  nowMillis: 0,
  timeUuid: () => new Uint8Array(16),
  randomUuid: () => new Uint8Array(16),
}

/** A term made of constants alone becomes a constant. */
function fold(term: Term): Term {
  const constant = (t: Term) => t.kind === 'constant'
  switch (term.kind) {
    case 'list':
    case 'set':
    case 'tuple':
    case 'vector':
      return term.elements.every(constant)
        ? { kind: 'constant', value: evaluate(term, NO_CONTEXT) ?? null }
        : term
    case 'map':
      return term.entries.every(([k, v]) => constant(k) && constant(v))
        ? { kind: 'constant', value: evaluate(term, NO_CONTEXT) ?? null }
        : term
    default:
      return term
  }
}
