import { describe, expect, it } from 'vitest'
import type { BoundValues, QueryOptions } from '../../src/model/query-options.ts'
import { parseAddress } from '../../src/protocol/address.ts'
import { ResponseDecoder } from '../../src/protocol/client-frames.ts'
import type { BoundValue, QueryParameters } from '../../src/protocol/client-request.ts'
import {
  authResponseBody,
  batchBody,
  executeBody,
  prepareBody,
  queryBody,
  registerBody,
  startupBody,
} from '../../src/protocol/client-request.ts'
import type { Decoded } from '../../src/protocol/client-response.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import { frameCompressor } from '../../src/protocol/compression.ts'
import { InboundDecoder } from '../../src/protocol/inbound.ts'
import { Opcode, opcodeName } from '../../src/protocol/opcode.ts'
import { OutboundEncoder } from '../../src/protocol/outbound.ts'
import type { BatchRequest, ExecuteRequest, Request } from '../../src/protocol/request.ts'
import { RequestDecoder } from '../../src/protocol/request.ts'
import {
  legacyError,
  writeAuthenticate,
  writeAuthSuccess,
  writeError,
  writeEvent,
  writeReady,
  writeResult,
  writeSupported,
} from '../../src/protocol/response.ts'
import type { Exchange, GoldenFile, GoldenResponse } from './golden.ts'
import { goldenNames, needsStartup, opensConnection, readGolden } from './golden.ts'
import { goldenChange, goldenError, goldenResult } from './golden-model.ts'

const LIMITS = {
  frameSizeMax: 16 * 1024 * 1024,
  messageSizeMax: 16 * 1024 * 1024,
  allowOlderProtocols: true,
  consecutiveErrorsMax: 1,
}

/** Frames before the connection's READY, or outside of any, are plain. */
const PLAIN =
  /^(OPTIONS before|STARTUP|\[new\] (version |garbage|response bit|QUERY before STARTUP|REGISTER before|v5 with))/

function isPlain(file: GoldenFile, exchange: Exchange): boolean {
  if (exchange.comment === '[new] STARTUP twice') return false
  if (file.name.startsWith('auth-')) return opensConnection(exchange)
  return PLAIN.test(exchange.comment) || /^\[new\] STARTUP (with|without)/.test(exchange.comment)
}

// ---- requests

/** What decodes one recorded connection's requests. */
function inboundFor(file: GoldenFile): InboundDecoder {
  return new InboundDecoder(LIMITS, file.name)
}

function startUp(inbound: InboundDecoder, file: GoldenFile): void {
  inbound.connectionVersion = file.version
  inbound.isReady = true
  if (file.version >= 5) inbound.useSegments(file.compression === 'lz4')
  else if (file.compression !== null) inbound.useCompression(frameCompressor(file.compression))
}

function valuesOf(values: BoundValues): BoundValue[] {
  return Array.from({ length: values.count }, (_, i) => {
    const length = values.lengths[i]
    if (length === -1) return null
    if (length === -2) return 'unset'
    return values.buffer.subarray(values.offsets[i], values.offsets[i] + length)
  })
}

/** The parameters again, `flags` being those that were set without saying anything. */
function parametersOf(options: QueryOptions, flags: number): QueryParameters {
  return {
    consistency: options.consistency,
    ...((flags & 0x01) !== 0 ? { values: valuesOf(options.values) } : {}),
    ...(options.names === null ? {} : { names: options.names }),
    skipMetadata: options.skipMetadata,
    ...(options.pageSize === -1 ? {} : { pageSize: options.pageSize }),
    ...(options.pagingState === null ? {} : { pagingState: options.pagingState }),
    ...((flags & 0x10) !== 0 ? { serialConsistency: options.serialConsistency } : {}),
    ...(options.hasTimestamp
      ? { timestamp: (BigInt(options.timestampHi) << 32n) | BigInt(options.timestampLo >>> 0) }
      : {}),
    ...(options.keyspace === null ? {} : { keyspace: options.keyspace }),
    ...(options.nowInSeconds === null ? {} : { nowInSeconds: options.nowInSeconds }),
  }
}

/** Encodes a decoded request again; the flags that leave no trace are tried both ways. */
function encodings(version: number, request: Request): Buffer[] {
  switch (request.kind) {
    case 'startup':
      return [startupBody(Object.fromEntries(request.options))]
    case 'options':
      return [Buffer.alloc(0)]
    case 'register':
      return [registerBody(request.events)]
    case 'authResponse':
      return [authResponseBody(request.token)]
    case 'prepare':
      return [prepareBody(version, request.text, request.keyspace ?? undefined)]
    case 'query':
      return [0, 1, 0x10, 0x11].map((flags) =>
        queryBody(version, request.text, parametersOf(request.options, flags)),
      )
    case 'execute':
      return [0, 1, 0x10, 0x11].map((flags) => encodeExecute(version, request, flags))
    case 'batch':
      return [0, 0x10].map((flags) => encodeBatch(version, request, flags))
  }
}

function encodeExecute(version: number, request: ExecuteRequest, flags: number): Buffer {
  const { buffer, idOffset, idLength, resultIdOffset, resultIdLength } = request.statement
  return executeBody(
    version,
    buffer.subarray(idOffset, idOffset + idLength),
    buffer.subarray(resultIdOffset, resultIdOffset + Math.max(0, resultIdLength)),
    parametersOf(request.options, flags),
  )
}

function encodeBatch(version: number, request: BatchRequest, flags: number): Buffer {
  const statements = request.entries.map(({ query, id, values }) => ({
    statement: query ?? (id as Uint8Array),
    values: valuesOf(values),
  }))
  return batchBody(version, request.type, statements, parametersOf(request.options, flags))
}

function checkRequests(file: GoldenFile): void {
  let inbound = inboundFor(file)
  const decoder = new RequestDecoder()
  for (const exchange of file.exchanges) {
    if (exchange.request === undefined) continue
    if (opensConnection(exchange)) {
      inbound = inboundFor(file)
      if (needsStartup(file, exchange)) startUp(inbound, file)
    }
    const answersWithError = exchange.responses?.some(({ opcode }) => opcode === 'ERROR') ?? true
    const count = exchange.responses?.length ?? 0
    inbound.push(Buffer.from(exchange.request.wire, 'hex'))
    for (let i = 0; i < Math.max(1, count); i++) {
      const found = inbound.next()
      const where = `${file.name}: ${exchange.comment}`
      if (found === 'nothing') {
        // A frame that is announced as too long for this earth.
        expect(exchange.comment, where).toMatch(/body length/)
        break
      }
      if (found === 'error') {
        const decoded = exchange.responses?.[0]?.decoded
        const message = (decoded?.['message'] as string | undefined)?.replace(
          /^[0-9a-f]{8} inv/,
          `${file.name} inv`,
        )
        if (message !== undefined) expect(inbound.error.message, where).toBe(message)
        break
      }
      const { version, flags, opcode, body, bodyStart, bodyEnd } = inbound
      try {
        const request = decoder.decode(version, flags, opcode, body, bodyStart, bodyEnd)
        const payload = decoder.customPayload !== null
        // Below v4 there is no unset, and -2 is null.
        const asNull = version < 4 && exchange.comment.includes('unset')
        const bytes = body.toString('hex', bodyStart, bodyEnd)
        const original = asNull ? bytes.replaceAll('fffffffe', 'ffffffff') : bytes
        const again = encodings(version, request).map((encoded) => encoded.toString('hex'))
        if (payload)
          expect(
            again.some((encoded) => original.endsWith(encoded)),
            where,
          ).toBe(true)
        else if (exchange.comment.includes('trailing bytes')) {
          expect(
            again.some((encoded) => original.startsWith(encoded)),
            where,
          ).toBe(true)
        } else if (!exchange.comment.includes('lower-case')) expect(again, where).toContain(original)
      } catch (error) {
        if (!answersWithError) throw error
        const expected = exchange.responses?.[0]?.decoded['message']
        expect((error as Error).message, where).toBe(expected)
      }
    }
    if (exchange.request.opcode === 'STARTUP' && inbound.connectionVersion === 0 && !answersWithError) {
      startUp(inbound, file)
    }
  }
}

// ---- responses

function responsesOf(exchange: Exchange): readonly GoldenResponse[] {
  return exchange.push === undefined ? (exchange.responses ?? []) : [exchange.push]
}

/** One response through the client's decoder. */
function decodeWire(file: GoldenFile, exchange: Exchange, response: GoldenResponse): void {
  const where = `${file.name}: ${exchange.comment}`
  const decoder = new ResponseDecoder()
  if (!isPlain(file, exchange) && response.envelope !== undefined)
    decoder.useSegments(file.compression === 'lz4')
  if (file.compression !== null && file.version < 5) decoder.useCompression(frameCompressor(file.compression))
  // Several responses may have come in one segment, and belong to the first of them.
  if (response.wire === '') return
  decoder.push(Buffer.from(response.wire, 'hex'))
  const frame = decoder.next()
  expect(frame, where).not.toBeNull()
  if (frame === null) return
  expect(opcodeName(frame.opcode), where).toBe(response.opcode)
  expect(frame.stream, where).toBe(response.stream)
  expect(frame.flags, where).toBe(response.flags)
  expect(decodeResponse(frame.version, frame.opcode, frame.flags, frame.body), where).toEqual(
    response.decoded,
  )
}

function write(out: OutboundEncoder, version: number, response: GoldenResponse): void {
  const { decoded, stream } = response
  switch (response.opcode) {
    case 'ERROR':
      writeError(out, version, stream, goldenError(decoded))
      break
    case 'READY':
      writeReady(out, version, stream)
      break
    case 'AUTHENTICATE':
      writeAuthenticate(out, version, stream, decoded['authenticator'] as string)
      break
    case 'SUPPORTED':
      writeSupported(out, version, stream)
      break
    case 'AUTH_SUCCESS':
      writeAuthSuccess(out, version, stream, null)
      break
    case 'RESULT':
      writeResult(out, version, stream, goldenResult(decoded), false)
      break
    case 'EVENT':
      writeGoldenEvent(out, version, decoded)
      break
    default:
      throw new Error(`no response: ${response.opcode}`)
  }
}

function writeGoldenEvent(out: OutboundEncoder, version: number, decoded: Decoded): void {
  if (decoded['event'] === 'SCHEMA_CHANGE') {
    writeEvent(out, version, { kind: 'SCHEMA_CHANGE', change: goldenChange(decoded) })
    return
  }
  const [address, port] = decoded['address'] as [string, number]
  writeEvent(out, version, {
    kind: decoded['event'] as 'STATUS_CHANGE',
    change: decoded['change'] as 'UP',
    node: { address: parseAddress(address) as Uint8Array, port },
  })
}

/** READY with the body of a Snappy stream of nothing, in a file without compression. */
function isSnappyReady(response: GoldenResponse): boolean {
  return response.opcode === 'READY' && (response.flags & 1) !== 0
}

/** Encodes a response again and compares its bytes with the recorded ones. */
function encodeAgain(file: GoldenFile, exchange: Exchange, response: GoldenResponse): void {
  if (isSnappyReady(response)) return
  const where = `${file.name}: ${exchange.comment}`
  const version = response.version & 0x7f
  const out = new OutboundEncoder()
  const isCompressed = (response.flags & 1) !== 0
  const isSegmented = !isPlain(file, exchange) && response.envelope !== undefined
  if (isSegmented && file.compression === null) out.useSegments(false)
  write(out, version, response)
  const written = out.take()
  if (!isCompressed) {
    const expected =
      isSegmented && file.compression === null ? response.wire : (response.envelope ?? response.wire)
    // Responses that share a segment are recorded with the first.
    if (exchange.comment.startsWith('four requests') || exchange.comment.includes('two envelopes')) {
      const frame = isSegmented && file.compression === null ? written.subarray(6, -4) : written
      expect(frame.toString('hex'), where).toBe(response.envelope ?? expected)
    } else expect(written.toString('hex'), where).toBe(expected)
    return
  }
  // Compressors differ in what they write, not in what it means.
  const body = written.subarray(9).toString('hex')
  expect(body, where).toBe(response.body)
}

describe.each(goldenNames())('recorded exchanges of %s', (name) => {
  const file = readGolden(name)

  it('have requests that decode, and encode to the same bytes', () => {
    checkRequests(file)
  })

  it('have responses that decode to what was recorded', () => {
    for (const exchange of file.exchanges) {
      for (const response of responsesOf(exchange)) decodeWire(file, exchange, response)
    }
  })

  it('have responses that are encoded to the same bytes', () => {
    for (const exchange of file.exchanges) {
      for (const response of responsesOf(exchange)) encodeAgain(file, exchange, response)
      if (exchange.response_bytes !== undefined) {
        const bytes = Buffer.from(exchange.response_bytes, 'hex')
        expect(legacyError(bytes[0] & 0x7f, bytes.toString('utf8', 14)).toString('hex')).toBe(
          exchange.response_bytes,
        )
      }
    }
  })
})

describe('opcodes', () => {
  it('have names', () => {
    for (const [name, code] of Object.entries(Opcode)) expect(opcodeName(code)).toBe(name)
  })
})
