import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type ToolOutput, sstableCommand } from '../../../src/admin/sstable-tools/command.ts'
import { type DumpOptions, dump } from '../../../src/admin/sstable-tools/dump.ts'
import { type MetadataOptions, metadata } from '../../../src/admin/sstable-tools/metadata.ts'
import { openOffline } from '../../../src/storage/sstable/offline-sstable.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { type Descriptor, descriptorName } from '../../../src/storage/sstable/descriptor.ts'
import { descriptorsOf, FIXTURES, readFixture } from './fixtures.ts'

/** What `sibyl sstable dump` and `metadata` say of Cassandra's SSTables, byte for byte what Cassandra's tools said. */

const disk = createNodeDisk()
const RAW: DumpOptions = {
  rawTimestamps: true,
  keys: [],
  excludedKeys: [],
  enumerateKeys: false,
  debug: false,
  lines: false,
}
/** When the metadata of the fixtures were recorded: the share of droppable tombstones depends on it. */
const NOW_SECONDS: Readonly<Record<string, number>> = { nb: 1_795_227_586, oa: 1_795_227_754 }

function dumpText(descriptor: Descriptor): string {
  const offline = openOffline(disk, descriptor)
  try {
    return [...dump(offline, RAW, NOW_SECONDS[descriptor.version]!)].join('')
  } finally {
    offline.sstable.close()
  }
}

function metadataText(descriptor: Descriptor): string {
  const options: MetadataOptions = {
    color: false,
    unicode: false,
    gcGraceSeconds: 0,
    timestampUnit: 'MICROSECONDS',
    scan: false,
  }
  return [...metadata(disk, descriptor, options, NOW_SECONDS[descriptor.version]!)].join('')
}

describe.skipIf(!existsSync(FIXTURES)).each(['nb', 'oa'])('%s', (format) => {
  const tables = existsSync(FIXTURES) ? readdirSync(`${FIXTURES}${format}`) : []
  test.each(tables)('%s', (name) => {
    for (const descriptor of descriptorsOf(format, name)) {
      const recorded = readFixture(`${format}/${name}/${descriptorName(descriptor)}-dump.json`)
      expect(dumpText(descriptor)).toBe(recorded)
    }
  })

  test.each(tables)('metadata of %s', (name) => {
    for (const descriptor of descriptorsOf(format, name)) {
      const recorded = readFixture(`${format}/${name}/${descriptorName(descriptor)}-metadata.txt`)
      expect(metadataText(descriptor).replaceAll(`${FIXTURES}${format}/`, '')).toBe(recorded)
    }
  })
})

/** What Cassandra's tools said with other options (record.js). */
interface Recorded {
  readonly now: number
  readonly runs: readonly { readonly args: readonly string[]; readonly output: string }[]
}

const recorded = JSON.parse(
  gunzipSync(readFileSync(new URL('recorded.json.gz', import.meta.url))).toString(),
) as Recorded

/** Runs the command; its output with paths from the fixtures' folder. */
function run(args: readonly string[], now: number): { code: number; stdout: string; stderr: string } {
  const command = sstableCommand(args, disk, now)
  const said: ToolOutput[] = []
  for (let step = command.next(); ; step = command.next()) {
    if (step.done) {
      const text = (to: ToolOutput['to']): string =>
        said.flatMap((piece) => (piece.to === to ? [piece.text] : [])).join('').replaceAll(FIXTURES, '')
      return { code: step.value, stdout: text('stdout'), stderr: text('stderr') }
    }
    said.push(step.value)
  }
}

const TOOLS: Readonly<Record<string, string>> = { sstabledump: 'dump', sstablemetadata: 'metadata' }
/** Which of the partitions with equal numbers are shown comes from the innards of a heap of Guava's. */
function withoutTies(text: string): string {
  const lines = text.split('\n')
  const leader = /^( {2}\S*\[).*(\] \S*?\d+.*)$/
  const values = lines.map((line) => leader.exec(line)?.[2])
  return lines
    .map((line, i) => (values.filter((value) => value === values[i]).length > 1 ? line.replace(leader, '$1$2') : line))
    .join('\n')
}

const DROPPABLE = /(droppable tombstones\S* (?:\u001b\[0m)?)(\S*)/

describe.skipIf(!existsSync(FIXTURES))('options as Cassandra has them', () => {
  test.each(recorded.runs)('$args', ({ args, output }) => {
    const [tool, ...rest] = args
    const files = rest.map((arg) => (arg.endsWith('.db') ? `${FIXTURES}${arg}` : arg))
    const { code, stdout } = run([TOOLS[tool!]!, ...files], recorded.now)
    expect(code).toBe(0)
    // Progress is shown on one line again and again, which is wiped in the end.
    const wiped = output.replaceAll(/\r.*?\r(?=\S|\u001b|$)/gs, '')
    const share = (text: string): number => Number(DROPPABLE.exec(text)?.[2] ?? 0)
    expect(share(stdout)).toBeCloseTo(share(wiped), 5)
    const stable = (text: string): string => withoutTies(text.replaceAll(new RegExp(DROPPABLE, 'g'), '$1'))
    expect(stable(stdout)).toBe(stable(wiped))
  })
})

describe('arguments', () => {
  const FILE = '/nowhere/nb-1-big-Data.db'
  test.each([
    [[], 2, 'sstable needs dump, metadata or verify'],
    [['mend'], 2, 'there is no sstable mend'],
    [['dump'], 2, 'You must supply exactly one sstable'],
    [['dump', '-k', 'a', 'b'], 2, "before the -k/-x options so it's not interpreted as a partition key."],
    [['dump', '-k'], 2, 'Missing argument for option: k'],
    [['dump', '-z', FILE], 2, 'Unrecognized option: -z'],
    [['dump', FILE], 1, `Cannot find file ${FILE}`],
    [['metadata'], 2, 'You must supply at least one sstable'],
    [['metadata', FILE, '-t', 'WEEKS'], 2, '-t takes NANOSECONDS, '],
    [['metadata', FILE, '-g', 'x'], 2, '-g takes seconds, not x'],
    [['verify', '-r', FILE], 2, 'Unrecognized option: -r'],
    [['verify', FILE], 1, `Cannot find file ${FILE}`],
  ] as const)('%j', (args, code, message) => {
    const result = run(args, 0)
    expect([result.code, result.stdout]).toEqual([code, ''])
    expect(result.stderr).toContain(message)
  })

  test('the help names every flag', () => {
    expect(run(['--help'], 0)).toMatchObject({ code: 0, stdout: expect.stringContaining('-k KEY...') })
  })
})

describe.skipIf(!existsSync(FIXTURES))('verify', () => {
  test.each(['nb', 'oa'])('all tables of %s', (format) => {
    for (const table of readdirSync(`${FIXTURES}${format}`)) {
      const { code, stdout, stderr } = run(['verify', '-e', `${FIXTURES}${format}/${table}`], 0)
      expect([table, code, stderr]).toEqual([table, 0, ''])
      const count = descriptorsOf(format, table).length
      expect(stdout.match(/succeeded\. All \d+ rows read successfully/g), stdout).toHaveLength(count)
    }
  })

  test('says what it does, and refuses other formats', () => {
    const name = "BigTableReader(path='nb/key_only/nb-1-big-Data.db')"
    const { stdout } = run(['verify', `${FIXTURES}nb/key_only`], 0)
    expect(stdout).toMatch(/^Verifying BigTableReader\(path='nb\/key_only\/nb-1-big-Data\.db'\) \(\d+B\)\n/)
    expect(stdout).toContain(`Deserializing sstable metadata for ${name} \nChecking computed hash of ${name} \n`)
    expect(run(['verify', '-q', `${FIXTURES}nb/key_only`], 0).stdout).not.toContain('hash')
    expect(run(['verify', '-c', `${FIXTURES}oa/ttls`], 0)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('is not the latest version, run upgradesstables'),
    })
    const foreign = run(['verify', `${FIXTURES}da/ttls`], 0)
    expect(foreign.code).toBe(1)
    expect(foreign.stdout).toContain('Unsupported SSTable version bti/da')
  })
})
