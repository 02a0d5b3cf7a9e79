import { beforeEach, describe, expect, test } from 'vitest'
import { SimClock, SimTimers } from '../../../test/sim/sim-clock.ts'
import { SimDisk } from '../../../test/sim/sim-disk.ts'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { utf8Text } from '../../common/bytes.ts'
import { type Disk, writeFullySync } from '../../io/disk.ts'
import type { Descriptor } from '../sstable/descriptor.ts'
import { listSSTables } from './directories.ts'
import { parseRecord, recordText } from './log-record.ts'
import { LogTransaction } from './log-transaction.ts'
import { recoverTransactions, WrongDiskStateError } from './recovery.ts'

const DIRECTORY = '/data/ks/t-5a1c395eb41f11edb1ab1d3dbd0a2e0b'
const ID = '4aef0d10-c5f1-11ef-8b0e-35d1d1d2a1f5'
const FILES = ['Data.db', 'Index.db', 'Statistics.db', 'Summary.db']

let sim: SimDisk
let disk: Disk

beforeEach(() => {
  sim = new SimDisk(new SimRandom(7))
  disk = sim.attach(new SimTimers(new SimClock()))
  disk.mkdirpSync(DIRECTORY)
})

function sstable(id: string): Descriptor {
  return { directory: DIRECTORY, version: 'nb', id, format: 'big' }
}

function write(id: string): void {
  for (const component of FILES) {
    const file = disk.openSync(`${DIRECTORY}/nb-${id}-big-${component}`, 'create')
    writeFullySync(file, Buffer.from('content'), 0, 7, 0)
    file.fsyncSync()
    file.closeSync()
  }
}

function ids(): string[] {
  return listSSTables(disk, DIRECTORY).sstables.map(({ descriptor }) => descriptor.id)
}

function codeOf(work: () => void): string | undefined {
  try {
    work()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

/** Lines that Apache Cassandra 5.0.6 wrote. */
const CASSANDRA = [
  'ADD:[/tmp/lifecycle/w/a/nb-2-big-,0,8][1025569291]',
  'REMOVE:[/tmp/lifecycle/w/a/nb-1-big-,1795259270650,3][2306371100]',
  'COMMIT:[,0,0][2613697770]',
  'ABORT:[,0,0][737437348]',
]

describe('records', () => {
  test.each(CASSANDRA)('%s', (line) => {
    const { record, error } = parseRecord(line)
    expect(error).toBeNull()
    expect(recordText(record!)).toBe(line)
  })

  test('what is cut or changed is none', () => {
    for (const line of CASSANDRA) {
      for (let i = 0; i < line.length; i++) expect(parseRecord(line.slice(0, i)).error).not.toBeNull()
    }
    expect(parseRecord(CASSANDRA[2]!.replace('0,0', '0,1')).error).toBeNull()
    expect(parseRecord(CASSANDRA[1]!.replace(',3]', ',4]')).error).toMatch(
      /^Invalid checksum for sstable \[nb-1-big-\]/,
    )
  })

  test('a path with a comma is read', () => {
    const record = { type: 'ADD', path: '/data,1/nb-1-big-', updateTimeMs: 0, numFiles: 8 } as const
    expect(parseRecord(recordText(record))).toMatchObject({ record, error: null })
  })
})

describe('a transaction', () => {
  test('has no file before its first record, and none at the end', () => {
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'flush', ID)
    expect(transaction.path).toBe(`${DIRECTORY}/nb_txn_flush_${ID}.log`)
    expect(disk.existsSync(transaction.path)).toBe(false)
    LogTransaction.open(disk, transaction.path).trackNew(sstable('1'))
    expect(utf8Text(disk.readFileSync(transaction.path))).toMatch(/^ADD:\[.*nb-1-big-,0,8\]\[\d+\]\n$/)
    write('1')
    expect(ids()).toEqual([])
    transaction.commit()
    expect(transaction.isFinished).toBe(true)
    expect(disk.existsSync(transaction.path)).toBe(false)
    expect(ids()).toEqual(['1'])
    expect(() => transaction.abort()).toThrow('Attempted to abort a committed operation')
    expect(() => transaction.trackNew(sstable('2'))).toThrow('is committed')
  })

  test('without records does nothing', () => {
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'flush', ID)
    transaction.commit()
    expect(transaction.isFinished).toBe(true)
    const other = LogTransaction.begin(disk, DIRECTORY, 'flush', ID)
    other.abort()
    other.abort()
    expect(other.isFinished).toBe(true)
    expect(disk.readdirSync(DIRECTORY)).toEqual([])
  })

  test('removes old SSTables as they are released', () => {
    for (const id of ['1', '2', '3']) write(id)
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
    transaction.trackNew(sstable('4'))
    expect(() => transaction.trackNew(sstable('4'))).toThrow('Record already exists')
    write('4')
    transaction.trackObsolete(sstable('1'), sstable('2'))
    transaction.release(sstable('2'))
    transaction.commit()
    const names = disk.readdirSync(DIRECTORY)
    expect(names.some((name) => name.startsWith('nb-1-'))).toBe(true)
    expect(names.some((name) => name.startsWith('nb-2-'))).toBe(false)
    expect(transaction.isFinished).toBe(false)
    transaction.release(sstable('1'))
    expect(transaction.isFinished).toBe(true)
    expect(ids()).toEqual(['3', '4'])
  })

  test('a record that cannot be written is taken back, and the transaction can be aborted', () => {
    write('1')
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
    transaction.trackNew(sstable('2'))
    write('2')
    transaction.trackObsolete(sstable('1'))
    sim.faults.push({ operation: 'write', code: 'ENOSPC', after: 0, times: 1 })
    expect(codeOf(() => transaction.commit())).toBe('ENOSPC')
    expect(transaction.state).toBe('open')
    sim.faults.length = 0
    sim.faults.push({ operation: 'write', code: 'ENOSPC', after: 0 })
    transaction.abort()
    expect(transaction.isFinished).toBe(true)
    expect(ids()).toEqual(['1'])
    expect(recoverTransactions(disk, DIRECTORY).transactions).toEqual([])
  })

  test('a COMMIT that may be there or not leaves all files', () => {
    write('1')
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
    transaction.trackNew(sstable('2'))
    write('2')
    transaction.trackObsolete(sstable('1'))
    sim.faults.push({ operation: 'fsync', code: 'EIO', after: 0 })
    expect(codeOf(() => transaction.commit())).toBe('EIO')
    expect(transaction.state).toBe('unknown')
    transaction.abort()
    const files = disk.readdirSync(DIRECTORY).filter((name) => name.endsWith('Data.db'))
    expect(files.length).toBe(2)
  })

  test('a file that cannot be removed is tried again', () => {
    write('1')
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'unknowncompactiontype', ID)
    transaction.trackObsolete(sstable('1'))
    transaction.commit()
    sim.faults.push({ operation: 'unlink', code: 'EIO', after: 1, times: 1 })
    transaction.release(sstable('1'))
    expect(transaction.isFinished).toBe(false)
    expect(transaction.failure).toMatchObject({ code: 'EIO' })
    transaction.retry()
    expect(transaction).toMatchObject({ isFinished: true, failure: null })
    expect(disk.readdirSync(DIRECTORY)).toEqual([])
  })
})

describe('recovery', () => {
  test('is nothing where nothing is', () => {
    const nothing = { transactions: [], temporary: [] }
    expect(recoverTransactions(disk, '/data/none')).toEqual(nothing)
    expect(recoverTransactions(disk, DIRECTORY)).toEqual(nothing)
  })

  test('refuses SSTables of the same names that are others', () => {
    write('1')
    const transaction = LogTransaction.begin(disk, DIRECTORY, 'compaction', ID)
    transaction.trackObsolete(sstable('1'))
    transaction.commit()
    for (const component of FILES) disk.unlinkSync(`${DIRECTORY}/nb-1-big-${component}`)
    for (let i = 0; i < 5; i++) sim.tick()
    write('1')
    let error: unknown
    try {
      recoverTransactions(disk, DIRECTORY)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(WrongDiskStateError)
    const { logs, message } = error as WrongDiskStateError
    expect(logs[0]!.path).toBe(transaction.path)
    expect(logs[0]!.reason).toMatch(/^Unexpected files detected for sstable \[nb-1-big-\]/)
    expect(message).toContain(logs[0]!.reason)
    expect(disk.existsSync(`${DIRECTORY}/nb-1-big-Data.db`)).toBe(true)
  })

  test('refuses a log that names SSTables of another directory', () => {
    disk.mkdirpSync('/data2/ks')
    const record = { type: 'ADD', path: '/data2/ks/nb-1-big-', updateTimeMs: 0, numFiles: 8 } as const
    const file = disk.openSync(`${DIRECTORY}/nb_txn_flush_${ID}.log`, 'create')
    const bytes = Buffer.from(`${recordText(record)}\n`)
    writeFullySync(file, bytes, 0, bytes.length, 0)
    file.closeSync()
    expect(() => recoverTransactions(disk, DIRECTORY)).toThrow('is in another directory')
  })
})
