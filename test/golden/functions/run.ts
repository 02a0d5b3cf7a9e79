import { connector } from '../../protocol/connector.ts'
import { TestClient } from '../../protocol/test-client.ts'
import { executeBody, prepareBody, queryBody } from '../../../src/protocol/client-request.ts'
import { type Decoded, decodeResponse } from '../../../src/protocol/client-response.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import { type Group, KEYSPACE } from './cases.ts'

/** Runs groups at a server, Cassandra or Sibyl, and gives the answers in a short form that can be compared. */

const VERSION = 4

/** The columns with their types, or what was wrong with the statement; and an answer an execution. */
export interface Answer {
  readonly cql: string
  readonly columns?: readonly string[]
  readonly markers?: readonly string[]
  readonly refused?: string
  readonly results?: readonly string[]
}

/** The functions of JSON have the name that was used first with a type since the server started. */
function withOneName(text: string): string {
  return text.replace(/system\.(to|from)json/g, 'system.$1_json')
}

/** An error in one line. Functions that a message lists come in the order of a hash, and are sorted. */
function errorText({ code, message, keyspace, function: name, arg_types: types }: Decoded): string {
  const sorted = String(message).replace(/(signatures: )(.*?)(\))(?=$|: use)/, (_, before: string, list: string, after: string) =>
    `${before}${list.split(/, (?=system\.)/).sort().join(', ')}${after}`,
  )
  const called = name === undefined ? '' : ` [${keyspace as string}.${name as string}(${(types as string[]).join(', ')})]`
  return withOneName(`${code as string} ${sorted}${called}`)
}

/** A value in hex; what is not a number has several forms of bytes, of which Java takes those of the processor. */
function cellText(cell: string | null, column: string): string {
  if (cell === null) return 'null'
  const bytes = Buffer.from(cell, 'hex')
  if (column.endsWith(' float') && bytes.length === 4 && Number.isNaN(bytes.readFloatBE())) return 'NaN'
  if (column.endsWith(' double') && bytes.length === 8 && Number.isNaN(bytes.readDoubleBE())) return 'NaN'
  return cell
}

function rowsText(answer: Decoded, columns: readonly string[]): string {
  if (answer['kind'] === undefined) return errorText(answer)
  if (answer['kind'] !== 'rows') return String(answer['kind'])
  return (answer['rows'] as (string | null)[][])
    .map((row) => row.map((cell, i) => cellText(cell, columns[i] ?? '')).join(','))
    .join(';')
}

function columnTexts(metadata: Decoded | undefined): string[] {
  return ((metadata?.['columns'] ?? []) as Decoded[]).map(({ name, type }) => withOneName(`${name as string} ${type as string}`))
}

/** A connection that runs groups one after another in the keyspace of these tests. */
export class Runner {
  readonly #client: TestClient
  readonly #atOnce: boolean

  private constructor(client: TestClient, atOnce: boolean) {
    this.#client = client
    this.#atOnce = atOnce
  }

  /**
   * Connects, and makes the keyspace anew. `atOnce` sends the executions of a statement without waiting, which Cassandra
   * doesn't stand: its hashes share what they compute with among its threads.
   */
  static async connect(host: string, port: number, { atOnce }: { readonly atOnce: boolean }): Promise<Runner> {
    const client =
      await TestClient.connect(port, { version: VERSION, socket: await connector(host, port)() })
    const runner = new Runner(client, atOnce)
    await runner.#query(`DROP KEYSPACE IF EXISTS ${KEYSPACE}`)
    await runner.#query(`CREATE KEYSPACE ${KEYSPACE} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
    await runner.#query(`USE ${KEYSPACE}`)
    return runner
  }

  async #ask(opcode: number, body: Uint8Array): Promise<Decoded> {
    const frame = await this.#client.request(opcode, body)
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }

  async #query(cql: string): Promise<Decoded> {
    const answer = await this.#ask(Opcode.QUERY, queryBody(VERSION, cql))
    if (answer['kind'] === undefined) throw new Error(`${cql}: ${String(answer['message'])}`)
    return answer
  }

  async run({ cql, executions }: Group): Promise<Answer> {
    const isSchema = /^(CREATE|DROP)/.test(cql)
    if (isSchema) {
      const answer = await this.#query(cql)
      return { cql, results: [String(answer['kind'])] }
    }
    const prepared = await this.#ask(Opcode.PREPARE, prepareBody(VERSION, cql))
    if (prepared['kind'] !== 'prepared') return { cql, refused: errorText(prepared) }
    const id = Buffer.from(prepared['id'] as string, 'hex')
    const columns = columnTexts(prepared['result_metadata'] as Decoded)
    const execute = async (values: Group['executions'][number]) => {
      const given = values.map((value) => (value === null ? null : Buffer.from(value)))
      const body = executeBody(VERSION, id, Buffer.alloc(0), { values: given })
      return rowsText(await this.#ask(Opcode.EXECUTE, body), columns)
    }
    const results: string[] = []
    if (this.#atOnce) results.push(...(await Promise.all(executions.map(execute))))
    else for (const values of executions) results.push(await execute(values))
    return { cql, columns, markers: columnTexts(prepared['metadata'] as Decoded), results }
  }

  async runAll(groups: readonly Group[]): Promise<Answer[]> {
    const answers: Answer[] = []
    for (const group of groups) answers.push(await this.run(group))
    return answers
  }

  /** Drops what was made. */
  async close(): Promise<void> {
    await this.#query(`DROP KEYSPACE IF EXISTS ${KEYSPACE}`)
    this.#client.close()
  }
}
