import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The program of the worker thread for flushes and compactions; io/node-workers.ts looks for it beside the bundle. */
export const STORAGE_WORKER = { 'storage-worker': 'src/node/storage-worker.ts' }

/**
 * Writes characters outside of ASCII as escapes, which mean the same in texts, patterns and comments. One such character would make V8
 * keep the whole program in two bytes a character, and reading it take twice as long.
 */
function toAscii(path) {
  const code = readFileSync(path, 'utf8')
  const escape = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(path, code.replace(/[\u0080-\uffff]/g, escape))
}

/**
 * Bundles entries (paths by names) into `directory`. CommonJS comes as one file an entry: the command is run from a
 * string, which can import nothing, and a second file would load it a second time. `plugins` are rolldown's.
 */
export async function bundle(input, directory, format, extension, plugins = []) {
  const build = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    plugins,
    external: [/^node:/, 'pino', 'lz4-wasm-nodejs', 'snappyjs', 'yaml', /^@foxglove\/wasm-zstd/],
  })
  const { output } = await build.write({
    dir: directory,
    format,
    sourcemap: false,
    ...(format === 'cjs' ? { codeSplitting: false, dynamicImportInCjs: false } : {}),
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `chunk-[name]-[hash].${extension}`,
  })
  await build.close()
  for (const { type, fileName } of output) if (type === 'chunk') toAscii(`${directory}/${fileName}`)
}
