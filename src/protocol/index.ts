/**
 * The native protocol, versions 3, 4 and 5: bytes to requests and results to bytes. No sockets, no CQL.
 *
 * `InboundDecoder` makes envelopes of what a connection receives and `RequestDecoder` requests of those;
 * `OutboundEncoder` gathers what `writeResult`, `writeError` and the like write. `client-*.ts` are the other side.
 */
export { parseAddress } from './address.ts'
export type { CompressionName } from './compression.ts'
export { frameCompressor, loadCompression } from './compression.ts'
export type { NodeAddress, SchemaEvent, ServerEvent, StatusEvent, TopologyEvent } from './event.ts'
export type { Inbound, InboundLimits } from './inbound.ts'
export { answerVersion, InboundDecoder } from './inbound.ts'
export { FrameFlag, Opcode, opcodeName } from './opcode.ts'
export { OutboundEncoder } from './outbound.ts'
export type { EventType, Request } from './request.ts'
export { RequestDecoder } from './request.ts'
export {
  legacyError,
  writeAuthChallenge,
  writeAuthenticate,
  writeAuthSuccess,
  writeError,
  writeEvent,
  writeReady,
  writeResult,
  writeSupported,
} from './response.ts'
export { CURRENT_VERSION, versionName } from './version.ts'
