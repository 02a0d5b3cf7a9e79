import { readInt32 } from '../../common/bytes.ts'
import { ConsistencyLevel } from '../../common/errors.ts'
import {
  ALL_ROWS,
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  type Slice,
} from '../../model/clustering.ts'
import { NO_VALUES, type QueryOptions } from '../../model/query-options.ts'
import { type DecoratedKey, FULL_RING, type ReadCommand, type TokenRange } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import { decorateKey, type FilterExpression, invalid, ownedValue } from '../restrictions/index.ts'
import { sameKey, validateKey } from '../restrictions/partition-keys.ts'
import type { ExecutionContext, Term } from '../term.ts'
import { NO_LIMIT, type PagerKind } from './limits.ts'
import { bindKeyRange, type KeyRange } from './local-token.ts'
import { type PagingState, parsePagingState, readRowMark } from './paging-state.ts'
import type { PreparedSelect } from './prepare.ts'
import { type RowValues, UNSET, unsetArgument, type ValueContext, RowValues as Values } from './row-values.ts'
import type { SelectionConstant } from './selectable.ts'

/** One execution of a SELECT: what to read, and how much of it to give. Keeps nothing of the request's values. */
export interface BoundSelect {
  readonly prepared: PreparedSelect
  /** To be read one after another; a page that goes on inside a partition reads that one first. */
  readonly commands: readonly ReadCommand[]
  readonly filter: readonly FilterExpression[]
  /** Of a virtual table, the partitions that token() leaves; null where these are all. */
  readonly keyRange: KeyRange | null
  readonly nowSeconds: number
  readonly nowMillis: number
  /** The LIMIT of the whole query; and as far as it limits what is read. */
  readonly userLimit: number
  readonly limit: number
  /** Rows that the LIMIT leaves for this page and those after it. */
  readonly remaining: number
  /** Rows of this page at most; NO_LIMIT without paging. */
  readonly pageRows: number
  /** As the request has it. */
  readonly pageSize: number
  readonly perPartitionLimit: number
  /** The first command goes on inside a partition, of which so many rows remain. */
  readonly isContinued: boolean
  readonly remainingInPartition: number
  readonly isPaged: boolean
  readonly pager: PagerKind
  /** All the keys of `multi`. */
  readonly keys: readonly DecoratedKey[]
  /** The part of the ring that the query reads in all its pages. */
  readonly range: TokenRange | null
  readonly protocolVersion: number
  /** What the page goes on from; null for the first, and where nobody pages. */
  readonly resumed: PagingState | null
  /** Values of the selection's constants, and where now() and its like come from; null where it has no functions. */
  readonly constants: readonly (Uint8Array | null)[]
  readonly functions: ExecutionContext | null
}

const NO_COMMANDS: readonly ReadCommand[] = []
const NO_KEYS: readonly DecoratedKey[] = []
const NO_CONSTANTS: readonly (Uint8Array | null)[] = []
const NO_SLICES: readonly Slice[] = []

function limitOf(term: Term | null, context: ExecutionContext): number {
  if (term === null) return NO_LIMIT
  const value = ownedValue(term, context)
  if (value === null) throw invalid('Invalid null value of limit')
  if (value === undefined) return NO_LIMIT
  if (value.length !== 4) throw invalid('Invalid limit value')
  const limit = readInt32(value, 0)
  if (limit <= 0) throw invalid('LIMIT must be strictly positive')
  return limit
}

/** The value of a term in the selection; unset bounds of slices leave them open. */
function constantValue(
  constant: Extract<SelectionConstant, { readonly term: Term }>,
  context: ExecutionContext,
): Uint8Array | null {
  const value = ownedValue(constant.term, context)
  if (constant.kind === 'value') return value === undefined ? UNSET : value
  if (value === null)
    throw invalid(`Invalid null value for ${constant.kind} selection on ${constant.subject}`)
  if (value !== undefined) return value
  if (constant.kind === 'slice') return null
  throw invalid(`Invalid unset value for element selection on ${constant.subject}`)
}

/** Evaluates the selection's constants, of which some are made of others before them. */
function bindConstants(
  prepared: PreparedSelect,
  context: ExecutionContext,
  nowSeconds: number,
): readonly (Uint8Array | null)[] {
  const { constants } = prepared.selection
  const values: (Uint8Array | null)[] = []
  const known: ValueContext = {
    functions: context,
    constants: values,
    nowSeconds,
    nowMillis: context.nowMillis,
  }
  let evaluator: RowValues | null = null
  for (const constant of constants) {
    switch (constant.kind) {
      case 'computed':
        evaluator ??= new Values(null, known, false)
        values.push(evaluator.ofNoRow(constant.source)?.slice() ?? null)
        break
      case 'argument':
        if (values[constant.index] === UNSET) throw unsetArgument(constant.subject)
        values.push(null)
        break
      default:
        values.push(constantValue(constant, context))
    }
  }
  return values
}

/** What a client is told of aggregates over several partitions (`SelectStatement.execute`). */
export function aggregationWarning({ restrictions, localToken }: PreparedSelect): string | null {
  if (!restrictions.hasPartitionKeyRestrictions && localToken === null) {
    return 'Aggregation query used without partition key'
  }
  return restrictions.keyHasIn ? 'Aggregation query used on multiple partition keys (IN restriction)' : null
}

/** Pages are read a partition after another, and may be serial of several (`MultiPartitionPager`). */
function isSerial({ consistency }: QueryOptions): boolean {
  return consistency === ConsistencyLevel.SERIAL || consistency === ConsistencyLevel.LOCAL_SERIAL
}

/** Binds a SELECT to the values in `context` and to the page that `options` ask for. */
export function bindSelect(
  prepared: PreparedSelect,
  context: ExecutionContext,
  options: QueryOptions,
  nowSeconds: number,
): BoundSelect {
  const { restrictions, selection } = prepared
  const userLimit = limitOf(prepared.limit, context)
  const perPartitionLimit = prepared.isDistinct ? 1 : limitOf(prepared.perPartitionLimit, context)
  const state =
    options.pagingState === null ? null : parsePagingState(options.pagingState, options.protocolVersion)
  const constants =
    selection.constants.length === 0 ? NO_CONSTANTS : bindConstants(prepared, context, nowSeconds)
  const { aggregation } = prepared
  if (aggregation !== null && aggregation.refusal !== null) throw invalid(aggregation.refusal)
  const isOneGroup = selection.groups !== null && aggregation === null
  // Neither an aggregate nor what is ordered after reading is cut short by the LIMIT.
  const limit = isOneGroup || prepared.postOrdering !== null ? NO_LIMIT : userLimit
  const isPaged = selection.groups === null && options.pageSize > 0 && limit > options.pageSize
  // In the order in which Cassandra finds what is wrong; without keys, slices are not looked at.
  const filter = restrictions.bindFilter(context)
  const keys = restrictions.isKeyRange ? NO_KEYS : restrictions.bindUnvalidatedKeys(context)
  const pager: PagerKind = restrictions.isKeyRange ? 'range' : keys.length === 1 ? 'single' : 'multi'
  const hasKeys = restrictions.isKeyRange || keys.length > 0
  const slices = !hasKeys ? NO_SLICES : prepared.isDistinct ? ALL_ROWS : restrictions.bindSlices(context)
  const range =
    restrictions.isKeyRange && slices.length > 0 ? restrictions.bindTokenRange(context) : FULL_RING
  const isEmpty = slices.length === 0 || range === null
  if (!isEmpty) for (const key of keys) validateKey(key)
  if (prepared.postOrdering !== null && options.pageSize > 0 && (!isEmpty || selection.groups !== null)) {
    const error = invalid(
      'Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must either remove the ORDER BY or the IN and sort client side, or disable paging for this query',
    )
    const warning = selection.groups === null ? null : aggregationWarning(prepared)
    if (warning !== null) error.warnings = [warning]
    throw error
  }
  if (keys.length > 1 && !isPaged && selection.groups === null && !isEmpty && isSerial(options)) {
    throw invalid('SERIAL/LOCAL_SERIAL consistency may only be requested for one partition at a time')
  }
  const resumed = isPaged || selection.groups !== null ? state : null
  const remaining = resumed === null ? limit : resumed.remaining
  // Most statements are one page, which is made here without what resuming needs.
  const reading =
    isEmpty || remaining === 0
      ? NOTHING
      : resumed === null
        ? fromStart(prepared, pager === 'range' ? null : keys, slices, range ?? FULL_RING, perPartitionLimit)
        : resume({ prepared, keys, slices, range, perPartitionLimit }, pager, resumed)
  return {
    prepared,
    commands: reading.commands,
    filter,
    keyRange: bindKeyRange(prepared.localToken, context),
    nowSeconds,
    nowMillis: context.nowMillis,
    userLimit,
    limit,
    remaining,
    pageRows: isPaged ? Math.min(options.pageSize, remaining) : remaining,
    pageSize: options.pageSize,
    perPartitionLimit,
    isContinued: reading.isContinued,
    remainingInPartition: reading.remainingInPartition,
    isPaged,
    pager,
    keys,
    range,
    protocolVersion: options.protocolVersion,
    resumed,
    constants,
    functions: selection.hasFunctions || aggregation !== null ? functionContext(context) : null,
  }
}

/** What functions of the selection may look at when the statement's turn is over. */
function functionContext(context: ExecutionContext): ExecutionContext {
  return {
    values: NO_VALUES,
    nowMillis: context.nowMillis,
    timeUuid: () => context.timeUuid(),
    randomUuid: () => context.randomUuid(),
  }
}

interface Plan {
  readonly prepared: PreparedSelect
  readonly keys: readonly DecoratedKey[]
  readonly slices: readonly Slice[]
  readonly range: TokenRange | null
  readonly perPartitionLimit: number
}

interface Reading {
  readonly commands: readonly ReadCommand[]
  readonly isContinued: boolean
  readonly remainingInPartition: number
}

const NOTHING: Reading = { commands: NO_COMMANDS, isContinued: false, remainingInPartition: NO_LIMIT }

function command(
  { prepared }: Plan,
  keys: readonly DecoratedKey[] | null,
  slices: readonly Slice[],
  range: TokenRange = FULL_RING,
): ReadCommand {
  const { table, queried } = prepared
  return { table, keys, range, slices, reversed: isReversed(prepared), queried }
}

function isReversed(prepared: PreparedSelect): boolean {
  return prepared.reversed && !prepared.isDistinct
}

function fromStart(
  prepared: PreparedSelect,
  keys: readonly DecoratedKey[] | null,
  slices: readonly Slice[],
  range: TokenRange,
  perPartitionLimit: number,
): Reading {
  const { table, queried } = prepared
  return {
    commands: [{ table, keys, range, slices, reversed: isReversed(prepared), queried }],
    isContinued: false,
    remainingInPartition: perPartitionLimit,
  }
}

function resume(plan: Plan, pager: PagerKind, state: PagingState): Reading {
  const { table } = plan.prepared
  const mark =
    state.rowMark === null || table.clusterings.length === 0
      ? null
      : readRowMark(state.rowMark, table.clusterings.length, state.legacyMark, table.isCompactTable)
  const { remainingInPartition } = state
  const isContinued = mark !== null || (pager === 'single' && state.rowMark !== null)
  const restSlices =
    mark === null ? plan.slices : slicesAfter(table, plan.slices, mark, isReversed(plan.prepared))
  if (pager === 'single') {
    if (remainingInPartition === 0 || restSlices.length === 0) return NOTHING
    return { commands: [command(plan, plan.keys, restSlices)], isContinued, remainingInPartition }
  }
  const key = state.partitionKey
  if (pager === 'multi') {
    const index = key === null ? -1 : plan.keys.findIndex((candidate) => sameKey(candidate.key, key))
    if (index < 0) return NOTHING
    const commands: ReadCommand[] = []
    if (remainingInPartition > 0 && restSlices.length > 0) {
      commands.push(command(plan, [plan.keys[index]], restSlices))
    }
    const isFirst = commands.length > 0
    if (index + 1 < plan.keys.length) commands.push(command(plan, plan.keys.slice(index + 1), plan.slices))
    return {
      commands,
      isContinued: isFirst && isContinued,
      remainingInPartition: isFirst ? remainingInPartition : plan.perPartitionLimit,
    }
  }
  if (key === null) {
    return fromStart(plan.prepared, null, plan.slices, plan.range ?? FULL_RING, plan.perPartitionLimit)
  }
  return resumeRange(plan, decorateKey(key), mark === null ? null : restSlices, remainingInPartition)
}

function resumeRange(
  plan: Plan,
  key: DecoratedKey,
  restSlices: readonly Slice[] | null,
  remainingInPartition: number,
): Reading {
  const range: TokenRange = {
    ...(plan.range ?? FULL_RING),
    startHi: key.tokenHi,
    startLo: key.tokenLo,
    startInclusive: true,
    afterKey: key.key,
  }
  const goesOn = restSlices !== null && restSlices.length > 0 && remainingInPartition > 0
  const rest = command(plan, null, plan.slices, range)
  return {
    commands: goesOn ? [command(plan, [key], restSlices), rest] : [rest],
    isContinued: goesOn,
    remainingInPartition: goesOn ? remainingInPartition : plan.perPartitionLimit,
  }
}

/** What of the slices comes after the clustering, or, read backwards, before it. */
export function slicesAfter(
  table: TableMetadata,
  slices: readonly Slice[],
  clustering: readonly Uint8Array[],
  reversed: boolean,
): readonly Slice[] {
  const types = clusteringTypes(table)
  const place: ClusteringBound = { components: clustering, side: reversed ? 0 : 1 }
  const rest: Slice[] = []
  for (const { start, end } of slices) {
    const slice = reversed
      ? { start, end: compareBounds(types, end, place) < 0 ? end : place }
      : { start: compareBounds(types, start, place) > 0 ? start : place, end }
    if (compareBounds(types, slice.start, slice.end) < 0) rest.push(slice)
  }
  return rest
}
