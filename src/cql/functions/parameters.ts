import { InvalidRequestError } from '../../common/errors.ts'
import { legacyTimeUuid, native, testTypeAssignment, vectorType } from '../../types/index.ts'
import type { CqlType, NativeType } from '../../types/type.ts'
import type { FunctionFactory } from './definition.ts'
import type { Assignable, CqlFunction } from './function.ts'
import { isNumberKind } from './numbers.ts'

/** What a function that is made for a call takes, and how the types of its arguments are found (`FunctionParameter`). */
export interface FunctionParameter {
  readonly text: string
  readonly isOptional?: boolean
  /** The type of an argument, or null; `inferred` are those of all arguments as far as they are known by then. */
  infer(
    arg: Assignable,
    receiver: CqlType | null,
    inferred: readonly (CqlType | null)[] | null,
  ): CqlType | null
  /** Throws an InvalidRequestError where the type is none that is taken. */
  validate(functionName: string, arg: Assignable, type: CqlType): void
}

/** A type as functions have it: a timeuuid is a UUID to them (`AbstractType.udfType`). */
export function functionType(type: CqlType): CqlType {
  return type === native.timeuuid ? legacyTimeUuid : type
}

/** Defines functions whose types are those of a call (`FunctionFactory`). */
export function factory(
  name: string,
  parameters: readonly FunctionParameter[],
  make: (types: readonly CqlType[], receiver: CqlType | null) => CqlFunction,
): FunctionFactory {
  const fullName = `system.${name}`
  const text = `${fullName}(${parameters.map((parameter) => parameter.text).join(', ')})`
  const mandatory = parameters.filter((parameter) => parameter.isOptional !== true).length
  return {
    kind: 'factory',
    name,
    create: (args, { type: receiver }) => {
      if (args.length < mandatory || args.length > parameters.length) {
        throw new InvalidRequestError(`Invalid number of arguments for function ${text}`)
      }
      // First each argument on its own, and then with what is known of the others.
      const types = args.map((arg, i) => parameters[i]!.infer(arg, receiver, null))
      for (const [i, arg] of args.entries()) {
        const type = parameters[i]!.infer(arg, receiver, types)
        if (type === null) {
          throw new InvalidRequestError(
            `Cannot infer type of argument ${arg.text} in call to function ${text}: use type casts to disambiguate`,
          )
        }
        parameters[i]!.validate(fullName, arg, type)
        types[i] = functionType(type)
      }
      return make(types as CqlType[], receiver)
    },
  }
}

function refuse(functionName: string, wanted: string, arg: Assignable, type: CqlType): never {
  throw new InvalidRequestError(
    `Function ${functionName} requires ${wanted}, but found argument ${arg.text} of type ${type.cqlName}`,
  )
}

function known(arg: Assignable): CqlType | null {
  return arg.knownType
}

export function optional(parameter: FunctionParameter): FunctionParameter {
  return { ...parameter, text: `[${parameter.text}]`, isOptional: true }
}

/** One of some types; the first where nothing is known. */
export function fixed(...types: readonly (readonly [name: string, type: NativeType])[]): FunctionParameter {
  const names = types.map(([name]) => name)
  const text = names.length === 1 ? names[0]! : `[${names.join('|')}]`
  return {
    text,
    infer: (arg) => arg.knownType ?? types[0]![1],
    validate: (functionName, arg, type) => {
      if (types.every(([, wanted]) => testTypeAssignment(wanted, type) === 'NOT')) {
        refuse(functionName, `an argument of type ${text}`, arg, type)
      }
    },
  }
}

/** Text of any kind. */
export function string(): FunctionParameter {
  return fixed(['text', native.text], ['varchar', native.text], ['ascii', native.ascii])
}

export function anyType(inferFromReceiver: boolean): FunctionParameter {
  return {
    text: 'any',
    infer: (arg, receiver) => arg.knownType ?? (inferFromReceiver ? receiver : null),
    validate: () => {},
  }
}

/** Of the same type as another argument: its own where that is known, unless the other's is preferred. */
export function sameAs(index: number, preferOther: boolean, parameter: FunctionParameter): FunctionParameter {
  return {
    text: parameter.text,
    infer: (arg, receiver, inferred) => {
      const other = inferred?.[index] ?? null
      if (preferOther) return other ?? parameter.infer(arg, receiver, inferred)
      return parameter.infer(arg, receiver, inferred) ?? other
    },
    validate: parameter.validate,
  }
}

export function anyCollection(): FunctionParameter {
  return {
    text: 'collection',
    infer: known,
    validate: (functionName, arg, type) => {
      if (type.kind === 'list' || type.kind === 'set' || type.kind === 'map') return
      refuse(functionName, 'a collection argument', arg, type)
    },
  }
}

export function setOrList(): FunctionParameter {
  return {
    text: 'numeric_set_or_list',
    infer: known,
    validate: (functionName, arg, type) => {
      if (type.kind !== 'list' && type.kind !== 'set') {
        refuse(functionName, 'a set or list argument', arg, type)
      }
    },
  }
}

export function numericSetOrList(): FunctionParameter {
  return {
    text: 'numeric_set_or_list',
    infer: known,
    validate: (functionName, arg, type) => {
      if ((type.kind === 'list' || type.kind === 'set') && isNumberKind(type.elements.kind)) return
      refuse(functionName, 'a numeric set/list argument', arg, type)
    },
  }
}

/** A map, or a user type, which Cassandra lets pass and then takes for a map. */
export function anyMap(): FunctionParameter {
  return {
    text: 'map',
    infer: known,
    validate: (functionName, arg, type) => {
      if (type.kind !== 'udt' && type.kind !== 'map') refuse(functionName, 'a map argument', arg, type)
    },
  }
}

/** A vector of floats, or a list of what is no float, which Cassandra lets pass and then takes for a vector. */
export function floatVector(): FunctionParameter {
  return {
    text: 'vector<float, n>',
    infer: (arg, receiver) =>
      arg.arraySize !== undefined ? vectorType(native.float, arg.arraySize) : (arg.knownType ?? receiver),
    validate: (functionName, arg, type) => {
      if (type.kind === 'vector' && type.elements.kind === 'float') return
      if (type.kind === 'list' && testTypeAssignment(native.float, type.elements) === 'NOT') return
      refuse(functionName, 'a float vector argument', arg, type)
    },
  }
}
