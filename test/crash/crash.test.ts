/**
 * Killed under load, killed again while it replays, started, and all data judged by a model of what was
 * acknowledged.
 *
 *   CRASH_ROUNDS=30 npx vitest run test/crash        2 rounds without it
 *   SIBYL_COMMITLOG_SYNC=batch                       one mode instead of all three
 *   CRASH_SEED=123                                   the operations and moments of an earlier run
 *
 * With CASSANDRA_CONTACT_POINTS the connections to that server are cut instead: so the judge itself is tried.
 */

import { describe, expect, test } from 'vitest'
import {
  end,
  launchSibyl,
  namedTarget,
  type SibylProcess,
  sibylIsBuilt,
  sleep,
  spawnSibyl,
  temporaryDirectory,
} from '../../compat-tests/harness.ts'
import { layWire } from './cut.ts'
import { type AnyRegister, judgeAll, makeClient, makeRegisters } from './load.ts'
import { Random } from './random.ts'
import { createSchema, expectAllRight, keyspace, loadUntil, summary } from './rounds.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 2)
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 0x1_0000_0000))
const named = namedTarget()
const replayMsMax = 200

/** Writes what was never acknowledged as anything, one register of each kind: each must be complained of. */
async function expectJudgeToNotice(
  target: { host: string; port: number },
  registers: readonly AnyRegister[],
): Promise<void> {
  const client = makeClient(target, keyspace)
  const chosen = registers.filter((register) => register.id === 0)
  const tampered: AnyRegister[] = []
  for (const register of chosen) {
    // A table that is there already is not made again: that one can't be tampered with so.
    const before = await register.kind.read(client, register.id)
    await client.execute(register.kind.tamper(register.id))
    if ((await register.kind.read(client, register.id)) !== before) tampered.push(register)
  }
  const complaints = await judgeAll(client, registers)
  await client.shutdown()
  expect(tampered.length).toBeGreaterThanOrEqual(chosen.length - 1)
  expect(complaints.map((complaint) => complaint.split(':')[0]).sort()).toEqual(
    tampered.map((register) => register.name).sort(),
  )
}

describe.skipIf(named === undefined)('the judge, with a server that loses nothing', () => {
  test(
    'finds nothing wrong when connections are cut, and what is tampered with',
    async () => {
      if (named === undefined) return
      console.log(`seed ${seed}`)
      const random = new Random(seed)
      const registers = makeRegisters()
      await createSchema(named)
      for (let round = 0; round < rounds; round++) {
        const wire = await layWire(named)
        await loadUntil(wire, registers, random, seed, async () => wire.cut())
        // What was on its way in may still be done.
        await sleep(1000)
        await expectAllRight(named, registers, seed)
      }
      console.log(`acknowledged + unknown: ${summary(registers)}`)
      await expectJudgeToNotice(named, registers)
    },
    60_000 + rounds * 30_000,
  )
})

const modes = process.env['SIBYL_COMMITLOG_SYNC']?.split(',') ?? ['periodic', 'batch', 'group']
if (named === undefined && !sibylIsBuilt()) console.log('No crash is tried: bin/sibyl.js is not there')

describe.skipIf(named !== undefined || !sibylIsBuilt())('killed under load', () => {
  test.each(modes)(
    'commitlog_sync %s',
    async (mode) => {
      console.log(`seed ${seed}, ${rounds} rounds, commitlog_sync ${mode}`)
      const random = new Random(seed)
      const registers = makeRegisters()
      const directory = temporaryDirectory('crash')
      const options = { dir: directory.path, env: { SIBYL_COMMITLOG_SYNC: mode } }
      let server: SibylProcess = await spawnSibyl(options)
      let replaysKilled = 0
      try {
        await createSchema(server)
        for (let round = 0; round < rounds; round++) {
          await loadUntil(server, registers, random, seed, () => server.kill('SIGKILL'))
          while (random.chance(0.5)) {
            const { child, output } = launchSibyl(options)
            await sleep(random.below(replayMsMax))
            expect(child.exitCode, `seed ${seed}, round ${round}: it ended by itself\n${output()}`).toBeNull()
            await end(child, 'SIGKILL')
            replaysKilled++
          }
          server = await spawnSibyl(options)
          await expectAllRight(server, registers, seed)
        }
        await server.kill('SIGTERM')
        server = await spawnSibyl(options)
        await expectAllRight(server, registers, seed)
        console.log(`${replaysKilled} replays killed; acknowledged + unknown: ${summary(registers)}`)
        await expectJudgeToNotice(server, registers)
      } finally {
        await server.kill('SIGKILL')
      }
      // Kept when it failed, so that it can be looked at.
      directory.remove()
    },
    60_000 + rounds * 30_000,
  )
})
