import { ReadResponseWriter } from '../../src/cluster/replica/read-response.ts'
import { readClustering } from '../../src/model/clustering.ts'
import { LiveRow } from '../../src/model/live-row.ts'
import { MutationBuilder } from '../../src/model/mutation.ts'
import { FULL_RING, type PartitionReader, type ReadCommand } from '../../src/model/read-command.ts'
import type { Words } from '../../src/model/row-format.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { StorageEngine } from '../../src/storage/storage-engine.ts'
import { MOMENTS, RandomWrites, randomTable } from '../merge/random-writes.ts'
import type { SimRandom } from '../sim/sim-random.ts'

/** Replicas of random tables, and what they show. */
export const ALL = {
  rows: Number.MAX_SAFE_INTEGER,
  rowsPerPartition: Number.MAX_SAFE_INTEGER,
  bytes: 1 << 30,
}

export function engineWith(table: TableMetadata): StorageEngine {
  const engine = new StorageEngine({ memtableSpaceBytes: 1 << 28, maxMutationSizeBytes: 1 << 24 })
  engine.setTable(table)
  return engine
}

/** Rows that are alive, as text: a line for each, behind its partition's key. */
export class Shown {
  readonly lines: string[] = []
  readonly #live = new LiveRow()
  readonly #nowSeconds: number
  readonly #table: TableMetadata

  constructor(table: TableMetadata, nowSeconds: number) {
    this.#table = table
    this.#nowSeconds = nowSeconds
    this.#live.dropTimes = table.dropTimes
  }

  add(key: string, row: Words, at: number, hi: number, lo: number, isStatic: boolean): void {
    const live = this.#live
    live.load(row, at, hi, lo, this.#nowSeconds)
    if (!live.exists) return
    const columns = isStatic ? this.#table.statics : this.#table.regulars
    const cells = columns.map(({ id, type }) =>
      type.multiCell
        ? live.copyComplex(id).map(({ path, value }) => `${path}=${value}`)
        : String(live.copySimple(id)),
    )
    const clustering = isStatic
      ? 'static'
      : readClustering(row, live.clusteringAt, this.#table.clusterings.length).join('.')
    const line = `${key} ${clustering} ${live.livenessLive} ${cells.join(' ; ')}`
    // The static row comes again with the next piece of its partition.
    if (!this.lines.includes(line) || !isStatic) this.lines.push(line)
  }
}

export function keyText({
  keyBytes,
  keyOffset,
  keyLength,
}: {
  keyBytes: Uint8Array
  keyOffset: number
  keyLength: number
}): string {
  return Buffer.from(keyBytes).toString('hex', keyOffset, keyOffset + keyLength)
}

export function shownBy(engine: StorageEngine, command: ReadCommand, nowSeconds: number): string[] {
  const shown = new Shown(command.table, nowSeconds)
  show(engine.read(command), command, shown)
  return shown.lines
}

/** Takes all that a reader has, and closes it. */
export function show(reader: PartitionReader, command: ReadCommand, shown: Shown): void {
  while (reader.nextPartition()) {
    const key = keyText(reader)
    if (command.table.statics.length > 0 && reader.staticRow()) {
      shown.add(key, reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, true)
    }
    while (reader.nextRow()) {
      shown.add(key, reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, false)
    }
  }
  reader.close()
}

export function answerOf(
  engine: StorageEngine,
  command: ReadCommand,
  limits: typeof ALL,
  nowSeconds: number,
): Uint8Array {
  const reader = engine.readUnfiltered(command)
  const writer = new ReadResponseWriter(command.table)
  writer.begin(reader, command, limits, nowSeconds)
  let calls = 0
  while (!writer.run(() => ++calls % 3 === 0));
  reader.close()
  return writer.bytes()
}

export function randomCommand(random: SimRandom, writes: RandomWrites, table: TableMetadata): ReadCommand {
  const keys = random.chance(0.5) ? null : Array.from({ length: 1 + random.below(4) }, () => writes.key())
  const unique =
    keys?.filter((key, i) => keys.findIndex((other) => !Buffer.compare(other.key, key.key)) === i) ?? null
  return {
    table,
    keys: unique,
    range: FULL_RING,
    slices: writes.slices(),
    reversed: random.chance(0.4),
  }
}

export function shuffled<T>(random: SimRandom, items: readonly T[]): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0]!)
}

export function asMutation(bytes: Uint8Array): MutationBuilder {
  const mutation = new MutationBuilder()
  mutation.begin()
  const words = { i32: new Int32Array(bytes.slice().buffer), u8: bytes }
  let at = 2
  for (let n = words.i32[1]!; n > 0; n--) {
    mutation.copyUpdate(words, at)
    at += words.i32[at]! >>> 2
  }
  return mutation
}

/** The command as it is sent: each key by itself. */
export function singly(command: ReadCommand): ReadCommand[] {
  return command.keys === null ? [command] : command.keys.map((key) => ({ ...command, keys: [key] }))
}

export interface Replicas {
  readonly table: TableMetadata
  readonly writes: RandomWrites
  readonly engines: readonly StorageEngine[]
  /** One that has all. */
  readonly whole: StorageEngine
}

/** Two or three replicas that have some of the writes each, and together all. */
export function replicasOf(random: SimRandom): Replicas {
  const table = randomTable(random)
  const writes = new RandomWrites(random, table)
  // Cells that expire at one timestamp are decided by who has expired first, wherever that was seen.
  writes.expiresByTimestamp = true
  const engines = Array.from({ length: 2 + random.below(2) }, () => engineWith(table))
  const whole = engineWith(table)
  for (let i = random.pick([3, 30, 150]); i > 0; i--) {
    const mutation = writes.next()
    mutation.finish()
    const bytes = mutation.copy()
    whole.apply(asMutation(bytes))
    const first = random.below(engines.length)
    engines.forEach((engine, n) => {
      if (n === first || random.chance(0.5)) engine.apply(asMutation(bytes))
    })
  }
  return { table, writes, engines, whole }
}

/** A time before gc_grace_seconds are over: afterwards a replica may have lost a tombstone that another has not seen. */
export function someTime(random: SimRandom): number {
  return random.pick(MOMENTS.filter((moment) => moment < 2000))
}

export function someLimits(random: SimRandom): typeof ALL {
  return { ...ALL, rows: random.pick([1, 3, 10]), bytes: random.pick([1 << 30, 300]) }
}
