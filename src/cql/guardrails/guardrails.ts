/** Guardrails: limits of cassandra.yaml that warn or refuse (`db/guardrails`). */

import { InvalidRequestError } from '../../common/errors.ts'

/** Values over (or under) `warn` are warned of, those over (or under) `fail` refused; -1 is no limit. */
export interface Threshold {
  readonly warn: number
  readonly fail: number
}

/** What cassandra.yaml says of each guardrail; sizes in bytes, times in microseconds. */
export interface Guardrails {
  readonly keyspaces: Threshold
  readonly tables: Threshold
  readonly columnsPerTable: Threshold
  readonly fieldsPerUdt: Threshold
  readonly vectorDimensions: Threshold
  readonly minimumReplicationFactor: Threshold
  readonly maximumReplicationFactor: Threshold
  readonly pageSize: Threshold
  readonly partitionKeysInSelect: Threshold
  readonly inSelectCartesianProduct: Threshold
  readonly columnValueSize: Threshold
  readonly collectionSize: Threshold
  readonly itemsPerCollection: Threshold
  /** How far from now the timestamps that clients give may be. */
  readonly maximumTimestamp: Threshold
  readonly minimumTimestamp: Threshold
  readonly vectorTypeEnabled: boolean
  readonly simpleStrategyEnabled: boolean
  readonly compactTablesEnabled: boolean
  readonly uncompressedTablesEnabled: boolean
  readonly alterTableEnabled: boolean
  readonly dropKeyspaceEnabled: boolean
  readonly dropTruncateTableEnabled: boolean
  readonly zeroTtlOnTwcsEnabled: boolean
  readonly zeroTtlOnTwcsWarned: boolean
  readonly userTimestampsEnabled: boolean
  readonly groupByEnabled: boolean
  readonly allowFilteringEnabled: boolean
  readonly readBeforeWriteListOperationsEnabled: boolean
  readonly tablePropertiesWarned: ReadonlySet<string>
  readonly tablePropertiesIgnored: ReadonlySet<string>
  readonly tablePropertiesDisallowed: ReadonlySet<string>
  /** Names of consistency levels, in the order of their codes. */
  readonly readConsistencyLevelsWarned: ReadonlySet<string>
  readonly readConsistencyLevelsDisallowed: ReadonlySet<string>
  readonly writeConsistencyLevelsWarned: ReadonlySet<string>
  readonly writeConsistencyLevelsDisallowed: ReadonlySet<string>
}

const OFF: Threshold = { warn: -1, fail: -1 }
const NONE: ReadonlySet<string> = new Set()

/** What holds for superusers, and for everybody while nobody has to log in. */
export const NO_GUARDRAILS: Guardrails = {
  keyspaces: OFF,
  tables: OFF,
  columnsPerTable: OFF,
  fieldsPerUdt: OFF,
  vectorDimensions: OFF,
  minimumReplicationFactor: OFF,
  maximumReplicationFactor: OFF,
  pageSize: OFF,
  partitionKeysInSelect: OFF,
  inSelectCartesianProduct: OFF,
  columnValueSize: OFF,
  collectionSize: OFF,
  itemsPerCollection: OFF,
  maximumTimestamp: OFF,
  minimumTimestamp: OFF,
  vectorTypeEnabled: true,
  simpleStrategyEnabled: true,
  compactTablesEnabled: true,
  uncompressedTablesEnabled: true,
  alterTableEnabled: true,
  dropKeyspaceEnabled: true,
  dropTruncateTableEnabled: true,
  zeroTtlOnTwcsEnabled: true,
  zeroTtlOnTwcsWarned: false,
  userTimestampsEnabled: true,
  groupByEnabled: true,
  allowFilteringEnabled: true,
  readBeforeWriteListOperationsEnabled: true,
  tablePropertiesWarned: NONE,
  tablePropertiesIgnored: NONE,
  tablePropertiesDisallowed: NONE,
  readConsistencyLevelsWarned: NONE,
  readConsistencyLevelsDisallowed: NONE,
  writeConsistencyLevelsWarned: NONE,
  writeConsistencyLevelsDisallowed: NONE,
}

/** As cassandra.yaml is shipped. */
export const DEFAULT_GUARDRAILS: Guardrails = { ...NO_GUARDRAILS, zeroTtlOnTwcsWarned: true }

/** Where warnings of a statement go. */
export interface Warned {
  readonly warnings: string[]
}

/** A statement of a user whom guardrails hold for. */
export interface Guard extends Warned {
  readonly guardrails: Guardrails
}

/** Cassandra sends the text of a violation as a warning and, when it refuses, as the error too. */
export function failGuardrail(to: Warned, name: string, message: string, reason = ''): never {
  const text = decorate(name, message, reason)
  to.warnings.push(text)
  throw new InvalidRequestError(text)
}

export function warnOfGuardrail(to: Warned, name: string, message: string, reason = ''): void {
  to.warnings.push(decorate(name, message, reason))
}

function decorate(name: string, message: string, reason: string): string {
  const text = `Guardrail ${name} violated: ${message}`
  if (reason === '') return text
  return `${text}${message.endsWith('.') ? ' ' : '. '}${reason}`
}

type Describe = (isWarning: boolean, threshold: number) => string

/** `MaxThreshold.guard`. */
export function guardMaximum(
  to: Warned,
  name: string,
  value: number,
  limit: Threshold,
  text: Describe,
  reason = '',
): void {
  if (limit.fail >= 0 && value > limit.fail) failGuardrail(to, name, text(false, limit.fail), reason)
  if (limit.warn >= 0 && value > limit.warn) warnOfGuardrail(to, name, text(true, limit.warn), reason)
}

/** `MinThreshold.guard`. */
export function guardMinimum(
  to: Warned,
  name: string,
  value: number,
  limit: Threshold,
  text: Describe,
  reason = '',
): void {
  if (limit.fail >= 0 && value < limit.fail) failGuardrail(to, name, text(false, limit.fail), reason)
  if (limit.warn >= 0 && value < limit.warn) warnOfGuardrail(to, name, text(true, limit.warn), reason)
}

/** `EnableFlag.ensureEnabled`. */
export function ensureEnabled(
  to: Warned,
  name: string,
  enabled: boolean,
  feature: string,
  reason = '',
): void {
  if (!enabled) failGuardrail(to, name, `${feature} is not allowed`, reason)
}

/** Which of the values are refused, left out, and only frowned at (`Values.guard`). */
export interface GuardedValues {
  readonly disallowed: ReadonlySet<string>
  readonly ignored: ReadonlySet<string>
  readonly warned: ReadonlySet<string>
}

/** Guards values, given in their order; `ignore` takes one out. `what` names their kind. */
export function guardValues(
  to: Warned,
  name: string,
  values: readonly string[],
  { disallowed, ignored, warned }: GuardedValues,
  what: string,
  ignore: (value: string) => void = () => {},
): void {
  const among = (set: ReadonlySet<string>) => values.filter((value) => set.has(value))
  const text = (items: Iterable<string>) => `[${[...items].join(', ')}]`
  const refused = among(disallowed)
  if (refused.length > 0) {
    const list = `(disallowed values are: ${text(disallowed)})`
    failGuardrail(to, name, `Provided values ${text(refused)} are not allowed for ${what} ${list}`)
  }
  const left = among(ignored)
  if (left.length > 0) {
    const list = `(ignored values are: ${text(ignored)})`
    warnOfGuardrail(
      to,
      name,
      `Ignoring provided values ${text(left)} as they are not supported for ${what} ${list}`,
    )
    for (const value of left) ignore(value)
  }
  const frowned = among(warned).filter((value) => !left.includes(value))
  if (frowned.length > 0) {
    const list = `(warned values are: ${text(warned)})`
    warnOfGuardrail(to, name, `Provided values ${text(frowned)} are not recommended for ${what} ${list}`)
  }
}
