import { expect, test } from 'vitest'
import { PiecedReader, piecesOf } from '../../src/cluster/coordinator/pieced-reader.ts'
import { ResponseMerge } from '../../src/cluster/coordinator/response-merge.ts'
import { readResponse } from '../../src/cluster/replica/read-response.ts'
import { ResponseHeaders } from '../../src/cluster/replica/response-header.ts'
import { type PartitionReader, STARVED } from '../../src/model/read-command.ts'
import { SimRandom } from '../sim/sim-random.ts'
import {
  answerOf,
  keyText,
  type Replicas,
  randomCommand,
  replicasOf,
  Shown,
  singly,
  someLimits,
  someTime,
} from './replicas.ts'

/** A reader whose rows come in pieces shows what one shows that has them all, whatever is left out. */

const SEEDS = Number(process.env['SEEDS'] ?? 300)
const headers = new ResponseHeaders()

/** Rows of the partitions, of each as many as `wanted` says; waits where the reader has to. */
async function take(
  reader: PartitionReader,
  { table }: Replicas,
  nowSeconds: number,
  wanted: (partition: number) => number,
  wait: () => Promise<void>,
): Promise<string[]> {
  const again = async <T>(call: () => T): Promise<T> => {
    for (;;) {
      try {
        return call()
      } catch (error) {
        if (error !== STARVED) throw error
        await wait()
      }
    }
  }
  const shown = new Shown(table, nowSeconds)
  for (let partition = 0; await again(() => reader.nextPartition()); partition++) {
    const key = keyText(reader)
    const hasStatic = table.statics.length > 0 && reader.staticRow()
    if (hasStatic) shown.add(key, reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, true)
    for (let rows = wanted(partition); rows > 0 && (await again(() => reader.nextRow())); ) {
      const before = shown.lines.length
      shown.add(key, reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, false)
      if (shown.lines.length > before) rows--
    }
  }
  reader.close()
  return shown.lines
}

test(`rows in pieces are the rows, in ${SEEDS} seeds`, async () => {
  let waits = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimRandom(seed)
    const replicas = replicasOf(random)
    const { table, writes, engines, whole } = replicas
    for (let i = 0; i < 4; i++) {
      const nowSeconds = someTime(random)
      for (const command of singly(randomCommand(random, writes, table))) {
        const most = random.pick([1, 2, Number.MAX_SAFE_INTEGER])
        const skips = random.chance(0.5)
        // A partition that has nothing alive may be there in one of them and not in the other.
        const wanted = (): number => (skips ? most : Number.MAX_SAFE_INTEGER)
        const reader = new PiecedReader(
          piecesOf(command, async (asked) => {
            const limits = someLimits(random)
            const answers = engines.map((engine) => answerOf(engine, asked, limits, nowSeconds))
            return new ResponseMerge(
              asked,
              answers.map((answer) => readResponse(answer, table, headers)),
            )
          }),
        )
        const found = await take(reader, replicas, nowSeconds, wanted, () => {
          waits++
          return reader.fill()
        })
        const none = async (): Promise<void> => undefined
        expect(found, `seed ${seed}, command ${i}`).toEqual(
          await take(whole.read(command), replicas, nowSeconds, wanted, none),
        )
      }
    }
  }
  expect(waits).toBeGreaterThan(SEEDS * 10)
})
