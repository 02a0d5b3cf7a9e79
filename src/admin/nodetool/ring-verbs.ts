import { endpoint } from '../../cluster/endpoint.ts'
import { fileSizeText } from '../../cluster/gossip/java-text.ts'
import { type NodeStatus, statusText } from '../../cluster/gossip/views.ts'
import { BadUseError } from '../admin-node.ts'
import { fixed } from './java-format.ts'
import { changing } from './node-verbs.ts'
import type { Figures, Session, Verb } from './verb.ts'

/** What the node knows of the ring, or null where it was said why it cannot tell. */
async function askStatus(
  session: Session,
  keyspace: string | undefined,
): Promise<{ readonly nodes: readonly NodeStatus[]; readonly note: string | null } | null> {
  try {
    const { nodes, note } = (await session.ask('status', { keyspace })) as Figures
    return { nodes: (nodes as readonly Figures[]).map(nodeStatusOf), note: note as string | null }
  } catch (error) {
    if (!(error instanceof Error) || !/^The keyspace .*, does not exist$/.test(error.message)) throw error
    session.out(`\nError: ${error.message}\n`)
    return null
  }
}

function nodeStatusOf(figures: Figures): NodeStatus {
  const { address, port, state, load, tokens, owns, hostId, dataCenter, rack } = figures
  const [status, of] = String(state)
  return {
    endpoint: endpoint(String(address), Number(port))!,
    status: status as NodeStatus['status'],
    state: of as NodeStatus['state'],
    load: load as number | null,
    tokens: (tokens as readonly string[]).map(BigInt),
    owns: owns as number | null,
    hostId: hostId as string | null,
    dataCenter: String(dataCenter),
    rack: String(rack),
  }
}

export const STATUS: Verb = {
  description: 'Print cluster information (state, load, IDs, ...)',
  usage: '[<keyspace>]',
  options: [],
  async run(session, { args }) {
    const found = await askStatus(session, args[0])
    if (found === null) return 1
    session.out(statusText(found.nodes, { withPort: session.printPort, note: found.note }))
    return undefined
  },
}

export const RING: Verb = {
  description: 'Print information about the token ring',
  usage: '[<keyspace>]',
  options: [],
  async run(session, { args }) {
    const found = await askStatus(session, args[0])
    if (found === null) return 1
    session.out(ringText(found.nodes, found.note, session.printPort))
    return undefined
  },
}

const STATUS_WORDS = { U: 'Up', D: 'Down', '?': '?' } as const
const STATE_WORDS = { N: 'Normal', L: 'Leaving', J: 'Joining', M: 'Moving' } as const

/** The text of `nodetool ring`: a line for each token of each data centre. */
export function ringText(nodes: readonly NodeStatus[], note: string | null, withPort = false): string {
  const width = Math.max(...nodes.map(({ endpoint: { text } }) => text.length))
  const row = (...[address, rack, status, state, load, owns, token]: readonly string[]): string =>
    `${address!.padEnd(width)}  ${rack!.padEnd(12)}${status!.padEnd(7)}${state!.padEnd(8)}${load!.padEnd(16)}${owns!.padEnd(20)}${token!.padEnd(44)}\n`
  const centres = [...new Set(nodes.map(({ dataCenter }) => dataCenter))].sort()
  const parts = centres.map((centre) => {
    const lines = nodes
      .filter(({ dataCenter }) => dataCenter === centre)
      .flatMap((node) => node.tokens.map((token) => ({ node, token })))
      .sort((a, b) => (a.token < b.token ? -1 : 1))
    // Of the token that is last in the ring, which the first one's range begins behind: the greatest of the last line's node.
    const last = lines.at(-1)!.node.tokens.at(-1)!
    const head = row('Address', 'Rack', 'Status', 'State', 'Load', 'Owns', 'Token')
    const second = lines.length > 1 ? row('', '', '', '', '', '', String(last)) : '\n'
    const rows = lines.map(({ node, token }) =>
      row(
        withPort ? node.endpoint.text : node.endpoint.host,
        node.rack,
        STATUS_WORDS[node.status],
        STATE_WORDS[node.state],
        node.load === null ? '?' : fileSizeText(node.load),
        node.owns === null || note !== null ? '?' : `${fixed(Math.fround(node.owns) * 100, 2)}%`,
        String(token),
      ),
    )
    return `Datacenter: ${centre}\n==========\n${head}${second}${rows.join('')}\n`
  })
  const hasVnodes = nodes.some(({ tokens }) => tokens.length > 1)
  const warning =
    '  Warning: "nodetool ring" is used to output all the tokens of a node.\n' +
    '  To view status related info of a node use "nodetool status" instead.\n\n'
  return `\n${parts.join('')}${hasVnodes ? warning : ''}\n  ${note === null ? '' : `Note: ${note}\n`}`
}

/** A verb that prints a text which the node has made. */
function printing(operation: string, description: string): Verb {
  return {
    description,
    usage: '',
    options: [],
    async run(session) {
      session.out(String(await session.ask(operation, { withPort: session.printPort })))
      return undefined
    },
  }
}

export const DESCRIBE_CLUSTER: Verb = printing(
  'describecluster',
  'Print the name, snitch, partitioner and schema version of a cluster',
)

export const GOSSIP_INFO: Verb = printing('gossipinfo', 'Shows the gossip information for the cluster')

export const DESCRIBE_RING: Verb = {
  description: 'Shows the token ranges info of a given keyspace',
  usage: '<keyspace>',
  options: [],
  async run(session, { args }) {
    const [keyspace] = args
    if (keyspace === undefined) throw new BadUseError('Required parameters are missing: keyspace')
    session.out(`Schema Version:${await session.ask('schemaversion')}\nTokenRange: \n`)
    const ranges = await session.ask('describering', { keyspace, withPort: session.printPort })
    for (const range of ranges as readonly string[]) session.out(`\t${range}\n`)
    return undefined
  },
}

export const GET_ENDPOINTS: Verb = {
  description: 'Print the end points that owns the key',
  usage: '<keyspace> <table> <key>',
  options: [],
  async run(session, { args }) {
    if (args.length !== 3) {
      throw new BadUseError('getendpoints requires keyspace, table and partition key arguments')
    }
    const [keyspace, table, key] = args
    const found = await session.ask('getendpoints', { keyspace, table, key, withPort: session.printPort })
    for (const one of found as readonly string[]) session.out(`${one}\n`)
    return undefined
  },
}

export const STATUS_GOSSIP: Verb = {
  description: 'Status of gossip',
  usage: '',
  options: [],
  async run(session) {
    session.out((await session.ask('statusgossip')) ? 'running\n' : 'not running\n')
    return undefined
  },
}

export const ENABLE_GOSSIP: Verb = changing('enablegossip', 'Reenable gossip')

export const DISABLE_GOSSIP: Verb = changing(
  'disablegossip',
  'Disable gossip (effectively marking the node down)',
)
