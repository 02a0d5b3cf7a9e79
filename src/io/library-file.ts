import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The bytes of a file that an installed package brings along, such as its WebAssembly. */
export function readLibraryFile(specifier: string): Uint8Array {
  return readFileSync(require.resolve(specifier))
}
