import { BadUseError } from '../admin-node.ts'
import { fileSizeText } from './java-format.ts'
import { TableBuilder } from './table-builder.ts'
import type { Figures, Given, Session, Verb } from './verb.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds of a text such as 4h (`DurationSpec`). */
function secondsOf(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text)
  if (match === null) {
    throw new BadUseError(
      `Invalid duration: ${text} Accepted units:[NANOSECONDS, MICROSECONDS, MILLISECONDS, SECONDS, MINUTES, HOURS, DAYS] where case matters and only non-negative values.`,
    )
  }
  return Number(match[1]) * SECONDS[match[2]!]!
}

export const SNAPSHOT: Verb = {
  description: 'Take a snapshot of specified keyspaces or a snapshot of the specified table',
  usage: '[<keyspaces...>]',
  options: [
    {
      names: ['-cf', '--column-family', '--table'],
      value: 'table',
      description: 'The table name (you must specify one and only one keyspace for using this option)',
    },
    {
      names: ['-kt', '--kt-list', '-kc', '--kc.list'],
      value: 'ktlist',
      description: 'The list of Keyspace.table to take snapshot.(you must not specify only keyspace)',
    },
    {
      names: ['-sf', '--skip-flush'],
      value: null,
      description: 'Do not flush memtables before snapshotting (snapshot will not contain unflushed data)',
    },
    { names: ['-t', '--tag'], value: 'tag', description: 'The name of the snapshot' },
    { names: ['--ttl'], value: 'ttl', description: 'Specify a TTL of created snapshot' },
  ],
  run: snapshot,
}

async function snapshot(session: Session, given: Given): Promise<undefined> {
  const name = given.text('-t') ?? String(session.nowMs())
  const list = given.text('-kt')?.replaceAll(' ', '') ?? ''
  const table = given.text('-cf')
  const ttl = given.text('--ttl')
  const skipFlush = given.has('-sf')
  const ttlSeconds = ttl === null ? null : secondsOf(ttl)
  if (name.includes('/')) throw new Error('Snapshot name cannot contain /')
  if (list !== '' && (given.args.length > 0 || table !== null)) {
    throw new Error(
      'When specifying the Keyspace table list (using -kt,--kt-list,-kc,--kc.list), you must not also specify keyspaces to snapshot',
    )
  }
  const what = list !== '' ? list : given.args.length > 0 ? given.args.join(', ') : 'all keyspaces'
  const options = ttl === null ? `{skipFlush=${skipFlush}}` : `{skipFlush=${skipFlush}, ttl=${ttl}}`
  const named = name === '' ? '' : ` with snapshot name [${name}]`
  session.out(`Requested creating snapshot(s) for [${what}]${named} and options ${options}\n`)
  const tables = list === '' ? {} : { tables: list.split(',') }
  const one = table === null ? {} : { table }
  await session.ask('snapshot', {
    name,
    keyspaces: [...given.args],
    ...tables,
    ...one,
    skipFlush,
    ttlSeconds,
  })
  session.out(`Snapshot directory: ${name}\n`)
  return undefined
}

const COLUMNS = [
  'Snapshot name',
  'Keyspace name',
  'Column family name',
  'True size',
  'Size on disk',
  'Creation time',
  'Expiration time',
]

export const LIST_SNAPSHOTS: Verb = {
  description:
    'Lists all the snapshots along with the size on disk and true size. True size is the total size of all SSTables which are not backed up to disk. Size on disk is total size of the snapshot on disk. Total TrueDiskSpaceUsed does not make any SSTable deduplication.',
  usage: '',
  options: [
    { names: ['-nt', '--no-ttl'], value: null, description: 'Skip snapshots with TTL' },
    { names: ['-e', '--ephemeral'], value: null, description: 'Include ephememeral snapshots' },
  ],
  async run(session, given) {
    session.out('Snapshot Details: \n')
    const ephemeral = given.has('-e')
    const answer = (await session.ask('listsnapshots', { noTtl: given.has('-nt'), ephemeral })) as Figures
    const snapshots = answer['snapshots'] as readonly Figures[]
    if (snapshots.length === 0) {
      session.out('There are no snapshots\n')
      return undefined
    }
    const table = new TableBuilder()
    table.add(...COLUMNS, ...(ephemeral ? ['Ephemeral'] : []))
    for (const one of snapshots) {
      const texts = [one['name'], one['keyspace'], one['table']].map(String)
      const sizes = [one['trueSize'], one['sizeOnDisk']].map((bytes) => fileSizeText(Number(bytes)))
      const times = [one['createdAt'], one['expiresAt']].map((time) => (time === null ? '' : String(time)))
      table.add(...texts, ...sizes, ...times, ...(ephemeral ? [String(one['ephemeral'])] : []))
    }
    session.out(`${table.text}\nTotal TrueDiskSpaceUsed: ${fileSizeText(Number(answer['trueSize']))}\n\n`)
    return undefined
  },
}

export const CLEAR_SNAPSHOT: Verb = {
  description: 'Remove the snapshot with the given name from the given keyspaces',
  usage: '[<keyspaces>...] ',
  options: [
    { names: ['--all'], value: null, description: 'Removes all snapshots' },
    {
      names: ['--older-than'],
      value: 'older_than',
      description: 'Clear snapshots older than specified time period.',
    },
    {
      names: ['--older-than-timestamp'],
      value: 'older_than_timestamp',
      description:
        "Clear snapshots older than specified timestamp. It has to be a string in ISO format, for example '2022-12-03T10:15:30Z'",
    },
    { names: ['-t'], value: 'snapshot_name', description: 'Remove the snapshot with a given name' },
  ],
  run: clearSnapshot,
}

async function clearSnapshot(session: Session, given: Given): Promise<undefined> {
  const name = given.text('-t') ?? ''
  const all = given.has('--all')
  const [period, timestamp] = [given.text('--older-than'), given.text('--older-than-timestamp')]
  const refuse = (isWrong: boolean, text: string): void => {
    if (isWrong) throw new BadUseError(text)
  }
  refuse(name === '' && !all, 'Specify snapshot name or --all')
  refuse(name !== '' && all, 'Specify only one of snapshot name or --all')
  refuse(period !== null && timestamp !== null, 'Specify only one of --older-than or --older-than-timestamp')
  refuse(
    name !== '' && period !== null,
    'Specifying snapshot name together with --older-than flag is not allowed',
  )
  refuse(
    name !== '' && timestamp !== null,
    'Specifying snapshot name together with --older-than-timestamp flag is not allowed',
  )
  const isIso =
    timestamp === null || (/^\d{4}-\d\d-\d\dT.*Z$/.test(timestamp) && !Number.isNaN(Date.parse(timestamp)))
  refuse(!isIso, 'Parameter --older-than-timestamp has to be a valid instant in ISO format.')
  const seconds = period === null ? null : secondsOf(period)
  const what = given.args.length === 0 ? 'all keyspaces' : given.args.join(', ')
  let text = `Requested clearing snapshot(s) for [${what}]`
  text += name === '' ? ' with [all snapshots]' : ` with snapshot name [${name}]`
  if (seconds !== null) text += ` older than ${seconds} seconds.`
  if (timestamp !== null) text += ` older than timestamp ${timestamp}`
  session.out(`${text}\n`)
  const olderThanMs =
    seconds !== null ? session.nowMs() - seconds * 1000 : timestamp === null ? null : Date.parse(timestamp)
  await session.ask('clearsnapshot', { name, all, keyspaces: [...given.args], olderThanMs })
  return undefined
}

export const IMPORT: Verb = {
  description: 'Import new SSTables to the system',
  usage: '<keyspace> <table> <directory> ...',
  options: [
    {
      names: ['-e', '--extended-verify'],
      value: null,
      description: 'Run an extended verify, verifying all values in the new sstables',
    },
    { names: ['-l', '--keep-level'], value: null, description: 'Keep the level on the new sstables' },
    {
      names: ['-p', '--copy-data'],
      value: null,
      description: 'Copy data from source directories instead of moving them',
    },
    {
      names: ['-q', '--quick'],
      value: null,
      description:
        'Do a quick import without verifying sstables, clearing row cache or checking in which data directory to put the file',
    },
    {
      names: ['-r', '--keep-repaired'],
      value: null,
      description: 'Keep any repaired information from the sstables',
    },
    {
      names: ['-t', '--no-tokens'],
      value: null,
      description: "Don't verify that all tokens in the new sstable are owned by the current node",
    },
    { names: ['-v', '--no-verify'], value: null, description: "Don't verify new sstables" },
    {
      names: ['-c', '--no-invalidate-caches'],
      value: null,
      description: "Don't invalidate the row cache when importing",
    },
  ],
  run: importTables,
}

async function importTables(session: Session, given: Given): Promise<number | undefined> {
  const [keyspace = '', table = '', ...directories] = given.args
  if (given.args.length < 3) throw new BadUseError('import requires keyspace, table name and directories')
  const isQuick = given.has('-q')
  const known = (await session.ask('tables')) as { tables: readonly { keyspace: string; table: string }[] }
  if (!known.tables.some((one) => one.keyspace === keyspace && one.table === table)) {
    session.err(`ColumnFamilyStore for ${keyspace}/${table} not found.\n`)
    return 1
  }
  if (isQuick) {
    session.out('Doing a quick import - skipping sstable verification and row cache invalidation\n')
  }
  const answer = (await session.ask('import', {
    keyspace,
    table,
    directories: [...new Set(directories)].map((directory) => session.path(directory)),
    keepLevel: given.has('-l'),
    keepRepaired: given.has('-r'),
    noVerify: isQuick || given.has('-v'),
    extendedVerify: !isQuick && given.has('-e'),
    copyData: given.has('-p'),
  })) as { failed: readonly { directory: string; reason: string }[]; warnings: readonly string[] }
  for (const warning of answer.warnings) session.err(`${warning}\n`)
  if (answer.failed.length === 0) return undefined
  session.err('Some directories failed to import, check server logs for details:\n')
  for (const { directory, reason } of answer.failed) session.err(`${directory}\n  ${reason}\n`)
  return 1
}

export const REFRESH: Verb = {
  description: 'Load newly placed SSTables to the system without restart',
  usage: '<keyspace> <table>',
  options: [],
  async run(session, { args }) {
    session.out('nodetool refresh is deprecated, use nodetool import instead\n')
    const [keyspace = '', table = ''] = args
    if (args.length !== 2) throw new BadUseError('refresh requires ks and cf args')
    await session.ask('refresh', { keyspace, table })
    return undefined
  },
}
