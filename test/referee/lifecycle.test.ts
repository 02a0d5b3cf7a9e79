import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Server } from '../../compat-tests/differential/server.ts'
import { createNodeDisk } from '../../src/io/node-disk.ts'
import { unlinkIfThere } from '../../src/storage/lifecycle/delete-files.ts'
import { listSSTables } from '../../src/storage/lifecycle/directories.ts'
import { LogTransaction } from '../../src/storage/lifecycle/log-transaction.ts'
import { recoverTransactions } from '../../src/storage/lifecycle/recovery.ts'
import { clearSnapshots, listSnapshots } from '../../src/storage/lifecycle/snapshots.ts'
import type { Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { isOracleHere } from './oracle.ts'

/**
 * Directories that we left in the middle of a transaction, opened by an Apache Cassandra, and one that it left when it was
 * killed in the middle of a compaction. Where the oracle kit is and LIFECYCLE=1 says so: it takes a minute.
 */

const ORACLE = fileURLToPath(new URL('../../../shared/oracle/cassandra', import.meta.url))
const NAME = 'lifecycle'
const SHAPE = ['--ip-prefix', '127.0.0.7', '--set', 'compaction_throughput=1MiB/s']
const FILES = [
  'CompressionInfo.db',
  'Data.db',
  'Digest.crc32',
  'Filter.db',
  'Index.db',
  'Statistics.db',
  'Summary.db',
]
const ADDRESS = '127.0.0.71'
const ROWS = 700
const ID = '4aef0d10-c5f1-11ef-8b0e-35d1d1d2a1f5'
const disk = createNodeDisk()

function cassandra(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(ORACLE, ['--name', NAME, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cassandra ${args.join(' ')}: ${stderr}${stdout}`)
  return stdout
}

/** Runs statements one after another; resolves to the last answer's rows. */
async function cql(...statements: readonly string[]): Promise<unknown> {
  const server = await Server.connect(ADDRESS, 9042)
  try {
    let rows: unknown = null
    for (const text of statements) {
      const answer = await server.query(text)
      if (answer['kind'] === 'error' || answer['code'] !== undefined) throw new Error(JSON.stringify(answer))
      rows = answer['rows']
    }
    return rows
  } finally {
    server.close()
  }
}

/** How many rows are found, and the sum of a column. */
async function rows(): Promise<string> {
  return JSON.stringify(await cql('SELECT count(*), sum(c), sum(k) FROM lc.t'))
}

const home = process.env['CASSANDRA_ORACLE_HOME'] ?? join(homedir(), '.cache', 'cassandra-oracle')
const data = join(home, 'clusters', NAME, 'node1', 'data', 'data')

describe.skipIf(!isOracleHere() || process.env['LIFECYCLE'] !== '1')(
  'transactions before Apache Cassandra',
  () => {
    let directory: string
    let expected: string
    const sstable = (id: string): Descriptor => ({ directory, version: 'nb', id, format: 'big' })
    const idsOf = (): string[] =>
      listSSTables(disk, directory).sstables.map(({ descriptor }) => descriptor.id)
    const logs = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.log'))

    /** Brings the files of a snapshot back, and nothing else. */
    function layOut(...snapshots: string[]): void {
      for (const name of readdirSync(directory)) if (name !== 'snapshots') rmSync(join(directory, name))
      for (const snapshot of snapshots) {
        const from = join(directory, 'snapshots', snapshot)
        for (const name of readdirSync(from).filter((file) => file.startsWith('nb-'))) {
          cpSync(join(from, name), join(directory, name), { preserveTimestamps: true })
        }
      }
    }

    async function insert(round: number): Promise<void> {
      const statements = Array.from({ length: ROWS }, (_, k) => {
        const value = Buffer.from(new Float64Array(400).map(() => Math.random()).buffer).toString('hex')
        return `INSERT INTO lc.t (k, c, v) VALUES (${k}, ${round}, 0x${value})`
      })
      await cql(...statements)
      cassandra('nodetool', 'flush', 'lc', 't')
    }

    beforeAll(async () => {
      spawnSync(ORACLE, ['--name', NAME, 'stop', '--wipe'])
      cassandra('start', '--fresh', ...SHAPE)
      await cql(
        "CREATE KEYSPACE lc WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE lc.t (k int, c int, v blob, PRIMARY KEY (k, c)) WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}",
      )
      directory = join(data, 'lc', readdirSync(join(data, 'lc')).find((name) => name.startsWith('t-'))!)
      await insert(1)
      await insert(2)
      cassandra('nodetool', 'snapshot', '-t', 'old', 'lc')
      expected = await rows()
      cassandra('nodetool', 'compact', 'lc', 't')
      cassandra('nodetool', 'snapshot', '-t', 'new', 'lc')
    }, 600_000)

    afterAll(() => {
      spawnSync(ORACLE, ['--name', NAME, 'stop', '--wipe'])
    })

    test('a compaction that did not end', { timeout: 600_000 }, async () => {
      cassandra('stop')
      layOut('old', 'new')
      const whole = readdirSync(directory).filter((name) => name.startsWith('nb-3-'))
      expect(whole.length).toBe(FILES.length + 1)
      for (const name of whole) {
        if (/-(Data|Index)\.db$/.test(name)) truncateSync(join(directory, name), 1000)
        else rmSync(join(directory, name))
      }
      const transaction = LogTransaction.begin(disk, directory, 'compaction', ID)
      transaction.trackNew(sstable('3'))
      transaction.trackObsolete(sstable('1'), sstable('2'))
      const final = cassandra('sstableutil', '-t', 'final', 'lc', 't')
      expect(final).toContain('nb-1-big-Data.db')
      expect(final).not.toContain('nb-3-big')
      expect(cassandra('sstableutil', '-t', 'tmp', 'lc', 't')).toContain('nb-3-big-Data.db')
      expect(cassandra('sstableutil', '-o', 'lc', 't')).toContain(transaction.path)
      cassandra('start', ...SHAPE)
      expect(await rows()).toBe(expected)
      expect({ ids: idsOf(), logs: logs() }).toEqual({ ids: ['1', '2'], logs: [] })
    })

    test('one that had been committed, between two deletions', { timeout: 600_000 }, async () => {
      cassandra('stop')
      layOut('old', 'new')
      const transaction = LogTransaction.begin(disk, directory, 'compaction', ID)
      transaction.trackNew(sstable('3'))
      transaction.trackObsolete(sstable('1'), sstable('2'))
      transaction.commit()
      for (const file of ['Data.db', 'CompressionInfo.db'])
        unlinkIfThere(disk, `${directory}/nb-1-big-${file}`)
      const final = cassandra('sstableutil', '-t', 'final', 'lc', 't')
      expect(final).toContain('nb-3-big-Data.db')
      expect(final).not.toMatch(/nb-[12]-big/)
      expect(cassandra('sstableutil', '-t', 'tmp', 'lc', 't')).toContain('nb-2-big-Data.db')
      cassandra('start', ...SHAPE)
      expect(await rows()).toBe(expected)
      expect({ ids: idsOf(), logs: logs() }).toEqual({ ids: ['3'], logs: [] })
    })

    test('snapshots are what nodetool says', () => {
      const ours = listSnapshots(disk, data, ['lc'])
      const theirs = cassandra('nodetool', 'listsnapshots')
      expect(ours.map(({ name }) => name)).toEqual(['new', 'old'])
      for (const { name, trueSize, sizeOnDisk, createdAt } of ours) {
        const line = theirs.split('\n').find((text) => text.startsWith(`${name} `))!
        expect(line).toContain(createdAt)
        expect(line).toContain(`${sizeText(trueSize)} `)
        expect(line).toContain(`${sizeText(sizeOnDisk)} `)
      }
    })

    test('a compaction of its own that was killed is undone here', { timeout: 600_000 }, async () => {
      cassandra('stop')
      layOut('old')
      cassandra('start', ...SHAPE)
      const compaction = spawn(ORACLE, ['--name', NAME, 'nodetool', 'compact', 'lc', 't'], {
        stdio: 'ignore',
      })
      const over = new Promise((resolve) => compaction.once('close', resolve))
      while (logs().length === 0) await sleep(20)
      while (!readdirSync(directory).some((name) => /^nb-[3-9]-big-Data\.db$/.test(name))) await sleep(20)
      await sleep(500)
      cassandra('stop', '--kill')
      await over
      const [log] = logs()
      expect(log).toMatch(/^nb_txn_/)
      const { transactions } = recoverTransactions(disk, directory)
      expect(transactions.map(({ isCommitted }) => isCommitted)).toEqual([false])
      expect(transactions[0]!.removed.length).toBeGreaterThan(0)
      expect({ ids: idsOf(), logs: logs() }).toEqual({ ids: ['1', '2'], logs: [] })
      cassandra('start', ...SHAPE)
      expect(await rows()).toBe(expected)
      expect(clearSnapshots(disk, data, { name: 'new' }).length).toBe(1)
      expect(existsSync(join(directory, 'snapshots', 'new'))).toBe(false)
      expect(cassandra('nodetool', 'listsnapshots')).not.toMatch(/^new /m)
    })
  },
)

/** `FileUtils.stringifyFileSize`. */
function sizeText(bytes: number): string {
  const kib = bytes / 1024
  return kib < 1024 ? `${kib.toFixed(2)} KiB` : `${(kib / 1024).toFixed(2)} MiB`
}
