import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The program of the worker thread for flushes and compactions; io/node-workers.ts looks for it beside the bundle. */
export const STORAGE_WORKER = { 'storage-worker': 'src/node/storage-worker.ts' }

/**
 * Bundles entries (paths by names) into `directory`. CommonJS comes as one file an entry: the command is run from a
 * string, which can import nothing, and a second file would load it a second time.
 */
export async function bundle(input, directory, format, extension) {
  const build = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: [/^node:/, 'pino', 'lz4-wasm-nodejs', 'snappyjs', /^@foxglove\/wasm-zstd/],
  })
  await build.write({
    dir: directory,
    format,
    sourcemap: false,
    ...(format === 'cjs' ? { codeSplitting: false, dynamicImportInCjs: false } : {}),
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `chunk-[name]-[hash].${extension}`,
  })
  await build.close()
}
