import { InvalidRequestError } from '../../common/errors.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import {
  type CqlType,
  freeze,
  isFrozen,
  isValueCompatible,
  mapType,
  maybeQuote,
  preferredType,
  sameType,
  setType,
  testTypeAssignment,
  tupleType,
} from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { type PrepareContext, prepareTerm, type Term, termText, testAssignment } from '../term.ts'
import { resolveType } from '../types.ts'
import { nameOf } from './definition.ts'
import type { Assignable, Assignment, CqlFunction, FunctionReceiver } from './function.ts'
import { functionType } from './parameters.ts'
import {
  argumentSpecification,
  castFunctionName,
  functionNameText,
  hasFactory,
  NEGATION,
  operatorFunctionName,
  operatorOf,
  resolveFunction,
} from './resolve.ts'

/** Calls of functions in terms, and what stands for one: operators, CAST (`FunctionCall.Raw`). */

const SYSTEM = { name: 'system', types: new Map<string, never>() }

export type CallTerm = raw.FunctionCall | raw.CastTerm | raw.ArithmeticTerm | raw.NegationTerm

interface Call {
  readonly name: raw.FunctionName
  readonly args: readonly raw.Term[]
}

function callOf(term: CallTerm): Call {
  switch (term.kind) {
    case 'functionCall':
      return term
    case 'cast':
      return { name: castFunctionName(term.type), args: [term.term] }
    case 'arithmetic':
      return { name: operatorFunctionName(term.operator), args: [term.left, term.right] }
    case 'negation':
      return { name: NEGATION, args: [term.term] }
  }
}

/** A call as messages show it, operators too by the names of their functions. */
export function callText(term: CallTerm): string {
  const { name, args } = callOf(term)
  const isToken = name.name === 'token' && (name.keyspace === null || name.keyspace === 'system')
  const keyspace = name.keyspace === null ? '' : `${maybeQuote(name.keyspace)}.`
  const text = isToken ? name.name : `${keyspace}${maybeQuote(name.name)}`
  return `${text}(${args.map(termText).join(', ')})`
}

/** A term whose type may not be known, as a function's argument. */
function assignable(term: raw.Term, context: PrepareContext): Assignable {
  return {
    testAssignment: (receiver) => testAssignment(term, receiver, context),
    get knownType() {
      return compatibleType(term, context)
    },
    get text() {
      return termText(term)
    },
    isMarker: term.kind === 'bindMarker',
  }
}

function resolve({ name, args }: Call, receiver: FunctionReceiver, context: PrepareContext) {
  const arguments_ = args.map((arg) => assignable(arg, context))
  return resolveFunction(name, arguments_, receiver)
}

/** Whether a call gives what is wanted (`FunctionCall.Raw.testAssignment`); what is wrong with it is told later. */
export function testCall(term: CallTerm, receiver: ColumnSpecification, context: PrepareContext): Assignment {
  const called = unlessInvalid(() =>
    resolve(callOf(term), { table: context.table, type: receiver.type }, context),
  )
  if (called === null || hasFactory(called)) return 'WEAK'
  const wanted = functionType(receiver.type)
  if (sameType(wanted, called.returnType)) return 'EXACT'
  return isValueCompatible(wanted, called.returnType) ? 'WEAK' : 'NOT'
}

/** Null where an InvalidRequestError was thrown. */
function unlessInvalid<T>(attempt: () => T | null): T | null {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof InvalidRequestError) return null
    throw error
  }
}

/** Prepares a call for what its result is for. Throws an InvalidRequestError where it does not fit. */
export function prepareCall(term: CallTerm, receiver: ColumnSpecification, context: PrepareContext): Term {
  const call = callOf(term)
  const called = resolve(call, { table: context.table, type: receiver.type }, context)
  if (called === null) {
    throw new InvalidRequestError(`Unknown function ${functionNameText(call.name)} called`)
  }
  if (called.kind === 'aggregate') {
    throw new InvalidRequestError('Aggregation function are not supported in the where clause')
  }
  checkResult(call.name, called, receiver)
  if (called.argTypes.length !== call.args.length) {
    throw new InvalidRequestError(
      `Incorrect number of arguments specified for function ${called.fullName} (expected ${called.argTypes.length}, found ${call.args.length})`,
    )
  }
  const args = call.args.map((arg, index) =>
    prepareTerm(arg, argumentSpecification(called, index, receiver.keyspace, receiver.table), context),
  )
  return { kind: 'function', function: called, args }
}

function checkResult(name: raw.FunctionName, called: CqlFunction, receiver: ColumnSpecification): void {
  const result = isFrozen(receiver.type) ? freeze(called.returnType) : called.returnType
  if (sameType(receiver.type, result) || isValueCompatible(receiver.type, result)) return
  const operator = operatorOf(name)
  const what = operator === null ? `function ${called.fullName}` : `operation ${operator}`
  throw new InvalidRequestError(
    `Type error: cannot assign result of ${what} (type ${called.returnType.cqlName}) to ${receiver.name} (type ${receiver.type.cqlName})`,
  )
}

/** A function's name without its keyspace, as the message about an unset argument has it. */
export function shortName(called: CqlFunction): string {
  return nameOf(called)
}

/** A type that a term can have where nothing is known of what it is for (`getCompatibleTypeIfKnown`), or null. */
export function compatibleType(term: raw.Term, context: PrepareContext): CqlType | null {
  switch (term.kind) {
    case 'literal':
      return term.type === 'null' ? null : preferredType({ kind: term.type, text: term.text })
    case 'typeCast':
      // Where nothing else is known, Cassandra looks for user types in the keyspace system, which has none.
      return resolveType(term.type, SYSTEM)
    case 'functionCall':
    case 'cast':
    case 'arithmetic':
    case 'negation':
      return (
        unlessInvalid(() => resolve(callOf(term), { table: null, type: null }, context))?.returnType ?? null
      )
    case 'setLiteral': {
      const elements = commonType(term.elements, context)
      return elements === null ? null : setType(elements, false)
    }
    case 'mapLiteral': {
      const keys = commonType(
        term.entries.map(([key]) => key),
        context,
      )
      const values = commonType(
        term.entries.map(([, value]) => value),
        context,
      )
      return keys === null || values === null ? null : mapType(keys, values, false)
    }
    case 'tupleLiteral': {
      // Literals have no exact type, which a tuple asks of all of its elements.
      const types = term.elements.map((element) =>
        element.kind === 'literal' ? null : compatibleType(element, context),
      )
      return types.includes(null) ? null : tupleType(types as CqlType[])
    }
    default:
      return null
  }
}

/** A type that all of some terms whose types are known fit (`AssignmentTestable.getCompatibleTypeIfKnown`), or null. */
function commonType(terms: readonly raw.Term[], context: PrepareContext): CqlType | null {
  const types = terms.map((term) => compatibleType(term, context)).filter((type) => type !== null)
  return types.find((type) => types.every((other) => testTypeAssignment(type, other) !== 'NOT')) ?? null
}
