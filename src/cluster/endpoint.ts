/** Addresses that nodes talk to each other by (`InetAddressAndPort`). */

import { inetText, parseInet } from '../types/index.ts'

/** The port between nodes where nothing else is said (`storage_port`). */
export const DEFAULT_STORAGE_PORT = 7000

/**
 * An address and a port, immutable. `text` is its identity: two endpoints are the same where their texts are, so it
 * is what maps, files and messages name an endpoint by.
 */
export interface Endpoint {
  /** The address as `InetAddress.getHostAddress` writes it: no name, IPv6 in eight groups and without brackets. */
  readonly host: string
  readonly port: number
  /** `127.0.0.1:7000` or `[0:0:0:0:0:0:0:1]:7000` (`getHostAddressAndPort`). */
  readonly text: string
  /** The address in four or sixteen bytes, not to be written to. */
  readonly address: Uint8Array
}

/** An endpoint of the bytes of an address, 4 or 16 of them. Throws a RangeError for others, and for a port out of 0-65535. */
export function endpointOf(address: Uint8Array, port: number): Endpoint {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`Port ${port} is not a valid port number in the range 0-65535`)
  }
  if (address.length !== 4 && address.length !== 16) throw new RangeError('addr is of illegal length')
  // An IPv4 address mapped into IPv6 is that IPv4 address, as Java has it.
  const host = inetText(address)
  const bytes = address.length === 16 && !host.includes(':') ? address.slice(12) : address.slice()
  const text = bytes.length === 16 ? `[${host}]:${port}` : `${host}:${port}`
  return Object.freeze({ host, port, text, address: bytes })
}

/** An endpoint of an address in text, without a port; null where that is no address. Names are not looked up, but for localhost. */
export function endpoint(host: string, port: number = DEFAULT_STORAGE_PORT): Endpoint | null {
  const address = parseInet(host)
  return address === undefined ? null : endpointOf(address, port)
}

/**
 * Reads `ADDRESS`, `ADDRESS:PORT`, `[IPV6]:PORT` and IPv6 without brackets or port; null for what is none of these
 * (`InetAddressAndPort.getByName`, but names are not looked up).
 */
export function parseEndpoint(text: string, defaultPort: number = DEFAULT_STORAGE_PORT): Endpoint | null {
  const bracketed = /^\[([^[\]]*)\](?::(\d{1,5}))?$/.exec(text)
  const plain = bracketed ?? /^([^:]*)(?::(\d{1,5}))?$/.exec(text)
  // Two colons without brackets: IPv6 without a port.
  if (plain === null) return /^[^[\]]*$/.test(text) ? endpoint(text, defaultPort) : null
  if (bracketed !== null && !bracketed[1]!.includes(':')) return null
  const port = plain[2] === undefined ? defaultPort : Number(plain[2])
  return port > 65535 ? null : endpoint(plain[1]!, port)
}

/** The order of `InetAddressAndPort.compareTo`: unsigned bytes of the address, then the port. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const length = Math.min(a.address.length, b.address.length)
  for (let i = 0; i < length; i++) {
    if (a.address[i] !== b.address[i]) return a.address[i]! - b.address[i]!
  }
  return a.address.length - b.address.length || a.port - b.port
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a === b || a.text === b.text
}

/** The same address with another port (`withPort`). */
export function withPort(of: Endpoint, port: number): Endpoint {
  return endpointOf(of.address, port)
}

/** As Cassandra's logs and messages write it: `/127.0.0.1:7000` (`InetAddressAndPort.toString`, without a host name). */
export function endpointLogText(of: Endpoint): string {
  return `/${of.text}`
}
