import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { CqlError } from '../../../src/common/errors.ts'
import { splitScript } from '../../../src/cql/script.ts'
import type { Database } from '../../../src/node/database.ts'
import { Client, openNode } from './client.ts'

const PLAIN = 'DESCRIBE SCHEMA'
const INTERNALS = 'DESCRIBE SCHEMA WITH INTERNALS'

/** Keyspace, type, name and statement. */
type Row = readonly string[]

/** DESCRIBE SCHEMA of Apache Cassandra after the statements of describe.cql (record.py). */
const recorded = JSON.parse(
  gunzipSync(readFileSync(new URL('everything.json.gz', import.meta.url))).toString(),
) as Readonly<Record<string, readonly Row[]>>

/** What makes that schema, statements that are refused among them. */
function definitions(): string[] {
  const sections = readFileSync(new URL('describe.cql', import.meta.url), 'utf8').split(/^-- /m)
  return sections
    .filter((section) => !/^(dropped between|dropped vectors|the empty type|compact storage)/.test(section))
    .flatMap((section) => section.split('\n'))
    .filter((line) => /^(CREATE|ALTER|USE) /.test(line))
}

async function withNodes(use: (nodes: readonly [Database, Database]) => Promise<void>): Promise<void> {
  const nodes = [await openNode(), await openNode()] as const
  try {
    await use(nodes)
  } finally {
    for (const node of nodes) await node.close()
  }
}

async function described(node: Database, cql: string): Promise<string[][]> {
  return (await new Client(node).rows(cql)) as string[][]
}

/** Executes the statements of the rows, as a script would. */
async function feed(node: Database, rows: readonly Row[]): Promise<void> {
  const client = new Client(node)
  for (const [, , , statements] of rows) {
    for (const { text } of splitScript(statements!)) await client.query(text)
  }
}

async function makeEverything(node: Database): Promise<void> {
  const client = new Client(node)
  for (const statement of definitions()) {
    try {
      await client.query(statement)
    } catch (error) {
      if (!(error instanceof CqlError)) throw error
    }
  }
}

/** WITH INTERNALS, the recording has no tables whose ids the server gave. */
function withGivenIds(rows: readonly Row[]): Row[] {
  return rows.filter(([, type, , text]) => type !== 'table' || text!.includes(' WITH ID = 5a1c395e'))
}

describe('a schema with everything', () => {
  test('is described as by Cassandra', () =>
    withNodes(async ([node]) => {
      await makeEverything(node)
      expect(await described(node, PLAIN)).toEqual(recorded[PLAIN])
      expect(withGivenIds(await described(node, INTERNALS))).toEqual(recorded[INTERNALS])
    }))

  test.each([PLAIN, INTERNALS])('%s, fed into an empty server, describes itself the same', (cql) =>
    withNodes(async ([one, other]) => {
      await makeEverything(one)
      const text = await described(one, cql)
      expect(text.length).toBeGreaterThan(80)
      await feed(other, text)
      expect(await described(other, cql)).toEqual(text)
    }),
  )

  test.each([PLAIN, INTERNALS])("Cassandra's %s, fed into an empty server, describes itself the same", (cql) =>
    withNodes(async ([node]) => {
      await feed(node, recorded[cql]!)
      expect(await described(node, cql)).toEqual(recorded[cql])
    }),
  )

  test('is the same after a restart', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sibyl-describe-'))
    try {
      const before = await openNode({ dir })
      await makeEverything(before)
      const text = await described(before, PLAIN)
      const internals = await described(before, INTERNALS)
      await before.close()
      const after = await openNode({ dir })
      // By their own order: names that differ in case alone, and dropped columns, come in another after a restart, as
      // in Cassandra.
      const sorted = (rows: readonly Row[]) =>
        rows.map(([, type, name, statement]) => [type, name, ...statement!.split('\n').sort()].join('\n')).sort()
      expect(sorted(await described(after, PLAIN))).toEqual(sorted(text))
      expect(sorted(await described(after, INTERNALS))).toEqual(sorted(internals))
      await after.close()
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
