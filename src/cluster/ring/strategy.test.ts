import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../common/errors.ts'
import { endpoint } from '../endpoint.ts'
import { Ring, type RingNode } from './ring.ts'
import {
  EVERYWHERE,
  factorIn,
  localStrategy,
  networkTopologyStrategy,
  oldNetworkTopologyStrategy,
  sameSettings,
  simpleStrategy,
  strategyOf,
  totalFactor,
} from './strategy.ts'

const LOCATOR = 'org.apache.cassandra.locator.'
const local: RingNode = { hostId: 'a', endpoint: endpoint('10.0.0.1')!, dataCenter: 'dc1', rack: 'r1' }
const read = (options: Record<string, string>) => strategyOf(new Map(Object.entries(options)), local)

describe('replication options', () => {
  it('become strategies', () => {
    expect(read({ class: `${LOCATOR}SimpleStrategy`, replication_factor: '3' })).toEqual(simpleStrategy(3))
    expect(read({ class: `${LOCATOR}OldNetworkTopologyStrategy`, replication_factor: '2' })).toEqual(
      oldNetworkTopologyStrategy(2),
    )
    expect(read({ class: `${LOCATOR}LocalStrategy` })).toEqual(localStrategy(local))
    expect(read({ class: `${LOCATOR}EverywhereStrategy` })).toBe(EVERYWHERE)
    const network = read({ class: `${LOCATOR}NetworkTopologyStrategy`, dc2: '1', dc1: '3/0', dc3: '0' })
    expect(network).toEqual(
      networkTopologyStrategy([
        ['dc1', 3],
        ['dc2', 1],
      ]),
    )
    expect([totalFactor(network, Ring.EMPTY), factorIn(network, 'dc1'), factorIn(network, 'dc9')]).toEqual([
      4, 3, 0,
    ])
    expect(factorIn(simpleStrategy(3), 'dc1')).toBeNull()
    expect(totalFactor(EVERYWHERE, Ring.EMPTY.with(local, [1n, 2n]))).toBe(1)
  })

  it.each([
    [
      { class: `${LOCATOR}SimpleStrategy`, replication_factor: '3/1' },
      'Transient replication is not enabled on this node',
    ],
    [{ class: `${LOCATOR}NetworkTopologyStrategy`, dc1: 'x' }, 'For input string: "x"'],
    [
      { class: `${LOCATOR}NetworkTopologyStrategy`, dc1: '-1' },
      'Replication factor must be non-negative, found -1',
    ],
    [
      { class: `${LOCATOR}NetworkTopologyStrategy`, replication_factor: '1' },
      'replication_factor should not appear as an option at construction time for NetworkTopologyStrategy',
    ],
    [{ class: `${LOCATOR}SimpleStrategy` }, 'SimpleStrategy requires a replication_factor strategy option.'],
    [{ class: 'a.b.C' }, "Unable to find replication strategy class 'a.b.C'"],
  ])('are refused: %o', (options, message) => {
    expect(() => read(options as Record<string, string>)).toThrow(new ConfigurationError(message))
  })

  it('are the same whatever their order', () => {
    const a = networkTopologyStrategy([
      ['dc1', 3],
      ['dc2', 1],
    ])
    const b = networkTopologyStrategy([
      ['dc2', 1],
      ['dc1', 3],
    ])
    expect(b.key).toBe(a.key)
    expect(sameSettings(a, b)).toBe(true)
    expect(sameSettings(a, networkTopologyStrategy([['dc1', 4]]))).toBe(false)
    expect(sameSettings(simpleStrategy(3), oldNetworkTopologyStrategy(3))).toBe(false)
  })
})
