import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import cassandra, { type ClientOptions } from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { KEYSPACE } from './support.ts'

/** The command, as a process. It has to be built: `npm run build`. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const isBuilt = existsSync(join(root, 'dist/cli.cjs'))
const keystore = join(root, 'test/protocol/tls/server.pem')
const folders: string[] = []
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sibyl-command-'))
  folders.push(path)
  return path
}

class Command {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [join(root, 'bin/sibyl.js'), ...args], {
      cwd: folder(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(this.child)
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString()
    })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString()
    })
  }

  /** The port it listens on. */
  async port(): Promise<number> {
    while (!this.stdout.includes('\n')) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`)
      await Promise.race([once(this.child.stdout!, 'data'), once(this.child, 'close')])
    }
    return Number(/ on 127\.0\.0\.1:(\d+) /.exec(this.stdout)![1])
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close')
    return this.child.exitCode
  }

  async stop(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended()
  }
}

async function ask(port: number, queries: readonly string[], options: Partial<ClientOptions> = {}) {
  const client = new cassandra.Client({
    contactPoints: ['127.0.0.1'],
    localDataCenter: 'datacenter1',
    protocolOptions: { port },
    ...options,
  })
  try {
    let rows: cassandra.types.Row[] = []
    for (const query of queries) rows = (await client.execute(query)).rows ?? []
    return rows
  } finally {
    await client.shutdown()
  }
}

const QUERY = `SELECT release_version FROM system.local WHERE key = 'local'`

describe.skipIf(!isBuilt)('sibyl', () => {
  it('says once where it listens, keeps its data in ./data over kill -9, and ends well on a signal', async () => {
    const dir = join(folder(), 'data')
    const first = new Command(['--port', '0', '--dir', dir])
    await ask(await first.port(), [
      KEYSPACE,
      'CREATE TABLE demo.notes (id int PRIMARY KEY, body text)',
      `INSERT INTO demo.notes (id, body) VALUES (1, 'kept')`,
    ])
    await first.stop('SIGKILL')
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const again = new Command([], { SIBYL_PORT: '0', SIBYL_DIR: dir })
      const rows = await ask(await again.port(), ['SELECT body FROM demo.notes'])
      expect(rows.map((row) => row['body'])).toEqual(['kept'])
      expect(await again.stop(signal)).toBe(0)
      expect(again.stdout).toMatch(
        /^Sibyl 5\.0\.6-compatible is listening for CQL clients on 127\.0\.0\.1:\d+ \(dir .*\/data, data centre datacenter1\)\n$/,
      )
      expect(again.stderr).toBe('')
    }
  })

  it('serves TLS, in the one process that it is', async () => {
    const command = new Command(['--port', '0', '--dir', folder(), '--tls-keystore', keystore])
    const port = await command.port()
    expect(await ask(port, [QUERY], { sslOptions: { rejectUnauthorized: false } })).toHaveLength(1)
    expect(await command.stop('SIGTERM')).toBe(0)
    expect(command.stdout.match(/is listening/g)).toHaveLength(1)
    expect(command.stderr).toBe('')
  })

  it('takes settings, init files and passwords', async () => {
    const init = join(folder(), 'schema.cql')
    writeFileSync(init, `${KEYSPACE};`)
    const command = new Command(
      [
        ...['--port=0', '--dir=:memory:', '--init', init, '--set', 'tombstone_warn_threshold=3'],
        ...['--authenticator', 'PasswordAuthenticator'],
      ],
      { SIBYL_SET: 'max_mutation_size=1MiB,tombstone_warn_threshold=2' },
    )
    const rows = await ask(
      await command.port(),
      ['USE demo', 'SELECT name, value FROM system_views.settings'],
      { credentials: { username: 'cassandra', password: 'cassandra' } },
    )
    expect(Object.fromEntries(rows.map((row) => [row['name'], row['value']]))).toMatchObject({
      authenticator: 'PasswordAuthenticator',
      max_mutation_size: '1MiB',
      tombstone_warn_threshold: '3',
    })
  })

  it.each([
    [['--help'], 0, ''],
    [['--wrong'], 2, 'sibyl: unknown argument --wrong\n\nUsage: '],
    [['--dir', ':memory:', '--set', 'wrong=1'], 1, 'sibyl: Unknown setting wrong. There are: '],
    [['--dir', ':memory:', '--init', '/nowhere.cql'], 1, 'sibyl: ENOENT: no such file or directory'],
    [
      ['--dir', ':memory:', '--port', '0', '--tls-keystore', '/nowhere.pem'],
      1,
      'sibyl: ENOENT: no such file',
    ],
  ])('ends at once: %j', async (args, code, complaint) => {
    const command = new Command(args)
    expect(await command.ended()).toBe(code)
    expect(command.stderr.startsWith(complaint), command.stderr).toBe(true)
    if (code === 0) expect(command.stdout).toMatch(/^Usage: sibyl/)
    else expect(command.stdout).toBe('')
  })

  it('refuses a directory that is in use, and names its process', async () => {
    const dir = folder()
    const first = new Command(['--port', '0', '--dir', dir])
    await first.port()
    const second = new Command(['--port', '0', '--dir', dir])
    expect(await second.ended()).toBe(1)
    expect(second.stderr).toBe(
      `sibyl: Directory ${dir} is in use by another Sibyl server (process ${first.child.pid})\n`,
    )
    expect(await first.stop('SIGTERM')).toBe(0)
  })
})

if (!isBuilt) it.skip('the command is not built: `npm run build` first')
