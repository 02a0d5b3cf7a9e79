import { readInt32 } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { compareTokens } from '../../common/murmur3.ts'
import { ALL_ROWS, clusteringTypes, NULL_COMPONENT, type Slice } from '../../model/clustering.ts'
import { type DecoratedKey, FULL_RING, type TokenRange } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import type { CqlType } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import type { ExecutionContext, PrepareContext, Term } from '../term.ts'
import { equalValues, inValues, ownedValue } from './bound-values.ts'
import { appendValues, sliceable, slicesOf } from './clustering-bounds.ts'
import { bindKeys, validateKey } from './partition-keys.ts'
import { relationText, toRestriction, toTokenRestriction } from './relation.ts'
import { invalid, mergeTokens, type Restriction, type TokenRestriction } from './restriction.ts'
import { RestrictionSet } from './restriction-set.ts'
import { type FilterExpression, filterExpressions } from './row-filter.ts'

export type StatementType = 'select' | 'update' | 'delete' | 'insert'

export const REQUIRES_ALLOW_FILTERING_MESSAGE =
  'Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. ' +
  'If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING'

/** Restrictions that mean filtering; a scan of all partitions has the same text, but no error of its own. */
export class FilteringRequiredError extends InvalidRequestError {
  constructor() {
    super(REQUIRES_ALLOW_FILTERING_MESSAGE)
  }
}

export interface RestrictionOptions {
  /** Only static columns (and of the partition key) are selected or modified. */
  readonly onlyStaticColumns?: boolean
  readonly allowFiltering?: boolean
}

/**
 * What a WHERE clause says, checked for its statement: the partitions by key or by token range, the rows by clustering
 * or slices, and what remains for filtering (`StatementRestrictions`). Its `bind...` take the values of one execution.
 */
export interface StatementRestrictions {
  readonly table: TableMetadata
  /** Partitions are found by token range, not by key. */
  readonly isKeyRange: boolean
  readonly hasPartitionKeyRestrictions: boolean
  /** Some column of the partition key is restricted by IN. */
  readonly keyHasIn: boolean
  readonly clusteringHasIn: boolean
  readonly hasClusteringRestrictions: boolean
  readonly hasNonPrimaryKeyRestrictions: boolean
  readonly hasRegularRestrictions: boolean
  /** Static and regular columns that are filtered by. */
  readonly restrictedNonKeyColumns: readonly ColumnMetadata[]
  /** Whether rows must be tested beyond keys and slices. */
  readonly needsFiltering: boolean
  /** All clustering columns are restricted by = or IN (or there are none), so that rows have names. */
  readonly namesRows: boolean
  /** Partition and clustering columns are all restricted by = or IN. */
  readonly namesAllKeys: boolean
  /** A partition without rows counts by its static row: neither clustering nor regular columns are restricted. */
  readonly staticContentAlone: boolean
  isRestrictedByEq(column: ColumnMetadata): boolean
  /** The value of `column = value`; undefined where there is no such relation. */
  equalTo(column: ColumnMetadata): Term | undefined
  /** The partition keys in the order of their values, each once; [] when an IN is empty. */
  bindPartitionKeys(context: ExecutionContext): readonly DecoratedKey[]
  /** The same, before they are known to be keys that a partition can have (`validateKey`). */
  bindUnvalidatedKeys(context: ExecutionContext): readonly DecoratedKey[]
  /** The range of partitions, or null when it is empty. For `isKeyRange`. */
  bindTokenRange(context: ExecutionContext): TokenRange | null
  /** Full clusterings, in no order, or null when rows are not all named (`namesRows`). */
  bindClusterings(context: ExecutionContext): readonly (readonly Uint8Array[])[] | null
  /** The slices of rows, in clustering order; [] when nothing can be in them. */
  bindSlices(context: ExecutionContext): readonly Slice[]
  bindFilter(context: ExecutionContext): readonly FilterExpression[]
  /**
   * How many combinations the values of IN make of partition keys, and of clusterings, after each restriction in turn; []
   * where no IN is among them, or rows are not named.
   */
  inProducts(context: ExecutionContext): {
    readonly partition: readonly number[]
    readonly clustering: readonly number[]
  }
}

const NO_FILTER: readonly FilterExpression[] = []
const NO_TOKEN: TokenRestriction = { columns: [], equal: null, start: null, end: null }

function namesOf(columns: readonly ColumnMetadata[]): string {
  return columns.map((column) => column.name).join(', ')
}

function firstPosition(restriction: Restriction): number {
  return restriction.columns[0].position
}

/** Prepares a WHERE clause for a statement; null is none. Throws Cassandra's InvalidRequestErrors. */
export function prepareRestrictions(
  where: raw.WhereClause | null,
  table: TableMetadata,
  type: StatementType,
  context: PrepareContext,
  options: RestrictionOptions = {},
): StatementRestrictions {
  const gathered = new GatheredRestrictions(table, type, options.allowFiltering === true)
  for (const relation of where?.relations ?? []) gathered.add(relation, context)
  if (type === 'select') checkIndexExpressions(where?.expressions ?? [], table)
  return gathered.finish(options.onlyStaticColumns === true)
}

function checkIndexExpressions(
  expressions: readonly raw.CustomIndexExpression[],
  table: TableMetadata,
): void {
  if (expressions.length === 0) return
  if (expressions.length > 1)
    throw invalid('Multiple custom index expressions in a single query are not supported')
  const { index } = expressions[0]
  if (index.keyspace !== null && index.keyspace !== table.keyspace) {
    throw invalid(`Invalid index ${index.keyspace}.${index.name} for ${table.keyspace}.${table.name}`)
  }
  throw invalid(`Invalid index expression, index ${index.name} not found for ${table.keyspace}.${table.name}`)
}

/** Relations as they come in, and then the checks that need them all. */
class GatheredRestrictions {
  readonly #table: TableMetadata
  readonly #type: StatementType
  readonly #allowFiltering: boolean
  readonly #keys = new RestrictionSet()
  readonly #clusterings = new RestrictionSet()
  readonly #others = new RestrictionSet()
  #token: TokenRestriction | null = null

  constructor(table: TableMetadata, type: StatementType, allowFiltering: boolean) {
    this.#table = table
    this.#type = type
    this.#allowFiltering = allowFiltering
  }

  add(relation: raw.Relation, context: PrepareContext): void {
    const operator = relation.kind === 'column' ? relation.operator : null
    if (
      (operator === 'CONTAINS' || operator === 'CONTAINS KEY') &&
      (this.#type === 'update' || this.#type === 'delete')
    ) {
      throw invalid(`Cannot use ${this.#type.toUpperCase()} with ${operator}`)
    }
    if (relation.kind === 'isNotNull') throw invalid(`Unsupported restriction: ${relationText(relation)}`)
    if (relation.kind === 'token') {
      const token = toTokenRestriction(relation, this.#table, context)
      this.#token = this.#token === null ? token : mergeTokens(this.#token, token)
      return
    }
    const restriction = toRestriction(relation, this.#table, context)
    if (operator === 'LIKE') {
      throw invalid(
        `LIKE restriction is only supported on properly indexed columns. ${relationText(relation)} is not valid.`,
      )
    }
    switch (restriction.columns[0].kind) {
      case 'partition_key':
        this.#keys.add(restriction)
        break
      case 'clustering':
        this.#addClustering(restriction)
        break
      default:
        this.#others.add(restriction)
    }
  }

  #addClustering(restriction: Restriction): void {
    const previous = this.#clusterings.last
    this.#clusterings.add(restriction)
    if (previous === undefined || this.#allowFiltering) return
    const previousColumn = previous.columns[0]
    const column = restriction.columns[0]
    if (previous.kind === 'slice' && column.position > previousColumn.position) {
      throw invalid(
        `Clustering column "${column.name}" cannot be restricted (preceding column "${previousColumn.name}" is restricted by a non-EQ relation)`,
      )
    }
    if (column.position < previousColumn.position && restriction.kind === 'slice') {
      const next = this.#clusterings.columnAfter(column)
      throw invalid(
        `PRIMARY KEY column "${next.name}" cannot be restricted (preceding column "${column.name}" is restricted by a non-EQ relation)`,
      )
    }
  }

  get #keyIsPartial(): boolean {
    return this.#keys.size < this.#table.partitionKeys.length
  }

  /** Keys beside which token() is given need filtering when they are a slice or not complete. */
  get #keysNeedFiltering(): boolean {
    return !this.#keys.isEmpty && (this.#keyIsPartial || this.#keys.hasSlice || this.#keys.hasContains)
  }

  get #isOnToken(): boolean {
    return this.#token !== null && (this.#keys.isEmpty || this.#keysNeedFiltering || this.#keyIsPartial)
  }

  get #clusteringsNeedFiltering(): boolean {
    let position = 0
    for (const restriction of this.#clusterings.restrictions) {
      if (restriction.kind === 'contains' || firstPosition(restriction) !== position) return true
      if (restriction.kind !== 'slice')
        position = restriction.columns[restriction.columns.length - 1].position + 1
    }
    return false
  }

  finish(onlyStaticColumns: boolean): StatementRestrictions {
    const isKeyRange = this.#checkPartitionKey()
    if (onlyStaticColumns && !this.#clusterings.isEmpty) this.#refuseClusterings()
    this.#checkClusterings(onlyStaticColumns)
    const filtered: Restriction[] = []
    if (this.#keysNeedFiltering) filtered.push(...this.#keys.restrictions)
    const clusterings = this.#clusterings.restrictions
    const sliced = sliceable(clusterings)
    if (this.#clusteringsNeedFiltering) {
      // Restrictions behind a slice are tests of rows, those of leading columns are not.
      filtered.push(...this.#filteredClusterings())
    }
    if (!this.#others.isEmpty) {
      if (this.#type !== 'select') {
        throw invalid(`Non PRIMARY KEY columns found in where clause: ${namesOf(this.#others.columns)} `)
      }
      if (!this.#allowFiltering && !this.#table.isVirtual) throw new FilteringRequiredError()
      filtered.push(...this.#others.restrictions)
    }
    return new PreparedRestrictions({
      table: this.#table,
      keys: this.#keys,
      token: this.#token,
      isOnToken: this.#isOnToken,
      keysNeedFiltering: this.#keysNeedFiltering,
      isKeyRange,
      clusterings: this.#clusterings,
      sliced,
      others: this.#others,
      filtered,
    })
  }

  #filteredClusterings(): readonly Restriction[] {
    const filtered: Restriction[] = []
    let position = 0
    for (const restriction of this.#clusterings.restrictions) {
      if (restriction.kind === 'contains' || firstPosition(restriction) !== position)
        filtered.push(restriction)
      else if (restriction.kind !== 'slice') {
        position = restriction.columns[restriction.columns.length - 1].position + 1
      }
    }
    return filtered
  }

  /** Whether partitions are to be found by range. */
  #checkPartitionKey(): boolean {
    if (this.#type !== 'select') {
      const name = this.#type.toUpperCase()
      if (this.#isOnToken)
        throw invalid(`The token function cannot be used in WHERE clauses for ${name} statements`)
      if (this.#keyIsPartial) {
        const missing = this.#table.partitionKeys.filter((column) => this.#keys.of(column) === undefined)
        throw invalid(`Some partition key parts are missing: ${namesOf(missing)}`)
      }
      if (this.#keys.hasSlice) {
        throw invalid(
          `Only EQ and IN relation are supported on the partition key (unless you use the token() function) for ${name} statements`,
        )
      }
      return false
    }
    if (this.#keysNeedFiltering) {
      if (!this.#allowFiltering && !this.#table.isVirtual) throw new FilteringRequiredError()
      return true
    }
    return this.#isOnToken || this.#keys.isEmpty
  }

  #refuseClusterings(): void {
    if (this.#type === 'select')
      throw invalid('Cannot restrict clustering columns when selecting only static columns')
    throw invalid(
      `Invalid restrictions on clustering columns since the ${this.#type.toUpperCase()} statement modifies only static columns`,
    )
  }

  #checkClusterings(onlyStaticColumns: boolean): void {
    const set = this.#clusterings
    const columns = this.#table.clusterings
    if (this.#type === 'update' || this.#type === 'insert') {
      if (set.hasSlice) {
        throw invalid(
          `Slice restrictions are not supported on the clustering columns in ${this.#type.toUpperCase()} statements`,
        )
      }
      // Rows of compact tables may leave their last clustering columns out.
      if (!this.#table.isCompactTable || set.isEmpty) {
        if (!onlyStaticColumns && set.size < columns.length) {
          const missing = columns.filter((column) => set.of(column) === undefined)
          throw invalid(`Some clustering keys are missing: ${namesOf(missing)}`)
        }
        return
      }
    }
    if (set.hasContains && !this.#allowFiltering) {
      throw invalid(
        'Clustering columns can only be restricted with CONTAINS with a secondary index or filtering',
      )
    }
    if (set.isEmpty || !this.#clusteringsNeedFiltering || this.#allowFiltering) return
    set.columns.forEach((restricted, i) => {
      if (restricted !== columns[i]) {
        throw invalid(
          `PRIMARY KEY column "${restricted.name}" cannot be restricted as preceding column "${columns[i].name}" is not restricted`,
        )
      }
    })
  }
}

interface Parts {
  readonly table: TableMetadata
  readonly keys: RestrictionSet
  readonly token: TokenRestriction | null
  readonly isOnToken: boolean
  readonly keysNeedFiltering: boolean
  readonly isKeyRange: boolean
  readonly clusterings: RestrictionSet
  readonly sliced: readonly Restriction[]
  readonly others: RestrictionSet
  readonly filtered: readonly Restriction[]
}

class PreparedRestrictions implements StatementRestrictions {
  readonly table: TableMetadata
  readonly isKeyRange: boolean
  readonly hasPartitionKeyRestrictions: boolean
  readonly keyHasIn: boolean
  readonly clusteringHasIn: boolean
  readonly hasClusteringRestrictions: boolean
  readonly hasNonPrimaryKeyRestrictions: boolean
  readonly hasRegularRestrictions: boolean
  readonly restrictedNonKeyColumns: readonly ColumnMetadata[]
  readonly needsFiltering: boolean
  readonly namesRows: boolean
  readonly namesAllKeys: boolean
  readonly staticContentAlone: boolean
  readonly #keys: readonly Restriction[]
  readonly #token: TokenRestriction | null
  readonly #isOnToken: boolean
  readonly #sets: readonly RestrictionSet[]
  readonly #types: readonly CqlType[]
  readonly #sliced: readonly Restriction[]
  readonly #filtered: readonly Restriction[]

  constructor(parts: Parts) {
    const { table, keys, clusterings, others } = parts
    this.table = table
    this.isKeyRange = parts.isKeyRange
    this.hasPartitionKeyRestrictions = parts.token !== null || !keys.isEmpty
    this.keyHasIn = !parts.isOnToken && keys.hasIn
    this.clusteringHasIn = clusterings.hasIn
    this.hasClusteringRestrictions = !clusterings.isEmpty
    this.hasNonPrimaryKeyRestrictions = !others.isEmpty
    this.hasRegularRestrictions = others.hasKind('regular')
    this.restrictedNonKeyColumns = others.columns
    this.needsFiltering = parts.filtered.length > 0
    const count = table.isStaticCompactTable ? 0 : table.clusterings.length
    this.namesRows = clusterings.size === count && clusterings.hasOnlyEqualities
    this.namesAllKeys =
      clusterings.size === table.clusterings.length &&
      clusterings.hasOnlyEqualities &&
      !parts.isOnToken &&
      keys.size === table.partitionKeys.length &&
      keys.hasOnlyEqualities
    this.staticContentAlone =
      table.isStaticCompactTable || (!this.hasClusteringRestrictions && !this.hasRegularRestrictions)
    this.#keys = keys.restrictions
    this.#token = parts.token
    this.#isOnToken = parts.isOnToken
    this.#sets = [keys, clusterings, others]
    this.#types = clusteringTypes(table)
    this.#sliced = parts.sliced
    this.#filtered = parts.filtered
  }

  isRestrictedByEq(column: ColumnMetadata): boolean {
    return this.#sets.some((set) => set.of(column)?.kind === 'eq')
  }

  equalTo(column: ColumnMetadata): Term | undefined {
    for (const set of this.#sets) {
      const restriction = set.of(column)
      if (restriction?.kind === 'eq' && !restriction.multi && restriction.value.kind === 'terms') {
        return restriction.value.terms[0]
      }
    }
    return undefined
  }

  bindPartitionKeys(context: ExecutionContext): readonly DecoratedKey[] {
    const keys = this.bindUnvalidatedKeys(context)
    for (const key of keys) validateKey(key)
    return keys
  }

  bindUnvalidatedKeys(context: ExecutionContext): readonly DecoratedKey[] {
    const keys = bindKeys(this.table, this.#keys, context)
    if (this.#token === null) return keys
    const contains = tokenTest(this.#token, context)
    return keys.filter((key) => contains(key.tokenHi, key.tokenLo))
  }

  bindTokenRange(context: ExecutionContext): TokenRange | null {
    return this.#isOnToken ? tokenRange(this.#token ?? NO_TOKEN, context) : FULL_RING
  }

  bindClusterings(context: ExecutionContext): readonly (readonly Uint8Array[])[] | null {
    const { table } = this
    if (!this.namesRows && !table.isCompactTable) return null
    let clusterings: readonly (readonly Uint8Array[])[] = [[]]
    for (const restriction of this.#sliced) {
      clusterings = appendValues<never>(clusterings, restriction, context)
      if (clusterings.length === 0) return []
    }
    if (this.namesRows) return clusterings
    const count = table.clusterings.length
    return clusterings.map((given) => [...given, ...new Array(count - given.length).fill(NULL_COMPONENT)])
  }

  bindSlices(context: ExecutionContext): readonly Slice[] {
    const restrictions = this.#sliced
    if (restrictions.length === 0) return ALL_ROWS
    if (restrictions.every((restriction) => restriction.kind === 'eq')) {
      // One row, or the rows below one prefix.
      const components: Uint8Array[] = []
      for (const restriction of restrictions) {
        if (restriction.kind === 'eq') components.push(...equalValues(restriction, context))
      }
      return [{ start: { components, side: 0 }, end: { components, side: 1 } }]
    }
    return slicesOf(this.#types, restrictions, context)
  }

  inProducts(context: ExecutionContext): { partition: number[]; clustering: number[] } {
    const products = (restrictions: readonly Restriction[]): number[] => {
      let product = 1
      return restrictions.map((restriction) => {
        if (restriction.kind === 'in') product *= inValues(restriction, context).length
        return product
      })
    }
    return {
      partition: this.keyHasIn ? products(this.#keys) : [],
      clustering: this.clusteringHasIn && this.namesRows ? products(this.#sliced) : [],
    }
  }

  bindFilter(context: ExecutionContext): readonly FilterExpression[] {
    if (this.#filtered.length === 0) return NO_FILTER
    return this.#filtered.flatMap((restriction) => filterExpressions(restriction, context))
  }
}

interface Token {
  readonly hi: number
  readonly lo: number
}

const MIN_TOKEN: Token = { hi: -0x80000000, lo: 0 }

function tokenOf(term: Term, context: ExecutionContext): Token {
  const value = ownedValue(term, context)
  if (value === null || value === undefined) throw invalid('Invalid null token value')
  return value.length < 8 ? MIN_TOKEN : { hi: readInt32(value, 0), lo: readInt32(value, 4) }
}

function isMinimum(token: Token): boolean {
  return token.hi === MIN_TOKEN.hi && token.lo === 0
}

/** `StatementRestrictions.getPartitionKeyBoundsForTokenRestrictions`; the minimum token as an end is no end. */
function tokenRange(restriction: TokenRestriction, context: ExecutionContext): TokenRange | null {
  const startBound =
    restriction.equal === null ? restriction.start : { value: restriction.equal, inclusive: true }
  const endBound =
    restriction.equal === null ? restriction.end : { value: restriction.equal, inclusive: true }
  const start = startBound === null ? MIN_TOKEN : tokenOf(startBound.value, context)
  const end = endBound === null ? MIN_TOKEN : tokenOf(endBound.value, context)
  const startInclusive = startBound === null || startBound.inclusive
  const endInclusive = endBound === null || endBound.inclusive
  if (!isMinimum(start) && !isMinimum(end)) {
    const order = compareTokens(start.hi, start.lo, end.hi, end.lo)
    if (order > 0 || (order === 0 && !(startInclusive && endInclusive))) return null
  }
  const unbounded = isMinimum(end)
  return {
    startHi: start.hi,
    startLo: start.lo,
    startInclusive: isMinimum(start) || startInclusive,
    endHi: unbounded ? FULL_RING.endHi : end.hi,
    endLo: unbounded ? FULL_RING.endLo : end.lo,
    endInclusive: unbounded || endInclusive,
    afterKey: null,
  }
}

/** Whether tokens are among those that a restriction beside complete keys leaves (`TokenFilter.filter`). */
function tokenTest(
  restriction: TokenRestriction,
  context: ExecutionContext,
): (hi: number, lo: number) => boolean {
  if (restriction.equal !== null) {
    const equal = tokenOf(restriction.equal, context)
    return (hi, lo) => hi === equal.hi && lo === equal.lo
  }
  const start = restriction.start === null ? null : tokenOf(restriction.start.value, context)
  const end = restriction.end === null ? null : tokenOf(restriction.end.value, context)
  const after = (hi: number, lo: number) => {
    if (start === null) return true
    const order = compareTokens(hi, lo, start.hi, start.lo)
    return order > 0 || (order === 0 && restriction.start?.inclusive === true)
  }
  const before = (hi: number, lo: number) => {
    if (end === null) return true
    const order = compareTokens(hi, lo, end.hi, end.lo)
    return order < 0 || (order === 0 && restriction.end?.inclusive === true)
  }
  // A start beyond the end wraps around the ring here, other than in a range of its own.
  const wraps = start !== null && end !== null && compareTokens(start.hi, start.lo, end.hi, end.lo) > 0
  return wraps ? (hi, lo) => after(hi, lo) || before(hi, lo) : (hi, lo) => after(hi, lo) && before(hi, lo)
}
