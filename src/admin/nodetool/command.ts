import type { Http } from '../../io/http.ts'
import { BadUseError, type Json } from '../admin-node.ts'
import * as compaction from './compaction-verbs.ts'
import * as hint from './hint-verbs.ts'
import * as node from './node-verbs.ts'
import * as ring from './ring-verbs.ts'
import * as snapshot from './snapshot-verbs.ts'
import * as table from './table-verbs.ts'
import { Given, type Session, type Verb } from './verb.ts'

/** The verbs there are. */
export const VERBS: Readonly<Record<string, Verb>> = {
  clearsnapshot: snapshot.CLEAR_SNAPSHOT,
  compact: compaction.COMPACT,
  compactionhistory: compaction.COMPACTION_HISTORY,
  compactionstats: compaction.COMPACTION_STATS,
  describecluster: ring.DESCRIBE_CLUSTER,
  describering: ring.DESCRIBE_RING,
  disableautocompaction: compaction.DISABLE_AUTO_COMPACTION,
  disablebinary: node.DISABLE_BINARY,
  disablegossip: ring.DISABLE_GOSSIP,
  disablehandoff: hint.DISABLE_HANDOFF,
  disablehintsfordc: hint.DISABLE_HINTS_FOR_DC,
  drain: node.DRAIN,
  enableautocompaction: compaction.ENABLE_AUTO_COMPACTION,
  enablebinary: node.ENABLE_BINARY,
  enablegossip: ring.ENABLE_GOSSIP,
  enablehandoff: hint.ENABLE_HANDOFF,
  enablehintsfordc: hint.ENABLE_HINTS_FOR_DC,
  flush: table.FLUSH,
  getbatchlogreplaythrottle: hint.GET_BATCHLOG_REPLAY_THROTTLE,
  getcompactionthreshold: compaction.GET_THRESHOLD,
  getcompactionthroughput: compaction.GET_THROUGHPUT,
  getconcurrentcompactors: compaction.GET_COMPACTORS,
  getendpoints: ring.GET_ENDPOINTS,
  getmaxhintwindow: hint.GET_MAX_HINT_WINDOW,
  gossipinfo: ring.GOSSIP_INFO,
  import: snapshot.IMPORT,
  info: node.INFO,
  listpendinghints: hint.LIST_PENDING_HINTS,
  listsnapshots: snapshot.LIST_SNAPSHOTS,
  pausehandoff: hint.PAUSE_HANDOFF,
  refresh: snapshot.REFRESH,
  replaybatchlog: hint.REPLAY_BATCHLOG,
  resumehandoff: hint.RESUME_HANDOFF,
  ring: ring.RING,
  setbatchlogreplaythrottle: hint.SET_BATCHLOG_REPLAY_THROTTLE,
  setcompactionthroughput: compaction.SET_THROUGHPUT,
  setconcurrentcompactors: compaction.SET_COMPACTORS,
  sethintedhandoffthrottlekb: hint.SET_HANDOFF_THROTTLE,
  setmaxhintwindow: hint.SET_MAX_HINT_WINDOW,
  snapshot: snapshot.SNAPSHOT,
  status: ring.STATUS,
  statusautocompaction: compaction.STATUS_AUTO_COMPACTION,
  statusbinary: node.STATUS_BINARY,
  statusgossip: ring.STATUS_GOSSIP,
  statushandoff: hint.STATUS_HANDOFF,
  stop: compaction.STOP,
  tablehistograms: table.TABLE_HISTOGRAMS,
  tablestats: table.TABLE_STATS,
  truncatehints: hint.TRUNCATE_HINTS,
  version: node.VERSION,
}

/** What the command reaches the world by. */
export interface NodetoolPorts {
  readonly http: Http
  readonly out: { write(text: string): unknown }
  readonly err: { write(text: string): unknown }
  /** The absolute path of one that was given. */
  readonly resolve: (path: string) => string
  readonly nowMs: () => number
}

const GLOBAL: readonly { readonly names: readonly string[]; readonly hasValue: boolean }[] = [
  { names: ['-h', '--host'], hasValue: true },
  { names: ['-p', '--port'], hasValue: true },
  { names: ['-pp', '--print-port'], hasValue: false },
]

const USAGE = `usage: sibyl nodetool [(-h <host> | --host <host>)] [(-p <port> | --port <port>)]
        [(-pp | --print-port)] <command> [<args>]
`

interface Call {
  readonly host: string
  readonly port: string
  readonly verb: string | null
  readonly printPort: boolean
  readonly given: Given
}

/** The server cannot be reached. */
class UnreachableError extends Error {}

/**
 * `sibyl nodetool ...`: does what Cassandra's nodetool does, in its words. Returns its exit code: 1 where it was used wrongly, 2
 * where the node could not do it.
 */
export async function runNodetool(args: readonly string[], ports: NodetoolPorts): Promise<number> {
  const { out, err } = ports
  try {
    const { host, port, verb: name, printPort, given } = parse(args)
    if (name === null || name === 'help') return help(given.args[0], out)
    const session = openSession(host, port, printPort, ports)
    return (await VERBS[name]!.run(session, given)) ?? 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof UnreachableError) {
      err.write(`nodetool: ${message}\n`)
      return 1
    }
    if (error instanceof BadUseError) {
      out.write(`nodetool: ${message}\nSee 'nodetool help' or 'nodetool help <command>'.\n`)
      return 1
    }
    err.write(`error: ${message}\n`)
    return 2
  }
}

/** Options of all verbs may stand before the verb and behind it, as with airline; what is no option is an argument. */
function parse(args: readonly string[]): Call {
  let verb: string | null = null
  const rest: string[] = []
  const options = new Map<string, string>()
  const globals = new Map<string, string>()
  let isOver = false
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!isOver && arg === '--') {
      isOver = true
      continue
    }
    const [name = '', inline] = arg.startsWith('--') ? arg.split(/=(.*)/s) : [arg]
    const option = isOver ? null : optionOf(verb, name)
    if (option === null) {
      if (verb !== null) rest.push(arg)
      else if (arg === 'help' || Object.hasOwn(VERBS, arg)) verb = arg
      else throw new BadUseError(`Found unexpected parameters: [${args.slice(i).join(', ')}]`)
      continue
    }
    const target = option.isGlobal ? globals : options
    if (option.title === null) target.set(option.key, 'true')
    else {
      const value = inline ?? args[++i]
      if (value === undefined)
        throw new BadUseError(`Required values for option '${option.title}' not provided`)
      target.set(option.key, value)
    }
  }
  const host = globals.get('-h') ?? '127.0.0.1'
  const printPort = globals.has('-pp')
  return { host, port: globals.get('-p') ?? '7199', verb, printPort, given: new Given(rest, options) }
}

interface OptionFound {
  /** The first of its names. */
  readonly key: string
  /** Of its value; null where it has none. */
  readonly title: string | null
  readonly isGlobal: boolean
}

/** The option of that name; a verb's own go first. */
function optionOf(verb: string | null, name: string): OptionFound | null {
  const own = verb === null ? undefined : VERBS[verb]?.options.find(({ names }) => names.includes(name))
  if (own !== undefined) return { key: own.names[0]!, title: own.value, isGlobal: false }
  const global = GLOBAL.find(({ names }) => names.includes(name))
  if (global === undefined) return null
  return { key: global.names[0]!, title: global.hasValue ? global.names[1]!.slice(2) : null, isGlobal: true }
}

function openSession(
  host: string,
  portText: string,
  printPort: boolean,
  { http, out, err, resolve, nowMs }: NodetoolPorts,
): Session {
  const port = Number(portText)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new BadUseError(`For input string: "${portText}"`)
  return {
    out: (text) => out.write(text),
    err: (text) => err.write(text),
    printPort,
    path: resolve,
    nowMs,
    async ask(operation, args = {}) {
      const body = JSON.stringify(args)
      const name = host.includes(':') ? `[${host}]` : host
      const headers = { host: `${name}:${port}`, 'content-type': 'application/json' }
      const request = { method: 'POST', target: `/v1/${operation}`, headers, body }
      const response = await http.request(host, port, request).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        throw new UnreachableError(`Failed to connect to '${host}:${port}' - ${reason}`)
      })
      return resultOf(response.status, response.body)
    },
  }
}

function resultOf(status: number, body: string): Json {
  let answer: { readonly result?: Json; readonly error?: { readonly kind: string; readonly message: string } }
  try {
    answer = JSON.parse(body) as typeof answer
  } catch {
    throw new Error(`The answer (${status}) is not that of an admin port`)
  }
  const { error } = answer
  if (error === undefined) return answer.result ?? null
  throw error.kind === 'badUse' ? new BadUseError(error.message) : new Error(error.message)
}

function help(name: string | undefined, out: NodetoolPorts['out']): number {
  if (name === undefined) {
    const width = 36
    const list = Object.entries(VERBS).map(
      ([verb, { description }]) => `    ${verb.padEnd(width)}${description}\n`,
    )
    out.write(`${USAGE}\nThe nodetool commands there are:\n${list.join('')}\n`)
    out.write("See 'nodetool help <command>' for more information on a specific command.\n\n")
    return 0
  }
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (verb === undefined) {
    out.write(`Unknown command ${name}\n\n`)
    return 0
  }
  const synopsis = verb.options.map(
    ({ names, value }) =>
      `[${names.map((one) => (value === null ? one : `${one} <${value}>`)).join(' | ')}] `,
  )
  out.write(`NAME\n        nodetool ${name} - ${verb.description}\n\n`)
  out.write(
    `SYNOPSIS\n        nodetool [-h <host>] [-p <port>] ${name} ${synopsis.join('')}[--] ${verb.usage}\n`,
  )
  if (verb.options.length > 0) out.write('\nOPTIONS\n')
  for (const { names, value, description } of verb.options) {
    out.write(
      `        ${names.map((one) => (value === null ? one : `${one} <${value}>`)).join(', ')}\n            ${description}\n\n`,
    )
  }
  return 0
}
