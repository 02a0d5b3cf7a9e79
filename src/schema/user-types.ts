/** User types inside other types: who refers to whom, and what a change of one does to the others. */

import {
  type CqlType,
  freeze,
  listType,
  mapType,
  reversed,
  setType,
  tupleType,
  type UserType,
  userType,
  vectorType,
} from '../types/index.ts'
import { compareNames } from './names.ts'

/** The types that a type is made of (`AbstractType.subTypes`). */
export function subTypes(type: CqlType): readonly CqlType[] {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'vector':
      return [type.elements]
    case 'map':
      return [type.keys, type.values]
    case 'tuple':
      return type.types
    case 'udt':
      return type.fieldTypes
    case 'reversed':
      return [type.base]
    case 'custom':
      return type.components
    default:
      return []
  }
}

/** Whether a type is or holds a user type of that name. */
export function referencesUserType(type: CqlType, name: string): boolean {
  return (
    (type.kind === 'udt' && type.name === name) ||
    subTypes(type).some((inner) => referencesUserType(inner, name))
  )
}

/** Whether a type is or holds a duration, by which nothing can be ordered. */
export function referencesDuration(type: CqlType): boolean {
  return type.kind === 'duration' || subTypes(type).some(referencesDuration)
}

/** The type with each user type, reversal and collection in it mapped; the same object where nothing changed. */
function mapInner(type: CqlType, map: (inner: CqlType) => CqlType): CqlType {
  switch (type.kind) {
    case 'list': {
      const elements = map(type.elements)
      return elements === type.elements ? type : listType(elements, type.multiCell)
    }
    case 'set': {
      const elements = map(type.elements)
      return elements === type.elements ? type : setType(elements, type.multiCell)
    }
    case 'map': {
      const keys = map(type.keys)
      const values = map(type.values)
      return keys === type.keys && values === type.values ? type : mapType(keys, values, type.multiCell)
    }
    case 'vector': {
      const elements = map(type.elements)
      return elements === type.elements ? type : vectorType(elements, type.dimension)
    }
    case 'tuple': {
      const types = type.types.map(map)
      return types.every((inner, i) => inner === type.types[i]) ? type : tupleType(types)
    }
    case 'udt': {
      const types = type.fieldTypes.map(map)
      if (types.every((inner, i) => inner === type.fieldTypes[i])) return type
      return userType(type.keyspace, type.name, type.fieldNames, types, type.multiCell)
    }
    case 'reversed': {
      const base = map(type.base)
      return base === type.base ? type : reversed(base)
    }
    default:
      return type
  }
}

/** The type after a user type in it was altered; frozen stays frozen (`AbstractType.withUpdatedUserType`). */
export function withUpdatedUserType(type: CqlType, updated: UserType): CqlType {
  if (!referencesUserType(type, updated.name)) return type
  if (type.kind === 'udt' && type.name === updated.name) {
    if (type.multiCell === updated.multiCell) return updated
    return userType(type.keyspace, type.name, updated.fieldNames, updated.fieldTypes, type.multiCell)
  }
  return mapInner(type, (inner) => withUpdatedUserType(inner, updated))
}

/** The type with tuples for user types, which a dropped column outlives (`AbstractType.expandUserTypes`). */
export function expandUserTypes(type: CqlType): CqlType {
  if (type.kind === 'udt') return tupleType(type.fieldTypes.map((field) => freeze(expandUserTypes(field))))
  return mapInner(type, expandUserTypes)
}

/** User types by name, each behind those that it is made of (`Types.sortedStream`). */
export function sortUserTypes(types: Iterable<UserType>): UserType[] {
  const byName = new Map([...types].map((type) => [type.name, type]))
  const sorted = new Set<UserType>()
  const add = (type: CqlType): void => {
    subTypes(type).forEach(add)
    if (type.kind !== 'udt') return
    const declared = byName.get(type.name)
    if (declared !== undefined) sorted.add(declared)
  }
  for (const name of [...byName.keys()].sort(compareNames)) add(byName.get(name)!)
  return [...sorted]
}
