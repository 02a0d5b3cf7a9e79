import { describe, expect, it } from 'vitest'
import { SimGossip, type SimNode } from './gossip-cluster.ts'
import { SimRandom } from './sim-random.ts'

/** How many seeds are tried; `SIM_SEEDS` asks for more. */
const SEEDS = Number(process.env.SIM_SEEDS ?? 120)
const FIRST = Number(process.env.SIM_FIRST_SEED ?? 1)

/** Rounds (seconds) within which all must agree once nothing is broken any more: quarantine and the next round. */
const AGREEMENT_MS = 100_000

/**
 * A silent node is convicted when its silence has lasted for 8 ln 10 mean intervals, of which none is counted that is
 * longer than two seconds. What others heard of it last goes round for some rounds more.
 */
const CONVICTION_MS = 8 * Math.log(10) * 2000 + 10_000

/** One thing that goes wrong, or gets right again. */
function act(sim: SimGossip): void {
  const { random } = sim
  const node = random.pick(sim.nodes)
  switch (random.below(10)) {
    case 0:
      sim.faults = {
        loss: random.below(5) / 10,
        duplication: random.below(4) / 10,
        minDelayMs: random.below(50),
        maxDelayMs: 50 + random.below(3000),
      }
      break
    case 1:
    case 2:
      partition(sim)
      break
    case 3:
      sim.heal()
      break
    case 4:
    case 5:
      if (node.running) sim.crash(node)
      break
    case 6:
      if (node.running) sim.stop(node)
      break
    case 7:
      restart(sim, node)
      break
    case 8:
      node.wallOffsetMs += random.below(20_000) - 10_000
      break
    default:
      if (node.running) sim.setSchema(node, `schema-${String(Math.floor(sim.nowMs)).padStart(9, '0')}`)
  }
}

function partition(sim: SimGossip): void {
  const { random } = sim
  const oneWay = random.chance(0.4)
  const side = new Set(sim.nodes.filter(() => random.chance(0.5)))
  for (const a of sim.nodes) {
    for (const b of sim.nodes) {
      if (side.has(a) && !side.has(b)) sim.block(a, b)
      else if (!oneWay && !side.has(a) && side.has(b)) sim.block(a, b)
    }
  }
}

function restart(sim: SimGossip, node: SimNode): void {
  if (node.running) return
  if (!sim.isSeed(node) && sim.random.chance(0.3)) node.address = sim.newAddress()
  sim.start(node)
}

/** Starts all, breaks what can be broken for a while, mends it, and sees that all agree. */
async function trouble(seed: number): Promise<{ sim: SimGossip; agreedMs: number }> {
  const shape = new SimRandom(seed)
  const count = 2 + shape.below(9)
  const sim = new SimGossip(seed, count, 1 + shape.below(Math.min(3, count)))
  for (const node of sim.nodes) sim.at(sim.random.below(5000), () => sim.start(node))
  await sim.advance(5000 + sim.random.below(20_000))
  for (let actions = 10 + sim.random.below(30); actions > 0; actions--) {
    act(sim)
    await sim.advance(sim.random.below(6000))
  }
  sim.heal()
  const agreedMs = await sim.until(() => {
    // Who found nobody to ask, or was just about to stop, is started once more.
    for (const node of sim.nodes) if (!node.running) sim.start(node)
    return sim.disagreement() === null
  }, AGREEMENT_MS)
  if (agreedMs === null) throw new Error(`seed ${seed}: ${sim.disagreement()}`)
  return { sim, agreedMs }
}

/** Some go down; the others see it in time, forget nothing, and are quiet after that. */
async function silence(seed: number, sim: SimGossip): Promise<number> {
  const down = sim.nodes.filter(() => sim.random.chance(0.3)).slice(0, sim.nodes.length - 1)
  for (const node of down) {
    if (sim.random.chance(0.3)) sim.stop(node)
    else sim.crash(node)
  }
  await sim.advance(3000)
  const convictedMs = await sim.until(() => sim.disagreement() === null, CONVICTION_MS - 3000)
  if (convictedMs === null) throw new Error(`seed ${seed}: ${sim.disagreement()}`)
  const told = sim.told.length
  await sim.advance(100_000)
  expect(sim.told.slice(told), `seed ${seed}: events in a quiet ring`).toEqual([])
  expect(sim.disagreement(), `seed ${seed}`).toBeNull()
  return convictedMs
}

describe('gossip under faults', () => {
  it(`agrees on members, tokens and schema, from each of ${SEEDS} seeds`, { timeout: 600_000 }, async () => {
    let [agreed, convicted, messages] = [0, 0, 0]
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const { sim, agreedMs } = await trouble(seed)
      agreed = Math.max(agreed, agreedMs)
      convicted = Math.max(convicted, await silence(seed, sim))
      messages += sim.messages
    }
    if (process.env.SIM_VERBOSE) console.log({ agreed, convicted, messages })
    expect(messages).toBeGreaterThan(SEEDS * 100)
  })
})
