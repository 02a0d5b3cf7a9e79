import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load, Runner, settingsFor } from './runner.ts'

/** Columns that come back, compact tables and rows without all their clusterings: replay must tell them as the node did. */
for (const name of ['altered', 'compact', 'counters', 'guardrails']) {
  for (const { section, steps } of load(name)) {
    if (section.startsWith('as user')) continue
    test(`${name}: ${section}: restarts change nothing`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'sibyl-restarts-'))
      const runner = await Runner.start(settingsFor(name), false, dir)
      try {
        for (const [index, step] of steps.entries()) {
          if (index % 5 === 3) await runner.restart()
          const { cql, options: _, ...expected } = step
          // Cassandra too forgets a table's cdc when it starts again: with CDC off, system_schema does not hold it.
          if (cql.endsWith('cdc = false')) continue
          expect(await runner.run(step), cql).toEqual(expected)
        }
      } finally {
        await runner.stop()
        rmSync(dir, { recursive: true, force: true })
      }
    })
  }
}
