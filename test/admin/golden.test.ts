import { readFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { Workbench } from '../node/support.ts'
import { nodetool, type Said } from './nodetool.ts'

/**
 * nodetool beside Apache Cassandra's after the same statements: `record.py` wrote nodetool.json. What is compared is all of it but
 * the figures that `masked` names.
 */

const bench = new Workbench()
afterAll(() => bench.release())

const read = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T

/** Figures that differ from one run to the next, or between the two engines; see docs/admin.md. */
const FIGURES: readonly (readonly [RegExp, string])[] = [
  // How long something took, what memory it takes, and what the files take, whose Statistics.db is not of one length.
  [/^(\s*(?:Local )?(?:Read|Write|read|write) [Ll]atency: )\S+( ms)$/gm, '$1#$2'],
  [/^(\s*(?:Off heap memory used \(total\)|Memtable data size|Memtable off heap memory used): ).*$/gm, '$1#'],
  [/^(\s*(?:Index summary|Compression metadata|Bloom filter) off heap memory used: ).*$/gm, '$1#'],
  [
    /^(\s*(?:Max SSTable size|Space used \(live\)|Space used \(total\)|Space used by snapshots \(total\)): )\d.*$/gm,
    '$1#',
  ],
  [/^(\s*SSTable Compression Ratio: )\d.*$/gm, '$1#'],
  [/^(\s*(?:Bytes unrepaired|SSTable bytes in each level): ).*$/gm, '$1#'],
  // Of latencies the columns of reads and writes; of histories what is written for the schema.
  [/^((?:\d\d%|Min|Max) +)\S+( +)\S+/gm, '$1#$2#'],
  [/^(ID|[0-9a-f-]{36}) (?!admin_g +(?:plain|windows)).*\n/gm, ''],
  [/^([0-9a-f-]{36} admin_g +\w+ +\S+ +)\d+ +\d+/gm, '$1# #'],
  // Snapshots.
  [/\btruncated-\d{13}-/g, 'truncated-#-'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?/g, '#'],
  [/[\d.]+ (bytes|[KMG]iB)/g, '# B'],
  // Compactions.
  [/^(compactions completed|data compacted|15 minute rate|mean rate) +\S+ *$/gm, '$1 #'],
  // The node.
  [/127\.0\.[\d.]+/g, 'ADDRESS'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID'],
  [/^(?:Chunk|Network) Cache .*\n/gm, ''],
  [
    /^((?:Generation No|Uptime \(seconds\)|Heap Memory \(MB\)|Off Heap Memory \(MB\)|\w+ Cache) *: ).*$/gm,
    '$1#',
  ],
]

/** Figures of the two engines that are left out, and blanks by which columns are filled up to their widest. */
function masked({ out, err, code }: Said): Said {
  let text = out
  for (const [pattern, replacement] of FIGURES) text = text.replace(pattern, replacement)
  const lines = text.split('\n').map((line) => line.replace(/(\S) {2,}/g, '$1 ').trimEnd())
  return { out: lines.join('\n'), err: err.trim(), code }
}

/** Lines whose order is that of a hash map in Java. */
function sorted(said: Said, args: readonly string[]): Said {
  if (args[0] !== 'listsnapshots' && args[0] !== 'tablestats') return said
  const separator = args[0] === 'tablestats' ? /\n(?=\t\tTable: )|\n(?=Keyspace: )|\n(?=-{16})/ : '\n'
  return {
    ...said,
    out: said.out
      .split(separator)
      .map((part) => part.trim())
      .sort()
      .join('\n'),
  }
}

const linesOf = ({ out, err, code }: Said): string[] => [...`${out}\n${err}`.split('\n'), `exit code ${code}`]

it('says what Apache Cassandra says', { timeout: 120_000 }, async () => {
  const recorded = read<(Said & { readonly args: readonly string[] })[]>('nodetool.json')
  const server = await bench.start({
    dir: bench.folder(),
    adminPort: 0,
    numTokens: 16,
    settings: { concurrent_compactors: 2 },
  })
  const client = await bench.connect(server)
  const differing: unknown[] = []
  let at = 0
  for (const statement of read<(string | readonly string[])[]>('statements.json')) {
    if (typeof statement === 'string') {
      await client.execute(statement)
      continue
    }
    const { args, ...theirs } = recorded[at++]!
    expect(args).toEqual(statement)
    const ours = await nodetool(server, ...args)
    const [a, b] = [ours, theirs].map((said) => sorted(masked(said), args))
    const [mine, real] = [linesOf(a!), linesOf(b!)]
    if (mine.join('\n') === real.join('\n')) continue
    const without = (lines: readonly string[], others: readonly string[]) =>
      lines.filter((line) => !others.includes(line))
    differing.push({ command: args.join(' '), ours: without(mine, real), theirs: without(real, mine) })
  }
  expect(at).toBe(recorded.length)
  expect(differing).toEqual([])
})
