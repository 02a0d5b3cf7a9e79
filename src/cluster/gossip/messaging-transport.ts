import { type MessagingService, Verb } from '../messaging/index.ts'
import { GossipFormatError } from './codec.ts'
import type { GossipMessage } from './message.ts'
import type { GossipService, GossipTransport } from './service.ts'
import type { GossipLogger } from './subscriber.ts'

const NOTHING = new Uint8Array(0)

const GOSSIP_VERBS: readonly GossipMessage['verb'][] = [
  'GOSSIP_DIGEST_SYN',
  'GOSSIP_DIGEST_ACK',
  'GOSSIP_DIGEST_ACK2',
  'GOSSIP_SHUTDOWN',
]

/** Gossip's way to other nodes over the messaging service. */
export function messagingTransport(messaging: MessagingService): GossipTransport {
  return {
    send: (to, verb, payload) => messaging.send(to, Verb[verb], payload),
    echo: (to, answered) =>
      messaging.request(to, Verb.ECHO_REQ, NOTHING, { onResponse: () => answered(), onFailure() {} }),
  }
}

/**
 * Hands gossip what comes for it, and has connections broken and closed as nodes go (`StorageService.onDead`,
 * `Gossiper.removeEndpoint`). To be called before the service starts. Messages that are none are logged and dropped.
 */
export function serveGossip(messaging: MessagingService, service: GossipService, log: GossipLogger): void {
  for (const verb of GOSSIP_VERBS) {
    messaging.handle(Verb[verb], ({ from, payload }) => {
      try {
        service.receive(from, verb, payload)
      } catch (error) {
        if (!(error instanceof GossipFormatError)) throw error
        log.warn(`${verb} of /${from.text} can't be read: ${error.message}`)
      }
    })
  }
  messaging.handle(Verb.ECHO_REQ, (message) => {
    if (service.answersEcho) message.respond(NOTHING)
    else message.drop()
  })
  service.membership.subscribe((event) => {
    if (event.kind === 'dead' || event.kind === 'restarted') messaging.interrupt(event.endpoint)
    else if (event.kind === 'left') messaging.closeOutbound(event.endpoint)
  })
}
