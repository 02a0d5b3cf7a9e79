import type { Disk } from '../../io/disk.ts'
import type { ColumnKind, ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, parseClassName } from '../../types/index.ts'
import { CorruptSSTableError } from './corruption.ts'
import { componentPath, type Descriptor, parseFileName } from './descriptor.ts'
import { SSTable } from './sstable.ts'
import { type HeaderComponent, readStatistics, type Statistics } from './statistics.ts'
import { type FormatVersion, formatVersion } from './version.ts'

/** A tool was called in a way that it cannot answer: the text is for the user. */
export class ToolError extends Error {}

/** An SSTable without the schema that it was written for, and what its own files say of that (`Util.metadataFromSSTable`). */
export interface OfflineSSTable {
  readonly descriptor: Descriptor
  readonly sstable: SSTable
  readonly keyType: CqlType
  readonly clusteringTypes: readonly CqlType[]
  /** REGULAR, or INDEX in the directory of a secondary index. */
  readonly tableKind: 'REGULAR' | 'INDEX'
}

/** The SSTable that a file belongs to. Throws a ToolError for a name that is none of an SSTable's. */
export function descriptorOf(path: string): Descriptor {
  const slash = path.lastIndexOf('/')
  const directory = slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
  const name = path.slice(slash + 1)
  const file = parseFileName(directory, name)
  if (file === null) {
    throw new ToolError(
      `Invalid sstable file ${name}: the name doesn't look like a supported sstable file name`,
    )
  }
  return file.descriptor
}

/** The version of the files. Throws a ToolError for those that cannot be read here. */
export function versionOf({ format, version }: Descriptor): FormatVersion {
  const found = format === 'big' ? formatVersion(version) : null
  if (found === null) throw new ToolError(`Unsupported SSTable version ${format}/${version}`)
  return found
}

/** Statistics.db alone. Throws a CorruptSSTableError. */
export function readOfflineStatistics(disk: Disk, descriptor: Descriptor): Statistics {
  const path = componentPath(descriptor, 'Statistics.db')
  const version = versionOf(descriptor)
  if (!disk.existsSync(path)) throw new CorruptSSTableError(path, -1, 'the file is missing')
  return readStatistics(path, disk.readFileSync(path), version)
}

/** Opens an SSTable by the types in its own header. Throws a CorruptSSTableError. */
export function openOffline(disk: Disk, descriptor: Descriptor): OfflineSSTable {
  const { header } = readOfflineStatistics(disk, descriptor)
  const table = tableOf(componentPath(descriptor, 'Statistics.db'), header)
  const directory = descriptor.directory.slice(descriptor.directory.lastIndexOf('/') + 1)
  return {
    descriptor,
    sstable: SSTable.open(disk, descriptor, table),
    keyType: table.partitionKeys[0]!.type,
    clusteringTypes: table.clusterings.map((column) => column.type),
    tableKind: directory.startsWith('.') && directory.length > 1 ? 'INDEX' : 'REGULAR',
  }
}

const NO_PARAMS = {
  additionalWritePolicy: '',
  allowAutoSnapshot: false,
  bloomFilterFpChance: 1,
  caching: new Map(),
  cdc: false,
  comment: '',
  compaction: new Map(),
  compression: new Map(),
  crcCheckChance: 1,
  defaultTimeToLive: 0,
  extensions: new Map(),
  gcGraceSeconds: 0,
  incrementalBackups: false,
  maxIndexInterval: 2048,
  memtable: null,
  memtableFlushPeriodMs: 0,
  minIndexInterval: 128,
  readRepair: '',
  speculativeRetry: '',
} as const satisfies TableMetadata['params']

/** A table of those columns. The partition key is one column, and clustering columns have no names of their own. */
function tableOf(path: string, header: HeaderComponent): TableMetadata {
  const typeOf = (className: string): CqlType => {
    try {
      return parseClassName(className)
    } catch (error) {
      throw new CorruptSSTableError(path, -1, error instanceof Error ? error.message : String(error))
    }
  }
  let id = 0
  const column = (name: string, kind: ColumnKind, type: CqlType, position: number): ColumnMetadata => ({
    name,
    kind,
    type,
    position,
    id: position < 0 ? id++ : -1,
  })
  const key = column('PartitionKey', 'partition_key', typeOf(header.keyType), 0)
  const clusterings = header.clusteringTypes.map((type, i) =>
    column(`clustering${i > 0 ? i : ''}`, 'clustering', typeOf(type), i),
  )
  const statics = header.statics.map(({ name, type }) => column(name, 'static', typeOf(type), -1))
  const regulars = header.regulars.map(({ name, type }) => column(name, 'regular', typeOf(type), -1))
  return {
    keyspace: 'keyspace',
    name: 'table',
    id: '00000000-0000-0000-0000-000000000000',
    handle: -1,
    flags: new Set(),
    partitionKeys: [key],
    clusterings,
    statics,
    regulars,
    columns: new Map([...statics, ...regulars].map((each) => [each.name, each])),
    columnsById: [...statics, ...regulars],
    dropped: new Map(),
    dropTimes: null,
    params: NO_PARAMS,
    isCounter: regulars.some(({ type }) => type.kind === 'counter'),
    isVirtual: false,
    isCompactTable: false,
    isStaticCompactTable: false,
    compactValue: null,
    hidden: new Set(),
  }
}
