import type { Endpoint } from '../../cluster/endpoint.ts'
import type { OutboundConnection } from '../../cluster/messaging/outbound-connection.ts'
import type { Observed, Row } from './index.ts'

type Ring = NonNullable<Observed['ring']>

/** What other nodes have sent to this one (`InternodeInboundTable`); none where the node is alone. */
export function internodeInboundRows({ ring }: Observed): Row[] {
  if (ring === null) return []
  const { messaging } = ring
  return [...messaging.inboundPeers].map(({ from, reserve, figures }) => {
    let using = 0
    for (const connection of messaging.inboundConnections) {
      if (connection.from.text === from.text) using += connection.pendingBytes
    }
    return {
      ...keyOf(ring, from),
      using_bytes: BigInt(using),
      using_reserve_bytes: BigInt(reserve.using),
      // A frame that is broken ends its connection.
      corrupt_frames_recovered: 0n,
      corrupt_frames_unrecovered: BigInt(figures.corruptFrames),
      error_bytes: BigInt(figures.error.bytes),
      error_count: BigInt(figures.error.count),
      expired_bytes: BigInt(figures.expired.bytes),
      expired_count: BigInt(figures.expired.count),
      scheduled_bytes: BigInt(figures.received.bytes - figures.released.bytes),
      scheduled_count: BigInt(figures.received.count - figures.released.count),
      processed_bytes: BigInt(figures.processed.bytes),
      processed_count: BigInt(figures.processed.count),
      received_bytes: BigInt(figures.received.bytes),
      received_count: BigInt(figures.received.count),
      throttled_count: BigInt(figures.throttledCount),
      throttled_nanos: BigInt(Math.round(figures.throttledMs * 1e6)),
    }
  })
}

/** What this node has sent to others (`InternodeOutboundTable`); none where the node is alone. */
export function internodeOutboundRows({ ring }: Observed): Row[] {
  if (ring === null) return []
  return ring.messaging.peers.map(({ to, reserve, connections }) => {
    const sum = (of: (connection: OutboundConnection) => number): bigint =>
      BigInt(connections.reduce((total, connection) => total + of(connection), 0))
    const pendingBytes = sum(({ figures }) => figures.pendingBytes)
    return {
      ...keyOf(ring, to),
      using_bytes: pendingBytes,
      using_reserve_bytes: BigInt(reserve.using),
      pending_count: sum(({ figures }) => figures.pendingCount),
      pending_bytes: pendingBytes,
      sent_count: sum(({ figures }) => figures.sentCount),
      sent_bytes: sum(({ figures }) => figures.sentBytes),
      expired_count: sum(({ figures }) => figures.expiredCount),
      expired_bytes: sum(({ figures }) => figures.expiredBytes),
      error_count: sum(({ figures }) => figures.errorCount),
      error_bytes: sum(({ figures }) => figures.errorBytes),
      overload_count: sum(({ figures }) => figures.overloadedCount),
      overload_bytes: sum(({ figures }) => figures.overloadedBytes),
      active_connections: sum(({ isEstablished }) => (isEstablished ? 1 : 0)),
      connection_attempts: sum(({ figures }) => figures.connectionAttempts),
      successful_connection_attempts: sum(({ figures }) => figures.successfulConnections),
    }
  })
}

function keyOf({ membership }: Ring, endpoint: Endpoint): Row {
  const { dataCenter, rack } = membership.place(endpoint)
  return { address: endpoint.host, port: endpoint.port, dc: dataCenter, rack }
}
