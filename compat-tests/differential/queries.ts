import { clusteringRange, randomWrites } from './mutations.ts'
import type { QueryOperation } from './operation.ts'
import type { Column, KeyColumn, Table } from './schema.ts'
import { selection } from './selectors.ts'
import { type Scene, someOf, Terms, tableName } from './terms.ts'
import { isMultiCell, usesUserType } from './types.ts'

const OPERATORS = ['=', '=', '>', '>=', '<', '<=']

/** One SELECT, read through all its pages; what is written between two of them is the same for both servers. */
export function randomQuery(scene: Scene, tables: readonly Table[]): QueryOperation {
  const { random } = scene
  const table = random.pick(tables)
  const terms = new Terms(scene)
  const text = selectText(scene, table, terms)
  const prepared = random.chance(terms.values.length === 0 ? 0.2 : 0.6) ? { prepared: true } : {}
  // Cassandra fails over pages of groups.
  const hasPages = random.chance(0.6) && !text.includes(' GROUP BY ')
  const between = hasPages && random.chance(0.08) ? { between: randomWrites(scene, tables) } : {}
  return {
    kind: 'query',
    effect: 'read',
    ...terms.statement(text),
    // Some look into the future, where what has a TTL is gone.
    now: scene.now + random.pick([0, 0, 0, 1, 2, 5, 31, 1001]),
    ...prepared,
    ...(hasPages ? { pageSize: 1 + random.below(random.pick([3, 20])) } : {}),
    ...between,
    ...(table.flavor === 'conditional' && random.chance(0.3) ? { serial: true } : {}),
  }
}

function selectText(scene: Scene, table: Table, terms: Terms): string {
  const { random } = scene
  const shape = random.below(100)
  const isDistinct = shape >= 80 && shape < 86
  const isOfPartitions = shape >= 20 && shape < 62
  const selected = isDistinct ? distinct(scene, table) : selection(scene, table, terms, isOfPartitions)
  const relations = relationsOf(scene, table, terms, shape)
  const where = relations.texts.length === 0 ? '' : ` WHERE ${relations.texts.join(' AND ')}`
  const filtering = relations.needsFiltering ? random.chance(0.95) : random.chance(0.04)
  return (
    `SELECT ${selected.text} FROM ${tableName(scene, table)}${where}` +
    (selected.groupBy === undefined ? '' : ` GROUP BY ${selected.groupBy}`) +
    // Cassandra orders JSON of all columns by its text.
    (selected.text === 'JSON *' ? '' : order(scene, table, relations.isOfPartitions)) +
    limits(scene, terms, selected.groupBy !== undefined) +
    (filtering ? ' ALLOW FILTERING' : '')
  )
}

/** Cassandra fails over some groups that are limited. */
function limits({ random }: Scene, terms: Terms, isGrouped: boolean): string {
  if (isGrouped) return ''
  const perPartition = random.chance(0.08)
    ? ` PER PARTITION LIMIT ${terms.int(random.chance(0.04) ? 0 : 1 + random.below(3))}`
    : ''
  const limit = random.chance(0.15)
    ? ` LIMIT ${terms.int(random.chance(0.04) ? 0 : 1 + random.below(9))}`
    : ''
  return perPartition + limit
}

function distinct(scene: Scene, table: Table): { text: string; groupBy?: string } {
  const { random } = scene
  const names = table.partition.map((column) => column.name)
  if (table.statics.length > 0 && !table.hasExpiringRows && random.chance(0.4))
    names.push(random.pick(table.statics).name)
  return { text: `DISTINCT ${names.join(', ')}` }
}

interface Relations {
  readonly texts: readonly string[]
  /** Whether the query says the partitions, so that rows have an order. */
  readonly isOfPartitions: boolean
  readonly needsFiltering: boolean
}

/** Conditions of the WHERE clause; `shape` is 0 to 99. */
function relationsOf(scene: Scene, table: Table, terms: Terms, shape: number): Relations {
  const { random } = scene
  if (shape < 12) return { texts: [], isOfPartitions: false, needsFiltering: false }
  if (shape < 20)
    return { texts: tokenRange(scene, table, terms), isOfPartitions: false, needsFiltering: false }
  if (shape < 62 || (shape >= 80 && shape < 86)) {
    const keys = table.partition.map((column) => keyRelation(terms, column, 0.25))
    const ranges = shape < 80 ? clusteringRange(terms, table) : []
    return { texts: [...keys, ...ranges], isOfPartitions: true, needsFiltering: false }
  }
  if (shape < 80) {
    const keys = random.chance(0.5) ? table.partition.map((column) => keyRelation(terms, column, 0.15)) : []
    const ranges = keys.length > 0 && random.chance(0.3) ? clusteringRange(terms, table) : []
    const filters = Array.from({ length: 1 + random.below(2) }, () => filter(scene, table, terms))
    return { texts: [...keys, ...ranges, ...filters], isOfPartitions: keys.length > 0, needsFiltering: true }
  }
  // Anything goes: much of this is refused.
  const columns: KeyColumn[] = someOf(random, [...table.partition, ...table.clustering], 0.5)
  const texts = columns.map((column) => anyRelation(scene, terms, column))
  if (random.chance(0.3)) texts.push(filter(scene, table, terms))
  return { texts, isOfPartitions: false, needsFiltering: random.chance(0.6) }
}

/** `k = x` or `k IN (...)`, of `least` values or more: in a scan, Cassandra counts partitions for an IN of none. */
function keyRelation(terms: Terms, column: KeyColumn, inShare: number, least = 0): string {
  const { random } = terms.scene
  if (!random.chance(inShare)) return `${column.name} = ${terms.of(random.pick(column.pool), column.type)}`
  const values = Array.from({ length: least + random.below(4) }, () =>
    terms.of(random.pick(column.pool), column.type),
  )
  return `${column.name} IN (${values.join(', ')})`
}

function anyRelation(scene: Scene, terms: Terms, column: KeyColumn): string {
  const { random } = scene
  // Where it filters, Cassandra breaks over an unset value in an IN.
  if (random.chance(0.3)) return terms.carefully(() => keyRelation(terms, column, 1, 1))
  const quoted = usesUserType(column.type) ? [] : ['!=', 'LIKE']
  const operator = random.pick([...OPERATORS, ...quoted, 'CONTAINS'])
  return `${column.name} ${operator} ${terms.of(random.pick(column.pool), column.type)}`
}

function tokenRange(scene: Scene, table: Table, terms: Terms): string[] {
  const { random } = scene
  const names = table.partition.map((column) => column.name).join(', ')
  const bound = (operator: string): string => {
    if (random.chance(0.5)) {
      const tokens = [
        '-9223372036854775808',
        '-3000000000000000000',
        '0',
        '3000000000000000000',
        '9223372036854775807',
      ]
      return `token(${names}) ${operator} ${random.pick(tokens)}`
    }
    const values = table.partition.map((column) => terms.of(random.pick(column.pool), column.type))
    return `token(${names}) ${operator} token(${values.join(', ')})`
  }
  const shape = random.below(7)
  if (shape === 6) return [bound('=')]
  return [
    ...(shape % 3 === 1 ? [] : [bound(random.pick(['>', '>=']))]),
    ...(shape % 3 === 0 ? [] : [bound(random.pick(['<', '<=']))]),
  ]
}

/** A condition on a column of any kind, as ALLOW FILTERING allows them. */
function filter(scene: Scene, table: Table, terms: Terms): string {
  const { random } = scene
  // Static cells that were deleted or have expired still count until they are compacted away.
  const columns: Column[] = [...table.regulars, ...table.clustering, ...table.partition]
  const column = random.pick(random.chance(0.7) && table.regulars.length > 0 ? table.regulars : columns)
  const { name, type } = column
  if (type.kind === 'list' || type.kind === 'set') {
    if (isMultiCell(type) || random.chance(0.6)) return `${name} CONTAINS ${terms.some(type.element)}`
  }
  if (type.kind === 'map' && (isMultiCell(type) || random.chance(0.6))) {
    const choice = random.below(3)
    if (choice === 0) return `${name} CONTAINS ${terms.some(type.value)}`
    if (choice === 1) return `${name} CONTAINS KEY ${terms.some(type.key)}`
    return `${name}[${terms.some(type.key)}] = ${terms.some(type.value)}`
  }
  if (random.chance(0.1)) {
    const values = Array.from({ length: 1 + random.below(3) }, () => terms.carefully(() => terms.some(type)))
    return `${name} IN (${values.join(', ')})`
  }
  // The refusal of != quotes the value, and Cassandra quotes the fields of a type in the order of a hash.
  const operators = usesUserType(type) ? OPERATORS : [...OPERATORS, '!=']
  return `${name} ${random.pick(operators)} ${terms.some(type)}`
}

function order(scene: Scene, table: Table, isOfPartitions: boolean): string {
  const { random } = scene
  if (table.clustering.length === 0 || !random.chance(isOfPartitions ? 0.3 : 0.03)) return ''
  const isReversed = random.chance(0.6)
  const columns = table.clustering.slice(0, 1 + random.below(table.clustering.length))
  const wrong = random.chance(0.04)
  const orders = columns.map((column, i) => {
    const isDescending = column.isDescending !== (isReversed !== (wrong && i === 0))
    return `${column.name} ${isDescending ? 'DESC' : 'ASC'}`
  })
  return ` ORDER BY ${orders.join(', ')}`
}
