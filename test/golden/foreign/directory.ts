import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { nodeRandom } from '../../../src/io/node-random.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import type { BoundValues } from '../../../src/model/query-options.ts'
import { type Database, openDatabase } from '../../../src/node/database.ts'
import type { SibylOptions } from '../../../src/node/options.ts'
import { settingsOf } from '../../../src/node/settings.ts'
import { Client } from '../describe/client.ts'

/** Path, size, and the bytes in base64 without the zeros at the end. */
type RecordedFile = readonly [path: string, sizeBytes: number, base64: string]

/** A row as hex of the values. */
export type HexRow = readonly (string | null)[]
export type Answer = readonly [text: string, values: readonly string[], rows: readonly HexRow[]]

export interface Answers {
  readonly answers: readonly Answer[]
  /** Rows of DESCRIBE SCHEMA: keyspace, type, name, statement. */
  readonly describe: readonly (readonly [string, string, string, string])[]
  /** host_id, cluster_name, data_center, rack and tokens of system.local. */
  readonly local: HexRow
  /** How many rows tables have that hold what is not served here. */
  readonly counts: Readonly<Record<string, number>>
}

export function recorded<T>(name: string): T {
  const file = fileURLToPath(new URL(`${name}.json.gz`, import.meta.url))
  return JSON.parse(gunzipSync(readFileSync(file)).toString()) as T
}

/** Recorded files, in a directory of their own; the caller removes it. */
export function unpack(...names: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'sibyl-foreign-'))
  for (const name of names) {
    for (const [path, size, base64] of recorded<RecordedFile[]>(name)) {
      const file = join(directory, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, Buffer.from(base64, 'base64'))
      truncateSync(file, size)
    }
  }
  return directory
}

export function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

/** All files below a directory with their sizes and when they were written, but for what only says who runs. */
export function listing(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/lock/.test(name) && statSync(join(directory, name)).isFile())
    .map((name) => {
      const { size, mtimeMs } = statSync(join(directory, name))
      return `${name} ${size} ${mtimeMs}`
    })
    .sort()
}

/** A node without sockets on a directory, and what it says. */
export class ForeignNode {
  readonly database: Database
  readonly client: Client
  readonly warnings: readonly string[]

  private constructor(database: Database, warnings: readonly string[]) {
    this.database = database
    this.client = new Client(database, 5)
    this.warnings = warnings
  }

  static async start(dir: string, options: SibylOptions = {}): Promise<ForeignNode> {
    const given = { dir, ...options }
    const warnings: string[] = []
    const note = (text: string): void => void warnings.push(text)
    const ports = { disk: createNodeDisk(), clock: nodeClock, timers: nodeTimers, random: nodeRandom }
    const logger = { info: () => {}, warn: note, error: note }
    const database = await openDatabase(given, settingsOf(given), ports, logger, () => {})
    return new ForeignNode(database, warnings)
  }

  async hexRows(text: string, values: readonly string[] = []): Promise<HexRow[]> {
    const result = await this.client.query(text, values.length === 0 ? {} : { values: bound(values) })
    if (result.kind !== 'rows') throw new Error(`${text} gives no rows`)
    const { content, rowCount, metadata } = result
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    let at = 0
    return Array.from({ length: rowCount }, () =>
      metadata.columns.map(() => {
        const length = bytes.readInt32BE(at)
        at += 4
        if (length < 0) return null
        at += length
        return bytes.toString('hex', at - length, at)
      }),
    )
  }

  /** Executes a statement and makes it durable. */
  async run(text: string): Promise<void> {
    await this.client.query(text)
    await this.database.processor.commit()
  }

  stop(): Promise<void> {
    return this.database.close()
  }
}

function bound(values: readonly string[]): BoundValues {
  const parts = values.map((value) => Buffer.from(value, 'hex'))
  const lengths = parts.map((part) => part.length)
  let end = 0
  const offsets = lengths.map((length) => (end += length) - length)
  return { buffer: Buffer.concat(parts), count: parts.length, offsets, lengths }
}
