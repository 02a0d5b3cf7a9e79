import type { CqlError, FailureReasons } from '../common/errors.ts'
import {
  AlreadyExistsError,
  CasWriteUnknownError,
  CdcWriteFailureError,
  ErrorCode,
  FunctionFailureError,
  InvalidRequestError,
  ReadFailureError,
  ReadTimeoutError,
  UnavailableError,
  UnpreparedError,
  WriteFailureError,
  WriteTimeoutError,
} from '../common/errors.ts'
import type { PreparedResult, QueryResult, RowsResult, SchemaChange } from '../model/query-result.ts'
import { parseAddress } from './address.ts'
import type { ServerEvent } from './event.ts'
import { encodedColumns, MetadataFlag, writePreparedMetadata } from './metadata.ts'
import { FrameFlag, Opcode } from './opcode.ts'
import type { OutboundEncoder } from './outbound.ts'
import { SUPPORTED_VERSIONS } from './version.ts'
import type { ByteWriter } from './writer.ts'

/** Kinds of RESULT (v5, section 4.2.5). */
const ResultKind = { VOID: 1, ROWS: 2, SET_KEYSPACE: 3, PREPARED: 4, SCHEMA_CHANGE: 5 } as const

const CQL_VERSION = '3.4.7'
const EVENT_STREAM = -1

/** What comes before the body of a response proper. */
interface Prelude {
  readonly tracingId?: Uint8Array
  readonly warnings?: readonly string[]
}

function beginWithPrelude(
  out: OutboundEncoder,
  version: number,
  stream: number,
  opcode: number,
  prelude: Prelude,
): void {
  const { tracingId, warnings } = prelude
  if (tracingId === undefined && warnings === undefined) {
    out.begin(version, 0, stream, opcode)
    return
  }
  const hasWarnings = warnings !== undefined && warnings.length > 0 && version >= 4
  const flags = (tracingId === undefined ? 0 : FrameFlag.TRACING) | (hasWarnings ? FrameFlag.WARNING : 0)
  out.begin(version, flags, stream, opcode)
  if (tracingId !== undefined) out.raw(tracingId)
  if (hasWarnings) out.stringList(warnings)
}

/**
 * RESULT. `skipMetadata` is what the request asked for; a result whose metadata changed, or that says so itself,
 * carries its columns all the same.
 */
export function writeResult(
  out: OutboundEncoder,
  version: number,
  stream: number,
  result: QueryResult,
  skipMetadata: boolean,
): void {
  beginWithPrelude(out, version, stream, Opcode.RESULT, result)
  switch (result.kind) {
    case 'void':
      out.int(ResultKind.VOID)
      break
    case 'rows':
      writeRows(out, version, result, skipMetadata)
      break
    case 'setKeyspace':
      out.int(ResultKind.SET_KEYSPACE)
      out.string(result.keyspace)
      break
    case 'prepared':
      writePrepared(out, version, result)
      break
    case 'schemaChange':
      out.int(ResultKind.SCHEMA_CHANGE)
      writeSchemaChange(out, version, result.change)
      break
  }
  out.end()
}

function writeRows(out: OutboundEncoder, version: number, result: RowsResult, skipMetadata: boolean): void {
  const { metadata, pagingState, content } = result
  const isChanged = result.metadataChanged === true && version >= 5
  const isSkipped = result.noMetadata ?? (skipMetadata && result.metadataChanged !== true)
  const columns = encodedColumns(metadata, version)
  let flags = columns.flags
  if (pagingState !== null) flags |= MetadataFlag.HAS_MORE_PAGES
  if (isSkipped) flags |= MetadataFlag.NO_METADATA
  if (isChanged) flags |= MetadataFlag.METADATA_CHANGED
  out.int(ResultKind.ROWS)
  out.int(flags)
  out.int(metadata.columns.length)
  if (pagingState !== null) out.bytes(pagingState)
  if (isChanged) out.shortBytes(metadata.id)
  if (!isSkipped) out.raw(columns.bytes)
  out.int(result.rowCount)
  out.raw(content)
}

function writePrepared(out: OutboundEncoder, version: number, result: PreparedResult): void {
  out.int(ResultKind.PREPARED)
  out.shortBytes(result.id)
  if (version >= 5) out.shortBytes(result.resultMetadataId)
  writePreparedMetadata(out, result.bind, version)
  if (result.result === null) {
    out.int(MetadataFlag.NO_METADATA)
    out.int(0)
    return
  }
  const columns = encodedColumns(result.result, version)
  out.int(columns.flags)
  out.int(result.result.columns.length)
  out.raw(columns.bytes)
}

/** `<change>` of RESULT schema_change and EVENT; v3 knows no functions. */
function writeSchemaChange(out: ByteWriter, version: number, change: SchemaChange): void {
  const isFunction = change.target === 'FUNCTION' || change.target === 'AGGREGATE'
  if (isFunction && version < 4) {
    out.string('UPDATED')
    out.string('KEYSPACE')
    out.string(change.keyspace)
    out.string('')
    return
  }
  out.string(change.change)
  out.string(change.target)
  out.string(change.keyspace)
  if (change.target !== 'KEYSPACE') out.string(change.name)
  if (isFunction) out.stringList(change.argTypes ?? [])
}

// ---- errors

/** What a version that does not know the error is told instead (`ErrorMessage.getBackwardsCompatibleException`). */
function knownTo(version: number, error: CqlError): CqlError {
  if (version < 4) {
    if (error instanceof ReadFailureError) {
      const { consistency, received, blockFor, dataPresent } = error
      return new ReadTimeoutError(timeoutText(received), consistency, received, blockFor, dataPresent)
    }
    if (error instanceof WriteFailureError) {
      const { consistency, received, blockFor, writeType } = error
      return new WriteTimeoutError(timeoutText(received), consistency, received, blockFor, writeType)
    }
    if (error instanceof FunctionFailureError) {
      return new InvalidRequestError(`ERROR FUNCTION_FAILURE: ${error.message}`)
    }
    if (error instanceof CdcWriteFailureError) {
      return new InvalidRequestError(`ERROR CDC_WRITE_FAILURE: ${error.message}`)
    }
  }
  if (version < 5 && error instanceof CasWriteUnknownError) {
    const { consistency, received, blockFor } = error
    return new WriteTimeoutError(timeoutText(received), consistency, received, blockFor, 'CAS')
  }
  if (version < 5 && error instanceof WriteTimeoutError && error.writeType === 'CAS') {
    const { consistency, received, blockFor } = error
    return new WriteTimeoutError(timeoutText(received), consistency, received, blockFor, 'CAS')
  }
  return error
}

function timeoutText(received: number): string {
  return `Operation timed out - received only ${received} responses.`
}

/** ERROR with the fields of its code. */
export function writeError(out: OutboundEncoder, version: number, stream: number, error: CqlError): void {
  const known = knownTo(version, error)
  beginWithPrelude(out, version, stream, Opcode.ERROR, error)
  out.int(known.code)
  out.string(known.message)
  writeErrorFields(out, version, known)
  out.end()
}

function writeErrorFields(out: OutboundEncoder, version: number, error: CqlError): void {
  if (error instanceof UnavailableError) {
    out.short(error.consistency)
    out.int(error.required)
    out.int(error.alive)
  } else if (error instanceof WriteTimeoutError) {
    writeProgress(out, error)
    out.string(error.writeType)
    if (version >= 5 && error.writeType === 'CAS') out.short(error.contentions)
  } else if (error instanceof ReadTimeoutError) {
    writeProgress(out, error)
    out.byte(error.dataPresent ? 1 : 0)
  } else if (error instanceof ReadFailureError) {
    writeProgress(out, error)
    writeFailures(out, version, error.failures)
    out.byte(error.dataPresent ? 1 : 0)
  } else if (error instanceof WriteFailureError) {
    writeProgress(out, error)
    writeFailures(out, version, error.failures)
    out.string(error.writeType)
  } else if (error instanceof CasWriteUnknownError) {
    writeProgress(out, error)
  } else if (error instanceof FunctionFailureError) {
    out.string(error.keyspace)
    out.string(error.functionName)
    out.stringList(error.argTypes)
  } else if (error instanceof AlreadyExistsError) {
    out.string(error.keyspace)
    out.string(error.table)
  } else if (error instanceof UnpreparedError) {
    out.shortBytes(error.id)
  }
}

interface Progress {
  readonly consistency: number
  readonly received: number
  readonly blockFor: number
}

function writeProgress(out: OutboundEncoder, progress: Progress): void {
  out.short(progress.consistency)
  out.int(progress.received)
  out.int(progress.blockFor)
}

/** Their number, and in v5 the reason of each. */
function writeFailures(out: OutboundEncoder, version: number, failures: FailureReasons): void {
  out.int(failures.size)
  if (version < 5) return
  for (const [address, reason] of failures) {
    out.inetAddress(parseAddress(address) ?? new Uint8Array(4))
    out.short(reason)
  }
}

/**
 * The error for a version 1 or 2, which are not spoken: with the 8-byte header those had. Goes before STARTUP only,
 * so neither compression nor segments apply.
 */
export function legacyError(version: number, message: string): Buffer {
  const text = Buffer.from(message)
  const frame = Buffer.alloc(8 + 4 + 2 + text.length)
  frame[0] = version | 0x80
  frame[3] = Opcode.ERROR
  frame.writeInt32BE(4 + 2 + text.length, 4)
  frame.writeInt32BE(ErrorCode.PROTOCOL_ERROR, 8)
  frame.writeUInt16BE(text.length, 12)
  text.copy(frame, 14)
  return frame
}

// ---- the rest

export function writeReady(out: OutboundEncoder, version: number, stream: number): void {
  out.begin(version, 0, stream, Opcode.READY)
  out.end()
}

export function writeAuthenticate(
  out: OutboundEncoder,
  version: number,
  stream: number,
  authenticator: string,
): void {
  out.begin(version, 0, stream, Opcode.AUTHENTICATE)
  out.string(authenticator)
  out.end()
}

export function writeAuthChallenge(
  out: OutboundEncoder,
  version: number,
  stream: number,
  token: Uint8Array | null,
): void {
  out.begin(version, 0, stream, Opcode.AUTH_CHALLENGE)
  out.bytes(token)
  out.end()
}

export function writeAuthSuccess(
  out: OutboundEncoder,
  version: number,
  stream: number,
  token: Uint8Array | null,
): void {
  out.begin(version, 0, stream, Opcode.AUTH_SUCCESS)
  out.bytes(token)
  out.end()
}

/** SUPPORTED; its keys in the order in which Cassandra's hash map gives them. */
export function writeSupported(out: OutboundEncoder, version: number, stream: number): void {
  out.begin(version, 0, stream, Opcode.SUPPORTED)
  out.short(3)
  out.string('PROTOCOL_VERSIONS')
  out.stringList(SUPPORTED_VERSIONS)
  out.string('COMPRESSION')
  out.stringList(['snappy', 'lz4'])
  out.string('CQL_VERSION')
  out.stringList([CQL_VERSION])
  out.end()
}

/** EVENT, on stream -1. */
export function writeEvent(out: OutboundEncoder, version: number, event: ServerEvent): void {
  out.begin(version, 0, EVENT_STREAM, Opcode.EVENT)
  out.string(event.kind)
  if (event.kind === 'SCHEMA_CHANGE') {
    writeSchemaChange(out, version, event.change)
  } else {
    out.string(event.change)
    out.inetAddress(event.node.address)
    out.int(event.node.port)
  }
  out.end()
}
