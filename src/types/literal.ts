/** Constants of CQL: whether one fits a type, and its value there (`Constants.Literal`). */

import { fromHex, utf8Bytes } from '../common/bytes.ts'
import { MarshalError } from '../common/errors.ts'
import { parseUuid, uuidVersion } from '../common/uuid.ts'
import { compareDecimals, parseDecimal } from './decimal.ts'
import { doubleText } from './floating.ts'
import { fromString } from './from-string.ts'
import { native } from './native.ts'
import type { CqlType, NativeKind } from './type.ts'
import { unwrapReversed } from './wrapper.ts'

export interface Literal {
  readonly kind: 'string' | 'integer' | 'float' | 'boolean' | 'uuid' | 'hex' | 'duration'
  /** As in the query, a string without its quotes, a blob with its 0x. */
  readonly text: string
}

/** `AssignmentTestable.TestResult`: exact match, weakly assignable, not assignable. */
export type Assignability = 'EXACT' | 'WEAK' | 'NOT'

/** Native types that a literal can be given for without being their preferred one. */
const WEAKLY_ASSIGNABLE: Readonly<Record<Literal['kind'], ReadonlySet<NativeKind>>> = {
  string: new Set(['ascii', 'text', 'inet', 'date', 'time', 'timestamp']),
  integer: new Set([
    'bigint',
    'counter',
    'date',
    'decimal',
    'double',
    'duration',
    'float',
    'int',
    'smallint',
    'time',
    'timestamp',
    'tinyint',
    'varint',
  ]),
  uuid: new Set(['uuid', 'timeuuid']),
  float: new Set(['decimal', 'double', 'float']),
  boolean: new Set(['boolean']),
  hex: new Set(['blob']),
  duration: new Set(['duration']),
}

/** The type that a literal has on its own (`Constants.Type.getPreferedTypeFor`). */
export function preferredType(literal: Literal): CqlType {
  switch (literal.kind) {
    case 'string':
      // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for
      return /^[\x00-\x7f]*$/.test(literal.text) ? native.ascii : native.text
    case 'integer': {
      const value = BigInt(literal.text)
      if (BigInt.asIntN(32, value) === value) return native.int
      return BigInt.asIntN(64, value) === value ? native.bigint : native.varint
    }
    case 'uuid': {
      const bytes = parseUuid(literal.text)
      return bytes !== undefined && uuidVersion(bytes) === 1 ? native.timeuuid : native.uuid
    }
    case 'float':
      return isExactDouble(literal.text) ? native.double : native.decimal
    case 'boolean':
      return native.boolean
    case 'hex':
      // So it is in Cassandra, whose ByteType is tinyint: a blob literal matches a tinyint exactly.
      return native.tinyint
    case 'duration':
      return native.duration
  }
}

/** Whether a double shows the same number as the text. */
function isExactDouble(text: string): boolean {
  const decimal = parseDecimal(text)
  if (decimal === undefined) return true
  const shown = parseDecimal(doubleText(Number(text)))
  return shown !== undefined && compareDecimals(decimal, shown) === 0
}

/** `Constants.Literal.testAssignment`. */
export function testLiteralAssignment(type: CqlType, literal: Literal): Assignability {
  const receiver = unwrapReversed(type)
  switch (receiver.kind) {
    case 'list':
    case 'set':
    case 'map':
    case 'udt':
    case 'vector':
      return 'NOT'
    case 'tuple':
    case 'custom':
      return 'WEAK'
    default:
      if (receiver.kind === preferredType(literal).kind) return 'EXACT'
      return WEAKLY_ASSIGNABLE[literal.kind].has(receiver.kind) ? 'WEAK' : 'NOT'
  }
}

/**
 * The value of a literal that `testLiteralAssignment` let pass (`Constants.Literal.parsedValue`). Throws a
 * MarshalError, or an InvalidRequestError for durations. `now` is Unix milliseconds, for the timestamp 'now'.
 */
export function literalToBytes(type: CqlType, literal: Literal, now?: number): Uint8Array {
  const receiver = unwrapReversed(type)
  if (literal.kind === 'hex') {
    const digits = literal.text.slice(2)
    const bytes = fromHex(digits)
    if (bytes === undefined) throw new MarshalError(`cannot parse '${digits}' as hex bytes`)
    return bytes
  }
  if (receiver.kind === 'text') return utf8Bytes(literal.text)
  return fromString(receiver.kind === 'counter' ? native.bigint : receiver, literal.text, now)
}

/** The text that error messages show of a literal: strings in quotes (`Constants.Literal.getText`). */
export function literalText(literal: Literal): string {
  return literal.kind === 'string' ? `'${literal.text}'` : literal.text
}
