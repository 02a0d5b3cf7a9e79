import { doubleText } from '../../types/index.ts'
import { BadUseError, type Json } from '../admin-node.ts'
import { decimal, fileSizeText } from './java-format.ts'
import { TableBuilder } from './table-builder.ts'
import { keyspaceAndTables } from './table-verbs.ts'
import type { Figures, Verb } from './verb.ts'

const MIB = 1024 * 1024

export const COMPACT: Verb = {
  description:
    'Force a (major) compaction on one or more tables or user-defined compaction on given SSTables',
  usage: '[<keyspace> <tables>...] or <SSTable file>...',
  options: [
    { names: ['-s', '--split-output'], value: null, description: 'Use -s to not create a single big file' },
    {
      names: ['--user-defined'],
      value: null,
      description: 'Use --user-defined to submit listed files for user-defined compaction',
    },
    {
      names: ['-st', '--start-token'],
      value: 'start_token',
      description: 'Use -st to specify a token at which the compaction range starts (inclusive)',
    },
    {
      names: ['-et', '--end-token'],
      value: 'end_token',
      description: 'Use -et to specify a token at which compaction range ends (inclusive)',
    },
  ],
  async run(session, given) {
    const isRange = given.has('-st') || given.has('-et')
    const isSplit = given.has('-s')
    if (isSplit && (given.has('--user-defined') || isRange)) {
      throw new Error('Invalid option combination: Can not use split-output here')
    }
    if (given.has('--user-defined')) {
      if (isRange)
        throw new Error('Invalid option combination: Can not provide tokens when using user-defined')
      await session.ask('compact', { sstables: [...given.args] })
      return undefined
    }
    const range = isRange ? { startToken: given.text('-st') ?? '', endToken: given.text('-et') ?? '' } : {}
    await session.ask('compact', { ...keyspaceAndTables(given), ...range, splitOutput: isSplit })
    return undefined
  },
}

export const COMPACTION_STATS: Verb = {
  description: 'Print statistics on compactions',
  usage: '',
  options: [
    {
      names: ['-H', '--human-readable'],
      value: null,
      description: 'Display bytes in human readable form, i.e. KiB, MiB, GiB, TiB',
    },
    { names: ['-V', '--vtable'], value: null, description: 'Display fields matching vtable output' },
  ],
  async run(session, given) {
    const figures = (await session.ask('compactionstats')) as Figures
    session.out(compactionStatsText(figures, given.has('-H'), given.has('-V')))
    return undefined
  },
}

/** Of one that runs. */
interface Running {
  readonly id: string
  readonly type: string
  readonly keyspace: string
  readonly table: string
  readonly completed: number
  readonly total: number
  readonly sstables: number
  readonly directory: string
}

/** What compactionstats prints (`CompactionStats.execute`). */
export function compactionStatsText(figures: Figures, isHuman: boolean, isVirtualTable: boolean): string {
  const number = (name: string): number => figures[name] as number
  const size = isHuman ? fileSizeText : String
  const pending = figures['pending'] as readonly Figures[]
  const table = new TableBuilder()
  table.add('concurrent compactors', String(number('concurrentCompactors')))
  table.add('pending tasks', String(pending.reduce((sum, { tasks }) => sum + Number(tasks), 0)))
  for (const { keyspace, table: name, tasks } of pending)
    table.add(String(keyspace), String(name), String(tasks))
  table.add('compactions completed', String(number('completed')))
  table.add('data compacted', size(number('bytesCompacted')))
  table.add('compactions aborted', String(number('aborted')))
  // A disk that is full stops a compaction; none is made smaller for it.
  table.add('compactions reduced', '0')
  table.add('sstables dropped from compaction', '0')
  const hours = number('uptimeMs') / 3_600_000
  table.add('15 minute rate', `${decimal(number('fifteenMinuteRate') * 60, 2, 2)}/minute`)
  table.add('mean rate', `${decimal(hours <= 0 ? 0 : number('completed') / hours, 2, 2)}/hour`)
  const throughput = number('throughputBytes')
  table.add(
    'compaction throughput (MiB/s)',
    throughput === 0 ? 'throttling disabled (0)' : doubleText(throughput / MIB),
  )
  const running = figures['running'] as unknown as readonly Running[]
  if (running.length > 0) addRunning(table, running, throughput, size, isVirtualTable)
  return table.text
}

function addRunning(
  table: TableBuilder,
  running: readonly Running[],
  throughput: number,
  size: (bytes: number) => string,
  isVirtualTable: boolean,
): void {
  if (isVirtualTable) {
    table.add(
      'keyspace',
      'table',
      'task id',
      'completion ratio',
      'kind',
      'progress',
      'sstables',
      'total',
      'unit',
      'target directory',
    )
  } else table.add('id', 'compaction type', 'keyspace', 'table', 'completed', 'total', 'unit', 'progress')
  let remaining = 0
  for (const { id, type, keyspace, table: name, completed, total, sstables, directory } of running) {
    const share = total === 0 ? 'n/a' : `${decimal((completed / total) * 100, 2, 2)}%`
    if (isVirtualTable) {
      table.add(
        keyspace,
        name,
        id,
        share,
        type,
        size(completed),
        String(sstables),
        size(total),
        'bytes',
        directory,
      )
    } else table.add(id, type, keyspace, name, size(completed), size(total), 'bytes', share)
    remaining += total - completed
  }
  let time = 'n/a'
  if (throughput !== 0) {
    const seconds = Math.floor(remaining / throughput)
    const two = (value: number): string => String(value).padStart(2, '0')
    time = `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m${two(seconds % 60)}s`
  }
  table.add('active compaction remaining time', time)
}

const HISTORY = [
  'id',
  'keyspace_name',
  'columnfamily_name',
  'compacted_at',
  'bytes_in',
  'bytes_out',
  'rows_merged',
  'compaction_properties',
]

export const COMPACTION_HISTORY: Verb = {
  description: 'Print history of compaction',
  usage: '',
  options: [],
  async run(session) {
    const rows = (await session.ask('compactionhistory')) as readonly Figures[]
    session.out('Compaction History: \n')
    if (rows.length === 0) {
      session.out('There is no compaction history')
      return undefined
    }
    const table = new TableBuilder()
    table.add(...HISTORY)
    for (const row of rows) {
      const { id, keyspace, table: name, compactedAtMs, bytesIn, bytesOut, rowsMerged, properties } = row
      const values = [
        id,
        keyspace,
        name,
        localTimeText(Number(compactedAtMs)),
        bytesIn,
        bytesOut,
        rowsMerged,
        properties,
      ]
      table.add(...values.map(String))
    }
    session.out(table.text)
    return undefined
  },
}

/** `LocalDateTime.toString`: without seconds, or their fraction, where those are zero. */
export function localTimeText(ms: number): string {
  const local = new Date(ms)
  const text = new Date(ms - local.getTimezoneOffset() * 60_000).toISOString().slice(0, -1)
  return text.replace(/(:00)?\.000$/, '')
}

const TYPES =
  'P0 CLEANUP SCRUB UPGRADE_SSTABLES VERIFY MAJOR_COMPACTION RELOCATE GARBAGE_COLLECT FLUSH WRITE ANTICOMPACTION VALIDATION INDEX_BUILD VIEW_BUILD COMPACTION TOMBSTONE_COMPACTION UNKNOWN STREAM KEY_CACHE_SAVE ROW_CACHE_SAVE COUNTER_CACHE_SAVE INDEX_SUMMARY'.split(
    ' ',
  )

export const STOP: Verb = {
  description: 'Stop compaction',
  usage: '<compaction type>',
  options: [
    {
      names: ['-id', '--compaction-id'],
      value: 'compactionId',
      description: 'Use -id to stop a compaction by the specified id, which compactionstats shows.',
    },
  ],
  async run(session, given) {
    const type = given.args[0] ?? 'UNKNOWN'
    if (!TYPES.includes(type)) {
      throw new BadUseError(`compaction_type: can not convert "${type}" to a OperationType`)
    }
    const id = given.text('-id')
    await session.ask('stop', id === null ? { type } : { id })
    return undefined
  },
}

function autoCompaction(enabled: boolean): Verb {
  return {
    description: `${enabled ? 'Enable' : 'Disable'} autocompaction for the given keyspace and table`,
    usage: '[<keyspace> <tables>...]',
    options: [],
    async run(session, given) {
      await session.ask('setautocompaction', { ...keyspaceAndTables(given), enabled })
      return undefined
    },
  }
}

export const ENABLE_AUTO_COMPACTION = autoCompaction(true)
export const DISABLE_AUTO_COMPACTION = autoCompaction(false)

export const STATUS_AUTO_COMPACTION: Verb = {
  description: 'status of autocompaction of the given keyspace and table',
  usage: '[<keyspace> <tables>...]',
  options: [
    {
      names: ['-a', '--all'],
      value: null,
      description: 'Show auto compaction status for each keyspace/table',
    },
  ],
  async run(session, given) {
    const rows = (await session.ask('statusautocompaction', keyspaceAndTables(given))) as readonly Figures[]
    const table = new TableBuilder()
    table.add('Keyspace', 'Table', 'Status')
    for (const row of rows) {
      table.add(String(row['keyspace']), String(row['table']), row['enabled'] ? 'running' : 'not running')
    }
    const enabled = rows.filter((row) => row['enabled']).length
    const all = enabled === rows.length ? 'running' : enabled === 0 ? 'not running' : 'partially running'
    session.out(given.has('-a') ? table.text : `${all}\n`)
    return undefined
  },
}

export function integer(title: string, text: string | undefined): number {
  if (text === undefined) throw new BadUseError(`Required parameters are missing: ${title}`)
  if (!/^[-+]?\d+$/.test(text)) throw new BadUseError(`${title}: can not convert "${text}" to a Integer`)
  return Number(text)
}

export const GET_THROUGHPUT: Verb = {
  description: 'Print the MiB/s throughput cap for compaction in the system as a rounded number',
  usage: '',
  options: [
    {
      names: ['-d', '--precise-mib'],
      value: null,
      description: 'Print the MiB/s throughput cap for compaction in the system as a precise number (double)',
    },
  ],
  async run(session, given) {
    const mib = Number(await session.ask('getcompactionthroughput')) / MIB
    if (given.has('-d')) session.out(`Current compaction throughput: ${doubleText(mib)} MiB/s\n`)
    else if (!Number.isInteger(mib)) {
      throw new Error('Use the -d flag to quiet this error and get the exact throughput in MiB/s')
    } else session.out(`Current compaction throughput: ${mib} MB/s\n`)
    return undefined
  },
}

export const SET_THROUGHPUT: Verb = {
  description: 'Set the MiB/s throughput cap for compaction in the system, or 0 to disable throttling',
  usage: '<value_in_mb>',
  options: [],
  async run(session, { args }) {
    await session.ask('setcompactionthroughput', {
      bytesPerSecond: integer('compaction_throughput', args[0]) * MIB,
    })
    return undefined
  },
}

export const GET_COMPACTORS: Verb = {
  description: 'Get the number of concurrent compactors in the system.',
  usage: '',
  options: [],
  async run(session) {
    const count: Json = await session.ask('getconcurrentcompactors')
    session.out(`Current concurrent compactors in the system is: \n${count}\n`)
    return undefined
  },
}

export const SET_COMPACTORS: Verb = {
  description: 'Set number of concurrent compactors in the system.',
  usage: '<value>',
  options: [],
  async run(session, { args }) {
    await session.ask('setconcurrentcompactors', { count: integer('concurrent_compactors', args[0]) })
    return undefined
  },
}

export const GET_THRESHOLD: Verb = {
  description: 'Print min and max compaction thresholds for a given table',
  usage: '<keyspace> <table>',
  options: [],
  async run(session, { args }) {
    const [keyspace = '', table = ''] = args
    if (args.length !== 2) throw new BadUseError('getcompactionthreshold requires ks and cf args')
    const { min, max } = (await session.ask('getcompactionthreshold', { keyspace, table })) as Figures
    session.out(`Current compaction thresholds for ${keyspace}/${table}: \n min = ${min},  max = ${max}\n`)
    return undefined
  },
}
