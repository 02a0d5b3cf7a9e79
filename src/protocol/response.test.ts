import { describe, expect, it } from 'vitest'
import type { CqlError } from '../common/errors.ts'
import {
  CasWriteUnknownError,
  CdcWriteFailureError,
  FunctionFailureError,
  InvalidRequestError,
  IsBootstrappingError,
  ReadFailureError,
  WriteFailureError,
  WriteTimeoutError,
} from '../common/errors.ts'
import type { QueryResult, ResultMetadata } from '../model/query-result.ts'
import { native } from '../types/index.ts'
import { ResponseDecoder } from './client-frames.ts'
import type { Decoded } from './client-response.ts'
import { decodeResponse } from './client-response.ts'
import { OutboundEncoder } from './outbound.ts'
import { writeError, writeResult } from './response.ts'

function decoded(out: OutboundEncoder): Decoded & { flags: number } {
  const decoder = new ResponseDecoder()
  decoder.push(out.take())
  const frame = decoder.next()
  if (frame === null) throw new Error('no response')
  return { flags: frame.flags, ...decodeResponse(frame.version, frame.opcode, frame.flags, frame.body) }
}

function errorOf(version: number, error: CqlError): Decoded {
  const out = new OutboundEncoder()
  writeError(out, version, 1, error)
  return decoded(out)
}

function resultOf(version: number, result: QueryResult, skipMetadata = false): Decoded {
  const out = new OutboundEncoder()
  writeResult(out, version, 1, result, skipMetadata)
  return decoded(out)
}

const QUORUM = 4
const failures = new Map([
  ['10.0.0.1', 1],
  ['::1', 2],
])

/** The codes that were not recorded, and what older versions are told instead. */
describe('errors', () => {
  it('have the fields of their code, or what the version knows', () => {
    const unknown = new CasWriteUnknownError('CAS unknown', QUORUM, 1, 2)
    expect(errorOf(5, unknown)).toMatchObject({
      code: '0x1700',
      message: 'CAS unknown',
      cl: 4,
      received: 1,
      blockfor: 2,
    })
    expect(errorOf(4, unknown)).toMatchObject({ code: '0x1100', write_type: 'CAS', received: 1, blockfor: 2 })
    expect(errorOf(4, unknown)['message']).toBe('Operation timed out - received only 1 responses.')

    const cdc = new CdcWriteFailureError('no room')
    expect(errorOf(4, cdc)).toMatchObject({ code: '0x1600', message: 'no room' })
    expect(errorOf(3, cdc)).toMatchObject({ code: '0x2200', message: 'ERROR CDC_WRITE_FAILURE: no room' })

    const fails = new FunctionFailureError('boom', 'ks', 'f', ['int', 'text'])
    expect(errorOf(4, fails)).toMatchObject({
      code: '0x1400',
      keyspace: 'ks',
      function: 'f',
      arg_types: ['int', 'text'],
    })
    expect(errorOf(3, fails)).toMatchObject({ code: '0x2200', message: 'ERROR FUNCTION_FAILURE: boom' })

    const read = new ReadFailureError('read', QUORUM, 1, 2, failures, true)
    expect(errorOf(5, read)).toMatchObject({
      reasonmap: { '10.0.0.1': 1, '0:0:0:0:0:0:0:1': 2 },
      data_present: 1,
    })
    expect(errorOf(4, read)).toMatchObject({ code: '0x1300', numfailures: 2, data_present: 1 })
    expect(errorOf(3, read)).toMatchObject({ code: '0x1200', data_present: 1 })

    const write = new WriteFailureError('write', QUORUM, 1, 2, failures, 'BATCH')
    expect(errorOf(5, write)).toMatchObject({ code: '0x1500', write_type: 'BATCH', numfailures: 2 })
    expect(errorOf(3, write)).toMatchObject({ code: '0x1100', write_type: 'BATCH' })

    const cas = new WriteTimeoutError('cas', QUORUM, 1, 2, 'CAS', 7)
    expect(errorOf(5, cas)).toMatchObject({ code: '0x1100', contentions: 7, message: 'cas' })
    expect(errorOf(4, cas)).not.toHaveProperty('contentions')

    expect(errorOf(4, new IsBootstrappingError('not yet'))).toMatchObject({ code: '0x1002' })
  })

  it('carry warnings and the tracing id', () => {
    const error = new InvalidRequestError('no')
    error.warnings = ['careful']
    error.tracingId = Buffer.alloc(16, 7)
    expect(errorOf(4, error)).toEqual({
      flags: 0x0a,
      tracing_id: '07'.repeat(16),
      warnings: ['careful'],
      code: '0x2200',
      message: 'no',
    })
    expect(errorOf(3, error)).toEqual({
      flags: 0x02,
      tracing_id: '07'.repeat(16),
      code: '0x2200',
      message: 'no',
    })
  })
})

describe('rows', () => {
  const metadata: ResultMetadata = {
    columns: [
      { keyspace: 'ks', table: 't', name: 'k', type: native.smallint },
      { keyspace: 'ks', table: 't', name: 'd', type: native.duration },
    ],
    id: Buffer.alloc(16, 1),
  }
  const rows: QueryResult = {
    kind: 'rows',
    metadata,
    rowCount: 1,
    content: Buffer.from('0000000200ff' + 'ffffffff', 'hex'),
    pagingState: null,
  }
  const flagsOf = (result: Decoded): unknown => (result['metadata'] as Decoded)['flags']

  it('describe their types as each version knows them', () => {
    const types = (version: number): unknown =>
      ((resultOf(version, rows)['metadata'] as Decoded)['columns'] as Decoded[]).map(({ type }) => type)
    expect(types(5)).toEqual(['smallint', 'duration'])
    expect(types(4)).toEqual(['smallint', 'custom(org.apache.cassandra.db.marshal.DurationType)'])
    expect(types(3)).toEqual([
      'custom(org.apache.cassandra.db.marshal.ShortType)',
      'custom(org.apache.cassandra.db.marshal.DurationType)',
    ])
  })

  it('leave out the metadata when asked to, unless it changed or the result says otherwise', () => {
    expect(flagsOf(resultOf(4, rows))).toBe(1)
    expect(flagsOf(resultOf(4, rows, true))).toBe(5)
    expect(flagsOf(resultOf(5, { ...rows, metadataChanged: true }, true))).toBe(9)
    expect(flagsOf(resultOf(4, { ...rows, metadataChanged: true }, true))).toBe(1)
    expect(flagsOf(resultOf(4, { ...rows, noMetadata: false }, true))).toBe(1)
    expect(flagsOf(resultOf(4, { ...rows, noMetadata: true }, false))).toBe(5)
    expect(flagsOf(resultOf(4, { ...rows, pagingState: Buffer.from('x') }))).toBe(3)
  })

  it('carry no empty list of warnings', () => {
    expect(resultOf(4, { ...rows, warnings: [] })['flags']).toBe(0)
    expect(resultOf(4, { ...rows, warnings: ['w'] })['flags']).toBe(8)
    expect(resultOf(3, { ...rows, warnings: ['w'] })['flags']).toBe(0)
  })
})
