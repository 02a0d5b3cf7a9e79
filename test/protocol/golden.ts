import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Decoded } from '../../src/protocol/client-response.ts'

/** Exchanges recorded from Apache Cassandra 5.0.6 (`oracle/make/protocol.py` made them). */
export interface GoldenFile {
  readonly name: string
  readonly note: string
  readonly version: number
  readonly compression: 'lz4' | 'snappy' | null
  readonly server: string
  readonly exchanges: readonly Exchange[]
}

export interface Exchange {
  readonly comment: string
  readonly request?: { readonly opcode?: string | number; readonly wire: string; readonly envelope?: string }
  readonly responses?: readonly GoldenResponse[]
  readonly push?: GoldenResponse
  readonly then?: string
  /** Of versions 1 and 2, whose header is shorter. */
  readonly response_bytes?: string
}

export interface GoldenResponse {
  readonly opcode: string
  readonly version: number
  readonly flags: number
  readonly stream: number
  readonly wire: string
  /** The frame inside the segments of v5. */
  readonly envelope?: string
  /** The uncompressed body of v3 and v4. */
  readonly body?: string
  readonly decoded: Decoded
}

const FOLDER = new URL('../golden/protocol/', import.meta.url)

/** Names without `.json` or `.json.gz`. */
export function goldenNames(): string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json(\.gz)?$/, ''))
    .sort()
}

export function readGolden(name: string): GoldenFile {
  const file = readdirSync(FOLDER).find((entry) => entry.startsWith(`${name}.json`))
  if (file === undefined) throw new Error(`no recorded exchanges: ${name}`)
  const bytes = readFileSync(new URL(file, FOLDER))
  const text = file.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString()
  return { name, ...(JSON.parse(text) as Omit<GoldenFile, 'name'>) }
}

/** Whether a new connection was opened for this exchange. */
export function opensConnection(exchange: Exchange): boolean {
  return exchange.comment.startsWith('[new]')
}

/** Cases of the protocol-errors files whose connection had not been started up; the others had. */
const NOT_STARTED =
  /^\[new\] (version |garbage|response bit|QUERY before|REGISTER before|STARTUP (with|without) |v5 with USE_BETA)/

export function needsStartup(file: GoldenFile, exchange: Exchange): boolean {
  return (
    file.name.startsWith('protocol-errors') &&
    opensConnection(exchange) &&
    !NOT_STARTED.test(exchange.comment)
  )
}
