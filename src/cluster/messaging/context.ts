import type { Logger } from '../../common/logger.ts'
import type { Clock } from '../../io/clock.ts'
import type { Network } from '../../io/network.ts'
import type { Timers } from '../../io/timers.ts'
import type { Endpoint } from '../endpoint.ts'
import type { VersionRange } from './handshake.ts'
import type { InternodeEncryption } from './internode-encryption.ts'
import type { DroppedCounters } from './messaging-metrics.ts'
import type { MessagingSettings } from './settings.ts'
import type { Turn } from './turn.ts'

/** What the connections of one service share. */
export interface MessagingContext {
  readonly self: Endpoint
  readonly settings: MessagingSettings
  readonly versions: VersionRange
  readonly encryption: InternodeEncryption
  readonly network: Network
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  /** The same for what others can cause as often as they like: once a minute each. */
  readonly noSpam: Logger
  readonly turn: Turn
  readonly dropped: DroppedCounters
}
