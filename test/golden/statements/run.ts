import {
  executeBody,
  prepareBody,
  queryBody,
  type QueryParameters,
} from '../../../src/protocol/client-request.ts'
import { type Decoded, type DecodedValue, decodeResponse } from '../../../src/protocol/client-response.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import { connector } from '../../protocol/connector.ts'
import { TestClient } from '../../protocol/test-client.ts'
import { type StatementOptions, type Step, valueBytes } from './case-file.ts'

/**
 * Runs case files at a server, Cassandra or Sibyl, and gives the answers in one form that can be compared.
 */

const TIMEOUT_MS = 15_000
const MOST_PAGES = 30
const VERSION = 5

/** What was answered: the parts of the response that both servers have to give alike. */
export type Answer = Decoded

export interface RecordedStep {
  readonly cql: string
  readonly options?: StatementOptions
  readonly answer: Answer
}

/** Connects to a server; a connection is made anew when an answer failed to come. */
class Session {
  readonly #host: string
  readonly #port: number
  readonly #keyspace: string
  readonly #clients = new Map<number, TestClient>()

  constructor(host: string, port: number, keyspace: string) {
    this.#host = host
    this.#port = port
    this.#keyspace = keyspace
  }

  async #client(version: number): Promise<TestClient> {
    const known = this.#clients.get(version)
    if (known !== undefined && !known.isClosed) return known
    const socket = await connector(this.#host, this.#port)()
    const client = await TestClient.connect(this.#port, { version, socket })
    if (this.#keyspace !== '') await client.request(Opcode.QUERY, queryBody(version, `USE ${this.#keyspace}`))
    this.#clients.set(version, client)
    return client
  }

  /** Sends a request and decodes its answer, or says why there is none. */
  async ask(version: number, opcode: number, body: Uint8Array): Promise<Decoded> {
    const client = await this.#client(version)
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), TIMEOUT_MS)
      void client.closed().then(() => resolve(null))
    })
    const frame = await Promise.race([client.request(opcode, body), silence])
    clearTimeout(timer)
    if (frame === null) {
      const why = client.isClosed ? 'the connection was closed' : 'no answer came'
      client.close()
      return { silence: why }
    }
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }
}

function parameters({
  values,
  names,
  page,
  consistency,
  serial,
  keyspace,
  timestamp,
  now,
  skipMetadata,
}: StatementOptions): QueryParameters {
  return {
    ...(values === undefined ? {} : { values: values.map(valueBytes) }),
    ...(names === undefined ? {} : { names }),
    ...(page === undefined ? {} : { pageSize: page }),
    ...(consistency === undefined ? {} : { consistency }),
    ...(serial === undefined ? {} : { serialConsistency: serial }),
    ...(keyspace === undefined ? {} : { keyspace }),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
    ...(now === undefined ? {} : { nowInSeconds: now }),
    ...(skipMetadata === undefined ? {} : { skipMetadata }),
  }
}

/** Metadata in fewer words: the columns as 'name type', behind the table where they have one in common. */
function compactMetadata(metadata: Decoded): Decoded {
  const { columns, global_table_spec: spec, paging_state: state, ...rest } = metadata
  const compact: Decoded = { ...rest }
  if (state !== undefined) compact['has_more_pages'] = 1
  if (spec !== undefined) compact['table'] = (spec as string[]).join('.')
  if (columns === undefined) return compact
  compact['columns'] = (columns as Decoded[]).map(({ table_spec, name, type }) => {
    const table = table_spec === undefined ? '' : `${(table_spec as string[]).join('.')} `
    return `${table}${name as string} ${type as string}`
  })
  return compact
}

function withoutValues(rows: DecodedValue): DecodedValue {
  return (rows as (string | null)[][]).map((row) =>
    row.map((cell) => (cell === null ? null : `(${cell.length / 2})`)),
  )
}

function compact(decoded: Decoded, { volatile }: StatementOptions): Answer {
  const answer: Answer = { ...decoded }
  if (answer['metadata'] !== undefined) answer['metadata'] = compactMetadata(answer['metadata'] as Decoded)
  if (answer['result_metadata'] !== undefined) {
    answer['result_metadata'] = compactMetadata(answer['result_metadata'] as Decoded)
  }
  if (volatile === true && answer['rows'] !== undefined) answer['rows'] = withoutValues(answer['rows'])
  return answer
}

/** One statement: its answer, with the answer of PREPARE and further pages under names of their own. */
async function runStep(session: Session, { cql, options }: Step): Promise<Answer> {
  const version = options.version ?? VERSION
  const isPrepared = options.simple !== true && (options.values !== undefined || options.prepare === true)
  let prepared: Decoded | null = null
  if (isPrepared) {
    prepared = await session.ask(version, Opcode.PREPARE, prepareBody(version, cql, options.keyspace))
    if (prepared['kind'] !== 'prepared') return compact(prepared, options)
  }
  const execute = (pagingState?: Uint8Array) => {
    const given = { ...parameters(options), ...(pagingState === undefined ? {} : { pagingState }) }
    if (prepared === null) return session.ask(version, Opcode.QUERY, queryBody(version, cql, given))
    const id = Buffer.from(prepared['id'] as string, 'hex')
    const resultId = Buffer.from((prepared['result_metadata_id'] as string | undefined) ?? '', 'hex')
    return session.ask(version, Opcode.EXECUTE, executeBody(version, id, resultId, given))
  }
  const first = await execute()
  const answer = compact(first, options)
  const pages: Answer[] = []
  let state = pagingState(first)
  while (options.page !== undefined && state !== undefined && pages.length < MOST_PAGES) {
    const next = await execute(Buffer.from(state, 'hex'))
    pages.push(compact(next, options))
    state = pagingState(next)
  }
  return {
    ...(prepared === null ? {} : { prepared: compact(prepared, options) }),
    ...answer,
    ...(pages.length === 0 ? {} : { pages }),
  }
}

function pagingState({ metadata }: Decoded): string | undefined {
  return (metadata as Decoded | undefined)?.['paging_state'] as string | undefined
}

/** The keyspaces that the statements create, besides the one they are in: all of them are called gold_*. */
function keyspacesOf(steps: readonly Step[]): string[] {
  const names = steps.map(
    ({ cql }) => /^CREATE (?:KEYSPACE|SCHEMA) (?:IF NOT EXISTS )?("[^"]+"|\w+)/.exec(cql)?.[1],
  )
  return [...new Set(names)].filter((name) => name !== undefined && /^"?gold_/i.test(name)) as string[]
}

async function dropKeyspaces(session: Session, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await session.ask(VERSION, Opcode.QUERY, queryBody(VERSION, `DROP KEYSPACE IF EXISTS ${name}`))
  }
}

/**
 * Runs a case file in a keyspace of its own, which it drops at the end with those that the statements create.
 */
export async function runCases(
  name: string,
  steps: readonly Step[],
  host: string,
  port: number,
): Promise<Answer[]> {
  const keyspace = `gold_${name.replaceAll('-', '_')}`
  const keyspaces = [keyspace, ...keyspacesOf(steps)]
  const admin = new Session(host, port, '')
  const session = new Session(host, port, keyspace)
  try {
    await dropKeyspaces(admin, keyspaces)
    await admin.ask(
      VERSION,
      Opcode.QUERY,
      queryBody(
        VERSION,
        `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      ),
    )
    const answers: Answer[] = []
    for (const step of steps) answers.push(await runStep(session, step))
    return answers
  } finally {
    await dropKeyspaces(admin, keyspaces)
    admin.close()
    session.close()
  }
}
