import { simpleDateText } from './java-time.ts'

/** Texts as Java and Apache Commons make them, for sstablemetadata. */

/** Names in the order in which a Java HashMap has them that they were put into one after another. */
export function hashMapOrder<T>(
  entries: readonly (readonly [name: string, value: T])[],
): (readonly [string, T])[] {
  let capacity = 16
  while (entries.length > capacity * 0.75) capacity *= 2
  const bucket = (name: string): number => {
    const hash = stringHash(name)
    return (hash ^ (hash >>> 16)) & (capacity - 1)
  }
  // Names of one bucket stay in their order.
  return [...entries].sort((a, b) => bucket(a[0]) - bucket(b[0]))
}

/** `String.hashCode`. */
function stringHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

const SECOND = 1000
const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** `DurationFormatUtils.formatDurationWords` of whole seconds, without zeros at either end. */
function durationWords(seconds: number): string {
  let rest = seconds
  const parts = UNITS.map(([name, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return { name, count }
  })
  const first = parts.findIndex(({ count }) => count !== 0)
  const last = parts.findLastIndex(({ count }) => count !== 0)
  return parts
    .slice(first, last + 1)
    .map(({ name, count }) => `${count} ${name}${count === 1 ? '' : 's'}`)
    .join(' ')
}

const INT_MAX = 0x7fffffff

/** `SSTableMetadataViewer.toDurationString` of seconds; null for none. */
export function ttlText(seconds: number): string | null {
  if (seconds === 0) return null
  return seconds === INT_MAX ? 'never' : durationWords(seconds)
}

/** `SSTableMetadataViewer.toDateString` of microseconds; null for 0. */
export function microsDate(micros: bigint): string | null {
  return micros === 0n ? null : simpleDateText(micros / BigInt(SECOND))
}

export function secondsDate(seconds: number): string | null {
  return seconds === 0 ? null : simpleDateText(BigInt(seconds) * BigInt(SECOND))
}

/** `SSTableMetadataViewer.toByteString`; null for 0. */
export function byteText(bytes: number): string | null {
  if (bytes === 0) return null
  if (bytes < 1024) return `${bytes} B`
  const exponent = Math.trunc(Math.log(bytes) / Math.log(1024))
  return `${(bytes / 1024 ** exponent).toFixed(1)} ${'kMGTP'[exponent - 1]}B`
}

/** `SSTableMetadataViewer.durationString` of microseconds. */
export function spanText(micros: bigint): string {
  // The difference of two longs may overflow.
  const seconds = Number(BigInt.asIntN(64, micros) / 1_000_000n)
  const days = Math.trunc(seconds / 86_400)
  const hours = Math.trunc(seconds / 3600) - days * 24
  const minutes = Math.trunc(seconds / 60) - Math.trunc(seconds / 3600) * 60
  return `Days: ${days} Hours: ${hours} Minutes: ${minutes} Seconds: ${seconds - Math.trunc(seconds / 60) * 60}`
}
