/**
 * Killed while it flushes, compacts, truncates and drops: memtables are small, tables are compacted with every second
 * SSTable, tombstones may be purged at once. The moment of the kill is when the directory says that such a thing goes on.
 *
 *   CRASH_ROUNDS=30 npx vitest run test/crash        1 round of each without it
 *   CRASH_SEED=123                                   the operations of an earlier run
 */
import { mkdir, watch } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  namedTarget,
  type SibylProcess,
  sibylIsBuilt,
  spawnSibyl,
  temporaryDirectory,
} from '../../compat-tests/harness.ts'
import { makeRegisters } from './load.ts'
import { Random } from './random.ts'
import { createSchema, expectAllRight, keyspace, loadUntil, summary } from './rounds.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 1)
const seed = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 0x1_0000_0000))
/** So long a moment is waited for. */
const waitMsMax = 20_000

/** What is to be seen in a table's directory while something goes on; null for any moment. */
const moments: Readonly<Record<string, RegExp | null>> = {
  anything: null,
  'a flush': /^nb_txn_flush_/,
  'a compaction': /^nb_txn_compaction_/,
  'a truncation or a drop': /^nb_txn_unknowncompactiontype_/,
  'the writing of an SSTable': /^nb-\d+-big-Filter\.db$/,
}

const args = [
  '--memtable-space',
  '4',
  '--set',
  'memtable_cleanup_threshold=0.1',
  '--set',
  'commitlog_total_space=1MiB',
  '--set',
  'commitlog_segment_size=1MiB',
  '--set',
  'auto_snapshot=false',
]
const compaction = "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2}"
const alterations = [
  (table: string) => `ALTER TABLE ${table} WITH gc_grace_seconds = 0 AND compaction = ${compaction}`,
]

/** Waits until a file of that name appears in a table's directory, or changes; false when none does. */
async function waitFor(data: string, moment: RegExp): Promise<boolean> {
  // The first flush makes it, which may be still to come.
  await mkdir(data, { recursive: true })
  const stop = AbortSignal.timeout(waitMsMax)
  try {
    for await (const { filename } of watch(data, { recursive: true, signal: stop })) {
      if (filename !== null && moment.test(basename(filename))) return true
    }
  } catch (error) {
    if (!stop.aborted) throw error
  }
  return false
}

describe.skipIf(namedTarget() !== undefined || !sibylIsBuilt())('killed in the middle of', () => {
  test.each(Object.entries(moments))(
    '%s',
    async (_, moment) => {
      console.log(`seed ${seed}, ${rounds} rounds`)
      const random = new Random(seed)
      const registers = makeRegisters()
      const directory = temporaryDirectory('engine-crash')
      const data = join(directory.path, 'data', keyspace)
      const options = {
        dir: directory.path,
        args,
        env: { SIBYL_COMMITLOG_SYNC: random.pick(['periodic', 'batch']) },
      }
      let server: SibylProcess = await spawnSibyl(options)
      let met = 0
      try {
        await createSchema(server, alterations)
        for (let round = 0; round < rounds; round++) {
          await loadUntil(server, registers, random, seed, async () => {
            if (moment !== null && (await waitFor(data, moment))) met++
            await server.kill('SIGKILL')
          })
          server = await spawnSibyl(options)
          await expectAllRight(server, registers, seed)
        }
        console.log(`${met} of ${rounds} moments met; acknowledged + unknown: ${summary(registers)}`)
        if (moment !== null) expect(met).toBeGreaterThan(0)
        expect(server.output()).not.toMatch(/error|could not/i)
      } finally {
        await server.kill('SIGKILL')
      }
      // Kept when it failed, so that it can be looked at.
      directory.remove()
    },
    60_000 + rounds * 30_000,
  )
})
