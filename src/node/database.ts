import { uuidText } from '../common/uuid.ts'
import { type Clock, TimestampSource } from '../io/clock.ts'
import type { Disk } from '../io/disk.ts'
import type { Random } from '../io/random.ts'
import type { Timers } from '../io/timers.ts'
import type { Workers } from '../io/workers.ts'
import { QueryProcessor } from '../query/query-processor.ts'
import { SchemaService } from '../query/schema-service.ts'
import { TimeUuidSource } from '../query/statement-context.ts'
import { VirtualTables } from '../query/virtual-tables.ts'
import { snapshotSchemaCql } from '../schema/describe/index.ts'
import { ChunkCache } from '../storage/cache/chunk-cache.ts'
import { KeyCache } from '../storage/cache/key-cache.ts'
import type { StoragePorts } from '../storage/column-family-store.ts'
import { CommitLog } from '../storage/commitlog/commit-log.ts'
import { checkForeignSegments } from '../storage/commitlog/foreign-segments.ts'
import { placeGuard, removeGuard } from '../storage/commitlog/guard.ts'
import type { ReplayedRecord } from '../storage/commitlog/replay.ts'
import { DiskFailures } from '../storage/disk-failures.ts'
import type { StorageCaches } from '../storage/live-sstable.ts'
import { StorageEngine } from '../storage/storage-engine.ts'
import { createTaskRunner } from '../storage/tasks/create-task-runner.ts'
import type { CreateTask } from '../storage/tasks/task-runner.ts'
import { logCompactions } from './compaction-log.ts'
import { knownAs, type NodeAddresses, type NodeName, writeIdentity } from './identity.ts'
import { warnOfLeftAlone } from './left-alone.ts'
import type { Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'
import type { Settings } from './settings.ts'

/** What a database reaches the machine by. */
export interface DatabasePorts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  /** Threads for long work; without them it is done on the event loop. */
  readonly workers?: Workers | null
  /** What begins that work on the event loop; without it its code is loaded with the first of it. */
  readonly createTask?: CreateTask
}

export const IN_MEMORY = ':memory:'
const MIB = 1024 * 1024
/** Memory of memtables where they are flushed, and where they are all there is. */
const MEMTABLE_SPACE_MIB = { files: 256, memory: 2048 }
/** With a longer commit log memtables are flushed when the node stops, so that the next start is quick. */
const FLUSH_AT_STOP_BYTES = 8 * MIB

/** Everything of a node but its network: storage, schema and queries over one directory. */
export interface Database {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly virtual: VirtualTables
  readonly processor: QueryProcessor
  /** To be told when clients are served. */
  readonly failures: DiskFailures
  readonly name: NodeName
  readonly timestamps: TimestampSource
  /** Null where data lives in memory alone. */
  readonly caches: StorageCaches | null
  /** Syncs and closes the commit log and gives the directory free. */
  close(): Promise<void>
}

/**
 * Opens a directory, or memory alone. Rejects when the directory is another process's or its commit log is corrupt.
 * `onFailure` is called once when the commit log fails, unless commit_failure_policy is `ignore`. `ring` says where a node of a ring
 * is reached.
 */
export async function openDatabase(
  options: SibylOptions,
  settings: Settings,
  ports: DatabasePorts,
  logger: Logger,
  onFailure: (error: Error) => void,
  ring: NodeAddresses | null = null,
): Promise<Database> {
  const { clock, timers, random, disk } = ports
  const dir = options.dir ?? IN_MEMORY
  const timestamps = new TimestampSource(clock)
  const timeUuids = new TimeUuidSource(timestamps, random)
  const lock = dir === IN_MEMORY ? null : disk.lockDirectory(dir)
  const config = {
    memtableSpaceBytes: (options.memtableSpaceMiB ?? memtableSpaceMiB(dir)) * MIB,
    memtableCleanupThreshold: settings.storage.memtableCleanupThreshold,
    maxMutationSizeBytes: settings.query.max_mutation_size_bytes,
    commitLogTotalSpaceBytes: settings.storage.commitLogTotalSpaceBytes,
    autoSnapshot: settings.storage.autoSnapshot,
  }
  const newTimeUuid = (): string => uuidText(timeUuids.next())
  const failures = new DiskFailures(options.diskFailurePolicy ?? 'stop', logger)
  const storage = dir === IN_MEMORY ? null : storagePorts(dir, ports, settings, logger, failures, newTimeUuid)
  const engine = new StorageEngine(config, storage)
  let log: CommitLog | null = null
  const close = async (): Promise<void> => {
    try {
      if (log !== null && log.sizeBytes > FLUSH_AT_STOP_BYTES) {
        await engine
          .drain()
          .catch((error: Error) => logger.warn(`Not all was flushed at the stop: ${error.message}`))
      }
      await engine.close()
      await log?.close()
      if (log?.isRemoved === true) removeGuard(disk, `${dir}/commitlog`)
    } finally {
      lock?.release()
    }
  }
  try {
    const ddl = settings.ddl
    // Before anything is opened: a directory that is refused stays as it is.
    if (lock !== null) checkForeignSegments(disk, `${dir}/commitlog`)
    const schema = new SchemaService({ engine, clock, timestamps, timeUuids, config: ddl })
    engine.hostId = () => schema.system.hostId ?? ''
    engine.schemaText = snapshotSchemaCql
    if (lock !== null) {
      log = await openLog(dir, ports, engine, schema, settings, logger, onFailure)
    }
    schema.finishReplay()
    engine.isReplayed = true
    engine.snapshots?.watchExpiring()
    for (const [what, problem] of schema.broken) logger.error(`${what} is left out of the schema: ${problem}`)
    const name = knownAs(schema, options)
    schema.dataCenter = name.dataCenter
    if (dir !== IN_MEMORY) {
      warnOfLeftAlone(schema, logger)
      schema.system.forgetBuiltIndexes()
    }
    const hostId = writeIdentity(schema, options, name, ports, ring)
    const virtual = new VirtualTables()
    const processor = new QueryProcessor({
      engine,
      schema,
      virtual,
      clock,
      timers,
      random,
      timestamps,
      counterId: hostId,
      config: settings.query,
    })
    processor.restorePrepared()
    logCompactions(engine, schema, logger)
    const caches = storage?.caches ?? null
    return { engine, schema, virtual, processor, failures, name, timestamps, caches, close }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }
}

/** Memory of memtables unless it is given, in MiB. */
export function memtableSpaceMiB(dir: string | undefined): number {
  return dir === undefined || dir === IN_MEMORY ? MEMTABLE_SPACE_MIB.memory : MEMTABLE_SPACE_MIB.files
}

function storagePorts(
  dir: string,
  { disk, clock, timers, workers = null, createTask }: DatabasePorts,
  { storage }: Settings,
  logger: Logger,
  failures: DiskFailures,
  timeUuid: () => string,
): StoragePorts {
  const { compactionThroughputBytes, concurrentCompactors } = storage
  const runner = createTaskRunner(
    { disk, clock, timers, workers, logger, ...(createTask === undefined ? {} : { createTask }) },
    { compactionThroughputBytes, concurrentCompactors },
  )
  return {
    disk,
    clock,
    timers,
    runner,
    caches: {
      chunks: storage.fileCacheBytes > 0 ? new ChunkCache(storage.fileCacheBytes) : null,
      keys: storage.keyCacheBytes > 0 ? new KeyCache(storage.keyCacheBytes) : null,
    },
    logger,
    failures,
    dataDirectory: `${dir}/data`,
    columnIndexSizeBytes: storage.columnIndexSizeBytes,
    concurrentCompactors,
    timeUuid,
  }
}

async function openLog(
  dir: string,
  ports: DatabasePorts,
  engine: StorageEngine,
  schema: SchemaService,
  settings: Settings,
  logger: Logger,
  onFailure: (error: Error) => void,
): Promise<CommitLog> {
  const log = await CommitLog.open({
    ...ports,
    directory: `${dir}/commitlog`,
    config: settings.commitLog,
    logger,
    onFailure,
  })
  placeGuard(ports.disk, `${dir}/commitlog`)
  // Records are read as words: each is brought to an aligned place first.
  let scratch = new Uint8Array(1 << 16)
  let words = { i32: new Int32Array(scratch.buffer), u8: scratch }
  const wordsOf = ({ buffer, offset, length }: ReplayedRecord): typeof words => {
    if (length > scratch.length) {
      scratch = new Uint8Array((length * 2 + 3) & ~3)
      words = { i32: new Int32Array(scratch.buffer), u8: scratch }
    }
    scratch.set(buffer.subarray(offset, offset + length))
    return words
  }
  const stored = schema.storedTables()
  if (schema.isStored) {
    await log.readAhead((record) => {
      const { segmentId, position } = record
      engine.replayOwn(wordsOf(record), { segmentId, offset: position }, schema.ahead)
      return null
    })
  }
  schema.load()
  engine.beginReplay(log)
  await log.replay((record) => {
    const { segmentId, position } = record
    engine.replay(wordsOf(record), { segmentId, offset: position }, schema)
    return engine.pressure
  })
  engine.useLog(log)
  const isDropped = ({ keyspace, name, id }: (typeof stored)[number]): boolean =>
    schema.current.tableById(id) === null && !schema.broken.has(`${keyspace}.${name}`)
  engine.removeDropped(stored.filter(isDropped))
  return log
}
