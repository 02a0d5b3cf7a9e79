import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type CqlError, ConsistencyLevel, UnavailableError } from '../../../src/common/errors.ts'
import { RangeReadPlans } from '../../../src/cluster/coordinator/read-plan-range.ts'
import { planRead } from '../../../src/cluster/coordinator/read-plan.ts'
import type { PlanView, Replicas } from '../../../src/cluster/coordinator/replica-plan.ts'
import { batchlogNodes } from '../../../src/cluster/coordinator/write-plan-batchlog.ts'
import { planPaxos } from '../../../src/cluster/coordinator/write-plan-paxos.ts'
import { planReadRepairWrite, planWrite } from '../../../src/cluster/coordinator/write-plan.ts'
import { parseEndpoint } from '../../../src/cluster/endpoint.ts'
import { type RingMember, type RingNode, Ring } from '../../../src/cluster/ring/ring.ts'
import { factorIn, strategyOf } from '../../../src/cluster/ring/strategy.ts'
import { tokenFrom, tokenHigh, tokenLow } from '../../../src/cluster/ring/token.ts'

type ByLevel = Readonly<Record<keyof typeof ConsistencyLevel, string>>

/** Plans of a token while some nodes are dead. */
interface Case {
  readonly dead: string
  readonly token: string
  /** `blockFor:contacts:live:pending`, or `!required/alive/text`. */
  readonly write: ByLevel
  /** `blockFor:candidates:contacts`, where a table never speculates and where it always does. */
  readonly read: ByLevel
  readonly always: ByLevel
  /** As writes, for the contacts of `read`. */
  readonly repair: Partial<ByLevel>
  /** `required:contacts:liveAndDown:pending`. */
  readonly paxos: Pick<ByLevel, 'SERIAL' | 'LOCAL_SERIAL'>
  /** `candidates:contacts:vnodes:end` for each plan of a read of all ranges, and the error that ended it. */
  readonly ranges: Readonly<Record<string, readonly string[]>>
}

/** A ring as test/golden/plans/Plans.java writes it. */
interface Recorded {
  readonly seed: number
  readonly nodes: readonly (readonly [endpoint: string, dataCenter: string, rack: string, tokens: string[]])[]
  /** So many of the last nodes. */
  readonly joining: number
  readonly leaving: string
  readonly local: string
  readonly order: string
  readonly batchlogs: readonly {
    readonly dead: string
    readonly preferLocalRack: boolean
    readonly picked: readonly string[]
  }[]
  readonly strategies: readonly {
    readonly replication: Readonly<Record<string, string>>
    readonly cases: readonly Case[]
  }[]
}

const text = gunzipSync(readFileSync(new URL('plans.jsonl.gz', import.meta.url))).toString()
const recorded = text
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

const LEVELS = Object.keys(ConsistencyLevel) as (keyof typeof ConsistencyLevel)[]
const ALL = {
  startHi: -0x80000000,
  startLo: 0,
  startInclusive: false,
  afterKey: null,
  endHi: 0x7fffffff,
  endLo: -1,
  endInclusive: true,
}

const digits = (nodes: Replicas) => nodes.map((node) => node.hostId).join('')
/** Cassandra has pending replicas in the order of a hash map, behind the natural ones. */
const sorted = (nodes: string) => [...nodes].sort().join('')

function attempt(plan: () => string): string {
  try {
    return plan()
  } catch (error) {
    if (error instanceof UnavailableError) return `!${error.required}/${error.alive}/${error.message}`
    return `!${(error as CqlError).message}`
  }
}

/** Where several data centres have too few, Cassandra names that which comes first in a hash map: any of them is as good. */
function expectSame(view: PlanView, ours: string, theirs: string, what: string): void {
  const [, place] = / in DC (.*)$/.exec(theirs) ?? []
  const isElsewhere = place !== undefined && / in DC /.test(ours) && !ours.endsWith(` ${place}`)
  const lacking = isElsewhere ? dataCentersWithoutQuorum(view, ours) : ''
  if (isElsewhere) expect(lacking, what).toContain(place)
  else expect(ours, what).toBe(theirs)
}

/** Data centres of which most nodes are dead or which are too small: those that an EACH_QUORUM can lack. */
function dataCentersWithoutQuorum({ ring, strategy, isAlive }: PlanView, ours: string): readonly string[] {
  if (strategy.kind !== 'NetworkTopologyStrategy') throw new Error(ours)
  return [...strategy.factors.keys()].filter((name) => {
    const nodes = ring.nodes.filter(({ dataCenter }) => dataCenter === name)
    return nodes.length < (factorIn(strategy, name)! >> 1) + 1 || nodes.some((node) => !isAlive(node))
  })
}

/** The numbers at the front, then nodes in any order. */
const normal = (plan: string) => {
  const [count, ...lists] = plan.split(':')
  return [count, ...lists.map(sorted)].join(':')
}

function ringOf({ nodes, joining, leaving }: Recorded): Ring {
  const members = nodes.map(
    ([endpoint, dataCenter, rack, tokens], i): RingMember => ({
      node: { hostId: i.toString(36), endpoint: parseEndpoint(endpoint)!, dataCenter, rack },
      tokens: tokens.map(BigInt),
    }),
  )
  const count = members.length - joining
  return Ring.of(members.slice(0, count)).changing({
    joining: members.slice(count),
    leaving: leaving === '' ? [] : [leaving],
    moving: [],
  })
}

function viewOf(each: Recorded, ring: Ring, replication: Readonly<Record<string, string>>, dead: string): PlanView {
  const local = ring.node(each.local)!
  const near = (node: RingNode) => each.order.indexOf(node.hostId)
  const isRemote = (node: RingNode) => node.dataCenter !== local.dataCenter
  return {
    ring,
    strategy: strategyOf(new Map(Object.entries(replication)), local),
    localDataCenter: local.dataCenter,
    isAlive: (node) => !dead.includes(node.hostId),
    sortedByProximity: (nodes) => nodes.toSorted((a, b) => near(a) - near(b)),
    isWorthMerging: (merged, first, second) =>
      !merged.some(isRemote) || first.some(isRemote) || second.some(isRemote),
  }
}

type Compare = (view: PlanView, recordedCase: Case, hi: number, lo: number, what: string) => void

/** Compares all cases of a ring. */
function compareAll(each: Recorded, compare: Compare): void {
  const ring = ringOf(each)
  for (const { replication, cases } of each.strategies) {
    for (const one of cases) {
      const view = viewOf(each, ring, replication, one.dead)
      const token = BigInt(one.token)
      const what = `${view.strategy.key}, dead ${one.dead}, token ${one.token}`
      compare(view, one, tokenHigh(token), tokenLow(token), what)
    }
  }
}

describe('plans as Cassandra makes them', () => {
  it('are of many kinds', () => {
    const cases = recorded.flatMap((each) => each.strategies.flatMap((strategy) => strategy.cases))
    const writes = cases.flatMap((each) => Object.values(each.write))
    expect(cases.length).toBeGreaterThan(1000)
    expect(writes.filter((plan) => plan.startsWith('!')).length).toBeGreaterThan(1000)
    expect(writes.filter((plan) => /^\d+:\w+:\w+:\w+$/.test(plan)).length).toBeGreaterThan(1000)
    expect(writes.some((plan) => plan.endsWith('Insufficient full replicas'))).toBe(true)
    expect(writes.some((plan) => plan.includes(' in DC '))).toBe(true)
    const merged = cases.flatMap((each) => Object.values(each.ranges).flat()).filter((plan) => !/:1:/.test(plan))
    expect(merged.length).toBeGreaterThan(1000)
  })

  it.each(recorded)('for writes: seed $seed', (each) => {
    compareAll(each, (view, { write }, hi, lo, what) => {
      for (const level of LEVELS) {
        const ours = attempt(() => {
          const plan = planWrite(view, ConsistencyLevel[level], hi, lo)
          const lists = [plan.contacts, plan.live, plan.pending].map((nodes) => sorted(digits(nodes)))
          return [plan.blockFor, ...lists].join(':')
        })
        const theirs = write[level]
        const same = theirs.startsWith('!') ? theirs : normal(theirs)
        expectSame(view, ours, same, `${level} ${what}`)
      }
    })
  })

  it.each(recorded)('for reads: seed $seed', (each) => {
    compareAll(each, (view, { read, always }, hi, lo, what) => {
      for (const level of LEVELS) {
        for (const speculation of ['NEVER', 'ALWAYS'] as const) {
          const ours = attempt(() => {
            const plan = planRead(view, ConsistencyLevel[level], hi, lo, speculation)
            expect([...plan.dataContacts, ...plan.digestContacts]).toEqual(plan.contacts)
            return [plan.blockFor, digits(plan.candidates), digits(plan.contacts)].join(':')
          })
          const theirs = (speculation === 'NEVER' ? read : always)[level]
          expectSame(view, ours, theirs, `${level} ${speculation} ${what}`)
        }
      }
    })
  })

  it.each(recorded)('for repairs of reads: seed $seed', (each) => {
    compareAll(each, (view, { repair }, hi, lo, what) => {
      for (const [name, theirs] of Object.entries(repair)) {
        const level = ConsistencyLevel[name as keyof typeof ConsistencyLevel]
        const ours = attempt(() => {
          const { contacts } = planRead(view, level, hi, lo, 'NEVER')
          const plan = planReadRepairWrite(view, level, hi, lo, contacts)
          return `${plan.blockFor}:${sorted(digits(plan.contacts))}`
        })
        const [blockFor, contacts] = theirs.split(':')
        // Which of several pending replicas is taken first is by the order of a hash map, too.
        if (view.ring.pendingReplicas(view.strategy, hi, lo).length > 1 && !theirs.startsWith('!')) {
          const [ourBlockFor, ourContacts] = ours.split(':')
          expect([ourBlockFor, ourContacts!.length], `${name} ${what}`).toEqual([blockFor, contacts!.length])
        } else {
          const same = theirs.startsWith('!') ? theirs : `${blockFor}:${sorted(contacts!)}`
          expectSame(view, ours, same, `${name} ${what}`)
        }
      }
    })
  })

  it.each(recorded)('for Paxos: seed $seed', (each) => {
    compareAll(each, (view, { paxos }, hi, lo, what) => {
      for (const level of ['SERIAL', 'LOCAL_SERIAL'] as const) {
        const ours = attempt(() => {
          const plan = planPaxos(view, ConsistencyLevel[level], hi, lo)
          const lists = [plan.contacts, plan.liveAndDown, plan.pending].map((nodes) => sorted(digits(nodes)))
          return [plan.required, ...lists].join(':')
        })
        const theirs = paxos[level]
        const same = theirs.startsWith('!') ? theirs : normal(theirs)
        expect(ours, `${level} ${what}`).toBe(same)
      }
    })
  })

  it.each(recorded)('for ranges: seed $seed', (each) => {
    compareAll(each, (view, { ranges }, _hi, _lo, what) => {
      for (const [name, theirs] of Object.entries(ranges)) {
        const ours: string[] = []
        const end = attempt(() => {
          const level = ConsistencyLevel[name as keyof typeof ConsistencyLevel]
          for (const { candidates, contacts, vnodeCount, range } of new RangeReadPlans(view, level, ALL)) {
            const isEnd = range.endHi === ALL.endHi && range.endLo === ALL.endLo
            // The end of the ring is its least token for Cassandra.
            const right = isEnd ? -(2n ** 63n) : tokenFrom(range.endHi, range.endLo)
            ours.push([digits(candidates), digits(contacts), vnodeCount, right].join(':'))
          }
          return ''
        })
        if (end !== '') ours.push(end)
        expect(ours.length, `${name} ${what}`).toBe(theirs.length)
        for (const [i, plan] of theirs.entries()) expectSame(view, ours[i]!, plan, `${name} ${what}`)
      }
    })
  })

  it.each(recorded)('for batchlogs, all that can be drawn: seed $seed', (each) => {
    const ring = ringOf(each)
    let state = each.seed + 1
    const random = {
      bytes: () => {},
      uint32: () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0),
    }
    for (const { dead, preferLocalRack, picked } of each.batchlogs) {
      const view = {
        ring,
        localNode: ring.node(each.local)!,
        isAlive: (node: RingNode) => !dead.includes(node.hostId),
        prefersLocalRack: preferLocalRack,
      }
      const ours = new Set<string>()
      for (let i = 0; i < 2000; i++) ours.add(sorted(digits(batchlogNodes(view, random))))
      expect([...ours].sort(), `dead ${dead}`).toEqual(picked)
    }
  })
})
