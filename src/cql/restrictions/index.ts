/** WHERE: relations checked and prepared for a statement, and bound to keys, slices and tests of rows. */

export { copyOf, ownedValue } from './bound-values.ts'
export { columnSpecification, existingColumn, partitionKeyBindIndexes } from './column-specification.ts'
export { decorateKey, partitionKey, validateClustering } from './partition-keys.ts'
export { invalid } from './restriction.ts'
export type { FilterExpression } from './row-filter.ts'
export {
  FilteringRequiredError,
  prepareRestrictions,
  REQUIRES_ALLOW_FILTERING_MESSAGE,
  type RestrictionOptions,
  type StatementRestrictions,
  type StatementType,
} from './statement-restrictions.ts'
