import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineNode } from './engine-node.ts'
import { askSibyl, produce } from './produce.ts'
import { type Question, questionsAbout } from './questions.ts'
import { SHAPES, SHARE } from './shapes.ts'

/**
 * What was flushed, and compacted, answers as a node in memory does: every question that the referee is asked too. REFEREE=all takes
 * all shapes.
 */

const TIMES = { writtenSeconds: 1_790_000_000 }
const shapes = process.env['REFEREE'] === 'all' ? SHAPES : SHARE
const scratch = mkdtempSync(join(tmpdir(), 'sibyl-produce-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe.each(['flushed', 'compacted'])('%s', (how) => {
  let node: EngineNode
  let memory: EngineNode
  beforeAll(async () => {
    node = await EngineNode.start(`ref_${how}`, join(scratch, how))
    memory = await EngineNode.start(`ref_${how}`, null)
  })
  afterAll(async () => {
    await node.stop()
    await memory.stop()
  })

  test.each(shapes)('$name', async (shape) => {
    await produce(node, shape, TIMES, how === 'compacted')
    await produce(memory, shape, TIMES, false)
    const expected = (question: Question) => askSibyl(memory, question, TIMES)
    for (const question of await questionsAbout(memory.table(shape.name), shape.absent ?? [], expected)) {
      const found = await askSibyl(node, question, TIMES)
      expect({ question, ...found }).toEqual({ question, ...(await expected(question)) })
    }
  })
})
