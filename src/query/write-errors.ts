import {
  ConsistencyLevel,
  InvalidRequestError,
  TruncateError,
  WriteTimeoutError,
  type WriteType,
} from '../common/errors.ts'
import { MUTATION_HEADER_WORDS, type MutationBuilder, UPDATE_KEY_WORD } from '../model/mutation.ts'
import type { TableMetadata } from '../model/table.ts'
import { CommitLogFailedError, MutationTooLargeError } from '../storage/commitlog/errors.ts'
import { toText } from '../types/index.ts'

const TIMED_OUT = 'Operation timed out - received only 0 responses.'
/** Beyond so many characters the keys of an oversized mutation are only counted. */
const KEYS_LENGTH_MAX = 1024

/**
 * What a client is answered when the storage engine refused a write. A commit log that has failed for good
 * (commit_failure_policy stop_commit) is answered as a time-out, as in Cassandra, where such writes wait in vain.
 */
export function writeError(
  error: unknown,
  mutation: MutationBuilder,
  limit: number,
  tables: () => readonly TableMetadata[],
  consistency: ConsistencyLevel,
  writeType: WriteType,
): unknown {
  if (error instanceof CommitLogFailedError) {
    return new WriteTimeoutError(`${TIMED_OUT} ${error.message}`, consistency, 0, 1, writeType)
  }
  if (error instanceof MutationTooLargeError) return oversizedError(mutation, limit, tables(), writeType)
  return error
}

/** What a TRUNCATE or a change of the schema is answered when the commit log has failed. */
export function unloggedError(error: unknown, isTruncate: boolean, consistency: ConsistencyLevel): unknown {
  if (!(error instanceof CommitLogFailedError)) return error
  if (isTruncate) return new TruncateError(`Error during truncate: ${error.message}`)
  return new WriteTimeoutError(`${TIMED_OUT} ${error.message}`, consistency, 0, 1, 'SIMPLE')
}

/** A mutation over max_mutation_size (`MutationExceededMaxSizeException`). A conditional one times out there. */
export function oversizedError(
  mutation: MutationBuilder,
  limit: number,
  tables: readonly TableMetadata[],
  writeType: WriteType,
): Error {
  if (writeType === 'CAS') return new WriteTimeoutError(TIMED_OUT, ConsistencyLevel.SERIAL, 0, 1, 'CAS')
  const updates = updatesOf(mutation, tables)
  return new InvalidRequestError(
    `Rejected an oversized mutation (${mutation.sizeBytes}/${limit}) for keyspace: ${updates[0]?.keyspace ?? ''}. Top keys are: ${topKeys(updates.map(({ key }) => key))}`,
  )
}

/** The partitions of a mutation, the largest first. */
function updatesOf(
  mutation: MutationBuilder,
  tables: readonly TableMetadata[],
): { readonly keyspace: string; readonly key: string }[] {
  const { i32, u8 } = mutation
  const updates = new Map<string, { readonly keyspace: string; readonly key: string; size: number }>()
  let at = MUTATION_HEADER_WORDS
  for (let i = 0; i < mutation.updateCount; i++) {
    const size = i32[at]!
    const table = tables.find(({ handle }) => handle === i32[at + 1])
    if (table !== undefined) {
      const from = (at + UPDATE_KEY_WORD) << 2
      const key = `${table.name}.${keyText(table, u8.subarray(from, from + i32[at + 4]!))}`
      const update = updates.get(key)
      if (update === undefined) updates.set(key, { keyspace: table.keyspace, key, size })
      else update.size += size
    }
    at += size >>> 2
  }
  return [...updates.values()].sort((a, b) => b.size - a.size)
}

/** A partition key as `AbstractType.getString` gives it: the parts of a composite one between colons. */
function keyText(table: TableMetadata, key: Uint8Array): string {
  const types = table.partitionKeys.map(({ type }) => type)
  if (types.length === 1) return toText(types[0]!, key)
  const parts: string[] = []
  for (let at = 0, i = 0; i < types.length; i++) {
    const length = (key[at]! << 8) | key[at + 1]!
    parts.push(toText(types[i]!, key.subarray(at + 2, at + 2 + length)).replaceAll(':', '\\:'))
    at += 3 + length
  }
  return parts.join(':')
}

function topKeys(keys: readonly string[]): string {
  let text = ''
  let count = 0
  for (const key of keys) {
    if (count > 0 && text.length + key.length + 2 > KEYS_LENGTH_MAX) break
    text += count === 0 ? key : `, ${key}`
    count++
  }
  return count === keys.length ? text : `${text} and ${keys.length - count} more.`
}
