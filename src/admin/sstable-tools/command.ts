import { resolve } from 'node:path'
import type { Disk } from '../../io/disk.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import { type Descriptor, descriptorName, parseFileName } from '../../storage/sstable/descriptor.ts'
import { descriptorOf, openOffline, ToolError } from '../../storage/sstable/offline-sstable.ts'
import { sstableText, type VerifyOptions, verify } from '../../storage/sstable/verify.ts'
import { type DumpOptions, dump } from './dump.ts'
import { metadata, TIMESTAMP_UNITS, type TimestampUnit } from './metadata.ts'

export const SSTABLE_USAGE = `Usage: sibyl sstable dump FILE [-t] [-k KEY...] [-x KEY...] [-e] [-d] [-l]
       sibyl sstable metadata FILE... [-s] [-g SECONDS] [-t UNIT] [-c] [-u]
       sibyl sstable verify FILE|DIR... [-e] [-q] [-c]

Each reads the files of SSTables (nb, oa) that no server has open; FILE is any component, such as nb-1-big-Data.db.

dump: the rows as JSON (sstabledump)
  -t          timestamps as numbers instead of dates
  -k KEY...   these partition keys alone
  -x KEY...   all but these partition keys
  -e          partition keys alone
  -d          a line for each row, in the form of Cassandra's log
  -l          a line for each partition
metadata: what Statistics.db and its neighbours say (sstablemetadata)
  -s          reads all rows too: the widest and largest partitions
  -g SECONDS  tombstones count as droppable when they are so old (0)
  -t UNIT     unit of the timestamps: MICROSECONDS, MILLISECONDS, SECONDS, ... (MICROSECONDS)
  -c          colours
  -u          bars of Unicode characters
verify: every component read and checked (sstableverify); ends with 1 when something is corrupt
  -e          all rows too, and the index, the summary and the filter against them
  -q          without reading Data.db
  -c          fails for versions other than the one that is written (nb)
  -f          taken for the sake of scripts; sstableverify wants it
`

/** A piece of what a tool says, and where it says it. */
export interface ToolOutput {
  readonly to: 'stdout' | 'stderr'
  readonly text: string
}

interface Parsed {
  readonly files: readonly string[]
  /** Letters of the flags that were given. */
  readonly flags: ReadonlySet<string>
  readonly values: ReadonlyMap<string, readonly string[]>
}

/**
 * `sibyl sstable ...`: yields what it says and returns the exit code: 0, 1 for what is corrupt or cannot be done, 2 for
 * arguments that mean nothing. `nowSeconds` says what has expired.
 */
export function* sstableCommand(
  args: readonly string[],
  disk: Disk,
  nowSeconds: number,
): Generator<ToolOutput, number> {
  const [tool, ...rest] = args
  try {
    if (tool === undefined) throw new UsageError('sstable needs dump, metadata or verify')
    if (['-h', '--help', 'help'].includes(tool)) {
      yield { to: 'stdout', text: SSTABLE_USAGE }
      return 0
    }
    if (tool === 'dump') return yield* runDump(rest, disk, nowSeconds)
    if (tool === 'metadata') return yield* runMetadata(rest, disk, nowSeconds)
    if (tool === 'verify') return yield* runVerify(rest, disk)
    throw new UsageError(`there is no sstable ${tool}`)
  } catch (error) {
    if (error instanceof UsageError) {
      yield { to: 'stderr', text: `sibyl: ${error.message}\n\n${SSTABLE_USAGE}` }
      return 2
    }
    if (error instanceof CorruptSSTableError || error instanceof ToolError) {
      yield { to: 'stderr', text: `sibyl: ${error.message}\n` }
      return 1
    }
    throw error
  }
}

class UsageError extends Error {}

/** Flags of one letter, which may stand together; those of `one` take what follows, those of `many` all up to the next. */
function parse(args: readonly string[], known: { flags: string; one?: string; many?: string }): Parsed {
  const { flags, one = '', many = '' } = known
  const files: string[] = []
  const given = new Set<string>()
  const values = new Map<string, string[]>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const letter = arg.slice(1)
    if (!arg.startsWith('-') || arg === '-') files.push(arg)
    else if (one.includes(letter) && letter.length === 1) {
      const value = args[++i]
      if (value === undefined) throw new UsageError(`Missing argument for option: ${letter}`)
      values.set(letter, [value])
    } else if (many.includes(letter) && letter.length === 1) {
      const list = values.get(letter) ?? []
      while (i + 1 < args.length && !/^-[a-z]$/.test(args[i + 1]!)) list.push(args[++i]!)
      if (list.length === 0) throw new UsageError(`Missing argument for option: ${letter}`)
      values.set(letter, list)
    } else if (letter !== '' && [...letter].every((each) => flags.includes(each))) {
      for (const each of letter) given.add(each)
    } else throw new UsageError(`Unrecognized option: ${arg}`)
  }
  return { files, flags: given, values }
}

/** Where a file lies, absolutely, as Cassandra's tools name it. Throws a ToolError where there is none. */
function existing(disk: Disk, file: string): Descriptor {
  const path = resolve(file)
  if (!disk.existsSync(path)) throw new ToolError(`Cannot find file ${path}`)
  return descriptorOf(path)
}

function* runDump(args: readonly string[], disk: Disk, nowSeconds: number): Generator<ToolOutput, number> {
  const { files, flags, values } = parse(args, { flags: 'tedl', many: 'kx' })
  if (files.length !== 1) {
    const hint =
      files.length === 0 && values.size > 0
        ? ", which should be before the -k/-x options so it's not interpreted as a partition key."
        : ''
    throw new UsageError(`You must supply exactly one sstable${hint}`)
  }
  const options: DumpOptions = {
    rawTimestamps: flags.has('t'),
    keys: values.get('k') ?? [],
    excludedKeys: values.get('x') ?? [],
    enumerateKeys: flags.has('e'),
    debug: flags.has('d'),
    lines: flags.has('l'),
  }
  const offline = openOffline(disk, existing(disk, files[0]!))
  try {
    for (const text of dump(offline, options, nowSeconds)) yield { to: 'stdout', text }
  } finally {
    offline.sstable.close()
  }
  return 0
}

function* runMetadata(
  args: readonly string[],
  disk: Disk,
  nowSeconds: number,
): Generator<ToolOutput, number> {
  const { files, flags, values } = parse(args, { flags: 'scu', one: 'gt' })
  if (files.length === 0) throw new UsageError('You must supply at least one sstable')
  const seconds = values.get('g')?.[0] ?? '0'
  if (!/^-?[0-9]{1,10}$/.test(seconds)) throw new UsageError(`-g takes seconds, not ${seconds}`)
  const unit = values.get('t')?.[0] ?? 'MICROSECONDS'
  if (!Object.hasOwn(TIMESTAMP_UNITS, unit)) {
    throw new UsageError(`-t takes ${Object.keys(TIMESTAMP_UNITS).join(', ')}, not ${unit}`)
  }
  const options = {
    color: flags.has('c'),
    unicode: flags.has('u'),
    scan: flags.has('s'),
    gcGraceSeconds: Number(seconds),
    timestampUnit: unit as TimestampUnit,
  }
  for (const file of files) {
    if (!disk.existsSync(resolve(file))) {
      yield { to: 'stdout', text: `No such file: ${file}\n` }
      continue
    }
    for (const text of metadata(disk, descriptorOf(resolve(file)), options, nowSeconds)) {
      yield { to: 'stdout', text }
    }
  }
  return 0
}

function* runVerify(args: readonly string[], disk: Disk): Generator<ToolOutput, number> {
  const { files, flags } = parse(args, { flags: 'eqcf' })
  if (files.length === 0) throw new UsageError('You must supply at least one sstable or directory')
  const options: VerifyOptions = {
    extended: flags.has('e'),
    quick: flags.has('q'),
    checkVersion: flags.has('c'),
  }
  let code = 0
  for (const descriptor of files.flatMap((file) => sstablesOf(disk, file))) {
    try {
      for (const text of verify(disk, descriptor, options)) yield { to: 'stdout', text }
    } catch (error) {
      if (!(error instanceof CorruptSSTableError) && !(error instanceof ToolError)) throw error
      yield { to: 'stdout', text: `WARNING: Error verifying ${sstableText(descriptor)}: ${error.message}\n` }
      code = 1
    }
  }
  return code
}

/** The SSTable of a file, or all of a directory in the order of their names. */
function sstablesOf(disk: Disk, file: string): Descriptor[] {
  const path = resolve(file)
  if (!disk.existsSync(path)) throw new ToolError(`Cannot find file ${path}`)
  let names: string[]
  try {
    names = disk.readdirSync(path)
  } catch {
    return [descriptorOf(path)]
  }
  const found = new Map<string, Descriptor>()
  for (const name of names) {
    const descriptor = parseFileName(path, name)?.descriptor
    if (descriptor !== undefined) found.set(descriptorName(descriptor), descriptor)
  }
  return [...found.values()].sort((a, b) =>
    descriptorName(a).localeCompare(descriptorName(b), 'en', { numeric: true }),
  )
}
