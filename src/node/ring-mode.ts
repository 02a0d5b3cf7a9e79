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
