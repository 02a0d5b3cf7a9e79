import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Answers, ForeignNode, recorded, remove, unpack } from './directory.ts'

/** A directory of Sibyl as it was before it had SSTables: all that it has is a commit log, of a process that was killed. */

const { answers } = recorded<Pick<Answers, 'answers'>>('former-answers')
const directory = unpack('former')
afterAll(() => remove(directory))

async function check(node: ForeignNode): Promise<void> {
  for (const [question, , rows] of answers) {
    expect([question, await node.hexRows(question)]).toEqual([question, rows])
  }
}

test('a directory with a commit log alone opens as before, and becomes one with SSTables', async () => {
  expect(existsSync(join(directory, 'data'))).toBe(false)
  const node = await ForeignNode.start(directory)
  expect(node.warnings).toEqual([])
  await check(node)
  await node.stop()

  const again = await ForeignNode.start(directory)
  await check(again)
  await again.database.engine.flushTables()
  const { stores } = again.database.engine
  expect(stores.filter(({ sstables }) => sstables.length > 0).length).toBeGreaterThan(10)
  await check(again)
  await again.database.engine.drain()
  await again.stop()

  const drained = await ForeignNode.start(directory)
  await check(drained)
  await drained.stop()
})
