import { readInt32, toHex } from '../../src/common/bytes.ts'
import { CqlError } from '../../src/common/errors.ts'
import type { BoundValues } from '../../src/model/query-options.ts'
import type { RowsResult } from '../../src/model/query-result.ts'
import { MOMENTS, RandomWrites } from '../merge/random-writes.ts'
import { SimRandom } from '../sim/sim-random.ts'
import type { EngineNode } from './engine-node.ts'
import type { Question, Reply } from './questions.ts'
import { FLUSH, inKeyspace, type Shape } from './shape.ts'

/** Seconds since the epoch at which all is written, so that times of deletion are the same wherever it is. */
export interface Times {
  readonly writtenSeconds: number
}

/** Microseconds: of statement n, where it does not say USING TIMESTAMP. */
export function timestampOf({ writtenSeconds }: Times, n: number): number {
  return writtenSeconds * 1_000_000 + n
}

/** When questions are asked: after what lives for seconds has expired. */
export function askedSeconds({ writtenSeconds }: Times): number {
  return writtenSeconds + 100
}

export function rowsOf({ content, rowCount, metadata }: RowsResult): (string | null)[][] {
  let at = 0
  const width = metadata.columns.length
  return Array.from({ length: rowCount }, () =>
    Array.from({ length: width }, () => {
      const length = readInt32(content, at)
      at += 4
      if (length < 0) return null
      at += length
      return toHex(content.subarray(at - length, at))
    }),
  )
}

function boundValues(values: readonly string[]): BoundValues {
  const parts = values.map((value) => Buffer.from(value, 'hex'))
  let at = 0
  const offsets = parts.map((part) => {
    at += part.length
    return at - part.length
  })
  return {
    buffer: new Uint8Array(Buffer.concat(parts)),
    count: parts.length,
    offsets,
    lengths: parts.map(({ length }) => length),
  }
}

/** What Sibyl answers. */
export async function askSibyl(node: EngineNode, { text, values }: Question, times: Times): Promise<Reply> {
  try {
    const result = await node.client.query(text, {
      values: boundValues(values),
      nowInSeconds: askedSeconds(times),
    })
    return { rows: result.kind === 'rows' ? rowsOf(result) : [] }
  } catch (error) {
    if (!(error instanceof CqlError)) throw error
    return { error: error.message }
  }
}

/** Runs what a shape writes, flushes where it says so, and at the end; then compacts if that is asked for. */
export async function produce(
  node: EngineNode,
  shape: Shape,
  times: Times,
  compacts: boolean,
): Promise<void> {
  const { client, keyspace } = node
  for (const cql of shape.schema) await client.query(inKeyspace(cql, keyspace, shape))
  let n = 0
  for (const cql of [...shape.writes, FLUSH]) {
    if (cql === FLUSH) {
      await node.flush(shape.name)
      continue
    }
    const timestamp = timestampOf(times, ++n)
    await client.query(inKeyspace(cql, keyspace, shape), {
      nowInSeconds: times.writtenSeconds,
      hasTimestamp: true,
      timestampHi: Math.floor(timestamp / 2 ** 32),
      timestampLo: timestamp | 0,
    })
  }
  if (compacts) await node.compact(shape.name)
}

const SIMPLE = ['blob', 'int', 'text'] as const

/** A table of random columns, and random mutations of it in several SSTables, some of which are compacted. */
export async function produceRandom(node: EngineNode, seed: number): Promise<Shape> {
  const random = new SimRandom(seed)
  const name = `random_${seed}`
  const columns = ['p int', ...(random.chance(0.3) ? ['q text'] : [])]
  const keys = columns.map((column) => column.slice(0, 1)).join(', ')
  const clusterings = random.pick([0, 1, 1, 2, 2, 3])
  const order: string[] = []
  for (let i = 0; i < clusterings; i++) {
    columns.push(`c${i} ${random.pick(['int', 'text', 'blob'])}`)
    order.push(`c${i} ${random.chance(0.3) ? 'DESC' : 'ASC'}`)
  }
  const complex = ['map<int, blob>', 'set<text>', 'list<int>', `${node.keyspace}.u`]
  const add = (prefix: string, suffix: string): void => {
    for (let i = 1 + random.below(3); i > 0; i--)
      columns.push(`${prefix}${i} ${random.pick(random.chance(0.3) ? complex : SIMPLE)}${suffix}`)
  }
  if (clusterings > 0 && random.chance(0.5)) add('s', ' static')
  add('v', '')
  const primary = [`(${keys})`, ...order.map((text) => text.slice(0, 2))].join(', ')
  const options = order.length === 0 ? '' : ` WITH CLUSTERING ORDER BY (${order.join(', ')})`
  const cql = `CREATE TABLE $t (${columns.join(', ')}, PRIMARY KEY (${primary}))${options}`
  const shape: Shape = { name, schema: [cql], writes: [] }
  await node.client.query(inKeyspace(cql, node.keyspace, shape))
  const writes = new RandomWrites(random, node.table(name))
  writes.isOrdered = random.chance(0.5)
  // No statement makes anything that expires later than an SSTable of version nb can say.
  writes.moments = MOMENTS.filter((moment) => moment < 0x7ffffff0)
  const flushes = 1 + random.below(3)
  for (let i = 0; i < flushes; i++) {
    for (let n = random.pick([3, 30, 150]); n > 0; n--) node.database.engine.apply(writes.next())
    await node.flush(name)
    if (i === 1 && random.chance(0.5)) await node.compact(name)
  }
  return shape
}
