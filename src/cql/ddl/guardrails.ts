/** The guardrails of DDL. */

import {
  ensureEnabled,
  failGuardrail,
  guardMaximum,
  guardValues,
  warnOfGuardrail,
} from '../guardrails/guardrails.ts'
import type { RawType } from '../raw/index.ts'
import type { Execution } from './context.ts'
import type { Properties } from './properties.ts'

const ZERO_TTL_REASON =
  'It is suspicious to use default_time_to_live set to 0 with such compaction strategy. ' +
  'Please keep in mind that data will not start to automatically expire after they are older ' +
  'than a respective compaction window unit of a certain size. Please set TTL for your INSERT or UPDATE ' +
  'statements if you expect data to be expired as table settings will not do it. '

export function guardZeroTtlOnTwcs(execution: Execution): void {
  const { zeroTtlOnTwcsEnabled, zeroTtlOnTwcsWarned } = execution.config.guardrails
  const feature = '0 default_time_to_live on a table with TimeWindowCompactionStrategy compaction strategy'
  if (!zeroTtlOnTwcsEnabled)
    failGuardrail(execution, 'zero_ttl_on_twcs', `${feature} is not allowed`, ZERO_TTL_REASON)
  if (zeroTtlOnTwcsWarned)
    warnOfGuardrail(execution, 'zero_ttl_on_twcs', `${feature} is not recommended`, ZERO_TTL_REASON)
}

export function guardColumnsPerTable(execution: Execution, columns: number, table: string): void {
  const limit = execution.config.guardrails.columnsPerTable
  guardMaximum(execution, 'columns_per_table', columns, limit, (isWarning, threshold) =>
    isWarning
      ? `The table ${table} has ${columns} columns, this exceeds the warning threshold of ${threshold}.`
      : `Tables cannot have more than ${threshold} columns, but ${columns} provided for table ${table}`,
  )
}

export function guardFieldsPerUdt(execution: Execution, fields: number, type: string): void {
  const limit = execution.config.guardrails.fieldsPerUdt
  guardMaximum(execution, 'fields_per_udt', fields, limit, (isWarning, threshold) =>
    isWarning
      ? `The user type ${type} has ${fields} columns, this exceeds the warning threshold of ${threshold}.`
      : `User types cannot have more than ${threshold} columns, but ${fields} provided for user type ${type}.`,
  )
}

/** `CQL3Type.Raw.validate`: `what` is `Column c` or `Field f`. */
export function guardType(execution: Execution, type: RawType, what: string): void {
  switch (type.kind) {
    case 'list':
    case 'set':
      guardType(execution, type.element, what)
      return
    case 'map':
      guardType(execution, type.key, what)
      guardType(execution, type.value, what)
      return
    case 'tuple':
      for (const element of type.elements) guardType(execution, element, what)
      return
    case 'vector': {
      const { vectorTypeEnabled, vectorDimensions } = execution.config.guardrails
      ensureEnabled(execution, 'vector_type_enabled', vectorTypeEnabled, what)
      guardMaximum(
        execution,
        'vector_dimensions',
        type.dimension,
        vectorDimensions,
        (isWarning, threshold) => {
          const which = isWarning ? 'warning' : 'failure'
          return `${what} has a vector of ${type.dimension} dimensions, this exceeds the ${which} threshold of ${threshold}.`
        },
      )
      return
    }
    default:
  }
}

/** Properties that are not to be given: refused, left out, or only frowned at. */
export function guardTableProperties(execution: Execution, properties: Properties): void {
  const { tablePropertiesDisallowed, tablePropertiesIgnored, tablePropertiesWarned } =
    execution.config.guardrails
  guardValues(
    execution,
    'table_properties',
    properties.names().sort(),
    { disallowed: tablePropertiesDisallowed, ignored: tablePropertiesIgnored, warned: tablePropertiesWarned },
    'Table Properties',
    (name) => properties.remove(name),
  )
}
