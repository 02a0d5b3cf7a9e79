/**
 * Records what Apache Cassandra answers to the cases and to a share of the generated operations:
 * `node compat-tests/differential/record.js HOST:PORT`. The server needs `counter_cache_size: 0MiB`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

const folder = fileURLToPath(new URL('./', import.meta.url))
const [host, port] = (process.argv[2] ?? '127.0.0.61:9042').split(':')

// Node 20 cannot run TypeScript: the recorder is bundled to a file that is removed again.
const build = await rolldown({
  input: `${folder}record.ts`,
  platform: 'node',
  external: [/^node:/, 'pino', 'lz4-wasm-nodejs', 'snappyjs'],
})
const output = mkdtempSync(join(folder, '.record-'))
try {
  const file = join(output, 'record.mjs')
  await build.write({ file, format: 'esm', codeSplitting: false })
  const { record } = await import(pathToFileURL(file).href)
  await record(folder, host, Number(port))
} finally {
  await build.close()
  rmSync(output, { recursive: true, force: true })
}
