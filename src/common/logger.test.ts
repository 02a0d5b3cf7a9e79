import { expect, it } from 'vitest'
import { withoutSpam } from './logger.ts'

it('the log hears the same thing once a minute, and of floods a hundred things', () => {
  const lines: string[] = []
  let now = 0
  const log = (message: string): void => {
    lines.push(message)
  }
  const logger = withoutSpam({ info: log, warn: log, error: log }, () => now)
  for (let i = 0; i < 5; i++) logger.warn('a')
  logger.error('b')
  expect(lines.splice(0)).toEqual(['a', 'b'])
  now = 59_999
  logger.warn('a')
  expect(lines).toEqual([])
  now = 60_000
  logger.warn('a')
  for (let i = 0; i < 1_000; i++) logger.info(`flood ${i}`)
  expect(lines).toHaveLength(100)
})
