import { parseEndpoint } from '../../src/cluster/endpoint.ts'
import { InternodeMessaging, type MessagingOptions } from '../../src/cluster/messaging/internode-messaging.ts'
import type { NetworkConnection } from '../../src/io/network.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimNetwork } from '../sim/sim-network.ts'
import { SimRandom } from '../sim/sim-random.ts'

/** Services of several hosts on one simulated network. */
export class SimServices {
  readonly clock = new SimClock()
  readonly timers = new SimTimers(this.clock)
  readonly random: SimRandom
  readonly network: SimNetwork
  readonly log: string[] = []

  constructor(seed: number, delayMsMax: number = 3) {
    this.random = new SimRandom(seed)
    this.network = new SimNetwork(this.timers, this.random, delayMsMax)
  }

  host(n: number): string {
    return `10.0.0.${n}`
  }

  /** Service `n`, listening. */
  async start(n: number, options: Partial<MessagingOptions> = {}): Promise<InternodeMessaging> {
    const say = (message: string): void => {
      this.log.push(`${n}: ${message}`)
    }
    const service = new InternodeMessaging({
      self: parseEndpoint(`${this.host(n)}:7000`)!,
      network: this.network.host(this.host(n)),
      clock: this.clock,
      timers: this.timers,
      random: this.random,
      logger: { info: say, warn: say, error: say },
      ...options,
    })
    await service.listen()
    return service
  }

  /** A bare connection to service `n`, as a stranger has it. */
  connect(n: number): Promise<NetworkConnection> {
    return this.network.connect(this.host(n), 7000)
  }

  run(ms: number): Promise<void> {
    return this.timers.advance(ms)
  }
}
