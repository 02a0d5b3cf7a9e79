import { int32Bytes } from '../../common/bytes.ts'
import { ServerError } from '../../common/errors.ts'
import {
  collectionSize,
  listType,
  native,
  packList,
  packSet,
  setType,
  unpackElements,
  unpackMap,
} from '../../types/index.ts'
import type { CqlType, ListType, MapType, SetType } from '../../types/type.ts'
import { averageFunction, maxFunction, minFunction, sumFunction } from './aggregates.ts'
import { type FunctionFactory, scalar, unlessNull } from './definition.ts'
import type { AggregateFunction, ScalarFunction } from './function.ts'
import type { NumberKind } from './numbers.ts'
import { anyCollection, anyMap, factory, numericSetOrList, setOrList } from './parameters.ts'

/** Functions of single collections (`CollectionFcts`). */

/** What Java answers when a type is not what it is taken for (`ClassCastException`). */
export function classCast(type: CqlType, wanted: string): ServerError {
  const name = type.className.replace(/^[\w.]*\.FrozenType\(/, '').replace(/\(.*$/, '')
  return new ServerError(
    `java.lang.ClassCastException: class ${name} cannot be cast to class ${wanted} (${name} and ${wanted} are in unnamed module of loader 'app')`,
  )
}

function asMap(type: CqlType): MapType {
  if (type.kind === 'map') return type
  throw classCast(type, 'org.apache.cassandra.db.marshal.MapType')
}

function mapKeys(type: MapType): ScalarFunction {
  const result = setType(type.keys, false)
  const keys = (bytes: Uint8Array) =>
    packSet(
      result,
      unpackMap(bytes).map(([key]) => key),
    )
  return scalar('map_keys', [type], result, unlessNull(keys))
}

function mapValues(type: MapType): ScalarFunction {
  const values = (bytes: Uint8Array) => packList(unpackMap(bytes).map(([, value]) => value))
  return scalar('map_values', [type], listType(type.values, false), unlessNull(values))
}

function collectionCount(type: CqlType): ScalarFunction {
  return scalar(
    'collection_count',
    [type],
    native.int,
    unlessNull((bytes) => int32Bytes(collectionSize(bytes))),
  )
}

/** The elements as the rows of an aggregate. */
function aggregated(
  name: string,
  aggregateOf: (elements: CqlType) => AggregateFunction,
): (type: CqlType) => ScalarFunction {
  return (type) => {
    const called = aggregateOf((type as ListType | SetType).elements)
    const execute = unlessNull((bytes) => {
      const aggregate = called.newAggregate()
      for (const element of unpackElements(bytes)) aggregate.addInput([element])
      return aggregate.compute()
    })
    return scalar(name, [type], called.returnType, execute)
  }
}

const AGGREGATED = {
  collection_min: minFunction,
  collection_max: maxFunction,
  collection_sum: (type: CqlType) => sumFunction(type.kind as NumberKind),
  collection_avg: (type: CqlType) => averageFunction(type.kind as NumberKind),
} as const

export function collectionFunctions(): FunctionFactory[] {
  const of = (name: keyof typeof AGGREGATED) => {
    const isNumeric = name === 'collection_sum' || name === 'collection_avg'
    const make = aggregated(name, AGGREGATED[name])
    return factory(name, [isNumeric ? numericSetOrList() : setOrList()], ([type]) => make(type!))
  }
  return [
    factory('map_keys', [anyMap()], ([type]) => mapKeys(asMap(type!))),
    factory('map_values', [anyMap()], ([type]) => mapValues(asMap(type!))),
    factory('collection_count', [anyCollection()], ([type]) => collectionCount(type!)),
    of('collection_min'),
    of('collection_max'),
    of('collection_sum'),
    of('collection_avg'),
  ]
}
