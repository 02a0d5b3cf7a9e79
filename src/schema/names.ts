/** Names of built-in keyspaces and what names may be made of (`SchemaConstants`). */

/** Longest name of a keyspace. */
export const KEYSPACE_NAME_LENGTH = 48

/** Longest name of a table: with its id it names a directory of at most 255 characters. */
export const TABLE_NAME_LENGTH = 222

const LOCAL_SYSTEM_KEYSPACES: ReadonlySet<string> = new Set(['system', 'system_schema'])
const VIRTUAL_KEYSPACES: ReadonlySet<string> = new Set(['system_views', 'system_virtual_schema'])
const REPLICATED_SYSTEM_KEYSPACES: ReadonlySet<string> = new Set([
  'system_traces',
  'system_auth',
  'system_distributed',
])

/** A keyspace of this node alone, the virtual ones among them: nobody may change it. */
export function isLocalSystemKeyspace(name: string): boolean {
  const lower = name.toLowerCase()
  return LOCAL_SYSTEM_KEYSPACES.has(lower) || VIRTUAL_KEYSPACES.has(lower)
}

/** system_auth, system_distributed and system_traces: only their replication may be altered. */
export function isReplicatedSystemKeyspace(name: string): boolean {
  return REPLICATED_SYSTEM_KEYSPACES.has(name.toLowerCase())
}

export function isVirtualKeyspace(name: string): boolean {
  return VIRTUAL_KEYSPACES.has(name.toLowerCase())
}

export function isSystemKeyspace(name: string): boolean {
  return isLocalSystemKeyspace(name) || isReplicatedSystemKeyspace(name)
}

/** Letters, digits and underscores, and not empty: fit for file names. */
export function isValidCharsName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name)
}

/** Order of names by their UTF-8 bytes, as Cassandra sorts tables and types. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left === right) continue
    // Surrogates stand for code points above all others.
    if (left >= 0xd800 && right >= 0xd800) return Buffer.compare(Buffer.from(a), Buffer.from(b))
    return left - right
  }
  return a.length - b.length
}

/**
 * Order of a table's columns of one kind: by UTF-8 bytes, but names that begin with a character outside of ASCII come
 * first, since Cassandra takes that bit for a sign (`ColumnMetadata.comparisonOrder`).
 */
export function compareColumnNames(a: string, b: string): number {
  const isAscii = (name: string) => (name.charCodeAt(0) < 0x80 ? 1 : 0)
  return isAscii(a) - isAscii(b) || compareNames(a, b)
}
