// Records what Apache Cassandra makes of transaction logs: states of a directory that a crash, or somebody's hand, may
// leave, with logs that its own LogRecord wrote; what its file lister says of the files, and what is left when
// LogTransaction.removeUnfinishedLeftovers has ended them. Needs the oracle kit and javac:
//
//   node test/golden/lifecycle/record.js
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const HERE = dirname(fileURLToPath(import.meta.url))
const ORACLE = join(HERE, '../../../../shared/oracle/cassandra')
const CASES = 500
const COMPONENTS = ['CompressionInfo.db', 'Data.db', 'Digest.crc32', 'Filter.db', 'Index.db', 'Statistics.db', 'Summary.db', 'TOC.txt']
const TYPES = ['flush', 'compaction', 'majorcompaction', 'unknowncompactiontype', 'stream', 'noise']

let state = 5
function uint32() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return (t ^ (t >>> 14)) >>> 0
}
const below = (bound) => uint32() % bound
const chance = (percent) => below(100) < percent
const pick = (items) => items[below(items.length)]

const root = mkdtempSync(join(tmpdir(), 'sibyl-referee-'))

function touch(path, ms) {
  writeFileSync(path, 'x')
  utimesSync(path, ms / 1000, ms / 1000)
}

/** Files of old and new SSTables, and the records of a transaction over them. */
function prepare(number) {
  const directory = join(root, `c${number}`)
  mkdirSync(directory)
  const type = chance(97) ? pick(TYPES.slice(0, -1)) : TYPES.at(-1)
  const log = join(directory, `nb_txn_${type}_${(uint32() >>> 0).toString(16).padStart(8, '0')}-e59a-11f1-a96a-4d18c0135ee5.log`)
  const records = []
  const time = 1_700_000_000_000 + below(1_000_000_000)
  const olds = below(4)
  const news = below(3)
  for (let id = 1; id <= olds + news; id++) {
    const isNew = id > olds
    for (const component of COMPONENTS) {
      if (isNew && chance(30)) continue
      touch(join(directory, `nb-${id}-big-${component}`), time + id * 10_000 + below(4000))
    }
    if (isNew && chance(10)) touch(join(directory, `nb-${id}-big-Statistics.db.tmp`), time + 90_000)
  }
  // One that no transaction knows, and whose name begins like another's.
  for (const component of COMPONENTS) touch(join(directory, `nb-11-big-${component}`), time)
  for (let id = olds + 1; id <= olds + news; id++) records.push(`add nb-${id}-big- 8`)
  for (let id = 1; id <= olds; id++) if (chance(95)) records.push(`remove nb-${id}-big- ${pick([0, 8, 8, 8, 9])}`)
  if (chance(55)) records.push(chance(75) ? 'commit' : 'abort')
  if (records.length === 0) records.push('commit')
  return { directory, log, records }
}

/** What happens to the directory after the log was written. */
function disturb({ directory, log }) {
  let text = readFileSync(log, 'latin1')
  const lines = text.split('\n').slice(0, -1)
  const what = below(12)
  if (what === 0) text = text.slice(0, below(text.length + 1))
  if (what === 1) text += pick(['A', 'COMMIT', 'COMMIT:[,0,0][26', 'COMMIT:[,0,0][1]', 'garbage', 'ADD:[', 'commit:[,0,0][2613697770]'])
  if (what === 2) text = [...lines, pick(lines)].join('\n')
  if (what === 3) {
    const at = below(text.length)
    if (text[at] !== '\n') text = text.slice(0, at) + pick(['0', '7', 'x', ',', ']', '[']) + text.slice(at + 1)
  }
  if (what === 4) text = [...lines.slice(0, -1), lines.at(-1).slice(0, below(lines.at(-1).length))].join('\n')
  if (what === 5) text = lines.toSorted(() => below(3) - 1).join('\n')
  if (what === 6) text += '\n'
  if (what === 7) text = lines.join(pick(['\r\n', '\r']))
  writeFileSync(log, text, 'latin1')
  const files = readdirSync(directory).filter((name) => !name.endsWith('.log'))
  if (chance(25)) for (const name of files) if (chance(30)) unlinkSync(join(directory, name))
  if (chance(15)) for (let i = 0; i < 3; i++) unlinkIfThere(join(directory, pick(files)))
  if (chance(12)) {
    const left = readdirSync(directory).filter((name) => !name.endsWith('.log'))
    if (left.length > 0) touch(join(directory, pick(left)), 1_800_000_000_000)
  }
}

function unlinkIfThere(path) {
  rmSync(path, { force: true })
}

const classes = join(root, 'classes')
const env = execFileSync(ORACLE, ['env'], { encoding: 'utf8' })
const jars = `${/^lib=(.*)$/m.exec(env)[1]}/*`
execFileSync('javac', ['-cp', jars, '-d', classes, join(HERE, 'Referee.java')])

function referee(...args) {
  const output = execFileSync(ORACLE, ['java', 'org.apache.cassandra.db.lifecycle.Referee', ...args], {
    encoding: 'utf8',
    env: { ...process.env, CLASSPATH: classes },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  })
  return output.split('\n').filter((line) => line.startsWith('@ ')).map((line) => line.slice(2).trim())
}

const cases = Array.from({ length: CASES }, (_, i) => prepare(i))
const script = join(root, 'script')
writeFileSync(script, cases.map(({ log, records }) => [log, ...records].join('|')).join('\n'))
referee('write', script)
cases.forEach((each, i) => {
  if (i >= CASES / 5) disturb(each)
})
const states = cases.map(({ directory, log }) => ({
  log: log.slice(directory.length + 1),
  text: readFileSync(log, 'latin1'),
  files: readdirSync(directory)
    .filter((name) => !name.endsWith('.log'))
    .sort()
    .map((name) => [name, Math.floor(statSync(join(directory, name)).mtimeMs)]),
}))
const directories = cases.map(({ directory }) => directory)
const listed = referee('list', ...directories)
const recovered = referee('recover', ...directories)
const recorded = states.map((each, i) => {
  const [isRecovered, ...left] = recovered[i].split(' ')
  return { ...each, listed: listed[i], isRecovered: isRecovered === 'true', left: left.filter((name) => name !== '') }
})
rmSync(root, { recursive: true })
const refused = recorded.filter(({ isRecovered }) => !isRecovered).length
console.log(`${recorded.length} directories, ${refused} of them refused`)
writeFileSync(join(HERE, 'recorded.json.gz'), gzipSync(JSON.stringify(recorded), { level: 9 }))
