import { expect, test } from 'vitest'
import { commandsAfter } from '../../src/cluster/coordinator/continuation.ts'
import { type ReadResponse, readResponse } from '../../src/cluster/replica/read-response.ts'
import { ResponseHeaders } from '../../src/cluster/replica/response-header.ts'
import { ALL_ROWS } from '../../src/model/clustering.ts'
import { FULL_RING, type ReadCommand } from '../../src/model/read-command.ts'
import { CorruptSSTableError } from '../../src/storage/sstable/corruption.ts'
import { LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../../src/storage/unfiltered.ts'
import { MOMENTS, RandomWrites, randomTable } from '../merge/random-writes.ts'
import { SimRandom } from '../sim/sim-random.ts'
import {
  ALL,
  answerOf,
  asMutation,
  engineWith,
  keyText,
  randomCommand,
  Shown,
  shownBy,
  shuffled,
} from './replicas.ts'

/** What a replica answers, whole and in pieces, shows the rows that a read of its own shows. */

const SEEDS = Number(process.env['SEEDS'] ?? 300)
function take({ partitions }: ReadResponse, command: ReadCommand, shown: Shown): void {
  while (partitions.nextPartition()) {
    const key = keyText(partitions)
    const { partitionDeletion } = partitions
    let active = partitionDeletion
    if (partitions.staticRow()) {
      shown.add(key, partitions.row, partitions.rowAt, partitionDeletion.hi, partitionDeletion.lo, true)
    }
    let isOpen = false
    for (let kind = partitions.next(); kind !== UNFILTERED_END; kind = partitions.next()) {
      if (kind === UNFILTERED_ROW) {
        shown.add(key, partitions.row, partitions.rowAt, active.hi, active.lo, false)
        continue
      }
      const { opens, closes } = partitions.marker
      const [begins, ends] = command.reversed ? [closes, opens] : [opens, closes]
      expect(ends !== null).toBe(isOpen)
      isOpen = begins !== null
      active = begins ?? partitionDeletion ?? LIVE
    }
    expect(isOpen).toBe(false)
  }
}

test(`answers of replicas show what they have, in ${SEEDS} seeds`, () => {
  const headers = new ResponseHeaders()
  let pieces = 0
  let answers = 0
  let equal = 0
  let insidePartitions = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SimRandom(seed)
    const table = randomTable(random)
    const writes = new RandomWrites(random, table)
    const mutations: Uint8Array[] = []
    for (let i = random.pick([3, 30, 150]); i > 0; i--) {
      const mutation = writes.next()
      mutation.finish()
      mutations.push(mutation.copy())
    }
    const [one, other] = [engineWith(table), engineWith(table)]
    for (const bytes of mutations) one.apply(asMutation(bytes))
    for (const bytes of shuffled(random, mutations)) other.apply(asMutation(bytes))
    for (let i = 0; i < 6; i++) {
      const command = randomCommand(random, writes, table)
      const nowSeconds = random.pick(MOMENTS)
      const where = `seed ${seed}, command ${i}`
      const expected = shownBy(one, command, nowSeconds)
      const bytes = answerOf(one, command, ALL, nowSeconds)
      const bytesOfOther = answerOf(other, command, ALL, nowSeconds)
      answers++
      if (Buffer.compare(bytes, bytesOfOther) === 0) equal++
      const shownByOther = new Shown(table, nowSeconds)
      take(readResponse(bytesOfOther, table, headers), command, shownByOther)
      expect(shownByOther.lines, where).toEqual(shownBy(other, command, nowSeconds))
      const whole = new Shown(table, nowSeconds)
      const response = readResponse(bytes, table, headers)
      expect(response.end, where).toBeNull()
      take(response, command, whole)
      expect(whole.lines, where).toEqual(expected)

      const limits = { ...ALL, rows: 1 + random.below(5), bytes: random.pick([1 << 30, 300]) }
      const shown = new Shown(table, nowSeconds)
      const left = [command]
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const piece = readResponse(answerOf(one, next, limits, nowSeconds), table, headers)
        take(piece, next, shown)
        pieces++
        if (piece.end === null) continue
        if (piece.end.clustering !== null) insidePartitions++
        left.unshift(...commandsAfter(next, piece.end))
      }
      expect(shown.lines, where).toEqual(expected)
    }
  }
  // Of deletions of one timestamp and several times some orders keep the one, some the other: which shows no other rows.
  expect(equal / answers).toBeGreaterThan(0.9)
  expect(pieces).toBeGreaterThan(SEEDS * 10)
  expect(insidePartitions).toBeGreaterThan(SEEDS)
})

test('a cut answer is refused, wherever it is cut', () => {
  const random = new SimRandom(7)
  const table = randomTable(random)
  const writes = new RandomWrites(random, table)
  const engine = engineWith(table)
  for (let i = 0; i < 30; i++) engine.apply(writes.next())
  const command: ReadCommand = { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false }
  const bytes = answerOf(engine, command, ALL, 900)
  let whole = 0
  for (let length = 0; length < bytes.length; length++) {
    try {
      const response = readResponse(bytes.slice(0, length), table, new ResponseHeaders())
      take(response, command, new Shown(table, 900))
      whole++
    } catch (error) {
      expect(error).toBeInstanceOf(CorruptSSTableError)
    }
  }
  // Between two partitions nothing is missed here: the frames around it have lengths and checksums.
  expect(whole).toBeLessThan(130)
})
