/** Messages between nodes: what the rest of the house needs of them. */
export { aligned, wordsOf } from './aligned.ts'
export { failureReasonOf, RequestFailureReason } from './failure-reason.ts'
export {
  type InternodeEncryption,
  internodeEncryption,
  type Locality,
  NO_ENCRYPTION,
  type ServerEncryptionOptions,
} from './internode-encryption.ts'
export { InternodeMessaging, type ListenAddresses, type MessagingOptions } from './internode-messaging.ts'
export type { DroppedMessages, OutboundFigures } from './messaging-metrics.ts'
export type {
  InboundMessage,
  MessageHandler,
  MessagingService,
  RequestCallback,
  SendOptions,
} from './messaging-service.ts'
export { DEFAULT_MESSAGING_SETTINGS, type MessagingSettings } from './settings.ts'
export { DEFAULT_TIMEOUTS_MS, type Priority, type TimeoutKind, VERBS, Verb, verbOf } from './verb.ts'
