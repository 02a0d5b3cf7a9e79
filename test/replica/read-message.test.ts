import { expect, test } from 'vitest'
import { IncompatibleSchemaError } from '../../src/cluster/replica/mutation-message.ts'
import { decodeRead, encodeRead, type ReadRequest } from '../../src/cluster/replica/read-message.ts'
import type { ReadCommand } from '../../src/model/read-command.ts'
import { CorruptSSTableError } from '../../src/storage/sstable/corruption.ts'
import { RandomWrites, randomTable } from '../merge/random-writes.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { randomCommand } from './replicas.ts'

function requestOf(random: SimRandom): ReadRequest {
  const table = randomTable(random)
  const writes = new RandomWrites(random, table)
  let command: ReadCommand = randomCommand(random, writes, table)
  if (command.keys === null && random.chance(0.5)) {
    const { key, tokenHi, tokenLo } = writes.key()
    const afterKey = random.chance(0.5) ? key : null
    const range = {
      ...command.range,
      startHi: tokenHi,
      startLo: tokenLo,
      startInclusive: afterKey !== null,
      afterKey,
    }
    command = { ...command, range }
  }
  const limits = {
    rows: random.pick([1, 5000, Number.MAX_SAFE_INTEGER]),
    rowsPerPartition: random.pick([1, 0x1_0000_0001]),
    bytes: random.pick([0x7fffffff, 0x8000_0000]),
  }
  return {
    command,
    limits,
    nowSeconds: random.pick([1, 4_294_967_000]),
    isDigest: random.chance(0.5),
    tracksWarnings: random.chance(0.3),
  }
}

test('what is asked is what was asked', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const request = requestOf(new SimRandom(seed))
    expect(decodeRead(encodeRead(request).slice(), () => request.command.table)).toEqual(request)
  }
})

test('what is cut is no read, and neither is one of a table that is not there', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const request = requestOf(new SimRandom(seed))
    const bytes = encodeRead(request).slice()
    expect(() => decodeRead(bytes, () => null)).toThrow(IncompatibleSchemaError)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRead(bytes.slice(0, length), () => request.command.table)).toThrow(
        CorruptSSTableError,
      )
    }
  }
})
