import type { NetworkConnection } from '../../io/network.ts'
import { type Endpoint, parseEndpoint } from '../endpoint.ts'
import type { MessagingContext } from './context.ts'
import {
  agreedVersion,
  ConnectionType,
  decodeInitiate,
  encodeAccept,
  HandshakeError,
  type Initiate,
  Refusal,
} from './handshake.ts'

const HANDSHAKE_TIMEOUT_MS = 10_000
/** How long a refusal may take to leave. */
const LINGER_MS = 1_000

/** A peer that has connected and is welcome. */
export interface Accepted {
  readonly network: NetworkConnection
  readonly from: Endpoint
  readonly type: ConnectionType
  readonly version: number
  /** What came behind the handshake. */
  readonly rest: Buffer
}

interface Denial {
  readonly refusal: Refusal
  readonly reason: string
}

/**
 * Shakes hands with who has connected (`net/InboundConnectionInitiator.java`); calls `onAccepted` for a node of this
 * cluster that speaks a version that is spoken here. Others are told why not, as is the log; `onRefused` follows when they
 * are gone.
 */
export function receiveHandshake(
  context: MessagingContext,
  network: NetworkConnection,
  onAccepted: (accepted: Accepted) => void,
  onRefused: () => void,
): void {
  const { timers, noSpam, versions } = context
  const who = `${network.remoteAddress}:${network.remotePort}`
  let received: Buffer = Buffer.alloc(0)
  let isSettled = false
  const settle = (): void => {
    isSettled = true
    timers.clearTimeout(timer)
  }
  const timer = timers.setTimeout(
    () => {
      noSpam.info(`Timeout handshaking with ${who} (on ${context.self.text})`)
      settle()
      network.destroy()
    },
    HANDSHAKE_TIMEOUT_MS,
    { unref: true },
  )
  const deny = (denial: Denial): void => {
    settle()
    noSpam.warn(`Refused internode connection of ${who}: ${denial.reason}`)
    network.write(encodeAccept({ version: 0, versions, features: 0, ...denial }))
    network.end()
    timers.setTimeout(() => network.destroy(), LINGER_MS, { unref: true })
  }
  const initiated = (initiate: Initiate, length: number): void => {
    const from = parseEndpoint(initiate.from)
    const denial = from === null ? malformed(initiate) : denialOf(context, network, initiate, from)
    if (denial !== null || from === null) {
      deny(denial ?? malformed(initiate))
      return
    }
    settle()
    const version = agreedVersion(versions, initiate.versions)
    network.write(encodeAccept({ version, versions, features: 0, refusal: Refusal.NONE, reason: '' }))
    onAccepted({
      network,
      from,
      type: initiate.type as ConnectionType,
      version,
      rest: received.subarray(length),
    })
  }
  network.onClose(() => {
    settle()
    onRefused()
  })
  network.onData((chunk) => {
    if (isSettled) return
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      const decoded = decodeInitiate(received)
      if (decoded !== null) initiated(decoded.message, decoded.length)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
      settle()
      noSpam.warn(`Failed to properly handshake with peer ${who}. Closing the channel: ${error.message}`)
      network.destroy()
    }
  })
}

function malformed(initiate: Initiate): Denial {
  return { refusal: Refusal.MALFORMED, reason: `${JSON.stringify(initiate.from)} is no endpoint` }
}

function denialOf(
  context: MessagingContext,
  network: NetworkConnection,
  initiate: Initiate,
  from: Endpoint,
): Denial | null {
  const { settings, encryption, versions } = context
  if (initiate.clusterName !== settings.clusterName) {
    const reason = `ClusterName mismatch from ${from.text} ${initiate.clusterName}!=${settings.clusterName}`
    return { refusal: Refusal.CLUSTER, reason }
  }
  if (agreedVersion(versions, initiate.versions) === 0) {
    const { min, max } = initiate.versions
    const than = min > versions.max ? 'higher' : 'lower'
    const reason =
      `peer ${from.text} only supports messaging versions ${than} (${min} to ${max}) than this node supports ` +
      `(${versions.min} to ${versions.max})`
    return { refusal: Refusal.VERSION, reason }
  }
  if (initiate.type > ConnectionType.LARGE) {
    return { refusal: Refusal.MALFORMED, reason: `there is no connection type ${initiate.type}` }
  }
  if (network.tls === null && encryption.isRequired(from)) {
    const reason = `peer ${from.text} attempted to establish an unencrypted connection`
    return { refusal: Refusal.ENCRYPTION, reason }
  }
  return null
}
