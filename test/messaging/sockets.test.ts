import { afterEach, describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../src/cluster/endpoint.ts'
import { wordsOf } from '../../src/cluster/messaging/aligned.ts'
import type { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import { InternodeMessaging, type MessagingOptions } from '../../src/cluster/messaging/internode-messaging.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { nodeRandom } from '../../src/io/node-random.ts'
import { nodeTimers } from '../../src/io/node-timers.ts'

const running: InternodeMessaging[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()))
})

async function start(address: string, options: Partial<MessagingOptions> = {}): Promise<InternodeMessaging> {
  const service = new InternodeMessaging({
    self: parseEndpoint(address)!,
    network: new NodeNetwork(),
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
    ...options,
  })
  await service.listen()
  running.push(service)
  return service
}

function ask(
  from: InternodeMessaging,
  to: InternodeMessaging,
  payload: Uint8Array,
): Promise<Uint8Array | RequestFailureReason> {
  return new Promise((resolve) => {
    from.request(to.self, Verb.MUTATION_REQ, payload, {
      timeoutMs: 2000,
      onResponse: (answer) => resolve(Uint8Array.from(answer)),
      onFailure: resolve,
    })
  })
}

describe('messaging over sockets', () => {
  it('answers requests of all sizes, and of a node to itself', async () => {
    const a = await start('127.0.0.31:17000')
    const b = await start('127.0.0.32:17000')
    for (const service of [a, b]) {
      service.handle(Verb.MUTATION_REQ, (message) => {
        const words = wordsOf(message.payload)
        message.respond(Uint8Array.of(message.payload.length & 0xff, words.length > 0 ? words[0]! & 0xff : 0))
      })
    }
    for (const size of [0, 1, 3, 200, 70_000, 131_000, 131_072, 200_000, 5_000_000]) {
      const payload = new Uint8Array(size).fill(7)
      const expected = Uint8Array.of(size & 0xff, size >= 4 ? 7 : 0)
      expect(await ask(a, b, payload), `${size} bytes`).toEqual(expected)
      expect(await ask(b, a, payload), `${size} bytes`).toEqual(expected)
      expect(await ask(a, a, payload), `${size} bytes`).toEqual(expected)
    }
  })
})
