import { describe, expect, it } from 'vitest'
import { ticksFromUnixMicros, timeUuidBytes } from '../../../src/common/uuid.ts'
import { SimRandom } from '../sim-random.ts'
import { StoreWorld } from './store-world.ts'

/** Seeds of each run; `SEEDS=3000 npx vitest run test/sim/ring/batchlog.test.ts` for more. */
const SEEDS = Number(process.env.SEEDS ?? 60)
const FIRST = Number(process.env.FIRST_SEED ?? 1)

function batchId(world: StoreWorld): Uint8Array {
  return timeUuidBytes(ticksFromUnixMicros(BigInt(world.clock.nowMicros())), BigInt(world.random.uint32()))
}

describe('the batchlog', () => {
  it(
    'writes all of a batch that was kept, whoever dies',
    async () => {
      let kept = 0
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const random = new SimRandom(seed * 17)
        const world = new StoreWorld(seed, 4, 2)
        Object.assign(world.bus.faults, {
          loss: random.pick([0, 0.05, 0.2]),
          duplication: random.pick([0, 0.1]),
          slowness: 0.05,
        })
        const batches: { readonly registers: readonly number[]; kept: boolean }[] = []
        let next = 1
        const begin = (): void => {
          const { process } = random.pick(world.machines)
          if (process === null) return
          const registers = Array.from({ length: 1 + random.below(4) }, () => next++)
          const mutations = registers.map((register) => world.mutation(register))
          const batch = { id: batchId(world), mutations }
          const at = [0, 1].map(() => random.pick(world.nodes))
          const entry = { registers, kept: false }
          batches.push(entry)
          // The coordinator writes nothing: it is as if it had died then.
          void world.store(process, batch, at).then((isKept) => {
            entry.kept = isKept
          })
        }
        for (let step = 0; step < 60; step++) {
          const dice = random.below(100)
          const machine = random.pick(world.machines)
          if (dice < 50) begin()
          // A machine that loses its power has what it acknowledged.
          else if (dice < 58) world.crash(machine, random.pick(['kill', 'power']))
          else if (dice < 70) world.start(machine)
          else await world.timers.advance(random.below(3_000))
        }
        world.heal()
        for (let i = 0; i < 12; i++) await world.timers.advance(10_000)
        expect(world.errors, `seed ${seed}`).toEqual([])
        for (const { registers, kept: isKept } of batches) {
          if (!isKept) continue
          kept++
          for (const register of registers) {
            for (const { process, node } of world.replicasOf(register)) {
              expect(
                process!.value(register),
                `seed ${seed}, register ${register} at ${node.endpoint.text}`,
              ).toBe(register)
            }
          }
        }
        for (const { process } of world.machines) {
          expect(process!.batchlog.batchCount, `seed ${seed}`).toBe(0)
        }
      }
      expect(kept).toBeGreaterThan(SEEDS * 2)
    },
    Math.max(120_000, SEEDS * 2_000),
  )

  it('forgets what is removed, before or behind what it removes', async () => {
    const world = new StoreWorld(1, 3, 3)
    const [keeper] = world.machines
    const batch = { id: batchId(world), mutations: [world.mutation(1)] }
    const late = { id: batchId(world), mutations: [world.mutation(2)] }
    keeper!.process!.batchlog.store(batch)
    keeper!.process!.batchlog.remove(batch.id)
    keeper!.process!.batchlog.remove(late.id)
    keeper!.process!.batchlog.store(late)
    await world.timers.advance(30_000)
    expect(keeper!.process!.value(1)).toBeNull()
    expect(keeper!.process!.value(2)).toBeNull()
    expect(keeper!.process!.batchlog.batchCount).toBe(0)
  })

  it('does not finish a batch before its time, nor behind gc_grace_seconds', async () => {
    const world = new StoreWorld(2, 3, 3, 20)
    const [keeper] = world.machines
    keeper!.process!.batchlog.store({ id: batchId(world), mutations: [world.mutation(1)] })
    await world.timers.advance(3_000)
    expect(keeper!.process!.value(1)).toBeNull()
    await world.timers.advance(12_000)
    for (const { process } of world.machines) expect(process!.value(1)).toBe(1)

    keeper!.process!.batchlog.store({ id: batchId(world), mutations: [world.mutation(2)] })
    world.crash(keeper!, 'kill')
    await world.timers.advance(25_000)
    world.heal()
    await world.timers.advance(30_000)
    for (const { process } of world.machines) expect(process!.value(2)).toBeNull()
    expect(keeper!.process!.batchlog).toMatchObject({ batchCount: 0, totalBatchesReplayed: 1 })
  })
})
