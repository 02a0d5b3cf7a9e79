import type { TableMetadata } from '../../model/table.ts'
import { isSerializationCompatible, parseClassName } from '../../types/index.ts'
import { CorruptSSTableError } from '../sstable/corruption.ts'
import { componentPath } from '../sstable/descriptor.ts'
import { keyTypeName } from '../sstable/header-component.ts'
import type { SSTable } from '../sstable/sstable.ts'
import type { HeaderColumn } from '../sstable/statistics.ts'

const PARTITIONER = 'org.apache.cassandra.dht.Murmur3Partitioner'

/** A type's name without the keyspaces of the user types in it: the same files may come into another keyspace. */
function anywhere(className: string): string {
  return className.replaceAll(/UserType\([^,]*,/g, 'UserType(,')
}

/**
 * Whether an SSTable was written for such a table: its partitioner, the types of its key, and its columns, which must be the
 * table's or have been dropped (`SerializationHeader.Component.toHeader`). Cassandra does not look at the types of the key.
 * Throws a CorruptSSTableError.
 */
export function checkTable({ descriptor, statistics }: SSTable, table: TableMetadata): void {
  const { header, validation } = statistics
  const wrong = (reason: string): CorruptSSTableError =>
    new CorruptSSTableError(componentPath(descriptor, 'Statistics.db'), -1, reason)
  if (validation.partitioner !== PARTITIONER) {
    throw wrong(`Partitioner does not match validation metadata: ${validation.partitioner}`)
  }
  if (anywhere(header.keyType) !== anywhere(keyTypeName(table))) {
    throw wrong(`the partition key is of type ${header.keyType}, that of the table of ${keyTypeName(table)}`)
  }
  const clusterings = table.clusterings.map(({ type }) => type.className).join()
  if (anywhere(header.clusteringTypes.join()) !== anywhere(clusterings)) {
    const types = `[${header.clusteringTypes.join()}], those of the table [${clusterings}]`
    throw wrong(`the clustering columns are of types ${types}`)
  }
  const checkColumn = ({ name, type }: HeaderColumn, kind: 'static' | 'regular'): void => {
    const column = table.columns.get(name)
    if (column?.kind !== kind) {
      if (table.dropped.has(name)) return
      throw wrong(`Unknown column ${name} during deserialization`)
    }
    const own = column.type.className
    if (anywhere(own) === anywhere(type) || table.dropped.has(name)) return
    if (isSerializationCompatible(column.type, parseClassName(type))) return
    throw wrong(`the column ${name} is of type ${type}, that of the table of ${own}`)
  }
  for (const column of header.statics) checkColumn(column, 'static')
  for (const column of header.regulars) checkColumn(column, 'regular')
}
