// Bundles the program: one file for the command, one for the library, so that starting is reading two files, not two
// hundred (dependencies load when they are first used). Types go to dist/types.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })

const bundle = await rolldown({
  cwd: root,
  input: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  platform: 'node',
  external: [/^node:/, 'pino', 'uuid', 'long', 'lz4-wasm-nodejs', 'snappyjs'],
})
await bundle.write({
  dir: `${root}dist`,
  format: 'esm',
  sourcemap: false,
  chunkFileNames: 'chunk-[name]-[hash].js',
})
await bundle.close()

if (!process.argv.includes('--no-types')) {
  const tsc = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
    {
      stdio: 'inherit',
    },
  )
  if (tsc.status !== 0) process.exit(tsc.status ?? 1)
}
