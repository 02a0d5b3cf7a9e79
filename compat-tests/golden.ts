/**
 * Answers recorded from Apache Cassandra, one JSON file beside the test that uses it. RECORD_GOLDEN=1
 * writes them anew, and is refused unless CASSANDRA_CONTACT_POINTS names the server they come from.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect } from 'vitest'
import { namedTarget } from './harness.ts'

export interface Golden {
  check(question: string, answer: unknown): void
}

export function useGolden(path: string): Golden {
  const recording = process.env['RECORD_GOLDEN'] === '1'
  if (recording && namedTarget() === undefined) {
    throw new Error(
      'RECORD_GOLDEN=1 needs CASSANDRA_CONTACT_POINTS: golden answers come from Apache Cassandra',
    )
  }
  const answers: Record<string, unknown> = recording ? {} : JSON.parse(readFileSync(path, 'utf8'))
  if (recording) afterAll(() => writeFileSync(path, `${JSON.stringify(answers, null, 2)}\n`))
  return {
    check: (question, answer) => {
      if (recording) answers[question] = answer
      expect(answers, `nothing is recorded for: ${question}`).toHaveProperty([question])
      expect(answer).toEqual(answers[question])
    },
  }
}
