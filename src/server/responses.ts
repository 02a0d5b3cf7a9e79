import { CqlError, InvalidRequestError, MarshalError, ServerError } from '../common/errors.ts'
import type { NetworkConnection } from '../io/network.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { ServerEvent } from '../protocol/index.ts'
import {
  answerVersion,
  legacyError,
  OutboundEncoder,
  writeError,
  writeEvent,
  writeResult,
} from '../protocol/index.ts'
import type { ConnectedClient } from './connected-client.ts'
import type { TransportLogger } from './logger.ts'
import type { HeldOutput } from './turn.ts'
import { describe } from './turn.ts'

/** Output that has not left, beyond which no more requests are handled. */
const UNSENT_MAX = 1024 * 1024
/** Output that has not left, beyond which a client that asked for events is given up. */
const UNSENT_EVENTS_MAX = 8 * UNSENT_MAX
/** About how much the answers still outstanding may come to, judged by those before them. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
const PENDING_MIN = 64

/**
 * What a connection sends (`Flusher`): responses and events are written one behind the other into a buffer, which is
 * taken at the end of a turn, held until the commit log has been written, and handed to the socket in the order in
 * which it was taken.
 */
export class Responses {
  /** Whoever writes to it says so with `touched`. */
  readonly out = new OutboundEncoder()
  /** The socket wants nothing more until it is drained. */
  isAwaitingDrain = false
  private readonly network: NetworkConnection
  private readonly client: ConnectedClient
  private readonly logger: TransportLogger
  private readonly onOutput: () => void
  /** Whether `onOutput` has been called since output was taken. */
  private isDirty = false
  private isClosed = false
  private readonly held: HeldOutput[] = []
  private heldBytes = 0
  /** A running mean of the size of answers. */
  private answerBytes = 0

  /** `onOutput` is called when there is output to take, once until it is taken. */
  constructor(
    network: NetworkConnection,
    client: ConnectedClient,
    logger: TransportLogger,
    onOutput: () => void,
  ) {
    this.network = network
    this.client = client
    this.logger = logger
    this.onOutput = onOutput
  }

  // ---- what is written

  /** A result; where it can't be written, its error. `warning` goes before the result's own. */
  result(stream: number, result: QueryResult, skipMetadata: boolean, warning: string | null): void {
    const { out } = this
    const before = out.position
    const warned = warning === null ? result : { ...result, warnings: [warning, ...(result.warnings ?? [])] }
    try {
      writeResult(out, this.client.protocolVersion, stream, warned, skipMetadata)
    } catch (error) {
      out.abandon()
      this.error(stream, error)
      return
    }
    this.answerBytes += (out.position - before - this.answerBytes) / 8
    this.touched()
  }

  /** Whatever was thrown, as the error it is to a client; what none of ours is goes to the log as well. */
  error(stream: number, error: unknown, warning: string | null = null): void {
    const known = this.asCqlError(error)
    if (warning !== null) known.warnings = [warning, ...(known.warnings ?? [])]
    writeError(this.out, answerVersion(this.client.protocolVersion), stream, known)
    this.touched()
  }

  /** What is wrong with bytes that made no envelope. `forcedVersion` is the version to answer in, 0 the connection's. */
  protocolError(stream: number, error: CqlError, forcedVersion: number): void {
    const { out } = this
    const { protocolVersion } = this.client
    const isLegacy = forcedVersion === 1 || forcedVersion === 2
    // Segments have no room for the shorter header of versions 1 and 2.
    if (isLegacy && protocolVersion < 5) out.raw(legacyError(forcedVersion, error.message))
    else {
      const isForced = forcedVersion !== 0 && !isLegacy
      writeError(out, isForced ? forcedVersion : answerVersion(protocolVersion), stream, error)
    }
    this.touched()
  }

  /** An event, unless the client does not read: then it learns of nothing any more, and will have to reconnect. */
  event(event: ServerEvent): void {
    if (this.heldBytes + this.network.unsentBytes > UNSENT_EVENTS_MAX) {
      this.network.destroy()
      return
    }
    writeEvent(this.out, this.client.protocolVersion, event)
    this.touched()
  }

  /** Something has been written to `out`. */
  touched(): void {
    if (this.isDirty) return
    this.isDirty = true
    this.onOutput()
  }

  private asCqlError(error: unknown): CqlError {
    if (error instanceof CqlError) return error
    if (error instanceof MarshalError) return new InvalidRequestError(error.message)
    this.logger.error(`Unexpected exception during request: ${describe(error)}`)
    return new ServerError(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }

  // ---- how it leaves

  /** What has been written since the last time; null when that is nothing. */
  take(): Buffer | null {
    this.isDirty = false
    if (this.isClosed || this.out.isEmpty) return null
    return this.out.take()
  }

  /** Queues output; `send` sends it once it has been released. */
  hold(bytes: Buffer): HeldOutput {
    const output: HeldOutput = { bytes, isReleased: false }
    this.held.push(output)
    this.heldBytes += bytes.length
    return output
  }

  /** Hands to the socket what has been released. */
  send(): void {
    const { held } = this
    while (held.length > 0 && held[0].isReleased) {
      const { bytes } = held[0]
      held.shift()
      this.heldBytes -= bytes.length
      if (!this.network.write(bytes)) this.isAwaitingDrain = true
    }
  }

  /** The socket takes more again. */
  drained(): void {
    this.isAwaitingDrain = false
  }

  /** Nothing more is sent. */
  close(): void {
    this.isClosed = true
    this.held.length = 0
  }

  /** Whether the socket has all that was written. */
  get isAllSent(): boolean {
    return this.held.length === 0 && !this.isDirty
  }

  /** Whether no more requests should be handled: the client does not read what it asked for, or asks for too much. */
  isBackedUp(pending: number): boolean {
    return (
      this.isAwaitingDrain ||
      this.heldBytes > UNSENT_MAX ||
      this.out.position > UNSENT_MAX ||
      (pending > PENDING_MIN && pending * this.answerBytes > PENDING_BYTES_MAX)
    )
  }
}
