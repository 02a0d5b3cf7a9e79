/** What a DDL statement made of the schema, and the checks that all of them share (`AlterSchemaStatement`). */

import { InvalidRequestError, UnauthorizedError } from '../../common/errors.ts'
import type { SchemaChange } from '../../model/query-result.ts'
import type { TableMetadata } from '../../model/table.ts'
import {
  isLocalSystemKeyspace,
  isReplicatedSystemKeyspace,
  isValidCharsName,
  KEYSPACE_NAME_LENGTH,
  type KeyspaceMetadata,
  type Schema,
} from '../../schema/index.ts'
import { maybeQuote } from '../../types/index.ts'

export interface DdlOutcome {
  readonly schema: Schema
  /** The statement's answer; null where nothing changed, which is answered as void. */
  readonly change: SchemaChange | null
  /** Every event for the clients that have registered, in Cassandra's order. */
  readonly changes: readonly SchemaChange[]
  readonly warnings: readonly string[]
  /** Tables that are no more: their data goes too. */
  readonly droppedTables: readonly TableMetadata[]
}

/** What a statement's own part returns: the rest is the same for all. */
export type Applied = Omit<DdlOutcome, 'warnings'>

export function unchanged(schema: Schema): Applied {
  return { schema, change: null, changes: [], droppedTables: [] }
}

export function changed(
  schema: Schema,
  change: SchemaChange,
  changes: readonly SchemaChange[] = [change],
  droppedTables: readonly TableMetadata[] = [],
): Applied {
  return { schema, change, changes, droppedTables }
}

export function keyspaceChange(change: SchemaChange['change'], keyspace: string): SchemaChange {
  return { change, target: 'KEYSPACE', keyspace, name: '' }
}

export function tableChange(change: SchemaChange['change'], keyspace: string, name: string): SchemaChange {
  return { change, target: 'TABLE', keyspace, name }
}

export function typeChange(change: SchemaChange['change'], keyspace: string, name: string): SchemaChange {
  return { change, target: 'TYPE', keyspace, name }
}

/** Nobody may change a built-in keyspace, whatever their permissions (`preventSystemKSSchemaModification`). */
export function refuseSystemKeyspace(keyspace: string, permission: string, resource: string): void {
  if (isLocalSystemKeyspace(keyspace))
    throw new UnauthorizedError(`${keyspace} keyspace is not user-modifiable.`)
  if (!isReplicatedSystemKeyspace(keyspace)) return
  const isKeyspace = resource.startsWith('<keyspace ')
  if (permission === 'ALTER' && isKeyspace) return
  throw new UnauthorizedError(`Cannot ${permission} ${resource}`)
}

export function validateKeyspaceName(keyspace: string): void {
  if (isLocalSystemKeyspace(keyspace)) {
    throw new InvalidRequestError(`System keyspace '${keyspace}' is not user-modifiable`)
  }
  if (!isValidCharsName(keyspace)) {
    throw new InvalidRequestError(
      `Keyspace name must not be empty and must contain alphanumeric or underscore characters only (got "${keyspace}")`,
    )
  }
  if (keyspace.length > KEYSPACE_NAME_LENGTH) {
    throw new InvalidRequestError(
      `Keyspace name must not be more than ${KEYSPACE_NAME_LENGTH} characters long (got ${keyspace.length} characters for "${keyspace}")`,
    )
  }
}

export function existingKeyspace(schema: Schema, name: string): KeyspaceMetadata {
  const keyspace = schema.keyspace(name)
  if (keyspace === null) throw new InvalidRequestError(`Keyspace '${name}' doesn't exist`)
  return keyspace
}

/** A table's name as error texts show it (`TableMetadata.toString`). */
export function tableText(table: { readonly keyspace: string; readonly name: string }): string {
  return `${maybeQuote(table.keyspace)}.${maybeQuote(table.name)}`
}
