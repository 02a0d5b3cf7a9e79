import type { LeftAloneKind } from '../query/left-alone.ts'
import type { SchemaService } from '../query/schema-service.ts'
import type { Logger } from './logger.ts'

const WORDS: Readonly<Record<LeftAloneKind, readonly [what: string, consequence: string]>> = {
  indexes: ['Indexes', 'queries cannot use them, and what is written here is not in them'],
  views: ['Materialized views', 'they cannot be read, and what is written to their tables is not in them'],
  triggers: ['Triggers', 'nothing executes them'],
  functions: ['Functions', 'statements cannot call them'],
  aggregates: ['Aggregates', 'statements cannot call them'],
  column_masks: ['Masks of columns', 'everybody sees the values as they are'],
}
const NAMES_MAX = 20

/** Says what of a schema that Apache Cassandra wrote is kept, and not served. */
export function warnOfLeftAlone({ leftAlone }: SchemaService, logger: Logger): void {
  for (const [kind, names] of leftAlone?.names ?? []) {
    const [what, consequence] = WORDS[kind]
    const more = names.length > NAMES_MAX ? `, and ${names.length - NAMES_MAX} more` : ''
    logger.warn(`${what} are left alone: ${consequence} (${names.slice(0, NAMES_MAX).join(', ')}${more})`)
  }
}
