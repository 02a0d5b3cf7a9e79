import { expect, test } from 'vitest'
import { concurrencyFactor, firstConcurrencyFactor } from './ring-sources.ts'

test('as many ranges are asked for at first as the limit seems to need', () => {
  // Nothing is known of the table: one, to see what there is.
  expect(firstConcurrencyFactor(32, 100, 0)).toBe(1)
  // A tenth less than estimated is counted on: 100 rows of 9 in each.
  expect(firstConcurrencyFactor(32, 100, 10)).toBe(12)
  expect(firstConcurrencyFactor(32, 100, 0.5)).toBe(32)
  expect(firstConcurrencyFactor(32, 100, 1000)).toBe(1)
})

test('the next ones follow from what those before have brought', () => {
  expect(concurrencyFactor(100, 30, 32, 500, 0)).toBe(32)
  expect(concurrencyFactor(100, 80, 32, 500, 0)).toBe(20)
  expect(concurrencyFactor(100, 10, 32, 400, 100)).toBe(30)
  expect(concurrencyFactor(100, 10, 32, 1000, 100)).toBe(32)
  expect(concurrencyFactor(100, 10, 32, 105, 100)).toBe(1)
  expect(concurrencyFactor(100, 100, 32, 500, 100)).toBe(1)
})
