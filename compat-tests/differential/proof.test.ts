/**
 * Sibyl beside Apache Cassandra, over generated operations.
 *
 *     CASSANDRA_CONTACT_POINTS=127.0.0.61:9042 npm run proof:differential
 *
 * DIFFERENTIAL_SEEDS=1-300 names the seeds, DIFFERENTIAL_LENGTH the operations of each, DIFFERENTIAL_FEATURES the parts of
 * CQL and DIFFERENTIAL_FLAVORS the kinds of tables (all of them unless they are given), DIFFERENTIAL_OUT a directory for what is found. Needs a server of its own with
 * `counter_cache_size: 0MiB`, since the counter cache of Cassandra remembers counters that were deleted.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { namedTarget as namedServer } from '../harness.ts'
import { compareRun, type Difference, describeDifference, namedTarget, type Target } from './compare.ts'
import { FLAVORS, generateRun } from './generator.ts'
import { countOperations, type Run, scriptOf } from './operation.ts'
import { shrinkRun } from './shrink.ts'
import { ProcessTarget } from './targets.ts'
import { FEATURES, type Feature } from './terms.ts'

const oracleAddress = namedServer()
const environment = (name: string): string | undefined => process.env[`DIFFERENTIAL_${name}`]
const [firstSeed, lastSeed] = (environment('SEEDS') ?? '1-300').split('-').map(Number)
const length = Number(environment('LENGTH') ?? 350)
const features = new Set(
  (environment('FEATURES')?.split(',') ?? FEATURES).filter((name): name is Feature =>
    FEATURES.includes(name as Feature),
  ),
)
const flavors = FLAVORS.filter((flavor) => (environment('FLAVORS')?.split(',') ?? FLAVORS).includes(flavor))
const isShrinking = environment('SHRINK') !== '0'
const out = environment('OUT')

let oracle: Target
let sibyl: ProcessTarget

beforeAll(async () => {
  if (oracleAddress === undefined) return
  oracle = await namedTarget(oracleAddress.host, oracleAddress.port)
  sibyl = await ProcessTarget.start()
})

afterAll(async () => {
  oracle?.server.close()
  await sibyl?.stop()
})

/** Whether Cassandra had too much to do: the whole run is done again then. */
function isOverloaded({ expected }: Difference): boolean {
  return expected.some(({ code }) => ['0x1001', '0x1100', '0x1200'].includes(String(code)))
}

/** What differs in the run of a seed, as text; the smallest run that shows it goes to DIFFERENTIAL_OUT. */
async function findings(run: Run): Promise<string[]> {
  let differences = await compareRun(run, oracle, sibyl, isShrinking ? 1 : 4)
  for (let attempt = 0; attempt < 3 && differences.some(isOverloaded); attempt++) {
    differences = await compareRun(run, oracle, sibyl, isShrinking ? 1 : 4)
  }
  const texts: string[] = []
  for (const difference of differences) {
    let found = run
    if (isShrinking) found = await shrinkRun(run, difference.index, oracle, sibyl)
    const script = isShrinking ? scriptOf(found) : scriptOf({ ...run, operations: [difference.operation] })
    texts.push(`${script}\n${describeDifference(difference)}`)
    if (out !== undefined) {
      mkdirSync(out, { recursive: true })
      writeFileSync(join(out, `${run.keyspace}.json`), JSON.stringify(found, null, 1))
    }
    if (isShrinking) break
  }
  return texts
}

test.skipIf(oracleAddress === undefined)(
  'generated operations are answered as by Apache Cassandra',
  async () => {
    let operations = 0
    const failed: number[] = []
    const start = Date.now()
    for (let seed = firstSeed; seed <= (lastSeed ?? firstSeed); seed++) {
      const run = generateRun({ seed, length, features, flavors })
      const texts = await findings(run)
      operations += countOperations(run.operations)
      if (texts.length > 0) {
        failed.push(seed)
        console.log(texts.join('\n'))
      }
      if (seed % 10 === 0 || texts.length > 0) {
        const seconds = Math.round((Date.now() - start) / 1000)
        console.log(
          `seed ${seed}: ${operations} operations in ${seconds} s, differing seeds: ${failed.length}`,
        )
      }
    }
    expect(failed).toEqual([])
  },
  24 * 3600 * 1000,
)
