/** MD5 UUIDs: ids of system tables and the schema's version (`UUID.nameUUIDFromBytes`). */

import { createHash } from 'node:crypto'
import { uuidText } from '../common/uuid.ts'

export function md5(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The version 3 UUID of bytes, as text. */
export function nameUuid(bytes: Uint8Array): string {
  const digest = md5(bytes)
  digest[6] = (digest[6] & 0x0f) | 0x30
  digest[8] = (digest[8] & 0x3f) | 0x80
  return uuidText(digest)
}

/** The id of a built-in table, the same on every node (`TableId.forSystemTable`). */
export function systemTableId(keyspace: string, table: string): string {
  return nameUuid(Buffer.from(keyspace + table))
}
