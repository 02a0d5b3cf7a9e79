import { type CqlType, legacyTimeUuid } from '../types/index.ts'
import type { ByteWriter } from './writer.ts'

/**
 * A column's type as an [option] (native protocol v5, section 4.2.5.2; `transport/DataType.java`). What a version
 * does not know goes as the custom type of its class name.
 */

const CUSTOM = 0x00
const LIST = 0x20
const MAP = 0x21
const SET = 0x22
const UDT = 0x30
const TUPLE = 0x31

interface NativeOption {
  readonly id: number
  /** First version that has the id. */
  readonly since: number
}

export const NATIVE_OPTIONS: ReadonlyMap<string, NativeOption> = new Map<string, NativeOption>([
  ['ascii', { id: 0x01, since: 1 }],
  ['bigint', { id: 0x02, since: 1 }],
  ['blob', { id: 0x03, since: 1 }],
  ['boolean', { id: 0x04, since: 1 }],
  ['counter', { id: 0x05, since: 1 }],
  ['decimal', { id: 0x06, since: 1 }],
  ['double', { id: 0x07, since: 1 }],
  ['float', { id: 0x08, since: 1 }],
  ['int', { id: 0x09, since: 1 }],
  ['timestamp', { id: 0x0b, since: 1 }],
  ['uuid', { id: 0x0c, since: 1 }],
  ['text', { id: 0x0d, since: 1 }],
  ['varint', { id: 0x0e, since: 1 }],
  ['timeuuid', { id: 0x0f, since: 1 }],
  ['inet', { id: 0x10, since: 1 }],
  ['date', { id: 0x11, since: 4 }],
  ['time', { id: 0x12, since: 4 }],
  ['smallint', { id: 0x13, since: 4 }],
  ['tinyint', { id: 0x14, since: 4 }],
  ['duration', { id: 0x15, since: 5 }],
])

export function writeTypeOption(out: ByteWriter, type: CqlType, version: number): void {
  switch (type.kind) {
    case 'reversed':
      writeTypeOption(out, type.base, version)
      return
    case 'list':
      out.short(LIST)
      writeTypeOption(out, type.elements, version)
      return
    case 'set':
      out.short(SET)
      writeTypeOption(out, type.elements, version)
      return
    case 'map':
      out.short(MAP)
      writeTypeOption(out, type.keys, version)
      writeTypeOption(out, type.values, version)
      return
    case 'udt':
      out.short(UDT)
      out.string(type.keyspace)
      out.string(type.name)
      out.short(type.fieldNames.length)
      type.fieldNames.forEach((name, i) => {
        out.string(name)
        writeTypeOption(out, type.fieldTypes[i], version)
      })
      return
    case 'tuple':
      out.short(TUPLE)
      out.short(type.types.length)
      for (const element of type.types) writeTypeOption(out, element, version)
      return
    default: {
      const native = NATIVE_OPTIONS.get(type.kind)
      if (native !== undefined && version >= native.since && type !== legacyTimeUuid) {
        out.short(native.id)
      } else {
        out.short(CUSTOM)
        out.string(type.className)
      }
    }
  }
}
