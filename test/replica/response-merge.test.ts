import { expect, test } from 'vitest'
import { commandsAfter } from '../../src/cluster/coordinator/continuation.ts'
import { repairsOf } from '../../src/cluster/coordinator/read-repair.ts'
import { ResponseMerge } from '../../src/cluster/coordinator/response-merge.ts'
import { readResponse } from '../../src/cluster/replica/read-response.ts'
import { ResponseHeaders } from '../../src/cluster/replica/response-header.ts'
import { SimRandom } from '../sim/sim-random.ts'
import {
  answerOf,
  randomCommand,
  replicasOf,
  Shown,
  show,
  shownBy,
  singly,
  someLimits,
  someTime,
} from './replicas.ts'

/** What replicas have together shows what one that has all of it shows, however little each answers at once. */

const SEEDS = Number(process.env['SEEDS'] ?? 300)

test(`merged answers show what all replicas have together, in ${SEEDS} seeds`, () => {
  const headers = new ResponseHeaders()
  let differing = 0
  let pieces = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimRandom(seed)
    const { table, writes, engines, whole } = replicasOf(random)
    for (let i = 0; i < 6; i++) {
      const command = randomCommand(random, writes, table)
      const nowSeconds = someTime(random)
      const shown = new Shown(table, nowSeconds)
      const left = singly(command)
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const limits = someLimits(random)
        const one = next
        const answers = engines.map((engine) => answerOf(engine, one, limits, nowSeconds))
        if (answers.some((answer) => Buffer.compare(answer, answers[0]!) !== 0)) differing++
        const responses = answers.map((answer) => readResponse(answer, table, headers))
        const merged = new ResponseMerge(one, responses)
        show(merged, one, shown)
        pieces++
        if (merged.end !== null) left.unshift(...commandsAfter(one, merged.end))
      }
      expect(shown.lines, `seed ${seed}, command ${i}`).toEqual(shownBy(whole, command, nowSeconds))
    }
  }
  expect(pieces).toBeGreaterThan(SEEDS * 6)
  expect(differing).toBeGreaterThan(SEEDS)
})

test(`each replica shows what all have, once it was repaired, in ${SEEDS} seeds`, () => {
  const headers = new ResponseHeaders()
  let repairs = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimRandom(seed)
    const { table, writes, engines, whole } = replicasOf(random)
    const command = randomCommand(random, writes, table)
    const nowSeconds = someTime(random)
    const left = singly(command)
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const limits = someLimits(random)
      const one = next
      const answers = engines.map((engine) => answerOf(engine, one, limits, nowSeconds))
      const read = () => answers.map((answer) => readResponse(answer, table, headers))
      const { end } = new ResponseMerge(one, read())
      engines.forEach((engine, n) => {
        for (const mutation of repairsOf(one, read(), read()[n]!, end)) {
          engine.apply(mutation)
          repairs++
        }
      })
      if (end !== null) left.unshift(...commandsAfter(one, end))
    }
    const expected = shownBy(whole, command, nowSeconds)
    for (const engine of engines)
      expect(shownBy(engine, command, nowSeconds), `seed ${seed}`).toEqual(expected)
  }
  expect(repairs).toBeGreaterThan(SEEDS)
})
