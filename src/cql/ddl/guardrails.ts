/** Guardrails: limits of cassandra.yaml that warn or refuse (`db/guardrails`). */

import { InvalidRequestError } from '../../common/errors.ts'
import type { RawType } from '../raw/index.ts'
import type { Execution, Threshold } from './context.ts'
import { listText } from './java.ts'
import type { Properties } from './properties.ts'

/** Cassandra sends the text of a violation as a warning and, when it refuses, as the error too. */
function fail(execution: Execution, name: string, message: string, reason = ''): never {
  const text = decorate(name, message, reason)
  execution.warnings.push(text)
  throw new InvalidRequestError(text)
}

function warn(execution: Execution, name: string, message: string, reason = ''): void {
  execution.warnings.push(decorate(name, message, reason))
}

function decorate(name: string, message: string, reason: string): string {
  const text = `Guardrail ${name} violated: ${message}`
  if (reason === '') return text
  return `${text}${message.endsWith('.') ? ' ' : '. '}${reason}`
}

type Describe = (isWarning: boolean, threshold: number) => string

export function guardMaximum(
  execution: Execution,
  name: string,
  value: number,
  limit: Threshold,
  text: Describe,
): void {
  if (limit.fail >= 0 && value > limit.fail) fail(execution, name, text(false, limit.fail))
  if (limit.warn >= 0 && value > limit.warn) warn(execution, name, text(true, limit.warn))
}

export function guardMinimum(
  execution: Execution,
  name: string,
  value: number,
  limit: Threshold,
  text: Describe,
): void {
  if (limit.fail >= 0 && value < limit.fail) fail(execution, name, text(false, limit.fail))
  if (limit.warn >= 0 && value < limit.warn) warn(execution, name, text(true, limit.warn))
}

export function ensureEnabled(execution: Execution, name: string, enabled: boolean, feature: string): void {
  if (!enabled) fail(execution, name, `${feature} is not allowed`)
}

const ZERO_TTL_REASON =
  'It is suspicious to use default_time_to_live set to 0 with such compaction strategy. ' +
  'Please keep in mind that data will not start to automatically expire after they are older ' +
  'than a respective compaction window unit of a certain size. Please set TTL for your INSERT or UPDATE ' +
  'statements if you expect data to be expired as table settings will not do it. '

export function guardZeroTtlOnTwcs(execution: Execution): void {
  const { zeroTtlOnTwcsEnabled, zeroTtlOnTwcsWarned } = execution.config.guardrails
  const feature = '0 default_time_to_live on a table with TimeWindowCompactionStrategy compaction strategy'
  if (!zeroTtlOnTwcsEnabled) fail(execution, 'zero_ttl_on_twcs', `${feature} is not allowed`, ZERO_TTL_REASON)
  if (zeroTtlOnTwcsWarned)
    warn(execution, 'zero_ttl_on_twcs', `${feature} is not recommended`, ZERO_TTL_REASON)
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
  const among = (names: ReadonlySet<string>) =>
    properties
      .names()
      .filter((name) => names.has(name))
      .sort()
  const name = 'table_properties'
  const disallowed = among(tablePropertiesDisallowed)
  if (disallowed.length > 0) {
    const all = listText(tablePropertiesDisallowed)
    const given = listText(disallowed)
    fail(
      execution,
      name,
      `Provided values ${given} are not allowed for Table Properties (disallowed values are: ${all})`,
    )
  }
  const ignored = among(tablePropertiesIgnored)
  if (ignored.length > 0) {
    const all = listText(tablePropertiesIgnored)
    const given = listText(ignored)
    warn(
      execution,
      name,
      `Ignoring provided values ${given} as they are not supported for Table Properties (ignored values are: ${all})`,
    )
    for (const property of ignored) properties.remove(property)
  }
  const warned = among(tablePropertiesWarned)
  if (warned.length > 0) {
    const all = listText(tablePropertiesWarned)
    const given = listText(warned)
    warn(
      execution,
      name,
      `Provided values ${given} are not recommended for Table Properties (warned values are: ${all})`,
    )
  }
}
