import { murmur3Token } from '../../src/common/murmur3.ts'
import {
  ALL_ROWS,
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  type Slice,
} from '../../src/model/clustering.ts'
import {
  type DecoratedKey,
  FULL_RING,
  type ReadCommand,
  type TokenRange,
} from '../../src/model/read-command.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import type { LiveSSTable } from '../../src/storage/live-sstable.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MergedReader } from '../../src/storage/merged-reader.ts'
import { TableTracker } from '../../src/storage/table-view.ts'
import type { SimRandom } from '../sim/sim-random.ts'

/** Reads of one SSTable through the engine's own reader, as text that can be compared. */

export function decorated(key: Uint8Array): DecoratedKey {
  const token = new Int32Array(2)
  murmur3Token(key, 0, key.length, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

function rowText({ row, rowAt, rowDeletionHi, rowDeletionLo }: MergedReader): string {
  const words = row.i32[rowAt]! >>> 2
  return `${row.i32.subarray(rowAt, rowAt + words).join('.')}@${rowDeletionHi}:${rowDeletionLo}`
}

/** Everything that a command finds. */
export function answer(tracker: TableTracker, command: ReadCommand): string {
  const reader = new MergedReader()
  reader.open(tracker.view, command)
  const parts: string[] = []
  try {
    while (reader.nextPartition()) {
      const { keyBytes, keyOffset, keyLength } = reader
      parts.push(`key ${keyBytes.subarray(keyOffset, keyOffset + keyLength).join('.')}`)
      if (reader.isPartitionDeleted) parts.push('deleted')
      if (command.table.statics.length > 0 && reader.staticRow()) parts.push(`static ${rowText(reader)}`)
      while (reader.nextRow()) parts.push(rowText(reader))
    }
    return parts.join('\n')
  } finally {
    reader.close()
  }
}

/** The keys of an SSTable, and bounds around its clusterings, as they are while it is whole. */
export interface Places {
  readonly keys: readonly DecoratedKey[]
  readonly bounds: readonly ClusteringBound[]
}

export function placesOf(live: LiveSSTable, table: TableMetadata): Places {
  const keys: DecoratedKey[] = []
  const bounds: ClusteringBound[] = [
    { components: [], side: 0 },
    { components: [], side: 1 },
  ]
  const types = clusteringTypes(table)
  for (const index = live.sstable.index(); index.next(); ) {
    keys.push(decorated(index.keyBytes.slice(0, index.keyLength)))
    for (let i = 0; i < index.blockCount; i++) {
      const { first, last } = index.block(i)
      for (const { components } of [first, last]) {
        if (components.some((value) => value === null)) continue
        const known = components as readonly Uint8Array[]
        bounds.push({ components: known, side: 0 }, { components: known, side: 1 })
      }
    }
  }
  const { minClustering, maxClustering } = live.sstable.statistics.stats
  for (const components of [minClustering, maxClustering]) {
    if (components.length > 0) bounds.push({ components, side: 0 }, { components, side: 1 })
  }
  return { keys, bounds: bounds.sort((a, b) => compareBounds(types, a, b)) }
}

function aSlice(dice: SimRandom, table: TableMetadata, { bounds }: Places): readonly Slice[] {
  const start = dice.pick(bounds)
  const end = dice.pick(bounds)
  const order = compareBounds(clusteringTypes(table), start, end)
  if (table.clusterings.length === 0 || order === 0 || dice.chance(0.4)) return ALL_ROWS
  return [order < 0 ? { start, end } : { start: end, end: start }]
}

function aRange(dice: SimRandom, { keys }: Places): TokenRange {
  const some = [...keys].sort(() => dice.below(3) - 1)
  const [a, b] = [dice.pick(some), dice.pick(some)]
  const isOrdered = a.tokenHi < b.tokenHi || (a.tokenHi === b.tokenHi && a.tokenLo >>> 0 <= b.tokenLo >>> 0)
  const [start, end] = isOrdered ? [a, b] : [b, a]
  return {
    startHi: start.tokenHi,
    startLo: start.tokenLo,
    startInclusive: dice.chance(0.5),
    endHi: end.tokenHi,
    endLo: end.tokenLo,
    endInclusive: dice.chance(0.5),
    afterKey: dice.chance(0.3) ? start.key : null,
  }
}

/** Commands of all kinds: every key singly, absent keys, slices both ways, and parts of the ring. */
export function commandsFor(
  dice: SimRandom,
  table: TableMetadata,
  places: Places,
  keysMax: number,
): ReadCommand[] {
  const queried = null
  const commands: ReadCommand[] = [
    { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false, queried },
    { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: true, queried },
  ]
  const keys =
    places.keys.length <= keysMax
      ? places.keys
      : Array.from({ length: keysMax }, () => dice.pick(places.keys))
  for (const key of keys) {
    const slices = aSlice(dice, table, places)
    commands.push({ table, keys: [key], range: FULL_RING, slices, reversed: dice.chance(0.5), queried })
    const absent = Uint8Array.from(key.key)
    if (absent.length > 0) absent[dice.below(absent.length)]! ^= 1 << dice.below(8)
    commands.push({ table, keys: [decorated(absent)], range: FULL_RING, slices, reversed: false, queried })
  }
  for (let i = 0; i < 6; i++) {
    const slices = aSlice(dice, table, places)
    commands.push({
      table,
      keys: null,
      range: aRange(dice, places),
      slices,
      reversed: dice.chance(0.5),
      queried,
    })
  }
  return commands
}

/** A table whose data is one SSTable. */
export function trackerOf(table: TableMetadata, live: LiveSSTable): TableTracker {
  const memtable = new Memtable(table, () => undefined)
  return new TableTracker(memtable, [live], () => undefined)
}
