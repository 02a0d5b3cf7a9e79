/**
 * DDL: a schema and a statement to the next schema. Pure and synchronous: what is to be stored, dropped and told to
 * clients comes back as values.
 */

import { CqlError } from '../../common/errors.ts'
import type { Schema } from '../../schema/index.ts'
import { NO_GUARDRAILS } from '../guardrails/guardrails.ts'
import type { SchemaStatement } from '../raw/index.ts'
import { alterTable } from './alter-table.ts'
import type { DdlContext, Execution } from './context.ts'
import { createTable, dropTable } from './create-table.ts'
import { alterKeyspace, createKeyspace, dropKeyspace } from './keyspaces.ts'
import type { Applied, DdlOutcome } from './outcome.ts'
import { notSupported } from './unsupported.ts'
import { alterType, createType, dropType } from './user-types.ts'

export { type DdlConfig, type DdlContext, DEFAULT_DDL_CONFIG } from './context.ts'
export type { DdlOutcome } from './outcome.ts'
export { TABLE_PROPERTIES } from './table-attributes.ts'

export function applyDdl(schema: Schema, statement: SchemaStatement, context: DdlContext): DdlOutcome {
  const guardrails = context.isOrdinaryUser === true ? context.config.guardrails : NO_GUARDRAILS
  const execution: Execution = {
    keyspace: context.keyspace,
    nowMicros: context.nowMicros,
    newId: () => context.newId(),
    config: { ...context.config, guardrails },
    warnings: [],
  }
  try {
    return { ...apply(schema, statement, execution), warnings: execution.warnings }
  } catch (error) {
    if (error instanceof CqlError && execution.warnings.length > 0) error.warnings = execution.warnings
    throw error
  }
}

function apply(schema: Schema, statement: SchemaStatement, execution: Execution): Applied {
  switch (statement.kind) {
    case 'createKeyspace':
      return createKeyspace(schema, statement, execution)
    case 'alterKeyspace':
      return alterKeyspace(schema, statement, execution)
    case 'dropKeyspace':
      return dropKeyspace(schema, statement, execution)
    case 'createTable':
      return createTable(schema, statement, execution)
    case 'alterTable':
      return alterTable(schema, statement, execution)
    case 'dropTable':
      return dropTable(schema, statement, execution)
    case 'createType':
      return createType(schema, statement, execution)
    case 'alterType':
      return alterType(schema, statement, execution)
    case 'dropType':
      return dropType(schema, statement, execution)
    case 'createIndex':
      return notSupported('CREATE INDEX')
    case 'dropIndex':
      return notSupported('DROP INDEX')
    case 'createView':
      return notSupported('CREATE MATERIALIZED VIEW')
    case 'alterView':
      return notSupported('ALTER MATERIALIZED VIEW')
    case 'dropView':
      return notSupported('DROP MATERIALIZED VIEW')
    case 'createTrigger':
      return notSupported('CREATE TRIGGER')
    case 'dropTrigger':
      return notSupported('DROP TRIGGER')
    case 'createFunction':
      return notSupported('CREATE FUNCTION')
    case 'dropFunction':
      return notSupported('DROP FUNCTION')
    case 'createAggregate':
      return notSupported('CREATE AGGREGATE')
    case 'dropAggregate':
      return notSupported('DROP AGGREGATE')
  }
}
