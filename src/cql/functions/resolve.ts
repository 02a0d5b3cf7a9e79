import { InvalidRequestError } from '../../common/errors.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import { sameType, testTypeAssignment } from '../../types/index.ts'
import type { CqlType } from '../../types/type.ts'
import type { FunctionName, NativeTypeName } from '../raw/index.ts'
import { aggregateFunctions } from './aggregates.ts'
import { blobFunctions } from './blob.ts'
import { castFunctions } from './cast.ts'
import { collectionFunctions } from './collection.ts'
import { type NativeDefinition, nameOf, signature } from './definition.ts'
import type { Assignable, Assignment, CqlFunction, FunctionReceiver } from './function.ts'
import { jsonFunctions } from './json.ts'
import { maskingFunctions } from './masking.ts'
import { mathFunctions } from './math.ts'
import { NEGATION_NAME, OPERATOR_NAMES, type Operator, operationFunctions } from './operations.ts'
import { functionType } from './parameters.ts'
import { timeFunctions } from './time.ts'
import { tokenFactory } from './token.ts'
import { vectorFunctions } from './vector.ts'

/** Which function a call means (`FunctionResolver`). */

const DEFINITIONS: readonly NativeDefinition[] = [
  tokenFactory,
  ...castFunctions(),
  ...timeFunctions(),
  ...jsonFunctions(),
  ...operationFunctions(),
  ...aggregateFunctions(),
  ...collectionFunctions(),
  ...blobFunctions(),
  ...mathFunctions(),
  ...maskingFunctions(),
  ...vectorFunctions(),
]

/** Functions and factories by their names, which are exact. */
const BY_NAME = new Map<string, NativeDefinition[]>()
for (const definition of DEFINITIONS) {
  const name = nameOf(definition)
  const known = BY_NAME.get(name)
  if (known === undefined) BY_NAME.set(name, [definition])
  else known.push(definition)
}

export type { Operator } from './operations.ts'

/** The name of the function that an operator stands for (`OperationFcts.getFunctionNameFromOperator`). */
export function operatorFunctionName(operator: Operator): FunctionName {
  return { keyspace: 'system', name: OPERATOR_NAMES[operator] }
}

const OPERATORS_BY_NAME = new Map(
  Object.entries(OPERATOR_NAMES).map(([operator, name]) => [name, operator as Operator]),
)

/** The operator that a function's name stands for, or null (`OperationFcts.isOperation`). */
export function operatorOf(name: FunctionName): Operator | null {
  return name.keyspace === 'system' ? (OPERATORS_BY_NAME.get(name.name) ?? null) : null
}

/** The name of the function that a minus before a value stands for. */
export const NEGATION: FunctionName = { keyspace: 'system', name: NEGATION_NAME }

/** The name of the function that `CAST(... AS type)` stands for (`CastFcts.getFunctionName`). */
export function castFunctionName(type: NativeTypeName): FunctionName {
  return { keyspace: 'system', name: `cast_as_${type}` }
}

/** A function's name as messages show it: as it was called. */
export function functionNameText(name: FunctionName): string {
  return name.keyspace === null ? name.name : `${name.keyspace}.${name.name}`
}

/** Whether functions of that name get their types from the call (`NativeFunctions.hasFactory`). */
export function hasFactory(called: CqlFunction): boolean {
  return BY_NAME.get(nameOf(called))?.some((definition) => definition.kind === 'factory') === true
}

/** What is to be put in for an argument (`FunctionResolver.makeArgSpec`). */
export function argumentSpecification(
  called: CqlFunction,
  index: number,
  keyspace: string,
  table: string,
): ColumnSpecification {
  return {
    keyspace,
    table,
    name: `arg${index}(${called.fullName.toLowerCase()})`,
    type: called.argTypes[index],
  }
}

/**
 * The function that a call means, or null where there is none of that name (`FunctionResolver.get`): the messages for
 * that differ. Throws an InvalidRequestError when the arguments don't fit.
 */
export function resolveFunction(
  name: FunctionName,
  args: readonly Assignable[],
  receiver: FunctionReceiver,
): CqlFunction | null {
  if (name.keyspace !== null && name.keyspace !== 'system') return null
  const definitions = BY_NAME.get(name.name)
  if (definitions === undefined) return null
  const candidates = definitions.map((definition) =>
    definition.kind === 'factory' ? definition.create(args, receiver) : definition,
  )
  if (candidates.length > 1) return bestMatch(name, args, receiver, candidates)
  validateTypes(candidates[0], args, receiver)
  return candidates[0]
}

function specificationFor(
  called: CqlFunction,
  index: number,
  receiver: FunctionReceiver,
): ColumnSpecification {
  return argumentSpecification(called, index, receiver.table?.keyspace ?? '', receiver.table?.name ?? '')
}

/** The only function of its name tells exactly what is wrong with the arguments. */
function validateTypes(called: CqlFunction, args: readonly Assignable[], receiver: FunctionReceiver): void {
  const { fullName, argTypes } = called
  if (args.length !== argTypes.length) {
    throw new InvalidRequestError(
      `Invalid number of arguments in call to function ${fullName}: ${argTypes.length} required but ${args.length} provided`,
    )
  }
  for (const [index, arg] of args.entries()) {
    const expected = specificationFor(called, index, receiver)
    if (arg.testAssignment(expected) === 'NOT') {
      throw new InvalidRequestError(
        `Type error: ${arg.text} cannot be passed as argument ${index} of function ${fullName} of type ${expected.type.cqlName}`,
      )
    }
  }
}

function testArguments(
  called: CqlFunction,
  args: readonly Assignable[],
  receiver: FunctionReceiver,
): Assignment {
  if (args.length !== called.argTypes.length) return 'NOT'
  let result: Assignment = 'EXACT'
  for (const [index, arg] of args.entries()) {
    const tested = arg.testAssignment(specificationFor(called, index, receiver))
    if (tested === 'NOT') return 'NOT'
    if (tested === 'WEAK') result = 'WEAK'
  }
  return result
}

/** Whether a function gives what is wanted; among the selected columns that is anything. */
function givesWanted(called: CqlFunction, { type }: FunctionReceiver): boolean {
  return type === null || testTypeAssignment(functionType(type), called.returnType) !== 'NOT'
}

/** Of several functions of a name the one that fits exactly, or else the only one that fits at all. */
function bestMatch(
  name: FunctionName,
  args: readonly Assignable[],
  receiver: FunctionReceiver,
  candidates: readonly CqlFunction[],
): CqlFunction {
  const compatible: CqlFunction[] = []
  for (const candidate of candidates) {
    if (!givesWanted(candidate, receiver)) continue
    const tested = testArguments(candidate, args, receiver)
    if (tested === 'EXACT') return candidate
    if (tested === 'WEAK') compatible.push(candidate)
  }
  if (compatible.length === 1) return compatible[0]
  const operator = operatorOf(name)
  if (compatible.length === 0) {
    throw new InvalidRequestError(
      operator === null
        ? `Invalid call to function ${functionNameText(name)}, none of its type signatures match (known type signatures: ${candidates.map(signature).join(', ')})`
        : `the '${operator}' operation is not supported between ${args[0].text} and ${args[1].text}`,
    )
  }
  if (operator !== null) {
    const preferred = args.some((arg) => arg.isMarker) ? undefined : ofWantedTypes(compatible, receiver.type)
    if (preferred !== undefined) return preferred
    throw new InvalidRequestError(
      `Ambiguous '${operator}' operation with args ${args[0].text} and ${args[1].text}: use type hint to disambiguate, example '(int) ?'`,
    )
  }
  if (name.keyspace === NEGATION.keyspace && name.name === NEGATION.name) {
    throw new InvalidRequestError('Ambiguous negation: use type casts to disambiguate')
  }
  throw new InvalidRequestError(
    `Ambiguous call to function ${functionNameText(name)} (can be matched by following signatures: ${compatible.map(signature).join(', ')}): use type casts to disambiguate`,
  )
}

/** The operation whose operands are both of the type that is wanted. */
function ofWantedTypes(candidates: readonly CqlFunction[], wanted: CqlType | null): CqlFunction | undefined {
  if (wanted === null) return undefined
  return candidates.find(({ argTypes }) => sameType(wanted, argTypes[0]) && sameType(wanted, argTypes[1]))
}
