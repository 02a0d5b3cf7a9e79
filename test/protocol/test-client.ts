import type { Socket } from 'node:net'
import type { ResponseFrame } from '../../src/protocol/client-frames.ts'
import { envelope, ResponseDecoder, segmented } from '../../src/protocol/client-frames.ts'
import { queryBody, startupBody } from '../../src/protocol/client-request.ts'
import type { Decoded } from '../../src/protocol/client-response.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import type { CompressionName } from '../../src/protocol/compression.ts'
import { frameCompressor } from '../../src/protocol/compression.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { connector } from './connector.ts'

export interface TestClientOptions {
  readonly version?: number
  readonly compression?: CompressionName
  readonly options?: Readonly<Record<string, string>>
  readonly socket?: Socket
}

const EVENT_STREAM = -1

/** A client that knows the protocol and nothing else: many requests at once, answers by stream. */
export class TestClient {
  readonly socket: Socket
  readonly version: number
  readonly events: Decoded[] = []
  /** Responses to streams that nobody waits for. */
  readonly strays: ResponseFrame[] = []
  isClosed = false
  private readonly compression: CompressionName | undefined
  private readonly decoder = new ResponseDecoder()
  private readonly waiting = new Map<number, (frame: ResponseFrame) => void>()
  private readonly closing: (() => void)[] = []
  private isStarted = false
  private lastStream = 0

  private constructor(socket: Socket, options: TestClientOptions) {
    this.socket = socket
    this.version = options.version ?? 4
    this.compression = options.compression
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.received(chunk))
    socket.on('close', () => {
      this.isClosed = true
      for (const resolve of this.closing) resolve()
    })
  }

  /** Connects without a word. */
  static async open(port: number, options: TestClientOptions = {}): Promise<TestClient> {
    return new TestClient(options.socket ?? (await connector('127.0.0.1', port)()), options)
  }

  /** Connects and starts up. */
  static async connect(port: number, options: TestClientOptions = {}): Promise<TestClient> {
    const client = await TestClient.open(port, options)
    await client.startUp(options.options)
    return client
  }

  async startUp(options: Readonly<Record<string, string>> = {}): Promise<ResponseFrame> {
    const { compression } = this
    const body = startupBody({
      CQL_VERSION: '3.0.0',
      ...(compression === undefined ? {} : { COMPRESSION: compression }),
      ...options,
    })
    if (compression !== undefined && this.version < 5)
      this.decoder.useCompression(frameCompressor(compression))
    return this.request(Opcode.STARTUP, body)
  }

  private received(chunk: Buffer): void {
    this.decoder.push(chunk)
    for (let frame = this.decoder.next(); frame !== null; frame = this.decoder.next()) {
      if (!this.isStarted && (frame.opcode === Opcode.READY || frame.opcode === Opcode.AUTHENTICATE)) {
        this.isStarted = true
        if (this.version >= 5) this.decoder.useSegments(this.compression === 'lz4')
      }
      if (frame.stream === EVENT_STREAM) {
        this.events.push(decodeResponse(frame.version, frame.opcode, frame.flags, frame.body))
        continue
      }
      const resolve = this.waiting.get(frame.stream)
      this.waiting.delete(frame.stream)
      if (resolve === undefined) this.strays.push(frame)
      else resolve(frame)
    }
  }

  /** The bytes of one request as this connection frames them now. */
  wire(opcode: number, body: Uint8Array, stream: number, flags = 0): Buffer {
    if (this.isStarted && this.version < 5 && this.compression !== undefined) {
      const compressed = frameCompressor(this.compression).compress(Buffer.from(body))
      return envelope(this.version, flags | 1, stream, opcode, compressed)
    }
    const bytes = envelope(this.version, flags, stream, opcode, body)
    return this.isStarted && this.version >= 5 ? segmented(bytes, this.compression === 'lz4') : bytes
  }

  /** Answers to `stream` go to the promise. */
  answer(stream: number): Promise<ResponseFrame> {
    return new Promise((resolve) => this.waiting.set(stream, resolve))
  }

  request(opcode: number, body: Uint8Array, flags = 0): Promise<ResponseFrame> {
    this.lastStream = (this.lastStream + 1) % 32_768
    const stream = this.lastStream
    const answer = this.answer(stream)
    this.socket.write(this.wire(opcode, body, stream, flags))
    return answer
  }

  async query(text: string): Promise<Decoded> {
    const frame = await this.request(Opcode.QUERY, queryBody(this.version, text))
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }

  closed(): Promise<void> {
    if (this.isClosed) return Promise.resolve()
    return new Promise((resolve) => this.closing.push(resolve))
  }

  close(): void {
    this.socket.destroy()
  }
}
