/**
 * Reads case files: statements under the production of Cassandra's grammar that they are about, one a line.
 *
 *     = production                   the statements that follow count under it
 *     SELECT ...                     a statement, sent as a QUERY
 *     @ {"values": [1]}              options of the statement on the next line
 *     > SELECT ...                   what shows the effect of the statement above: compared, not counted
 *     + CREATE TABLE ...             part of the fixture: has to succeed, not counted
 *     !"SELECT\n..."                 a statement as a JSON text, for those with line breaks and the like
 *     # ...                          a comment
 *
 * Every file has a keyspace of its own, gold_NAME, created and used before its first line.
 */

/**
 * How a statement is sent. Without `values` as a QUERY; with them prepared and executed, unless `simple` is
 * set.
 */
export interface StatementOptions {
  readonly values?: readonly ValueNotation[]
  /** Names for the values. */
  readonly names?: readonly string[]
  readonly simple?: boolean
  /** Prepared and executed without values. */
  readonly prepare?: boolean
  /** Rows a page; all pages are read. */
  readonly page?: number
  /** Consistency and serial consistency, as in the protocol's [consistency]. Default ONE, and none. */
  readonly consistency?: number
  readonly serial?: number
  /** The keyspace and the other parameters of the request. */
  readonly keyspace?: string
  readonly timestamp?: string
  readonly now?: number
  readonly skipMetadata?: boolean
  readonly version?: number
  /** The values are random or the time: their lengths alone are compared. */
  readonly volatile?: boolean
}

/**
 * A value: a number is an int; null and 'unset' themselves; an array is a list or a set; texts are
 * 'type:literal', the type one of text, hex, bigint, smallint, tinyint, double, float, boolean; objects are
 * tuples and maps.
 */
export type ValueNotation =
  | number
  | string
  | null
  | readonly ValueNotation[]
  | { readonly tuple: readonly ValueNotation[] }
  | { readonly map: readonly (readonly [ValueNotation, ValueNotation])[] }

export interface Step {
  readonly kind: 'fixture' | 'statement' | 'effect'
  readonly cql: string
  readonly options: StatementOptions
  /** Of the statement, or of the one whose effect is shown; '' for fixtures. */
  readonly production: string
  /** What names a counted statement over all files: its production, options and text. */
  readonly id: string
}

/** Reads the text of a case file. Throws an Error that names the line which has no place there. */
export function readCases(name: string, text: string): Step[] {
  const steps: Step[] = []
  let production = ''
  let options: StatementOptions = {}
  let optionsText = ''
  let id = ''
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (why: string): never => {
      throw new Error(`${name}, line ${index + 1}: ${why}`)
    }
    if (line.trim() === '' || line.startsWith('#')) continue
    if (line.startsWith('= ')) {
      production = line.slice(2).trim()
      continue
    }
    if (line.startsWith('@ ')) {
      if (optionsText !== '') fail('options after options')
      optionsText = line.slice(2)
      options = JSON.parse(optionsText) as StatementOptions
      continue
    }
    const kind = line.startsWith('+ ') ? 'fixture' : line.startsWith('> ') ? 'effect' : 'statement'
    const source = kind === 'statement' ? line : line.slice(2)
    const cql = source.startsWith('!"') ? (JSON.parse(source.slice(1)) as string) : source
    if (kind !== 'fixture' && production === '') fail('a statement without a production')
    if (kind === 'statement') id = `${production}: ${optionsText === '' ? '' : `${optionsText} `}${cql}`
    if (kind === 'effect' && id === '') fail('an effect without a statement')
    steps.push({
      kind,
      cql,
      options,
      production: kind === 'fixture' ? '' : production,
      id: kind === 'fixture' ? '' : id,
    })
    options = {}
    optionsText = ''
  }
  return steps
}

/**
 * The bytes of a value; null and 'unset' as they are. Throws an Error for a type that the notation has not.
 */
export function valueBytes(value: ValueNotation): Buffer | null | 'unset' {
  if (value === null || value === 'unset') return value
  if (typeof value === 'number') return fixed(4, (bytes) => bytes.writeInt32BE(value))
  if (typeof value === 'string') return scalarBytes(value)
  const count = (n: number) => fixed(4, (bytes) => bytes.writeInt32BE(n))
  if (value instanceof Array) return Buffer.concat([count(value.length), ...value.map(prefixed)])
  if ('tuple' in value) return Buffer.concat(value.tuple.map(prefixed))
  return Buffer.concat([count(value.map.length), ...value.map.flat().map(prefixed)])
}

function fixed(length: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length)
  write(bytes)
  return bytes
}

function prefixed(value: ValueNotation): Buffer {
  const bytes = valueBytes(value)
  if (bytes === null) return fixed(4, (head) => head.writeInt32BE(-1))
  if (bytes === 'unset') return fixed(4, (head) => head.writeInt32BE(-2))
  return Buffer.concat([fixed(4, (head) => head.writeInt32BE(bytes.length)), bytes])
}

function scalarBytes(notation: string): Buffer {
  const colon = notation.indexOf(':')
  const literal = notation.slice(colon + 1)
  switch (notation.slice(0, colon)) {
    case 'text':
      return Buffer.from(literal)
    case 'hex':
      return Buffer.from(literal, 'hex')
    case 'bigint':
      return fixed(8, (bytes) => bytes.writeBigInt64BE(BigInt(literal)))
    case 'smallint':
      return fixed(2, (bytes) => bytes.writeInt16BE(Number(literal)))
    case 'tinyint':
      return fixed(1, (bytes) => bytes.writeInt8(Number(literal)))
    case 'double':
      return fixed(8, (bytes) => bytes.writeDoubleBE(Number(literal)))
    case 'float':
      return fixed(4, (bytes) => bytes.writeFloatBE(Number(literal)))
    case 'boolean':
      return Buffer.from([literal === 'true' ? 1 : 0])
    default:
      throw new Error(`no notation of a value: ${notation}`)
  }
}
