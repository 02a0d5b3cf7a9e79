import { utf8Text } from '../../common/bytes.ts'

/** manifest.json of a snapshot (`SnapshotManifest`). Times are ISO texts, as `Instant` writes them. */
export interface SnapshotManifest {
  /** Names of the Data.db files. */
  readonly files: readonly string[]
  readonly createdAt: string | null
  /** When the snapshot may be removed; null for never. */
  readonly expiresAt: string | null
  /** Of a repair that goes on; not the user's. */
  readonly ephemeral: boolean
}

/** `2026-11-21T11:00:26.031Z`; without a fraction where that is zero, as `Instant.toString`. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

/** The file's text, as Cassandra's JSON writer lays it out. */
export function manifestText({ files, createdAt, expiresAt, ephemeral }: SnapshotManifest): string {
  const list = files.length === 0 ? '[ ]' : `[ ${files.map((file) => JSON.stringify(file)).join(', ')} ]`
  const lines = [
    `  "files" : ${list}`,
    `  "created_at" : ${JSON.stringify(createdAt)}`,
    `  "expires_at" : ${JSON.stringify(expiresAt)}`,
    `  "ephemeral" : ${ephemeral}`,
  ]
  return `{\n${lines.join(',\n')}\n}`
}

/** What a file holds; null where it is no manifest. What is not in it, as in older ones, is null or false. */
export function parseManifest(bytes: Uint8Array): SnapshotManifest | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(utf8Text(bytes))
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
  const { files, created_at, expires_at, ephemeral } = parsed as Readonly<Record<string, unknown>>
  return {
    files: Array.isArray(files) ? files.map(String) : [],
    createdAt: typeof created_at === 'string' ? created_at : null,
    expiresAt: typeof expires_at === 'string' ? expires_at : null,
    ephemeral: ephemeral === true,
  }
}
