import type { Endpoint } from '../endpoint.ts'
import type { MessagingContext } from './context.ts'
import { WHOLE_MESSAGE_MAX } from './frame-writer.ts'
import { ConnectionType } from './handshake.ts'
import { MESSAGE_HEADER } from './message-header.ts'
import { OutboundConnection } from './outbound-connection.ts'
import type { OutboundMessage } from './outbound-message.ts'
import { QueueCapacity, ResourceLimit } from './resource-limit.ts'

/** Payloads over this go on the connection for large messages (`OutboundConnections.LARGE_MESSAGE_THRESHOLD`: 64 KiB). */
export const LARGE_MESSAGE_THRESHOLD = WHOLE_MESSAGE_MAX / 2 - MESSAGE_HEADER

/** The three connections to a peer (`net/OutboundConnections.java`). */
export class OutboundPeer {
  readonly to: Endpoint
  readonly urgent: OutboundConnection
  readonly small: OutboundConnection
  readonly large: OutboundConnection
  /** What the connections have borrowed beyond their own capacities. */
  readonly reserve: ResourceLimit

  constructor(
    context: MessagingContext,
    to: Endpoint,
    globalReserve: ResourceLimit,
    onLost: (message: OutboundMessage, to: Endpoint) => void,
  ) {
    this.to = to
    const { settings } = context
    const reserve = new ResourceLimit(settings.internode_application_send_queue_reserve_endpoint_capacity)
    this.reserve = reserve
    const connection = (type: ConnectionType): OutboundConnection => {
      const own = settings.internode_application_send_queue_capacity
      const capacity = new QueueCapacity(own, reserve, globalReserve)
      return new OutboundConnection(context, to, type, capacity, (message) => onLost(message, to))
    }
    this.urgent = connection(ConnectionType.URGENT)
    this.small = connection(ConnectionType.SMALL)
    this.large = connection(ConnectionType.LARGE)
  }

  get connections(): readonly OutboundConnection[] {
    return [this.urgent, this.small, this.large]
  }

  /** The connection for such a message. */
  connectionFor(message: OutboundMessage, payloadBytes: number): OutboundConnection {
    if (payloadBytes > LARGE_MESSAGE_THRESHOLD) return this.large
    return message.verb.priority === 0 ? this.urgent : this.small
  }
}
