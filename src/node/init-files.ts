import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** The CQL files named, and those in the directories named, in the order of their names. */
export function readInitFiles(paths: readonly string[]): { path: string; text: string }[] {
  return paths.flatMap((path) =>
    statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.cql(\.gz)?$/.test(name))
          .sort()
          .map((name) => readInitFile(join(path, name)))
      : [readInitFile(path)],
  )
}

function readInitFile(path: string): { path: string; text: string } {
  const bytes = readFileSync(path)
  return { path, text: (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8') }
}
