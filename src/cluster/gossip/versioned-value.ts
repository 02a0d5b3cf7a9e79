import { Status } from './application-state.ts'

/** A value of an application state and its version: of two of one generation the greater version is the newer. */
export interface VersionedValue {
  readonly value: string
  readonly version: number
}

/** Separates the parts of a value; it can be in no token (`VersionedValue.DELIMITER`). */
const DELIMITER = ','

/** The parts of a value: `NORMAL,-9223372036854775808` is `['NORMAL', '-9223372036854775808']`. */
export function splitValue(value: string): string[] {
  return value.split(DELIMITER)
}

/** Bytes of one token in TOKENS: its length and the token. */
const TOKEN_BYTES = 12

/**
 * The value of TOKENS, which has a character for each byte, as Cassandra keeps it in a string (ISO 8859-1): for
 * each token the 4-byte length 8 and the 8 bytes of the token, then the length 0 (`TokenSerializer`).
 */
export function tokensValue(tokens: Iterable<bigint>): string {
  const all = [...tokens]
  const bytes = Buffer.alloc(all.length * TOKEN_BYTES + 4)
  all.forEach((token, index) => {
    bytes.writeInt32BE(8, index * TOKEN_BYTES)
    bytes.writeBigInt64BE(token, index * TOKEN_BYTES + 4)
  })
  return bytes.toString('latin1')
}

/** The tokens of a value of TOKENS, in its order; undefined when it is none. */
export function parseTokens(value: string): bigint[] | undefined {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length % TOKEN_BYTES !== 4 || bytes.readInt32BE(bytes.length - 4) !== 0) return undefined
  const tokens: bigint[] = []
  for (let at = 0; at + 4 < bytes.length; at += TOKEN_BYTES) {
    if (bytes.readInt32BE(at) !== 8) return undefined
    tokens.push(bytes.readBigInt64BE(at + 4))
  }
  return tokens
}

/** Cassandra names the first token of a node only in its status; all are in TOKENS. */
function firstToken(tokens: Iterable<bigint>): string {
  for (const token of tokens) return token.toString()
  throw new RangeError('A node without tokens has no status of the ring')
}

/**
 * Values of application states in Cassandra's form (`VersionedValue.VersionedValueFactory`). Tokens are signed 64-bit
 * integers, times are milliseconds since 1970.
 */
export const stateValue = {
  bootstrapping: (tokens: Iterable<bigint>): string =>
    `${Status.BOOTSTRAPPING}${DELIMITER}${firstToken(tokens)}`,
  bootReplacing: (old: string): string => `${Status.BOOTSTRAPPING_REPLACE}${DELIMITER}${old}`,
  normal: (tokens: Iterable<bigint>): string => `${Status.NORMAL}${DELIMITER}${firstToken(tokens)}`,
  leaving: (tokens: Iterable<bigint>): string => `${Status.LEAVING}${DELIMITER}${firstToken(tokens)}`,
  left: (tokens: Iterable<bigint>, expireMs: number): string =>
    [Status.LEFT, firstToken(tokens), expireMs].join(DELIMITER),
  moving: (token: bigint): string => `${Status.MOVING}${DELIMITER}${token}`,
  removing: (hostId: string): string => `${Status.REMOVING}${DELIMITER}${hostId}`,
  removed: (hostId: string, expireMs: number): string => [Status.REMOVED, hostId, expireMs].join(DELIMITER),
  removalCoordinator: (hostId: string): string => `REMOVER${DELIMITER}${hostId}`,
  hibernate: (): string => `${Status.HIBERNATE}${DELIMITER}true`,
  shutdown: (): string => `${Status.SHUTDOWN}${DELIMITER}true`,
  /** Bytes on disk; a Java double's text, which has a fraction always. */
  load: (bytes: number): string => javaDouble(bytes),
} as const

/** `Double.toString` of a number that is no NaN and not negative: 1.0, 123456.7, 1.0E7 (from ten million on). */
export function javaDouble(value: number): string {
  if (value !== 0 && (value >= 1e7 || value < 1e-3)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string]
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
