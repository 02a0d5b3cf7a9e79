import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../src/io/node-disk.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { type Component, componentPath, parseFileName } from '../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { EngineNode } from './engine-node.ts'
import { Cassandra } from './oracle.ts'
import { produce, timestampOf } from './produce.ts'
import { FLUSH, inKeyspace, type Shape } from './shape.ts'
import { SHAPES } from './shapes.ts'

/**
 * What Cassandra flushed for the same statements, at the same timestamps and seconds, is what is flushed here, byte for byte:
 * Data.db before compression, Index.db, Filter.db, Summary.db, CompressionInfo.db's options, and what Statistics.db says. flushed.json
 * has the digests; RECORD=1 writes it, with a Cassandra of its own.
 */

const TIMES = { writtenSeconds: 1_790_000_000 }
const KEYSPACE = 'ref_golden'
const FILE = new URL('../golden/sstables/flushed.json', import.meta.url)
const RECORDS = process.env['RECORD'] === '1'
const shapes = SHAPES.filter(({ unequal, name }) => unequal === undefined && name !== 'many')
const disk = createNodeDisk()

/** By SSTable and component: a digest, or what it says. */
type Flushed = readonly Readonly<Record<string, unknown>>[]

function digest(bytes: Uint8Array): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`
}

function uncompressed(sstable: SSTable): Buffer {
  const source = sstable.dataSource()
  const parts: Buffer[] = []
  for (let at = 0; at < source.length; ) {
    const chunk = source.chunkAt(at)
    parts.push(Buffer.from(chunk.bytes.slice(chunk.offset, chunk.offset + chunk.length)))
    at = chunk.position + chunk.length
  }
  return Buffer.concat(parts)
}

/** Bigints, maps and typed arrays as JSON. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => {
      if (typeof each === 'bigint') return `${each}n`
      if (each instanceof Map) return [...each]
      return ArrayBuffer.isView(each)
        ? Buffer.from(each.buffer, each.byteOffset, each.byteLength).toString('hex')
        : each
    }),
  )
}

function flushedIn(directory: string, table: TableMetadata): Flushed {
  if (!existsSync(directory)) return []
  const descriptors = readdirSync(directory).flatMap((name) => {
    const file = parseFileName(directory, name)
    return file?.component === 'Data.db' ? [file.descriptor] : []
  })
  descriptors.sort((a, b) => Number(a.id) - Number(b.id))
  return descriptors.map((descriptor) => {
    const sstable = SSTable.open(disk, descriptor, table)
    const { stats, validation, header } = sstable.statistics
    const said: Record<string, unknown> = { Data: digest(uncompressed(sstable)) }
    for (const component of ['Index.db', 'Filter.db', 'Summary.db'] as Component[]) {
      const path = componentPath(descriptor, component)
      if (existsSync(path)) said[component] = digest(readFileSync(path))
    }
    const { compressor, options, chunkLength, maxCompressedLength } = sstable.compression ?? {}
    said['compression'] = plain({ compressor, options, chunkLength, maxCompressedLength })
    const { compressionRatio: _, commitLogIntervals: __, originatingHostId: ___, ...others } = stats
    const {
      commitLogLowerBound: ____,
      commitLogUpperBound: _____,
      ...known
    } = others as Record<string, unknown>
    const text = JSON.stringify(plain({ validation, header, ...known }))
    // Long histograms of few numbers.
    said['statistics'] = text.length < 3000 ? JSON.parse(text) : digest(Buffer.from(text))
    sstable.close()
    return said
  })
}

async function record(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'sibyl-record-'))
  const node = await EngineNode.start(KEYSPACE, join(scratch, 'node'))
  const cassandra = await Cassandra.fresh()
  const recorded: Record<string, Flushed> = {}
  try {
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    await cassandra.run(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${replication}`)
    for (const shape of shapes) {
      for (const statement of shape.schema) {
        const cql = inKeyspace(statement, KEYSPACE, shape)
        await node.client.query(cql)
        const id = () => ` ${cql.includes(' WITH ') ? 'AND' : 'WITH'} ID = ${node.table(shape.name).id}`
        await cassandra.run(cql.startsWith('CREATE TABLE') ? `${cql}${id()}` : cql)
      }
    }
    const scripts = shapes.map((shape) => ({ shape, at: 0, timestamp: 0, isDone: false }))
    // All tables are flushed at once: a nodetool takes two seconds to start.
    while (scripts.some(({ isDone }) => !isDone)) {
      for (const script of scripts) {
        const { shape } = script
        let cql = shape.writes[script.at++]
        for (; cql !== undefined && cql !== FLUSH; cql = shape.writes[script.at++]) {
          const timestamp = timestampOf(TIMES, ++script.timestamp)
          await cassandra.write(inKeyspace(cql, KEYSPACE, shape), TIMES.writtenSeconds, timestamp)
        }
        if (cql === undefined) script.isDone = true
      }
      cassandra.nodetool('flush', KEYSPACE)
    }
    for (const shape of shapes) {
      const table = node.table(shape.name)
      recorded[shape.name] = flushedIn(cassandra.tableDirectory(KEYSPACE, shape.name, table.id), table)
    }
    writeFileSync(FILE, `${JSON.stringify(recorded, null, 1)}\n`)
  } finally {
    cassandra.wipe()
    await node.stop()
    rmSync(scratch, { recursive: true })
  }
}

describe('flushed as Cassandra does', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'sibyl-flushed-'))
  let node: EngineNode
  let recorded: Readonly<Record<string, Flushed>> = {}
  beforeAll(async () => {
    if (RECORDS) await record()
    recorded = JSON.parse(readFileSync(FILE, 'utf8')) as typeof recorded
    node = await EngineNode.start(KEYSPACE, scratch)
  }, 3_600_000)
  afterAll(async () => {
    await node.stop()
    rmSync(scratch, { recursive: true })
  })

  test.each(shapes)('$name', async (shape: Shape) => {
    await produce(node, shape, TIMES, false)
    const { directory } = node.store(shape.name)
    expect(flushedIn(directory, node.table(shape.name))).toEqual(recorded[shape.name])
  })
})
