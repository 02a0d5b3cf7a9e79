import type { NetworkConnection } from '../../io/network.ts'
import type { Endpoint } from '../endpoint.ts'
import type { MessagingContext } from './context.ts'
import { type Accept, type ConnectionType, decodeAccept, encodeInitiate, Refusal } from './handshake.ts'

/** How long the other side may take to answer the handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** A connection whose handshake is done. */
export interface Established {
  readonly network: NetworkConnection
  readonly accept: Accept
  /** What came behind the handshake. */
  readonly rest: Buffer
}

export interface ConnectOutcome {
  established(connection: Established): void
  failed(reason: string): void
}

/**
 * Connects to a peer and shakes hands (`net/OutboundConnectionInitiator.java`); tells one of the two outcomes, once.
 * `failures` is how often it failed before.
 */
export function connectToPeer(
  context: MessagingContext,
  to: Endpoint,
  type: ConnectionType,
  failures: number,
  outcome: ConnectOutcome,
): void {
  const { encryption, network, settings } = context
  const timeoutMs = settings.internode_tcp_connect_timeout
  const tls = encryption.mayFallBack && failures % 2 === 1 ? null : encryption.connect(to)
  network
    .connect(to.host, to.port, { timeoutMs, ...(tls === null || tls === undefined ? {} : { tls }) })
    .then(
      (connection) => shakeHands(context, connection, type, outcome),
      (error: unknown) => outcome.failed(error instanceof Error ? error.message : String(error)),
    )
}

function shakeHands(
  context: MessagingContext,
  network: NetworkConnection,
  type: ConnectionType,
  outcome: ConnectOutcome,
): void {
  const { settings, self, timers, versions } = context
  let isSettled = false
  let received: Buffer = Buffer.alloc(0)
  const fail = (reason: string): void => {
    if (isSettled) return
    isSettled = true
    timers.clearTimeout(timer)
    network.destroy()
    outcome.failed(reason)
  }
  const timer = timers.setTimeout(
    () => fail('the handshake was not answered in time'),
    HANDSHAKE_TIMEOUT_MS,
    {
      unref: true,
    },
  )
  network.onClose((error) => fail(error?.message ?? 'closed during the handshake'))
  network.onData((chunk) => {
    if (isSettled) return
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      const decoded = decodeAccept(received)
      if (decoded === null) return
      const { message, length } = decoded
      if (message.refusal !== Refusal.NONE || message.version === 0) {
        fail(`refused: ${message.reason}`)
        return
      }
      if (message.version < versions.min || message.version > versions.max || message.features !== 0) {
        fail(
          `the peer chose version ${message.version} and features ${message.features}, which were not offered`,
        )
        return
      }
      isSettled = true
      timers.clearTimeout(timer)
      outcome.established({ network, accept: message, rest: received.subarray(length) })
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error))
    }
  })
  network.write(
    encodeInitiate({ versions, type, features: 0, clusterName: settings.clusterName, from: self.text }),
  )
}
