import { doubleText } from '../../types/index.ts'
import type { Json } from '../admin-node.ts'
import { fileSizeText, fixed } from './java-format.ts'
import { TableBuilder } from './table-builder.ts'
import type { Figures, Verb } from './verb.ts'

export const DRAIN: Verb = {
  description: 'Drain the node (stop accepting writes and flush all tables)',
  usage: '',
  options: [],
  async run(session) {
    await session.ask('drain')
    return undefined
  },
}

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

export const STATUS: Verb = {
  description: 'Print cluster information (state, load, IDs, ...)',
  usage: '[<keyspace>]',
  options: [],
  async run(session, { args }) {
    const [keyspace] = args
    const known = (await session.ask('tables')) as { keyspaces: readonly string[] }
    if (keyspace !== undefined && !known.keyspaces.includes(keyspace)) {
      session.out(`\nError: The keyspace ${keyspace}, does not exist\n`)
      return 1
    }
    session.out(statusText((await session.ask('status')) as Figures))
    return undefined
  },
}

function statusText({ dataCenter, nodes }: Figures): string {
  const list = nodes as readonly Figures[]
  const header = `Datacenter: ${dataCenter}`
  const lines = [
    header,
    '='.repeat(header.length),
    'Status=Up/Down',
    '|/ State=Normal/Leaving/Joining/Moving\n',
  ]
  const table = new TableBuilder('  ')
  // Where there are more tokens than nodes there is no room for them.
  const isTokenPerNode = list.every(({ tokens }) => (tokens as readonly string[]).length === 1)
  const [third, sixth] = isTokenPerNode ? ['Owns (effective)', 'Token'] : ['Tokens', 'Host ID']
  if (isTokenPerNode) table.add('--', 'Address', 'Load', third!, 'Host ID', sixth!, 'Rack')
  else table.add('--', 'Address', 'Load', third!, 'Owns (effective)', sixth!, 'Rack')
  for (const { address, state, load, tokens, owns, hostId, rack } of list) {
    const share = `${(Number(owns) * 100).toFixed(1)}%`
    const own = tokens as readonly string[]
    const first = [String(state), String(address), fileSizeText(Number(load))]
    if (isTokenPerNode) table.add(...first, share, String(hostId), own[0]!, String(rack))
    else table.add(...first, String(own.length), share, String(hostId), String(rack))
  }
  return `${lines.join('\n')}${table.text}\n`
}

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
  // There is one node, which has nobody to tell.
  line('Gossip active', true)
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
