/**
 * The errors a client can be answered with: one class a wire code, each with the wire fields of the native
 * protocol specification (v5, section 8). Texts are those of Cassandra 5.0, so that tools that parse them work.
 *
 * `CorruptionError` and `AssertionError` never cross the wire as themselves: the first names a file and an offset
 * and stops what would serve wrong data, the second is a bug.
 */

/** Error codes of the native protocol, by Cassandra's names (`org.apache.cassandra.exceptions.ExceptionCode`). */
export const ErrorCode = {
  SERVER_ERROR: 0x0000,
  PROTOCOL_ERROR: 0x000a,
  BAD_CREDENTIALS: 0x0100,
  UNAVAILABLE: 0x1000,
  OVERLOADED: 0x1001,
  IS_BOOTSTRAPPING: 0x1002,
  TRUNCATE_ERROR: 0x1003,
  WRITE_TIMEOUT: 0x1100,
  READ_TIMEOUT: 0x1200,
  READ_FAILURE: 0x1300,
  FUNCTION_FAILURE: 0x1400,
  WRITE_FAILURE: 0x1500,
  CDC_WRITE_FAILURE: 0x1600,
  CAS_WRITE_UNKNOWN: 0x1700,
  SYNTAX_ERROR: 0x2000,
  UNAUTHORIZED: 0x2100,
  INVALID: 0x2200,
  CONFIG_ERROR: 0x2300,
  ALREADY_EXISTS: 0x2400,
  UNPREPARED: 0x2500,
} as const

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode]

/** Consistency levels by their wire codes (native protocol v5, section 3). */
export const ConsistencyLevel = {
  ANY: 0,
  ONE: 1,
  TWO: 2,
  THREE: 3,
  QUORUM: 4,
  ALL: 5,
  LOCAL_QUORUM: 6,
  EACH_QUORUM: 7,
  SERIAL: 8,
  LOCAL_SERIAL: 9,
  LOCAL_ONE: 10,
  NODE_LOCAL: 11,
} as const

export type ConsistencyLevel = (typeof ConsistencyLevel)[keyof typeof ConsistencyLevel]

const LEVEL_NAMES = Object.fromEntries(Object.entries(ConsistencyLevel).map(([name, code]) => [code, name]))

/** The name of a level, as errors and traces write it. */
export function consistencyName(level: ConsistencyLevel): string {
  return LEVEL_NAMES[level] ?? String(level)
}

/** The `<writeType>` of write errors, as the wire spells it. */
export type WriteType =
  | 'SIMPLE'
  | 'BATCH'
  | 'UNLOGGED_BATCH'
  | 'COUNTER'
  | 'BATCH_LOG'
  | 'CAS'
  | 'VIEW'
  | 'CDC'

/** Base of every error that has a wire code; never thrown itself. */
export abstract class CqlError extends Error {
  abstract readonly code: ErrorCode
  /** Client warnings that go with the error (v4 and later). */
  warnings?: readonly string[]
  /** Id of the tracing session, when tracing was asked for. */
  tracingId?: Uint8Array
}

/** 0x0000: something unexpected happened on the server, a bug. */
export class ServerError extends CqlError {
  readonly code = ErrorCode.SERVER_ERROR
}

/** 0x000A: the client's message violates the protocol. */
export class ProtocolError extends CqlError {
  readonly code = ErrorCode.PROTOCOL_ERROR
}

/** 0x0100: authentication was required and failed. */
export class AuthenticationError extends CqlError {
  readonly code = ErrorCode.BAD_CREDENTIALS
}

/** 0x1000: not enough replicas are alive for the consistency level. */
export class UnavailableError extends CqlError {
  readonly code = ErrorCode.UNAVAILABLE
  readonly consistency: ConsistencyLevel
  readonly required: number
  readonly alive: number

  constructor(message: string, consistency: ConsistencyLevel, required: number, alive: number) {
    super(message)
    this.consistency = consistency
    this.required = required
    this.alive = alive
  }
}

/** 0x1001: the request was shed because the coordinator is overloaded. */
export class OverloadedError extends CqlError {
  readonly code = ErrorCode.OVERLOADED
}

/** 0x1002: the coordinator is still bootstrapping. */
export class IsBootstrappingError extends CqlError {
  readonly code = ErrorCode.IS_BOOTSTRAPPING
}

/** 0x1003: a TRUNCATE failed. */
export class TruncateError extends CqlError {
  readonly code = ErrorCode.TRUNCATE_ERROR
}

/** 0x1100: replicas did not acknowledge a write in time. `contentions` is sent for CAS writes in v5 only. */
export class WriteTimeoutError extends CqlError {
  readonly code = ErrorCode.WRITE_TIMEOUT
  readonly consistency: ConsistencyLevel
  readonly received: number
  readonly blockFor: number
  readonly writeType: WriteType
  readonly contentions: number

  constructor(
    message: string,
    consistency: ConsistencyLevel,
    received: number,
    blockFor: number,
    writeType: WriteType,
    contentions: number = 0,
  ) {
    super(message)
    this.consistency = consistency
    this.received = received
    this.blockFor = blockFor
    this.writeType = writeType
    this.contentions = contentions
  }
}

/** 0x1200: replicas did not answer a read in time. */
export class ReadTimeoutError extends CqlError {
  readonly code = ErrorCode.READ_TIMEOUT
  readonly consistency: ConsistencyLevel
  readonly received: number
  readonly blockFor: number
  readonly dataPresent: boolean

  constructor(
    message: string,
    consistency: ConsistencyLevel,
    received: number,
    blockFor: number,
    dataPresent: boolean,
  ) {
    super(message)
    this.consistency = consistency
    this.received = received
    this.blockFor = blockFor
    this.dataPresent = dataPresent
  }
}

/** Why a replica failed (`RequestFailureReason`), keyed by the replica's address as text. */
export type FailureReasons = ReadonlyMap<string, number>

/** 0x1300: a replica failed while reading. */
export class ReadFailureError extends CqlError {
  readonly code = ErrorCode.READ_FAILURE
  readonly consistency: ConsistencyLevel
  readonly received: number
  readonly blockFor: number
  readonly failures: FailureReasons
  readonly dataPresent: boolean

  constructor(
    message: string,
    consistency: ConsistencyLevel,
    received: number,
    blockFor: number,
    failures: FailureReasons,
    dataPresent: boolean,
  ) {
    super(message)
    this.consistency = consistency
    this.received = received
    this.blockFor = blockFor
    this.failures = failures
    this.dataPresent = dataPresent
  }
}

/** 0x1400: a user defined function failed. */
export class FunctionFailureError extends CqlError {
  readonly code = ErrorCode.FUNCTION_FAILURE
  readonly keyspace: string
  readonly functionName: string
  readonly argTypes: readonly string[]

  constructor(message: string, keyspace: string, functionName: string, argTypes: readonly string[]) {
    super(message)
    this.keyspace = keyspace
    this.functionName = functionName
    this.argTypes = argTypes
  }
}

/** 0x1500: a replica failed while writing. */
export class WriteFailureError extends CqlError {
  readonly code = ErrorCode.WRITE_FAILURE
  readonly consistency: ConsistencyLevel
  readonly received: number
  readonly blockFor: number
  readonly failures: FailureReasons
  readonly writeType: WriteType

  constructor(
    message: string,
    consistency: ConsistencyLevel,
    received: number,
    blockFor: number,
    failures: FailureReasons,
    writeType: WriteType,
  ) {
    super(message)
    this.consistency = consistency
    this.received = received
    this.blockFor = blockFor
    this.failures = failures
    this.writeType = writeType
  }
}

/** 0x1600: the CDC log has no room left. */
export class CdcWriteFailureError extends CqlError {
  readonly code = ErrorCode.CDC_WRITE_FAILURE
}

/** 0x1700: it is unknown whether a CAS write was applied. */
export class CasWriteUnknownError extends CqlError {
  readonly code = ErrorCode.CAS_WRITE_UNKNOWN
  readonly consistency: ConsistencyLevel
  readonly received: number
  readonly blockFor: number

  constructor(message: string, consistency: ConsistencyLevel, received: number, blockFor: number) {
    super(message)
    this.consistency = consistency
    this.received = received
    this.blockFor = blockFor
  }
}

/** 0x2000: the query does not parse. */
export class SyntaxError extends CqlError {
  readonly code = ErrorCode.SYNTAX_ERROR
}

/** 0x2100: the user may not do that. */
export class UnauthorizedError extends CqlError {
  readonly code = ErrorCode.UNAUTHORIZED
}

/** 0x2200: the query is syntactically correct but invalid. */
export class InvalidRequestError extends CqlError {
  readonly code = ErrorCode.INVALID
}

/** 0x2300: the query is invalid because of some configuration issue. */
export class ConfigurationError extends CqlError {
  readonly code = ErrorCode.CONFIG_ERROR
}

/** 0x2400: the keyspace or table exists already; `table` is empty for a keyspace. */
export class AlreadyExistsError extends CqlError {
  readonly code = ErrorCode.ALREADY_EXISTS
  readonly keyspace: string
  readonly table: string

  constructor(message: string, keyspace: string, table: string) {
    super(message)
    this.keyspace = keyspace
    this.table = table
  }
}

/** 0x2500: the prepared statement id is unknown here. */
export class UnpreparedError extends CqlError {
  readonly code = ErrorCode.UNPREPARED
  readonly id: Uint8Array

  constructor(message: string, id: Uint8Array) {
    super(message)
    this.id = id
  }
}

/** Bytes that are not a value of their type; becomes an InvalidRequest at the CQL boundary (`MarshalException`). */
export class MarshalError extends Error {}

/** Data in a file is not in the expected format. Carries where, and is never served around. */
export class CorruptionError extends Error {
  readonly file: string
  readonly offset: number

  constructor(message: string, file: string, offset: number) {
    super(`${message} (${file} at offset ${offset})`)
    this.file = file
    this.offset = offset
  }
}
