import type { ConsistencyLevel, CqlError, WriteType } from '../../src/common/errors.ts'
import {
  AlreadyExistsError,
  AuthenticationError,
  CasWriteUnknownError,
  ConfigurationError,
  SyntaxError as CqlSyntaxError,
  FunctionFailureError,
  InvalidRequestError,
  OverloadedError,
  ProtocolError,
  ReadFailureError,
  ReadTimeoutError,
  ServerError,
  TruncateError,
  UnauthorizedError,
  UnavailableError,
  UnpreparedError,
  WriteFailureError,
  WriteTimeoutError,
} from '../../src/common/errors.ts'
import type {
  ColumnSpecification,
  QueryResult,
  ResultMetadata,
  SchemaChange,
} from '../../src/model/query-result.ts'
import type { Decoded } from '../../src/protocol/client-response.ts'
import type { CqlType } from '../../src/types/index.ts'

/** Recorded answers as the values that the query room would have returned. */

/** The one thing of a type that goes over the wire; the other members are not looked at. */
function wireType(parts: object): CqlType {
  return parts as unknown as CqlType
}

/** Reads a type as `decodeResponse` writes it. */
class TypeText {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  parse(): CqlType {
    const word = this.take(/^[a-z]+/)
    switch (word) {
      case 'custom': {
        // A class name may hold parentheses, and ends with the text or before the next part.
        const className = this.custom()
        return wireType({ kind: 'custom', className })
      }
      case 'list':
      case 'set':
        return wireType({ kind: word, elements: this.inside('<', '>')[0] })
      case 'map': {
        const [keys, values] = this.inside('<', '>')
        return wireType({ kind: 'map', keys, values })
      }
      case 'tuple':
        return wireType({ kind: 'tuple', types: this.inside('<', '>') })
      case 'udt':
        return this.udt()
      default:
        return wireType({ kind: word === 'varchar' ? 'text' : word })
    }
  }

  private udt(): CqlType {
    this.take(/^\(/)
    const keyspace = this.take(/^[^.]+/)
    this.take(/^\./)
    const name = this.take(/^[^:]+/)
    this.take(/^: /)
    const fieldNames: string[] = []
    const fieldTypes: CqlType[] = []
    while (this.text[this.at] !== ')') {
      if (fieldNames.length > 0) this.take(/^, /)
      fieldNames.push(this.take(/^[^ ]+/))
      this.take(/^ /)
      fieldTypes.push(this.parse())
    }
    this.take(/^\)/)
    return wireType({ kind: 'udt', keyspace, name, fieldNames, fieldTypes })
  }

  private inside(open: string, close: string): CqlType[] {
    this.take(new RegExp(`^\\${open}`))
    const types: CqlType[] = []
    while (this.text[this.at] !== close) {
      if (types.length > 0) this.take(/^, /)
      types.push(this.parse())
    }
    this.at++
    return types
  }

  private custom(): string {
    this.take(/^\(/)
    const start = this.at
    for (let depth = 1; depth > 0; this.at++) {
      if (this.text[this.at] === '(') depth++
      else if (this.text[this.at] === ')') depth--
    }
    return this.text.slice(start, this.at - 1)
  }

  private take(pattern: RegExp): string {
    const match = pattern.exec(this.text.slice(this.at))
    if (match === null) throw new Error(`no type: ${this.text} at ${this.at}`)
    this.at += match[0].length
    return match[0]
  }
}

export function parseTypeText(text: string): CqlType {
  return new TypeText(text).parse()
}

const bytes = (hex: unknown): Uint8Array => Uint8Array.from(Buffer.from(hex as string, 'hex'))

interface Metadata {
  readonly flags: number
  readonly column_count: number
  readonly columns?: readonly { name: string; type: string; table_spec?: [string, string] }[]
  readonly global_table_spec?: [string, string]
  readonly paging_state?: string
  readonly new_metadata_id?: string
  readonly pk_indexes?: readonly number[]
}

function columnsOf(metadata: Metadata): ColumnSpecification[] {
  if (metadata.columns === undefined) {
    // Left out by skip_metadata: all that shows is whether they were of one table.
    const isGlobal = (metadata.flags & 1) !== 0
    return Array.from({ length: metadata.column_count }, (_, i) => ({
      keyspace: 'k',
      table: isGlobal ? 't' : `t${i}`,
      name: `c${i}`,
      type: wireType({ kind: 'int' }),
    }))
  }
  return metadata.columns.map(({ name, type, table_spec }) => {
    const [keyspace, table] = (metadata.global_table_spec ?? table_spec) as [string, string]
    return { keyspace, table, name, type: parseTypeText(type) }
  })
}

function contentOf(rows: readonly (readonly (string | null)[])[]): Uint8Array {
  const parts: Buffer[] = []
  for (const cell of rows.flat()) {
    const length = Buffer.alloc(4)
    length.writeInt32BE(cell === null ? -1 : cell.length / 2)
    parts.push(length, Buffer.from(cell ?? '', 'hex'))
  }
  return Buffer.concat(parts)
}

/** A recorded RESULT. */
export function goldenResult(decoded: Decoded): QueryResult {
  const outcome = {
    ...(decoded['warnings'] === undefined ? {} : { warnings: decoded['warnings'] as string[] }),
    ...(decoded['tracing_id'] === undefined ? {} : { tracingId: bytes(decoded['tracing_id']) }),
  }
  switch (decoded['kind']) {
    case 'void':
      return { kind: 'void', ...outcome }
    case 'rows': {
      const metadata = decoded['metadata'] as unknown as Metadata
      const rows = decoded['rows'] as (string | null)[][]
      const model: ResultMetadata = {
        columns: columnsOf(metadata),
        id: bytes(metadata.new_metadata_id ?? ''),
      }
      return {
        kind: 'rows',
        metadata: model,
        rowCount: rows.length,
        content: contentOf(rows),
        pagingState: metadata.paging_state === undefined ? null : bytes(metadata.paging_state),
        metadataChanged: (metadata.flags & 8) !== 0,
        noMetadata: (metadata.flags & 4) !== 0,
        ...outcome,
      }
    }
    case 'set_keyspace':
      return { kind: 'setKeyspace', keyspace: decoded['keyspace'] as string, ...outcome }
    case 'prepared': {
      const bind = decoded['metadata'] as unknown as Metadata
      const result = decoded['result_metadata'] as unknown as Metadata
      const resultMetadataId = bytes(decoded['result_metadata_id'] ?? '')
      return {
        kind: 'prepared',
        id: bytes(decoded['id']),
        bind: { columns: columnsOf(bind), pkIndexes: bind.pk_indexes ?? [] },
        result: (result.flags & 4) !== 0 ? null : { columns: columnsOf(result), id: resultMetadataId },
        resultMetadataId,
        ...outcome,
      }
    }
    case 'schema_change':
      return { kind: 'schemaChange', change: goldenChange(decoded), ...outcome }
    default:
      throw new Error(`no kind of RESULT: ${decoded['kind']}`)
  }
}

/** The change of a RESULT or EVENT; what v3 was told of a function becomes some function again. */
export function goldenChange(decoded: Decoded): SchemaChange {
  const change = decoded['change'] as Decoded
  if (decoded['undecoded_rest'] === '0000') {
    const keyspace = change['keyspace'] as string
    return { change: 'CREATED', target: 'FUNCTION', keyspace, name: 'f', argTypes: ['int'] }
  }
  return {
    change: change['change_type'] as SchemaChange['change'],
    target: change['target'] as SchemaChange['target'],
    keyspace: change['keyspace'] as string,
    name: (change['name'] as string | undefined) ?? '',
    ...(change['arg_types'] === undefined ? {} : { argTypes: change['arg_types'] as string[] }),
  }
}

/** A recorded ERROR. */
export function goldenError(decoded: Decoded): CqlError {
  const error = bareError(decoded)
  if (decoded['warnings'] !== undefined) error.warnings = decoded['warnings'] as string[]
  if (decoded['tracing_id'] !== undefined) error.tracingId = bytes(decoded['tracing_id'])
  return error
}

function bareError(decoded: Decoded): CqlError {
  const message = decoded['message'] as string
  const level = decoded['cl'] as ConsistencyLevel
  const received = decoded['received'] as number
  const blockFor = decoded['blockfor'] as number
  const dataPresent = decoded['data_present'] === 1
  const writeType = decoded['write_type'] as WriteType
  const failures = new Map<string, number>(
    Object.entries((decoded['reasonmap'] as Record<string, number> | undefined) ?? {}),
  )
  for (let i = failures.size; i < ((decoded['numfailures'] as number | undefined) ?? 0); i++) {
    failures.set(`127.0.0.${i}`, 0)
  }
  switch (decoded['code']) {
    case '0x0000':
      return new ServerError(message)
    case '0x000a':
      return new ProtocolError(message)
    case '0x0100':
      return new AuthenticationError(message)
    case '0x1000':
      return new UnavailableError(message, level, decoded['required'] as number, decoded['alive'] as number)
    case '0x1001':
      return new OverloadedError(message)
    case '0x1003':
      return new TruncateError(message)
    case '0x1100':
      return new WriteTimeoutError(
        message,
        level,
        received,
        blockFor,
        writeType,
        decoded['contentions'] as number | undefined,
      )
    case '0x1200':
      return new ReadTimeoutError(message, level, received, blockFor, dataPresent)
    case '0x1300':
      return new ReadFailureError(message, level, received, blockFor, failures, dataPresent)
    case '0x1400':
      return new FunctionFailureError(
        message,
        decoded['keyspace'] as string,
        decoded['function'] as string,
        decoded['arg_types'] as string[],
      )
    case '0x1500':
      return new WriteFailureError(message, level, received, blockFor, failures, writeType)
    case '0x1700':
      return new CasWriteUnknownError(message, level, received, blockFor)
    case '0x2000':
      return new CqlSyntaxError(message)
    case '0x2100':
      return new UnauthorizedError(message)
    case '0x2200':
      return new InvalidRequestError(message)
    case '0x2300':
      return new ConfigurationError(message)
    case '0x2400':
      return new AlreadyExistsError(message, decoded['ks'] as string, decoded['table'] as string)
    case '0x2500':
      return new UnpreparedError(message, bytes(decoded['unknown_id']))
    default:
      throw new Error(`no error code: ${decoded['code']}`)
  }
}
