import { expect, test } from 'vitest'
import { murmur3Token } from '../../src/common/murmur3.ts'
import type { Disk, DiskFile } from '../../src/io/disk.ts'
import { compare64 } from '../../src/model/row-format.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { READ_AHEAD_BYTES } from '../../src/storage/compaction/compaction-task.ts'
import type { Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import type { StorageTask } from '../../src/storage/tasks/storage-task.ts'
import { UNFILTERED_END } from '../../src/storage/unfiltered.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { memtableOf, tableWith } from './memtables.ts'
import { HOST_ID, Rewriter } from './rewriter.ts'

function* manyRows(
  partitions: number,
  rows: number,
  text: string,
): Generator<[number, number, string, number]> {
  for (let p = 0; p < partitions; p++) for (let c = 0; c < rows; c++) yield [p, c, text, p + c + 1]
}

/** A disk that knows which of its files are open, and fails from the n-th call on. */
class WatchedDisk {
  readonly open = new Set<string>()
  readonly disk: Disk
  callsLeft = Number.POSITIVE_INFINITY
  reads = 0

  constructor() {
    const inner = new SimDisk(new SimRandom(1)).attach(new SimTimers(new SimClock()))
    const use = (): void => {
      if (--this.callsLeft < 0)
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    }
    const watch = (file: DiskFile): DiskFile =>
      new Proxy(file, {
        get: (target, name: keyof DiskFile) => {
          const value = target[name]
          if (typeof value !== 'function') return value
          return (...args: never[]) => {
            if (name === 'closeSync') this.open.delete(target.path)
            else if (name === 'writeSync' || name === 'fsyncSync') use()
            else if (name === 'readSync') this.reads++
            return (value as (...args: never[]) => unknown).apply(target, args)
          }
        },
      })
    this.disk = new Proxy(inner, {
      get: (target, name: keyof Disk) => {
        if (name === 'openSync') {
          return (path: string, mode: 'read') => {
            if (mode !== 'read') use()
            const file = watch(target.openSync(path, mode))
            this.open.add(path)
            return file
          }
        }
        const value = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

function rowsOf(disk: Disk, table: TableMetadata, descriptors: readonly Descriptor[]): number {
  let rows = 0
  for (const descriptor of descriptors) {
    const sstable = SSTable.open(disk, descriptor, table)
    const scan = sstable.scan()
    while (scan.nextPartition()) while (scan.next() !== UNFILTERED_END) rows++
    sstable.close()
  }
  return rows
}

test('of a memtable without rows there is no SSTable', () => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  expect(rewriter.run(rewriter.flushTask(memtableOf(table, []), table))).toEqual([])
  expect(rewriter.announced).toEqual([])
  expect(disk.readdirSync('/data/ks/t')).toEqual([])
})

test('rows that were dropped with their column leave nothing', () => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  const { id } = table.regulars[0]!
  const dropTimes = []
  dropTimes[id] = { hi: 0, lo: 5 }
  const altered = { ...table, dropTimes }
  const memtable = memtableOf(table, [
    [1, 1, 'old', 5],
    [1, 2, 'new', 6],
  ])
  const [written] = rewriter.run(rewriter.flushTask(memtable, altered))
  const sstable = SSTable.open(disk, written!, table)
  // The row itself is there, its cell is gone.
  expect(sstable.statistics.stats).toMatchObject({ totalRows: 2n, totalColumnsSet: 1n })
  sstable.close()
})

test.each([
  ['LZ4Compressor', [], 'LZ4Compressor', 16],
  ['LZ4Compressor', [['lz4_compressor_type', 'high']], 'LZ4Compressor', 64],
  ['SnappyCompressor', [], 'SnappyCompressor', 64],
  ['DeflateCompressor', [], 'DeflateCompressor', 64],
  ['ZstdCompressor', [['compression_level', '5']], 'ZstdCompressor', 64],
  ['NoopCompressor', [], 'NoopCompressor', 64],
] as const)('flushes are fast, compactions as the table says: %s %s', (name, options, compacted, chunkKb) => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const isFast =
    ['LZ4Compressor', 'SnappyCompressor', 'NoopCompressor'].includes(name) && options.length === 0
  const compression = new Map<string, string>([
    ['class', `org.apache.cassandra.io.compress.${name}`],
    ['chunk_length_in_kb', String(chunkKb)],
    ['min_compress_ratio', '1.1'],
    ...options,
  ])
  const table = tableWith({ compression })
  const flushed = rewriter.run(rewriter.flushTask(memtableOf(table, manyRows(2, 3, 'x')), table))
  const written = rewriter.run(rewriter.compactionTask(table, flushed))
  const compressionOf = ([descriptor]: readonly Descriptor[]) => {
    const sstable = SSTable.open(disk, descriptor!, table)
    sstable.close()
    return sstable.compression
  }
  expect(compressionOf(flushed)).toMatchObject(
    isFast
      ? { compressor: name, chunkLength: chunkKb * 1024 }
      : { compressor: 'LZ4Compressor', chunkLength: 16 * 1024, maxCompressedLength: 0x7fffffff },
  )
  expect(compressionOf(written)).toMatchObject({
    compressor: compacted,
    chunkLength: chunkKb * 1024,
    maxCompressedLength: Math.ceil((chunkKb * 1024) / 1.1),
    options: new Map(options as readonly [string, string][]),
  })
  expect(rowsOf(disk, table, written)).toBe(6)
})

test('an SSTable says where the commit log had it, whose node it is of, and its level', () => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  const flush = (from: number, to: number, hostId = HOST_ID): readonly Descriptor[] =>
    rewriter.run(
      rewriter.flushTask(memtableOf(table, manyRows(2, 3, 'x')), table, {
        commitLogIntervals: [{ start: { segmentId: 1, offset: from }, end: { segmentId: 1, offset: to } }],
        hostId,
      }),
    )
  const other = '99999999-2222-3333-4444-555555555555'
  const inputs = [...flush(0, 10), ...flush(10, 30), ...flush(50, 60), ...flush(0, 1000, other)]
  const [written] = rewriter.run(rewriter.compactionTask(table, inputs, { level: 3 }))
  const sstable = SSTable.open(disk, written!, table)
  const at = (position: number) => ({ segmentId: 1n, position })
  expect(sstable.statistics.stats).toMatchObject({
    level: 3,
    repairedAt: 0n,
    commitLogIntervals: [
      [at(0), at(30)],
      [at(50), at(60)],
    ],
  })
  expect(Buffer.from(sstable.statistics.stats.originatingHostId!).toString('hex')).toBe(
    HOST_ID.replaceAll('-', ''),
  )
  sstable.close()
})

test('one large partition is written in many steps', () => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  const flushed = rewriter.run(
    rewriter.flushTask(memtableOf(table, manyRows(1, 20_000, 'x'.repeat(200))), table),
  )
  expect(rewriter.steps).toBeGreaterThan(40)
  rewriter.steps = 0
  const written = rewriter.run(rewriter.compactionTask(table, flushed))
  expect(rewriter.steps).toBeGreaterThan(20)
  expect(rowsOf(disk, table, written)).toBe(20_000)
})

test('what is written is cut between partitions, and levels are filled one after another', () => {
  const { disk } = new WatchedDisk()
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith({ compression: new Map([['enabled', 'false']]) })
  const flushed = rewriter.run(
    rewriter.flushTask(memtableOf(table, manyRows(3000, 1, 'x'.repeat(1000))), table),
  )
  const maxSSTableBytes = 100_000
  const compact = (split: { kind: 'levels'; fanout: number } | null): SSTable[] => {
    const task = rewriter.compactionTask(table, flushed, { maxSSTableBytes, level: 1, split })
    return rewriter.run(task).map((descriptor) => SSTable.open(disk, descriptor, table))
  }
  const sstables = compact(null)
  expect(sstables.length).toBeGreaterThan(15)
  let rows = 0
  let before = new Int32Array([-0x80000000, 0])
  sstables.forEach(({ onDiskLength, statistics, summary, filter }, i) => {
    // What is not yet a whole stretch of the file does not count.
    if (i < sstables.length - 1) expect(onDiskLength).toBeGreaterThan(maxSSTableBytes)
    expect(onDiskLength).toBeLessThan(maxSSTableBytes + 140_000)
    expect(statistics.stats.level).toBe(1)
    expect(filter!.bytes.length).toBeLessThan(600)
    rows += Number(statistics.stats.totalRows)
    const [first, last] = [new Int32Array(2), new Int32Array(2)]
    murmur3Token(summary.firstKey, 0, 4, first)
    murmur3Token(summary.lastKey, 0, 4, last)
    expect(compare64(first[0]!, first[1]!, before[0]!, before[1]!)).toBeGreaterThan(0)
    before = last
  })
  expect(rows).toBe(3000)
  const levels = compact({ kind: 'levels', fanout: 4 }).map(({ statistics }) => statistics.stats.level)
  expect(levels).toEqual(levels.toSorted())
  expect(new Set(levels)).toEqual(new Set([1, 2, 3]))
})

test('inputs are read in large pieces', () => {
  const watched = new WatchedDisk()
  const { disk } = watched
  const rewriter = new Rewriter(disk, '/data/ks/t')
  const table = tableWith()
  const flushed = rewriter.run(
    rewriter.flushTask(memtableOf(table, manyRows(20_000, 1, 'x'.repeat(100))), table),
  )
  const reads = (readAhead: number): number => {
    watched.reads = 0
    rewriter.run(rewriter.compactionTask(table, flushed, {}, readAhead))
    return watched.reads
  }
  expect(reads(READ_AHEAD_BYTES) * 3).toBeLessThan(reads(0))
})

test('wherever a task fails, or is given up, no file stays open', () => {
  const table = tableWith({ bloomFilterFpChance: 0.1 })
  const flushed = (watched: WatchedDisk) => {
    const rewriter = new Rewriter(watched.disk, '/data/ks/t')
    const inputs = [0, 1].flatMap(() =>
      rewriter.run(rewriter.flushTask(memtableOf(table, manyRows(3, 100, 'x'.repeat(200))), table)),
    )
    return { rewriter, inputs }
  }
  const tasks: ((watched: WatchedDisk) => StorageTask)[] = [
    (watched) =>
      flushed(watched).rewriter.flushTask(memtableOf(table, manyRows(5, 100, 'y'.repeat(300))), table),
    (watched) => {
      const { rewriter, inputs } = flushed(watched)
      return rewriter.compactionTask(table, inputs, { maxSSTableBytes: 1 })
    },
  ]
  let failures = 0
  for (const make of tasks) {
    for (let calls = 0; ; calls++) {
      const watched = new WatchedDisk()
      const task = make(watched)
      watched.callsLeft = calls
      try {
        while (task.step());
        break
      } catch (error) {
        expect((error as { code?: string }).code).toBe('ENOSPC')
        failures++
        task.abort()
        task.abort()
        expect([...watched.open], `after ${calls} calls`).toEqual([])
      }
    }
    const watched = new WatchedDisk()
    const task = make(watched)
    for (let i = 0; i < 5; i++) task.step()
    task.abort()
    expect([...watched.open]).toEqual([])
  }
  expect(failures).toBeGreaterThan(40)
})
