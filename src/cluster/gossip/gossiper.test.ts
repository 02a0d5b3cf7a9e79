import { expect, it } from 'vitest'
import { endpoint } from '../endpoint.ts'
import type { GossipTime } from './context.ts'
import type { EndpointStateView } from './endpoint-state.ts'
import { EndpointState } from './endpoint-state.ts'
import { EndpointTable } from './endpoint-table.ts'
import { Gossiper } from './gossiper.ts'
import type { Outgoing } from './message.ts'
import { gossipSettings } from './settings.ts'
import { nextGeneration } from './shadow-round.ts'

const [one, two] = [endpoint('127.0.0.1')!, endpoint('127.0.0.2')!]

it('has a generation that is greater than the last one', () => {
  expect(nextGeneration(null, 1_700_000_000_999)).toBe(1_700_000_000)
  expect(nextGeneration(1_699_999_999, 1_700_000_000_000)).toBe(1_700_000_000)
  expect(nextGeneration(1_700_000_000, 1_700_000_000_000)).toBe(1_700_000_001)
  expect(nextGeneration(1_800_000_000, 1_700_000_000_000)).toBe(1_800_000_001)
})

it('says what is newer, and nothing else', () => {
  const table = new EndpointTable(one.text)
  const states = [
    ['DC', { value: 'dc1', version: 3 }],
    ['RACK', { value: 'r1', version: 4 }],
    ['LOAD', { value: '1.0', version: 5 }],
  ] as const
  table.set(two, new EndpointState({ generation: 7, version: 4 }, states, 0))
  const said = (version: number): string[] | undefined => {
    const state = table.newerThan(two, version)
    return state && [...state.states.keys()]
  }
  expect([-1, 3, 4, 5].map(said)).toEqual([['DC', 'RACK', 'LOAD'], ['RACK', 'LOAD'], ['LOAD'], undefined])
  const digest = (generation: number, maxVersion: number) => [{ endpoint: two, generation, maxVersion }]
  expect(table.examine(digest(7, 5))).toEqual({ wanted: [], lacking: [] })
  expect(table.examine(digest(7, 6)).wanted).toEqual(digest(7, 5))
  expect(table.examine(digest(8, 1)).wanted).toEqual(digest(8, 0))
  expect(table.examine(digest(7, 4)).lacking.map(([, { states: newer }]) => [...newer.keys()])).toEqual([
    ['LOAD'],
  ])
  expect(table.examine(digest(6, 9)).lacking.map(([, { states: newer }]) => newer.size)).toEqual([3])
})

it('takes nothing that leaves out what it does not have', () => {
  const now = { wallMs: 1_700_000_000_000, monotonicMs: 0 }
  const gossiper = gossiperAt(now)
  const value = (version: number) => ({ value: 'x', version })
  const hear = (state: EndpointStateView): string[] | undefined => {
    gossiper.receive(two, { verb: 'GOSSIP_DIGEST_ACK2', states: [[two, state]] }, now)
    const known = gossiper.state(two)
    return known && [...known.states.keys()]
  }
  const heartbeat = { generation: 10, version: 50 }
  // Meant for this node before it started anew.
  expect(hear({ heartbeat, states: new Map([['SCHEMA', value(60)]]), since: 40 })).toBeUndefined()
  expect(hear({ heartbeat, states: new Map([['HOST_ID', value(3)]]) })).toEqual(['HOST_ID'])
  expect(hear({ heartbeat, states: new Map([['SCHEMA', value(60)]]), since: 51 })).toEqual(['HOST_ID'])
  expect(hear({ heartbeat, states: new Map([['SCHEMA', value(60)]]), since: 50 })).toEqual([
    'HOST_ID',
    'SCHEMA',
  ])
  const later = { generation: 11, version: 70 }
  expect(hear({ heartbeat: later, states: new Map([['LOAD', value(70)]]), since: 60 })).toEqual([
    'HOST_ID',
    'SCHEMA',
  ])
  expect(hear({ heartbeat: later, states: new Map([['LOAD', value(70)]]) })).toEqual(['LOAD'])
})

function gossiperAt(now: GossipTime): Gossiper {
  const settings = gossipSettings({ clusterName: 'c', local: one, seeds: [one] })
  const gossiper = new Gossiper(settings, {
    random: { uint32: () => 0, bytes() {} },
    members: { isMember: () => true },
    log: { info() {}, warn() {} },
    now,
  })
  gossiper.start(1, [], now)
  return gossiper
}

it('does not take an echo of an earlier life for one of this', () => {
  const now = { wallMs: 1_700_000_000_000, monotonicMs: 0 }
  const gossiper = gossiperAt(now)
  const hear = (generation: number, version: number): number => {
    const state: EndpointStateView = { heartbeat: { generation, version }, states: new Map() }
    const out = gossiper.receive(two, { verb: 'GOSSIP_DIGEST_ACK2', states: [[two, state]] }, now)
    return attemptIn(out)
  }
  const early = hear(10, 1)
  const later = hear(10, 2)
  expect(later).toBeGreaterThan(early)
  const restarted = hear(11, 1)
  gossiper.echoed(two, later, now)
  expect(gossiper.isAlive(two)).toBe(false)
  // A slow answer of this life counts, though it was asked again meanwhile.
  hear(11, 2)
  gossiper.echoed(two, restarted, now)
  expect(gossiper.isAlive(two)).toBe(true)
})

function attemptIn(out: readonly Outgoing[]): number {
  const echo = out.find(({ message }) => message.verb === 'ECHO_REQ')?.message
  return echo?.verb === 'ECHO_REQ' ? echo.attempt : Number.NaN
}
