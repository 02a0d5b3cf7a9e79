/** Which types' values can be taken for another's: assignment of values, and columns that change their type. */

import type { Assignability } from './literal.ts'
import { native } from './native.ts'
import { type CqlType, sameType, type UserType } from './type.ts'
import { freeze, unwrapReversed } from './wrapper.ts'

/** Both the values and the order of `previous` are those of `type` (`isCompatibleWith`). */
function isCompatible(type: CqlType, previous: CqlType): boolean {
  switch (type.kind) {
    case 'blob':
      return previous.kind === 'blob' || previous.kind === 'ascii' || previous.kind === 'text'
    case 'text':
      return previous.kind === 'text' || previous.kind === 'ascii'
    case 'list':
    case 'set':
    case 'map':
      return isCollectionCompatible(type, previous)
    case 'tuple':
      return isTupleCompatible(type.types, previous, isCompatible)
    case 'udt':
      return isTupleCompatible(type.fieldTypes, previous, isCompatible)
    default:
      return sameType(type, previous)
  }
}

type Collection = Extract<CqlType, { kind: 'list' | 'set' | 'map' }>

function isCollectionCompatible(type: Collection, previous: CqlType): boolean {
  if (sameType(type, previous)) return true
  if (type.kind !== previous.kind || type.multiCell !== previous.multiCell) return false
  const other = previous as Collection
  if (type.multiCell) {
    return (
      isCompatible(type.nameComparator, other.nameComparator) &&
      isSerializationCompatible(type.cellValueType, other.cellValueType)
    )
  }
  if (type.kind === 'map' && other.kind === 'map') {
    return isCompatible(type.keys, other.keys) && isCompatible(type.values, other.values)
  }
  return type.kind !== 'map' && other.kind !== 'map' && isCompatible(type.elements, other.elements)
}

function isTupleCompatible(
  types: readonly CqlType[],
  previous: CqlType,
  test: (type: CqlType, previous: CqlType) => boolean,
): boolean {
  if (previous.kind !== 'tuple' && previous.kind !== 'udt') return false
  const before = previous.kind === 'tuple' ? previous.types : previous.fieldTypes
  return types.length >= before.length && before.every((inner, i) => test(types[i], inner))
}

/** The values of `previous` can be read as `type`, whatever their order (`isValueCompatibleWith`). */
export function isValueCompatible(reversedType: CqlType, reversedPrevious: CqlType): boolean {
  const type = unwrapReversed(reversedType)
  const previous = unwrapReversed(reversedPrevious)
  switch (type.kind) {
    case 'blob':
      return true
    case 'varint':
      return ['varint', 'int', 'bigint', 'timestamp'].includes(previous.kind)
    case 'bigint':
      return previous.kind === 'bigint' || previous.kind === 'timestamp'
    case 'timestamp':
      return previous.kind === 'timestamp' || previous.kind === 'bigint'
    case 'date':
      return previous.kind === 'date' || previous.kind === 'int'
    case 'time':
      return previous.kind === 'time' || previous.kind === 'bigint'
    case 'uuid':
      return previous.kind === 'uuid' || previous === native.timeuuid
    case 'list':
    case 'set':
    case 'map':
      return isCollectionValueCompatible(type, previous)
    case 'tuple':
      return isTupleCompatible(type.types, previous, isValueCompatible)
    case 'udt':
      return isUserTypeValueCompatible(type, previous)
    default:
      return isCompatible(type, previous)
  }
}

/** `UserType.isValueCompatibleWith`: of the same keyspace and as frozen, whatever the names. */
function isUserTypeValueCompatible(type: UserType, previous: CqlType): boolean {
  if (previous.kind !== 'udt' || type.multiCell !== previous.multiCell) return false
  return type.keyspace === previous.keyspace && isTupleCompatible(type.fieldTypes, previous, isCompatible)
}

function isCollectionValueCompatible(type: Collection, previous: CqlType): boolean {
  if (type.multiCell) return isCollectionCompatible(type, previous)
  if (sameType(type, previous)) return true
  if (type.kind !== previous.kind || previous.multiCell) return false
  if (type.kind === 'list' && previous.kind === 'list')
    return isValueCompatible(type.elements, previous.elements)
  if (type.kind === 'map' && previous.kind === 'map') {
    return isCompatible(type.keys, previous.keys) && isValueCompatible(type.values, previous.values)
  }
  return isCollectionCompatible(type, previous)
}

/** Whether a column's old cells can be read as another type (`AbstractType.isSerializationCompatibleWith`). */
export function isSerializationCompatible(type: CqlType, previous: CqlType): boolean {
  if (!isValueCompatible(type, previous)) return false
  if (type.kind === 'list' || type.kind === 'set' || type.kind === 'map') {
    return isSerializationCompatible(type.cellValueType, (previous as Collection).cellValueType)
  }
  return type.fixedLength === previous.fixedLength && type.multiCell === previous.multiCell
}

/** How well a value of one type fits a receiver of another (`AbstractType.testAssignment`). */
export function testTypeAssignment(receiver: CqlType, source: CqlType): Assignability {
  const wanted = isFrozen(source) ? freeze(receiver) : receiver
  if (sameType(wanted, source)) return 'EXACT'
  return isValueCompatible(wanted, source) ? 'WEAK' : 'NOT'
}

/** Of the types that can be frozen, one that is. */
export function isFrozen(type: CqlType): boolean {
  const { kind } = type
  return !type.multiCell && (kind === 'list' || kind === 'set' || kind === 'map' || kind === 'udt')
}
