import { ConsistencyLevel, ProtocolError, ServerError } from '../common/errors.ts'
import type { BatchEntry, BatchType, BoundValues, PreparedRef, QueryOptions } from '../model/query-options.ts'
import { NULL_LENGTH, UNSET_LENGTH } from '../model/query-options.ts'
import { FrameFlag, Opcode } from './opcode.ts'
import { BodyReader } from './reader.ts'

/** Requests, decoded (native protocol v5, section 4.1). */
export interface StartupRequest {
  readonly kind: 'startup'
  /** Keys in upper case. */
  readonly options: ReadonlyMap<string, string>
}

export interface OptionsRequest {
  readonly kind: 'options'
}

export interface QueryRequest {
  readonly kind: 'query'
  readonly text: string
  readonly options: QueryOptions
}

export interface PrepareRequest {
  readonly kind: 'prepare'
  readonly text: string
  readonly keyspace: string | null
}

export interface ExecuteRequest {
  readonly kind: 'execute'
  readonly statement: PreparedRef
  readonly options: QueryOptions
}

export interface BatchRequest {
  readonly kind: 'batch'
  readonly type: BatchType
  readonly entries: readonly BatchEntry[]
  readonly options: QueryOptions
}

/** Events a client can ask for. TRACE_COMPLETE is accepted from v4 on, and never sent, as in Cassandra. */
export type EventType = 'TOPOLOGY_CHANGE' | 'STATUS_CHANGE' | 'SCHEMA_CHANGE' | 'TRACE_COMPLETE'

export interface RegisterRequest {
  readonly kind: 'register'
  readonly events: readonly EventType[]
}

export interface AuthResponseRequest {
  readonly kind: 'authResponse'
  readonly token: Uint8Array
}

export type Request =
  | StartupRequest
  | OptionsRequest
  | QueryRequest
  | PrepareRequest
  | ExecuteRequest
  | BatchRequest
  | RegisterRequest
  | AuthResponseRequest

/** Flags of the query parameters (v5, section 4.1.4). */
export const QueryFlag = {
  VALUES: 0x01,
  SKIP_METADATA: 0x02,
  PAGE_SIZE: 0x04,
  PAGING_STATE: 0x08,
  SERIAL_CONSISTENCY: 0x10,
  TIMESTAMP: 0x20,
  NAMES_FOR_VALUES: 0x40,
  KEYSPACE: 0x80,
  NOW_IN_SECONDS: 0x100,
} as const

const CONSISTENCY_MAX = ConsistencyLevel.NODE_LOCAL
const BATCH_TYPES: readonly BatchType[] = ['logged', 'unlogged', 'counter']
const EVENT_TYPES: readonly EventType[] = [
  'TOPOLOGY_CHANGE',
  'STATUS_CHANGE',
  'SCHEMA_CHANGE',
  'TRACE_COMPLETE',
]
const NOTHING = Buffer.alloc(0)
const OPTIONS_REQUEST: OptionsRequest = { kind: 'options' }

/** The values of one statement; filled again for every EXECUTE of a connection. */
class ValuesView implements BoundValues {
  buffer: Uint8Array = NOTHING
  count = 0
  offsets: Int32Array
  lengths: Int32Array

  constructor(capacity: number) {
    this.offsets = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
  }

  begin(buffer: Uint8Array, count: number): void {
    this.buffer = buffer
    this.count = count
    if (count > this.offsets.length) {
      this.offsets = new Int32Array(count)
      this.lengths = new Int32Array(count)
    }
  }
}

class OptionsView implements QueryOptions {
  consistency: ConsistencyLevel = ConsistencyLevel.ONE
  readonly values = new ValuesView(16)
  names: string[] | null = null
  skipMetadata = false
  pageSize = -1
  pagingState: Uint8Array | null = null
  serialConsistency: ConsistencyLevel = ConsistencyLevel.SERIAL
  hasTimestamp = false
  timestampHi = 0
  timestampLo = 0
  nowInSeconds: number | null = null
  keyspace: string | null = null
  protocolVersion = 0
}

class ExecuteView implements ExecuteRequest, PreparedRef {
  readonly kind = 'execute'
  readonly options = new OptionsView()
  buffer: Uint8Array = NOTHING
  idOffset = 0
  idLength = 0
  resultIdOffset = 0
  resultIdLength = -1

  get statement(): PreparedRef {
    return this
  }
}

/**
 * Decodes the bodies of one connection's requests. An EXECUTE is returned in one object that the next EXECUTE
 * overwrites, so that it costs no allocation; `keep()` gives it away to a request that goes on after the turn.
 */
export class RequestDecoder {
  /** The custom payload of the request decoded last. */
  customPayload: ReadonlyMap<string, Uint8Array | null> | null = null
  private readonly reader = new BodyReader()
  private execute = new ExecuteView()

  /** The request decoded last stays as it is; the next one gets an object of its own. */
  keep(): void {
    this.execute = new ExecuteView()
  }

  /** Lets go of the buffers of the request decoded last. */
  release(): void {
    this.reader.reset(NOTHING, 0, 0)
    this.execute.buffer = NOTHING
    this.execute.options.values.buffer = NOTHING
  }

  decode(
    version: number,
    flags: number,
    opcode: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): Request {
    const { reader } = this
    reader.reset(buffer, start, end)
    this.customPayload = null
    if ((flags & FrameFlag.CUSTOM_PAYLOAD) !== 0) {
      const payload = reader.bytesMap()
      if (version < 4) {
        throw new ProtocolError('Received frame with CUSTOM_PAYLOAD flag for native protocol version < 4')
      }
      this.customPayload = payload
    }
    switch (opcode) {
      case Opcode.EXECUTE:
        return this.decodeExecute(version)
      case Opcode.QUERY:
        return this.decodeQuery(version)
      case Opcode.BATCH:
        return this.decodeBatch(version)
      case Opcode.PREPARE:
        return decodePrepare(reader, version)
      case Opcode.OPTIONS:
        return OPTIONS_REQUEST
      case Opcode.STARTUP:
        return decodeStartup(reader)
      case Opcode.REGISTER:
        return decodeRegister(reader)
      case Opcode.AUTH_RESPONSE:
        return decodeAuthResponse(reader)
      default:
        throw new ProtocolError('Unsupported message')
    }
  }

  private decodeExecute(version: number): ExecuteRequest {
    const { reader, execute } = this
    execute.buffer = reader.buffer
    execute.idLength = reader.shortBytesLength()
    execute.idOffset = reader.skip(execute.idLength)
    if (version >= 5) {
      execute.resultIdLength = reader.shortBytesLength()
      execute.resultIdOffset = reader.skip(execute.resultIdLength)
    } else {
      execute.resultIdLength = -1
    }
    decodeOptions(reader, version, execute.options)
    return execute
  }

  private decodeQuery(version: number): QueryRequest {
    const text = this.reader.longString()
    const options = new OptionsView()
    decodeOptions(this.reader, version, options)
    return { kind: 'query', text, options }
  }

  private decodeBatch(version: number): BatchRequest {
    const { reader } = this
    const type = (reader.byte() << 24) >> 24
    const count = reader.short()
    const entries: BatchEntry[] = []
    for (let i = 0; i < count; i++) {
      const kind = (reader.byte() << 24) >> 24
      let query: string | null = null
      let id: Uint8Array | null = null
      if (kind === 0) query = reader.longString()
      else if (kind === 1) id = reader.shortBytes()
      else throw new ProtocolError(`Invalid query kind in BATCH messages. Must be 0 or 1 but got ${kind}`)
      const values = new ValuesView(0)
      decodeValues(reader, version, values)
      entries.push({ query, id, values })
    }
    const options = new OptionsView()
    decodeOptions(reader, version, options)
    const batchType = BATCH_TYPES[type]
    if (batchType === undefined) throw new ProtocolError(`Invalid BATCH message type ${type}`)
    return { kind: 'batch', type: batchType, entries, options }
  }
}

function decodeConsistency(reader: BodyReader): ConsistencyLevel {
  const code = reader.short()
  if (code > CONSISTENCY_MAX) throw new ProtocolError(`Unknown code ${code} for a consistency level`)
  return code as ConsistencyLevel
}

/** A length that `CBUtil.readBoundValue` takes; below v4 every negative one is null. */
function checkedLength(length: number, version: number): number {
  if (length >= 0 || length === NULL_LENGTH) return length
  if (version < 4) return NULL_LENGTH
  if (length === UNSET_LENGTH) return length
  throw new ProtocolError(`Invalid ByteBuf length ${length}`)
}

function decodeValues(reader: BodyReader, version: number, values: ValuesView): void {
  const count = reader.short()
  // Four bytes a value at least: a count that can't be true makes no array.
  if (count * 4 > reader.remaining) throw valuesTooShort(count, reader.remaining)
  values.begin(reader.buffer, count)
  const { offsets, lengths } = values
  for (let i = 0; i < count; i++) {
    const length = checkedLength(reader.int(), version)
    offsets[i] = length > 0 ? reader.skip(length) : reader.position
    lengths[i] = length
  }
}

function decodeNamedValues(reader: BodyReader, version: number, values: ValuesView): string[] {
  const count = reader.short()
  if (count * 6 > reader.remaining) throw valuesTooShort(count, reader.remaining)
  values.begin(reader.buffer, count)
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    names.push(reader.string())
    const length = checkedLength(reader.int(), version)
    values.offsets[i] = length > 0 ? reader.skip(length) : reader.position
    values.lengths[i] = length
  }
  return names
}

function valuesTooShort(count: number, remaining: number): ProtocolError {
  return new ProtocolError(
    `Not enough bytes in the message: ${count} values announced, ${remaining} bytes left`,
  )
}

function decodeOptions(reader: BodyReader, version: number, options: OptionsView): void {
  options.protocolVersion = version
  options.consistency = decodeConsistency(reader)
  const flags = version >= 5 ? reader.int() : reader.byte()
  options.names = null
  if ((flags & QueryFlag.VALUES) === 0) options.values.begin(reader.buffer, 0)
  else if ((flags & QueryFlag.NAMES_FOR_VALUES) === 0) decodeValues(reader, version, options.values)
  else options.names = decodeNamedValues(reader, version, options.values)

  options.skipMetadata = (flags & QueryFlag.SKIP_METADATA) !== 0
  options.pageSize = (flags & QueryFlag.PAGE_SIZE) !== 0 ? reader.int() : -1
  options.pagingState = (flags & QueryFlag.PAGING_STATE) !== 0 ? reader.bytes() : null
  options.serialConsistency =
    (flags & QueryFlag.SERIAL_CONSISTENCY) !== 0 ? decodeConsistency(reader) : ConsistencyLevel.SERIAL
  options.hasTimestamp = (flags & QueryFlag.TIMESTAMP) !== 0
  if (options.hasTimestamp) decodeTimestamp(reader, options)
  options.keyspace = (flags & QueryFlag.KEYSPACE) !== 0 ? reader.string() : null
  options.nowInSeconds = (flags & QueryFlag.NOW_IN_SECONDS) !== 0 ? reader.int() >>> 0 : null
}

function decodeTimestamp(reader: BodyReader, options: OptionsView): void {
  options.timestampHi = reader.int()
  options.timestampLo = reader.int()
  if (options.timestampHi === -0x80000000 && options.timestampLo === 0) {
    throw new ProtocolError(
      'Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807] (got -9223372036854775808)',
    )
  }
}

function decodePrepare(reader: BodyReader, version: number): PrepareRequest {
  const text = reader.longString()
  const hasKeyspace = version >= 5 && (reader.int() & 0x1) !== 0
  return { kind: 'prepare', text, keyspace: hasKeyspace ? reader.string() : null }
}

function decodeStartup(reader: BodyReader): StartupRequest {
  const options = new Map<string, string>()
  for (const [key, value] of reader.stringMap()) options.set(key.toUpperCase(), value)
  return { kind: 'startup', options }
}

function decodeRegister(reader: BodyReader): RegisterRequest {
  const events: EventType[] = []
  for (const name of reader.stringList()) {
    const event = EVENT_TYPES.find((type) => type === name.toUpperCase())
    if (event === undefined) throw new ProtocolError(`Invalid value '${name}' for Type`)
    events.push(event)
  }
  return { kind: 'register', events }
}

function decodeAuthResponse(reader: BodyReader): AuthResponseRequest {
  const token = reader.bytes()
  if (token === null) {
    // What Cassandra answers, to the letter.
    throw new ServerError(
      'java.lang.NullPointerException: Cannot invoke "java.nio.ByteBuffer.remaining()" because "b" is null',
    )
  }
  return { kind: 'authResponse', token: Uint8Array.from(token) }
}
