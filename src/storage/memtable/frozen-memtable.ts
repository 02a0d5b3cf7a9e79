import type { CqlType } from '../../types/index.ts'
import type { Memtable } from './memtable.ts'
import type { MemtableContent } from './memtable-source.ts'
import type { Slabs } from './slab-allocator.ts'
import { nextPartition, seekToken, type TokenCursor } from './token-index.ts'

/** A memtable that is no longer written to, as it is handed to another thread: the slabs are shared, not copied. */
export interface FrozenMemtableParts {
  readonly slabs: readonly SharedArrayBuffer[]
  readonly directory: Int32Array
  readonly partitions: number
}

/** What another thread needs to read a memtable; valid as long as nobody writes to it. */
export function frozenParts({ slabs, index, partitionCount }: Memtable): FrozenMemtableParts {
  return {
    slabs: slabs.words.map((words) =>
      words.buffer instanceof SharedArrayBuffer ? words.buffer : new SharedArrayBuffer(0),
    ),
    directory: index.directory.slice(),
    partitions: partitionCount,
  }
}

/** A memtable out of its parts. Types come with the table's metadata. */
export class FrozenMemtable implements MemtableContent {
  readonly slabs: Slabs
  readonly clusteringTypes: readonly CqlType[]
  readonly generation = 0
  readonly index: MemtableContent['index']

  constructor({ slabs, directory }: FrozenMemtableParts, clusteringTypes: readonly CqlType[]) {
    const views: Slabs = {
      words: slabs.map((memory) => new Int32Array(memory)),
      bytes: slabs.map((memory) => new Uint8Array(memory)),
    }
    this.slabs = views
    this.clusteringTypes = clusteringTypes
    this.index = {
      version: 0,
      seek: (cursor: TokenCursor, hi: number, lo: number) => seekToken(views, directory, cursor, hi, lo),
      next: (cursor: TokenCursor, token: Int32Array) => nextPartition(views, directory, cursor, token),
    }
  }
}
