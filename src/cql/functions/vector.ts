import { InvalidRequestError, ServerError } from '../../common/errors.ts'
import { native } from '../../types/index.ts'
import type { CqlType, VectorType } from '../../types/type.ts'
import { classCast } from './collection.ts'
import { type FunctionFactory, nullIfEmpty, scalar, unlessNull } from './definition.ts'
import type { ScalarFunction } from './function.ts'
import { numberBytes } from './numbers.ts'
import { factory, floatVector, sameAs } from './parameters.ts'

/**
 * How similar two vectors are (`VectorFcts`), added up in floats in the order of jvector's plain Java, which is what
 * runs on the Java versions of Cassandra 5.0 (`DefaultVectorUtilSupport`).
 */

const { fround } = Math

/** Numbers that are summed together before they are added to the sum of all. */
const GROUP = 8

/** The sum of products of elements from `start` on, as far as a group goes. */
function groupSum(start: number, product: (index: number) => number): number {
  let sum = product(start)
  for (let i = 1; i < GROUP; i++) sum = fround(sum + product(start + i))
  return sum
}

/** The products of the elements: those that are left over by eight first, and then by eights. */
function dotProduct(a: Float32Array, b: Float32Array): number {
  const product = (i: number) => fround(a[i]! * b[i]!)
  let sum = 0
  let i = 0
  for (; i < a.length % GROUP; i++) sum = fround(sum + product(i))
  for (; i < a.length; i += GROUP) sum = fround(sum + groupSum(i, product))
  return sum
}

/** The squares of the differences, by eights, and then those that are left over. */
function squareDistance(a: Float32Array, b: Float32Array): number {
  const product = (i: number) => {
    const difference = fround(a[i]! - b[i]!)
    return fround(difference * difference)
  }
  let sum = 0
  let i = 0
  for (; i + GROUP <= a.length; i += GROUP) sum = fround(sum + groupSum(i, product))
  for (; i < a.length; i++) sum = fround(sum + product(i))
  return sum
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0
  let aSquares = 0
  let bSquares = 0
  for (let i = 0; i < a.length; i++) {
    sum = fround(sum + fround(a[i]! * b[i]!))
    aSquares = fround(aSquares + fround(a[i]! * a[i]!))
    bSquares = fround(bSquares + fround(b[i]! * b[i]!))
  }
  return fround(sum / Math.sqrt(aSquares * bSquares))
}

/** The library asserts that it has a number. */
function finite(value: number): number {
  if (!Number.isFinite(value)) throw new ServerError('java.lang.AssertionError')
  return value
}

function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const values = new Float32Array(bytes.length / 4)
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i)
  return values
}

function similarity(
  name: string,
  type: VectorType,
  compare: (a: Float32Array, b: Float32Array) => number,
  takesZeros: boolean,
): ScalarFunction {
  const execute = unlessNull((first, second) => {
    const a = floats(first)
    const b = floats(second)
    const isZero = (vector: Float32Array) => vector.every((value) => value === 0)
    if (!takesZeros && (isZero(a) || isZero(b))) {
      throw new InvalidRequestError(`Function system.${name} doesn't support all-zero vectors.`)
    }
    return numberBytes('float', fround(compare(a, b)))
  })
  return scalar(name, [type, type], native.float, nullIfEmpty(execute))
}

function similarityFactory(
  name: string,
  compare: (a: Float32Array, b: Float32Array) => number,
  takesZeros: boolean,
): FunctionFactory {
  const parameters = [sameAs(1, false, floatVector()), sameAs(0, false, floatVector())]
  return factory(name, parameters, (types) => {
    const [first, second] = types.map(asVector)
    if (first!.dimension !== second!.dimension) {
      throw new InvalidRequestError('All arguments must have the same vector dimensions')
    }
    return similarity(name, first!, compare, takesZeros)
  })
}

function asVector(type: CqlType): VectorType {
  if (type.kind === 'vector') return type
  throw classCast(type, 'org.apache.cassandra.db.marshal.VectorType')
}

export function vectorFunctions(): FunctionFactory[] {
  const half = (value: number) => fround(fround(1 + finite(value)) / 2)
  return [
    similarityFactory('similarity_cosine', (a, b) => half(cosine(a, b)), false),
    similarityFactory('similarity_euclidean', (a, b) => 1 / fround(1 + finite(squareDistance(a, b))), true),
    similarityFactory('similarity_dot_product', (a, b) => half(dotProduct(a, b)), true),
  ]
}
