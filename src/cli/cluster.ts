import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { NodeNetwork } from '../io/node-network.ts'
import { type NodesOption, nativesOf, placesOf, type RingLayout } from '../node/embedded-ring.ts'

const USAGE = `Usage: sibyl cluster --nodes N [options]
       sibyl cluster --dc dc1:3,dc2:3 --racks 3 [options]

Starts a ring of processes on this machine, a process a node, at 127.0.0.1, 127.0.0.2 and so on; SIGINT or SIGTERM stops them, and
so does the end of this process.

  --nodes N             so many nodes (3)
  --dc NAME:N,...       so many nodes in each data centre, in place of --nodes
  --racks N             racks of each data centre (1)
  --port PORT           port of clients (9042)
  --dir PATH|:memory:   directory; each node has one of its own in it (./data)
  --init FILE|DIR       CQL to execute when all nodes are there; may be given several times
  --log-level LEVEL     what nodes log to stderr, each line with its node (warn)
  --help                this text

Other options are given to each node, as sibyl --help has them; nodetool finds node N at 127.0.0.N (-h 127.0.0.N). Where 127.0.0.1 is
the only address, each node has ports of its own: those of clients and of nodetool (-p) count up from 9042 and 7199.
`

const DEFAULT_PORT = 9042
const STORAGE_PORT = 7000
const ADMIN_PORT = 7199

interface Wanted {
  readonly nodes: NodesOption
  readonly racks: number
  readonly port: number
  readonly dir: string
  readonly init: readonly string[]
  /** For each node. */
  readonly others: readonly string[]
}

class UsageError extends Error {}

/** `sibyl cluster`: resolves with the exit code when all nodes have ended. */
export async function runCluster(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE)
    return 0
  }
  let wanted: Wanted
  let places: RingLayout['places']
  try {
    wanted = parse(args)
    places = placesOf(wanted.nodes, wanted.racks)
  } catch (error) {
    process.stderr.write(
      `sibyl cluster: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`,
    )
    return 2
  }
  const network = new NodeNetwork()
  const natives = await nativesOf(network, places.length, wanted.port)
  // Where another program has the port, any other does: nodes tell each other.
  const storage = await nativesOf(network, places.length, STORAGE_PORT).catch(() =>
    nativesOf(network, places.length, 0),
  )
  const children = places.map((_, i) => startNode(i, wanted, { natives, places }, storage))
  const stop = (): void => {
    for (const { process: child } of children) child.kill('SIGTERM')
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  void Promise.all(children.map(({ ready }) => ready)).then(() => announce({ natives, places }))
  const codes = await Promise.all(children.map(({ ended }) => ended))
  return codes.every((code) => code === 0) ? 0 : 1
}

function parse(args: readonly string[]): Wanted {
  const own = new Map<string, string>()
  const others: string[] = []
  const init: string[] = []
  for (let i = 0; i < args.length; i++) {
    const [, name = '', inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(args[i]!) ?? []
    if (!['nodes', 'dc', 'racks', 'port', 'dir', 'init'].includes(name)) {
      others.push(args[i]!)
      continue
    }
    const value = inline ?? args[++i]
    if (value === undefined) throw new UsageError(`--${name} needs a value`)
    if (name === 'init') init.push(value)
    else own.set(name, value)
  }
  const number = (name: string, otherwise: number): number => {
    const value = Number(own.get(name) ?? otherwise)
    if (!Number.isInteger(value) || value < 0) throw new UsageError(`--${name} takes a whole number`)
    return value
  }
  const centres = own.get('dc')
  if (centres !== undefined && own.has('nodes')) throw new UsageError('--dc says how many nodes there are')
  return {
    nodes: centres === undefined ? number('nodes', 3) : centresOf(centres),
    racks: number('racks', 1),
    port: number('port', DEFAULT_PORT),
    dir: own.get('dir') ?? './data',
    init,
    others,
  }
}

/** `dc1:3,dc2:3`. */
function centresOf(text: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const part of text.split(',')) {
    const match = /^([^:]+):(\d+)$/.exec(part.trim())
    if (match === null)
      throw new UsageError(`--dc takes names and numbers of nodes, such as dc1:3, not ${part}`)
    counts[match[1]!] = Number(match[2])
  }
  return counts
}

interface RunningNode {
  readonly process: ChildProcess
  /** Resolves when it serves clients. */
  readonly ready: Promise<void>
  readonly ended: Promise<number | null>
}

function startNode(
  index: number,
  { dir, init, others }: Wanted,
  { natives, places }: RingLayout,
  storage: RingLayout['natives'],
): RunningNode {
  const { host, port } = natives[index]!
  const { dataCenter, rack } = places[index]!
  const hasHosts = new Set(natives.map((native) => native.host)).size === natives.length
  const seeds = storage.slice(0, 2).map((at) => `${at.host}:${at.port}`)
  const options: Readonly<Record<string, string | number>> = {
    host,
    port,
    'storage-port': storage[index]!.port,
    'admin-host': host,
    ...(hasHosts ? {} : { 'admin-port': ADMIN_PORT + index }),
    seeds: seeds.join(','),
    dc: dataCenter,
    rack,
    'expect-nodes': natives.length,
    dir: dir === ':memory:' ? dir : `${dir}/node${index + 1}`,
  }
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // What one node is told all know.
  if (index === 0) for (const path of init) flags.push('--init', path)
  const isLevelGiven =
    others.some((text) => /^--log-level(=|$)/.test(text)) || 'SIBYL_LOG_LEVEL' in process.env
  if (!isLevelGiven) flags.push('--log-level', 'warn')
  const command = [...process.execArgv, process.argv[1]!, ...flags, '--quick-gossip', ...others]
  // The channel ends with this process, however that ends, and nodes end with the channel.
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ready = new Promise<void>((resolve) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) {
        if (line !== '') process.stdout.write(`node${index + 1}: ${line}\n`)
      }
      resolve()
    })
  })
  const ended = once(child, 'close').then(([code]) => {
    process.stdout.write(`node${index + 1} has ended (${code ?? child.signalCode})\n`)
    return code as number | null
  })
  return { process: child, ready, ended }
}

/** Says how to get there. */
function announce({ natives, places }: RingLayout): void {
  const hosts = [...new Set(natives.map(({ host }) => host))]
  const centres = [...new Set(places.map(({ dataCenter }) => dataCenter))]
  if (hosts.length === natives.length) {
    process.stdout.write(
      `A ring of ${natives.length} nodes: contact points ${hosts.join(',')}, port ${natives[0]!.port}, data centres ${centres.join(', ')}\n`,
    )
    return
  }
  const ports = natives.map(({ port }) => port).join(', ')
  const adminPorts = natives.map((_, i) => ADMIN_PORT + i).join(', ')
  process.stdout.write(
    `A ring of ${natives.length} nodes at 127.0.0.1, the one address that there is, on ports ${ports} (nodetool -p ${adminPorts}), data centres ${centres.join(', ')}: drivers that read system.peers_v2 find all of them, others (the Node driver) the one that they are given. More addresses make it whole: ifconfig lo0 alias 127.0.0.2 up, and so on\n`,
  )
}
