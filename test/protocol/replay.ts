import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { ResponseFrame } from '../../src/protocol/client-frames.ts'
import { envelope, ResponseDecoder } from '../../src/protocol/client-frames.ts'
import { queryBody, startupBody } from '../../src/protocol/client-request.ts'
import type { Decoded } from '../../src/protocol/client-response.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import { frameCompressor } from '../../src/protocol/compression.ts'
import { Opcode, opcodeName } from '../../src/protocol/opcode.ts'
import type { ConnectToServer } from './connector.ts'
import type { Exchange, GoldenFile, GoldenResponse } from './golden.ts'
import { needsStartup, opensConnection, readGolden } from './golden.ts'

/**
 * Sends the recorded requests to a live server, byte for byte, and compares what it answers with the recording: the
 * frame header and the decoded body. Ids, times and what `replay-data.json` lists are left out.
 */

interface Rule {
  readonly file: string
  readonly comment?: string
  readonly why: string
}

interface Exclusion extends Rule {
  /** Matches the text of the request. */
  readonly statement?: string
  /** What a server must have for these: a feature, or several nodes. */
  readonly needs: Feature
}

export type Feature = 'several nodes' | 'indexes' | 'views' | 'functions' | 'roles' | 'thresholds'

interface SideStatement {
  readonly file: string
  /** Run on another connection before the first exchange with such a comment. */
  readonly before: string
  readonly statement: string
  readonly times?: number
  readonly needs?: Feature
}

interface ReplayData {
  readonly setup: readonly string[]
  readonly order: readonly string[]
  readonly authOrder: readonly string[]
  readonly overloadOrder: readonly string[]
  readonly side: readonly SideStatement[]
  readonly excluded: readonly Exclusion[]
  readonly ignored: readonly (Rule & { readonly fields: readonly string[] })[]
}

export const replayData = JSON.parse(
  readFileSync(new URL('replay-data.json', import.meta.url), 'utf8'),
) as ReplayData

export interface Difference {
  readonly file: string
  readonly index: number
  readonly comment: string
  readonly expected: unknown
  readonly actual: unknown
}

export interface ReplayReport {
  readonly compared: number
  /** Comments of the exchanges that were left out, with the feature they need. */
  readonly skipped: readonly string[]
  readonly differences: readonly Difference[]
}

export interface ReplayOptions {
  /** Features whose exchanges are replayed too. */
  readonly features?: readonly Feature[]
  /** How long an answer may take. */
  readonly timeoutMs?: number
  /** Called before each exchange. */
  readonly onExchange?: (exchange: Exchange) => void
  /** How long silence must last to count as such. */
  readonly silenceMs?: number
}

const matches = (pattern: string | undefined, text: string): boolean =>
  pattern === undefined || new RegExp(pattern).test(text)

/** Why an exchange is left out, or null. */
export function exclusionOf(
  file: string,
  exchange: Exchange,
  features: readonly Feature[] = [],
): Exclusion | null {
  const text = Buffer.from(exchange.request?.envelope ?? exchange.request?.wire ?? '', 'hex').toString(
    'latin1',
  )
  for (const rule of replayData.excluded) {
    if (features.includes(rule.needs)) continue
    if (!matches(rule.file, file) || !matches(rule.comment, exchange.comment)) continue
    if (rule.statement === undefined || matches(rule.statement, text)) return rule
  }
  return null
}

/** One connection of the recording. */
class Player {
  readonly address: string
  private readonly socket: Socket
  private readonly frames = new ResponseDecoder()
  private readonly raw: Buffer[] = []
  private isClosed = false
  private wake: (() => void) | null = null
  private isStarted = false
  private readonly file: GoldenFile

  constructor(socket: Socket, file: GoldenFile) {
    this.socket = socket
    this.address = socket.remoteAddress ?? ''
    this.file = file
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
      this.wake?.()
    })
    socket.on('data', (chunk) => {
      this.raw.push(chunk)
      this.frames.push(chunk)
      this.wake?.()
    })
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The next response; null when none comes in time or the connection closes. */
  async next(timeoutMs: number): Promise<ResponseFrame | null> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const frame = this.frames.next()
      if (frame !== null) {
        this.started(frame)
        return frame
      }
      const left = deadline - Date.now()
      if (this.isClosed || left <= 0) return null
      await this.wait(left)
    }
  }

  /** From READY or AUTHENTICATE on, compression and segments are in force. */
  private started(frame: ResponseFrame): void {
    if (this.isStarted || (frame.opcode !== Opcode.READY && frame.opcode !== Opcode.AUTHENTICATE)) return
    this.isStarted = true
    if (frame.version >= 5) this.frames.useSegments(this.file.compression === 'lz4')
  }

  useCompression(): void {
    const { compression, version } = this.file
    if (compression !== null && version < 5) this.frames.useCompression(frameCompressor(compression))
  }

  async bytes(count: number, timeoutMs: number): Promise<string> {
    const deadline = Date.now() + timeoutMs
    while (Buffer.concat(this.raw).length < count && !this.isClosed && Date.now() < deadline) {
      await this.wait(deadline - Date.now())
    }
    return Buffer.concat(this.raw).toString('hex')
  }

  /** What happens in a while: as the recordings say it. */
  async afterwards(ms: number): Promise<'closed' | 'open' | 'more'> {
    const frame = await this.next(ms)
    if (frame !== null) return 'more'
    return this.isClosed ? 'closed' : 'open'
  }

  close(): void {
    this.socket.destroy()
  }
}

/** A connection for the statements that the recording ran beside the one recorded. */
export class SideConnection {
  private readonly connectToServer: ConnectToServer
  private player: Player | null = null

  constructor(connectToServer: ConnectToServer) {
    this.connectToServer = connectToServer
  }

  async query(text: string): Promise<Decoded> {
    if (this.player === null) {
      const file: GoldenFile = {
        name: 'side',
        note: '',
        version: 4,
        compression: null,
        server: '',
        exchanges: [],
      }
      this.player = new Player(await this.connectToServer(), file)
      this.player.send(envelope(4, 0, 0, Opcode.STARTUP, startupBody({ CQL_VERSION: '3.0.0' })))
      await this.player.next(10_000)
    }
    this.player.send(envelope(4, 0, 1, Opcode.QUERY, queryBody(4, text)))
    const frame = await this.player.next(20_000)
    if (frame === null) throw new Error(`no answer to ${text.slice(0, 200)}`)
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }

  close(): void {
    this.player?.close()
    this.player = null
  }
}

/** The keyspace and tables that the recordings use. */
export async function setUp(connectToServer: ConnectToServer): Promise<void> {
  const side = new SideConnection(connectToServer)
  try {
    for (const statement of replayData.setup) {
      const answer = await side.query(statement)
      if (answer['code'] !== undefined) throw new Error(`${answer['message']} in ${statement}`)
    }
  } finally {
    side.close()
  }
}

/** Replays one recorded file. */
export async function replayFile(
  name: string,
  connectToServer: ConnectToServer,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const replay = new Replay(readGolden(name), connectToServer, options)
  try {
    return await replay.run()
  } finally {
    replay.close()
  }
}

class Replay {
  private readonly file: GoldenFile
  private readonly connectToServer: ConnectToServer
  private readonly features: readonly Feature[]
  private readonly timeoutMs: number
  private readonly silenceMs: number
  private readonly onExchange: ((exchange: Exchange) => void) | undefined
  private readonly side: SideConnection
  private readonly sideDone = new Set<SideStatement>()
  private readonly differences: Difference[] = []
  private readonly skipped: string[] = []
  private compared = 0
  private player: Player | null = null
  private isKeyspaceDropped = false

  constructor(file: GoldenFile, connectToServer: ConnectToServer, options: ReplayOptions) {
    this.file = file
    this.connectToServer = connectToServer
    this.features = options.features ?? []
    this.timeoutMs = options.timeoutMs ?? 15_000
    this.silenceMs = options.silenceMs ?? 150
    this.onExchange = options.onExchange
    this.side = new SideConnection(connectToServer)
  }

  close(): void {
    this.player?.close()
    this.side.close()
  }

  async run(): Promise<ReplayReport> {
    let index = 0
    for (const exchange of this.file.exchanges) {
      const excluded = exclusionOf(this.file.name, exchange, this.features)
      if (excluded !== null) this.skipped.push(`${this.file.name}: ${exchange.comment} (${excluded.needs})`)
      else await this.play(exchange, index)
      index++
    }
    return { compared: this.compared, skipped: this.skipped, differences: this.differences }
  }

  private async play(exchange: Exchange, index: number): Promise<void> {
    const player = await this.playerFor(exchange)
    this.onExchange?.(exchange)
    await this.runSideStatements(exchange)
    this.compared++
    if (exchange.request === undefined) {
      await this.playPush(player, exchange, index)
      return
    }
    const isStartup = exchange.request.opcode === 'STARTUP'
    player.send(Buffer.from(exchange.request.wire, 'hex'))
    if (isStartup) player.useCompression()
    if (exchange.response_bytes !== undefined) {
      const actual = await player.bytes(exchange.response_bytes.length / 2, this.timeoutMs)
      this.compare(exchange, index, exchange.response_bytes, actual)
    }
    const answers = await this.readAnswers(player, exchange.responses ?? [])
    exchange.responses?.forEach((expected, i) => {
      this.compareResponse(exchange, index, expected, answers[i])
    })
    await this.compareThen(player, exchange, index)
  }

  /** As many as were recorded; several on one segment may come in any order, so they are sorted by stream. */
  private async readAnswers(
    player: Player,
    expected: readonly GoldenResponse[],
  ): Promise<(ResponseFrame | null)[]> {
    const answers: (ResponseFrame | null)[] = []
    for (let i = 0; i < expected.length; i++) answers.push(await player.next(this.timeoutMs))
    return expected.map(
      (response) => answers.find((answer) => answer?.stream === response.stream) ?? answers[0] ?? null,
    )
  }

  private async playerFor(exchange: Exchange): Promise<Player> {
    if (this.player !== null && !opensConnection(exchange)) return this.player
    this.player?.close()
    this.player = new Player(await this.connectToServer(), this.file)
    if (needsStartup(this.file, exchange)) {
      const body = startupBody({ CQL_VERSION: '3.0.0' })
      this.player.send(envelope(this.file.version, 0, 1, Opcode.STARTUP, body))
      await this.player.next(this.timeoutMs)
    }
    return this.player
  }

  private async runSideStatements(exchange: Exchange): Promise<void> {
    for (const side of replayData.side) {
      if (this.sideDone.has(side)) continue
      if (!matches(side.file, this.file.name) || !matches(side.before, exchange.comment)) continue
      this.sideDone.add(side)
      if (side.needs !== undefined && !this.features.includes(side.needs)) continue
      const text = side.statement.replace(/%(\w\w)\*(\d+)/, (_all, hex: string, times: string) =>
        hex.repeat(Number(times)),
      )
      for (let i = 0; i < (side.times ?? 1); i++) await this.side.query(text.replace('%d', String(i)))
    }
    if (exchange.request === undefined) await this.runEventStatement(exchange)
  }

  /** Exchanges of the events files without a request were caused by a statement: the comment says which. */
  private async runEventStatement(exchange: Exchange): Promise<void> {
    const isDrop = exchange.comment.startsWith('DROP KEYSPACE of')
    if (isDrop && this.isKeyspaceDropped) return
    this.isKeyspaceDropped ||= isDrop
    const text = isDrop ? `DROP KEYSPACE ev${this.file.version}` : exchange.comment
    const answer = await this.side.query(text)
    if (answer['code'] !== undefined) throw new Error(`${answer['message']} in ${text}`)
  }

  private async playPush(player: Player, exchange: Exchange, index: number): Promise<void> {
    if (exchange.push !== undefined) {
      this.compareResponse(exchange, index, exchange.push, await player.next(this.timeoutMs))
      return
    }
    this.compare(exchange, index, 'open', await player.afterwards(this.silenceMs))
  }

  private async compareThen(player: Player, exchange: Exchange, index: number): Promise<void> {
    const { then } = exchange
    if (then === undefined) return
    const expected = then.includes('closes') ? 'closed' : 'open'
    const actual = await player.afterwards(expected === 'closed' ? this.timeoutMs : this.silenceMs)
    this.compare(exchange, index, expected, actual)
  }

  private compareResponse(
    exchange: Exchange,
    index: number,
    expected: GoldenResponse,
    frame: ResponseFrame | null,
  ): void {
    if (frame === null) {
      this.differ(exchange, index, expected.decoded, 'no answer')
      return
    }
    const fields = this.ignoredFields(exchange)
    const decoded = decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
    this.compare(
      exchange,
      index,
      {
        opcode: expected.opcode,
        version: expected.version & 0x7f,
        flags: expected.flags,
        stream: expected.stream,
        decoded: normalize(expected.decoded, fields, RECORDED_ADDRESS),
      },
      {
        opcode: opcodeName(frame.opcode),
        version: frame.version,
        flags: frame.flags,
        stream: frame.stream,
        decoded: normalize(decoded, fields, this.player?.address ?? ''),
      },
    )
  }

  private ignoredFields(exchange: Exchange): Set<string> {
    const fields = new Set<string>()
    for (const rule of replayData.ignored) {
      if (!matches(rule.file, this.file.name) || !matches(rule.comment, exchange.comment)) continue
      for (const field of rule.fields) fields.add(field)
    }
    return fields
  }

  private compare(exchange: Exchange, index: number, expected: unknown, actual: unknown): void {
    if (!isDeepStrictEqual(expected, actual)) this.differ(exchange, index, expected, actual)
  }

  private differ(exchange: Exchange, index: number, expected: unknown, actual: unknown): void {
    this.differences.push({ file: this.file.name, index, comment: exchange.comment, expected, actual })
  }
}

/** Where the recorded node was. */
const RECORDED_ADDRESS = '127.0.0.101'

/**
 * Without the ignored fields, whose presence still counts, and without the node's address and the connection's name
 * in a CRC error.
 */
function normalize(decoded: Decoded, ignored: ReadonlySet<string>, address: string): Decoded {
  const normal: Decoded = {}
  const nodes = new RegExp(`\\b(${RECORDED_ADDRESS}|${address})\\b`.replaceAll('.', '\\.'), 'g')
  const text = JSON.stringify(decoded).replace(nodes, '(node)')
  const general = JSON.parse(text) as Decoded
  for (const [field, value] of Object.entries(general)) {
    if (ignored.has(field)) normal[field] = '(ignored)'
    else if (field === 'message' && typeof value === 'string') {
      normal[field] = value.replace(/^[0-9a-f]{8} invalid/, '(channel) invalid')
    } else normal[field] = value
  }
  return normal
}
