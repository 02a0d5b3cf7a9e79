import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import { type Component, componentPath, type Descriptor } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { Rewriter } from '../../compaction/rewriter.ts'
import { Client, openNode } from '../describe/client.ts'
import { descriptorsOf, FIXTURES, nodeWith } from '../sstables/fixtures.ts'

/** What `nodetool compact` of Cassandra made of SSTables, and what is made of them here: the same bytes. */

type Files = Readonly<Record<string, string>>

interface Outcome {
  /** When it was compacted, seconds since the epoch. */
  readonly now: number
  readonly outputs: readonly Files[]
}

interface Recorded {
  readonly kit: readonly (Outcome & { readonly table: string; readonly gcGrace: number })[]
  readonly made: readonly (Outcome & {
    readonly name: string
    readonly schema: string
    readonly inputs: readonly Files[]
    readonly compacted: readonly number[] | null
  })[]
}

const recorded = JSON.parse(
  gunzipSync(readFileSync(new URL('recorded.json.gz', import.meta.url))).toString(),
) as Recorded

const scratch = mkdtempSync(join(tmpdir(), 'sibyl-compaction-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const disk = createNodeDisk()
let folders = 0

/** Brings recorded SSTables to a directory. */
function restore(sstables: readonly Files[]): Descriptor[] {
  const directory = join(scratch, String(++folders))
  mkdirSync(directory)
  return sstables.map((files, i) => {
    const descriptor = { directory, version: 'nb', id: String(i + 1), format: 'big' }
    for (const [component, bytes] of Object.entries(files)) {
      writeFileSync(componentPath(descriptor, component as Component), Buffer.from(bytes, 'base64'))
    }
    return descriptor
  })
}

/** All bytes of Data.db before compression. */
function uncompressed(sstable: SSTable): string {
  const source = sstable.dataSource()
  const parts: Buffer[] = []
  for (let at = 0; at < source.length; ) {
    const { bytes, offset, length, position } = source.chunkAt(at)
    parts.push(Buffer.from(bytes.slice(offset, offset + length)))
    at = position + length
  }
  return Buffer.concat(parts).toString('hex')
}

/** Those that do not depend on how well the chunks are compressed, and on whose node it is. */
function contentOf(descriptor: Descriptor, table: TableMetadata): unknown {
  const sstable = SSTable.open(disk, descriptor, table)
  const { stats, ...statistics } = sstable.statistics
  const { compressionRatio: _, originatingHostId: __, commitLogIntervals: ___, ...rest } = stats
  const hex = (component: Component) => {
    const path = componentPath(descriptor, component)
    return existsSync(path) ? readFileSync(path).toString('hex') : null
  }
  const content = {
    statistics: { ...statistics, ...rest },
    data: uncompressed(sstable),
    index: hex('Index.db'),
    summary: hex('Summary.db'),
    filter: hex('Filter.db'),
    compressor: sstable.compression?.compressor ?? null,
  }
  sstable.close()
  return content
}

function compare(
  table: TableMetadata,
  inputs: readonly Descriptor[],
  others: readonly Descriptor[],
  gcGrace: number,
  { now, outputs }: Outcome,
): void {
  const rewriter = new Rewriter(disk, join(scratch, String(++folders)))
  const task = rewriter.compactionTask(table, inputs, {
    others,
    nowSeconds: now,
    gcBeforeSeconds: now - gcGrace,
  })
  const written = rewriter.run(task).map((descriptor) => contentOf(descriptor, table))
  expect(written).toEqual(restore(outputs).map((descriptor) => contentOf(descriptor, table)))
}

describe.skipIf(!existsSync(FIXTURES))('SSTables of the kit', () => {
  test.each(recorded.kit)('$table, gc_grace_seconds $gcGrace', async (outcome) => {
    const { database, table } = await nodeWith('nb', outcome.table)
    compare(table, descriptorsOf('nb', outcome.table), [], outcome.gcGrace, outcome)
    await database.close()
  })
})

test('what was recorded is what was meant', () => {
  expect(recorded.kit.map(({ outputs }) => outputs.length)).toEqual(recorded.kit.map(() => 1))
  expect(recorded.made.map(({ inputs, outputs }) => [inputs.length, outputs.length])).toEqual([
    [2, 1],
    [2, 1],
    [3, 1],
    [2, 1],
    [2, 1],
    [3, 1],
    [3, 1],
    [2, 0],
  ])
})

describe('SSTables made for it', () => {
  test.each(recorded.made)('$name', async (outcome) => {
    const database = await openNode()
    const client = new Client(database)
    await client.query("CREATE KEYSPACE cx WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    for (const statement of outcome.schema.split('; ')) await client.query(statement)
    const table = database.schema.current.table('cx', 't')!
    const inputs = restore(outcome.inputs)
    const isChosen = (i: number) => outcome.compacted === null || outcome.compacted.includes(i)
    compare(
      table,
      inputs.filter((_, i) => isChosen(i)),
      inputs.filter((_, i) => !isChosen(i)),
      table.params.gcGraceSeconds,
      outcome,
    )
    await database.close()
  })
})
