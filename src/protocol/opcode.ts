/** Opcodes of the native protocol (v5, section 2.4). 0x04 was CREDENTIALS of version 1. */
export const Opcode = {
  ERROR: 0x00,
  STARTUP: 0x01,
  READY: 0x02,
  AUTHENTICATE: 0x03,
  CREDENTIALS: 0x04,
  OPTIONS: 0x05,
  SUPPORTED: 0x06,
  QUERY: 0x07,
  RESULT: 0x08,
  PREPARE: 0x09,
  EXECUTE: 0x0a,
  REGISTER: 0x0b,
  EVENT: 0x0c,
  BATCH: 0x0d,
  AUTH_CHALLENGE: 0x0e,
  AUTH_RESPONSE: 0x0f,
  AUTH_SUCCESS: 0x10,
} as const

export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Flags of a frame header (v5, section 2.2). */
export const FrameFlag = {
  COMPRESSED: 0x01,
  TRACING: 0x02,
  CUSTOM_PAYLOAD: 0x04,
  WARNING: 0x08,
  USE_BETA: 0x10,
} as const

/** Bytes of a frame header: version, flags, stream (2), opcode, body length (4). */
export const HEADER_LENGTH = 9

interface OpcodeInfo {
  readonly name: string
  readonly isRequest: boolean
}

const OPCODES: readonly OpcodeInfo[] = [
  { name: 'ERROR', isRequest: false },
  { name: 'STARTUP', isRequest: true },
  { name: 'READY', isRequest: false },
  { name: 'AUTHENTICATE', isRequest: false },
  { name: 'CREDENTIALS', isRequest: true },
  { name: 'OPTIONS', isRequest: true },
  { name: 'SUPPORTED', isRequest: false },
  { name: 'QUERY', isRequest: true },
  { name: 'RESULT', isRequest: false },
  { name: 'PREPARE', isRequest: true },
  { name: 'EXECUTE', isRequest: true },
  { name: 'REGISTER', isRequest: true },
  { name: 'EVENT', isRequest: false },
  { name: 'BATCH', isRequest: true },
  { name: 'AUTH_CHALLENGE', isRequest: false },
  { name: 'AUTH_RESPONSE', isRequest: true },
  { name: 'AUTH_SUCCESS', isRequest: false },
]

/** Name of an opcode as Cassandra's messages spell it. */
export function opcodeName(opcode: number): string {
  return OPCODES[opcode]?.name ?? `${opcode}`
}

/**
 * Null when `opcode` belongs in that direction, otherwise the text of the error (`Message.Type.fromOpcode`). Java
 * reads the opcode as a signed byte, and shows it so.
 */
export function rejectOpcode(opcode: number, isResponse: boolean): string | null {
  const info = OPCODES[opcode]
  if (info === undefined) return `Unknown opcode ${(opcode << 24) >> 24}`
  if (info.isRequest !== isResponse) return null
  const expected = info.isRequest ? 'REQUEST' : 'RESPONSE'
  const got = isResponse ? 'RESPONSE' : 'REQUEST'
  return `Wrong protocol direction (expected ${expected}, got ${got}) for opcode ${opcode} (${info.name})`
}
