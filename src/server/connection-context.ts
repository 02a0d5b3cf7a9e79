import type { Authenticator } from '../auth/index.ts'
import type { Timers } from '../io/timers.ts'
import type { QueryHandler } from '../query/query-handler.ts'
import type { NativeTransportConfig } from './config.ts'
import type { QueueBackpressure, RateLimiter, ServerLimits } from './limits.ts'
import type { TransportLogger } from './logger.ts'
import type { Turn } from './turn.ts'

/** What the connections of one server share. */
export interface ConnectionContext {
  readonly handler: QueryHandler
  readonly authenticator: Authenticator
  readonly config: NativeTransportConfig
  readonly limits: ServerLimits
  /** Null when the rate is not limited. */
  readonly rateLimiter: RateLimiter | null
  /** How long the oldest request may wait, in milliseconds, and what becomes of those that come when it has. */
  readonly queueAgeMaxMs: number
  readonly queueBackpressure: QueueBackpressure
  readonly turn: Turn
  readonly timers: Timers
  readonly logger: TransportLogger
  /** Counted over all connections, those that are gone among them. */
  readonly handled: HandledRequests
}

/** Requests since the start; those of authentication are among them. */
export interface HandledRequests {
  requests: number
  authRequests: number
}
