import { bytesEqual, toHex, utf8Bytes } from '../../common/bytes.ts'
import { InvalidRequestError, MarshalError, ServerError } from '../../common/errors.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { fromJson, JsonReadError, native, readJsonObject, unquoteJsonNames } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { type ExecutionContext, evaluate, type PrepareContext, type Term, type Value } from '../term.ts'

/** What a JSON text says of a table's columns: bytes or null; nothing of those that it does not name. */
type JsonColumns = ReadonlyMap<string, Uint8Array | null>

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/**
 * The INSERT that an INSERT JSON stands for: one of all the table's columns, whose values come out of the JSON
 * (`UpdateStatement.ParsedInsertJson`). Throws an InvalidRequestError for a literal that does not fit.
 */
export function insertOfJson(
  statement: raw.InsertJsonStatement,
  table: TableMetadata,
  context: PrepareContext,
): raw.InsertStatement {
  const columns = columnsOf(table)
  const { json, table: name, ifNotExists, using } = statement
  const absent = statement.defaultUnset ? undefined : null
  let termOf: (column: string) => Term
  if (json.kind === 'literal') {
    const values = parseJsonColumns(json.text, columns, context.nowMillis)
    termOf = (column) => {
      const value = values.get(column)
      if (value !== undefined) return { kind: 'constant', value }
      return absent === null
        ? { kind: 'constant', value: null }
        : { kind: 'computed', evaluate: () => undefined }
    }
  } else {
    const receiver = { keyspace: table.keyspace, table: table.name, name: '[json]', type: native.text }
    context.markers[json.index] = receiver
    // Bytes that are no text fail in their own way, when they are read.
    const marker: Term = { kind: 'marker', index: json.index, receiver: { ...receiver, type: native.blob } }
    termOf = (column) => ({
      kind: 'computed',
      evaluate: (execution) => {
        const value = boundColumns(marker, columns, execution).get(column)
        return value === undefined ? absent : value
      },
    })
  }
  return {
    kind: 'insert',
    table: name,
    columns: columns.map((column) => ({ text: column.name, quoted: true })),
    values: columns.map((column) => ({ kind: 'prepared', term: termOf(column.name) })),
    ifNotExists,
    using,
  }
}

/**
 * All columns, in the order in which Cassandra looks at them: that of a Java HashMap of their names. It decides which of
 * several wrong values is complained of.
 */
function columnsOf(table: TableMetadata): readonly ColumnMetadata[] {
  const columns = [...table.partitionKeys, ...table.clusterings, ...table.statics, ...table.regulars]
  let buckets = 16
  while (columns.length > buckets * 0.75) buckets *= 2
  const bucketOf = (column: ColumnMetadata) => {
    const hash = byteBufferHash(utf8Bytes(column.name))
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  return columns
    .map((column) => ({ column, bucket: bucketOf(column) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ column }) => column)
}

/** `ByteBuffer.hashCode`. */
function byteBufferHash(bytes: Uint8Array): number {
  let hash = 1
  for (let i = bytes.length - 1; i >= 0; i--) hash = (Math.imul(31, hash) + ((bytes[i]! << 24) >> 24)) | 0
  return hash
}

/** The JSON that was read last: every column of a row asks for the same one. */
let lastColumns: readonly ColumnMetadata[] | null = null
let lastBytes: Uint8Array = new Uint8Array(0)
let lastMillis = 0
let lastValues: JsonColumns = new Map()

/** The columns of a bound JSON text (`QueryOptions.getJsonColumnValue`). */
function boundColumns(
  marker: Term,
  columns: readonly ColumnMetadata[],
  context: ExecutionContext,
): JsonColumns {
  const value: Value = evaluate(marker, context)
  if (value === null) throw invalid('Got null for INSERT JSON values')
  // To Cassandra the mark of a value that is not set is an empty value.
  const bytes = value ?? EMPTY
  if (lastColumns === columns && lastMillis === context.nowMillis && bytesEqual(lastBytes, bytes)) {
    return lastValues
  }
  const values = parseJsonColumns(textOf(bytes), columns, context.nowMillis)
  lastColumns = columns
  lastMillis = context.nowMillis
  lastBytes = bytes.slice()
  lastValues = values
  return values
}

const EMPTY = new Uint8Array(0)
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new ServerError(
      `org.apache.cassandra.serializers.MarshalException: Invalid UTF-8 bytes ${toHex(bytes)}`,
    )
  }
}

/** Throws an InvalidRequestError with Cassandra's text (`Json.parseJson`). */
function parseJsonColumns(text: string, columns: readonly ColumnMetadata[], nowMillis: number): JsonColumns {
  let object: ReturnType<typeof readJsonObject>
  try {
    object = readJsonObject(text)
  } catch (error) {
    if (!(error instanceof JsonReadError)) throw error
    throw invalid(`Could not decode JSON string as a map: ${error.description}. (String was: ${text})`)
  }
  if (object === null) throw invalid('Got null for INSERT JSON values')
  const given = unquoteJsonNames(object)
  const values = new Map<string, Uint8Array | null>()
  for (const { name, type } of columns) {
    const json = given.get(name)
    if (json === undefined) continue
    given.delete(name)
    try {
      values.set(name, json === null ? null : fromJson(type, json, nowMillis))
    } catch (error) {
      if (!(error instanceof MarshalError)) throw error
      throw invalid(`Error decoding JSON value for ${name}: ${error.message}`)
    }
  }
  for (const name of given.keys()) throw invalid(`JSON values map contains unrecognized column: ${name}`)
  return values
}
