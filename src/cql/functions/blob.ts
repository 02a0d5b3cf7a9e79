import { toHex } from '../../common/bytes.ts'
import { InvalidRequestError, MarshalError } from '../../common/errors.ts'
import { legacyTimeUuid, native } from '../../types/index.ts'
import type { NativeType } from '../../types/type.ts'
import { scalar } from './definition.ts'
import type { ScalarFunction } from './function.ts'

/** Values as their bytes, and bytes as values (`BytesConversionFcts`). */

/** Of every type but blob itself, with both names of text. */
const TYPES: readonly (readonly [name: string, type: NativeType])[] = [
  ...Object.entries(native).filter(([name]) => name !== 'blob'),
  ['varchar', native.text],
]

function toBlob(name: string, type: NativeType): ScalarFunction {
  return scalar(name, [type], native.blob, ([value]) => value!)
}

function fromBlob(name: string, typeName: string, type: NativeType): ScalarFunction {
  return scalar(name, [native.blob], type, ([value]) => {
    if (value === null || value === undefined) return null
    try {
      type.validate(value)
    } catch (error) {
      if (!(error instanceof MarshalError)) throw error
      throw new InvalidRequestError(
        `In call to function system.${name}, value 0x${toHex(value)} is not a valid binary representation for type ${typeName}`,
      )
    }
    return value
  })
}

export function blobFunctions(): ScalarFunction[] {
  return TYPES.flatMap(([name, declared]) => {
    // A timeuuid of functions is one of any version, but it is checked as the type that was named.
    const type = declared === native.timeuuid ? legacyTimeUuid : declared
    const checked =
      declared === native.timeuuid ? { ...legacyTimeUuid, validate: declared.validate } : declared
    return [
      toBlob(`${name}_as_blob`, type),
      toBlob(`${name}asblob`, type),
      { ...fromBlob(`blob_as_${name}`, name, checked), returnType: type },
      { ...fromBlob(`blobas${name}`, name, checked), returnType: type },
    ]
  })
}
