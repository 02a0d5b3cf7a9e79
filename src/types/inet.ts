/** Internet addresses in text as `InetAddress` has them: IPv4 in four bytes, IPv6 in sixteen. */

import { readUint16 } from '../common/bytes.ts'

/** Parses an address; undefined when it is none. No name is looked up, but for localhost. */
export function parseInet(text: string): Uint8Array | undefined {
  if (text === 'localhost') return new Uint8Array([127, 0, 0, 1])
  if (text.startsWith('[')) return text.endsWith(']') ? parseIpv6(text.slice(1, -1)) : undefined
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** One to four decimal parts; the last one fills the bytes that are left (`1.2.3` is 1.2.0.3). */
function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length > 4 || !parts.every((part) => /^\d{1,10}$/.test(part))) return undefined
  const bytes = new Uint8Array(4)
  for (let i = 0; i < parts.length - 1; i++) {
    if (Number(parts[i]) > 255) return undefined
    bytes[i] = Number(parts[i])
  }
  let last = Number(parts.at(-1))
  if (last >= 256 ** (5 - parts.length)) return undefined
  for (let i = 3; i >= parts.length - 1; i--) {
    bytes[i] = last % 256
    last = Math.floor(last / 256)
  }
  return bytes
}

function parseIpv6(text: string): Uint8Array | undefined {
  const percent = text.indexOf('%')
  const address = percent === -1 ? text : text.slice(0, percent)
  const halves = address.split('::')
  if (halves.length > 2) return undefined
  const groups: number[][] = []
  for (const half of halves) {
    const parsed = parseGroups(half)
    if (parsed === undefined) return undefined
    groups.push(parsed)
  }
  const [head, tail = []] = groups
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const bytes = new Uint8Array(16)
  const all = [...head, ...new Array<number>(halves.length === 1 ? 0 : missing).fill(0), ...tail]
  for (const [i, group] of all.entries()) {
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group
  }
  // Java makes an IPv4 address of ::ffff:a.b.c.d.
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return mapped ? bytes.slice(12) : bytes
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const ipv4 = part.split('.').length === 4 ? parseIpv4(part) : undefined
      if (ipv4 === undefined) return undefined
      groups.push(readUint16(ipv4, 0), readUint16(ipv4, 2))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** `InetAddress.getHostAddress`: eight groups of IPv6 without abbreviation. */
export function inetText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  if (mapped) return bytes.subarray(12).join('.')
  return [0, 2, 4, 6, 8, 10, 12, 14].map((at) => readUint16(bytes, at).toString(16)).join(':')
}
