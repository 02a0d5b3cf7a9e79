import { describe, expect, it } from 'vitest'
import { connector } from './connector.ts'
import { goldenNames, readGolden } from './golden.ts'
import type { Feature } from './replay.ts'
import { exclusionOf, replayData, replayFile, setUp } from './replay.ts'

/**
 * `REPLAY_TARGET=host:port` names a server that is fresh (no keyspace of the recordings), `REPLAY_FILES` the files
 * (all, auth, overload, or names), `REPLAY_FEATURES` what it has beyond the first release.
 */
const target = process.env['REPLAY_TARGET']
const features = (process.env['REPLAY_FEATURES'] ?? '').split(',').filter(Boolean) as Feature[]

function files(): readonly string[] {
  const wanted = process.env['REPLAY_FILES'] ?? 'all'
  if (wanted === 'all') return replayData.order
  if (wanted === 'auth') return replayData.authOrder
  if (wanted === 'overload') return replayData.overloadOrder
  return wanted.split(',')
}

describe.skipIf(target === undefined)('recorded exchanges replayed to REPLAY_TARGET', () => {
  const [host, port] = (target ?? ':0').split(/:(?=\d+$)/)
  const connectToServer = connector(host, Number(port))

  it('has the tables of the recordings', async () => {
    if (replayData.order.includes(files()[0])) await setUp(connectToServer)
  })

  it.each(files())('%s', async (name) => {
    const report = await replayFile(name, connectToServer, { features })
    for (const difference of report.differences) console.log(JSON.stringify(difference, null, 1))
    expect(report.differences.map(({ comment }) => comment)).toEqual([])
  }, 120_000)
})

describe('the list of exchanges that are left out', () => {
  it('names every recorded file once in an order, unless all of it is left out', () => {
    const ordered = [...replayData.order, ...replayData.authOrder, ...replayData.overloadOrder]
    const rest = goldenNames().filter((name) => !ordered.includes(name))
    expect(new Set(ordered).size).toBe(ordered.length)
    for (const name of rest) {
      const { exchanges } = readGolden(name)
      expect(exchanges.every((exchange) => exclusionOf(name, exchange) !== null)).toBe(true)
    }
  })

  it('has no rule that matches nothing', () => {
    const all = goldenNames().flatMap((name) =>
      readGolden(name).exchanges.map((exchange) => ({ name, exchange })),
    )
    for (const rule of replayData.excluded) {
      const others = replayData.excluded.filter((other) => other !== rule).map(({ needs }) => needs)
      const found = all.some(
        ({ name, exchange }) =>
          exclusionOf(
            name,
            exchange,
            others.filter((need) => need !== rule.needs),
          ) !== null,
      )
      expect(found, JSON.stringify(rule)).toBe(true)
    }
  })

  it('leaves out no more than it did', () => {
    const counts: Record<string, number> = {}
    let total = 0
    for (const name of goldenNames()) {
      for (const exchange of readGolden(name).exchanges) {
        const rule = exclusionOf(name, exchange)
        if (rule === null) continue
        counts[rule.needs] = (counts[rule.needs] ?? 0) + 1
        total++
      }
    }
    expect({ total, ...counts }).toMatchInlineSnapshot(`
      {
        "functions": 46,
        "indexes": 14,
        "roles": 78,
        "several nodes": 83,
        "thresholds": 11,
        "total": 254,
        "views": 22,
      }
    `)
  })
})
