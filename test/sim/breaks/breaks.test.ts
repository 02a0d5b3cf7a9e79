import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BREAKS } from './breaks.js'

test('there are breaks of many rules, each with a name of its own', () => {
  expect(BREAKS.length).toBeGreaterThanOrEqual(15)
  expect(new Set(BREAKS.map(({ name }) => name)).size).toBe(BREAKS.length)
})

test.each(BREAKS.map((one) => [one.name, one] as const))('%s has its place', (_, {
  file,
  search,
  replace,
}) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
  expect(text.split(search).length).toBe(2)
  expect(replace).not.toBe(search)
})
