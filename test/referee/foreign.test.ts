import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Server } from '../../compat-tests/differential/server.ts'
import {
  type Answers,
  ForeignNode,
  type HexRow,
  recorded,
  remove,
  unpack,
} from '../golden/foreign/directory.ts'
import { isOracleHere } from './oracle.ts'

/**
 * The way back: a directory that Cassandra wrote, that was opened and written to here, and drained, is given to Cassandra
 * again. Where the oracle kit is and FOREIGN=1 says so: it takes some minutes.
 */

const ORACLE = fileURLToPath(new URL('../../../shared/oracle/cassandra', import.meta.url))
const NAME = 'foreign'
const ADDRESS = '127.0.75.1'
const SHAPE = ['--ip-prefix', ADDRESS.slice(0, -1), '--set', 'dynamic_data_masking_enabled=true']
const SETTINGS_OF_OA = [
  ...['--set', 'storage_compatibility_mode=NONE'],
  ...['--set', 'uuid_sstable_identifiers_enabled=true'],
]
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const HOME = process.env['CASSANDRA_ORACLE_HOME'] ?? join(cache, 'cassandra-oracle')
const DATA = join(HOME, 'clusters', NAME, 'node1', 'data')
const LOG = join(HOME, 'clusters', NAME, 'node1', 'logs', 'system.log')

function cassandra(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(ORACLE, ['--name', NAME, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cassandra ${args.join(' ')}: ${stderr}${stdout}`)
}

/** Cassandra starts on what is in that directory. */
function startOn(directory: string, settings: readonly string[] = []): void {
  rmSync(DATA, { recursive: true, force: true })
  rmSync(LOG, { force: true })
  cpSync(directory, DATA, { recursive: true })
  cassandra('start', ...SHAPE, ...settings, '--timeout', '90')
}

async function ask(server: Server, text: string, values: readonly string[] = []): Promise<readonly HexRow[]> {
  const operation = { kind: 'query', effect: 'read', text, values } as const
  const [answer] = await server.run(operation, () => Promise.reject(new Error('no pages')))
  if (answer!['kind'] !== 'rows') throw new Error(`${text}: ${JSON.stringify(answer)}`)
  return answer!['rows'] as HexRow[]
}

const hex = (text: string): string => Buffer.from(text).toString('hex')
const isOwn = (name: string): boolean => name.startsWith('CommitLog-1-')

describe.runIf(process.env['FOREIGN'] === '1' && isOracleHere())('the way back', () => {
  beforeAll(() => {
    spawnSync(ORACLE, ['--name', NAME, 'stop', '--wipe'])
    cassandra('start', '--fresh', ...SHAPE)
    cassandra('stop')
  }, 120_000)
  afterAll(() => {
    spawnSync(ORACLE, ['--name', NAME, 'stop', '--wipe'])
  })

  test.each(['nb', 'oa'])('a drained directory, of Cassandra in version %s before', async (version) => {
    const { answers, describe: described, local } = recorded<Answers>(`${version}-answers`)
    const directory = unpack(version)
    try {
      const node = await ForeignNode.start(directory)
      await node.run("INSERT INTO shop.untouched (p, v) VALUES (1, 'ours')")
      await node.run("UPDATE shop.counts SET n = n + 7 WHERE p = 'ours' AND c = 1")
      await node.run("INSERT INTO later.indexed (id, c, a, b, s) VALUES (7, 'z', 70, 'ours', {'e1', 'ours'})")
      await node.run("UPDATE later.indexed SET a = 11, b = 'changed' WHERE id = 1 AND c = 'x'")
      await node.run(
        'CREATE TABLE shop.ours (p int, c text, u frozen<point>, s set<text>, PRIMARY KEY (p, c))',
      )
      await node.run("INSERT INTO shop.ours (p, c, u, s) VALUES (1, 'c', {x: 1}, {'a', 'b'})")
      await node.run('ALTER TABLE shop.renamed ADD added text')
      await node.run("INSERT INTO shop.renamed (p, column_c, added) VALUES (3, 3, 'added')")
      const { engine } = node.database
      await engine.flushTables()
      for (const store of engine.stores) {
        if (store.table.name !== 'untouched') await engine.compactions!.major(store)
      }
      const ours = (await node.hexRows('DESCRIBE SCHEMA')).map((row) => row.map((value) => value!))
      const written = /untouched|counts|indexed|renamed/
      const kept = answers.filter(([question]) => !written.test(question))
      const mine: [string, HexRow[]][] = []
      for (const table of ['shop.untouched', 'shop.counts', 'later.indexed', 'shop.ours', 'shop.renamed']) {
        mine.push([`SELECT * FROM ${table}`, await node.hexRows(`SELECT * FROM ${table}`)])
      }
      await engine.drain()
      await node.stop()
      expect(readdirSync(join(directory, 'commitlog')).filter(isOwn)).toEqual([])

      // Files of version oa, and with UUIDs in their names, that are left, of views and indexes.
      startOn(directory, version === 'oa' ? SETTINGS_OF_OA : [])
      const server = await Server.connect(ADDRESS, 9042)
      try {
        for (const [question, values, rows] of kept) {
          expect([question, values, await ask(server, question, values)]).toEqual([question, values, rows])
        }
        expect(kept.length).toBeGreaterThan(180)
        for (const [question, rows] of mine)
          expect([question, await ask(server, question)]).toEqual([question, rows])
        const theirs = await ask(server, 'DESCRIBE SCHEMA')
        const isTable = ([, type]: HexRow) => type !== hex('table')
        expect(theirs.filter(isTable).length).toBe(described.filter(([, type]) => type !== 'table').length)
        for (const row of ours.filter((one) => one[2] !== hex('masked'))) expect(theirs).toContainEqual(row)
        const columns = 'host_id, cluster_name, data_center, rack, tokens'
        expect(await ask(server, `SELECT ${columns} FROM system.local`)).toEqual([local])
        for (const [where, ids] of [
          ['a = 70', [7]],
          ['a = 10', []],
          ['a = 11', [1]],
          ["s CONTAINS 'ours'", [7]],
          ["b = 'ours'", [7]],
          ["b = 'bee'", []],
          ["b = 'changed'", [1]],
        ] as const) {
          const found = await ask(server, `SELECT id FROM later.indexed WHERE ${where}`)
          expect([where, found.map(([id]) => Number.parseInt(id!, 16))]).toEqual([where, ids])
        }
      } finally {
        server.close()
      }
      const log = readFileSync(LOG, 'utf8')
      expect(
        log
          .split('\n')
          .filter((line) => /^(ERROR|WARN).*(Corrupt|commit log|CommitLog|Commitlog)/.test(line)),
      ).toEqual([])
    } finally {
      spawnSync(ORACLE, ['--name', NAME, 'stop'])
      remove(directory)
    }
  }, 240_000)

  test.each([
    'stopped',
    'killed',
  ])('a directory that was not drained, %s: Cassandra does not start, and nothing is lost', async (how) => {
    const directory = unpack('nb')
    try {
      const node = await ForeignNode.start(directory)
      await node.run("INSERT INTO shop.untouched (p, v) VALUES (1, 'in the log')")
      if (how === 'stopped') await node.stop()
      const logs = readdirSync(join(directory, 'commitlog')).filter(isOwn).sort()
      expect(() => startOn(directory)).toThrow()
      const log = readFileSync(LOG, 'utf8')
      expect(log).toMatch(/Could not read commit log descriptor in file \S+CommitLog-1-0\.log/)
      expect(readdirSync(join(DATA, 'commitlog')).filter(isOwn).sort()).toEqual(logs)
      if (how === 'killed') await node.stop()
    } finally {
      spawnSync(ORACLE, ['--name', NAME, 'stop'])
      remove(directory)
    }
  }, 240_000)
})
