/** The guardrails of SELECT. */

import { InvalidRequestError } from '../../common/errors.ts'
import { isSystemKeyspace } from '../../schema/index.ts'
import { FilteringRequiredError, type StatementRestrictions } from '../restrictions/index.ts'
import type { BoundSelect, PreparedSelect } from '../select/index.ts'
import type { ExecutionContext } from '../term.ts'
import { ensureEnabled, type Guard, guardMaximum, guardValues } from './guardrails.ts'

const ALLOW_FILTERING_REASON =
  'ALLOW FILTERING can potentially visit all the data in the table and have unpredictable performance.'

const CANNOT_USE_ALLOW_FILTERING_MESSAGE =
  'Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. ' +
  'Executing this query despite the performance unpredictability with ALLOW FILTERING has been disabled ' +
  'by the allow_filtering_enabled property in cassandra.yaml'

/** What is looked at when a SELECT is prepared, and again before it is executed. */
export function guardSelect(guard: Guard, prepared: PreparedSelect): void {
  const { groupByEnabled, allowFilteringEnabled } = guard.guardrails
  if (prepared.selection.groups !== null)
    ensureEnabled(guard, 'group_by', groupByEnabled, 'GROUP BY functionality')
  if (prepared.allowsFiltering && !isSystemKeyspace(prepared.table.keyspace)) {
    const feature = 'Querying with ALLOW FILTERING'
    ensureEnabled(guard, 'allow_filtering', allowFilteringEnabled, feature, ALLOW_FILTERING_REASON)
  }
}

/** Where ALLOW FILTERING is disabled, no error recommends it. */
export function withoutAllowFiltering(guard: Guard, error: unknown): unknown {
  if (guard.guardrails.allowFilteringEnabled || !(error instanceof FilteringRequiredError)) return error
  return new InvalidRequestError(CANNOT_USE_ALLOW_FILTERING_MESSAGE)
}

/** `level` is the name of the consistency that is asked for. */
export function guardReadConsistency(guard: Guard, level: string): void {
  const { readConsistencyLevelsDisallowed: disallowed, readConsistencyLevelsWarned: warned } =
    guard.guardrails
  const levels = { disallowed, ignored: new Set<string>(), warned }
  guardValues(guard, 'read_consistency_levels', [level], levels, 'read consistency levels')
}

/** What the values of one execution ask for. */
export function guardRead(guard: Guard, prepared: PreparedSelect, context: ExecutionContext): void {
  const { guardrails } = guard
  const { table, restrictions } = prepared
  guardInProducts(guard, restrictions, context)
  if (restrictions.keyHasIn && !restrictions.isKeyRange) {
    const keys = restrictions.bindPartitionKeys(context).length
    guardMaximum(
      guard,
      'partition_keys_in_select',
      keys,
      guardrails.partitionKeysInSelect,
      (isWarning, limit) =>
        isWarning
          ? `Query with partition keys in IN clause on table ${table.name}, with number of partition keys ${keys} exceeds warning threshold of ${limit}.`
          : `Aborting query with partition keys in IN clause on table ${table.name}, number of partition keys ${keys} exceeds fail threshold of ${limit}.`,
    )
  }
}

/** The rows that a page may have, where there are pages. */
export function guardPageSize(guard: Guard, { prepared, isPaged, pageSize }: BoundSelect): void {
  if (!isPaged && !prepared.selection.isAggregate) return
  const { name } = prepared.table
  guardMaximum(guard, 'page_size', pageSize, guard.guardrails.pageSize, (isWarning, limit) =>
    isWarning
      ? `Query for table ${name} with page size ${pageSize} exceeds warning threshold of ${limit}.`
      : `Aborting query for table ${name}, page size ${pageSize} exceeds fail threshold of ${limit}.`,
  )
}

/** How many keys, and how many rows of each, the INs of a WHERE clause come to, a column after another. */
export function guardInProducts(
  guard: Guard,
  restrictions: StatementRestrictions,
  context: ExecutionContext,
): void {
  const limit = guard.guardrails.inSelectCartesianProduct
  if (limit.warn < 0 && limit.fail < 0) return
  const { partition, clustering } = restrictions.inProducts(context)
  for (const [products, what] of [
    [partition, 'partition key'] as const,
    [clustering, 'clustering key'] as const,
  ]) {
    for (const values of products) {
      guardMaximum(guard, 'in_select_cartesian_product', values, limit, (isWarning, threshold) =>
        isWarning
          ? `The cartesian product of the IN restrictions on ${what} produces ${values} values, this exceeds warning threshold of ${threshold}.`
          : `Aborting query because the cartesian product of the IN restrictions on ${what} produces ${values} values, this exceeds fail threshold of ${threshold}.`,
      )
    }
  }
}
