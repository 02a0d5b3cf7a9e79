/** Bytes of an IP address in text form, 4 or 16; an IPv4 address mapped into IPv6 becomes 4. Null for other text. */
export function parseAddress(text: string): Uint8Array | null {
  if (!text.includes(':')) return parseV4(text)
  const [bare] = text.split('%', 1)
  const lastColon = bare.lastIndexOf(':')
  const tail = bare.slice(lastColon + 1)
  if (tail.includes('.')) {
    const v4 = parseV4(tail)
    if (v4 === null) return null
    const high = ((v4[0] << 8) | v4[1]).toString(16)
    const low = ((v4[2] << 8) | v4[3]).toString(16)
    return unmap(parseV6(`${bare.slice(0, lastColon + 1)}${high}:${low}`))
  }
  return unmap(parseV6(bare))
}

function parseV4(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return Uint8Array.from(parts, Number)
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const groups = (half: string) => (half === '' ? [] : half.split(':'))
  const head = groups(halves[0])
  const tail = halves.length === 2 ? groups(halves[1]) : []
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 0 : missing !== 0) return null
  const all = [...head, ...new Array<string>(missing).fill('0'), ...tail]
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null
  const bytes = new Uint8Array(16)
  all.forEach((group, i) => {
    const value = Number.parseInt(group, 16)
    bytes[2 * i] = value >>> 8
    bytes[2 * i + 1] = value
  })
  return bytes
}

function unmap(bytes: Uint8Array | null): Uint8Array | null {
  if (bytes === null) return null
  const isMapped = bytes.every((byte, i) => i >= 12 || byte === (i >= 10 ? 0xff : 0))
  return isMapped ? bytes.slice(12) : bytes
}
