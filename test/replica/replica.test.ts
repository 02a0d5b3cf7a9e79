import { expect, test } from 'vitest'
import { ResponseMerge } from '../../src/cluster/coordinator/response-merge.ts'
import type { Endpoint } from '../../src/cluster/endpoint.ts'
import { type InternodeMessaging, RequestFailureReason, Verb } from '../../src/cluster/messaging/index.ts'
import { LocalCommits } from '../../src/cluster/replica/local-commits.ts'
import { MutationEncoder } from '../../src/cluster/replica/mutation-message.ts'
import { encodeRead, type ReadRequest } from '../../src/cluster/replica/read-message.ts'
import { digestOf, readResponse } from '../../src/cluster/replica/read-response.ts'
import { NO_READ_THRESHOLDS } from '../../src/cluster/replica/read-thresholds.ts'
import { Replica } from '../../src/cluster/replica/replica.ts'
import { ResponseHeaders } from '../../src/cluster/replica/response-header.ts'
import { ALL_ROWS } from '../../src/model/clustering.ts'
import { updatesAt } from '../../src/model/mutation.ts'
import { FULL_RING, type ReadCommand } from '../../src/model/read-command.ts'
import { RandomWrites, randomTable } from '../merge/random-writes.ts'
import { SimServices } from '../messaging/sim-services.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { ALL, answerOf, engineWith, Shown, show, shownBy } from './replicas.ts'

/** One node writes to two others and reads from them, over a simulated network. */

/** The answer, or the reason of its failure. */
function ask(
  from: InternodeMessaging,
  to: Endpoint,
  verb: Verb,
  payload: Uint8Array,
): Promise<Uint8Array | number> {
  return new Promise((resolve) => {
    from.request(to, verb, payload, {
      onResponse: (answer) => resolve(new Uint8Array(answer)),
      onFailure: (reason) => resolve(reason),
    })
  })
}

test('replicas apply what they are sent and answer what they have', async () => {
  const sim = new SimServices(5)
  const random = new SimRandom(12)
  const table = randomTable(random)
  const coordinator = await sim.start(1)
  const replicas = await Promise.all(
    [2, 3].map(async (n) => {
      const messaging = await sim.start(n)
      const engine = engineWith(table)
      const tableById = (id: string) => (id === table.id ? table : null)
      const log = (text: string) => void sim.log.push(text)
      const logger = { warn: log, error: log }
      const { clock, timers } = sim
      const commits = new LocalCommits(engine, timers)
      const thresholds = NO_READ_THRESHOLDS
      new Replica({ messaging, engine, tableById, clock, timers, logger, commits, thresholds }).listen()
      return { messaging, engine, to: messaging.self }
    }),
  )
  const whole = engineWith(table)
  const writes = new RandomWrites(random, table)
  const encoder = new MutationEncoder()
  const acknowledged: Promise<Uint8Array | number>[] = []
  for (let i = 0; i < 60; i++) {
    const mutation = writes.next()
    mutation.finish()
    const payload = encoder.encode(mutation, updatesAt(mutation), () => table)
    for (const { to } of replicas) {
      if (i % 7 !== 0 || to === replicas[0]!.to)
        acknowledged.push(ask(coordinator, to, Verb.MUTATION_REQ, payload))
    }
    whole.apply(mutation)
  }
  await sim.run(2000)
  for (const answer of await Promise.all(acknowledged)) expect(answer).toEqual(new Uint8Array(0))

  const command: ReadCommand = { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false }
  const request: ReadRequest = { command, limits: ALL, nowSeconds: 900, isDigest: false }
  const data = replicas.map(({ to }) => ask(coordinator, to, Verb.RANGE_REQ, encodeRead(request)))
  const digests = replicas.map(({ to }) =>
    ask(coordinator, to, Verb.RANGE_REQ, encodeRead({ ...request, isDigest: true })),
  )
  await sim.run(2000)
  const answers = (await Promise.all(data)) as Uint8Array[]
  expect(answers).toEqual(replicas.map(({ engine }) => answerOf(engine, command, ALL, 900)))
  expect((await Promise.all(digests)) as Uint8Array[]).toEqual(answers.map((answer) => digestOf(answer)))
  const headers = new ResponseHeaders()
  const merged = new ResponseMerge(
    command,
    answers.map((answer) => readResponse(answer, table, headers)),
  )
  const shown = new Shown(table, 900)
  show(merged, command, shown)
  expect(shown.lines.length).toBeGreaterThan(0)
  expect(shown.lines).toEqual(shownBy(whole, command, 900))

  const unknown = encodeRead({
    ...request,
    command: { ...command, table: { ...table, id: table.id.replace(/1$/, '2') } },
  })
  const refused = [
    ask(coordinator, replicas[0]!.to, Verb.READ_REQ, unknown),
    ask(coordinator, replicas[0]!.to, Verb.READ_REQ, new Uint8Array(3)),
    ask(coordinator, replicas[0]!.to, Verb.MUTATION_REQ, new Uint8Array(4)),
  ]
  await sim.run(2000)
  expect(await Promise.all(refused)).toEqual([
    RequestFailureReason.INCOMPATIBLE_SCHEMA,
    RequestFailureReason.UNKNOWN,
    RequestFailureReason.UNKNOWN,
  ])
})
