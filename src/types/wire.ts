/**
 * The `<option>` that names a type in result metadata (native protocol v5, section 4.2.5.2; `transport.DataType`). What
 * a protocol version has no option for is custom, with its class name. Writing the bytes is the protocol room's.
 */

import { legacyTimeUuid } from './native.ts'
import type { CqlType, NativeKind } from './type.ts'

export type TypeOption =
  | { readonly id: 0x0000; readonly className: string }
  | { readonly id: NativeOptionId }
  | { readonly id: 0x0020 | 0x0022; readonly elements: TypeOption }
  | { readonly id: 0x0021; readonly keys: TypeOption; readonly values: TypeOption }
  | {
      readonly id: 0x0030
      readonly keyspace: string
      readonly name: string
      readonly fields: readonly { readonly name: string; readonly type: TypeOption }[]
    }
  | { readonly id: 0x0031; readonly types: readonly TypeOption[] }

type NativeOptionId = (typeof NATIVE_OPTIONS)[NativeOptionKind]['id']
type NativeOptionKind = Exclude<NativeKind, 'empty'>

/** Option ids of the native types, with the first protocol version that has them. */
const NATIVE_OPTIONS = {
  ascii: { id: 0x0001, since: 1 },
  bigint: { id: 0x0002, since: 1 },
  blob: { id: 0x0003, since: 1 },
  boolean: { id: 0x0004, since: 1 },
  counter: { id: 0x0005, since: 1 },
  decimal: { id: 0x0006, since: 1 },
  double: { id: 0x0007, since: 1 },
  float: { id: 0x0008, since: 1 },
  int: { id: 0x0009, since: 1 },
  timestamp: { id: 0x000b, since: 1 },
  uuid: { id: 0x000c, since: 1 },
  text: { id: 0x000d, since: 1 },
  varint: { id: 0x000e, since: 1 },
  timeuuid: { id: 0x000f, since: 1 },
  inet: { id: 0x0010, since: 1 },
  date: { id: 0x0011, since: 4 },
  time: { id: 0x0012, since: 4 },
  smallint: { id: 0x0013, since: 4 },
  tinyint: { id: 0x0014, since: 4 },
  duration: { id: 0x0015, since: 5 },
} as const

/** The option of a type for a protocol version, reversal left out (`DataType.fromType`). */
export function typeOption(type: CqlType, protocolVersion: number): TypeOption {
  switch (type.kind) {
    case 'reversed':
      return typeOption(type.base, protocolVersion)
    case 'list':
      return { id: 0x0020, elements: typeOption(type.elements, protocolVersion) }
    case 'map':
      return {
        id: 0x0021,
        keys: typeOption(type.keys, protocolVersion),
        values: typeOption(type.values, protocolVersion),
      }
    case 'set':
      return { id: 0x0022, elements: typeOption(type.elements, protocolVersion) }
    case 'udt':
      return {
        id: 0x0030,
        keyspace: type.keyspace,
        name: type.name,
        fields: type.fieldNames.map((name, i) => ({
          name,
          type: typeOption(type.fieldTypes[i], protocolVersion),
        })),
      }
    case 'tuple':
      return { id: 0x0031, types: type.types.map((component) => typeOption(component, protocolVersion)) }
    case 'vector':
    case 'custom':
    case 'empty':
      return { id: 0x0000, className: type.className }
    default: {
      const { id, since } = NATIVE_OPTIONS[type.kind]
      return protocolVersion < since || type === legacyTimeUuid
        ? { id: 0x0000, className: type.className }
        : { id }
    }
  }
}
