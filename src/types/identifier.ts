/** Names as CQL writes them (`ColumnIdentifier.maybeQuote`, `ReservedKeywords`). */

const RESERVED_KEYWORDS: ReadonlySet<string> = new Set(
  `add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe drop entries execute from full grant if in index infinity insert into is keyspace limit materialized modify nan norecursive not null of on or order primary rename revoke schema select set table to token truncate unlogged update use using view where with`.split(
    ' ',
  ),
)

const UNQUOTED = /^[a-z][a-z0-9_]*$/

/** Whether a name can't stand unquoted because the grammar keeps it for itself. */
export function isReservedKeyword(name: string): boolean {
  return RESERVED_KEYWORDS.has(name.toLowerCase())
}

/** The name in double quotes unless it reads back as itself without them. */
export function maybeQuote(name: string): string {
  return UNQUOTED.test(name) && !isReservedKeyword(name) ? name : `"${name.replaceAll('"', '""')}"`
}
