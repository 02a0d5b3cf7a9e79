import type { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import type { InternodeMessaging } from '../../src/cluster/messaging/internode-messaging.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import type { SimServices } from './sim-services.ts'

export const BYTES = new Uint8Array(200)

export interface Answer {
  outcome: 'response' | RequestFailureReason | null
  atMs: number
}

/** Sends a request; the answer is filled in when it comes. */
export function ask(
  sim: SimServices,
  from: InternodeMessaging,
  to: InternodeMessaging,
  { verb = Verb.MUTATION_REQ, payload = BYTES, timeoutMs = 2000 } = {},
): Answer {
  const answer: Answer = { outcome: null, atMs: 0 }
  const settle = (outcome: 'response' | RequestFailureReason): void => {
    answer.outcome = outcome
    answer.atMs = sim.clock.monotonicMs()
  }
  from.request(to.self, verb, payload, {
    timeoutMs,
    onResponse: () => settle('response'),
    onFailure: (reason) => settle(reason),
  })
  if (answer.outcome !== null) throw new Error('the callback was called inside of request')
  return answer
}

/** Has services answer with what they are asked. */
export function echo(...services: readonly InternodeMessaging[]): void {
  for (const service of services) {
    for (const verb of [Verb.MUTATION_REQ, Verb.READ_REQ, Verb.ECHO_REQ]) {
      service.handle(verb, (message) => message.respond(message.payload))
    }
  }
}
