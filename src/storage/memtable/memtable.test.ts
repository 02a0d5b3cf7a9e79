import { expect, test } from 'vitest'
import { int32Bytes, toHex, utf8Bytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { ALL_ROWS, type ClusteringBound, readClustering, type Slice } from '../../model/clustering.ts'
import { LiveRow } from '../../model/live-row.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../../model/mutation.ts'
import {
  type DecoratedKey,
  FULL_RING,
  type PartitionReader,
  type ReadCommand,
} from '../../model/read-command.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
} from '../../model/row-format.ts'
import type { ColumnKind, ColumnMetadata, TableMetadata, TableParams } from '../../model/table.ts'
import { type CqlType, listType, mapType, native, reversed } from '../../types/index.ts'
import { Memtable } from './memtable.ts'
import { MemtableReader } from './memtable-reader.ts'

/**
 * The memtable against a naive model: lists of everything that was written, reconciled by Cassandra's rules only when
 * they are read. Mutations are random, on few keys with few timestamps, so that they collide.
 */

const params: TableParams = {
  additionalWritePolicy: '99p',
  allowAutoSnapshot: true,
  bloomFilterFpChance: 0.01,
  caching: new Map(),
  cdc: false,
  comment: '',
  compaction: new Map(),
  compression: new Map(),
  crcCheckChance: 1,
  defaultTimeToLive: 0,
  extensions: new Map(),
  gcGraceSeconds: 864000,
  incrementalBackups: true,
  maxIndexInterval: 2048,
  memtable: null,
  memtableFlushPeriodMs: 0,
  minIndexInterval: 128,
  readRepair: 'BLOCKING',
  speculativeRetry: '99p',
}

function tableOf(
  columns: readonly (readonly [name: string, kind: ColumnKind, type: CqlType])[],
): TableMetadata {
  const places = { partition_key: 0, clustering: 0, static: 0, regular: 0 }
  const all = columns.map(([name, kind, type], id): ColumnMetadata => {
    const position = kind === 'partition_key' || kind === 'clustering' ? places[kind]++ : -1
    return { name, kind, type, position, id }
  })
  const of = (kind: ColumnKind) => all.filter((column) => column.kind === kind)
  const columnsById: (ColumnMetadata | undefined)[] = []
  for (const column of all) if (column.position < 0) columnsById[column.id] = column
  return {
    keyspace: 'ks',
    name: 't',
    id: '00000000-0000-0000-0000-000000000001',
    handle: 1,
    flags: new Set(['compound']),
    partitionKeys: of('partition_key'),
    clusterings: of('clustering'),
    statics: of('static'),
    regulars: of('regular'),
    columns: new Map(all.map((column) => [column.name, column])),
    columnsById,
    dropped: new Map(),
    dropTimes: null,
    params,
    isCounter: false,
    isVirtual: false,
    isCompactTable: false,
    isStaticCompactTable: false,
    compactValue: null,
    hidden: new Set(),
  }
}

const WIDE = tableOf([
  ['p', 'partition_key', native.int],
  ['c', 'clustering', native.int],
  ['d', 'clustering', reversed(native.text)],
  ['s', 'static', native.int],
  ['sm', 'static', mapType(native.int, native.int, true)],
  ['v', 'regular', native.int],
  ['w', 'regular', native.text],
  ['m', 'regular', mapType(native.int, native.int, true)],
])
const S = 3
const SM = 4
const V = 5
const W = 6
const M = 7

class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed * 2654435769
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
  chance(p: number): boolean {
    return this.next() < p
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

// ---- the model ----

interface Deletion {
  readonly timestamp: number
  readonly time: number
}

interface ModelCell {
  readonly column: number
  /** -1: none. */
  readonly path: number
  readonly timestamp: number
  readonly ttl: number
  /** 0: a plain cell. */
  readonly time: number
  readonly value: string
  readonly isTombstone: boolean
}

interface ModelLiveness {
  readonly timestamp: number
  readonly ttl: number
  readonly expiration: number
}

interface RowWrite {
  readonly liveness: ModelLiveness | null
  readonly deletion: Deletion | null
  readonly cells: readonly ModelCell[]
  readonly complexDeletions: ReadonlyMap<number, Deletion>
}

type Clustering = readonly [c: number, d: string]
interface ModelBound {
  readonly prefix: readonly (number | string)[]
  readonly side: 0 | 1
}
interface ModelTombstone extends Deletion {
  readonly start: ModelBound
  readonly end: ModelBound
}

interface ModelRow {
  readonly clustering: Clustering
  readonly writes: RowWrite[]
}

class ModelPartition {
  deletion: Deletion = { timestamp: -Infinity, time: 0 }
  readonly statics: RowWrite[] = []
  readonly rows = new Map<string, ModelRow>()
  readonly tombstones: ModelTombstone[] = []

  copy(): ModelPartition {
    const copy = new ModelPartition()
    copy.deletion = this.deletion
    copy.statics.push(...this.statics)
    for (const [key, row] of this.rows) copy.rows.set(key, { ...row, writes: [...row.writes] })
    copy.tombstones.push(...this.tombstones)
    return copy
  }
}

function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function compareComponent(index: number, a: number | string, b: number | string): number {
  return index === 0 ? (a as number) - (b as number) : compareText(b as string, a as string)
}

function compareClustering(a: Clustering, b: Clustering): number {
  return compareComponent(0, a[0], b[0]) || compareComponent(1, a[1], b[1])
}

function compareToBound(row: Clustering, bound: ModelBound): number {
  for (const [index, component] of bound.prefix.entries()) {
    const order = compareComponent(index, row[index]!, component)
    if (order !== 0) return order
  }
  return bound.side === 0 ? 1 : -1
}

function within(row: Clustering, start: ModelBound, end: ModelBound): boolean {
  return compareToBound(row, start) > 0 && compareToBound(row, end) < 0
}

function newer(a: Deletion | null, b: Deletion | null): Deletion | null {
  if (a === null || b === null) return a ?? b
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b
  return a.time >= b.time ? a : b
}

/** `Cells.resolveRegular`, written as a list of questions. */
function reconcile(a: ModelCell, b: ModelCell): ModelCell {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp ? a : b
  if ((a.time !== 0) !== (b.time !== 0)) return a.time !== 0 ? a : b
  if (a.isTombstone !== b.isTombstone) return a.isTombstone ? a : b
  if (a.time !== b.time) return a.time > b.time ? a : b
  if (a.ttl !== b.ttl) return a.ttl < b.ttl ? a : b
  return compareText(a.value, b.value) >= 0 ? a : b
}

function supersedes(a: ModelLiveness, b: ModelLiveness): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp
  if (a.ttl > 0 !== b.ttl > 0) return a.ttl > 0
  return a.expiration > b.expiration
}

interface SeenRow {
  readonly clustering: Clustering | null
  readonly liveness: ModelLiveness | null
  readonly deletion: Deletion | null
  readonly cells: readonly ModelCell[]
  readonly complexDeletions: readonly (readonly [number, Deletion])[]
  /** Of partition or range. */
  readonly covered: number
}

function modelRow(clustering: Clustering | null, writes: readonly RowWrite[], covered: number): SeenRow {
  let deletion: Deletion | null = null
  let liveness: ModelLiveness | null = null
  const complex = new Map<number, Deletion>()
  const cells = new Map<string, ModelCell>()
  for (const write of writes) {
    deletion = newer(deletion, write.deletion)
    if (write.liveness !== null && (liveness === null || supersedes(write.liveness, liveness)))
      liveness = write.liveness
    for (const [column, del] of write.complexDeletions)
      complex.set(column, newer(complex.get(column) ?? null, del)!)
    for (const cell of write.cells) {
      const key = `${cell.column}/${cell.path}`
      const other = cells.get(key)
      cells.set(key, other === undefined ? cell : reconcile(other, cell))
    }
  }
  const by = deletion?.timestamp ?? -Infinity
  if (liveness !== null && liveness.timestamp <= by) liveness = null
  for (const [column, del] of [...complex]) if (del.timestamp <= by) complex.delete(column)
  const kept = [...cells.values()].filter(
    (cell) => cell.timestamp > by && cell.timestamp > (complex.get(cell.column)?.timestamp ?? -Infinity),
  )
  kept.sort((a, b) => a.column - b.column || a.path - b.path)
  return {
    clustering,
    liveness,
    deletion,
    cells: kept,
    complexDeletions: [...complex].sort((a, b) => a[0] - b[0]),
    covered,
  }
}

/**
 * A row without what its partition's or range's deletion covers, which may be freed at any time; null when nothing is
 * left.
 */
function uncovered(row: SeenRow): SeenRow | null {
  const { clustering, covered } = row
  const isLeft = (part: { readonly timestamp: number }): boolean => part.timestamp > covered
  const left: SeenRow = {
    clustering,
    covered,
    liveness: row.liveness !== null && isLeft(row.liveness) ? row.liveness : null,
    deletion: row.deletion !== null && isLeft(row.deletion) ? row.deletion : null,
    cells: row.cells.filter(isLeft),
    complexDeletions: row.complexDeletions.filter(([, deletion]) => isLeft(deletion)),
  }
  const isEmpty = left.liveness === null && left.deletion === null
  return isEmpty && left.cells.length === 0 && left.complexDeletions.length === 0 ? null : left
}

/** Moves to the next row of which something is left, and says what. */
function nextUncovered(reader: PartitionReader): SeenRow | null {
  while (reader.nextRow()) {
    const row = uncovered(seenRow(reader, false))
    if (row !== null) return row
  }
  return null
}

function modelRows(
  partition: ModelPartition,
  slices: readonly { start: ModelBound; end: ModelBound }[],
  isReversed: boolean,
): SeenRow[] {
  const rows = [...partition.rows.values()]
    .filter(({ clustering }) => slices.some(({ start, end }) => within(clustering, start, end)))
    .sort((a, b) => compareClustering(a.clustering, b.clustering))
  if (isReversed) rows.reverse()
  return rows.flatMap(({ clustering, writes }) => {
    let covered = partition.deletion.timestamp
    for (const { start, end, timestamp } of partition.tombstones) {
      if (timestamp > covered && within(clustering, start, end)) covered = timestamp
    }
    return uncovered(modelRow(clustering, writes, covered)) ?? []
  })
}

// ---- writing to both ----

const out = new MutationBuilder(1 << 12)
const NO = new Uint8Array(0)

function hi(timestamp: number): number {
  return timestamp < 0 ? -1 : 0
}

const tokenWords = new Int32Array(2)

function keyOf(p: number): DecoratedKey {
  const key = int32Bytes(p)
  murmur3Token(key, 0, 4, tokenWords)
  return { key, tokenHi: tokenWords[0]!, tokenLo: tokenWords[1]! }
}

function boundOf(bound: ModelBound): ClusteringBound {
  return {
    components: bound.prefix.map((value) =>
      typeof value === 'number' ? int32Bytes(value) : utf8Bytes(value),
    ),
    side: bound.side,
  }
}

const TEXTS = ['', 'a', 'aa', 'b', 'é', 'a rather longer text', 'z'.repeat(40)]

function randomClustering(random: Random): Clustering {
  return [random.below(9) - 4, random.pick(TEXTS)]
}

function randomDeletion(random: Random): Deletion {
  return { timestamp: random.below(8) - 1, time: 1000 + random.below(3) }
}

function randomCell(random: Random, column: number, path: number): ModelCell {
  const timestamp = random.below(8) - 1
  const kind = random.below(4)
  const value = random.pick(TEXTS)
  if (kind === 0)
    return { column, path, timestamp, ttl: 0, time: 1000 + random.below(3), value: '', isTombstone: true }
  if (kind === 1) {
    const ttl = 10 + random.below(3)
    return { column, path, timestamp, ttl, time: 1000 + random.below(3), value, isTombstone: false }
  }
  return { column, path, timestamp, ttl: 0, time: 0, value, isTombstone: false }
}

function randomWrite(random: Random, isStatic: boolean): RowWrite {
  const cells: ModelCell[] = []
  const complexDeletions = new Map<number, Deletion>()
  for (const column of isStatic ? [S] : [V, W])
    if (random.chance(0.4)) cells.push(randomCell(random, column, -1))
  const complex = isStatic ? SM : M
  if (random.chance(0.4)) {
    if (random.chance(0.3)) complexDeletions.set(complex, randomDeletion(random))
    for (let path = 0; path < 4; path++) if (random.chance(0.4)) cells.push(randomCell(random, complex, path))
  }
  let liveness: ModelLiveness | null = null
  if (!isStatic && random.chance(0.5)) {
    const ttl = random.chance(0.3) ? 10 + random.below(3) : 0
    liveness = {
      timestamp: random.below(8) - 1,
      ttl,
      expiration: ttl > 0 ? 1000 + random.below(3) : 0x7fffffff,
    }
  }
  const deletion = !isStatic && random.chance(0.15) ? randomDeletion(random) : null
  // A row as a statement writes it holds nothing that it deletes itself.
  const by = deletion?.timestamp ?? -Infinity
  for (const [column, del] of [...complexDeletions]) if (del.timestamp <= by) complexDeletions.delete(column)
  return {
    liveness: liveness !== null && liveness.timestamp > by ? liveness : null,
    deletion,
    cells: cells.filter(
      (cell) => cell.timestamp > Math.max(by, complexDeletions.get(cell.column)?.timestamp ?? -Infinity),
    ),
    complexDeletions,
  }
}

function writeRow(clustering: Clustering | null, write: RowWrite): void {
  const { liveness, deletion } = write
  const flags =
    (clustering === null ? ROW_STATIC : 0) |
    (liveness === null ? 0 : ROW_HAS_LIVENESS | (liveness.ttl > 0 ? ROW_LIVENESS_EXPIRES : 0)) |
    (deletion === null ? 0 : ROW_HAS_DELETION)
  const live = liveness?.timestamp ?? 0
  const dead = deletion?.timestamp ?? 0
  out.beginRow(
    flags,
    hi(live),
    live | 0,
    liveness?.ttl ?? 0,
    liveness?.expiration ?? 0,
    hi(dead),
    dead | 0,
    deletion?.time ?? 0,
  )
  if (clustering !== null) {
    const text = utf8Bytes(clustering[1])
    out.clustering(int32Bytes(clustering[0]), 0, 4)
    out.clustering(text, 0, text.length)
  }
  out.endClustering()
  for (const column of [S, SM, V, W, M]) {
    const del = write.complexDeletions.get(column)
    if (del !== undefined) {
      out.cell(
        column,
        CELL_COMPLEX_DELETION,
        hi(del.timestamp),
        del.timestamp | 0,
        0,
        del.time,
        NO,
        0,
        -1,
        NO,
        0,
        0,
      )
    }
    for (const cell of write.cells) {
      if (cell.column !== column) continue
      const value = utf8Bytes(cell.value)
      const path = cell.path < 0 ? NO : int32Bytes(cell.path)
      const flag = cell.isTombstone ? CELL_TOMBSTONE : cell.ttl > 0 ? CELL_EXPIRES : 0
      const pathLength = cell.path < 0 ? -1 : 4
      const { timestamp } = cell
      out.cell(
        column,
        flag,
        hi(timestamp),
        timestamp | 0,
        cell.ttl,
        cell.time,
        path,
        0,
        pathLength,
        value,
        0,
        value.length,
      )
    }
  }
  out.endRow()
}

function randomBounds(random: Random): { start: ModelBound; end: ModelBound } {
  const bound = (): ModelBound => {
    const clustering = randomClustering(random)
    return { prefix: clustering.slice(0, random.below(3)), side: random.below(2) as 0 | 1 }
  }
  // Start before end: some clustering between them, or nothing at all, which must do no harm.
  let start = bound()
  let end = bound()
  if (start.prefix.length === 0) start = { prefix: [], side: 0 }
  if (end.prefix.length === 0) end = { prefix: [], side: 1 }
  if (boundOrder(start, end) > 0) [start, end] = [end, start]
  return { start, end }
}

function boundOrder(a: ModelBound, b: ModelBound): number {
  const shared = Math.min(a.prefix.length, b.prefix.length)
  for (let i = 0; i < shared; i++) {
    const order = compareComponent(i, a.prefix[i]!, b.prefix[i]!)
    if (order !== 0) return order
  }
  if (a.prefix.length === b.prefix.length) return a.side - b.side
  return a.prefix.length < b.prefix.length ? (a.side === 0 ? -1 : 1) : b.side === 0 ? 1 : -1
}

/** Cuts the line of clusterings at random places and takes every other piece. */
function randomSlices(random: Random): { start: ModelBound; end: ModelBound }[] {
  if (random.chance(0.3)) return [{ start: { prefix: [], side: 0 }, end: { prefix: [], side: 1 } }]
  const cuts: ModelBound[] = []
  for (let i = 0; i < 2 + 2 * random.below(3); i++) {
    const length = 1 + random.below(2)
    cuts.push({ prefix: randomClustering(random).slice(0, length), side: random.below(2) as 0 | 1 })
  }
  cuts.sort(boundOrder)
  if (random.chance(0.3)) cuts[0] = { prefix: [], side: 0 }
  if (random.chance(0.3)) cuts[cuts.length - 1] = { prefix: [], side: 1 }
  const slices: { start: ModelBound; end: ModelBound }[] = []
  for (let i = 0; i + 1 < cuts.length; i += 2) {
    if (boundOrder(cuts[i]!, cuts[i + 1]!) < 0) slices.push({ start: cuts[i]!, end: cuts[i + 1]! })
  }
  return slices
}

class World {
  readonly memtable: Memtable
  readonly model = new Map<number, ModelPartition>()
  reserved = 0

  constructor() {
    this.memtable = new Memtable(WIDE, (bytes) => {
      this.reserved += bytes
    })
  }

  mutate(random: Random, partitions: number, rowsMost = 4): void {
    const p = random.below(partitions)
    let partition = this.model.get(p)
    if (partition === undefined) {
      partition = new ModelPartition()
      this.model.set(p, partition)
    }
    const key = keyOf(p)
    out.begin()
    out.beginUpdate(1, key.tokenHi, key.tokenLo, key.key, 0, 4)
    if (random.chance(0.03)) {
      const deletion = { timestamp: random.below(5) - 1, time: 1000 + random.below(3) }
      out.partitionDeletion(hi(deletion.timestamp), deletion.timestamp | 0, deletion.time)
      partition.deletion = newer(partition.deletion, deletion)!
    }
    if (random.chance(0.2)) {
      const write = randomWrite(random, true)
      writeRow(null, write)
      partition.statics.push(write)
    }
    for (let i = random.below(rowsMost); i > 0; i--) {
      const clustering = randomClustering(random)
      const write = randomWrite(random, false)
      writeRow(clustering, write)
      const name = clustering.join('/')
      let row = partition.rows.get(name)
      if (row === undefined) {
        row = { clustering, writes: [] }
        partition.rows.set(name, row)
      }
      row.writes.push(write)
    }
    for (let i = random.chance(0.3) ? 1 + random.below(3) : 0; i > 0; i--) {
      const { start, end } = randomBounds(random)
      const deletion = randomDeletion(random)
      out.beginRangeTombstone(hi(deletion.timestamp), deletion.timestamp | 0, deletion.time)
      const from = boundOf(start)
      const to = boundOf(end)
      out.bound(from.components, from.side)
      out.bound(to.components, to.side)
      out.endRangeTombstone()
      partition.tombstones.push({ start, end, ...deletion })
    }
    out.endUpdate()
    out.finish()
    this.memtable.apply(out, MUTATION_HEADER_WORDS)
  }
}

// ---- reading from the memtable ----

const header = new RowHeader()
const cell = new CellReader()

function signed(high: number, low: number): number {
  return high === -0x80000000 && low === 0 ? -Infinity : high * 4294967296 + (low >>> 0)
}

function seenRow(reader: PartitionReader, isStatic: boolean): SeenRow {
  const { row, rowAt } = reader
  header.read(row.i32, rowAt)
  const { flags } = header
  let clustering: Clustering | null = null
  if (!isStatic) {
    const [c, d] = readClustering(row, header.clustering, 2)
    clustering = [Buffer.from(c!).readInt32BE(0), Buffer.from(d!).toString()]
  }
  const cells: ModelCell[] = []
  const complexDeletions: [number, Deletion][] = []
  let count = 0
  for (let at = header.cells; at < header.end; at = cell.next) {
    cell.read(row.i32, at, header.livenessHi, header.livenessLo)
    count++
    const timestamp = signed(cell.timestampHi, cell.timestampLo)
    if (cell.flags & CELL_COMPLEX_DELETION) {
      complexDeletions.push([cell.columnId, { timestamp, time: cell.localDeletionTime }])
      continue
    }
    const isTombstone = (cell.flags & CELL_TOMBSTONE) !== 0
    cells.push({
      column: cell.columnId,
      path:
        cell.pathLength < 0
          ? -1
          : Buffer.from(row.u8.slice(cell.pathOffset, cell.pathOffset + 4)).readInt32BE(0),
      timestamp,
      ttl: cell.ttl,
      time: isTombstone || cell.flags & CELL_EXPIRES ? cell.localDeletionTime : 0,
      value: Buffer.from(row.u8.slice(cell.valueOffset, cell.valueOffset + cell.valueLength)).toString(),
      isTombstone,
    })
  }
  expect(count).toBe(header.cellCount)
  return {
    clustering,
    liveness:
      flags & ROW_HAS_LIVENESS
        ? {
            timestamp: signed(header.livenessHi, header.livenessLo),
            ttl: flags & ROW_LIVENESS_EXPIRES ? header.ttl : 0,
            expiration: flags & ROW_LIVENESS_EXPIRES ? header.localExpirationTime : 0x7fffffff,
          }
        : null,
    deletion:
      flags & ROW_HAS_DELETION
        ? { timestamp: signed(header.deletionHi, header.deletionLo), time: header.deletionLocalTime }
        : null,
    cells,
    complexDeletions,
    covered: signed(reader.rowDeletionHi, reader.rowDeletionLo),
  }
}

const pooled: MemtableReader[] = []

function open(memtable: Memtable, command: Partial<ReadCommand>): MemtableReader {
  const reader = pooled.pop() ?? new MemtableReader((done) => pooled.push(done))
  reader.open(memtable, {
    table: WIDE,
    keys: null,
    range: FULL_RING,
    slices: ALL_ROWS,
    reversed: false,
    ...command,
  })
  return reader
}

const byToken = (a: number, b: number): number => {
  const x = keyOf(a)
  const y = keyOf(b)
  return x.tokenHi - y.tokenHi || (x.tokenLo >>> 0) - (y.tokenLo >>> 0)
}

function slicesOf(slices: readonly { start: ModelBound; end: ModelBound }[]): Slice[] {
  return slices.map(({ start, end }) => ({ start: boundOf(start), end: boundOf(end) }))
}

function partitionOf(reader: PartitionReader): number {
  return Buffer.from(
    reader.keyBytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength),
  ).readInt32BE(0)
}

/** What LiveRow must say of a row, by the naive rules. */
function checkLive(reader: PartitionReader, expected: SeenRow, live: LiveRow, now: number): void {
  live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, now)
  const dead = Math.max(expected.covered, expected.deletion?.timestamp ?? -Infinity)
  const alive = (c: ModelCell): boolean =>
    !c.isTombstone && (c.time === 0 || c.time > now) && c.timestamp > dead
  const cells = expected.cells.filter(alive)
  const { liveness } = expected
  const hasLiveness = liveness !== null && liveness.timestamp > dead && liveness.expiration > now
  expect(live.livenessLive).toBe(hasLiveness)
  expect(live.exists).toBe(hasLiveness || cells.length > 0)
  for (const column of [S, V, W]) {
    const value = live.simple(column)
      ? Buffer.from(
          live.u8.slice(live.cell.valueOffset, live.cell.valueOffset + live.cell.valueLength),
        ).toString()
      : undefined
    expect(value).toBe(cells.find((c) => c.column === column)?.value)
  }
  for (const column of [SM, M]) {
    const paths: number[] = []
    live.complex(column)
    while (live.nextCell()) {
      paths.push(Buffer.from(live.u8.slice(live.cell.pathOffset, live.cell.pathOffset + 4)).readInt32BE(0))
    }
    expect(paths).toEqual(cells.filter((c) => c.column === column).map((c) => c.path))
  }
}

function checkPartition(
  reader: PartitionReader,
  expected: ModelPartition,
  rows: readonly SeenRow[],
  live: LiveRow,
): void {
  const wanted = uncovered(modelRow(null, expected.statics, expected.deletion.timestamp))
  const seen = reader.staticRow() ? uncovered(seenRow(reader, true)) : null
  expect(seen).toEqual(wanted)
  if (wanted !== null) checkLive(reader, wanted, live, 1001)
  for (const wanted of rows) {
    expect(nextUncovered(reader)).toEqual(wanted)
    checkLive(reader, wanted, live, 1001)
  }
  expect(nextUncovered(reader)).toBe(null)
}

test('random writes read as the naive model says, by key and by range, forward, reversed and in slices', () => {
  const live = new LiveRow()
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const world = new World()
    const partitions = 1 + random.below(6)
    for (let step = 0; step < 120; step++) {
      world.mutate(random, partitions)
      if (step % 12 !== 11) continue
      const slices = randomSlices(random)
      const reversed = random.chance(0.5)
      const keys = random.chance(0.5)
        ? Array.from({ length: partitions + 1 }, (_, i) => i).filter(() => random.chance(0.7))
        : null
      const wanted =
        keys === null ? [...world.model.keys()].sort(byToken) : keys.filter((p) => world.model.has(p))
      const reader = open(world.memtable, {
        keys: keys?.map(keyOf) ?? null,
        slices: slicesOf(slices),
        reversed,
      })
      for (const p of wanted) {
        expect(reader.nextPartition(), `seed ${seed}`).toBe(true)
        expect(partitionOf(reader)).toBe(p)
        const partition = world.model.get(p)!
        checkPartition(reader, partition, modelRows(partition, slices, reversed), live)
      }
      expect(reader.nextPartition()).toBe(false)
      reader.close()
    }
    expect(world.reserved).toBe(world.memtable.slabs.reservedBytes)
    expect(world.memtable.slabs.usedBytes).toBeLessThanOrEqual(world.reserved)
  }
})

test('a suspended read goes on over the partition as it was, while everything is overwritten', () => {
  const live = new LiveRow()
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const world = new World()
    const partitions = 3
    for (let step = 0; step < 60; step++) world.mutate(random, partitions, 12)
    // Several readers at once, each with its own picture.
    const readers = Array.from({ length: 1 + random.below(3) }, () => {
      const slices = randomSlices(random)
      const reversed = random.chance(0.5)
      const reader = open(world.memtable, { slices: slicesOf(slices), reversed })
      if (random.chance(0.3)) reader.suspend()
      return { slices, reversed, reader, last: -1, rows: null as SeenRow[] | null, done: false, at: 0 }
    })
    while (readers.some((r) => !r.done)) {
      for (const r of readers) {
        if (r.done) continue
        const { reader } = r
        const budget = 1 + random.below(8)
        for (let i = 0; i < budget; i++) {
          if (r.rows === null) {
            const next = [...world.model.keys()]
              .sort(byToken)
              .find((p) => r.last < 0 || byToken(p, r.last) > 0)
            expect(reader.nextPartition(), `seed ${seed}`).toBe(next !== undefined)
            if (next === undefined) {
              r.done = true
              reader.close()
              break
            }
            expect(partitionOf(reader)).toBe(next)
            r.last = next
            r.at = 0
            r.rows = modelRows(world.model.get(next)!.copy(), r.slices, r.reversed)
          } else if (r.at === r.rows.length) {
            expect(nextUncovered(reader)).toBe(null)
            r.rows = null
          } else {
            const wanted = r.rows[r.at++]!
            expect(nextUncovered(reader), `seed ${seed}`).toEqual(wanted)
            checkLive(reader, wanted, live, 1001)
          }
        }
        if (!r.done) reader.suspend()
      }
      for (let i = random.below(12); i > 0; i--) world.mutate(random, partitions, 12)
    }
    // Everything that was kept for the views has been given back: what is there now reads well.
    const slices = [{ start: { prefix: [], side: 0 as const }, end: { prefix: [], side: 1 as const } }]
    const reader = open(world.memtable, {})
    for (const p of [...world.model.keys()].sort(byToken)) {
      expect(reader.nextPartition()).toBe(true)
      checkPartition(reader, world.model.get(p)!, modelRows(world.model.get(p)!, slices, false), live)
    }
    reader.close()
  }
})

test('truncating under a suspended read leaves it what it saw, and gives back what is freed afterwards', () => {
  const random = new Random(7)
  const world = new World()
  for (let step = 0; step < 200; step++) world.mutate(random, 1, 12)
  const slices = [{ start: { prefix: [], side: 0 as const }, end: { prefix: [], side: 1 as const } }]
  const wanted = modelRows(world.model.get(0)!.copy(), slices, false)
  const reader = open(world.memtable, {})
  expect(reader.nextPartition()).toBe(true)
  reader.suspend()
  world.memtable.clear()
  world.model.clear()
  for (let step = 0; step < 400; step++) world.mutate(random, 1, 12)
  for (const row of wanted) {
    expect(nextUncovered(reader)).toEqual(row)
  }
  expect(nextUncovered(reader)).toBe(null)
  const used = world.memtable.slabs.usedBytes
  reader.close()
  expect(world.memtable.slabs.usedBytes).toBeLessThan(used / 2)
  expect(world.reserved).toBe(world.memtable.slabs.reservedBytes)
})

test('a wide partition of 20,000 rows in any order comes back in order from any slice', () => {
  const random = new Random(3)
  for (const order of ['up', 'down', 'random'] as const) {
    const world = new World()
    const numbers = Array.from({ length: 20_000 }, (_, i) => i)
    if (order === 'down') numbers.reverse()
    if (order === 'random') for (let i = numbers.length - 1; i > 0; i--) swap(numbers, i, random.below(i + 1))
    const key = keyOf(1)
    for (const n of numbers) {
      out.begin()
      out.beginUpdate(1, key.tokenHi, key.tokenLo, key.key, 0, 4)
      writeRow([n, 'a'], {
        liveness: { timestamp: 1, ttl: 0, expiration: 0 },
        deletion: null,
        cells: [],
        complexDeletions: new Map(),
      })
      out.endUpdate()
      out.finish()
      world.memtable.apply(out, MUTATION_HEADER_WORDS)
    }
    for (let i = 0; i < 100; i++) {
      const from = random.below(20_000)
      const to = from + random.below(300)
      const isReversed = random.chance(0.5)
      const slices = slicesOf([{ start: { prefix: [from], side: 0 }, end: { prefix: [to], side: 1 } }])
      const reader = open(world.memtable, { keys: [key], slices, reversed: isReversed })
      expect(reader.nextPartition()).toBe(true)
      const seen: number[] = []
      while (reader.nextRow()) seen.push(seenRow(reader, false).clustering![0])
      const wanted = Array.from({ length: Math.min(to, 19_999) - from + 1 }, (_, k) => from + k)
      expect(seen).toEqual(isReversed ? wanted.reverse() : wanted)
      reader.close()
    }
  }
})

function swap(items: number[], i: number, j: number): void {
  const x = items[i]!
  items[i] = items[j]!
  items[j] = x
}

const LISTS = tableOf([
  ['p', 'partition_key', native.int],
  ['v', 'regular', native.text],
  ['l', 'regular', listType(native.int, true)],
])

test('overwriting one row 100,000 times takes no more memory, with and without views, lists and range deletions', () => {
  for (const withViews of [false, true]) {
    for (const table of [WIDE, LISTS]) {
      const random = new Random(11)
      const memtable = new Memtable(table, () => {})
      const key = keyOf(1)
      let reservedEarly = 0
      for (let i = 1; i <= 100_000; i++) {
        out.begin()
        out.beginUpdate(1, key.tokenHi, key.tokenLo, key.key, 0, 4)
        out.beginRow(ROW_HAS_LIVENESS, 0, i, 0, 0, 0, 0, 0)
        if (table === WIDE) {
          out.clustering(int32Bytes(5), 0, 4)
          out.clustering(utf8Bytes('x'), 0, 1)
        }
        out.endClustering()
        const text = utf8Bytes('v'.repeat(random.below(300)))
        out.cell(table === WIDE ? W : 1, 0, 0, i, 0, 0, NO, 0, -1, text, 0, text.length)
        if (table === LISTS) {
          out.cell(2, CELL_COMPLEX_DELETION, 0, i - 1, 0, 1000, NO, 0, -1, NO, 0, 0)
          for (let n = random.below(6); n > 0; n--) {
            const path = new Uint8Array(16)
            path.set(int32Bytes(i), 0)
            path[6] = 0x10
            path[15] = 9 - n
            out.cell(2, 0, 0, i, 0, 0, path, 0, 16, int32Bytes(n), 0, 4)
          }
        }
        out.endRow()
        if (table === WIDE) {
          out.beginRangeTombstone(0, i - 1, 1000)
          out.bound([int32Bytes(5)], 0)
          out.bound([int32Bytes(5 + (i & 3))], 1)
          out.endRangeTombstone()
        }
        out.endUpdate()
        out.finish()
        if (withViews && i % 3 === 0) {
          const reader = open(memtable, { table, keys: [key] })
          reader.nextPartition()
          reader.suspend()
          memtable.apply(out, MUTATION_HEADER_WORDS)
          reader.close()
        } else memtable.apply(out, MUTATION_HEADER_WORDS)
        if (i === 20_000) reservedEarly = memtable.slabs.reservedBytes
      }
      expect(memtable.slabs.reservedBytes).toBe(reservedEarly)
      expect(memtable.slabs.reservedBytes).toBeLessThan(100_000)
      expect(memtable.slabs.usedBytes).toBeLessThan(4_000)
    }
  }
})

test('many partitions are found by key and in the order of the ring', () => {
  const memtable = new Memtable(LISTS, () => {})
  for (let p = 0; p < 30_000; p++) {
    const key = keyOf(p)
    out.begin()
    out.beginUpdate(1, key.tokenHi, key.tokenLo, key.key, 0, 4)
    out.beginRow(ROW_HAS_LIVENESS, 0, 1, 0, 0, 0, 0, 0)
    out.endClustering()
    out.endRow()
    out.endUpdate()
    out.finish()
    memtable.apply(out, MUTATION_HEADER_WORDS)
  }
  expect(memtable.partitionCount).toBe(30_000)
  const wanted = Array.from({ length: 30_000 }, (_, p) => p).sort(byToken)
  let reader = open(memtable, { table: LISTS })
  for (let i = 0; i < wanted.length; i++) {
    expect(reader.nextPartition()).toBe(true)
    if (partitionOf(reader) !== wanted[i]) expect(partitionOf(reader)).toBe(wanted[i])
    if (i % 1000 === 0) reader.suspend()
  }
  expect(reader.nextPartition()).toBe(false)
  reader.close()
  for (let i = 0; i < 500; i++) {
    const start = keyOf(wanted[i * 50]!)
    const end = keyOf(wanted[i * 50 + 30]!)
    const startInclusive = (i & 1) === 0
    const endInclusive = (i & 2) === 0
    const afterKey = (i & 4) === 0 ? start.key : null
    reader = open(memtable, {
      table: LISTS,
      range: {
        startHi: start.tokenHi,
        startLo: start.tokenLo,
        startInclusive,
        endHi: end.tokenHi,
        endLo: end.tokenLo,
        endInclusive,
        afterKey,
      },
    })
    const seen: number[] = []
    while (reader.nextPartition()) seen.push(partitionOf(reader))
    reader.close()
    const from = i * 50 + (startInclusive && afterKey === null ? 0 : 1)
    expect(seen).toEqual(wanted.slice(from, i * 50 + 30 + (endInclusive ? 1 : 0)))
  }
  expect(toHex(keyOf(1).key)).toBe('00000001')
})
