import { OverloadedError, ProtocolError } from '../common/errors.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { InboundDecoder, Request, RequestDecoder } from '../protocol/index.ts'
import { FrameFlag } from '../protocol/index.ts'
import type { QueryHandler, RequestFlags } from '../query/query-handler.ts'
import type { Admission, Overload } from './admission.ts'
import type { ConnectedClient } from './connected-client.ts'
import type { HandledRequests } from './connection-context.ts'
import type { ConnectionSetup, PendingLogin } from './connection-setup.ts'
import type { Responses } from './responses.ts'

const NO_FLAGS: RequestFlags = { tracing: false, customPayload: null }

/** What a dispatcher works with: the query room, and the other parts of the connection. */
export interface DispatcherParts {
  readonly handler: QueryHandler
  readonly handled: HandledRequests
  readonly client: ConnectedClient
  readonly inbound: InboundDecoder
  readonly decoder: RequestDecoder
  readonly admission: Admission
  readonly setup: ConnectionSetup
  readonly responses: Responses
  /** Called when an answer that came later has been written. */
  readonly onSettled: () => void
}

/**
 * Has requests handled, by the query room or by the connection's own setup, and their answers written: at once, or when
 * the promise of one is settled (`Dispatcher.processRequest`).
 */
export class Dispatcher {
  /** Requests whose answer is a promise. */
  pending = 0
  private readonly handler: QueryHandler
  private readonly handled: HandledRequests
  private readonly client: ConnectedClient
  private readonly inbound: InboundDecoder
  private readonly decoder: RequestDecoder
  private readonly admission: Admission
  private readonly setup: ConnectionSetup
  private readonly responses: Responses
  private readonly onSettled: () => void
  private isClosed = false

  constructor(parts: DispatcherParts) {
    this.handler = parts.handler
    this.handled = parts.handled
    this.client = parts.client
    this.inbound = parts.inbound
    this.decoder = parts.decoder
    this.admission = parts.admission
    this.setup = parts.setup
    this.responses = parts.responses
    this.onSettled = parts.onSettled
  }

  /** Answers a request that was admitted: the one in the envelope just found. */
  dispatch(request: Request, overload: Overload): void {
    const { admission, inbound, responses } = this
    const { stream, bodySize } = inbound
    if (admission.isTooLate) {
      responses.error(stream, new OverloadedError('Query timed out before it could start'))
      admission.release(bodySize)
      return
    }
    this.client.requestCount++
    this.handled.requests++
    const wrongState = this.setup.wrongState(inbound.opcode)
    if (wrongState !== null) {
      responses.error(stream, new ProtocolError(wrongState))
      admission.release(bodySize)
      return
    }
    this.handle(request, stream, bodySize, admission.warning(overload))
  }

  private handle(request: Request, stream: number, bodySize: number, warning: string | null): void {
    const { client, handler } = this
    let skipMetadata = false
    let result: QueryResult | Promise<QueryResult>
    try {
      const flags = this.flags()
      switch (request.kind) {
        case 'execute':
          skipMetadata = request.options.skipMetadata
          checkPageSize(request.options.pageSize)
          result = handler.execute(request.statement, request.options, client, flags)
          break
        case 'query':
          skipMetadata = request.options.skipMetadata
          checkPageSize(request.options.pageSize)
          result = handler.query(request.text, request.options, client, flags)
          break
        case 'prepare':
          result = handler.prepare(request.text, request.keyspace, client, flags)
          break
        case 'batch':
          result = handler.batch(request.type, request.entries, request.options, client, flags)
          break
        default: {
          const login = this.setup.answer(request, stream)
          if (login !== null) this.deferLogin(login, stream)
          this.admission.release(bodySize)
          return
        }
      }
    } catch (error) {
      this.responses.error(stream, error, warning)
      this.admission.release(bodySize)
      return
    }
    if (result instanceof Promise) this.defer(result, stream, skipMetadata, warning, bodySize)
    else {
      this.answer(stream, result, skipMetadata, warning)
      this.admission.release(bodySize)
    }
  }

  /** What the envelope's header asks for beside the request. */
  private flags(): RequestFlags {
    const { customPayload } = this.decoder
    const tracing = (this.inbound.flags & FrameFlag.TRACING) !== 0
    return tracing || customPayload !== null ? { tracing, customPayload } : NO_FLAGS
  }

  private answer(stream: number, result: QueryResult, skipMetadata: boolean, warning: string | null): void {
    if (result.kind === 'setKeyspace') this.client.keyspace = result.keyspace
    this.responses.result(stream, result, skipMetadata, warning)
  }

  // ---- answers that come later

  /** What the request looked at must not be used for the next one. */
  private defer(
    result: Promise<QueryResult>,
    stream: number,
    skipMetadata: boolean,
    warning: string | null,
    bodySize: number,
  ): void {
    this.decoder.keep()
    this.pending++
    result.then(
      (value) => this.settle(bodySize, () => this.answer(stream, value, skipMetadata, warning)),
      (error: unknown) => this.settle(bodySize, () => this.responses.error(stream, error, warning)),
    )
  }

  private deferLogin({ user, challenge }: PendingLogin, stream: number): void {
    this.pending++
    user.then(
      (name) => this.settle(0, () => this.setup.loggedIn(name, challenge, stream)),
      (error: unknown) => this.settle(0, () => this.responses.error(stream, error)),
    )
  }

  private settle(bodySize: number, answer: () => void): void {
    this.pending--
    if (this.isClosed) return
    answer()
    this.admission.release(bodySize)
    this.onSettled()
  }

  /** The connection is gone: answers that come now go nowhere. */
  close(): void {
    this.isClosed = true
  }
}

function checkPageSize(pageSize: number): void {
  if (pageSize === 0) throw new ProtocolError('The page size cannot be 0')
}
