import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server } from '../../compat-tests/differential/server.ts'
import type { Question, Reply } from './questions.ts'

const ORACLE = fileURLToPath(new URL('../../../shared/oracle/cassandra', import.meta.url))
const TOOLS = fileURLToPath(new URL('Tools.java', import.meta.url))
/** Another name and address let another run go beside. */
const NAME = process.env['REFEREE_NAME'] ?? 'referee'
const ADDRESS = process.env['REFEREE_ADDRESS'] ?? '127.0.73.1'
const PORT = 9042
/** A read that takes too long on a busy machine is no verdict. */
const TIMEOUTS = ['range_request_timeout=60s', 'read_request_timeout=60s'].flatMap((setting) => [
  '--set',
  setting,
])
const SHAPE = ['--ip-prefix', ADDRESS.slice(0, -1), ...TIMEOUTS]
/** Questions on their way at once. */
const PARALLEL = 8
const TRIES = 6

/** Whether a Cassandra can be started here: the oracle kit beside the repository, and Java 17. */
export function isOracleHere(): boolean {
  if (!existsSync(ORACLE)) return false
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  return java.error === undefined && /version "17\./.test(java.stderr)
}

function oracle(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(ORACLE, ['--name', NAME, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`cassandra ${args.join(' ')}: ${error?.message ?? stderr}${stdout}`)
  return stdout
}

/** A run of one of Cassandra's tools. */
export interface ToolRun {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const PACKAGE = 'org.apache.cassandra.tools.'
const CLASSES = {
  sstabledump: `${PACKAGE}SSTableExport`,
  sstableverify: `${PACKAGE}StandaloneVerifier`,
  sstablemetadata: `${PACKAGE}SSTableMetadataViewer`,
} as const

export type ToolCall = readonly [tool: keyof typeof CLASSES, ...args: string[]]

/** An Apache Cassandra of the referee's own. */
export class Cassandra {
  #server: Server | null = null

  /** Starts it with nothing in it; one that a run before left behind is ended. */
  static async fresh(): Promise<Cassandra> {
    spawnSync(ORACLE, ['--name', NAME, 'stop', '--wipe'])
    oracle(['start', '--fresh', ...SHAPE])
    const cassandra = new Cassandra()
    await cassandra.#connect()
    return cassandra
  }

  async #connect(): Promise<void> {
    this.#server = await Server.connect(ADDRESS, PORT)
  }

  get server(): Server {
    return this.#server!
  }

  get directory(): string {
    const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
    const home = process.env['CASSANDRA_ORACLE_HOME'] ?? join(cache, 'cassandra-oracle')
    return join(home, 'clusters', NAME, 'node1')
  }

  /** Where the SSTables of a table are. */
  tableDirectory(keyspace: string, name: string, id: string): string {
    return join(this.directory, 'data', 'data', keyspace, `${name}-${id.replaceAll('-', '')}`)
  }

  /** Runs a statement that has to be accepted. */
  async run(text: string): Promise<void> {
    const answer = await this.server.query(text)
    if (answer['kind'] === 'error' || answer['code'] !== undefined)
      throw new Error(`${text}: ${JSON.stringify(answer)}`)
  }

  /** Writes at a time that is told. */
  async write(text: string, now: number, timestamp: number): Promise<void> {
    const operation = { kind: 'query', effect: 'write', text, now, timestamp } as const
    const [answer] = await this.server.run(operation, () => Promise.reject(new Error('no pages')))
    if (answer!['kind'] !== 'void') throw new Error(`${text}: ${JSON.stringify(answer)}`)
  }

  async ask({ text, values }: Question, now: number): Promise<Reply> {
    const operation = { kind: 'query', effect: 'read', text, values, now } as const
    for (let tries = 1; ; tries++) {
      const [answer] = await this.server.run(operation, () => Promise.reject(new Error('no pages')))
      if (answer!['kind'] === 'rows') return { rows: answer!['rows'] as (string | null)[][] }
      const error = String(answer!['message'])
      // A read of all that is given up, as on a busy machine after the start, is no verdict.
      if (tries === TRIES || !/^Operation (timed out|failed)/.test(error)) return { error }
    }
  }

  /** The answers, in the order of the questions. */
  async askAll(questions: readonly Question[], now: number): Promise<Reply[]> {
    const replies: Reply[] = []
    let next = 0
    const worker = async (): Promise<void> => {
      for (let i = next++; i < questions.length; i = next++) replies[i] = await this.ask(questions[i]!, now)
    }
    await Promise.all(Array.from({ length: PARALLEL }, worker))
    return replies
  }

  nodetool(...args: string[]): string {
    return oracle(['nodetool', ...args])
  }

  stop(): void {
    this.#server?.close()
    this.#server = null
    oracle(['stop'])
  }

  /** Starts it again with the data that it has. */
  async start(): Promise<void> {
    oracle(['start', ...SHAPE])
    await this.#connect()
  }

  /** Stops it and removes all of its data. */
  wipe(): void {
    this.#server?.close()
    this.#server = null
    oracle(['stop', '--wipe'])
  }

  /** Copies all SSTables of a folder, if there is one, into a table's. The node has to be stopped. */
  copyInto(keyspace: string, name: string, id: string, from: string): void {
    if (!existsSync(from)) return
    const to = this.tableDirectory(keyspace, name, id)
    mkdirSync(to, { recursive: true })
    cpSync(from, to, { recursive: true })
  }

  /** Runs tools on this node's files, one after another in one process. */
  async tools(calls: readonly ToolCall[]): Promise<ToolRun[]> {
    const folder = mkdtempSync(join(tmpdir(), 'sibyl-referee-tools-'))
    try {
      const lines = calls.map(([tool, ...args]) => [CLASSES[tool], ...args].join('\t')).join('\n')
      const child = spawn(ORACLE, ['java', TOOLS, this.directory, folder], {
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.stdin.end(`${lines}\n`)
      await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
      const statuses = stdout.trim().split('\n').map(Number)
      if (statuses.length !== calls.length)
        throw new Error(`${statuses.length} of ${calls.length} runs: ${stderr}`)
      return statuses.map((status, i) => ({
        status,
        stdout: readFileSync(join(folder, `${i}.out`), 'utf8'),
        stderr: readFileSync(join(folder, `${i}.err`), 'utf8'),
      }))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}
