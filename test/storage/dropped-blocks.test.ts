import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EngineNode } from '../referee/engine-node.ts'

test('backwards, a block of which a dropped column left nothing is no end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sibyl-dropped-'))
  const node = await EngineNode.start('ks', directory)
  try {
    const { client } = node
    await client.query('CREATE TABLE ks.t (p int, c int, v text, w text, PRIMARY KEY (p, c))')
    const long = (letter: string, length: number): string => letter.repeat(length)
    for (let c = 0; c < 4; c++) {
      await client.query(`INSERT INTO ks.t (p, c, v) VALUES (1, ${c}, '${long('v', 20_000)}')`)
    }
    // A block or more of its own.
    await client.query(`UPDATE ks.t SET w = '${long('w', 200_000)}' WHERE p = 1 AND c = 4`)
    await client.query(`INSERT INTO ks.t (p, c, v) VALUES (1, 5, '${long('v', 20_000)}')`)
    await node.flush('t')
    await client.query('ALTER TABLE ks.t DROP w')
    const keys = async (rest: string): Promise<unknown[]> =>
      (await client.rows(`SELECT c FROM ks.t WHERE p = 1 ${rest}`)).map(([c]) => c)
    expect(await keys('')).toEqual([0, 1, 2, 3, 5])
    expect(await keys('ORDER BY c DESC')).toEqual([5, 3, 2, 1, 0])
    expect(await keys('AND c >= 1 AND c <= 4 ORDER BY c DESC')).toEqual([3, 2, 1])
    expect(await keys('AND c IN (0, 4, 5) ORDER BY c DESC')).toEqual([5, 0])
  } finally {
    await node.stop()
    rmSync(directory, { recursive: true })
  }
})
