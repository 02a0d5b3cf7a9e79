import { describe, expect, it } from 'vitest'
import { SimRandom } from '../sim-random.ts'
import { type StoreMachine, type StoreProcess, StoreWorld } from './store-world.ts'

/** Seeds of each run; `SEEDS=3000 npx vitest run test/sim/ring/hints.test.ts` for more. */
const SEEDS = Number(process.env.SEEDS ?? 60)
const FIRST = Number(process.env.FIRST_SEED ?? 1)

/** A hint that was written, and how safe it was. */
interface Written {
  readonly register: number
  readonly target: StoreMachine
  /** The process that has it. */
  readonly by: StoreProcess
  state: 'buffered' | 'flushed' | 'synced' | 'lost'
}

/** One node writes hints for two others, while all of them die and come back. */
class HintsRun {
  readonly world: StoreWorld
  readonly written: Written[] = []
  readonly #random: SimRandom
  #next = 1

  constructor(seed: number) {
    this.#random = new SimRandom(seed * 31)
    this.world = new StoreWorld(seed, 3, 3, 864_000, {
      flushPeriodMs: this.#random.pick([200, 1_000, 10_000]),
      maxFileBytes: this.#random.pick([300, 4_000, 1 << 20]),
      throttleBytes: this.#random.pick([0, 20_000, 1 << 20]),
    })
    Object.assign(this.world.bus.faults, {
      loss: this.#random.pick([0, 0.05, 0.2]),
      duplication: this.#random.pick([0, 0.1]),
      slowness: 0.05,
    })
  }

  get #writer(): StoreMachine {
    return this.world.machines[0]!
  }

  #write(): void {
    const { process } = this.#writer
    if (process === null) return
    const target = this.world.machines[1 + this.#random.below(2)]!
    const register = this.#next++
    if (!process.hints.shouldHint(target.node)) return
    process.hints.store([target.node], this.world.mutation(register))
    this.written.push({ register, target, by: process, state: 'buffered' })
  }

  /** What is flushed by now, or synced. */
  async #sync(isSynced: boolean): Promise<void> {
    const { process } = this.#writer
    if (process === null) return
    const before = this.written.filter(({ by, state }) => by === process && state !== 'lost')
    process.hints.flush()
    for (const hint of before) if (hint.state === 'buffered') hint.state = 'flushed'
    if (!isSynced) return
    const synced = process.hints.flushAndFsync(this.world.nodes.map(({ hostId }) => hostId))
    const done = await this.#within(synced, 500)
    if (done) for (const hint of before) hint.state = 'synced'
  }

  /** Whether a promise resolves in so much time; one of a process that dies never does. */
  #within(promise: Promise<unknown>, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.world.timers.setTimeout(() => resolve(false), ms)
      promise.then(
        () => resolve(true),
        () => resolve(false),
      )
    })
  }

  #crash(machine: StoreMachine): void {
    const kind = this.#random.pick(['kill', 'power'] as const)
    if (machine === this.#writer) {
      for (const hint of this.written) {
        if (hint.state === 'buffered' || (hint.state === 'flushed' && kind === 'power')) hint.state = 'lost'
      }
    }
    this.world.crash(machine, kind)
  }

  async run(): Promise<void> {
    const { world } = this
    const random = this.#random
    for (let step = 0; step < 150; step++) {
      const machine = random.pick(world.machines)
      const dice = random.below(100)
      if (dice < 60) this.#write()
      else if (dice < 66) await world.timers.run(this.#sync(false))
      else if (dice < 72) await world.timers.run(this.#sync(true))
      else if (dice < 78) this.#crash(machine)
      else if (dice < 86) world.start(machine)
      else await world.timers.advance(random.below(4_000))
    }
    world.heal()
    // Throttled as it may be, a few hundred hints are through in that time.
    for (let i = 0; i < 20; i++) await world.timers.advance(10_000)
  }
}

describe('hints', () => {
  it(
    'reach who they are for, whoever dies and whatever is lost on the way',
    async () => {
      let delivered = 0
      let lost = 0
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const run = new HintsRun(seed)
        await run.run()
        const { world, written } = run
        expect(world.errors, `seed ${seed}`).toEqual([])
        for (const { register, target, state } of written) {
          const value = target.process!.value(register)
          if (state === 'lost') {
            lost++
            continue
          }
          expect(value, `seed ${seed}, register ${register}, ${state}`).toBe(register)
          delivered++
        }
        const { hints } = world.machines[0]!.process!
        expect(hints.pendingHints(), `seed ${seed}`).toEqual([])
        expect(world.machines[0]!.disk.paths(), `seed ${seed}`).toEqual([])
      }
      expect(delivered).toBeGreaterThan(SEEDS * 20)
      expect(lost).toBeGreaterThan(0)
    },
    Math.max(120_000, SEEDS * 2_000),
  )

  it('are not applied when they have expired, neither sent nor taken', async () => {
    const world = new StoreWorld(1, 2, 2, 60)
    const [writer, target] = world.machines
    world.crash(target!, 'kill')
    writer!.process!.hints.store([target!.node], world.mutation(1))
    await world.timers.advance(50_000)
    writer!.process!.hints.store([target!.node], world.mutation(2))
    await world.timers.advance(20_000)
    world.heal()
    await world.timers.advance(20_000)
    expect(target!.process!.value(1)).toBeNull()
    expect(target!.process!.value(2)).toBe(2)
    expect(writer!.process!.hints.metrics).toMatchObject({ created: 2, succeeded: 1, expired: 1 })
  })

  it('are not written past the hint window, beyond the size, or where they are not wanted', async () => {
    const world = new StoreWorld(2, 3, 3, 864_000, { maxBytesPerHost: 1_000, maxWindowMs: 60_000 })
    const [writer, target, other] = world.machines
    const { hints } = writer!.process!
    expect(hints.shouldHint(writer!.node)).toBe(false)
    world.crash(target!, 'kill')
    expect(hints.shouldHint(target!.node)).toBe(true)
    hints.configure({ isEnabled: false })
    expect(hints.shouldHint(target!.node)).toBe(false)
    hints.configure({ isEnabled: true, disabledDataCenters: ['dc1'] })
    expect(hints.shouldHint(target!.node)).toBe(false)
    hints.configure({ disabledDataCenters: [] })
    for (let i = 0; i < 5; i++) hints.store([target!.node], world.mutation(i))
    expect(hints.sizeOf(target!.node.hostId)).toBeGreaterThan(1_000)
    expect(hints.shouldHint(target!.node)).toBe(false)
    hints.configure({ maxBytesPerHost: 0 })
    await world.timers.advance(50_000)
    expect(hints.shouldHint(target!.node)).toBe(true)
    await world.timers.advance(25_000)
    expect(hints.shouldHint(target!.node)).toBe(false)
    expect(hints.metrics.pastWindow).toBe(1)
    // A window begins with the oldest hint that waits, though the node has been there in between.
    world.dead.delete(target!.node.endpoint.text)
    expect(hints.shouldHint(target!.node)).toBe(false)
    hints.configure({ isWindowPersistent: false })
    expect(hints.shouldHint(target!.node)).toBe(true)
    world.ring = world.ring.without(other!.node.hostId)
    expect(hints.shouldHint(other!.node)).toBe(false)
  })

  it('wait while delivery is paused, and go on where they stopped', async () => {
    const world = new StoreWorld(3, 2, 2)
    const [writer, target] = world.machines
    const { hints } = writer!.process!
    world.crash(target!, 'kill')
    hints.pause()
    for (let i = 1; i <= 20; i++) hints.store([target!.node], world.mutation(i))
    hints.flush()
    world.heal()
    await world.timers.advance(30_000)
    expect(target!.process!.value(1)).toBeNull()
    hints.resume()
    await world.timers.advance(1_000)
    expect(target!.process!.value(1)).toBe(1)
    expect(target!.process!.value(20)).toBe(20)
    expect(hints.pendingHints()).toEqual([])
  })

  it('of nodes that left are dropped, and truncatehints drops all', async () => {
    const world = new StoreWorld(4, 3, 3)
    const [writer, target, other] = world.machines
    const { hints } = writer!.process!
    world.crash(target!, 'kill')
    world.crash(other!, 'kill')
    for (const { node } of [target!, other!]) hints.store([node], world.mutation(1))
    hints.flush()
    expect(writer!.disk.paths()).toHaveLength(2)
    hints.excise(target!.node.hostId)
    expect(writer!.disk.paths()).toHaveLength(1)
    hints.store([other!.node], world.mutation(2))
    hints.truncate()
    expect(writer!.disk.paths()).toEqual([])
    expect(hints.sizeOf(other!.node.hostId)).toBe(0)
  })

  it('that come to who is no replica any more go to those who are', async () => {
    const world = new StoreWorld(5, 4, 1)
    const register = 17
    const owner = world.replicasOf(register)[0]!
    const writer = world.machines.find((machine) => machine !== owner)!
    const wrong = world.machines.find((machine) => machine !== owner && machine !== writer)!
    writer.process!.hints.store([wrong.node], world.mutation(register))
    await world.timers.advance(60_000)
    expect(wrong.process!.value(register)).toBeNull()
    expect(wrong.process!.hints.metrics.unowned).toBe(1)
    expect(owner.process!.value(register)).toBe(register)
  })

  it('wait for a node that does not know its tokens yet', async () => {
    const world = new StoreWorld(8, 2, 2)
    const [writer, target] = world.machines
    world.crash(target!, 'kill')
    writer!.process!.hints.store([target!.node], world.mutation(1))
    world.joining.add(target!.node.endpoint.text)
    world.heal()
    await world.timers.advance(20_000)
    expect(target!.process!.value(1)).toBeNull()
    world.joining.clear()
    await world.timers.advance(20_000)
    expect(target!.process!.value(1)).toBe(1)
  })

  it('outlast a disk that is full for a while', async () => {
    const world = new StoreWorld(6, 2, 2)
    const [writer, target] = world.machines
    world.crash(target!, 'kill')
    writer!.disk.faults.push({ operation: 'write', code: 'ENOSPC', after: 0, times: 3 })
    for (let i = 1; i <= 5; i++) writer!.process!.hints.store([target!.node], world.mutation(i))
    await world.timers.advance(60_000)
    expect(world.errors.length).toBeGreaterThan(0)
    world.heal()
    await world.timers.advance(20_000)
    for (let i = 1; i <= 5; i++) expect(target!.process!.value(i)).toBe(i)
  })

  it('take their time where they are throttled', async () => {
    const world = new StoreWorld(7, 2, 2, 864_000, { throttleBytes: 1_000 })
    const [writer, target] = world.machines
    world.crash(target!, 'kill')
    for (let i = 1; i <= 50; i++) writer!.process!.hints.store([target!.node], world.mutation(i))
    const bytes = writer!.process!.hints.sizeOf(target!.node.hostId)
    world.heal()
    await world.timers.advance((bytes / 1_000) * 500)
    expect(target!.process!.value(50)).toBeNull()
    await world.timers.advance((bytes / 1_000) * 800)
    expect(target!.process!.value(50)).toBe(50)
  })

  it('are synced for nodes that get more of them meanwhile', async () => {
    const world = new StoreWorld(5, 3, 3, 864_000, {
      flushPeriodMs: 10_000,
      maxFileBytes: 1 << 20,
      throttleBytes: 0,
    })
    const { hints } = world.machines[0]!.process!
    const others = world.machines.slice(1).map(({ node }) => node)
    hints.store(others, world.mutation(1))
    let isSynced = false
    const synced = hints.flushAndFsync(others.map(({ hostId }) => hostId)).then(() => {
      isSynced = true
    })
    expect(isSynced).toBe(false)
    hints.store(others, world.mutation(2))
    await world.timers.run(synced)
    expect(isSynced).toBe(true)
    expect(hints.hasHints).toBe(true)
  })
})
