/**
 * The native transport: accepts clients, has their requests handled by the query room, and answers; what a statement means
 * it does not know.
 *
 * `NativeTransport` listens and keeps the `ClientConnection`s, whose requests are handled in shares of a `Turn`. A
 * connection reads; `Admission` says whether a request is let in, `ConnectionSetup` settles version, compression and
 * login, `Dispatcher` has the rest handled, `Responses` is what leaves. `limits.ts` is what connections share.
 */
export type { ClientEncryptionOptions } from './client-encryption.ts'
export type { NativeTransportConfig } from './config.ts'
export { defaultConfig } from './config.ts'
export type { TransportLogger } from './logger.ts'
export type { ConnectionInfo, NativeTransportOptions } from './native-transport.ts'
export { NativeTransport } from './native-transport.ts'
