import { ALL_ROWS } from '../../src/model/clustering.ts'
import { FULL_RING, type ReadCommand } from '../../src/model/read-command.ts'
import type { DropTime, TableMetadata } from '../../src/model/table.ts'
import { LiveSSTable } from '../../src/storage/live-sstable.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MemtableReader } from '../../src/storage/memtable/memtable-reader.ts'
import { MemtableScan } from '../../src/storage/memtable/memtable-source.ts'
import { MergedReader } from '../../src/storage/merged-reader.ts'
import type { Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { HeaderCollector } from '../../src/storage/sstable/header-component.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { TableTracker } from '../../src/storage/table-view.ts'
import { MOMENTS, RandomWrites, randomTable } from '../merge/random-writes.ts'
import { applyTo } from '../merge/tables.ts'
import { contentOf, type PartitionContent } from '../merge/workload.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { Rewriter } from './rewriter.ts'
import { checkWellFormed } from './well-formed.ts'

/**
 * Random writes, flushed and compacted in random groups at random moments, with tombstones purged: from those moments on
 * whatever is read is what one memtable with all the writes has.
 */

export interface RewriteCoverage {
  flushes: number
  empty: number
  compactions: number
  /** Compactions of which nothing was left, and those that wrote several SSTables. */
  vanished: number
  split: number
  reads: number
  rows: number
  /** Bytes of Data.db before and after compactions. */
  bytesBefore: number
  bytesAfter: number
  tombstonesBefore: number
  tombstonesAfter: number
  dropped: number
}

const COMPRESSIONS: readonly (readonly [string, string][])[] = [
  [['enabled', 'false']],
  [
    ['class', 'org.apache.cassandra.io.compress.LZ4Compressor'],
    ['chunk_length_in_kb', '4'],
  ],
  [
    ['class', 'SnappyCompressor'],
    ['chunk_length_in_kb', '16'],
    ['min_compress_ratio', '1.1'],
  ],
  [
    ['class', 'DeflateCompressor'],
    ['chunk_length_in_kb', '4'],
  ],
  [
    ['class', 'ZstdCompressor'],
    ['chunk_length_in_kb', '4'],
    ['compression_level', '1'],
  ],
]

/** A column is dropped and added again: what is older is gone. */
function withDrop(random: SimRandom, table: TableMetadata, hi: number): TableMetadata {
  const column = random.pick([...table.statics, ...table.regulars])
  const lo = random.below(20)
  const dropTimes: (DropTime | undefined)[] = []
  dropTimes[column.id] = { hi, lo }
  const droppedTimeMicros = BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo))
  const kind = column.kind === 'static' ? 'static' : 'regular'
  const dropped = new Map([[column.name, { ...column, kind, droppedTimeMicros } as const]])
  return { ...table, dropTimes, dropped }
}

class Workload {
  readonly #random: SimRandom
  readonly #coverage: RewriteCoverage
  #table: TableMetadata
  readonly #writes: RandomWrites
  readonly #whole: Memtable
  readonly #rewriter: Rewriter
  readonly #tracker: TableTracker
  #now = 0

  constructor(seed: number, coverage: RewriteCoverage) {
    const random = new SimRandom(seed)
    this.#random = random
    this.#coverage = coverage
    const table = randomTable(random)
    const params = {
      ...table.params,
      compression: new Map(random.pick(COMPRESSIONS)),
      bloomFilterFpChance: random.pick([0.01, 0.3, 1]),
      minIndexInterval: random.pick([1, 128]),
    }
    this.#table = { ...table, params }
    this.#writes = new RandomWrites(random, this.#table)
    this.#writes.expiresByTimestamp = true
    this.#whole = this.#memtable()
    const disk = new SimDisk(new SimRandom(seed)).attach(new SimTimers(new SimClock()))
    this.#rewriter = new Rewriter(disk, '/data/ks/t')
    this.#rewriter.columnIndexSizeBytes = random.pick([100, 1000, 65_536])
    this.#tracker = new TableTracker(this.#memtable(), [], () => undefined)
  }

  #memtable(): Memtable {
    return new Memtable(this.#table, () => undefined)
  }

  run(): void {
    const random = this.#random
    const stores = 1 + random.below(7)
    const memtables = [this.#tracker.view.memtables[0]!]
    for (let i = 1; i < stores; i++) {
      const memtable = this.#memtable()
      this.#tracker.switchMemtable(memtable)
      memtables.push(memtable)
    }
    const writes = random.pick([3, 30, 150])
    this.#writes.isOrdered = random.chance(0.5)
    for (let i = 0; i < writes; i++) {
      const mutation = this.#writes.next()
      applyTo(this.#whole, mutation)
      applyTo(
        this.#writes.isOrdered ? memtables[Math.floor((i * stores) / writes)]! : random.pick(memtables),
        mutation,
      )
    }
    if (random.chance(0.15) && !this.#table.isCounter) this.#drop()
    for (const memtable of memtables) {
      if (memtable !== this.#tracker.view.memtables[0] && random.chance(0.85)) this.#flush(memtable)
    }
    this.#check('flushed')
    for (let i = random.below(5); i >= 0; i--) this.#compact()
    this.#tracker.close()
  }

  #drop(): void {
    this.#coverage.dropped++
    this.#table = withDrop(this.#random, this.#table, this.#writes.hi)
    this.#whole.setTable(this.#table)
    this.#tracker.setTable(this.#table)
  }

  #open(descriptors: readonly Descriptor[]): LiveSSTable[] {
    for (const descriptor of descriptors) {
      const sstable = SSTable.open(this.#rewriter.disk, descriptor, this.#table)
      checkWellFormed(sstable)
      sstable.close()
    }
    return descriptors.map(
      (descriptor) =>
        new LiveSSTable(SSTable.open(this.#rewriter.disk, descriptor, this.#table), {
          chunks: null,
          keys: null,
        }),
    )
  }

  #flush(memtable: Memtable): void {
    this.#coverage.flushes++
    const written = this.#open(this.#rewriter.run(this.#rewriter.flushTask(memtable, this.#table)))
    if (written.length === 0) this.#coverage.empty++
    this.#tracker.flushed(memtable, written)
  }

  #minTimestamp(): bigint | null {
    const collector = new HeaderCollector()
    for (const memtable of this.#tracker.view.memtables) {
      for (const scan = new MemtableScan(memtable); scan.nextPartition(); ) collector.partition(scan)
    }
    return collector.partitions === 0 ? null : collector.component(this.#table).minTimestamp
  }

  #compact(): void {
    const random = this.#random
    const coverage = this.#coverage
    const { sstables } = this.#tracker.view
    const isMajor = random.chance(0.3)
    const chosen = sstables.filter(() => isMajor || random.chance(0.6))
    if (chosen.length === 0) return
    coverage.compactions++
    this.#now = Math.max(this.#now, random.pick(MOMENTS) + random.below(5))
    const gcBeforeSeconds = this.#table.isCounter ? 0 : random.pick([0, this.#now - 3, this.#now, this.#now])
    const descriptors = (all: readonly LiveSSTable[]) => all.map(({ sstable }) => sstable.descriptor)
    const maxSSTableBytes = random.chance(0.3) ? random.pick([1, 300, 5000]) : null
    const task = this.#rewriter.compactionTask(this.#table, descriptors(chosen), {
      others: descriptors(sstables.filter((sstable) => !chosen.includes(sstable))),
      memtableMinTimestamp: this.#minTimestamp(),
      gcBeforeSeconds,
      nowSeconds: this.#now,
      maxSSTableBytes,
      level: maxSSTableBytes === null ? 0 : 1,
    })
    const written = this.#open(this.#rewriter.run(task))
    if (written.length === 0) coverage.vanished++
    if (written.length > 1) coverage.split++
    for (const { sstable } of chosen) {
      coverage.bytesBefore += sstable.dataLength
      for (const [, count] of sstable.statistics.stats.tombstoneDropTimes) coverage.tombstonesBefore += count
    }
    for (const { sstable } of written) {
      coverage.bytesAfter += sstable.dataLength
      for (const [, count] of sstable.statistics.stats.tombstoneDropTimes) coverage.tombstonesAfter += count
    }
    this.#tracker.replace(chosen, written)
    this.#check({ gcBeforeSeconds, now: this.#now, isMajor })
  }

  #check(what: unknown): void {
    const moments = MOMENTS.flatMap((moment) => [moment, moment + 1, moment + 3]).filter(
      (at) => at >= this.#now,
    )
    const command: ReadCommand = {
      table: this.#table,
      keys: null,
      range: FULL_RING,
      slices: ALL_ROWS,
      reversed: false,
      queried: null,
    }
    const memtableReader = new MemtableReader(() => undefined)
    memtableReader.open(this.#whole, command)
    const expected = contentOf(memtableReader, command, undefined, moments)
    memtableReader.close()
    const reader = new MergedReader(() => undefined)
    reader.open(this.#tracker.view, command)
    const found = contentOf(reader, command, undefined, moments)
    reader.close()
    this.#coverage.reads++
    this.#compare(expected, found, what)
  }

  #compare(expected: readonly PartitionContent[], found: readonly PartitionContent[], what: unknown): void {
    for (const { rows } of expected) this.#coverage.rows += rows.length
    for (let i = 0; i < Math.max(expected.length, found.length); i++) {
      const a = JSON.stringify(expected[i] ?? null, null, 1)
      const b = JSON.stringify(found[i] ?? null, null, 1)
      if (a !== b) throw new Error(`${JSON.stringify(what)}\nexpected ${a}\nfound ${b}`)
    }
  }
}

export function runRewriteWorkload(seed: number, coverage: RewriteCoverage): void {
  new Workload(seed, coverage).run()
}
