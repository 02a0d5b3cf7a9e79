import type { ErrorCode } from '../common/errors.ts'
import { ErrorCode as Code } from '../common/errors.ts'
import { FrameFlag, Opcode, opcodeName } from './opcode.ts'
import { BodyReader } from './reader.ts'
import { NATIVE_OPTIONS } from './type-option.ts'

/**
 * The client's side of responses: plain values, with the bytes of cells and ids as hexadecimal text. Tests and tools
 * use it, the server does not. The field names are those of the recorded exchanges (`oracle/make/rawcql.py`).
 */
export type Decoded = { [field: string]: DecodedValue }
export type DecodedValue = string | number | null | DecodedValue[] | Decoded

const RESULT_KINDS = ['', 'void', 'rows', 'set_keyspace', 'prepared', 'schema_change']
const NATIVE_NAMES = new Map(
  Array.from(NATIVE_OPTIONS, ([kind, { id }]) => [id, kind === 'text' ? 'varchar' : kind]),
)

/** Decodes the body of a response, uncompressed. Throws a ProtocolError where it ends too soon. */
export function decodeResponse(version: number, opcode: number, flags: number, body: Buffer): Decoded {
  const reader = new BodyReader()
  reader.reset(body, 0, body.length)
  const decoded: Decoded = {}
  if ((flags & FrameFlag.TRACING) !== 0) decoded['tracing_id'] = hex(reader, 16)
  if ((flags & FrameFlag.WARNING) !== 0) decoded['warnings'] = reader.stringList()
  if ((flags & FrameFlag.CUSTOM_PAYLOAD) !== 0) {
    const payload: Decoded = {}
    for (const [key, value] of reader.bytesMap()) {
      payload[key] = value === null ? null : Buffer.from(value).toString('hex')
    }
    decoded['custom_payload'] = payload
  }
  Object.assign(decoded, decodeBody(reader, version, opcode))
  if (reader.remaining > 0) decoded['undecoded_rest'] = hex(reader, reader.remaining)
  return decoded
}

function decodeBody(reader: BodyReader, version: number, opcode: number): Decoded {
  switch (opcode) {
    case Opcode.ERROR:
      return decodeError(reader, version)
    case Opcode.SUPPORTED:
      return { options: multimap(reader) }
    case Opcode.AUTHENTICATE:
      return { authenticator: reader.string() }
    case Opcode.AUTH_CHALLENGE:
    case Opcode.AUTH_SUCCESS:
      return { token: bytesHex(reader) }
    case Opcode.EVENT:
      return decodeEvent(reader)
    case Opcode.RESULT:
      return decodeResult(reader, version)
    case Opcode.READY:
      return {}
    default:
      throw new TypeError(`${opcodeName(opcode)} is no response`)
  }
}

function hex(reader: BodyReader, length: number): string {
  const start = reader.skip(length)
  return reader.buffer.toString('hex', start, start + length)
}

function bytesHex(reader: BodyReader): string | null {
  const length = reader.int()
  return length < 0 ? null : hex(reader, length)
}

function shortBytesHex(reader: BodyReader): string {
  return hex(reader, reader.shortBytesLength())
}

function multimap(reader: BodyReader): Decoded {
  const map: Decoded = {}
  for (let count = reader.short(); count > 0; count--) {
    const key = reader.string()
    map[key] = reader.stringList()
  }
  return map
}

function decodeError(reader: BodyReader, version: number): Decoded {
  const code = reader.int() as ErrorCode
  const decoded: Decoded = { code: `0x${code.toString(16).padStart(4, '0')}`, message: reader.string() }
  switch (code) {
    case Code.UNAVAILABLE:
      return { ...decoded, cl: reader.short(), required: reader.int(), alive: reader.int() }
    case Code.WRITE_TIMEOUT: {
      Object.assign(decoded, progress(reader), { write_type: reader.string() })
      if (version >= 5 && decoded['write_type'] === 'CAS') decoded['contentions'] = reader.short()
      return decoded
    }
    case Code.READ_TIMEOUT:
      return { ...decoded, ...progress(reader), data_present: reader.byte() }
    case Code.WRITE_FAILURE:
      return {
        ...decoded,
        ...progress(reader),
        ...failures(reader, version),
        write_type: reader.string(),
      }
    case Code.READ_FAILURE:
      return { ...decoded, ...progress(reader), ...failures(reader, version), data_present: reader.byte() }
    case Code.CAS_WRITE_UNKNOWN:
      return { ...decoded, ...progress(reader) }
    case Code.FUNCTION_FAILURE:
      return {
        ...decoded,
        keyspace: reader.string(),
        function: reader.string(),
        arg_types: reader.stringList(),
      }
    case Code.ALREADY_EXISTS:
      return { ...decoded, ks: reader.string(), table: reader.string() }
    case Code.UNPREPARED:
      return { ...decoded, unknown_id: shortBytesHex(reader) }
    default:
      return decoded
  }
}

function progress(reader: BodyReader): Decoded {
  return { cl: reader.short(), received: reader.int(), blockfor: reader.int() }
}

function failures(reader: BodyReader, version: number): Decoded {
  const count = reader.int()
  if (version < 5) return { numfailures: count }
  const reasons: Decoded = {}
  for (let i = 0; i < count; i++) {
    const address = inetAddress(reader)
    reasons[address] = reader.short()
  }
  return { numfailures: count, reasonmap: reasons }
}

/** IPv4 as numbers and dots, IPv6 as eight groups. */
function inetAddress(reader: BodyReader): string {
  const length = reader.byte()
  const start = reader.skip(length)
  const bytes = reader.buffer.subarray(start, start + length)
  if (length === 4) return Array.from(bytes).join('.')
  const groups = Array.from({ length: length >> 1 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return groups.join(':')
}

function decodeEvent(reader: BodyReader): Decoded {
  const event = reader.string()
  if (event === 'SCHEMA_CHANGE') return { event, change: schemaChange(reader) }
  return { event, change: reader.string(), address: [inetAddress(reader), reader.int()] }
}

function schemaChange(reader: BodyReader): Decoded {
  const decoded: Decoded = {
    change_type: reader.string(),
    target: reader.string(),
    keyspace: reader.string(),
  }
  if (decoded['target'] !== 'KEYSPACE') decoded['name'] = reader.string()
  if (decoded['target'] === 'FUNCTION' || decoded['target'] === 'AGGREGATE') {
    decoded['arg_types'] = reader.stringList()
  }
  return decoded
}

function decodeResult(reader: BodyReader, version: number): Decoded {
  const kind = RESULT_KINDS[reader.int()]
  switch (kind) {
    case 'void':
      return { kind }
    case 'rows': {
      const metadata = decodeMetadata(reader, version, false)
      return { kind, metadata, rows: decodeRows(reader, metadata['column_count'] as number) }
    }
    case 'set_keyspace':
      return { kind, keyspace: reader.string() }
    case 'prepared': {
      const decoded: Decoded = { kind, id: shortBytesHex(reader) }
      if (version >= 5) decoded['result_metadata_id'] = shortBytesHex(reader)
      decoded['metadata'] = decodeMetadata(reader, version, true)
      decoded['result_metadata'] = decodeMetadata(reader, version, false)
      return decoded
    }
    case 'schema_change':
      return { kind, change: schemaChange(reader) }
    default:
      throw new TypeError(`no kind of RESULT: ${kind}`)
  }
}

function decodeRows(reader: BodyReader, columnCount: number): DecodedValue[] {
  const count = reader.int()
  // Rows without columns would cost nothing: their number alone proves nothing.
  if (columnCount === 0) return []
  const rows: DecodedValue[] = []
  for (let i = 0; i < count; i++) {
    const row: DecodedValue[] = []
    for (let column = 0; column < columnCount; column++) row.push(bytesHex(reader))
    rows.push(row)
  }
  return rows
}

function decodeMetadata(reader: BodyReader, version: number, isPrepared: boolean): Decoded {
  const flags = reader.int()
  const columnCount = reader.int()
  const decoded: Decoded = { flags, column_count: columnCount }
  if (isPrepared && version >= 4) {
    const indexes: number[] = []
    for (let count = reader.int(); count > 0; count--) indexes.push(reader.short())
    decoded['pk_indexes'] = indexes
  }
  if ((flags & 2) !== 0) decoded['paging_state'] = bytesHex(reader)
  if ((flags & 8) !== 0 && !isPrepared) decoded['new_metadata_id'] = shortBytesHex(reader)
  if ((flags & 4) !== 0) return decoded
  const isGlobal = (flags & 1) !== 0
  if (isGlobal) decoded['global_table_spec'] = [reader.string(), reader.string()]
  const columns: Decoded[] = []
  for (let i = 0; i < columnCount; i++) {
    const column: Decoded = {}
    if (!isGlobal) column['table_spec'] = [reader.string(), reader.string()]
    column['name'] = reader.string()
    column['type'] = typeOption(reader)
    columns.push(column)
  }
  decoded['columns'] = columns
  return decoded
}

/** A type as text, `varchar` for text. */
function typeOption(reader: BodyReader): string {
  const id = reader.short()
  switch (id) {
    case 0x00:
      return `custom(${reader.string()})`
    case 0x20:
      return `list<${typeOption(reader)}>`
    case 0x21:
      return `map<${typeOption(reader)}, ${typeOption(reader)}>`
    case 0x22:
      return `set<${typeOption(reader)}>`
    case 0x30: {
      const name = `${reader.string()}.${reader.string()}`
      const fields: string[] = []
      for (let count = reader.short(); count > 0; count--) {
        const field = reader.string()
        fields.push(`${field} ${typeOption(reader)}`)
      }
      return `udt(${name}: ${fields.join(', ')})`
    }
    case 0x31: {
      const types: string[] = []
      for (let count = reader.short(); count > 0; count--) types.push(typeOption(reader))
      return `tuple<${types.join(', ')}>`
    }
    default: {
      const name = NATIVE_NAMES.get(id)
      if (name === undefined) throw new TypeError(`no type option: ${id}`)
      return name
    }
  }
}
