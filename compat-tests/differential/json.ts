import type { Column } from './schema.ts'
import type { GeneratedType } from './types.ts'
import type { Value } from './values.ts'

const TEXTS = ['ascii', 'text', 'varchar']
const NUMBERS = ['tinyint', 'smallint', 'int', 'bigint', 'varint', 'decimal', 'float', 'double']

/** A value as INSERT JSON takes it, of a native type; null where it is of another. */
export function jsonValue(type: GeneratedType, { text }: Value): string | null {
  if (type.kind !== 'native') return null
  const plain = text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text
  if (TEXTS.includes(type.name)) return JSON.stringify(plain)
  const isNumber = NUMBERS.includes(type.name) && /^-?[\d.]+$/.test(plain)
  return isNumber || type.name === 'boolean' ? plain : JSON.stringify(plain)
}

/** The name of a column as JSON has it: in quotes of its own where it is not in lower case. */
export function jsonName({ name }: Column): string {
  return JSON.stringify(name)
}
