/**
 * Records what Apache Cassandra answers to the statements of cases.ts, with each of the settings there:
 * `node test/golden/thresholds/record.js SETTINGS HOST:PORT`, of a node that was started with those SETTINGS.
 * thresholds.test.ts compares.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

const folder = fileURLToPath(new URL('./', import.meta.url))
const [name, address = '127.0.0.61:9042'] = process.argv.slice(2)
const [host, port] = address.split(':')

// Node 20 cannot run TypeScript: the runner that the test uses is bundled to a file that is removed again.
const build = await rolldown({
  input: `${folder}record.ts`,
  platform: 'node',
  external: [/^node:/, 'pino', 'lz4-wasm-nodejs', 'snappyjs'],
})
const output = mkdtempSync(join(folder, '.record-'))
try {
  await build.write({ dir: output, format: 'esm', entryFileNames: 'record.mjs', codeSplitting: false })
  const { record } = await import(pathToFileURL(join(output, 'record.mjs')).href)
  await record(folder, name, host, Number(port ?? 9042))
} finally {
  rmSync(output, { recursive: true })
}
