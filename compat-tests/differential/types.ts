import type { Random } from '../../test/crash/random.ts'

/** Types of generated columns, as CQL names them. */
export type GeneratedType =
  | { readonly kind: 'native'; readonly name: string }
  | { readonly kind: 'list' | 'set'; readonly element: GeneratedType; readonly frozen: boolean }
  | {
      readonly kind: 'map'
      readonly key: GeneratedType
      readonly value: GeneratedType
      readonly frozen: boolean
    }
  | { readonly kind: 'tuple'; readonly elements: readonly GeneratedType[] }
  | { readonly kind: 'vector'; readonly element: GeneratedType; readonly dimension: number }
  | { readonly kind: 'udt'; readonly type: GeneratedUserType; readonly frozen: boolean }

/** A user-defined type; ALTER TYPE adds fields to it and renames them. */
export interface GeneratedUserType {
  readonly name: string
  fields: { name: string; readonly type: GeneratedType }[]
}

export const native = (name: string): GeneratedType => ({ kind: 'native', name })
export const INT = native('int')
export const COUNTER = native('counter')

/** Those that a primary key can have. */
const KEY_NATIVES = [
  'ascii',
  'bigint',
  'blob',
  'boolean',
  'date',
  'decimal',
  'double',
  'float',
  'inet',
  'int',
  'smallint',
  'text',
  'time',
  'timestamp',
  'timeuuid',
  'tinyint',
  'uuid',
  'varchar',
  'varint',
]
const NATIVES = [...KEY_NATIVES, 'duration']
/** Half of all columns are of these, so that statements which need certain types come often. */
const COMMON = ['int', 'int', 'text', 'bigint', 'blob']

export function randomNative(random: Random, isKey: boolean): GeneratedType {
  if (random.chance(0.5)) return native(random.pick(COMMON))
  return native(random.pick(isKey ? KEY_NATIVES : NATIVES))
}

/** A type that stands inside another or in a key: nothing in it is multi-cell. */
export function randomFrozen(
  random: Random,
  isKey: boolean,
  userTypes: readonly GeneratedUserType[],
  depth = 0,
): GeneratedType {
  if (depth > 1 || random.chance(0.7)) return randomNative(random, isKey)
  const inner = (): GeneratedType => randomFrozen(random, isKey, userTypes, depth + 1)
  switch (random.below(userTypes.length > 0 ? 6 : 5)) {
    case 0:
      return { kind: 'list', element: inner(), frozen: true }
    case 1:
      // The elements of a set and the keys of a map are compared, as keys are.
      return { kind: 'set', element: randomFrozen(random, true, [], depth + 1), frozen: true }
    case 2:
      return { kind: 'map', key: randomFrozen(random, true, [], depth + 1), value: inner(), frozen: true }
    case 3:
      return { kind: 'tuple', elements: Array.from({ length: 1 + random.below(3) }, inner) }
    case 4:
      return { kind: 'vector', element: randomNative(random, true), dimension: 1 + random.below(3) }
    default:
      return { kind: 'udt', type: random.pick(userTypes), frozen: true }
  }
}

/** The type of a regular or static column. */
export function randomColumnType(random: Random, userTypes: readonly GeneratedUserType[]): GeneratedType {
  if (random.chance(0.4)) return randomNative(random, false)
  switch (random.below(6)) {
    case 0:
      return { kind: 'list', element: randomFrozen(random, false, userTypes, 1), frozen: false }
    case 1:
      return { kind: 'set', element: randomFrozen(random, true, [], 1), frozen: false }
    case 2:
    case 3:
      return {
        kind: 'map',
        key: randomFrozen(random, true, [], 1),
        value: randomFrozen(random, false, userTypes, 1),
        frozen: false,
      }
    case 4:
      if (userTypes.length > 0) return { kind: 'udt', type: random.pick(userTypes), frozen: false }
      return randomFrozen(random, false, userTypes)
    default:
      return randomFrozen(random, false, userTypes)
  }
}

export function isMultiCell(type: GeneratedType): boolean {
  return 'frozen' in type && !type.frozen
}

/** Whether a user-defined type is the type or part of it; `which` one, or any. */
export function usesUserType(type: GeneratedType, which?: GeneratedUserType): boolean {
  switch (type.kind) {
    case 'native':
      return false
    case 'list':
    case 'set':
    case 'vector':
      return usesUserType(type.element, which)
    case 'map':
      return usesUserType(type.key, which) || usesUserType(type.value, which)
    case 'tuple':
      return type.elements.some((element) => usesUserType(element, which))
    case 'udt':
      return which === undefined || type.type === which
  }
}

/** As CREATE TABLE writes it. */
export function typeText(type: GeneratedType): string {
  switch (type.kind) {
    case 'native':
      return type.name
    case 'list':
    case 'set':
      return frozen(type.frozen, `${type.kind}<${typeText(type.element)}>`)
    case 'map':
      return frozen(type.frozen, `map<${typeText(type.key)}, ${typeText(type.value)}>`)
    case 'tuple':
      return `tuple<${type.elements.map(typeText).join(', ')}>`
    case 'vector':
      return `vector<${typeText(type.element)}, ${type.dimension}>`
    case 'udt':
      return frozen(type.frozen, type.type.name)
  }
}

const frozen = (isFrozen: boolean, text: string): string => (isFrozen ? `frozen<${text}>` : text)
