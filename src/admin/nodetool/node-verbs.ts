import { doubleText } from '../../types/index.ts'
import type { Json } from '../admin-node.ts'
import { fileSizeText, fixed } from './java-format.ts'
import type { Figures, Verb } from './verb.ts'

/** A verb that does something and says nothing. */
export function changing(operation: string, description: string): Verb {
  return {
    description,
    usage: '',
    options: [],
    async run(session) {
      await session.ask(operation)
      return undefined
    },
  }
}

export const DRAIN: Verb = changing('drain', 'Drain the node (stop accepting writes and flush all tables)')

export const VERSION: Verb = {
  description: 'Print cassandra version',
  usage: '',
  options: [],
  async run(session) {
    session.out(`ReleaseVersion: ${await session.ask('version')}\n`)
    return undefined
  },
}

export const STATUS_BINARY: Verb = {
  description: 'Status of native transport (binary protocol)',
  usage: '',
  options: [],
  async run(session) {
    session.out((await session.ask('statusbinary')) ? 'running\n' : 'not running\n')
    return undefined
  },
}

export const ENABLE_BINARY: Verb = changing('enablebinary', 'Reenable native transport (binary protocol)')

export const DISABLE_BINARY: Verb = changing('disablebinary', 'Disable native transport (binary protocol)')

const MIB = 1024 * 1024

export const INFO: Verb = {
  description: 'Print node information (uptime, load, ...)',
  usage: '',
  options: [{ names: ['-T', '--tokens'], value: null, description: 'Display all tokens' }],
  async run(session, given) {
    session.out(infoText((await session.ask('info')) as Figures, given.has('-T')))
    return undefined
  },
}

interface Cache {
  readonly hits: number
  readonly requests: number
  readonly size: number
  readonly capacity: number
  readonly entries: number
}

const NO_CACHE: Cache = { hits: 0, requests: 0, size: 0, capacity: 0, entries: 0 }

function infoText(figures: Figures, showsTokens: boolean): string {
  const number = (name: string): number => Number(figures[name])
  const lines: string[] = []
  const line = (name: string, value: Json): void => {
    lines.push(`${name.padEnd(23)}: ${value}\n`)
  }
  line('ID', figures['hostId']!)
  line('Gossip active', figures['isGossipRunning']!)
  line('Native Transport active', figures['isTransportRunning']!)
  line('Load', fileSizeText(number('load')))
  line('Uncompressed load', fileSizeText(number('uncompressed')))
  line('Generation No', figures['generation']!)
  line('Uptime (seconds)', figures['uptimeSeconds']!)
  line('Heap Memory (MB)', `${fixed(number('heapUsed') / MIB, 2)} / ${fixed(number('heapTotal') / MIB, 2)}`)
  line('Off Heap Memory (MB)', fixed(number('external') / MIB, 2))
  line('Data Center', figures['dataCenter']!)
  line('Rack', figures['rack']!)
  // What is not caught ends the process.
  line('Exceptions', 0)
  line('Key Cache', cacheText((figures['keyCache'] ?? NO_CACHE) as unknown as Cache))
  line('Row Cache', cacheText(NO_CACHE))
  line('Counter Cache', cacheText(NO_CACHE))
  const chunks = figures['chunkCache'] as unknown as Cache | null
  if (chunks !== null) line('Chunk Cache', chunkCacheText(chunks))
  line('Percent Repaired', `${doubleText(number('percentRepaired'))}%`)
  const tokens = figures['tokens'] as readonly string[]
  if (showsTokens || tokens.length === 1) for (const token of tokens) line('Token', token)
  else line('Token', `(invoke with -T/--tokens to see all ${tokens.length} tokens)`)
  line('Bootstrap state', 'COMPLETED')
  line('Bootstrap failed', false)
  line('Decommissioning', false)
  line('Decommission failed', false)
  return lines.join('')
}

function rateOf({ hits, requests }: Cache): string {
  return requests === 0 ? 'NaN' : fixed(hits / requests, 3)
}

function cacheText(cache: Cache): string {
  const { entries, size, capacity, hits, requests } = cache
  return `entries ${entries}, size ${fileSizeText(size)}, capacity ${fileSizeText(capacity)}, ${hits} hits, ${requests} requests, ${rateOf(cache)} recent hit rate, 0 save period in seconds`
}

function chunkCacheText(cache: Cache): string {
  const { entries, size, capacity, hits, requests } = cache
  return `entries ${entries}, size ${fileSizeText(size)}, capacity ${fileSizeText(capacity)}, ${requests - hits} misses, ${requests} requests, ${rateOf(cache)} recent hit rate`
}
