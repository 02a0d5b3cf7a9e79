// Bundles the program: the command as one CommonJS file with V8's code cache beside it, so that starting reads two
// files and compiles nothing, the program of the worker thread, and the library as an ES module. Dependencies load when
// they are first used. Types go to dist/types.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { bundle, STORAGE_WORKER } from './bundle.js'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })

/** Starts the program once and asks it something, so that the cache holds the functions that a start needs. */
async function makeCodeCache() {
  const child = spawn(
    process.execPath,
    [`${root}bin/sibyl.js`, '--port', '0', '--dir', ':memory:', '--log-level', 'silent'],
    {
      env: { ...process.env, SIBYL_CODE_CACHE: 'write' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [line] = await once(child.stdout, 'data')
  const port = Number(/:(\d+) /.exec(String(line))[1])
  const socket = connect(port, '127.0.0.1')
  const ask = async (opcode, body) => {
    const frame = Buffer.alloc(9)
    frame[0] = 4
    frame[4] = opcode
    frame.writeUInt32BE(body.length, 5)
    socket.write(Buffer.concat([frame, body]))
    await once(socket, 'data')
  }
  const shortString = (text) => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])
  await ask(1, Buffer.concat([Buffer.from([0, 1]), shortString('CQL_VERSION'), shortString('3.4.7')]))
  for (const query of [
    "SELECT * FROM system.local WHERE key = 'local'",
    'SELECT * FROM system_schema.tables',
  ]) {
    const text = Buffer.from(query)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    await ask(7, Buffer.concat([length, text, Buffer.from([0, 1, 0])]))
  }
  socket.destroy()
  child.kill('SIGTERM')
  await once(child, 'exit')
}

await bundle({ cli: 'src/cli/main.ts' }, `${root}dist`, 'cjs', 'cjs')
await bundle(STORAGE_WORKER, `${root}dist`, 'cjs', 'cjs')
await bundle({ index: 'src/index.ts' }, `${root}dist`, 'esm', 'js')
await makeCodeCache()

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
