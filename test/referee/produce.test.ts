import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DELETION_SHAPES } from './deletion-shapes.ts'
import { askSibyl, produce } from './produce.ts'
import { questionsAbout } from './questions.ts'
import type { Shape } from './shape.ts'
import { SpreadNode } from './spread-node.ts'
import { TABLE_SHAPES } from './table-shapes.ts'
import { TYPE_SHAPES } from './type-shapes.ts'

/** What was flushed, and compacted, answers as the memtable does: every question that the referee is asked too. */

const TIMES = { writtenSeconds: 1_790_000_000 }
const shapes: readonly Shape[] = [...TYPE_SHAPES, ...DELETION_SHAPES, ...TABLE_SHAPES]
const scratch = mkdtempSync(join(tmpdir(), 'sibyl-produce-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe.each(['flushed', 'compacted'])('%s', (how) => {
  let node: SpreadNode
  beforeAll(async () => {
    node = await SpreadNode.start(`ref_${how}`, join(scratch, how))
  })
  afterAll(() => node.stop())

  async function compare(shape: Shape): Promise<void> {
    node.readsFrom = 'memtable'
    const ask = (question: Parameters<typeof askSibyl>[1]) => askSibyl(node, question, TIMES)
    const questions = await questionsAbout(node.table(shape.name), shape.absent ?? [], ask)
    const expected = []
    for (const question of questions) expected.push(await ask(question))
    node.readsFrom = 'sstables'
    for (const [i, question] of questions.entries()) {
      expect({ question, ...(await ask(question)) }).toEqual({ question, ...expected[i]! })
    }
  }

  test.each(shapes)('$name', async (shape) => {
    await produce(node, shape, TIMES, how === 'compacted')
    await compare(shape)
  })
})
