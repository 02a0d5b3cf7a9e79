import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LiveRow } from './live-row.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder, UPDATE_KEY_WORD } from './mutation.ts'
import { ROW_HAS_LIVENESS } from './row-format.ts'

const PATH = new Uint8Array(0)

it('holds values of any length as they came, from any place, with zeros behind them', () => {
  const mutation = new MutationBuilder(64)
  const live = new LiveRow()
  const values = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 8 })
  fc.assert(
    fc.property(values, fc.uint8Array({ minLength: 1, maxLength: 9 }), (columns, key) => {
      mutation.begin()
      // What was in the buffer before must not show.
      mutation.u8.fill(0xff)
      mutation.beginUpdate(1, 0, 0, key, 0, key.length)
      mutation.beginRow(ROW_HAS_LIVENESS, 0, 7, 0, 0, 0, 0, 0)
      mutation.endClustering()
      columns.forEach((value, id) => {
        const frame = Uint8Array.from([1, ...value, 2, 3, 4, 5])
        mutation.cell(id, 0, 0, 7, 0, 0, PATH, 0, -1, frame, 1, value.length)
      })
      mutation.endRow()
      mutation.endUpdate()
      mutation.finish()
      const keyAt = (MUTATION_HEADER_WORDS + UPDATE_KEY_WORD) << 2
      const keyEnd = keyAt + key.length
      expect(mutation.u8.slice(keyAt, keyEnd)).toEqual(key)
      const rowAt = ((keyEnd + 3) >>> 2) + 3
      expect([...mutation.u8.slice(keyEnd, (keyEnd + 3) & ~3)].every((byte) => byte === 0)).toBe(true)
      live.load(mutation, rowAt, -0x80000000, 0, 1)
      columns.forEach((value, id) => {
        expect(live.copySimple(id)).toEqual(value)
        const end = live.cell.valueOffset + value.length
        expect([...mutation.u8.slice(end, (end + 3) & ~3)].every((byte) => byte === 0)).toBe(true)
      })
    }),
  )
})
