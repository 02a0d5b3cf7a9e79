/** Types of the text to types of the schema (`CQL3Type.Raw.prepare`). */

import { InvalidRequestError } from '../common/errors.ts'
import type { KeyspaceMetadata } from '../schema/index.ts'
import {
  type CqlType,
  maybeQuote,
  prepareType,
  rawText,
  type RawType as TypesRawType,
} from '../types/index.ts'
import type { RawType } from './raw/index.ts'

/** The raw type in the notation of the types room. */
function toTypesRaw(raw: RawType): TypesRawType {
  switch (raw.kind) {
    case 'native':
      return { kind: 'native', name: raw.name }
    case 'list':
    case 'set':
      return { kind: raw.kind, elements: toTypesRaw(raw.element), frozen: raw.frozen }
    case 'map':
      return { kind: 'map', keys: toTypesRaw(raw.key), values: toTypesRaw(raw.value), frozen: raw.frozen }
    case 'tuple':
      return { kind: 'tuple', types: raw.elements.map(toTypesRaw) }
    case 'vector':
      return { kind: 'vector', elements: toTypesRaw(raw.element), dimension: raw.dimension }
    case 'udt':
      return { kind: 'udt', keyspace: raw.keyspace ?? undefined, name: raw.name, frozen: raw.frozen }
    case 'custom':
      return { kind: 'custom', className: raw.className }
  }
}

/** A type of a statement as its keyspace means it; throws InvalidRequest for what the keyspace doesn't have. */
export function resolveType(raw: RawType, keyspace: Pick<KeyspaceMetadata, 'name' | 'types'>): CqlType {
  return prepareType(toTypesRaw(raw), keyspace.name, keyspace.types)
}

/** The raw type as error texts show it. */
export function rawTypeText(raw: RawType): string {
  return rawText(toTypesRaw(raw))
}

/** The raw type as texts show it when it was resolved: user types with their keyspace (`UTName.toString`). */
export function qualifiedTypeText(raw: RawType, keyspace: string): string {
  const qualify = (type: RawType): RawType => {
    switch (type.kind) {
      case 'udt':
        return { ...type, keyspace: type.keyspace ?? keyspace }
      case 'list':
      case 'set':
      case 'vector':
        return { ...type, element: qualify(type.element) }
      case 'map':
        return { ...type, key: qualify(type.key), value: qualify(type.value) }
      case 'tuple':
        return { ...type, elements: type.elements.map(qualify) }
      default:
        return type
    }
  }
  return rawTypeText(qualify(raw))
}

/** A type as error texts show it with its keyspace, as written for the statement (`CQL3Type.toString`). */
export function resolvedTypeText(raw: RawType, type: CqlType, keyspace: string): string {
  if (raw.kind !== 'udt') return type.cqlName
  // Quoted as if the dot were part of the name: Cassandra's quirk.
  const name = maybeQuote(`${raw.keyspace ?? keyspace}.${raw.name}`)
  return raw.frozen ? `frozen<${name}>` : name
}

/** The keyspace of a name: the text's own, or the session's. */
export function keyspaceOf(name: { readonly keyspace: string | null }, session: string | null): string {
  const keyspace = name.keyspace ?? session
  if (keyspace !== null) return keyspace
  throw new InvalidRequestError(
    'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename',
  )
}
