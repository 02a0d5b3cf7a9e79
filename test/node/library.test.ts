import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

/** The library as it is published, in plain JavaScript, in processes of its own. It has to be built: `npm run build`. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const isBuilt = existsSync(join(root, 'dist/index.js'))
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  /** The signal that ended it when it did not end by itself. */
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

async function node(args: readonly string[]): Promise<Ended> {
  // A test runner inside of a test runner would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 25_000)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return { code, signal, output }
}

function folder(under = tmpdir()): string {
  const path = mkdtempSync(join(under, '.sibyl-library-'))
  folders.push(path)
  return path
}

describe.skipIf(!isBuilt)('the library', () => {
  it.each(['memory', 'directory'])('starts and stops 20 times (%s) and leaves nothing open', async (kind) => {
    const dir = kind === 'memory' ? ':memory:' : folder()
    const program = `
      import { once } from 'node:events'
      import { connect } from 'node:net'
      import cassandra from 'cassandra-driver'
      import { Sibyl } from 'sibyl'
      for (let round = 0; round < 20; round++) {
        const db = await Sibyl.start({ dir: ${JSON.stringify(dir)} })
        const client = new cassandra.Client(db.driverOptions)
        await client.execute('SELECT release_version FROM system.local')
        await client.shutdown()
        // Nor may a client that is still there hold it up.
        const socket = connect(db.port, db.host)
        await once(socket, 'connect')
        const closed = once(socket.resume(), 'close')
        await db.stop()
        await closed
      }
      await new Promise(setImmediate)
      const left = process.getActiveResourcesInfo().filter((name) => !name.includes('Pipe'))
      console.log(JSON.stringify({ left, listeners: process.eventNames().map(String) }))
    `
    const { code, signal, output } = await node(['--input-type=module', '-e', program])
    expect(signal, output).toBe(null)
    expect(code, output).toBe(0)
    const { left, listeners } = JSON.parse(output)
    expect(left).toEqual([])
    expect(
      listeners.filter(
        (name: string) => !['newListener', 'removeListener', 'warning', 'exit'].includes(name),
      ),
    ).toEqual([])
  })

  it('does not keep a process alive that failed to start it', async () => {
    const program = `
      import { Sibyl } from 'sibyl'
      const db = await Sibyl.start()
      const tries = [{ port: db.port }, { init: 'nowhere.cql' }, { settings: { nothing: 1 } }]
      for (const options of tries) await Sibyl.start(options).then(() => console.log('?'), (error) => console.log(error.message))
      await db.stop()
    `
    const { code, signal, output } = await node(['--input-type=module', '-e', program])
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(output.split('\n').map((line) => line.slice(0, 23))).toEqual([
      'listen EADDRINUSE: addr',
      'ENOENT: no such file or',
      'Unknown setting nothing',
      '',
    ])
  })

  it('runs under node --test, as the README writes it', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [, example] = /```js\n(import assert[\s\S]*?)```/.exec(readme)!
    // Beside the project's node_modules, or neither the driver nor Sibyl would be found.
    const path = folder(root)
    writeFileSync(join(path, 'readme.test.js'), example!.replace("'schema.cql'", `'examples/schema.cql'`))
    const { code, signal, output } = await node(['--test', `${path}/`])
    expect({ code, signal }, output).toEqual({ code: 0, signal: null })
    expect(output).toMatch(/# pass 1\b/)
  })

  it('runs the examples', async () => {
    const { code, output } = await node(['--test', 'examples/'])
    expect(code, output).toBe(0)
    expect(output).toMatch(/# fail 0\b/)
  })

  it('declares its types', () => {
    const { types } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const file = join(root, types)
    if (!existsSync(file)) return // built with --no-types
    const text = readFileSync(file, 'utf8')
    for (const [, target] of text.matchAll(/from '(\.[^']+)'/g)) {
      expect(existsSync(join(dirname(file), target!.replace(/\.ts$/, '.d.ts')))).toBe(true)
    }
  })
})

if (!isBuilt) it.skip('the library is not built: `npm run build` first')
