import type { QueryOptions } from '../model/query-options.ts'
import type { PreparedStatement } from './prepared-statements.ts'

/**
 * Options whose values stand in the order of the markers; they are fewer where a marker's name was not among the given
 * ones (`QueryOptions.OptionsWithNames`).
 */
export function positionalValues(statement: PreparedStatement, options: QueryOptions): QueryOptions {
  const { values, names } = options
  if (names === null) return options
  const offsets: number[] = []
  const lengths: number[] = []
  for (const name of statement.markerNames) {
    const index = names.indexOf(name)
    if (index < 0) continue
    offsets.push(values.offsets[index]!)
    lengths.push(values.lengths[index]!)
  }
  return {
    ...options,
    names: null,
    values: { buffer: values.buffer, count: offsets.length, offsets, lengths },
  }
}
