import { ServerError } from '../../common/errors.ts'
import { maybeQuote } from '../../types/index.ts'
import type { CqlType } from '../../types/type.ts'
import type {
  AggregateFunction,
  Assignable,
  CqlFunction,
  FunctionReceiver,
  ScalarFunction,
} from './function.ts'

/** How the native functions are defined, and what a set of them is (`NativeFunctions`). */

/** Makes functions whose types depend on those of a call's arguments (`FunctionFactory`). */
export interface FunctionFactory {
  readonly kind: 'factory'
  /** Without its keyspace, which is `system`. */
  readonly name: string
  /** The function of these arguments. Throws an InvalidRequestError where there is none. */
  create(args: readonly Assignable[], receiver: FunctionReceiver): CqlFunction
}

export type NativeDefinition = CqlFunction | FunctionFactory

/** What a function does with serialized arguments. */
export type Execute = ScalarFunction['execute']

/** Of a function's name alone: `system.f(a, b)` (`AbstractFunction.columnName`). */
function calledName(fullName: string): (args: readonly string[]) => string {
  return (args) => `${fullName}(${args.join(', ')})`
}

/** A native function of a row's values. */
export function scalar(
  name: string,
  argTypes: readonly CqlType[],
  returnType: CqlType,
  execute: Execute,
  columnName: (args: readonly string[]) => string = calledName(`system.${name}`),
): ScalarFunction {
  return { kind: 'scalar', fullName: `system.${name}`, argTypes, returnType, columnName, execute }
}

/** A native function of a group's rows. */
export function aggregate(
  name: string,
  argTypes: readonly CqlType[],
  returnType: CqlType,
  newAggregate: AggregateFunction['newAggregate'],
  columnName: (args: readonly string[]) => string = calledName(`system.${name}`),
): AggregateFunction {
  return { kind: 'aggregate', fullName: `system.${name}`, argTypes, returnType, columnName, newAggregate }
}

/** A scalar function that is null as soon as one of its arguments is (`Arguments.containsNulls`). */
export function unlessNull(execute: (...args: Uint8Array[]) => Uint8Array | null): Execute {
  return (args) => (args.includes(null) ? null : execute(...(args as readonly Uint8Array[])))
}

/**
 * The arguments as their types read them: an empty value is null for types to which emptiness means nothing
 * (`AbstractType.isEmptyValueMeaningless`), as it is when a value is deserialized.
 */
export function nullIfEmpty(execute: Execute): Execute {
  return (args, context) =>
    execute(
      args.map((arg) => (arg !== null && arg.length === 0 ? null : arg)),
      context,
    )
}

/** A date cannot be empty, but an empty int passes for one, and fails where it is read, whatever the other arguments. */
export function refusingEmptyDates(execute: Execute): Execute {
  return (args, context) => {
    // A duration cannot be empty.
    if (args.some((arg) => arg?.length === 0)) throw new ServerError('java.lang.IndexOutOfBoundsException')
    return execute(args, context)
  }
}

/** The name of a function without its keyspace. */
export function nameOf(definition: NativeDefinition): string {
  return definition.kind === 'factory' ? definition.name : definition.fullName.slice('system.'.length)
}

/** A function with its types: `system.f : (int, text) -> bigint` (`AbstractFunction.toString`). */
export function signature(called: CqlFunction): string {
  const args = called.argTypes.map(argTypeText).join(', ')
  return `system.${maybeQuote(nameOf(called))} : (${args}) -> ${called.returnType.cqlName}`
}

/** Tuples without the frozen that they always are. */
function argTypeText(type: CqlType): string {
  return type.kind === 'tuple' ? /^frozen<(.*)>$/.exec(type.cqlName)![1] : type.cqlName
}
