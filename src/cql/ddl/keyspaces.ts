/** CREATE, ALTER and DROP KEYSPACE. */

import { AlreadyExistsError, ConfigurationError, InvalidRequestError } from '../../common/errors.ts'
import {
  createKeyspaceMetadata,
  isSystemKeyspace,
  type KeyspaceParams,
  type Schema,
  totalReplicas,
  withParams,
} from '../../schema/index.ts'
import { ensureEnabled, guardMaximum } from '../guardrails/guardrails.ts'
import type { AlterKeyspaceStatement, CreateKeyspaceStatement, DropKeyspaceStatement } from '../raw/index.ts'
import type { Execution } from './context.ts'
import {
  type Applied,
  changed,
  keyspaceChange,
  refuseSystemKeyspace,
  tableChange,
  typeChange,
  unchanged,
  validateKeyspaceName,
} from './outcome.ts'
import { Properties } from './properties.ts'
import { replicationFromOptions, validateReplication } from './replication.ts'

const KNOWN: ReadonlySet<string> = new Set(['durable_writes', 'replication'])
const NONE: ReadonlyMap<string, string> = new Map()

/** `KeyspaceAttributes.validate`; returns the replication options given, or none. */
function replicationOptions(properties: Properties): ReadonlyMap<string, string> {
  properties.refuseUnknown(KNOWN)
  const options = properties.map('replication') ?? NONE
  if (options.size > 0 && !options.has('class'))
    throw new ConfigurationError('Missing replication strategy class')
  return options
}

function guardSimpleStrategy(execution: Execution, options: ReadonlyMap<string, string>): void {
  if (options.get('class') !== 'SimpleStrategy') return
  ensureEnabled(
    execution,
    'simplestrategy',
    execution.config.guardrails.simpleStrategyEnabled,
    'SimpleStrategy',
  )
}

function refuseLocalStrategy(params: KeyspaceParams): void {
  if (!params.replication.get('class')!.endsWith('.LocalStrategy')) return
  throw new InvalidRequestError(
    'Unable to use given strategy class: LocalStrategy is reserved for internal use.',
  )
}

export function createKeyspace(
  schema: Schema,
  statement: CreateKeyspaceStatement,
  execution: Execution,
): Applied {
  const { keyspace: name } = statement
  guardKeyspaces(schema, name, execution)
  validateKeyspaceName(name)
  const properties = new Properties(statement.properties)
  const options = replicationOptions(properties)
  if (!properties.has('replication')) throw new InvalidRequestError("Missing mandatory option 'replication'")
  guardSimpleStrategy(execution, options)
  if (schema.keyspace(name) !== null) {
    if (statement.ifNotExists) return unchanged(schema)
    throw new AlreadyExistsError(`Cannot add existing keyspace "${name}"`, name, '')
  }
  const durableWrites = properties.boolean('durable_writes') ?? true
  const params = { durableWrites, replication: replicationFromOptions(execution, options, NONE) }
  refuseLocalStrategy(params)
  validateReplication(execution, name, params.replication)
  return changed(schema.withKeyspace(createKeyspaceMetadata(name, params)), keyspaceChange('CREATED', name))
}

function guardKeyspaces(schema: Schema, name: string, execution: Execution): void {
  const count = [...schema.keyspaces.keys()].filter((other) => !isSystemKeyspace(other)).length + 1
  guardMaximum(
    execution,
    'keyspaces',
    count,
    execution.config.guardrails.keyspaces,
    (isWarning, threshold) =>
      isWarning
        ? `Creating keyspace ${name}, current number of keyspaces ${count} exceeds warning threshold of ${threshold}.`
        : `Cannot have more than ${threshold} keyspaces, aborting the creation of keyspace ${name}`,
  )
}

export function alterKeyspace(
  schema: Schema,
  statement: AlterKeyspaceStatement,
  execution: Execution,
): Applied {
  const { keyspace: name } = statement
  refuseSystemKeyspace(name, 'ALTER', `<keyspace ${name}>`)
  validateKeyspaceName(name)
  const properties = new Properties(statement.properties)
  const options = replicationOptions(properties)
  const keyspace = schema.keyspace(name)
  if (keyspace === null) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Keyspace '${name}' doesn't exist`)
  }
  const before = keyspace.params
  const durableWrites = properties.boolean('durable_writes') ?? before.durableWrites
  const replication = options.has('class')
    ? replicationFromOptions(execution, options, before.replication)
    : before.replication
  const params = { durableWrites, replication }
  guardSimpleStrategy(execution, options)
  refuseLocalStrategy(params)
  validateReplication(execution, name, replication)
  if (durableWrites === before.durableWrites && sameOptions(replication, before.replication)) {
    return unchanged(schema)
  }
  if (totalReplicas(before.replication) < totalReplicas(replication)) {
    execution.warnings.push(
      'When increasing replication factor you need to run a full (-full) repair to distribute the data.',
    )
  }
  return changed(schema.withKeyspace(withParams(keyspace, params)), keyspaceChange('UPDATED', name))
}

function sameOptions(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false
  for (const [name, value] of a) if (b.get(name) !== value) return false
  return true
}

export function dropKeyspace(
  schema: Schema,
  statement: DropKeyspaceStatement,
  execution: Execution,
): Applied {
  const { keyspace: name } = statement
  refuseSystemKeyspace(name, 'DROP', `<keyspace ${name}>`)
  validateKeyspaceName(name)
  const { dropKeyspaceEnabled } = execution.config.guardrails
  ensureEnabled(execution, 'drop_keyspace_enabled', dropKeyspaceEnabled, 'DROP KEYSPACE functionality')
  const keyspace = schema.keyspace(name)
  if (keyspace === null) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Keyspace '${name}' doesn't exist`)
  }
  const change = keyspaceChange('DROPPED', name)
  const tables = [...keyspace.tables.values()]
  const changes = [
    ...tables.map((table) => tableChange('DROPPED', name, table.name)),
    ...[...keyspace.types.keys()].map((type) => typeChange('DROPPED', name, type)),
    change,
  ]
  return changed(schema.withoutKeyspace(name), change, changes, tables)
}
