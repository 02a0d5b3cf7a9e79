import { expect, it } from 'vitest'
import { SimClock, SimTimers } from '../../test/sim/sim-clock.ts'
import { SimRandom } from '../../test/sim/sim-random.ts'
import type { Logger } from '../common/logger.ts'
import { parseEndpoint } from './endpoint.ts'
import type { Membership } from './gossip/index.ts'
import { MemberView } from './member-view.ts'
import type { RingNode } from './ring/ring.ts'
import { PropertyFileSnitch } from './ring/snitch.ts'

it('goes by the topology file as it is later, and says what it cannot take over', async () => {
  const node = (host: string): RingNode => ({
    endpoint: parseEndpoint(host)!,
    hostId: host,
    dataCenter: 'dc1',
    rack: 'r1',
  })
  const [here, first, second] = [node('10.0.0.1'), node('10.0.0.2'), node('10.0.0.3')]
  let file = '10.0.0.1=dc1:r1\n10.0.0.2=dc2:r1\n10.0.0.3=dc3:r1'
  const snitch = new PropertyFileSnitch({
    local: here.endpoint,
    rackDcFile: null,
    readTopology: () => file,
    gossiped: () => ({ dataCenter: 'dc1', rack: 'r1' }),
  })
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const errors: string[] = []
  const view = new MemberView(
    { local: here, liveTokenOwners: [first.endpoint], subscribe: () => {} } as unknown as Membership,
    snitch,
    null,
    {
      clock,
      timers,
      random: new SimRandom(1),
      logger: { error: (text: string) => errors.push(text) } as Partial<Logger> as Logger,
    },
  )
  const order = (): readonly (string | null)[] =>
    view.sortedByProximity([first, second]).map(({ hostId }) => hostId)
  view.start()
  expect(order()).toEqual(['10.0.0.2', '10.0.0.3'])
  file = file.replace('dc3', 'dc1')
  await timers.advance(4_900)
  expect([order(), view.epoch]).toEqual([['10.0.0.2', '10.0.0.3'], 0])
  await timers.advance(200)
  expect([order(), view.epoch]).toEqual([['10.0.0.3', '10.0.0.2'], 1])
  file = file.replace('dc2', 'dc1')
  await timers.advance(20_000)
  expect(errors).toEqual([
    'Cannot update data center or rack from [dc2, r1] to [dc1, r1] for live host /10.0.0.2:7000, property file NOT RELOADED',
  ])
  expect(view.epoch).toBe(1)
  view.stop()
  expect(timers.pending).toBe(0)
})
