import { expect, test } from 'vitest'
import { CqlError, ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { SimRing } from './sim-ring.ts'

/**
 * What was acknowledged at QUORUM, or shown by a read at QUORUM, all reads at QUORUM that begin afterwards show, while links
 * are cut and connections break, whether anybody knows of it or not.
 */

const SEEDS = Number(process.env['SEEDS'] ?? 20)
const FIRST = Number(process.env['SEED'] ?? 1)
const ID = '11111111-1111-4111-8111-111111111111'
const COUNTER_ID = '22222222-2222-4222-8222-222222222222'
const KEYS = 3
/** How long each run is disturbed, in simulated milliseconds. */
const RUN_MS = 20_000

/** Short ones, so that much happens. */
const TIMEOUTS = {
  write_request_timeout_ms: 300,
  read_request_timeout_ms: 500,
  counter_write_request_timeout_ms: 500,
}

interface Counts {
  writes: number
  reads: number
  failed: number
}

class Run {
  readonly ring: SimRing
  readonly counts: Counts
  readonly #random: SimRandom
  #isOver = false
  #lastTimestamp = 0
  /** By keys: the greatest timestamp that is known to be at a quorum, and the greatest that was ever sent. */
  readonly #settled = new Array<number>(KEYS).fill(0)
  readonly #sent = new Array<number>(KEYS).fill(0)
  /** What was added to the counter: for sure, and at most. */
  added = 0
  maybeAdded = 0

  constructor(ring: SimRing, random: SimRandom, counts: Counts) {
    this.ring = ring
    this.#random = random
    this.counts = counts
  }

  end(): void {
    this.#isOver = true
  }

  #execute(cql: string, consistency: Level): Promise<unknown> {
    const { client } = this.#random.pick(this.ring.nodes)
    return (async () => client.query(cql, { consistency }))()
  }

  async client(): Promise<void> {
    while (!this.#isOver) {
      const key = this.#random.below(KEYS)
      const kind = this.#random.below(10)
      if (kind < 5) await this.#write(key)
      else if (kind < 9) await this.read(key)
      else await this.#add()
      await new Promise<void>((resolve) => this.ring.sim.timers.setTimeout(resolve, this.#random.below(60)))
    }
  }

  async #write(key: number): Promise<void> {
    const timestamp = ++this.#lastTimestamp
    this.#sent[key] = timestamp
    this.counts.writes++
    const cql = `UPDATE ks.t USING TIMESTAMP ${timestamp} SET v = ${timestamp} WHERE p = ${key}`
    if (await this.#succeeds(cql)) this.#settle(key, timestamp)
  }

  async #add(): Promise<void> {
    this.maybeAdded++
    if (await this.#succeeds('UPDATE ks.n SET n = n + 1 WHERE p = 1')) this.added++
  }

  async #succeeds(cql: string): Promise<boolean> {
    try {
      await this.#execute(cql, Level.QUORUM)
      return true
    } catch (error) {
      if (!(error instanceof CqlError)) throw error
      this.counts.failed++
      return false
    }
  }

  async read(key: number): Promise<void> {
    const least = this.#settled[key]!
    this.counts.reads++
    let result: { readonly content: Uint8Array; readonly rowCount: number }
    try {
      result = (await this.#execute(`SELECT v FROM ks.t WHERE p = ${key}`, Level.QUORUM)) as typeof result
    } catch (error) {
      if (!(error instanceof CqlError)) throw error
      this.counts.failed++
      return
    }
    const value = result.rowCount === 0 ? 0 : new DataView(result.content.slice().buffer).getInt32(4)
    if (value < least)
      throw new Error(`key ${key} shows ${value}, but ${least} was acknowledged or shown before`)
    if (value > this.#sent[key]!) throw new Error(`key ${key} shows ${value}, which nobody wrote`)
    this.#settle(key, value)
  }

  #settle(key: number, timestamp: number): void {
    this.#settled[key] = Math.max(this.#settled[key]!, timestamp)
  }

  /** Cuts, heals and breaks, and tells some of it to those who are concerned. */
  async disturb(): Promise<void> {
    const { sim, nodes } = this.ring
    const random = this.#random
    while (!this.#isOver) {
      await new Promise<void>((resolve) => sim.timers.setTimeout(resolve, 100 + random.below(1500)))
      const [a, b] = [random.below(nodes.length), random.below(nodes.length)]
      const [from, to] = [sim.host(a + 1), sim.host(b + 1)]
      switch (random.below(6)) {
        case 0:
          if (a !== b) sim.network.cut(from, to)
          break
        case 1:
          this.ring.cut(a)
          break
        case 2:
          sim.network.breakBetween(from, to)
          break
        case 3:
          this.ring.markDown(a, random.chance(0.5))
          break
        default:
          sim.network.healAll()
          for (let n = 0; n < nodes.length; n++) this.ring.markDown(n, false)
      }
    }
    sim.network.healAll()
    for (let n = 0; n < nodes.length; n++) this.ring.markDown(n, false)
  }
}

test(`reads at QUORUM show what was acknowledged and what was shown, in ${SEEDS} seeds`, async () => {
  const counts = { writes: 0, reads: 0, failed: 0 }
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const random = new SimRandom(seed)
    const nodes = 3 + random.below(3)
    const places = Array.from({ length: nodes }, (_, n) => ({ tokens: [BigInt(n - 2) << 61n] }))
    const ring = await SimRing.start({ seed, places, timeouts: TIMEOUTS })
    const retry = random.pick(['99p', '50ms', 'ALWAYS', 'NEVER'])
    await ring.schema(
      "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
      `CREATE TABLE ks.t (p int PRIMARY KEY, v int) WITH id = ${ID} AND speculative_retry = '${retry}'`,
      `CREATE TABLE ks.n (p int PRIMARY KEY, n counter) WITH id = ${COUNTER_ID}`,
    )
    const run = new Run(ring, random, counts)
    const clients = Array.from({ length: 4 }, () => run.client())
    const all = Promise.all([...clients, run.disturb()])
    all.catch(() => undefined)
    await ring.sim.run(RUN_MS)
    run.end()
    await ring.sim.timers.run(all).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
    })
    await ring.sim.run(15_000)
    // When all is well again, a read at ALL makes them alike.
    for (let key = 0; key < KEYS; key++) {
      await ring.sim.timers.run(run.read(key))
      const select = `SELECT v FROM ks.t WHERE p = ${key}`
      const rows = await ring.rows(0, select, Level.ALL)
      const own = await Promise.all(ring.nodes.map((_, n) => ring.ownRows(n, select)))
      const having = own.filter((found) => found.length > 0)
      expect(having, `seed ${seed}`).toEqual(having.map(() => rows))
      if (rows.length > 0) expect(having.length).toBe(3)
    }
    const counted = await ring.rows(0, 'SELECT n FROM ks.n WHERE p = 1', Level.ALL)
    const value = counted.length === 0 ? 0 : Number(counted[0]![0])
    expect(value, `seed ${seed}`).toBeGreaterThanOrEqual(run.added)
    expect(value, `seed ${seed}`).toBeLessThanOrEqual(run.maybeAdded)
  }
  expect(counts.failed).toBeGreaterThan(SEEDS * 5)
  expect(counts.writes - counts.failed).toBeGreaterThan(SEEDS * 20)
  expect(counts.reads).toBeGreaterThan(SEEDS * 50)
}, 1_200_000)
