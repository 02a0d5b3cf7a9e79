/**
 * cqlsh's COPY FROM and COPY TO: what goes in comes out, line by line, and goes in again. COPY_ROWS sets how many rows
 * (20,000 with `npm run proof:copy`).
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  COLUMN_NAMES,
  type Column,
  counterLines,
  csvLines,
  DEFINITIONS,
  type Dialect,
} from './cqlsh-copy-data.ts'
import { freshKeyspace, runCqlsh } from './cqlsh-process.ts'
import { driverOptions, startTarget, type Target, temporaryDirectory } from './harness.ts'
import { pythonEnvironment } from './python-environment.ts'

const ROWS = Number(process.env['COPY_ROWS'] ?? 400)
const KEYSPACE = 'compat_copy'
const TIMEOUT_MS = 60_000 + ROWS * 30

const environment = await pythonEnvironment()
if (environment.kind === 'absent') console.log(`The tests of COPY are skipped: ${environment.why}`)

const home = temporaryDirectory('copy')
let target: Target
let client: cassandra.Client

beforeAll(async () => {
  if (environment.kind !== 'ready') return
  target = await startTarget()
  await freshKeyspace(target, KEYSPACE)
  client = new cassandra.Client({ ...driverOptions(target), keyspace: KEYSPACE })
  await client.connect()
  const tables = [
    ...DEFINITIONS,
    'CREATE TABLE counts (k int, c text, n counter, m counter, PRIMARY KEY (k, c))',
    'CREATE TABLE small (k int PRIMARY KEY, at timestamp, b boolean, d double, t text)',
  ]
  for (const definition of tables) await client.execute(definition)
}, 120_000)

afterAll(async () => {
  await client?.execute(`DROP KEYSPACE IF EXISTS ${KEYSPACE}`)
  await client?.shutdown()
  await target?.stop()
  home.remove()
}, 120_000)

/** Runs a script in the keyspace; what it prints, without the lines that tell of progress. */
async function cqlsh(...script: readonly string[]): Promise<string> {
  const output = await runCqlsh({ target, environment, home: home.path }, ['-k', KEYSPACE], script.join('\n'))
  return output.replaceAll(/Processed: \d+ rows; Rate: +[\d.]+ rows\/s; Avg\. rate: +[\d.]+ rows\/s\r?/g, '')
}

const write = (name: string, lines: readonly string[]): void =>
  writeFileSync(join(home.path, name), lines.map((line) => `${line}\n`).join(''))

/** The lines of a file that COPY TO wrote. */
function read(name: string): string[] {
  const lines = readFileSync(join(home.path, name), 'utf8').split('\r\n')
  expect(lines.pop()).toBe('')
  return lines
}

function sorted(lines: readonly string[]): string[] {
  return [...lines].sort()
}

async function count(table: string): Promise<number> {
  const { rows } = await client.execute(`SELECT count(*) FROM ${table}`, [], { readTimeout: 120_000 })
  return Number(rows[0]!['count'])
}

interface RoundTrip {
  readonly table: string
  readonly columns: readonly string[]
  readonly source: readonly string[]
  readonly from: string
  readonly to: string
}

/** Source to table, to one.csv, to the emptied table, to two.csv. */
async function roundTrip({ table, columns, source, from, to }: RoundTrip): Promise<void> {
  const named = `${table} (${columns.join(', ')})`
  write('source.csv', [...(from.includes('HEADER') ? ['header'] : []), ...source])
  const imported = new RegExp(`^${source.length} rows imported from 1 files in .* \\(0 skipped\\)\\.$`, 'm')
  const exported = new RegExp(`^${source.length} rows exported to 1 files in .*\\.$`, 'm')
  const first = await cqlsh(
    `TRUNCATE ${table};`,
    `COPY ${named} FROM 'source.csv' WITH ${from};`,
    `COPY ${named} TO 'one.csv' WITH ${to};`,
  )
  expect(first).toMatch(imported)
  expect(first).toMatch(exported)
  const header = to.includes('HEADER') ? [columns.join(',')] : []
  expect(sorted(read('one.csv'))).toEqual(sorted([...header, ...source]))
  expect(await count(table)).toBe(source.length)
  const second = await cqlsh(
    `TRUNCATE ${table};`,
    `SELECT ${columns[0]} FROM ${table} LIMIT 1;`,
    `COPY ${named} FROM 'one.csv' WITH ${from};`,
    `COPY ${named} TO 'two.csv' WITH ${to};`,
  )
  expect(second).toContain('(0 rows)')
  expect(second).toMatch(imported)
  expect(sorted(read('two.csv'))).toEqual(sorted(read('one.csv')))
}

/** Rows of `small` as texts: k, at, b, d, t. */
const SMALL = Array.from({ length: 40 }, (_, i) => [
  String(i),
  '2024-02-29 13:30:00.000+0000',
  i % 3 === 0 ? 'True' : 'False',
  String(i * 1234 + 0.5),
  `text ${i}`,
])

/** Points between thousands and a comma before the fraction. */
function germanNumber(text: string): string {
  const [whole, rest] = text.split('.')
  return `${whole!.replaceAll(/\B(?=(\d{3})+$)/g, '.')},${rest}`
}

async function fillSmall(): Promise<void> {
  write(
    'small-all.csv',
    SMALL.map((row) => row.join(',')),
  )
  const output = await cqlsh('TRUNCATE small;', "COPY small (k, at, b, d, t) FROM 'small-all.csv';")
  expect(output).toContain('40 rows imported from 1 files')
}

describe.skipIf(environment.kind === 'absent')('COPY', () => {
  test(
    `${ROWS} rows of all types through prepared statements`,
    async () => {
      const dialect: Dialect = { delimiter: ',', nullText: '<null>' }
      // cqlsh can't bind a duration.
      const columns: Column[] = COLUMN_NAMES.filter((name) => name !== 'a_duration')
      await roundTrip({
        table: 'every',
        columns,
        source: csvLines(ROWS, columns, dialect),
        from: "HEADER = true AND NULL = '<null>' AND CHUNKSIZE = 500 AND INGESTRATE = 50000 AND MAXBATCHSIZE = 10",
        to: "HEADER = true AND NULL = '<null>' AND PAGESIZE = 250 AND MAXREQUESTS = 3",
      })
    },
    TIMEOUT_MS,
  )

  test(
    `${ROWS} rows of all types as texts of statements`,
    async () => {
      const dialect: Dialect = { delimiter: '|', nullText: 'null' }
      await roundTrip({
        table: 'every',
        columns: COLUMN_NAMES,
        source: csvLines(ROWS, COLUMN_NAMES, dialect),
        from: "DELIMITER = '|' AND NULL = 'null' AND PREPAREDSTATEMENTS = false AND MAXBATCHSIZE = 10",
        to: "DELIMITER = '|' AND NULL = 'null' AND PAGESIZE = 1000",
      })
    },
    TIMEOUT_MS,
  )

  test(
    `${ROWS} rows of counters`,
    async () => {
      await roundTrip({
        table: 'counts',
        columns: ['k', 'c', 'n', 'm'],
        source: counterLines(ROWS),
        from: 'CHUNKSIZE = 1000 AND MINBATCHSIZE = 1',
        to: 'PAGESIZE = 100',
      })
    },
    TIMEOUT_MS,
  )

  test(
    'options of COPY TO',
    async () => {
      await fillSmall()
      const output = await cqlsh(
        "COPY small (k, t) TO 'plain.csv';",
        "COPY small (k, t) TO 'low.csv' WITH ENDTOKEN = '1' AND NUMPROCESSES = 2;",
        "COPY small (k, t) TO 'high.csv' WITH BEGINTOKEN = '1' AND MAXATTEMPTS = 2 AND PAGETIMEOUT = 30;",
        "COPY small (k) TO 'split.csv' WITH MAXOUTPUTSIZE = 16;",
        "COPY small (k, b, d, at) TO 'styled.csv' WITH BOOLSTYLE = 'yes, no' AND DECIMALSEP = ',' AND THOUSANDSSEP = '.' AND DELIMITER = ';' AND DATETIMEFORMAT = '%Y%m%d %H%M' AND HEADER = true;",
        "COPY small (t, k) TO 'quoted.csv' WITH QUOTE = '''' AND ESCAPE = '~' AND NULL = 'none' AND ENCODING = 'utf8' AND RATEFILE = 'rates' AND REPORTFREQUENCY = 1;",
        'COPY small (k) TO STDOUT WITH PAGESIZE = 7;',
        "COPY small (k, nosuch) TO 'none.csv';",
        "COPY nosuch TO 'none.csv';",
        "COPY small TO 'none.csv' WITH NOSUCH = 1;",
      )
      const plain = read('plain.csv')
      expect(sorted(plain)).toEqual(sorted(SMALL.map(([k, , , , t]) => `${k},${t}`)))
      const low = read('low.csv')
      const high = read('high.csv')
      expect(low.length).toBeGreaterThan(0)
      expect(high.length).toBeGreaterThan(0)
      expect(sorted([...low, ...high])).toEqual(sorted(plain))
      const parts = ['split.csv', 'split.csv.1', 'split.csv.2'].flatMap((name) =>
        readFileSync(join(home.path, name), 'utf8')
          .split(/\r?\n/)
          .filter((line) => line !== ''),
      )
      expect(sorted(parts)).toEqual(sorted(SMALL.map(([k]) => k!)))
      const styled = SMALL.map(
        ([k, , b, d]) => `${k};${b === 'True' ? 'yes' : 'no'};${germanNumber(d!)};20240229 1330`,
      )
      expect(sorted(read('styled.csv'))).toEqual(sorted(['k;b;d;at', ...styled]))
      expect(sorted(read('quoted.csv'))).toEqual(sorted(SMALL.map(([k, , , , t]) => `${t},${k}`)))
      const printed = output.split('\n').map((line) => line.trim())
      for (const [k] of SMALL) expect(printed).toContain(k)
      expect(output).toContain('Invalid column name nosuch')
      expect(output).toContain('Column family nosuch not found')
      expect(output).toContain('Unrecognized COPY TO options: nosuch')
    },
    TIMEOUT_MS,
  )

  test(
    'options of COPY FROM',
    async () => {
      write(
        'small.csv',
        SMALL.map(([k, , , , t]) => `${k},${t}`),
      )
      write(
        'columns.csv',
        SMALL.map(([k, , , d, t]) => `${k},${d},${t}`),
      )
      const output = await cqlsh(
        'TRUNCATE small;',
        "COPY small (k, t) FROM 'small.csv' WITH MAXROWS = 15 AND SKIPROWS = 5 AND NUMPROCESSES = 2;",
        'SELECT count(*) AS after_maxrows FROM small;',
        'TRUNCATE small;',
        "COPY small (k, d, t) FROM 'columns.csv' WITH SKIPCOLS = 'd' AND MAXBATCHSIZE = 3 AND MINBATCHSIZE = 2 AND MAXREQUESTS = 1 AND INGESTRATE = 100 AND CHUNKSIZE = 5;",
        'SELECT k, d, t FROM small WHERE k = 3;',
        'TRUNCATE small;',
        "COPY small (k, t) FROM 'small.csv' WITH TTL = 100000;",
        'COPY small (k, t) FROM STDIN;',
        '1001,typed',
        '1002,"typed, quoted"',
        '.',
        'SELECT k, t FROM small WHERE k IN (1001, 1002);',
      )
      expect(output).toContain('10 rows imported from 1 files')
      expect(output).toMatch(/after_maxrows\n-+\n +10\n/)
      expect(output).toMatch(/3 \| null \| text 3\n/)
      expect(output).toContain('2 rows imported from 1 files')
      expect(output).toMatch(/1001 \| +typed\n 1002 \| typed, quoted\n/)
      const { rows } = await client.execute('SELECT ttl(t) FROM small WHERE k = 3')
      expect(Number(rows[0]!.values()[0])).toBeGreaterThan(99_000)
    },
    TIMEOUT_MS,
  )

  test(
    'lines that can not be imported',
    async () => {
      write('broken.csv', ['1,one', 'two,2', '3', '4,four', '5,five,5', ',six', '7,seven'])
      const output = await cqlsh(
        'TRUNCATE small;',
        "COPY small (k, t) FROM 'broken.csv' WITH ERRFILE = 'broken.err';",
        "COPY small (k, t) FROM 'nosuch.csv';",
        "COPY small (k, t) FROM 'broken.csv' WITH ERRFILE = 'broken2.err' AND MAXPARSEERRORS = 1;",
      )
      expect(output).toContain(
        "ParseError - Failed to parse two : invalid literal for int() with base 10: 'two'",
      )
      expect(output).toContain('Invalid row length 1 should be 2')
      expect(output).toContain("Cannot insert null value for primary key column 'k'.")
      expect(output).toContain("Can't open 'nosuch.csv' for reading: no matching file found")
      expect(output).toContain('Exceeded maximum number of parse errors 1')
      const refused = readFileSync(join(home.path, 'broken.err'), 'utf8').split(/\r?\n/)
      expect(sorted(refused.filter((line) => line !== ''))).toEqual(
        sorted(['two,2', '3', '5,five,5', ',six']),
      )
      const { rows } = await client.execute('SELECT k FROM small')
      expect(rows.map((row) => row['k'] as number).sort((a, b) => a - b)).toEqual([1, 4, 7])
    },
    TIMEOUT_MS,
  )

  test(
    'newlines and backslashes',
    async () => {
      await client.execute('TRUNCATE small')
      // cqlsh hangs on a field of several lines. It prints line ends as escapes, doubles backslashes, and takes both for
      // what they look like.
      const texts = [
        'two\nlines',
        'three\n\nlines, "quoted"',
        'back\\slash',
        'tab\there\r\n',
        "it's 'quoted'",
      ]
      for (const [k, t] of texts.entries()) {
        await client.execute('INSERT INTO small (k, t) VALUES (?, ?)', [k, t], { prepare: true })
      }
      await cqlsh(
        "COPY small (k, t) TO 'escapes.csv';",
        'TRUNCATE small;',
        "COPY small (k, t) FROM 'escapes.csv';",
      )
      expect(sorted(read('escapes.csv'))).toEqual([
        '0,two\\\\nlines',
        '1,"three\\\\n\\\\nlines, \\"quoted\\""',
        '2,back\\\\\\\\slash',
        '3,tab\\\\there\\\\r\\\\n',
        "4,it's 'quoted'",
      ])
      const { rows } = await client.execute('SELECT k, t FROM small')
      expect(new Map(rows.map((row) => [row['k'] as number, row['t'] as string]))).toEqual(
        new Map([
          [0, 'two\\nlines'],
          [1, 'three\\n\\nlines, "quoted"'],
          [2, 'back\\\\slash'],
          [3, 'tab\\there\\r\\n'],
          [4, "it's 'quoted'"],
        ]),
      )
    },
    TIMEOUT_MS,
  )
})
