import type { ColumnFamilyStore } from '../storage/column-family-store.ts'
import { clearSnapshots, listSnapshots, type SnapshotFilter } from '../storage/lifecycle/snapshots.ts'
import { IMPORT_DEFAULTS } from '../storage/lifecycle/sstable-importer.ts'
import {
  type AdminNode,
  type Arguments,
  BadUseError,
  flagOf,
  type Json,
  numberOf,
  type Operation,
  textOf,
  textsOf,
} from './admin-node.ts'
import { keyspacesOf, storeOf } from './selection.ts'
import { snapshotsSize } from './table-figures.ts'

/** snapshot.min_allowed_ttl_seconds. */
const TTL_MIN_SECONDS = 60

/** Verbs about snapshots and SSTables from elsewhere. */
export const SNAPSHOT_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** name; keyspaces, or table of the one keyspace, or tables as `keyspace.table`; skipFlush, ttlSeconds. */
  snapshot: { changes: true, run: snapshot },

  /** Those that live for ever only, where `noTtl` says so; with `ephemeral` those of repairs too. */
  listsnapshots: { changes: false, run: snapshotDetails },

  /** name, or all; of keyspaces; olderThanMs. */
  clearsnapshot: { changes: true, run: clear },

  /** keyspace, table, directories; keepLevel, keepRepaired, noVerify, extendedVerify, copyData. */
  import: { changes: true, run: importTables },

  /** keyspace, table. */
  refresh: {
    changes: true,
    run(node, args) {
      const store = namedStore(node, textOf(args, 'keyspace') ?? '', textOf(args, 'table') ?? '')
      return node.engine.imports.refresh(store)
    },
  },
}

/** A table that is to be there, or nodetool was used wrongly. */
function namedStore(node: AdminNode, keyspace: string, table: string): ColumnFamilyStore {
  try {
    return storeOf(node, keyspace, table)
  } catch (error) {
    throw new BadUseError(error instanceof Error ? error.message : String(error))
  }
}

async function snapshot(node: AdminNode, args: Arguments): Promise<Json> {
  const { engine } = node
  const { snapshots } = engine
  const name = textOf(args, 'name') ?? ''
  const keyspaces = textsOf(args, 'keyspaces')
  const table = textOf(args, 'table')
  const tables = textsOf(args, 'tables')
  let stores = engine.stores
  if (tables.length > 0) {
    stores = tables.map((qualified) => {
      const [keyspace = '', of = '', ...more] = qualified.split('.')
      if (of === '' || more.length > 0) {
        throw new Error('You must supply a snapshot name as keyspace.table')
      }
      return namedStore(node, keyspace, of)
    })
  } else if (table !== null) {
    if (keyspaces.length !== 1)
      throw new Error('When specifying the table for a snapshot, you must specify one and only one keyspace')
    stores = [namedStore(node, keyspaces[0]!, table)]
  } else if (keyspaces.length > 0) {
    const unknown = keyspaces.find((keyspace) => !keyspacesOf(node).includes(keyspace))
    if (unknown !== undefined) throw new BadUseError(`Keyspace ${unknown} does not exist`)
    stores = stores.filter((store) => keyspaces.includes(store.table.keyspace))
  }
  const ttl = numberOf(args, 'ttlSeconds')
  if (ttl !== null && ttl < TTL_MIN_SECONDS) {
    throw new BadUseError(`ttl for snapshot must be at least ${TTL_MIN_SECONDS} seconds`)
  }
  if (snapshots === null)
    throw new Error('Data lives in memory alone: there is nothing to take a snapshot of')
  if (!flagOf(args, 'skipFlush')) await engine.flushTables(stores)
  snapshots.take(stores, { name, ttlSeconds: ttl })
  return null
}

function snapshotDetails(node: AdminNode, args: Arguments): Json {
  const { disk, dataDirectory, engine } = node
  if (dataDirectory === null) return { snapshots: [], trueSize: 0 }
  const isShown = ({ expiresAt, ephemeral }: { expiresAt: string | null; ephemeral: boolean }): boolean =>
    (expiresAt === null || !flagOf(args, 'noTtl')) && (!ephemeral || flagOf(args, 'ephemeral'))
  return {
    snapshots: listSnapshots(disk, dataDirectory)
      .filter(isShown)
      .map(({ name, keyspace, table, trueSize, sizeOnDisk, createdAt, expiresAt, ephemeral }) => ({
        name,
        keyspace,
        table,
        trueSize,
        sizeOnDisk,
        createdAt,
        expiresAt,
        ephemeral,
      })),
    // Of dropped tables nothing is counted, as Cassandra doesn't.
    trueSize: engine.stores.reduce((sum, store) => sum + snapshotsSize(node, store), 0),
  }
}

function clear({ disk, dataDirectory }: AdminNode, args: Arguments): Json {
  const name = textOf(args, 'name') ?? ''
  if (name === '' && !flagOf(args, 'all')) throw new BadUseError('Specify snapshot name or --all')
  if (dataDirectory === null) return 0
  const keyspaces = textsOf(args, 'keyspaces')
  const olderThanMs = numberOf(args, 'olderThanMs')
  const filter: SnapshotFilter = {
    ...(keyspaces.length === 0 ? {} : { keyspaces }),
    ...(name === '' ? {} : { name }),
    ...(olderThanMs === null ? {} : { olderThanMs }),
  }
  return clearSnapshots(disk, dataDirectory, filter).length
}

async function importTables(node: AdminNode, args: Arguments): Promise<Json> {
  const store = storeOf(node, textOf(args, 'keyspace') ?? '', textOf(args, 'table') ?? '')
  const { imported, failed, warnings } = await node.engine.imports.importInto(
    store,
    textsOf(args, 'directories'),
    {
      ...IMPORT_DEFAULTS,
      keepLevel: flagOf(args, 'keepLevel'),
      keepRepaired: flagOf(args, 'keepRepaired'),
      verify: !flagOf(args, 'noVerify'),
      extendedVerify: flagOf(args, 'extendedVerify'),
      copyData: flagOf(args, 'copyData'),
    },
  )
  return { imported: imported.length, failed: failed.map((one) => ({ ...one })), warnings: [...warnings] }
}
