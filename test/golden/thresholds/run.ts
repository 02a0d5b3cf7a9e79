import { queryBody } from '../../../src/protocol/client-request.ts'
import { type Decoded, decodeResponse } from '../../../src/protocol/client-response.ts'
import { Opcode } from '../../../src/protocol/opcode.ts'
import { connector } from '../../protocol/connector.ts'
import { TestClient } from '../../protocol/test-client.ts'
import { CASES, SETUP } from './cases.ts'

/** A statement with its pages: of each the number of rows and the warnings, or the error. */
export interface Answer {
  readonly statement: string
  readonly pageSize: number
  readonly pages: readonly unknown[]
}

/** Runs all cases in a keyspace that is made for them, and dropped again. */
export async function runCases(host: string, port: number): Promise<Answer[]> {
  const client = await TestClient.connect(port, { version: 5, socket: await connector(host, port)() })
  const query = async (text: string, pageSize = 0, pagingState?: Buffer): Promise<Decoded> => {
    const body = queryBody(5, text, {
      consistency: 1,
      ...(pageSize === 0 ? {} : { pageSize }),
      ...(pagingState === undefined ? {} : { pagingState }),
    })
    const frame = await client.request(Opcode.QUERY, body)
    return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
  }
  await query('DROP KEYSPACE IF EXISTS thresholds')
  await query(
    "CREATE KEYSPACE thresholds WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  )
  await query('USE thresholds')
  for (const statement of SETUP) {
    const { code, message } = await query(statement)
    if (code !== undefined) throw new Error(`${statement}: ${String(message)}`)
  }
  const answers: Answer[] = []
  for (const [statement, pageSize] of CASES) {
    const pages: unknown[] = []
    let state: Buffer | undefined
    do {
      const page = await query(statement, pageSize, state)
      const { paging_state: next } = (page['metadata'] ?? {}) as Decoded
      state = typeof next === 'string' ? Buffer.from(next, 'hex') : undefined
      pages.push(outcome(page))
    } while (state !== undefined && pages.length < 20)
    answers.push({ statement, pageSize, pages })
  }
  await query('DROP KEYSPACE thresholds')
  client.close()
  return JSON.parse(JSON.stringify(answers).replaceAll(host, 'NODE')) as Answer[]
}

/** Cassandra keeps what commands warn of by their hashes, so that it comes in any order. */
function outcome({ kind: _kind, metadata: _metadata, rows, warnings, ...rest }: Decoded): unknown {
  const said = warnings === undefined ? {} : { warnings: (warnings as string[]).toSorted() }
  return rows === undefined ? { ...rest, ...said } : { rows: (rows as unknown[]).length, ...said }
}
