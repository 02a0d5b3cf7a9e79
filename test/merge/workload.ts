import { toHex } from '../../src/common/bytes.ts'
import { ALL_ROWS, clusteringTypes, readClustering } from '../../src/model/clustering.ts'
import { LiveRow } from '../../src/model/live-row.ts'
import {
  FULL_RING,
  type PartitionReader,
  type ReadCommand,
  type TokenRange,
} from '../../src/model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../src/model/table.ts'
import { ChunkCache } from '../../src/storage/cache/chunk-cache.ts'
import { KeyCache } from '../../src/storage/cache/key-cache.ts'
import type { LiveSSTable } from '../../src/storage/live-sstable.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MemtableReader } from '../../src/storage/memtable/memtable-reader.ts'
import { MergedReader } from '../../src/storage/merged-reader.ts'
import { PartitionMerge } from '../../src/storage/partition-merge.ts'
import { compressorOf } from '../../src/storage/sstable/compressors.ts'
import { TableTracker } from '../../src/storage/table-view.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { MOMENTS, RandomWrites, randomTable } from './random-writes.ts'
import { bothStreams } from './streams.ts'
import { applyTo, SSTableFolder, type WriteOptions } from './tables.ts'

/**
 * The same mutations in one memtable, and spread over memtables and SSTables: whatever is read is the same. The
 * spread ones are flushed and compacted while reads of them are suspended.
 */

/** What the seeds reached, to see that they reach it all. */
export interface MergeCoverage {
  reads: number
  rows: number
  sstables: number
  suspends: number
  flushes: number
  compactions: number
  skipped: number
  keyHits: number
  chunkHits: number
}

const live = new LiveRow()

function describeRow(
  reader: PartitionReader,
  columns: readonly ColumnMetadata[],
  command: ReadCommand,
  moment: number,
): string | null {
  live.queried = command.queried ?? null
  live.dropTimes = command.table.dropTimes
  live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, moment)
  if (!live.exists) return null
  const parts: string[] = [live.livenessLive ? 'live' : '-']
  for (const { id, name, type } of columns) {
    if (command.queried != null && !command.queried.has(id)) continue
    const values: string[] = []
    const add = (): void => {
      const { cell, u8 } = live
      const path =
        cell.pathLength < 0 ? '' : toHex(u8.subarray(cell.pathOffset, cell.pathOffset + cell.pathLength))
      const value = toHex(u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength))
      values.push(
        `${path}=${value}@${cell.timestampHi}:${cell.timestampLo}/${cell.ttl}/${cell.localDeletionTime}`,
      )
    }
    if (type.multiCell) {
      live.complex(id)
      while (live.nextCell()) add()
    } else if (live.simple(id)) add()
    if (values.length > 0) parts.push(`${name} ${values.join(' ')}`)
  }
  // A static row of which nothing that is asked for is there need not be found.
  if (columns === command.table.statics && command.queried != null && parts.length === 1) return null
  return parts.join(', ')
}

/** The row at several moments; null where it never is. */
function atAllMoments(
  reader: PartitionReader,
  columns: readonly ColumnMetadata[],
  command: ReadCommand,
  moments: readonly number[],
): readonly (string | null)[] | null {
  const texts = moments.map((moment) => describeRow(reader, columns, command, moment))
  return texts.every((text) => text === null) ? null : texts
}

export interface PartitionContent {
  readonly key: string
  readonly statics: readonly (string | null)[] | null
  readonly rows: (readonly [string, readonly (string | null)[]])[]
}

/** Reads all, as it is at these moments; `between` is called before each row and partition. */
export function contentOf(
  reader: PartitionReader,
  command: ReadCommand,
  between: () => void = () => undefined,
  moments: readonly number[] = MOMENTS,
): PartitionContent[] {
  const { table } = command
  const count = clusteringTypes(table).length
  const partitions: PartitionContent[] = []
  while (reader.nextPartition()) {
    const { keyBytes, keyOffset, keyLength } = reader
    const key = toHex(keyBytes.subarray(keyOffset, keyOffset + keyLength))
    between()
    const statics = reader.staticRow() ? atAllMoments(reader, table.statics, command, moments) : null
    const rows: PartitionContent['rows'] = []
    between()
    while (reader.nextRow()) {
      live.load(reader.row, reader.rowAt, 0, 0, 0)
      const components = readClustering(reader.row, live.clusteringAt, count)
      const texts = atAllMoments(reader, table.regulars, command, moments)
      if (texts !== null) rows.push([components.map(toHex).join('/'), texts])
      between()
    }
    if (statics !== null || rows.length > 0) partitions.push({ key, statics, rows })
  }
  return partitions
}

class Workload {
  readonly #random: SimRandom
  readonly #coverage: MergeCoverage
  readonly #table: TableMetadata
  readonly #writes: RandomWrites
  readonly #whole: Memtable
  readonly #folder: SSTableFolder
  readonly #tracker: TableTracker
  readonly #freed: Memtable[] = []
  readonly #readers: MergedReader[] = []

  constructor(seed: number, coverage: MergeCoverage) {
    const random = new SimRandom(seed)
    this.#random = random
    this.#coverage = coverage
    this.#table = randomTable(random)
    this.#writes = new RandomWrites(random, this.#table)
    this.#whole = this.#memtable()
    const disk = new SimDisk(new SimRandom(seed)).attach(new SimTimers(new SimClock()))
    this.#folder = new SSTableFolder(disk, '/data/ks/t', {
      chunks: random.chance(0.9) ? new ChunkCache(random.pick([1, 2, 64]) * 16 * 1024) : null,
      keys: random.chance(0.9) ? new KeyCache(random.pick([256, 65_536])) : null,
    })
    this.#tracker = new TableTracker(this.#memtable(), [], (memtable) => this.#freed.push(memtable))
  }

  #memtable(): Memtable {
    return new Memtable(this.#table, () => undefined)
  }

  #options(): WriteOptions {
    const random = this.#random
    const chunkLength = random.pick([4096, 16_384, 65_536])
    const compressor = compressorOf('LZ4Compressor')
    return {
      compression: random.chance(0.6)
        ? { compressor, options: new Map(), chunkLength, maxCompressedLength: chunkLength }
        : null,
      columnIndexSizeBytes: random.pick([100, 1000, 65_536]),
      bloomFilterFpChance: random.pick([0.01, 0.3, 1]),
      minIndexInterval: random.pick([1, 4, 128]),
    }
  }

  /** Writes go to several memtables, some of which are flushed. Each mutation is in one or two of them. */
  run(): void {
    const random = this.#random
    const stores = 1 + random.below(random.chance(0.1) ? 30 : 6)
    const memtables = [this.#tracker.view.memtables[0]!]
    for (let i = 1; i < stores; i++) {
      const memtable = this.#memtable()
      this.#tracker.switchMemtable(memtable)
      memtables.push(memtable)
    }
    const writes = random.pick([3, 30, 150])
    const isOrdered = random.chance(0.5)
    this.#writes.isOrdered = isOrdered
    for (let i = 0; i < writes; i++) {
      const mutation = this.#writes.next()
      applyTo(this.#whole, mutation)
      applyTo(isOrdered ? memtables[Math.floor((i * stores) / writes)]! : random.pick(memtables), mutation)
      if (random.chance(0.1)) applyTo(random.pick(memtables), mutation)
    }
    for (const memtable of memtables) {
      if (memtable !== this.#tracker.view.memtables[0] && random.chance(0.8)) this.#flush(memtable)
    }
    this.#coverage.sstables += this.#tracker.view.sstables.length
    for (let i = 0; i < 10; i++) this.#read()
    this.#tracker.close()
    if (this.#folder.closed.length !== this.#written.length) throw new Error('an SSTable was not closed')
    if (new Set(this.#folder.closed).size !== this.#written.length) throw new Error('closed twice')
    const { chunks, keys } = this.#folder.caches
    this.#coverage.chunkHits += chunks?.hits ?? 0
    this.#coverage.keyHits += keys?.hits ?? 0
    if (chunks !== null && chunks.entries !== 0) throw new Error('pages of files that are closed')
  }

  readonly #written: LiveSSTable[] = []

  #flush(memtable: Memtable): void {
    this.#coverage.flushes++
    const sstable = this.#folder.flush(memtable, this.#options(), this.#random.chance(0.3))
    if (sstable !== null) {
      this.#written.push(sstable)
      for (let i = 0; i < 3; i++) {
        const slices = this.#writes.slices()
        const reversed = this.#random.chance(0.5)
        const [expected, found] = bothStreams(memtable, sstable, slices, reversed)
        this.#check(expected, found, { slices, reversed })
      }
    }
    this.#tracker.flushed(memtable, sstable === null ? [] : [sstable])
  }

  /** Merges some SSTables into one. */
  #compact(): void {
    const random = this.#random
    const chosen = this.#tracker.view.sstables.filter(() => random.chance(0.6))
    if (chosen.length < 2) return
    this.#coverage.compactions++
    const open = (): PartitionMerge => {
      const merge = new PartitionMerge()
      merge.begin(
        this.#table,
        chosen.map(({ sstable }) => sstable.scan()),
        false,
      )
      return merge
    }
    const merged = this.#folder.write(this.#table, open, this.#options())!
    this.#written.push(merged)
    this.#tracker.replace(chosen, [merged])
  }

  /** What happens while a read waits. */
  #meanwhile(): void {
    const random = this.#random
    const frozen = this.#tracker.view.memtables.slice(1)
    if (random.chance(0.3) && frozen.length > 0) this.#flush(random.pick(frozen))
    else if (random.chance(0.2)) this.#compact()
    else if (random.chance(0.1)) this.#flush(this.#tracker.switchMemtable(this.#memtable()))
  }

  #command(): ReadCommand {
    const random = this.#random
    const writes = this.#writes
    const table = this.#table
    const slices = random.chance(0.1) ? ALL_ROWS : writes.slices()
    const columns = [...table.statics, ...table.regulars]
    const queried = random.chance(0.5)
      ? new Set(columns.filter(() => random.chance(0.4)).map(({ id }) => id))
      : null
    const base = { table, slices, reversed: random.chance(0.4), queried }
    if (random.chance(0.6)) {
      const keys = Array.from({ length: random.pick([1, 1, 3]) }, () => writes.key())
      return { ...base, keys, range: FULL_RING }
    }
    return { ...base, keys: null, range: this.#range() }
  }

  #range(): TokenRange {
    const random = this.#random
    if (random.chance(0.4)) return FULL_RING
    const [start, end] = [this.#writes.key(), this.#writes.key()].sort(
      (a, b) => a.tokenHi - b.tokenHi || (a.tokenLo >>> 0) - (b.tokenLo >>> 0),
    )
    const isOpen = random.chance(0.2)
    return {
      startHi: start!.tokenHi,
      startLo: start!.tokenLo,
      startInclusive: random.chance(0.5),
      endHi: isOpen ? 0x7fffffff : end!.tokenHi,
      endLo: isOpen ? -1 : end!.tokenLo,
      endInclusive: random.chance(0.5),
      afterKey: random.chance(0.2) ? start!.key : null,
    }
  }

  #readMerged(command: ReadCommand): PartitionContent[] {
    const random = this.#random
    const reader = this.#readers.pop() ?? new MergedReader((done) => this.#readers.push(done))
    reader.open(this.#tracker.view, command)
    const waits = random.chance(0.5) ? 0.1 : 0
    const content = contentOf(reader, command, () => {
      if (!random.chance(waits)) return
      this.#coverage.suspends++
      reader.suspend()
      this.#meanwhile()
    })
    this.#coverage.skipped += this.#tracker.view.sstables.length - reader.sstablesRead
    reader.close()
    return content
  }

  #read(): void {
    const command = this.#command()
    const memtableReader = new MemtableReader(() => undefined)
    memtableReader.open(this.#whole, command)
    const expected = contentOf(memtableReader, command)
    memtableReader.close()
    this.#coverage.reads++
    for (const { rows } of expected) this.#coverage.rows += rows.length
    const what = {
      slices: command.slices,
      reversed: command.reversed,
      keys: command.keys,
      range: command.range,
    }
    this.#check(expected, this.#readMerged(command), what)
    if (command.keys === null && expected.length > 1) this.#readPages(command, expected)
  }

  /** Reads a page of partitions after another, each after the last key of the one before. */
  #readPages(command: ReadCommand, expected: readonly PartitionContent[]): void {
    const size = 1 + this.#random.below(expected.length - 1)
    const pages: PartitionContent[] = []
    let { range } = command
    for (;;) {
      const page = this.#readMerged({ ...command, range }).slice(0, size)
      pages.push(...page)
      if (page.length < size) break
      range = { ...range, afterKey: Buffer.from(page.at(-1)!.key, 'hex') }
    }
    this.#check(expected, pages, `pages of ${size}`)
  }

  #check(expected: readonly unknown[], found: readonly unknown[], what: unknown): void {
    const a = JSON.stringify(expected, null, 1)
    const b = JSON.stringify(found, null, 1)
    if (a === b) return
    const lines = a.split('\n')
    const others = b.split('\n')
    const at = lines.findIndex((line, i) => line !== others[i])
    const around = (text: string[]) => text.slice(Math.max(0, at - 6), at + 6).join('\n')
    throw new Error(`${JSON.stringify(what)}\nexpected\n${around(lines)}\nfound\n${around(others)}`)
  }
}

export function runMergeWorkload(seed: number, coverage: MergeCoverage): void {
  new Workload(seed, coverage).run()
}
