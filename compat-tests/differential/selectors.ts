import type { Column, Table } from './schema.ts'
import { type Scene, someOf, type Terms } from './terms.ts'
import { type GeneratedType, isMultiCell, typeText } from './types.ts'

/** What stands between SELECT and FROM, and the columns of a GROUP BY where there is one. */
export interface Selection {
  readonly text: string
  readonly groupBy?: string
}

const NUMBERS = ['tinyint', 'smallint', 'int', 'bigint', 'varint', 'decimal', 'float', 'double', 'counter']

function isNumber(type: GeneratedType): boolean {
  return type.kind === 'native' && NUMBERS.includes(type.name)
}

/** Cassandra breaks over JSON of some vectors, and of values without bytes. */
function hasJson({ features, hasEmptyValues }: Scene, columns: readonly Column[]): boolean {
  return features.has('selectJson') && !hasEmptyValues && !columns.some(({ type }) => usesVector(type))
}

const usesVector = (type: GeneratedType): boolean => typeText(type).includes('vector<')

/** Of rows in partitions that are named, there may be groups: over scans of them Cassandra fails. */
export function selection(scene: Scene, table: Table, terms: Terms, isOfPartitions: boolean): Selection {
  const { random, features } = scene
  const keys = [...table.partition, ...table.clustering]
  const columns: Column[] = [...keys, ...table.statics, ...table.regulars]
  const choice = random.below(100)
  if (choice < 45 || table.hasExpiringRows)
    return { text: hasJson(scene, columns) && random.chance(0.1) ? 'JSON *' : '*' }
  if (choice < 50) return { text: random.pick(['count(*)', 'count(1)', 'count(*) AS "N"']) }
  if (choice < 60 && features.has('aggregates')) return aggregates(scene, table, columns, isOfPartitions)
  const chosen = someOf(random, columns, 0.5)
  const json = hasJson(scene, columns) && random.chance(0.08) ? 'JSON ' : ''
  // Cassandra breaks over JSON of the timestamps of collections.
  const items = chosen.map((column) =>
    json !== '' && isMultiCell(column.type) ? column.name : item(scene, table, column, terms),
  )
  return { text: json + items.join(', ') }
}

/** A column, something of its cell, or a part of it. */
function item(scene: Scene, table: Table, column: Column, terms: Terms): string {
  const { random, features } = scene
  const text = plainItem(scene, table, column, terms, features)
  return random.chance(0.05) ? `${text} AS a${random.below(100)}` : text
}

function plainItem(
  scene: Scene,
  table: Table,
  { name, type }: Column,
  terms: Terms,
  features: Scene['features'],
): string {
  const { random } = scene
  const choice = random.below(100)
  // The server's timestamps are not the same, nor are those of counters.
  const hasTimestamps = table.flavor === 'plain' || table.flavor === 'compact'
  if (choice < 15 && hasTimestamps) return `${random.pick(['writetime', 'maxwritetime'])}(${name})`
  if (choice < 25) return `ttl(${name})`
  if (choice < 35 && type.kind === 'udt') return `${name}.${random.pick(type.type.fields).name}`
  if (choice < 45 && features.has('elements')) {
    const element = elementOf(scene, { name, type }, terms)
    if (element !== null) return element
  }
  // Cassandra does not know the types of DESC columns for what they are.
  const isDescending = table.clustering.some((column) => column.name === name && column.isDescending)
  if (choice < 52 && features.has('functions') && !isDescending) return functionOf(scene, { name, type })
  if (choice < 58 && features.has('casts') && !isDescending) return castOf(scene, { name, type })
  if (choice < 64 && features.has('arithmetic') && isNumber(type)) {
    return `${name} ${random.pick(['+', '-', '*'])} ${random.pick(['1', '2', name])}`
  }
  if (choice < 67 && table.flavor !== 'counter' && !scene.hasEmptyValues && !usesVector(type))
    return `to_json(${name})`
  return name
}

/** A cast that there is: the refusal of others lists signatures in the order of a hash. */
function castOf(scene: Scene, { name, type }: Column): string {
  const { random } = scene
  if (isNumber(type))
    return `CAST(${name} AS ${random.pick(['text', 'int', 'double', 'bigint', 'ascii', 'varint'])})`
  const castable = ['ascii', 'boolean', 'date', 'inet', 'time', 'timestamp', 'timeuuid', 'uuid']
  return type.kind === 'native' && castable.includes(type.name) ? `CAST(${name} AS text)` : name
}

function elementOf(scene: Scene, { name, type }: Column, terms: Terms): string | null {
  const { random } = scene
  const slice = (of: GeneratedType): string => `${name}[${terms.some(of)}..${terms.some(of)}]`
  if (type.kind === 'map') {
    return random.chance(0.4) ? slice(type.key) : `${name}[${terms.some(type.key)}]`
  }
  if (type.kind === 'set') {
    return random.chance(0.4) ? slice(type.element) : `${name}[${terms.some(type.element)}]`
  }
  return null
}

function functionOf(scene: Scene, { name, type }: Column): string {
  const { random } = scene
  if (type.kind === 'map')
    return random.pick([`map_keys(${name})`, `map_values(${name})`, `collection_count(${name})`])
  if (type.kind === 'list' || type.kind === 'set') {
    return `${random.pick(['collection_count', 'collection_min', 'collection_max'])}(${name})`
  }
  if (type.kind === 'native' && type.name === 'timeuuid') return `to_timestamp(${name})`
  if (isNumber(type)) return `${random.pick(['abs', 'round'])}(${name})`
  if (type.kind === 'native') return `${type.name === 'varchar' ? 'text' : type.name}_as_blob(${name})`
  return name
}

function aggregates(scene: Scene, table: Table, columns: readonly Column[], hasGroups: boolean): Selection {
  const { random, features } = scene
  const chosen = someOf(random, columns, 0.3)
  const items = chosen.map(({ name, type }): string => {
    // The greatest timeuuid of a DESC column has another type than that of any other.
    if (type.kind === 'native' && type.name === 'timeuuid') return `count(${name})`
    const some = isNumber(type) ? ['sum', 'avg', 'min', 'max', 'count'] : ['min', 'max', 'count']
    return `${random.pick(some)}(${name})`
  })
  if (random.chance(0.4)) items.push('count(*)')
  if (!hasGroups || !features.has('groupBy') || random.chance(0.3)) return { text: items.join(', ') }
  const depth = random.below(table.clustering.length + 1)
  const group = [...table.partition, ...table.clustering.slice(0, depth)]
  if (random.chance(0.6)) items.unshift(...group.map((column) => column.name))
  return { text: items.join(', '), groupBy: group.map((column) => column.name).join(', ') }
}
