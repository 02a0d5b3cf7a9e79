import { createHash } from 'node:crypto'
import { int64Bytes, utf8Bytes, utf8Text } from '../../common/bytes.ts'
import { InvalidRequestError, ServerError } from '../../common/errors.ts'
import { minTimeUuid } from '../../common/uuid.ts'
import { encode, native, packTuple, packVector, sameType, unwrapReversed } from '../../types/index.ts'
import { componentTypes } from '../../types/tuple.ts'
import type { CqlType } from '../../types/type.ts'
import { type FunctionFactory, scalar } from './definition.ts'
import { anyType, factory, fixed, optional, sameAs, string } from './parameters.ts'

/** Functions that hide values (`MaskingFcts`). */

/** What stands for a value of a type (`AbstractType.getMaskedValue`). */
function maskedValue(declared: CqlType): Uint8Array {
  const type = unwrapReversed(declared)
  switch (type.kind) {
    case 'ascii':
    case 'text':
      return utf8Bytes('****')
    case 'boolean':
      return new Uint8Array(1)
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'float':
    case 'double':
    case 'varint':
      return encode(type, 0)!
    case 'timestamp':
    case 'time':
    case 'counter':
      return int64Bytes(0n)
    case 'decimal':
      return encode(type, '0')!
    case 'date':
      return encode(type, '1970-01-01')!
    case 'duration':
      return new Uint8Array(3)
    case 'inet':
      return new Uint8Array(4)
    case 'uuid':
      return new Uint8Array(16)
    case 'timeuuid':
      return minTimeUuid(0)
    case 'list':
    case 'set':
    case 'map':
      return new Uint8Array(4)
    case 'tuple':
    case 'udt':
      return packTuple(componentTypes(type).map(maskedValue))
    case 'vector':
      return packVector(type, new Array(type.dimension).fill(maskedValue(type.elements)))
    case 'blob':
    case 'empty':
      return new Uint8Array(0)
    case 'custom':
      if (type.custom === 'lexicalUuid') return new Uint8Array(16)
      throw new ServerError(
        `java.lang.UnsupportedOperationException: There isn't a defined masked value for type ${type.cqlName}`,
      )
  }
}

/** Digests by the names that Java has for them. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  SHA: 'sha1',
  SHA1: 'sha1',
  'SHA-224': 'sha224',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'SHA-512/224': 'sha512-224',
  'SHA-512/256': 'sha512-256',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
}

function hash(value: Uint8Array, algorithm: string): Uint8Array {
  const known = ALGORITHMS[algorithm.toUpperCase()]
  if (known === undefined) throw new InvalidRequestError(`Hash algorithm not found: ${algorithm}`)
  return new Uint8Array(createHash(known).update(value).digest())
}

function hashFactory(): FunctionFactory {
  const parameters = [anyType(false), optional(fixed(['text', native.text]))]
  return factory('mask_hash', parameters, (types) => {
    const argTypes = types.length === 2 ? [types[0]!, native.text] : [types[0]!]
    return scalar('mask_hash', argTypes, native.blob, ([value, algorithm]) => {
      const name = algorithm == null ? 'SHA-256' : utf8Text(algorithm)
      // A bad name is refused whatever the value.
      if (algorithm != null && ALGORITHMS[name.toUpperCase()] === undefined) {
        throw new InvalidRequestError(`Hash algorithm not found: ${name}`)
      }
      return value == null ? null : hash(value, name)
    })
  })
}

/** Hides the characters but some at both ends, or those at both ends; characters are those of UTF-16. */
function partialFactory(kind: 'inner' | 'outer'): FunctionFactory {
  const name = `mask_${kind}`
  const int = fixed(['int', native.int])
  const parameters = [string(), int, int, optional(fixed(['text', native.text]))]
  return factory(name, parameters, (types) => {
    const [type] = types as readonly [CqlType]
    const numbers = [native.int, native.int]
    const argTypes = types.length === 4 ? [type, ...numbers, native.text] : [type, ...numbers]
    return scalar(name, argTypes, unwrapReversed(type), ([value, begin, end, given]) => {
      const padding = paddingOf(name, given ?? null)
      if (value == null) return null
      const first = numberOr0(begin ?? null)
      const text = utf8Text(value)
      const last = text.length - 1 - numberOr0(end ?? null)
      const units = Array.from({ length: text.length }, (_, i) => {
        const isInside = i >= first && i <= last
        return isInside === (kind === 'inner') ? padding : text[i]
      })
      // Of a pair of surrogates Java encodes a half as a question mark.
      return utf8Bytes(units.join('').replace(/\p{Surrogate}/gu, '?'))
    })
  })
}

function numberOr0(bytes: Uint8Array | null): number {
  return bytes === null || bytes.length === 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getInt32(0)
}

function paddingOf(name: string, given: Uint8Array | null): string {
  if (given === null) return '*'
  const text = utf8Text(given)
  if (text.length === 1) return text
  throw new InvalidRequestError(
    `The padding argument for function system.${name} should be single-character, but '${text}' has ${text.length} characters.`,
  )
}

function replaceFactory(): FunctionFactory {
  const parameters = [anyType(true), sameAs(0, true, anyType(true))]
  return factory('mask_replace', parameters, ([replaced, replacement]) => {
    if (!sameType(replaced!, replacement!)) throw new ServerError('java.lang.AssertionError')
    return scalar(
      'mask_replace',
      [replaced!, replacement!],
      unwrapReversed(replacement!),
      ([, value]) => value ?? null,
    )
  })
}

export function maskingFunctions(): FunctionFactory[] {
  const any = [anyType(false)]
  return [
    factory('mask_null', any, ([type]) => scalar('mask_null', [type!], unwrapReversed(type!), () => null)),
    factory('mask_default', any, ([type]) =>
      scalar('mask_default', [type!], unwrapReversed(type!), () => maskedValue(type!)),
    ),
    replaceFactory(),
    hashFactory(),
    partialFactory('inner'),
    partialFactory('outer'),
  ]
}
