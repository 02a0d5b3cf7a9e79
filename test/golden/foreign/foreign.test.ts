import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { refusal } from '../describe/client.ts'
import { type Answer, type Answers, ForeignNode, listing, recorded, remove, unpack } from './directory.ts'

const text = (hex: string | null): string => Buffer.from(hex ?? '', 'hex').toString()

/** What Cassandra describes, and nothing here has. */
const LEFT_ALONE = /^(index|materialized_view|function|aggregate)$/
const MASK = / MASKED WITH system\.mask_\w+\([^)]*\)/g
const WRITTEN = 'shop"."untouched'

async function different(node: ForeignNode, answers: readonly Answer[]): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const [question, values, rows] of answers) {
    const ours = await node.hexRows(question, values)
    if (JSON.stringify(ours) !== JSON.stringify(rows)) wrong.push({ question, values, rows, ours })
  }
  return wrong
}

async function refused(promise: Promise<unknown>): Promise<readonly [string, string]> {
  return promise.then(
    () => ['', 'accepted'] as const,
    (error: unknown) => refusal(error),
  )
}

/** A copy as the directory is at this moment: what a process finds that starts after this one was killed. */
function copyOf(directory: string): string {
  const copy = `${directory}-killed`
  cpSync(directory, copy, { recursive: true, filter: (name) => !/lock/.test(name.slice(directory.length)) })
  return copy
}

describe.each(['nb', 'oa'])('a directory of Cassandra with SSTables of version %s', (version) => {
  const { answers, describe: described, local, counts } = recorded<Answers>(`${version}-answers`)
  const unwritten = answers.filter(([question]) => !question.includes(WRITTEN))
  const directory = unpack(version)
  let node: ForeignNode
  afterAll(async () => {
    await node.stop()
    remove(directory)
    remove(`${directory}-killed`)
  })

  const versions = (): Set<string> => {
    const { stores } = node.database.engine
    return new Set(stores.flatMap(({ sstables }) => sstables.map((live) => live.sstable.descriptor.version)))
  }

  test('it opens, and says what is left alone', async () => {
    node = await ForeignNode.start(directory)
    expect(node.warnings.filter((warning) => warning.includes('left alone'))).toEqual([
      'Indexes are left alone: queries cannot use them, and what is written here is not in them (later.by_a, later.by_b, later.by_s)',
      'Materialized views are left alone: they cannot be read, and what is written to their tables is not in them (later.by_b_then_a)',
      'Functions are left alone: statements cannot call them (later.plus)',
      'Aggregates are left alone: statements cannot call them (later.total)',
      'Masks of columns are left alone: everybody sees the values as they are (later.masked.n, later.masked.ssn)',
    ])
    expect(versions()).toEqual(new Set([version]))
  })

  test('the node keeps its host id, tokens and names', async () => {
    const columns = 'host_id, cluster_name, data_center, rack, tokens'
    expect(await node.hexRows(`SELECT ${columns} FROM system.local`)).toEqual([local])
  })

  test('its schema is described as by Cassandra', async () => {
    const ours = (await node.hexRows('DESCRIBE SCHEMA')).map((row) => row.map(text))
    const theirs = described
      .filter(([, type]) => !LEFT_ALONE.test(type))
      .map((row) => row.map((value) => value.replace(MASK, '')))
    expect(ours).toEqual(theirs)
    expect(ours.length).toBeGreaterThan(15)
  })

  test('every answer is that of Cassandra', async () => {
    expect(await different(node, answers)).toEqual([])
    expect(answers.length).toBeGreaterThan(250)
  })

  test('rows of what is not served are still there', async () => {
    for (const [table, count] of Object.entries(counts)) {
      expect([table, (await node.hexRows(`SELECT * FROM ${table}`)).length]).toEqual([table, count])
    }
    expect(counts['system_schema.indexes']).toBeGreaterThan(3)
  })

  test('what is written here is in no index, and Cassandra is told so', async () => {
    expect(await node.hexRows('SELECT * FROM system."IndexInfo"')).toEqual([])
  })

  test('what indexes and views depend on stays', async () => {
    for (const [statement, answer] of [
      ['DROP TABLE later.indexed', 'Cannot drop a table when materialized views still depend on it (later)'],
      [
        'ALTER TABLE later.indexed DROP b',
        'Cannot drop column b because it has dependent secondary indexes (by_b)',
      ],
      [
        'ALTER TABLE later.indexed RENAME id TO other',
        'Renaming column id of a table with materialized views is not supported yet',
      ],
      ['ALTER TABLE later.masked RENAME id TO other', null],
    ] as const) {
      const expected = answer === null ? ['', 'accepted'] : ['0x2200', answer]
      expect([statement, ...(await refused(node.run(statement)))]).toEqual([statement, ...expected])
    }
    const [code] = await refused(node.run('CREATE TABLE later.by_b_then_a (a int PRIMARY KEY)'))
    expect(code).toBe('0x2400')
    await node.run('ALTER TABLE later.masked RENAME other TO id')
  })

  test('a masked column takes its mask along', async () => {
    await node.run('ALTER TABLE later.masked DROP ssn')
    const masks = await node.hexRows('SELECT column_name FROM system_schema.column_masks')
    expect(masks.map(([name]) => text(name!))).toEqual(['n'])
  })

  test('it is written to, and survives a kill', async () => {
    await node.run("INSERT INTO shop.untouched (p, v) VALUES (1, 'ours')")
    await node.run("UPDATE shop.counts SET n = n + 1 WHERE p = 'of ours' AND c = 1")
    await node.run("DELETE FROM shop.counts WHERE p = 'of ours' AND c = 1")
    await node.run('CREATE TABLE shop.ours (p int PRIMARY KEY, u frozen<point>)')
    await node.run('INSERT INTO shop.ours (p, u) VALUES (1, {x: 1})')
    const killed = await ForeignNode.start(copyOf(directory))
    expect(await killed.hexRows('SELECT v FROM shop.untouched WHERE p = 1')).toEqual([['6f757273']])
    expect(await killed.hexRows('SELECT p FROM shop.ours')).toEqual([['00000001']])
    const masked = (question: string) => question.includes('masked')
    const wrong = await different(killed, unwritten.filter(([question]) => !masked(question)))
    expect(wrong).toEqual([])
    await killed.stop()
  })

  test('all tables flushed and compacted, the answers stay, and all is in version nb', async () => {
    const { engine } = node.database
    await engine.flushTables()
    for (const store of engine.stores) await engine.compactions!.major(store)
    expect(versions()).toEqual(new Set(['nb']))
    const stays = unwritten.filter(([question]) => !question.includes('masked'))
    expect(await different(node, stays)).toEqual([])
    await engine.drain()
    await node.stop()
    expect(readdirSync(join(directory, 'commitlog')).filter((name) => name.startsWith('CommitLog-1-'))).toEqual([])
    node = await ForeignNode.start(directory)
    expect(await different(node, stays)).toEqual([])
    expect(await node.hexRows('SELECT v FROM shop.untouched WHERE p = 1')).toEqual([['6f757273']])
  })

  test('a table that is dropped takes its rows of system_schema along', async () => {
    await node.run('DROP TABLE later.masked')
    expect(await node.hexRows('SELECT * FROM system_schema.column_masks')).toEqual([])
  })
})

function statisticsOf(directory: string, keyspace: string, table: RegExp): string {
  const folder = join(directory, keyspace, readdirSync(join(directory, keyspace)).find((name) => table.test(name))!)
  return join(folder, readdirSync(folder).find((name) => name.endsWith('-Statistics.db'))!)
}

describe('what is refused', () => {
  const directories: string[] = []
  const unpacked = (...names: string[]): string => {
    const directory = unpack(...names)
    directories.push(directory)
    return directory
  }
  afterAll(() => {
    for (const directory of directories) remove(directory)
  })

  test('a commit log with mutations: nothing is changed', async () => {
    const directory = unpacked('nb')
    rmSync(join(directory, 'commitlog'), { recursive: true })
    cpSync(unpacked('undrained'), directory, { recursive: true })
    const before = listing(directory)
    const log = readdirSync(join(directory, 'commitlog')).sort()
    const [code, message] = await refused(ForeignNode.start(directory))
    expect(code).toBe('0x2300')
    expect(message).toMatch(
      /^The commit log of Apache Cassandra in .*commitlog is not empty \(CommitLog-7-\d+\.log.*run `nodetool drain`, stop it, and copy the directory anew\. Nothing was changed$/,
    )
    expect(log.length).toBeGreaterThan(0)
    expect(listing(directory)).toEqual(before)
  })

  test('a segment that is no segment', async () => {
    const directory = unpacked('nb')
    writeFileSync(join(directory, 'commitlog/CommitLog-7-1795000000000.log'), Buffer.alloc(5000, 'nothing'))
    const [, message] = await refused(ForeignNode.start(directory))
    expect(message).toContain('is not empty (CommitLog-7-1795000000000.log)')
  })

  test('segments that were never begun are no obstacle, and stay', async () => {
    const directory = unpacked('nb')
    const files = ['CommitLog-7-1795000000000.log', 'CommitLog-7-1795000000001.log']
    writeFileSync(join(directory, 'commitlog', files[0]!), '')
    writeFileSync(join(directory, 'commitlog', files[1]!), Buffer.alloc(100_000))
    const node = await ForeignNode.start(directory)
    await node.stop()
    for (const file of files) expect(existsSync(join(directory, 'commitlog', file))).toBe(true)
  })

  test('SSTables of the format BTI', async () => {
    const directory = unpacked('da')
    const before = listing(directory)
    await expect(ForeignNode.start(directory)).rejects.toThrow(
      /da-\S+-bti-\S+ is of the format da-bti, which cannot be read\. Start Cassandra on this data with `sstable: selected_format: big` in its cassandra\.yaml, run `nodetool upgradesstables -a`, then `nodetool drain`, and copy the directory anew$/,
    )
    expect(listing(directory)).toEqual(before)
  })

  test('another partitioner', async () => {
    const directory = unpacked('nb')
    const path = statisticsOf(directory, 'data/shop', /^unified-/)
    const bytes = readFileSync(path)
    const at = bytes.indexOf('Murmur3Partitioner')
    bytes.write('MurmurXPartitioner', at)
    // Validation is the first component: its offset is at 12, the next one's at 20; a CRC ends it.
    const [begin, end] = [bytes.readInt32BE(12), bytes.readInt32BE(20) - 4]
    expect(at).toBeGreaterThan(begin)
    bytes.writeUInt32BE(crc32(bytes.subarray(begin, end)), end)
    writeFileSync(path, bytes)
    await expect(ForeignNode.start(directory)).rejects.toThrow(
      'partitioner org.apache.cassandra.dht.MurmurXPartitioner does not match system partitioner org.apache.cassandra.dht.Murmur3Partitioner',
    )
  })

  test.each([
    [{ clusterName: 'Delphi' }, 'Saved cluster name foreign != configured name Delphi'],
    [{ dataCenter: 'dc9' }, /^Cannot start node if snitch's data center \(dc9\) differs from previous data center \(datacenter1\)/],
    [{ rack: 'r9' }, /^Cannot start node if snitch's rack \(r9\) differs from previous rack \(rack1\)/],
    [{ numTokens: 256 }, 'Cannot change the number of tokens from 16 to 256'],
  ])('other names than the saved ones: %j', async (options, message) => {
    const directory = unpacked('nb')
    await expect(ForeignNode.start(directory, options)).rejects.toThrow(message)
    const node = await ForeignNode.start(directory, {
      clusterName: 'foreign',
      dataCenter: 'datacenter1',
      rack: 'rack1',
      numTokens: 16,
    })
    await node.stop()
  })
})
