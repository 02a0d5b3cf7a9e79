import { once } from 'node:events'
import { connect as openSocket } from 'node:net'
import {
  type BoundValue,
  batchBody,
  executeBody,
  prepareBody,
  type QueryParameters,
  queryBody,
} from '../../src/protocol/client-request.ts'
import { type Decoded, decodeResponse } from '../../src/protocol/client-response.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { TestClient } from '../../test/protocol/test-client.ts'
import type { BatchOperation, HexValue, Operation, QueryOperation, Statement } from './operation.ts'

const VERSION = 5
const UNPREPARED = '0x2500'
/** Pages of one query; a query without an end is a finding too. */
const MAX_PAGES = 300

/** What a server says to one request, without what no two servers have in common. */
export type Answer = Decoded

interface Prepared {
  readonly id: Buffer
  readonly resultMetadataId: Buffer
}

async function connect(host: string, port: number): Promise<TestClient> {
  const socket = openSocket({ host, port, noDelay: true })
  await once(socket, 'connect')
  return TestClient.connect(port, { version: VERSION, socket })
}

function lossOf(client: TestClient): Promise<never> {
  const loss = client.closed().then((): never => {
    throw new Error('the server closed the connection')
  })
  loss.catch(() => {})
  return loss
}

const bound = (value: HexValue): BoundValue =>
  value === null || value === 'unset' ? value : Buffer.from(value, 'hex')

/** A connection to one server, on which operations are run. */
export class Server {
  #client: TestClient
  #lost: Promise<never>
  readonly #prepared = new Map<string, Promise<Answer>>()
  /** Answers to PREPARE that are among the answers of an operation. */
  readonly #reported = new WeakSet<Answer>()

  private constructor(client: TestClient) {
    this.#client = client
    this.#lost = lossOf(client)
  }

  static async connect(host: string, port: number): Promise<Server> {
    return new Server(await connect(host, port))
  }

  /** After a restart, at another address perhaps. The ids of prepared statements are used on. */
  async reconnect(host: string, port: number): Promise<void> {
    this.#client.close()
    this.#client = await connect(host, port)
    this.#lost = lossOf(this.#client)
  }

  close(): void {
    this.#client.close()
  }

  /** Prepared statements are prepared again when they are next used. */
  forget(): void {
    this.#prepared.clear()
  }

  async query(text: string): Promise<Answer> {
    return this.#ask(Opcode.QUERY, queryBody(VERSION, text))
  }

  /**
   * The answers to one operation: of a query one for each page, and those of a PREPARE where it took one. `between`
   * runs what is to happen after the first page, and gives its answers.
   */
  async run(
    operation: Exclude<Operation, { kind: 'restart' }>,
    between: (operations: readonly Operation[]) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const answers: Answer[] = []
    if (operation.kind === 'batch') await this.#batch(operation, answers)
    else await this.#pages(operation, answers, between)
    return answers
  }

  async #ask(opcode: number, body: Buffer): Promise<Answer> {
    const frame = await Promise.race([this.#client.request(opcode, body), this.#lost])
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }

  async #pages(
    operation: QueryOperation,
    answers: Answer[],
    between: (operations: readonly Operation[]) => Promise<Answer[]>,
  ): Promise<void> {
    let pagingState: Buffer | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const parameters: QueryParameters = {
        values: operation.values?.map(bound),
        pageSize: operation.pageSize,
        pagingState,
        timestamp: operation.timestamp === undefined ? undefined : BigInt(operation.timestamp),
        nowInSeconds: operation.now,
        // SERIAL: what a conditional write has begun is finished first.
        consistency: operation.serial === true ? 8 : 1,
      }
      const answer =
        operation.prepared === true
          ? await this.#execute(operation.text, parameters, answers)
          : await this.#ask(Opcode.QUERY, queryBody(VERSION, operation.text, parameters))
      pagingState = takePagingState(answer)
      answers.push(answer)
      if (page === 0 && operation.between !== undefined) answers.push(...(await between(operation.between)))
      if (pagingState === undefined) return
    }
  }

  /** The answer to a PREPARE is one of the answers when it was sent. */
  async #prepare(text: string, answers: Answer[]): Promise<Prepared | null> {
    let pending = this.#prepared.get(text)
    if (pending === undefined) {
      pending = this.#ask(Opcode.PREPARE, prepareBody(VERSION, text))
      this.#prepared.set(text, pending)
    }
    const answer = await pending
    if (!this.#reported.has(answer)) {
      this.#reported.add(answer)
      answers.push(answer)
    }
    if (answer['kind'] !== 'prepared') {
      this.#prepared.delete(text)
      return null
    }
    return {
      id: Buffer.from(answer['id'] as string, 'hex'),
      resultMetadataId: Buffer.from(answer['result_metadata_id'] as string, 'hex'),
    }
  }

  async #execute(text: string, parameters: QueryParameters, answers: Answer[]): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const prepared = await this.#prepare(text, answers)
      if (prepared === null) return answers.pop()!
      const body = executeBody(VERSION, prepared.id, prepared.resultMetadataId, parameters)
      const answer = await this.#ask(Opcode.EXECUTE, body)
      if (answer['code'] !== UNPREPARED || attempt > 0) return answer
      answers.push(answer)
      this.#prepared.delete(text)
    }
  }

  async #batch(operation: BatchOperation, answers: Answer[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const statements: { statement: string | Buffer; values: BoundValue[] }[] = []
      for (const statement of operation.statements) {
        const found = await this.#batchStatement(statement, answers)
        if (found === null) return
        statements.push({ statement: found, values: (statement.values ?? []).map(bound) })
      }
      const body = batchBody(VERSION, operation.type, statements, {
        timestamp: operation.timestamp === undefined ? undefined : BigInt(operation.timestamp),
        nowInSeconds: operation.now,
      })
      const answer = await this.#ask(Opcode.BATCH, body)
      answers.push(answer)
      if (answer['code'] !== UNPREPARED || attempt > operation.statements.length) return
      for (const statement of operation.statements) this.#prepared.delete(statement.text)
    }
  }

  async #batchStatement(
    statement: Statement & { readonly prepared?: boolean },
    answers: Answer[],
  ): Promise<string | Buffer | null> {
    if (statement.prepared !== true) return statement.text
    return (await this.#prepare(statement.text, answers))?.id ?? null
  }
}

/** Paging states are a server's own; that there is one, and so another page, is what is compared. */
function takePagingState(answer: Answer): Buffer | undefined {
  const metadata = answer['metadata'] as Decoded | undefined
  if (answer['kind'] !== 'rows' || metadata?.['paging_state'] === undefined) return undefined
  const state = Buffer.from(metadata['paging_state'] as string, 'hex')
  metadata['paging_state'] = 'more'
  return state
}
