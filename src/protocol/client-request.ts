import type { BatchType } from '../model/query-options.ts'
import { QueryFlag } from './request.ts'
import { ByteWriter } from './writer.ts'

/** The client's side of requests: bodies as a driver writes them. Tests and tools use it, the server does not. */
export type BoundValue = Uint8Array | null | 'unset'

export interface QueryParameters {
  readonly consistency?: number
  readonly values?: readonly BoundValue[]
  readonly names?: readonly string[]
  readonly skipMetadata?: boolean
  readonly pageSize?: number
  readonly pagingState?: Uint8Array
  readonly serialConsistency?: number
  readonly timestamp?: bigint
  readonly keyspace?: string
  readonly nowInSeconds?: number
}

export interface BatchStatement {
  /** A text or a prepared id. */
  readonly statement: string | Uint8Array
  readonly values: readonly BoundValue[]
}

const ONE = 1
const BATCH_TYPES: readonly BatchType[] = ['logged', 'unlogged', 'counter']

function writeValue(out: ByteWriter, value: BoundValue): void {
  if (value === 'unset') out.int(-2)
  else out.bytes(value)
}

function parameterFlags(parameters: QueryParameters): number {
  let flags = 0
  if (parameters.values !== undefined) flags |= QueryFlag.VALUES
  if (parameters.names !== undefined) flags |= QueryFlag.NAMES_FOR_VALUES
  if (parameters.skipMetadata === true) flags |= QueryFlag.SKIP_METADATA
  if (parameters.pageSize !== undefined) flags |= QueryFlag.PAGE_SIZE
  if (parameters.pagingState !== undefined) flags |= QueryFlag.PAGING_STATE
  if (parameters.serialConsistency !== undefined) flags |= QueryFlag.SERIAL_CONSISTENCY
  if (parameters.timestamp !== undefined) flags |= QueryFlag.TIMESTAMP
  if (parameters.keyspace !== undefined) flags |= QueryFlag.KEYSPACE
  if (parameters.nowInSeconds !== undefined) flags |= QueryFlag.NOW_IN_SECONDS
  return flags
}

function writeParameters(out: ByteWriter, version: number, parameters: QueryParameters): void {
  const { values, names } = parameters
  out.short(parameters.consistency ?? ONE)
  const flags = parameterFlags(parameters)
  if (version >= 5) out.int(flags)
  else out.byte(flags)
  if (values !== undefined) {
    out.short(values.length)
    values.forEach((value, i) => {
      if (names !== undefined) out.string(names[i])
      writeValue(out, value)
    })
  }
  if (parameters.pageSize !== undefined) out.int(parameters.pageSize)
  if (parameters.pagingState !== undefined) out.bytes(parameters.pagingState)
  if (parameters.serialConsistency !== undefined) out.short(parameters.serialConsistency)
  if (parameters.timestamp !== undefined) {
    out.int(Number(BigInt.asIntN(32, parameters.timestamp >> 32n)))
    out.int(Number(BigInt.asIntN(32, parameters.timestamp)))
  }
  if (parameters.keyspace !== undefined) out.string(parameters.keyspace)
  if (parameters.nowInSeconds !== undefined) out.int(parameters.nowInSeconds)
}

function body(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter()
  write(out)
  return out.written()
}

export function startupBody(options: Readonly<Record<string, string>>): Buffer {
  return body((out) => {
    const entries = Object.entries(options)
    out.short(entries.length)
    for (const [key, value] of entries) {
      out.string(key)
      out.string(value)
    }
  })
}

export function queryBody(version: number, text: string, parameters: QueryParameters = {}): Buffer {
  return body((out) => {
    out.longString(text)
    writeParameters(out, version, parameters)
  })
}

export function prepareBody(version: number, text: string, keyspace?: string): Buffer {
  return body((out) => {
    out.longString(text)
    if (version < 5) return
    out.int(keyspace === undefined ? 0 : 1)
    if (keyspace !== undefined) out.string(keyspace)
  })
}

export function executeBody(
  version: number,
  id: Uint8Array,
  resultMetadataId: Uint8Array,
  parameters: QueryParameters = {},
): Buffer {
  return body((out) => {
    out.shortBytes(id)
    if (version >= 5) out.shortBytes(resultMetadataId)
    writeParameters(out, version, parameters)
  })
}

export function batchBody(
  version: number,
  type: BatchType,
  statements: readonly BatchStatement[],
  parameters: QueryParameters = {},
): Buffer {
  return body((out) => {
    out.byte(BATCH_TYPES.indexOf(type))
    out.short(statements.length)
    for (const { statement, values } of statements) {
      out.byte(typeof statement === 'string' ? 0 : 1)
      if (typeof statement === 'string') out.longString(statement)
      else out.shortBytes(statement)
      out.short(values.length)
      for (const value of values) writeValue(out, value)
    }
    writeParameters(out, version, parameters)
  })
}

export function registerBody(events: readonly string[]): Buffer {
  return body((out) => out.stringList(events))
}

export function authResponseBody(token: Uint8Array | null): Buffer {
  return body((out) => out.bytes(token))
}
