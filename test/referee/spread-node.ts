import { mkdirSync } from 'node:fs'
import { createNodeDisk } from '../../src/io/node-disk.ts'
import { MUTATION_HEADER_WORDS, type MutationBuilder } from '../../src/model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../../src/model/read-command.ts'
import type { TableMetadata, TableParams } from '../../src/model/table.ts'
import type { Database } from '../../src/node/database.ts'
import { ChunkCache } from '../../src/storage/cache/chunk-cache.ts'
import { KeyCache } from '../../src/storage/cache/key-cache.ts'
import { Memtable } from '../../src/storage/memtable/memtable.ts'
import { MergedReader } from '../../src/storage/merged-reader.ts'
import { PartitionMerge } from '../../src/storage/partition-merge.ts'
import { compressorOf } from '../../src/storage/sstable/compressors.ts'
import type { Compression } from '../../src/storage/sstable/data-file-writer.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { TableTracker } from '../../src/storage/table-view.ts'
import { Client, openNode } from '../golden/describe/client.ts'
import { SSTableFolder, type WriteOptions } from '../merge/tables.ts'

const disk = createNodeDisk()

/** `compression` of a table, as its SSTables have it. */
function compressionOf({ compression }: TableParams): Compression | null {
  const className = compression.get('class')
  if (className === undefined || compression.get('enabled') === 'false') return null
  const options = new Map(compression)
  for (const known of ['class', 'enabled', 'chunk_length_in_kb', 'min_compress_ratio']) options.delete(known)
  const chunkLength = Number(compression.get('chunk_length_in_kb') ?? 16) * 1024
  const ratio = Number(compression.get('min_compress_ratio') ?? 0)
  const maxCompressedLength = ratio <= 0 ? 0x7fffffff : Math.ceil(chunkLength / ratio)
  return { compressor: compressorOf(className, options), options, chunkLength, maxCompressedLength }
}

function writeOptions({ params }: TableMetadata): WriteOptions {
  return {
    compression: compressionOf(params),
    columnIndexSizeBytes: 64 * 1024,
    bloomFilterFpChance: params.bloomFilterFpChance,
    minIndexInterval: params.minIndexInterval,
  }
}

interface SpreadTable {
  tracker: TableTracker
  folder: SSTableFolder
}

/**
 * A node whose tables of one keyspace are in memtables of their own, beside the engine's, that are flushed and compacted
 * when it is told to. Reads of that keyspace are answered from the engine's memtable, or from the SSTables.
 */
export class SpreadNode {
  readonly database: Database
  readonly client: Client
  readonly keyspace: string
  readonly directory: string
  readonly #tables = new Map<number, SpreadTable>()
  /** Where reads are answered from. */
  readsFrom: 'memtable' | 'sstables' = 'memtable'

  private constructor(database: Database, keyspace: string, directory: string) {
    this.database = database
    this.client = new Client(database, 5)
    this.keyspace = keyspace
    this.directory = directory
    const { engine } = database
    const apply = engine.apply.bind(engine)
    const read = engine.read.bind(engine)
    engine.apply = (mutation) => {
      apply(mutation)
      this.#apply(mutation)
    }
    engine.read = (command) =>
      this.readsFrom === 'sstables' && command.table.keyspace === keyspace
        ? this.#read(command)
        : read(command)
  }

  /** SSTables go into `directory`, those of each table into a folder of its name. */
  static async start(keyspace: string, directory: string): Promise<SpreadNode> {
    mkdirSync(directory, { recursive: true })
    const node = new SpreadNode(await openNode({ memtableSpaceMiB: 4096 }), keyspace, directory)
    await node.client.query(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    return node
  }

  table(name: string): TableMetadata {
    return this.database.schema.current.table(this.keyspace, name)!
  }

  /** Applies to the spread memtables what the engine has applied. */
  #apply(mutation: MutationBuilder): void {
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      const handle = mutation.i32[at + 1]!
      const table = this.database.schema.current.tableByHandle(handle)
      if (table?.keyspace === this.keyspace)
        this.#spread(table).tracker.view.memtables[0]!.apply(mutation, at)
      at += mutation.i32[at]! >>> 2
    }
  }

  #spread(table: TableMetadata): SpreadTable {
    let spread = this.#tables.get(table.handle)
    if (spread === undefined) {
      const caches = { chunks: new ChunkCache(64 * 1024 * 1024), keys: new KeyCache(1 << 20) }
      spread = {
        tracker: new TableTracker(new Memtable(table, () => undefined), [], (memtable) =>
          memtable.slabs.clear(),
        ),
        folder: new SSTableFolder(disk, `${this.directory}/${table.name}`, caches),
      }
      this.#tables.set(table.handle, spread)
    }
    return spread
  }

  #read(command: ReadCommand): PartitionReader {
    const reader = new MergedReader()
    reader.open(this.#spread(command.table).tracker.view, command)
    return reader
  }

  /** A table has another version of its metadata. */
  altered(name: string): void {
    const table = this.table(name)
    this.#spread(table).tracker.setTable(table)
  }

  /** Writes the memtable of a table as an SSTable, if there is anything in it. */
  flush(name: string): void {
    const table = this.table(name)
    const { tracker, folder } = this.#spread(table)
    const full = tracker.switchMemtable(new Memtable(table, () => undefined))
    const sstable = folder.flush(full, writeOptions(table), true)
    tracker.flushed(full, sstable === null ? [] : [sstable])
  }

  /** Merges all SSTables of a table into one; their files are removed. */
  compact(name: string): void {
    const table = this.table(name)
    const { tracker, folder } = this.#spread(table)
    const { sstables } = tracker.view
    if (sstables.length === 0) return
    const opened = sstables.map(({ sstable }) => SSTable.open(disk, sstable.descriptor, table))
    const open = (): PartitionMerge => {
      const merge = new PartitionMerge()
      const scans = opened.map((sstable) => sstable.scan())
      merge.begin(table, scans, false)
      return merge
    }
    const merged = folder.write(table, open, writeOptions(table))
    for (const sstable of opened) sstable.close()
    tracker.replace(sstables, merged === null ? [] : [merged])
    for (const { sstable } of sstables) {
      const { directory, id } = sstable.descriptor
      for (const file of disk.readdirSync(directory)) {
        if (file.startsWith(`nb-${id}-big-`)) disk.unlinkSync(`${directory}/${file}`)
      }
    }
  }

  async stop(): Promise<void> {
    for (const { tracker } of this.#tables.values()) tracker.close()
    await this.database.close()
  }
}
