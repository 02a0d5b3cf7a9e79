import type { Random } from '../../test/crash/random.ts'
import {
  COUNTER,
  type GeneratedType,
  type GeneratedUserType,
  isMultiCell,
  randomColumnType,
  randomFrozen,
  randomNative,
  typeText,
  usesUserType,
} from './types.ts'
import { randomValue, type Value } from './values.ts'

/** Who sets the timestamps of a table: clients, from a tiny range; or the server, where there are conditions. */
export type Flavor = 'plain' | 'conditional' | 'counter' | 'compact'

export interface Column {
  /** As CQL writes it, in quotes where it needs them. */
  name: string
  readonly type: GeneratedType
}

export interface KeyColumn extends Column {
  /** The few values that keys are made of. */
  readonly pool: readonly Value[]
}

export interface Table {
  readonly name: string
  readonly flavor: Flavor
  readonly partition: readonly KeyColumn[]
  readonly clustering: readonly (KeyColumn & { readonly isDescending: boolean })[]
  statics: Column[]
  regulars: Column[]
  /** Dropped columns that may be added again. */
  dropped: { readonly column: Column; readonly isStatic: boolean }[]
  readonly defaultTtl: number
  /**
   * Whether an INSERT may have a TTL. Behind a row whose liveness has expired, Cassandra sees cells that are older and not
   * asked for or does not, as they were flushed together or not: such tables are read with all their columns.
   */
  readonly hasExpiringRows: boolean
}

/** A name of its own for each column of a table, some in capitals and with spaces. */
function columnName(random: Random, prefix: string, index: number): string {
  if (random.chance(0.1)) return `"${prefix.toUpperCase()} ${index}"`
  return `${prefix}${index}`
}

const upTo = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

function keyPool(random: Random, type: GeneratedType, size: number): Value[] {
  const pool = new Map<string, Value>()
  for (let i = 0; i < 3 * size && pool.size < size; i++) {
    const value = randomValue(random, type)
    // Floats that are equal, and yet differ, are one key: enough of them comes from lists.
    pool.set(value.bytes.toString('hex'), value)
  }
  return [...pool.values()]
}

function keyColumn(
  random: Random,
  name: string,
  userTypes: readonly GeneratedUserType[],
  poolSize: number,
): KeyColumn {
  const type = random.chance(0.15) ? randomFrozen(random, true, userTypes) : randomNative(random, true)
  return { name, type, pool: keyPool(random, type, poolSize) }
}

function clusteringCount(random: Random, flavor: Flavor): number {
  if (flavor === 'compact' && random.chance(0.5)) return 0
  return random.pick([0, 1, 1, 2, 2, 3, 4])
}

/** A table that CREATE TABLE takes. */
export function randomTable(
  random: Random,
  name: string,
  flavor: Flavor,
  userTypes: readonly GeneratedUserType[],
): Table {
  const partition = upTo(random.pick([1, 1, 1, 2, 2, 3]), (i) =>
    keyColumn(random, columnName(random, 'p', i), userTypes, random.pick([1, 2, 3])),
  )
  const clustering = upTo(clusteringCount(random, flavor), (i) => {
    const column = keyColumn(random, columnName(random, 'c', i), userTypes, random.pick([2, 3, 4]))
    // Cassandra breaks over {} for a map of a DESC column.
    return { ...column, isDescending: random.chance(0.4) && column.type.kind !== 'map' }
  })
  const statics: Column[] = []
  if (clustering.length > 0 && flavor !== 'compact' && random.chance(0.5)) {
    const count = 1 + random.below(2)
    for (let i = 0; i < count; i++) statics.push(newColumn(random, flavor, `s${i}`, userTypes))
  }
  const regulars = upTo(regularCount(random, flavor, clustering.length), (i) =>
    newColumn(random, flavor, columnName(random, 'v', i), userTypes),
  )
  const defaultTtl = flavor === 'plain' && random.chance(0.15) ? 40 : 0
  const hasExpiringRows = defaultTtl > 0 || random.chance(0.4)
  return { name, flavor, partition, clustering, statics, regulars, dropped: [], defaultTtl, hasExpiringRows }
}

function regularCount(random: Random, flavor: Flavor, clusterings: number): number {
  if (flavor === 'counter') return 1 + random.below(3)
  if (flavor === 'compact') return clusterings === 0 ? 1 + random.below(4) : random.pick([0, 1, 1, 1])
  return random.chance(0.05) ? 0 : 1 + random.below(6)
}

export function newColumn(
  random: Random,
  flavor: Flavor,
  name: string,
  userTypes: readonly GeneratedUserType[],
): Column {
  if (flavor === 'counter') return { name, type: COUNTER }
  if (flavor === 'compact') return { name, type: randomFrozen(random, false, userTypes) }
  return { name, type: randomColumnType(random, userTypes) }
}

export function createTableText(table: Table): string {
  const { partition, clustering, statics, regulars } = table
  const columns = [
    ...[...partition, ...clustering, ...regulars].map((column) => `${column.name} ${typeText(column.type)}`),
    ...statics.map((column) => `${column.name} ${typeText(column.type)} static`),
  ]
  const names = (list: readonly Column[]): string => list.map((column) => column.name).join(', ')
  const key = [`(${names(partition)})`, ...clustering.map((column) => column.name)].join(', ')
  const options: string[] = []
  if (table.flavor === 'compact') options.push('COMPACT STORAGE')
  if (clustering.some((column) => column.isDescending)) {
    const order = clustering.map((column) => `${column.name} ${column.isDescending ? 'DESC' : 'ASC'}`)
    options.push(`CLUSTERING ORDER BY (${order.join(', ')})`)
  }
  if (table.defaultTtl > 0) options.push(`default_time_to_live = ${table.defaultTtl}`)
  const suffix = options.length === 0 ? '' : ` WITH ${options.join(' AND ')}`
  return `CREATE TABLE ${table.name} (${columns.join(', ')}, PRIMARY KEY (${key}))${suffix}`
}

export function createTypeText(type: GeneratedUserType): string {
  return `CREATE TYPE ${type.name} (${type.fields.map((field) => `${field.name} ${typeText(field.type)}`).join(', ')})`
}

/**
 * A change of the table, made in `table` too. `timestamp` gives that of a drop.
 */
export function alterTable(
  random: Random,
  table: Table,
  userTypes: readonly GeneratedUserType[],
  timestamp: () => number,
): string {
  const choice = random.below(10)
  if (choice < 3 && table.dropped.length > 0) {
    const { column, isStatic } = random.pick(table.dropped)
    if (table.flavor !== 'counter') {
      table.dropped = table.dropped.filter((dropped) => dropped.column !== column)
      ;(isStatic ? table.statics : table.regulars).push(column)
    }
    return `ALTER TABLE ${table.name} ADD ${column.name} ${typeText(column.type)}${isStatic ? ' static' : ''}`
  }
  // Without its columns a compact table is one of another kind.
  if (choice < 6 && table.flavor !== 'compact') return dropColumn(random, table, timestamp)
  if (choice < 7 && [...table.partition, ...table.clustering].length > 0) {
    const column = random.pick<Column>([...table.partition, ...table.clustering])
    const before = column.name
    column.name = before.startsWith('"') ? `r${before.slice(2, -1).replace(' ', '')}` : `${before}r`
    return `ALTER TABLE ${table.name} RENAME ${before} TO ${column.name}`
  }
  const isStatic = table.clustering.length > 0 && random.chance(0.3)
  const name = `n${table.statics.length + table.regulars.length + table.dropped.length}_${random.below(1000)}`
  const column = newColumn(random, table.flavor, name, userTypes)
  if (table.flavor !== 'compact') (isStatic ? table.statics : table.regulars).push(column)
  return `ALTER TABLE ${table.name} ADD ${name} ${typeText(column.type)}${isStatic ? ' static' : ''}`
}

function dropColumn(random: Random, table: Table, timestamp: () => number): string {
  // Cassandra breaks over dropping a tuple with a UDT in it.
  const columns = [...table.statics, ...table.regulars].filter((column) => !isTupleOfUserTypes(column.type))
  if (columns.length === 0) return `ALTER TABLE ${table.name} DROP ${table.partition[0].name}`
  const column = random.pick(columns)
  const isStatic = table.statics.includes(column)
  // A column of a type that is not frozen cannot be dropped.
  if (column.type.kind !== 'udt' || !isMultiCell(column.type)) {
    table.statics = table.statics.filter((other) => other !== column)
    table.regulars = table.regulars.filter((other) => other !== column)
    table.dropped.push({ column, isStatic })
  }
  const using = table.flavor === 'plain' ? ` USING TIMESTAMP ${timestamp()}` : ''
  return `ALTER TABLE ${table.name} DROP ${column.name}${using}`
}

function isTupleOfUserTypes(type: GeneratedType): boolean {
  return type.kind === 'tuple' && usesUserType(type)
}
