import { utf8Bytes, utf8Text } from '../../common/bytes.ts'
import { FunctionFailureError, InvalidRequestError, MarshalError } from '../../common/errors.ts'
import { fromJson, JsonReadError, native, readJson, toJson } from '../../types/index.ts'
import type { CqlType } from '../../types/type.ts'
import { isNullWhenEmpty } from '../../types/vector.ts'
import { type FunctionFactory, scalar } from './definition.ts'
import type { ScalarFunction } from './function.ts'
import { anyType, factory, fixed } from './parameters.ts'

/** Values to and from JSON (`ToJsonFct`, `FromJsonFct`). */

const NULL = utf8Bytes('null')

function toJsonFunction(name: string, type: CqlType): ScalarFunction {
  return scalar(name, [type], native.text, ([value]) => {
    const isNull = value === null || value === undefined || (value.length === 0 && isNullWhenEmpty(type))
    return isNull ? NULL : utf8Bytes(toJson(type, value))
  })
}

function failure(name: string, message: string): FunctionFailureError {
  return new FunctionFailureError(message, 'system', name, ['text'])
}

function fromJsonFunction(name: string, type: CqlType): ScalarFunction {
  return scalar(name, [native.text], type, ([value], context) => {
    if (value === null || value === undefined) return null
    const text = utf8Text(value)
    try {
      const json = readJson(text)
      return json === null ? null : fromJson(type, json, context.nowMillis)
    } catch (error) {
      if (error instanceof JsonReadError) {
        throw failure(
          name,
          `execution of 'system.${name}[text]' failed: Could not decode JSON string '${text}': ${error.description}`,
        )
      }
      if (!(error instanceof MarshalError)) throw error
      throw failure(name, `org.apache.cassandra.serializers.MarshalException: ${error.message}`)
    }
  })
}

export function jsonFunctions(): FunctionFactory[] {
  return [
    ...['to_json', 'tojson'].map((name) =>
      factory(name, [anyType(false)], ([type]) => toJsonFunction(name, type!)),
    ),
    ...['from_json', 'fromjson'].map((name) =>
      factory(name, [fixed(['text', native.text])], (_, receiver) => {
        if (receiver === null) {
          throw new InvalidRequestError(
            `${name}() cannot be used in the selection clause of a SELECT statement`,
          )
        }
        return fromJsonFunction(name, receiver)
      }),
    ),
  ]
}
