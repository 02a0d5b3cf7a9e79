import { BadUseError } from '../admin-node.ts'
import { integer } from './compaction-verbs.ts'
import { changing } from './node-verbs.ts'
import { TableBuilder } from './table-builder.ts'
import type { Figures, Verb } from './verb.ts'

export const STATUS_HANDOFF: Verb = {
  description: 'Status of storing future hints on the current node',
  usage: '',
  options: [],
  async run(session) {
    const { isEnabled, disabledDataCenters } = (await session.ask('statushandoff')) as Figures
    session.out(`Hinted handoff is ${isEnabled === true ? 'running' : 'not running'}\n`)
    for (const name of disabledDataCenters as readonly string[]) {
      session.out(`Data center ${name} is disabled\n`)
    }
    return undefined
  },
}

export const ENABLE_HANDOFF: Verb = changing(
  'enablehandoff',
  'Reenable future hints storing on the current node',
)

export const DISABLE_HANDOFF: Verb = changing('disablehandoff', 'Disable storing hinted handoffs')

export const PAUSE_HANDOFF: Verb = changing('pausehandoff', 'Pause hints delivery process')

export const RESUME_HANDOFF: Verb = changing('resumehandoff', 'Resume hints delivery process')

export const REPLAY_BATCHLOG: Verb = changing(
  'replaybatchlog',
  'Kick off batchlog replay and wait for finish',
)

function ofDataCenter(operation: string, description: string): Verb {
  return {
    description,
    usage: '<datacenter>',
    options: [],
    async run(session, { args }) {
      if (args.length !== 1) throw new BadUseError(`${operation} requires exactly one data center`)
      await session.ask(operation, { dataCenter: args[0] })
      return undefined
    },
  }
}

export const ENABLE_HINTS_FOR_DC: Verb = ofDataCenter(
  'enablehintsfordc',
  'Enable hints for a data center that was previsouly disabled',
)

export const DISABLE_HINTS_FOR_DC: Verb = ofDataCenter('disablehintsfordc', 'Disable hints for a data center')

export const TRUNCATE_HINTS: Verb = {
  description: 'Truncate all hints on the local node, or truncate hints for the endpoint(s) specified.',
  usage: '[endpoint ... ]',
  options: [],
  async run(session, { args }) {
    await session.ask('truncatehints', { endpoint: args[0] })
    return undefined
  },
}

export const LIST_PENDING_HINTS: Verb = {
  description: 'Print all pending hints that this node has',
  usage: '',
  options: [],
  async run(session) {
    const pending = (await session.ask('listpendinghints')) as readonly Figures[]
    if (pending.length === 0) {
      session.out('This node does not have any pending hints\n')
      return undefined
    }
    const table = new TableBuilder()
    table.add('Host ID', 'Address', 'Rack', 'DC', 'Status', 'Total files', 'Newest', 'Oldest')
    for (const { hostId, address, rack, dataCenter, isAlive, files, newestMs, oldestMs } of pending) {
      table.add(
        String(hostId),
        String(address),
        rack === null ? 'Unknown' : String(rack),
        dataCenter === null ? 'Unknown' : String(dataCenter),
        isAlive === null ? 'Unknown' : isAlive === true ? 'UP' : 'DOWN',
        String(files),
        timeText(newestMs as number),
        timeText(oldestMs as number),
      )
    }
    session.out(table.text)
    return undefined
  },
}

/** `yyyy-MM-dd HH:mm:ss,SSS` in UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)
}

export const GET_MAX_HINT_WINDOW: Verb = {
  description: 'Print the max hint window in ms',
  usage: '',
  options: [],
  async run(session) {
    session.out(`Current max hint window: ${await session.ask('getmaxhintwindow')} ms\n`)
    return undefined
  },
}

export const GET_BATCHLOG_REPLAY_THROTTLE: Verb = {
  description:
    'Print batchlog replay throttle in KB/s. This is reduced proportionally to the number of nodes in the cluster.',
  usage: '',
  options: [],
  async run(session) {
    session.out(`Batchlog replay throttle: ${await session.ask('getbatchlogreplaythrottle')} KB/s\n`)
    return undefined
  },
}

/** A verb that sets a number, which airline calls by `title`. */
function setting(operation: string, name: string, title: string, usage: string, description: string): Verb {
  return {
    description,
    usage,
    options: [],
    async run(session, { args: [text] }) {
      await session.ask(operation, { [name]: integer(title, text) })
      return undefined
    },
  }
}

export const SET_MAX_HINT_WINDOW: Verb = setting(
  'setmaxhintwindow',
  'ms',
  'max_hint_window',
  '<value_in_ms>',
  'Set the specified max hint window in ms',
)

export const SET_HANDOFF_THROTTLE: Verb = setting(
  'sethintedhandoffthrottlekb',
  'kib',
  'throttle_in_kb',
  '<value_in_kb_per_sec>',
  'Set hinted handoff throttle in KiB per second, per delivery thread.',
)

export const SET_BATCHLOG_REPLAY_THROTTLE: Verb = setting(
  'setbatchlogreplaythrottle',
  'kib',
  'batchlog_replay_throttle',
  '<value_in_kb_per_sec>',
  'Set batchlog replay throttle in KB per second, or 0 to disable throttling. ' +
    'This will be reduced proportionally to the number of nodes in the cluster.',
)
