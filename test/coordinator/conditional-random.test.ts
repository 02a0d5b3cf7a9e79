import { expect, test } from 'vitest'
import { type ConsistencyLevel, ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { valuesOf } from '../golden/describe/client.ts'
import { type Call, findViolation } from '../sim/ring/linearizability.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { startKeptRing } from './kept-ring.ts'
import type { SimRing } from './sim-ring.ts'

/**
 * Conditional statements and reads at SERIAL, executed as clients send them, by nodes that talk over connections which are
 * slow, break and are cut: what each register shows can have happened in some order.
 */

/** Seeds of each run; `SEEDS=1000 npx vitest run test/coordinator/conditional-random.test.ts` for more. */
const SEEDS = Number(process.env.SEEDS ?? 8)
const FIRST = Number(process.env.FIRST_SEED ?? 1)

const ID = '11111111-1111-4111-8111-111111111111'
const PLACES = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]
const SCHEMA = [
  "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
  `CREATE TABLE ks.r (p int PRIMARY KEY, v int) WITH id = ${ID}`,
]
const REGISTERS = 2
/** Longer than any request takes. */
const REQUEST_MS = 10_000

class Workload {
  readonly ring: SimRing
  readonly random: SimRandom
  readonly history = new Map<number, Call<number>[]>()
  readonly done = { applied: 0, refused: 0, read: 0, unknown: 0 }
  isOver = false
  #next = 1

  constructor(ring: SimRing, random: SimRandom) {
    this.ring = ring
    this.random = random
    for (let register = 0; register < REGISTERS; register++) this.history.set(register, [])
  }

  /** The rows of a statement; null where it failed. */
  async #rows(cql: string, level: ConsistencyLevel): Promise<unknown[][] | null> {
    const { client } = this.random.pick(this.ring.nodes)
    let timer: object | null = null
    const { timers } = this.ring.sim
    const late = new Promise<null>((resolve) => {
      timer = timers.setTimeout(() => resolve(null), REQUEST_MS)
    })
    const execute = async (): Promise<unknown[][]> => {
      const result = await client.query(cql, { consistency: level })
      return result.kind === 'rows' ? valuesOf(result) : []
    }
    const first = await Promise.race([execute().catch(() => null), late])
    timers.clearTimeout(timer!)
    return first
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.ring.sim.timers.setTimeout(resolve, ms))
  }

  async client(operations: number): Promise<void> {
    for (let i = 0; i < operations; i++) {
      const register = this.random.below(REGISTERS)
      if (this.random.chance(0.4)) await this.#read(register)
      else await this.#write(register)
      await this.#pause(this.random.below(40))
    }
  }

  async #read(register: number): Promise<void> {
    const calledAt = this.ring.sim.clock.monotonicMs()
    const level = this.random.pick([Level.SERIAL, Level.LOCAL_SERIAL])
    const rows = await this.#rows(`SELECT v FROM ks.r WHERE p = ${register}`, level)
    if (rows === null) return
    const value = (rows[0]?.[0] as number | undefined) ?? 0
    const returnedAt = this.ring.sim.clock.monotonicMs()
    const apply = (state: number) => (state === value ? state : null)
    this.history.get(register)!.push({ calledAt, returnedAt, text: `read ${value}`, apply })
    this.done.read++
  }

  async #write(register: number): Promise<void> {
    const wanted = this.#next++
    const seen = await this.#rows(`SELECT v FROM ks.r WHERE p = ${register}`, Level.ONE)
    const expected = (seen?.[0]?.[0] as number | undefined) ?? 0
    const cql =
      expected === 0
        ? `INSERT INTO ks.r (p, v) VALUES (${register}, ${wanted}) IF NOT EXISTS`
        : `UPDATE ks.r SET v = ${wanted} WHERE p = ${register} IF v = ${expected}`
    const calledAt = this.ring.sim.clock.monotonicMs()
    const calls = this.history.get(register)!
    const name = `${expected}>${wanted}`
    const changes = (state: number) => (state === expected ? wanted : null)
    const at = calls.push({ calledAt, returnedAt: Infinity, text: `${name}?`, apply: changes }) - 1
    const rows = await this.#rows(cql, this.random.pick([Level.ONE, Level.QUORUM, Level.ANY]))
    if (rows === null) {
      this.done.unknown++
      return
    }
    const returnedAt = this.ring.sim.clock.monotonicMs()
    const row = rows[0]!
    if (row[0] === true) {
      this.done.applied++
      calls[at] = { calledAt, returnedAt, text: name, apply: changes }
    } else {
      this.done.refused++
      const found = (row.at(-1) as number | false) || 0
      const apply = (state: number) => (state === found ? state : null)
      calls[at] = { calledAt, returnedAt, text: `${name} refused by ${found}`, apply }
    }
  }

  /** Breaks, cuts and heals connections until the clients are done. */
  async trouble(): Promise<void> {
    const { network } = this.ring.sim
    const hosts = [1, 2, 3].map((n) => this.ring.sim.host(n))
    while (!this.isOver) {
      await this.#pause(100 + this.random.below(700))
      const [a, b] = [this.random.pick(hosts), this.random.pick(hosts)]
      const dice = this.random.below(4)
      if (dice === 0) network.healAll()
      else if (a === b) continue
      else if (dice === 1) network.breakBetween(a, b)
      else if (dice === 2) network.cut(a, b)
      else network.cutBoth(a, b)
    }
    network.healAll()
  }
}

test(
  'what registers show is linearizable',
  async () => {
    const sum = { applied: 0, refused: 0, read: 0, unknown: 0 }
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { ring } = await startKeptRing({ places: PLACES, seed })
      await ring.schema(...SCHEMA)
      const workload = new Workload(ring, new SimRandom(seed * 131))
      const clients = Promise.all([1, 2, 3, 4].map(() => workload.client(12))).then(() => {
        workload.isOver = true
      })
      await ring.sim.timers.run(Promise.all([clients, workload.trouble()]))
      for (const [register, calls] of workload.history) {
        expect(findViolation(calls, 0), `seed ${seed}, register ${register}`).toBeNull()
      }
      for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += workload.done[kind]
    }
    expect(sum.applied + sum.read).toBeGreaterThan(SEEDS * 15)
    if (process.env.SEEDS !== undefined) console.log(sum)
  },
  Math.max(120_000, SEEDS * 4_000),
)
