import type { ClientState } from '../query/query-handler.ts'

/** How far a connection has come (`ConnectionStage`). */
export type ConnectionStage = 'ESTABLISHED' | 'AUTHENTICATING' | 'READY'

/**
 * The client at the other end, as far as it has introduced itself (`ConnectedClient` and its `ClientState`): the query
 * room is given it with every request, system_views.clients shows it.
 */
export class ConnectedClient implements ClientState {
  keyspace: string | null = null
  user: string | null = null
  readonly remoteAddress: string
  readonly remotePort: number
  /** Version that STARTUP has settled; 0 before. */
  protocolVersion = 0
  receivedMs = 0
  startupOptions: ReadonlyMap<string, string> = new Map()
  stage: ConnectionStage = 'ESTABLISHED'
  requestCount = 0
  /** Wants OVERLOADED rather than to be read more slowly (THROW_ON_OVERLOAD of STARTUP). */
  isThrowOnOverload = false

  constructor(remoteAddress: string, remotePort: number) {
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }
}
