import { type AggregateSource, hasAggregate, type Source, withParts } from './source.ts'

/** What is kept of a group while its rows pass, and what its values are made of in the end. */
export interface GroupSelection {
  /** Taken from the first row of each group. */
  readonly kept: readonly Source[]
  /** Fed with every row. Each aggregate's index is its place. */
  readonly aggregates: readonly AggregateSource[]
  /** Over what was kept and the aggregates' results. */
  readonly outputs: readonly Source[]
}

/** Takes sources apart into what rows give and what is left to do at the end of a group. */
export function splitAggregates(sources: readonly Source[]): GroupSelection {
  const kept: Source[] = []
  const aggregates: AggregateSource[] = []
  const split = (source: Source): Source => {
    if (source.kind === 'aggregate') {
      aggregates.push({ ...source, index: aggregates.length })
      return aggregates[aggregates.length - 1]
    }
    if (hasAggregate(source)) return withParts(source, split)
    kept.push(source)
    return { kind: 'kept', index: kept.length - 1 }
  }
  return { outputs: sources.map(split), kept, aggregates }
}
