import type { SaslNegotiator } from '../auth/index.ts'
import { ProtocolError } from '../common/errors.ts'
import type { EventType, InboundDecoder, Request, RequestDecoder, ServerEvent } from '../protocol/index.ts'
import {
  frameCompressor,
  Opcode,
  opcodeName,
  versionName,
  writeAuthChallenge,
  writeAuthenticate,
  writeAuthSuccess,
  writeError,
  writeReady,
  writeSupported,
} from '../protocol/index.ts'
import type { ConnectedClient } from './connected-client.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { Responses } from './responses.ts'
import { checkCqlVersion, startupCompression } from './startup.ts'

/** Somebody whose right to log in is still being looked up. */
export interface PendingLogin {
  readonly user: Promise<string | null>
  /** The negotiator's last word, for AUTH_SUCCESS. */
  readonly challenge: Uint8Array | null
}

/**
 * What client and server settle about a connection: version, compression, who logs in, and which events are pushed
 * (`ServerConnection`, `InitialConnectionHandler`). It answers the requests that the transport answers itself: OPTIONS,
 * STARTUP, AUTH_RESPONSE and REGISTER.
 */
export class ConnectionSetup {
  private readonly context: ConnectionContext
  private readonly client: ConnectedClient
  private readonly inbound: InboundDecoder
  private readonly decoder: RequestDecoder
  private readonly responses: Responses
  private negotiator: SaslNegotiator | null = null
  private readonly registered = new Set<ServerEvent['kind']>()

  constructor(
    context: ConnectionContext,
    client: ConnectedClient,
    inbound: InboundDecoder,
    decoder: RequestDecoder,
    responses: Responses,
  ) {
    this.context = context
    this.client = client
    this.inbound = inbound
    this.decoder = decoder
    this.responses = responses
  }

  /** What is wrong with a message of this kind now (`ServerConnection.validateNewMessage`), or null. */
  wrongState(opcode: number): string | null {
    switch (this.client.stage) {
      case 'READY':
        if (opcode !== Opcode.STARTUP) return null
        return 'Unexpected message STARTUP, the connection is already initialized'
      case 'AUTHENTICATING':
        if (opcode === Opcode.AUTH_RESPONSE) return null
        return `Unexpected message ${opcodeName(opcode)}, expecting SASL_RESPONSE`
      case 'ESTABLISHED':
        if (opcode === Opcode.STARTUP || opcode === Opcode.OPTIONS) return null
        return `Unexpected message ${opcodeName(opcode)}, expecting STARTUP or OPTIONS`
    }
  }

  /**
   * Answers the envelope just found, before there is a version (`InitialConnectionHandler`): OPTIONS or STARTUP;
   * anything else is an error on stream 0.
   */
  initial(): void {
    const { client, inbound, responses } = this
    const { version, flags, opcode, stream } = inbound
    if (opcode === Opcode.OPTIONS) {
      this.supported(version, stream)
      return
    }
    if (opcode !== Opcode.STARTUP) {
      const text = `Unexpected message ${opcodeName(opcode)}, expecting STARTUP or OPTIONS`
      writeError(responses.out, version, 0, new ProtocolError(text))
      responses.touched()
      return
    }
    // From here on the connection has this version, whatever becomes of the STARTUP.
    this.settleVersion(version)
    let request: Request
    try {
      request = this.decoder.decode(version, flags, opcode, inbound.body, inbound.bodyStart, inbound.bodyEnd)
    } catch (error) {
      this.settleVersion(0)
      responses.error(0, error)
      return
    }
    client.requestCount++
    this.context.handled.requests++
    if (request.kind === 'startup') this.startup(stream, request.options)
    if (version >= 5) {
      const isLz4 = request.kind === 'startup' && request.options.get('COMPRESSION')?.toLowerCase() === 'lz4'
      inbound.useSegments(isLz4)
      responses.out.useSegments(isLz4)
    }
  }

  private settleVersion(version: number): void {
    this.inbound.connectionVersion = version
    this.client.protocolVersion = version
  }

  /** Answers a request of its own. What comes back is a login that `loggedIn` is to be told of; null for an answer. */
  answer(request: Request, stream: number): PendingLogin | null {
    const { client, responses } = this
    switch (request.kind) {
      case 'options':
        this.supported(client.protocolVersion, stream)
        break
      case 'startup':
        this.startup(stream, request.options)
        break
      case 'register':
        this.register(request.events)
        writeReady(responses.out, client.protocolVersion, stream)
        responses.touched()
        break
      case 'authResponse':
        return this.authenticate(request.token, stream)
    }
    return null
  }

  private supported(version: number, stream: number): void {
    writeSupported(this.responses.out, version, stream)
    this.responses.touched()
  }

  private startup(stream: number, options: ReadonlyMap<string, string>): void {
    const { client, context, responses } = this
    const { out } = responses
    const version = client.protocolVersion
    try {
      checkCqlVersion(options.get('CQL_VERSION'))
      const compression = startupCompression(options.get('COMPRESSION'), version)
      if (compression !== null && version < 5) {
        out.useCompression(frameCompressor(compression))
        this.inbound.useCompression(frameCompressor(compression))
      }
    } catch (error) {
      responses.error(stream, error)
      return
    }
    const throwOnOverload = options.get('THROW_ON_OVERLOAD')
    client.isThrowOnOverload =
      throwOnOverload === undefined
        ? version >= 5 && context.config.native_transport_throw_on_overload
        : throwOnOverload === '1'
    client.startupOptions = options
    if (context.authenticator.requiresAuthentication) {
      client.stage = 'AUTHENTICATING'
      writeAuthenticate(out, version, stream, context.authenticator.className)
    } else {
      this.becomeReady()
      writeReady(out, version, stream)
    }
    responses.touched()
  }

  private becomeReady(): void {
    this.client.stage = 'READY'
    this.inbound.isReady = true
    this.negotiator = null
  }

  // ---- logging in

  private authenticate(token: Uint8Array, stream: number): PendingLogin | null {
    const { client, context, responses } = this
    context.handled.authRequests++
    this.negotiator ??= context.authenticator.newNegotiator(client.remoteAddress)
    const { negotiator } = this
    const challenge = negotiator.evaluateResponse(token)
    if (!negotiator.isComplete) {
      writeAuthChallenge(responses.out, client.protocolVersion, stream, challenge)
      responses.touched()
      return null
    }
    const user = negotiator.authenticatedUser()
    if (user instanceof Promise) return { user, challenge }
    this.loggedIn(user, challenge, stream)
    return null
  }

  /** The client is who it says it is. */
  loggedIn(user: string | null, challenge: Uint8Array | null, stream: number): void {
    const { client, responses } = this
    client.user = user
    this.becomeReady()
    writeAuthSuccess(responses.out, client.protocolVersion, stream, challenge)
    responses.touched()
  }

  // ---- events

  private register(events: readonly EventType[]): void {
    const { protocolVersion } = this.client
    for (const event of events) {
      if (event !== 'TRACE_COMPLETE') this.registered.add(event)
      else if (protocolVersion < 4) {
        throw new ProtocolError(
          `Event ${event} not valid for protocol version ${versionName(protocolVersion)}`,
        )
      }
    }
  }

  /** Whether the client has asked for events of this kind. */
  isRegistered(kind: ServerEvent['kind']): boolean {
    return this.registered.has(kind)
  }

  /** The client asks for nothing any more. */
  close(): void {
    this.registered.clear()
  }
}
