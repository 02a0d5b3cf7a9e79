import { jsonName, jsonValue } from './json.ts'
import type { BatchOperation, Effect, Operation, QueryOperation, Statement } from './operation.ts'
import type { Column, KeyColumn, Table } from './schema.ts'
import { randomTimestamp, type Scene, someOf, Terms, tableName } from './terms.ts'
import { type GeneratedType, isMultiCell, typeText } from './types.ts'
import { randomValue } from './values.ts'

const TTLS = [1, 2, 5, 30, 1000]

interface Mutation extends Statement {
  readonly effect: Effect
}

/** One INSERT, UPDATE, DELETE or BATCH on one of the tables. */
export function randomMutation(scene: Scene, tables: readonly Table[]): Operation {
  const { random } = scene
  const table = random.pick(tables)
  const batch = random.chance(0.12)
  if (batch) return random.chance(0.5) ? batchMessage(scene, tables, table) : batchText(scene, tables, table)
  const isConditional = table.flavor === 'conditional' && random.chance(0.6)
  const terms = new Terms(scene)
  const mutation = randomModification(scene, table, terms, { isConditional, hasTimestamp: true })
  return { ...write(scene, mutation), ...defaultTimestamp(scene, table, mutation.text) }
}

function write(scene: Scene, mutation: Mutation): QueryOperation {
  const { random } = scene
  const prepared = random.chance(mutation.values === undefined ? 0.15 : 0.5) ? { prepared: true } : {}
  return { kind: 'query', ...mutation, now: scene.now, ...prepared }
}

/** The request's own timestamp, for statements that name none. */
function defaultTimestamp(scene: Scene, table: Table, text: string): { timestamp?: number } {
  if (table.flavor === 'counter' || table.flavor === 'conditional') return {}
  if (text.includes('USING TIMESTAMP') || text.includes('AND TIMESTAMP')) return {}
  return { timestamp: randomTimestamp(scene) }
}

interface ModificationOptions {
  readonly isConditional: boolean
  /** Whether the statement may have a timestamp of its own. */
  readonly hasTimestamp: boolean
  readonly isInBatch?: boolean
}

function randomModification(
  scene: Scene,
  table: Table,
  terms: Terms,
  options: ModificationOptions,
): Mutation {
  const { random } = scene
  // What becomes of a counter that is deleted and counted up in one batch is not defined.
  const kind = random.below(table.flavor === 'counter' && options.isInBatch === true ? 8 : 10)
  if (kind < 4 && table.flavor !== 'counter') {
    const isJson = scene.features.has('insertJson') && random.chance(0.15)
    return (isJson ? insertJson(scene, table, terms, options) : null) ?? insert(scene, table, terms, options)
  }
  if (kind < 8) return update(scene, table, terms, options)
  return remove(scene, table, terms, options)
}

/** USING TIMESTAMP and TTL, in either order. */
function using(scene: Scene, table: Table, terms: Terms, options: ModificationOptions, ttl: boolean): string {
  const { random } = scene
  const parts: string[] = []
  const isClients = table.flavor === 'plain' || table.flavor === 'compact'
  if ((isClients && options.hasTimestamp && random.chance(0.6)) || random.chance(0.004)) {
    parts.push(`TIMESTAMP ${terms.bigint(randomTimestamp(scene))}`)
  }
  if (ttl && random.chance(table.flavor === 'counter' ? 0.01 : 0.25)) {
    const value = random.chance(0.03) ? random.pick([0, -1, 630720001]) : random.pick(TTLS)
    parts.push(`TTL ${terms.int(value)}`)
  }
  return parts.length === 0 ? '' : ` USING ${parts.join(' AND ')}`
}

function insert(scene: Scene, table: Table, terms: Terms, options: ModificationOptions): Mutation {
  const { random } = scene
  const onlyStatics = table.statics.length > 0 && random.chance(0.15)
  const keys = [...table.partition, ...(onlyStatics ? [] : table.clustering)]
  if (random.chance(0.01)) keys.splice(random.below(keys.length), 1)
  const regulars = onlyStatics ? [] : table.regulars.filter(() => random.chance(0.6))
  const others = [...table.statics.filter(() => random.chance(onlyStatics ? 0.8 : 0.3)), ...regulars]
  const names = [...keys, ...others].map((column) => column.name)
  const values = [
    ...keys.map((column) => terms.of(random.pick(column.pool), column.type)),
    ...others.map((column) => terms.orNull(column.type)),
  ]
  const condition = options.isConditional ? ' IF NOT EXISTS' : ''
  const text =
    `INSERT INTO ${tableName(scene, table)} (${names.join(', ')}) VALUES (${values.join(', ')})${condition}` +
    using(scene, table, terms, options, table.hasExpiringRows)
  return { ...terms.statement(text), effect: effectOf(table, others, options) }
}

/** INSERT JSON of columns of native types; null where the key has others. */
function insertJson(scene: Scene, table: Table, terms: Terms, options: ModificationOptions): Mutation | null {
  const { random } = scene
  const keys = [...table.partition, ...table.clustering]
  const others = [...table.statics, ...table.regulars].filter(
    (column) => column.type.kind === 'native' && random.chance(0.6),
  )
  const members = [
    ...keys.map((column) => [jsonName(column), jsonValue(column.type, random.pick(column.pool))]),
    ...others.map((column) => [
      jsonName(column),
      random.chance(0.12) ? 'null' : jsonValue(column.type, randomValue(random, column.type)),
    ]),
  ]
  if (members.some(([, value]) => value === null)) return null
  const json = `{${members.map(([name, value]) => `${name}: ${value}`).join(', ')}}`
  const value = terms.text(json)
  const rest = random.pick(['', '', ' DEFAULT NULL', ' DEFAULT UNSET'])
  const condition = options.isConditional ? ' IF NOT EXISTS' : ''
  const text =
    `INSERT INTO ${tableName(scene, table)} JSON ${value}${rest}${condition}` +
    using(scene, table, terms, options, table.hasExpiringRows)
  return { ...terms.statement(text), effect: effectOf(table, [], options) }
}

function effectOf(table: Table, columns: readonly Column[], options: ModificationOptions): Effect {
  if (options.isConditional || table.flavor === 'conditional' || table.flavor === 'counter') return 'alone'
  // The elements of a list get their places from the clock, and an index is looked up.
  return columns.some((column) => column.type.kind === 'list' && isMultiCell(column.type)) ? 'alone' : 'write'
}

/** `k = x`, `k IN (x, y)`, for each of the columns. */
function keyRelations(terms: Terms, columns: readonly KeyColumn[], inShare: number): string[] {
  const { random } = terms.scene
  return columns.map((column) => {
    if (!random.chance(inShare)) return `${column.name} = ${terms.of(random.pick(column.pool), column.type)}`
    const values = someOf(random, column.pool, 0.5).map((value) => terms.of(value, column.type))
    return `${column.name} IN (${values.join(', ')})`
  })
}

function update(scene: Scene, table: Table, terms: Terms, options: ModificationOptions): Mutation {
  const { random } = scene
  const onlyStatics = table.statics.length > 0 && random.chance(0.2)
  const candidates = onlyStatics ? table.statics : [...table.regulars, ...table.statics]
  if (candidates.length === 0) return remove(scene, table, terms, options)
  const usingText = using(scene, table, terms, options, true)
  const columns = someOf(random, candidates, 0.4)
  if (random.chance(0.01)) columns.push(random.pick(candidates))
  const assignments = columns.map((column) => assignment(terms, column))
  const inShare = options.isConditional ? 0.02 : 0.1
  const relations = keyRelations(terms, table.partition, inShare)
  if (!onlyStatics || random.chance(0.05)) relations.push(...keyRelations(terms, table.clustering, inShare))
  if (random.chance(0.01)) relations.pop()
  const where = relations.length === 0 ? '1 = 1' : relations.join(' AND ')
  const condition = options.isConditional ? conditions(terms, table, options.isInBatch === true) : ''
  const text = `UPDATE ${tableName(scene, table)}${usingText} SET ${assignments.join(', ')} WHERE ${where}${condition}`
  return { ...terms.statement(text), effect: effectOf(table, columns, options) }
}

/** `column = value`, or a change of a part of it. */
function assignment(terms: Terms, { name, type }: Column): string {
  const { random } = terms.scene
  if (type.kind === 'native' && type.name === 'counter') {
    // Cassandra breaks over an increment of no bytes.
    return `${name} = ${name} ${random.pick(['+', '-'])} ${terms.carefully(() => terms.some(type))}`
  }
  if (!isMultiCell(type) || random.chance(0.25)) return `${name} = ${terms.orNull(type)}`
  switch (type.kind) {
    case 'list': {
      const choice = random.below(5)
      if (choice === 0) return `${name} = ${terms.some(type)} + ${name}`
      if (choice === 1) return `${name} = ${name} - ${terms.some(type)}`
      if (choice === 2) return `${name}[${terms.int(random.below(3))}] = ${terms.orNullOnly(type.element)}`
      return `${name} = ${name} + ${terms.some(type)}`
    }
    case 'set':
      return `${name} = ${name} ${random.pick(['+', '+', '-'])} ${terms.some(type)}`
    case 'map': {
      const choice = random.below(4)
      if (choice === 0) return `${name} = ${name} + ${terms.some(type)}`
      if (choice === 1) {
        const keys: GeneratedType = { kind: 'set', element: type.key, frozen: true }
        return `${name} = ${name} - ${terms.some(keys)}`
      }
      return `${name}[${terms.some(type.key)}] = ${terms.orNull(type.value)}`
    }
    case 'udt': {
      const field = random.pick(type.type.fields)
      return `${name}.${field.name} = ${terms.orNull(field.type)}`
    }
    default:
      return `${name} = ${terms.orNull(type)}`
  }
}

function remove(scene: Scene, table: Table, terms: Terms, options: ModificationOptions): Mutation {
  const { random } = scene
  const columns = [...table.regulars, ...table.statics]
  // A counter's cell that was deleted stays so for ever, or until what hides it is compacted away.
  const hasTargets = columns.length > 0 && table.flavor !== 'counter' && random.chance(0.4)
  const targets: Column[] = hasTargets ? someOf(random, columns, 0.25) : []
  const selection = targets.map((column) => deletedPart(terms, column)).join(', ')
  const usingText = using(scene, table, terms, options, false)
  const relations = keyRelations(terms, table.partition, options.isConditional ? 0.02 : 0.1)
  const onlyStatics = targets.length > 0 && targets.every((column) => table.statics.includes(column))
  if (options.isConditional || (targets.length > 0 && !onlyStatics)) {
    if (!onlyStatics && random.chance(0.97)) relations.push(...keyRelations(terms, table.clustering, 0.05))
  } else if (!onlyStatics) {
    // A range to null makes Cassandra's write time out.
    relations.push(...terms.carefully(() => clusteringRange(terms, table)))
  }
  const condition = options.isConditional ? conditions(terms, table, options.isInBatch === true) : ''
  const text =
    `DELETE ${selection}${selection === '' ? '' : ' '}FROM ${tableName(scene, table)}${usingText}` +
    ` WHERE ${relations.join(' AND ')}${condition}`
  return { ...terms.statement(text), effect: effectOf(table, targets, options) }
}

function deletedPart(terms: Terms, { name, type }: Column): string {
  const { random } = terms.scene
  if (!isMultiCell(type) || random.chance(0.3)) return name
  if (type.kind === 'list') return `${name}[${terms.int(random.below(3))}]`
  if (type.kind === 'set') return `${name}[${terms.some(type.element)}]`
  if (type.kind === 'map') return `${name}[${terms.some(type.key)}]`
  if (type.kind === 'udt') return `${name}.${random.pick(type.type.fields).name}`
  return name
}

/** Nothing, some first columns, and a range of the next, of one column or of several. */
export function clusteringRange(terms: Terms, table: Table): string[] {
  const { random } = terms.scene
  const { clustering } = table
  if (clustering.length === 0 || random.chance(0.15)) return []
  const fixed = random.below(clustering.length + 1)
  const relations = keyRelations(terms, clustering.slice(0, fixed), 0.08)
  const rest = clustering.slice(fixed)
  if (rest.length === 0 || random.chance(0.2)) return relations
  const width = random.chance(0.4) ? 1 + random.below(rest.length) : 1
  // Beside a relation of several columns Cassandra takes a tuple for several columns too.
  const mixes = !rest.some((column) => column.type.kind === 'tuple')
  const bound = (operator: string): string => {
    const columns = rest.slice(0, mixes && random.chance(0.2) ? 1 + random.below(rest.length) : width)
    if (columns.length === 1 && width === 1) {
      return `${columns[0].name} ${operator} ${terms.of(random.pick(columns[0].pool), columns[0].type)}`
    }
    const names = columns.map((column) => column.name).join(', ')
    const values = columns.map((column) => terms.of(random.pick(column.pool), column.type))
    return `(${names}) ${operator} (${values.join(', ')})`
  }
  const shape = random.below(3)
  if (shape !== 1) relations.push(bound(random.pick(['>', '>='])))
  if (shape !== 0) relations.push(bound(random.pick(['<', '<='])))
  return relations
}

const COMPARISONS = ['=', '=', '=', '!=', '<', '<=', '>', '>=']

/** ` IF EXISTS`, or conditions on columns. */
function conditions(terms: Terms, table: Table, isInBatch: boolean): string {
  const { random } = terms.scene
  const columns = [...table.regulars, ...table.statics]
  if (columns.length === 0 || random.chance(0.25)) return ' IF EXISTS'
  const chosen = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => random.pick(columns))
  const texts = (): string => chosen.map((column) => condition(terms, column)).join(' AND ')
  return ` IF ${chosen.length > 1 || isInBatch ? terms.carefully(texts) : texts()}`
}

function condition(terms: Terms, { name, type }: Column): string {
  const { random } = terms.scene
  const part = isMultiCell(type) || (type.kind === 'udt' && random.chance(0.3))
  if (part && random.chance(0.5)) {
    if (type.kind === 'udt') {
      const field = random.pick(type.type.fields)
      return `${name}.${field.name} ${comparison(terms, field.type, COMPARISONS)}`
    }
    const equality = ['=', '=', '!=']
    if (type.kind === 'list') {
      return `${name}[${terms.int(random.below(3))}] ${comparison(terms, type.element, equality)}`
    }
    // Cassandra compares the value of a key as if it were a key itself.
    if (type.kind === 'map' && typeText(type.key) === typeText(type.value)) {
      return `${name}[${terms.some(type.key)}] ${comparison(terms, type.value, equality)}`
    }
  }
  if (type.kind === 'list' || type.kind === 'set') {
    if (random.chance(0.3)) return `${name} CONTAINS ${terms.some(type.element)}`
  }
  if (type.kind === 'map' && random.chance(0.4)) {
    if (random.chance(0.5)) return `${name} CONTAINS KEY ${terms.some(type.key)}`
    return `${name} CONTAINS ${terms.some(type.value)}`
  }
  // An empty collection has no order: it breaks as null does.
  const hasOrder = !isMultiCell(type) || type.kind === 'udt'
  return `${name} ${comparison(terms, type, hasOrder ? COMPARISONS : ['=', '=', '!=', ...terms.ifCareless(['<', '>='])])}`
}

function comparison(terms: Terms, type: GeneratedType, operators: readonly string[]): string {
  const { random } = terms.scene
  if (random.chance(0.15)) {
    const values = Array.from({ length: random.below(4) }, () => terms.orNullOnly(type))
    return `IN (${values.join(', ')})`
  }
  return `${random.pick(operators)} ${terms.orNullOnly(type)}`
}

function batchTables(scene: Scene, tables: readonly Table[], table: Table): readonly Table[] {
  const { random } = scene
  const alike = tables.filter(
    (other) =>
      (other.flavor === 'counter') === (table.flavor === 'counter') && other.flavor !== 'conditional',
  )
  if (table.flavor === 'conditional') return [table]
  return random.chance(0.02) ? tables : alike
}

/** Tables of a conditional batch are one, and so is its partition, mostly. */
function partitionOf(scene: Scene, table: Table): Table {
  return {
    ...table,
    partition: table.partition.map((column) => ({ ...column, pool: [scene.random.pick(column.pool)] })),
  }
}

interface BatchParts {
  readonly mutations: readonly Mutation[]
  readonly type: 'logged' | 'unlogged' | 'counter'
  readonly effect: Effect
}

function batchParts(
  scene: Scene,
  tables: readonly Table[],
  table: Table,
  options: Omit<ModificationOptions, 'isConditional'>,
  terms: () => Terms,
): BatchParts {
  const { random } = scene
  const isConditional = table.flavor === 'conditional' && random.chance(0.6)
  const choice = isConditional ? [partitionOf(scene, table)] : batchTables(scene, tables, table)
  const mutations = Array.from({ length: 1 + random.below(5) }, () =>
    randomModification(scene, random.pick(choice), terms(), {
      ...options,
      isConditional: isConditional && random.chance(0.6),
      isInBatch: true,
    }),
  )
  const type = table.flavor === 'counter' ? 'counter' : random.pick(['logged', 'unlogged'] as const)
  const isAlone = mutations.some((mutation) => mutation.effect === 'alone')
  return { mutations, type, effect: isAlone ? 'alone' : 'write' }
}

function hasServerTime(table: Table): boolean {
  return table.flavor === 'conditional' || table.flavor === 'counter'
}

function batchMessage(scene: Scene, tables: readonly Table[], table: Table): BatchOperation {
  const { random } = scene
  const { mutations, type, effect } = batchParts(
    scene,
    tables,
    table,
    { hasTimestamp: true },
    () => new Terms(scene),
  )
  return {
    kind: 'batch',
    type,
    effect,
    now: scene.now,
    ...(hasServerTime(table) ? {} : { timestamp: randomTimestamp(scene) }),
    statements: mutations.map(({ text, values }) => ({
      text,
      values,
      ...(random.chance(0.5) ? { prepared: true } : {}),
    })),
  }
}

function batchText(scene: Scene, tables: readonly Table[], table: Table): QueryOperation {
  const { random } = scene
  const usesTimestamp = !hasServerTime(table) && random.chance(0.5)
  const terms = new Terms(scene)
  const usingText = usesTimestamp ? ` USING TIMESTAMP ${terms.bigint(randomTimestamp(scene))}` : ''
  const parts = batchParts(scene, tables, table, { hasTimestamp: !usesTimestamp }, () => terms)
  const type = parts.type === 'logged' ? '' : ` ${parts.type.toUpperCase()}`
  const text = `BEGIN${type} BATCH${usingText} ${parts.mutations.map((mutation) => `${mutation.text};`).join(' ')} APPLY BATCH`
  return {
    ...write(scene, { ...terms.statement(text), effect: parts.effect }),
    ...(usesTimestamp || hasServerTime(table) ? {} : { timestamp: randomTimestamp(scene) }),
  }
}

/** Writes between two pages of one query. */
export function randomWrites(scene: Scene, tables: readonly Table[]): Operation[] {
  return Array.from({ length: 1 + scene.random.below(2) }, () => randomMutation(scene, tables))
}
