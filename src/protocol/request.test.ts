import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../common/errors.ts'
import type { BoundValues } from '../model/query-options.ts'
import type { BoundValue, QueryParameters } from './client-request.ts'
import {
  batchBody,
  executeBody,
  prepareBody,
  queryBody,
  registerBody,
  startupBody,
} from './client-request.ts'
import { Opcode } from './opcode.ts'
import { RequestDecoder } from './request.ts'

const value: fc.Arbitrary<BoundValue> = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constant(null),
  fc.constant('unset' as const),
)
const word = fc.string({ maxLength: 10, unit: 'grapheme' })

const parameters: fc.Arbitrary<QueryParameters> = fc
  .record(
    {
      consistency: fc.nat(11),
      pairs: fc.array(fc.tuple(word, value), { maxLength: 6 }),
      areNamed: fc.boolean(),
      skipMetadata: fc.boolean(),
      pageSize: fc.integer(),
      pagingState: fc.uint8Array({ maxLength: 20 }),
      serialConsistency: fc.constantFrom(8, 9),
      timestamp: fc.bigInt(-(2n ** 63n) + 1n, 2n ** 63n - 1n),
      keyspace: word,
      nowInSeconds: fc.integer(),
    },
    { requiredKeys: ['pairs', 'areNamed', 'skipMetadata', 'consistency'] },
  )
  .map(({ pairs, areNamed, ...rest }) => ({
    ...rest,
    ...(pairs.length === 0 ? {} : { values: pairs.map(([, bound]) => bound) }),
    ...(pairs.length === 0 || !areNamed ? {} : { names: pairs.map(([name]) => name) }),
  }))

function valuesOf(values: BoundValues): BoundValue[] {
  return Array.from({ length: values.count }, (_, i) => {
    if (values.lengths[i] === -1) return null
    if (values.lengths[i] === -2) return 'unset'
    return Uint8Array.from(values.buffer.subarray(values.offsets[i], values.offsets[i] + values.lengths[i]))
  })
}

/** Decodes a body that stands among other bytes. */
function decode(version: number, opcode: number, body: Buffer, decoder = new RequestDecoder()) {
  const buffer = Buffer.concat([Buffer.alloc(3, 0xee), body, Buffer.alloc(50, 0xee)])
  return decoder.decode(version, 0, opcode, buffer, 3, 3 + body.length)
}

describe.each([4, 5])('version %i', (version) => {
  const relevant = (p: QueryParameters): QueryParameters =>
    version >= 5 ? p : { ...p, nowInSeconds: undefined, keyspace: p.keyspace }

  it('query parameters decode to what was asked', () => {
    fc.assert(
      fc.property(word, parameters, (text, given) => {
        const asked = relevant(given)
        const request = decode(version, Opcode.QUERY, queryBody(version, text, asked))
        if (request.kind !== 'query') throw new Error(request.kind)
        const { options } = request
        expect(request.text).toBe(text)
        expect(options.consistency).toBe(asked.consistency)
        expect(valuesOf(options.values)).toEqual(asked.values ?? [])
        expect(options.names).toEqual(asked.names ?? null)
        expect(options.skipMetadata).toBe(asked.skipMetadata)
        expect(options.pageSize).toBe(asked.pageSize ?? -1)
        expect(options.pagingState === null ? undefined : Uint8Array.from(options.pagingState)).toEqual(
          asked.pagingState,
        )
        expect(options.serialConsistency).toBe(asked.serialConsistency ?? 8)
        expect(options.hasTimestamp).toBe(asked.timestamp !== undefined)
        if (asked.timestamp !== undefined) {
          expect((BigInt(options.timestampHi) << 32n) | BigInt(options.timestampLo >>> 0)).toBe(
            asked.timestamp,
          )
        }
        expect(options.keyspace).toBe(asked.keyspace ?? null)
        expect(options.nowInSeconds).toBe(asked.nowInSeconds === undefined ? null : asked.nowInSeconds >>> 0)
        expect(options.protocolVersion).toBe(version)
      }),
    )
  })

  it('an EXECUTE names its ids in place, and one decoder serves many', () => {
    const decoder = new RequestDecoder()
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        parameters,
        (id, resultId, given) => {
          const asked = relevant(given)
          const request = decode(version, Opcode.EXECUTE, executeBody(version, id, resultId, asked), decoder)
          if (request.kind !== 'execute') throw new Error(request.kind)
          const { buffer, idOffset, idLength, resultIdOffset, resultIdLength } = request.statement
          expect(Uint8Array.from(buffer.subarray(idOffset, idOffset + idLength))).toEqual(id)
          if (version < 5) expect(resultIdLength).toBe(-1)
          else {
            expect(Uint8Array.from(buffer.subarray(resultIdOffset, resultIdOffset + resultIdLength))).toEqual(
              resultId,
            )
          }
          expect(valuesOf(request.options.values)).toEqual(asked.values ?? [])
          expect(request.options.names).toEqual(asked.names ?? null)
          expect(request.options.pageSize).toBe(asked.pageSize ?? -1)
          expect(request.options.hasTimestamp).toBe(asked.timestamp !== undefined)
        },
      ),
    )
  })

  it('a batch decodes to its statements', () => {
    const statements = fc.array(
      fc.record({
        statement: fc.oneof(word, fc.uint8Array({ minLength: 16, maxLength: 16 })),
        values: fc.array(value, { maxLength: 5 }),
      }),
      { maxLength: 10 },
    )
    fc.assert(
      fc.property(
        statements,
        fc.constantFrom('logged' as const, 'unlogged' as const, 'counter' as const),
        (list, type) => {
          const request = decode(version, Opcode.BATCH, batchBody(version, type, list, { timestamp: 5n }))
          if (request.kind !== 'batch') throw new Error(request.kind)
          expect(request.type).toBe(type)
          expect(request.options.hasTimestamp).toBe(true)
          expect(
            request.entries.map(({ query, id, values }) => ({
              statement: query ?? Uint8Array.from(id as Uint8Array),
              values: valuesOf(values),
            })),
          ).toEqual(list)
        },
      ),
    )
  })

  it('a body cut anywhere is a ProtocolError', () => {
    const full: QueryParameters = {
      values: [Buffer.from('value'), null, 'unset'],
      names: ['a', 'b', 'c'],
      pageSize: 10,
      pagingState: Buffer.from('state'),
      serialConsistency: 9,
      timestamp: 1n,
      ...(version >= 5 ? { keyspace: 'ks', nowInSeconds: 1 } : {}),
    }
    const bodies: [number, Buffer][] = [
      [Opcode.QUERY, queryBody(version, 'SELECT', full)],
      [Opcode.EXECUTE, executeBody(version, Buffer.alloc(16), Buffer.alloc(16), full)],
      [
        Opcode.BATCH,
        batchBody(version, 'logged', [{ statement: 'x', values: [null, Buffer.from('y')] }], {}),
      ],
      [Opcode.PREPARE, prepareBody(version, 'SELECT', version >= 5 ? 'ks' : undefined)],
      [Opcode.STARTUP, startupBody({ CQL_VERSION: '3.0.0', A: 'B' })],
      [Opcode.REGISTER, registerBody(['SCHEMA_CHANGE', 'STATUS_CHANGE'])],
    ]
    for (const [opcode, body] of bodies) {
      for (let end = 0; end < body.length; end++) {
        expect(() => decode(version, opcode, body.subarray(0, end)), `${opcode} cut at ${end}`).toThrow(
          ProtocolError,
        )
      }
      expect(() => decode(version, opcode, body)).not.toThrow()
    }
  })
})

describe('the object of an EXECUTE', () => {
  it('is used again, unless it was kept', () => {
    const decoder = new RequestDecoder()
    const body = (id: string, bound: string): Buffer =>
      executeBody(4, Buffer.from(id), Buffer.alloc(0), { values: [Buffer.from(bound)] })
    const first = decode(4, Opcode.EXECUTE, body('one', 'x'), decoder)
    const second = decode(4, Opcode.EXECUTE, body('two', 'y'), decoder)
    expect(second).toBe(first)
    decoder.keep()
    const third = decode(4, Opcode.EXECUTE, body('three', 'z'), decoder)
    expect(third).not.toBe(second)
    if (second.kind !== 'execute') throw new Error(second.kind)
    expect(valuesOf(second.options.values)).toEqual([Uint8Array.from(Buffer.from('y'))])
  })
})

describe('what Cassandra refuses', () => {
  it('is refused in its words', () => {
    const min = queryBody(4, 'x', { timestamp: -(2n ** 63n) })
    expect(() => decode(4, Opcode.QUERY, min)).toThrow(
      'Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807] (got -9223372036854775808)',
    )
    const wrongKind = Buffer.from('000001070000', 'hex')
    expect(() => decode(4, Opcode.BATCH, wrongKind)).toThrow(
      'Invalid query kind in BATCH messages. Must be 0 or 1 but got 7',
    )
    const length = queryBody(4, 'x', { values: [null] })
    length.writeInt32BE(-3, length.length - 4)
    expect(() => decode(4, Opcode.QUERY, length)).toThrow('Invalid ByteBuf length -3')
    // Below v4 every negative length is null.
    expect(() => decode(3, Opcode.QUERY, length)).not.toThrow()
    expect(() => decode(4, Opcode.CREDENTIALS, Buffer.alloc(2))).toThrow('Unsupported message')
  })

  it('names a payload below v4', () => {
    const decoder = new RequestDecoder()
    expect(() => decoder.decode(3, 0x04, Opcode.OPTIONS, Buffer.alloc(2), 0, 2)).toThrow(
      'Received frame with CUSTOM_PAYLOAD flag for native protocol version < 4',
    )
  })
})
