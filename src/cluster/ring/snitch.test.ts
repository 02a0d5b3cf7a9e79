import { describe, expect, it } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { type Endpoint, parseEndpoint } from '../endpoint.ts'
import { DecayingReservoir } from './decaying-reservoir.ts'
import { DEFAULT_DYNAMIC_SNITCH_CONFIG, DynamicSnitch } from './dynamic-snitch.ts'
import { parseProperties } from './properties.ts'
import type { RingNode } from './ring.ts'
import {
  isWorthMerging,
  PropertyFileSnitch,
  parseRackDc,
  RackInferringSnitch,
  SimpleSnitch,
  type SnitchSources,
  snitchOf,
  sortedByProximity,
} from './snitch.ts'

const at = (text: string): Endpoint => parseEndpoint(text)!

function nodes(...hosts: string[]): RingNode[] {
  return hosts.map((host) => ({ hostId: host, endpoint: at(host), dataCenter: '', rack: '' }))
}

const hosts = (of: readonly RingNode[]): string[] => of.map((node) => node.hostId)

const sources: SnitchSources = {
  local: at('10.0.0.1'),
  rackDcFile: null,
  readTopology: () => null,
  gossiped: () => ({ dataCenter: 'there', rack: 'r9' }),
}

describe('property files', () => {
  it('are read as Java reads them', () => {
    const text = [
      '# a comment \\',
      '  ! another',
      'dc = DC1 ',
      'rack:RAC1',
      'plain value',
      'empty',
      'fe80\\:0\\:0\\:0\\:0\\:0\\:0\\:1=DC2\\:R\\u0031',
      'long = one, \\',
      '    two\\\\',
      'dc=last',
      'tab\\tname\t=\tv=w:x',
    ].join('\r\n')
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      dc: 'last',
      rack: 'RAC1',
      plain: 'value',
      empty: '',
      'fe80:0:0:0:0:0:0:1': 'DC2:R1',
      long: 'one, two\\',
      'tab\tname': 'v=w:x',
    })
  })

  it('keep the space behind a value, which rackdc trims', () => {
    expect(parseProperties('dc = DC1 ').get('dc')).toBe('DC1 ')
    expect(parseRackDc('dc = DC1 \nrack= R1\nprefer_local=TRUE\ndc_suffix=_x')).toEqual({
      dataCenter: 'DC1',
      rack: 'R1',
    })
    expect(() => parseRackDc('dc=DC1')).toThrow(
      'DC or rack not found in snitch properties, check your configuration in: cassandra-rackdc.properties',
    )
  })
})

describe('snitches', () => {
  it('simple: one place, the order of the ring', () => {
    const snitch = snitchOf('SimpleSnitch', sources)
    expect(snitch.locate(at('1.2.3.4'))).toEqual({ dataCenter: 'datacenter1', rack: 'rack1' })
    expect(hosts(sortedByProximity(snitch, at('10.0.0.1'), nodes('10.0.0.2', '10.0.0.1')))).toEqual([
      '10.0.0.2',
      '10.0.0.1',
    ])
  })

  it('by bytes of the address: self, rack, data centre, others, each in the order of the ring', () => {
    const snitch = snitchOf('org.apache.cassandra.locator.RackInferringSnitch', sources)
    expect(snitch.locate(at('10.20.114.15'))).toEqual({ dataCenter: '20', rack: '114' })
    const unsorted = nodes('10.2.1.9', '10.2.7.8', '10.1.2.7', '10.1.2.6', '10.1.1.5', '10.1.1.1')
    // A rack of the same name elsewhere is nearer than another, as in Cassandra.
    expect(hosts(sortedByProximity(snitch, at('10.1.1.1'), unsorted))).toEqual([
      '10.1.1.1',
      '10.1.1.5',
      '10.1.2.7',
      '10.1.2.6',
      '10.2.1.9',
      '10.2.7.8',
    ])
  })

  it('by the file of all nodes', () => {
    const text = '/10.0.0.1=DC1:RAC1\n10.0.0.2 = DC2 : RAC2\n10.0.0.3=nothing\ndefault=DC9:r9'
    const snitch = new PropertyFileSnitch({ ...sources, readTopology: () => text })
    const places = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((host) => snitch.locate(at(host)))
    expect(places.map((place) => `${place.dataCenter} ${place.rack}`)).toEqual([
      'DC1 RAC1',
      'DC2 RAC2',
      'default default',
      'DC9 r9',
    ])
    const of = (file: string) => new PropertyFileSnitch({ ...sources, readTopology: () => file })
    expect(() => of('10.0.0.2=a:b')).toThrow(
      "Snitch definitions at cassandra-topology.properties do not define a location for this node's broadcast address /10.0.0.1:7000, nor does it provides a default",
    )
    expect(() => of('what=a:b')).toThrow('Unknown host what')
    // Of whom nothing is said is where it says itself.
    expect(of('10.0.0.1=a:b').locate(at('10.0.0.2'))).toEqual({ dataCenter: 'there', rack: 'r9' })
  })

  it('by that file as it is later, where no live node is moved', () => {
    let file: string | null = '10.0.0.1=DC1:RAC1\n10.0.0.2=DC2:RAC2'
    const snitch = new PropertyFileSnitch({ ...sources, readTopology: () => file })
    const live = [at('10.0.0.1'), at('10.0.0.3')]
    expect(snitch.refresh(live)).toBe(false)
    file = null
    expect(snitch.refresh(live)).toBe(false)
    file = '10.0.0.1=DC1:RAC1\n10.0.0.2=DC3:RAC2\n10.0.0.3=DC1:RAC3'
    expect(snitch.refresh(live)).toBe(true)
    expect(snitch.locate(at('10.0.0.2')).dataCenter).toBe('DC3')
    // It was not in the file before, so that it is not moved.
    expect(snitch.locate(at('10.0.0.3')).rack).toBe('RAC3')
    file = file.replace('RAC3', 'RAC4')
    expect(() => snitch.refresh(live)).toThrow(
      'Cannot update data center or rack from [DC1, RAC3] to [DC1, RAC4] for live host /10.0.0.3:7000, property file NOT RELOADED',
    )
    expect(snitch.refresh(live)).toBe(false)
    expect(snitch.locate(at('10.0.0.3')).rack).toBe('RAC3')
    file = '10.0.0.2=DC1:RAC1'
    expect(() => snitch.refresh(live)).toThrow('nor does it provides a default')
    expect(snitch.locate(at('10.0.0.1')).rack).toBe('RAC1')
  })

  it('by its own file, and of others by gossip', () => {
    const snitch = snitchOf('GossipingPropertyFileSnitch', { ...sources, rackDcFile: 'dc=here\nrack=r1' })
    expect(snitch.locate(at('10.0.0.1'))).toEqual({ dataCenter: 'here', rack: 'r1' })
    expect(snitch.locate(at('10.0.0.2'))).toEqual({ dataCenter: 'there', rack: 'r9' })
  })

  it('are refused where they are none', () => {
    expect(() => snitchOf('NoSnitch', sources)).toThrow(
      "Unable to find snitch class 'org.apache.cassandra.locator.NoSnitch'",
    )
    expect(() => snitchOf('PropertyFileSnitch', sources)).toThrow(
      'Unable to read cassandra-topology.properties',
    )
  })

  it('tell whether two range reads are better one', () => {
    const snitch = new RackInferringSnitch()
    const [near, nearer, far] = nodes('10.1.0.1', '10.1.0.2', '10.2.0.1')
    expect(isWorthMerging(snitch, '1', [near!], [near!, nearer!], [near!])).toBe(true)
    expect(isWorthMerging(snitch, '1', [far!], [near!], [nearer!])).toBe(false)
    expect(isWorthMerging(snitch, '1', [far!], [near!, far!], [nearer!])).toBe(true)
  })
})

describe('the dynamic snitch', () => {
  const local = at('10.0.0.1')
  const all = nodes('10.0.0.1', '10.0.0.2', '10.0.0.3')

  function measured(latencies: readonly number[], badnessThreshold: number = 1): DynamicSnitch {
    const snitch = new DynamicSnitch(new SimpleSnitch(), new SimRandom(1), {
      ...DEFAULT_DYNAMIC_SNITCH_CONFIG,
      badnessThreshold,
    })
    latencies.forEach((latency, i) => {
      for (let n = 0; n < 150; n++) snitch.receiveTiming(all[i]!.endpoint, latency, n * 10)
    })
    snitch.updateScores()
    return snitch
  }

  it('scores by the slowest, in whole milliseconds', () => {
    expect([...measured([1.9, 10, 4]).scores.values()]).toEqual([0.1, 1, 0.4])
    expect([...measured([0.5, 0.9]).scores.values()]).toEqual([0, 0])
  })

  it('leaves the order of the ring only for what is more than twice as good', () => {
    const order = (latencies: number[], threshold?: number) =>
      hosts(measured(latencies, threshold).sortedByProximity(local, all))
        .map((host) => host.slice(-1))
        .join('')
    expect(order([20, 10, 40])).toBe('123')
    expect(order([21, 10, 40])).toBe('213')
    expect(order([11, 10, 12], 0.1)).toBe('123')
    expect(order([12, 10, 11], 0.1)).toBe('231')
    expect(order([11, 10, 12], 0)).toBe('213')
    // One of whom nothing is known counts as the fastest.
    expect(order([10, 10])).toBe('312')
  })

  it('gives a node that was slow another chance after a reset', () => {
    const snitch = measured([90, 10, 10])
    expect(hosts(snitch.sortedByProximity(local, all))[0]).toBe('10.0.0.2')
    snitch.reset()
    expect(hosts(snitch.sortedByProximity(local, all))[0]).toBe('10.0.0.2')
    snitch.updateScores()
    expect(hosts(snitch.sortedByProximity(local, all))[0]).toBe('10.0.0.1')
  })

  it('adds the severity that a node tells of itself', () => {
    const snitch = measured([10, 10, 10])
    snitch.updateScores((text) => (text === all[0]!.endpoint.text ? 5 : 0))
    expect(hosts(snitch.sortedByProximity(local, all))).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1'])
  })

  it('does not make one read of two where that needs a much slower node', () => {
    const snitch = measured([10, 10, 100])
    const [a, b, c] = [[all[0]!], [all[1]!], [all[2]!]]
    expect(snitch.isWorthMerging('datacenter1', c, a, b)).toBe(false)
    expect(snitch.isWorthMerging('datacenter1', a, a, c)).toBe(true)
    expect(snitch.isWorthMerging('datacenter1', nodes('10.0.0.9'), a, b)).toBe(true)
  })
})

describe('a decaying reservoir', () => {
  it('favours what is recent', () => {
    const reservoir = new DecayingReservoir(100, 0.75, new SimRandom(3), 0)
    for (let n = 0; n < 1000; n++) reservoir.add(500, n)
    for (let n = 0; n < 20; n++) reservoir.add(5, 10_000 + n)
    expect(reservoir.median()).toBe(5)
    expect(reservoir.count).toBe(100)
  })

  it('goes on for days', () => {
    const reservoir = new DecayingReservoir(100, 0.75, new SimRandom(3), 0)
    for (let hour = 0; hour < 100; hour++) {
      for (let n = 0; n < 200; n++) reservoir.add(hour, hour * 3_600_000 + n)
      expect(reservoir.median()).toBe(hour)
    }
  })
})
