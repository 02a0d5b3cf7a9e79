import type { Timers } from '../../io/timers.ts'
import type { ChunkSource } from '../sstable/file-cursor.ts'
import type { ChunkCache } from './chunk-cache.ts'

/** A file as the chunk cache knows it. */
export interface CachedFile {
  readonly number: number
  readonly loader: ChunkSource
}

/**
 * Outputs of a compaction are warmed up where at least that share of what they are made of is in the cache: an SSTable that is
 * read much is often compacted with others that are not, and then what is read is all over the output.
 */
const HOT_SHARE = 0.125

/**
 * Files that are about to take the place of others come into the chunk cache first, a page a turn of the event loop, where reads
 * had brought the others there: they would load it one after another while somebody waits. Only memory is used that the cache has free, so
 * that nothing else has to go. Resolves when that is done, or when `goesOn` says so; what cannot be read is left to the
 * reads, which say what is wrong.
 *
 * Cassandra moves the entries of its key cache for the same reason (`key_cache_migrate_during_compaction`).
 */
export async function warmUp(
  cache: ChunkCache,
  before: readonly CachedFile[],
  after: readonly CachedFile[],
  timers: Pick<Timers, 'setImmediate'>,
  goesOn: () => boolean,
): Promise<void> {
  const wanted = after.reduce((sum, { loader }) => sum + cache.pagesOf(loader), 0)
  const possible = before.reduce((sum, { loader }) => sum + cache.pagesOf(loader), 0)
  if (wanted > cache.freePages || cache.countOf(before) < possible * HOT_SHARE) return
  for (const { number, loader } of after) {
    for (let page = 0; page < cache.pagesOf(loader); page++) {
      await new Promise<void>((resolve) => timers.setImmediate(resolve))
      if (!goesOn()) return
      try {
        if (!cache.warm(number, page, loader)) return
      } catch {
        return
      }
    }
  }
}
