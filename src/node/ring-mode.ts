import type { SibylOptions } from './options.ts'

/** Options with which a server is a node of a ring. */
const RING_OPTIONS = [
  'seeds',
  'listenAddress',
  'storagePort',
  'sslStoragePort',
  'broadcastAddress',
  'endpointSnitch',
  'serverEncryption',
] as const satisfies readonly (keyof SibylOptions)[]

/** Whether the server is a node of a ring, if of one node; otherwise it is alone and opens no storage port. */
export function isRingNode(options: SibylOptions): boolean {
  return RING_OPTIONS.some((name) => options[name] !== undefined)
}

/** What a node of a ring calls itself in its log: by what others know it, as far as options say it; null for one that is alone. */
export function ringNodeName(options: SibylOptions): string | null {
  if (!isRingNode(options)) return null
  const { broadcastAddress, listenAddress, host = 'localhost', storagePort } = options
  const address = broadcastAddress ?? listenAddress ?? host
  return storagePort === undefined || storagePort === 7000 ? address : `${address}:${storagePort}`
}
