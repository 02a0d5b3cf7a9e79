import { expect, test } from 'vitest'
import { startNode } from '../../src/node/node.ts'
import { startupBody } from '../../src/protocol/client-request.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { SimClient } from './sim-client.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

/**
 * A whole node on a simulated clock, disk and network: it is asked over connections that cut every answer anywhere,
 * it loses its process or its power at any moment, and what it acknowledged is there when it starts again.
 *
 *   SEEDS=1000 npx vitest run test/sim/node-crash.test.ts      30 seeds without it; SEED=n for one
 */
const seeds =
  process.env['SEED'] === undefined
    ? Array.from({ length: Number(process.env['SEEDS'] ?? 30) }, (_, seed) => seed)
    : [Number(process.env['SEED'])]

class Machine {
  readonly clock = new SimClock()
  timers = new SimTimers(this.clock)
  readonly random: SimRandom
  readonly disk: SimDisk
  network!: SimNetwork
  port = 0

  constructor(seed: number) {
    this.random = new SimRandom(seed)
    this.disk = new SimDisk(new SimRandom(seed + 1))
  }

  async start(): Promise<void> {
    this.timers = new SimTimers(this.clock)
    this.network = new SimNetwork(this.timers, this.random)
    const disk = this.disk.attach(this.timers)
    disk.mkdirpSync('/data')
    const node = await this.timers.run(
      startNode(
        { dir: '/data', port: 9042, numTokens: 1, commitlogSync: 'batch' },
        {
          disk,
          network: this.network,
          clock: this.clock,
          timers: this.timers,
          random: this.random,
          exit: () => {},
        },
      ),
    )
    this.port = node.address.port
  }

  async connect(): Promise<SimClient> {
    const client = new SimClient(await this.network.connect('127.0.0.1', this.port))
    await this.timers.run(client.ask(Opcode.STARTUP, startupBody({ CQL_VERSION: '3.4.7' })))
    return client
  }

  crash(): void {
    this.network.cutAll()
    this.timers.clear()
    this.disk.crash(this.random.chance(0.5) ? 'power' : 'kill')
  }
}

/** The values that row `k` may have: the last acknowledged one, and those written since without an answer. */
type Allowed = Map<number, { readonly v: string | null }[]>

async function run(seed: number): Promise<void> {
  const machine = new Machine(seed)
  const { random } = machine
  await machine.start()
  let client = await machine.connect()
  const must = async (text: string): Promise<void> => {
    expect(await machine.timers.run(client.query(text)), `seed ${seed}: ${text}`).not.toMatchObject({
      code: expect.anything(),
    })
  }
  await must("CREATE KEYSPACE s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await must('CREATE TABLE s.t (k int PRIMARY KEY, v text)')
  const allowed: Allowed = new Map(Array.from({ length: 5 }, (_, k) => [k, [{ v: null }]]))
  let serial = 0
  for (let round = 0; round < 3; round++) {
    const pending: Promise<void>[] = []
    for (let n = 1 + random.below(20); n > 0; n--) {
      const k = random.below(5)
      const v = random.chance(0.2) ? null : `v${serial++}`
      const text =
        v === null ? `DELETE FROM s.t WHERE k = ${k}` : `INSERT INTO s.t (k, v) VALUES (${k}, '${v}')`
      const write = { v }
      allowed.get(k)!.push(write)
      pending.push(
        client.query(text).then((answer) => {
          if (answer === null) return
          expect(answer, `seed ${seed}: ${text}`).toMatchObject({ kind: 'void' })
          // Answers to one row come in the order of its writes: those before are history.
          const values = allowed.get(k)!
          values.splice(0, values.indexOf(write))
        }),
      )
      if (random.chance(0.5)) await machine.timers.advance(random.below(4))
    }
    if (random.chance(0.4)) await machine.timers.run(Promise.all(pending))
    machine.crash()
    await Promise.all(pending)
    await machine.start()
    client = await machine.connect()
    for (const [k, values] of allowed) {
      const answer = await machine.timers.run(client.query(`SELECT v FROM s.t WHERE k = ${k}`))
      const rows = (answer as { rows?: (string | null)[][] } | null)?.rows
      expect(rows, `seed ${seed}, row ${k}`).toBeDefined()
      const hex = rows![0]?.[0] ?? null
      const found = hex === null ? null : Buffer.from(hex, 'hex').toString()
      expect(
        values.map(({ v }) => v),
        `seed ${seed}, round ${round}, row ${k}`,
      ).toContain(found)
      allowed.set(k, [{ v: found }])
    }
  }
  machine.crash()
}

test(`a node loses nothing that it acknowledged, ${seeds.length} seeds`, async () => {
  for (const seed of seeds) await run(seed)
}, 300_000)
