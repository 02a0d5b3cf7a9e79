/** What a database must show and have on its disk, after a crash or at any other moment, as a model says. */
import { DEFAULT_QUERY_OPTIONS, type QueryOptions } from '../../src/model/query-options.ts'
import type { QueryResult } from '../../src/model/query-result.ts'
import type { Database } from '../../src/node/database.ts'
import type { ClientState } from '../../src/query/query-handler.ts'
import { parseFileName } from '../../src/storage/sstable/descriptor.ts'
import { toCqlLiteral } from '../../src/types/index.ts'
import { type Model, rowsOf, type SeenRow } from './engine-model.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimRandom } from './sim-random.ts'

const NO_FLAGS = { tracing: false, customPayload: null }
const STATE: ClientState = {
  keyspace: null,
  user: null,
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  protocolVersion: 5,
  startupOptions: new Map(),
}

/** Executes a statement; a promise where it takes several turns. */
export function execute(
  database: Database,
  statement: string,
  options: Partial<QueryOptions> = {},
): QueryResult | Promise<QueryResult> {
  return database.processor.query(statement, { ...DEFAULT_QUERY_OPTIONS, ...options }, STATE, NO_FLAGS)
}

interface Page {
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  readonly pagingState: Uint8Array | null
}

function page(database: Database, statement: string, options: Partial<QueryOptions>): Page {
  const result = execute(database, statement, options)
  if (result instanceof Promise) throw new Error(`'${statement}' takes several turns`)
  if (result.kind !== 'rows') throw new Error(`no rows but ${result.kind}`)
  const { content, metadata, rowCount } = result
  const data = new DataView(content.buffer, content.byteOffset)
  let at = 0
  const rows: string[] = []
  for (let i = 0; i < rowCount; i++) {
    const values: string[] = []
    for (const column of metadata.columns) {
      const length = data.getInt32(at)
      at += 4
      if (length < 0) continue
      values.push(`${column.name}=${toCqlLiteral(column.type, content.slice(at, at + length))}`)
      at += length
    }
    rows.push(values.sort().join(' '))
  }
  const pagingState = result.pagingState === null ? null : result.pagingState.slice()
  return { columns: metadata.columns.map(({ name }) => name).sort(), rows, pagingState }
}

/** The rows that a SELECT gives, in its order, asked for in pages of so many. */
function select(database: Database, statement: string, pageSize: number = -1): readonly string[] {
  const rows: string[] = []
  let pagingState: Uint8Array | null = null
  do {
    const next: Page = page(database, statement, { pageSize, pagingState })
    rows.push(...next.rows)
    pagingState = next.pagingState
  } while (pagingState !== null)
  return rows
}

/** All that the tables of `ks` hold, in the form of a model's `digest`. */
export function digestOf(database: Database): string {
  const lines: string[] = []
  const tables = [...(database.schema.current.keyspace('ks')?.tables.keys() ?? [])].sort()
  for (const name of tables) {
    const { columns, rows } = page(database, `SELECT * FROM ks.${name}`, {})
    lines.push(`${name} (${columns})`)
    lines.push(...rows.map((row) => `  ${row}`).sort())
  }
  return lines.length === 1 ? '' : lines.join('\n')
}

function same(what: string, seen: readonly string[], expected: readonly string[]): void {
  if (seen.length === expected.length && seen.every((row, i) => row === expected[i])) return
  const text = `${what} gives\n${seen.join('\n')}\n--- instead of\n${expected.join('\n')}`
  throw new Error(text.replaceAll(/x{9,}/g, 'xx..'))
}

const texts = (rows: readonly SeenRow[]): string[] => rows.map(({ text }) => text)

/** Reads by key, by row, by slice, backwards, in pages, by several keys, and counts. */
export function checkReads(database: Database, model: Model, nowSeconds: number, random: SimRandom): void {
  for (const [name, table] of model.tables) {
    const all = rowsOf(table, nowSeconds)
    const from = `FROM ks.${name}`
    same(`count ${name}`, select(database, `SELECT count(*) ${from}`), [`count=${all.length}`])
    const inPages = select(database, `SELECT * ${from}`, 1 + random.below(4))
    same(`${name} in pages`, inPages.toSorted(), texts(all).sort())
    const byKeys = select(database, `SELECT * ${from} WHERE p IN (0, 1, 2)`)
    same(`${name} by keys`, byKeys.toSorted(), texts(all).sort())
    for (let p = 0; p < 3; p++) {
      const partition = all.filter((row) => row.p === p).sort((a, b) => (a.c ?? 0) - (b.c ?? 0))
      const backwards = partition.toReversed()
      const where = `${from} WHERE p = ${p}`
      const select1 = (rest: string, pageSize = -1): readonly string[] =>
        select(database, `SELECT * ${where} ${rest}`, pageSize)
      same(`${name} ${p}`, select1('ORDER BY c ASC'), texts(partition))
      same(`${name} ${p} backwards`, select1('ORDER BY c DESC'), texts(backwards))
      const start = random.below(6)
      const end = start + random.below(4)
      const inSlice = ({ c }: SeenRow): boolean => c !== null && c >= start && c <= end
      const slice = `AND c >= ${start} AND c <= ${end}`
      same(`${name} ${p} ${slice}`, select1(`${slice} ORDER BY c ASC`), texts(partition.filter(inSlice)))
      const pageSize = 1 + random.below(3)
      const reversed = select1(`${slice} ORDER BY c DESC`, pageSize)
      same(`${name} ${p} ${slice} backwards`, reversed, texts(backwards.filter(inSlice)))
      const row = partition.filter(({ c }) => c === start)
      same(`${name} ${p} ${start}`, select1(`AND c = ${start}`), texts(row))
    }
  }
}

/** Whether a transaction goes on in some table's directory, or what it made obsolete is being removed. */
export function hasTransactions({ engine }: Database, disk: SimDisk): boolean {
  if (engine.pendingFlushes > 0 || engine.compactions!.running.length > 0) return true
  return engine.stores.some(
    ({ directory }) =>
      disk.isDirectory(directory) && disk.list(directory).some((name) => name.includes('_txn_')),
  )
}

/** Where nothing is under way, a table's directory has the files of its SSTables, each whole, and nothing else. */
export function checkFiles(database: Database, disk: SimDisk): void {
  for (const store of database.engine.stores) {
    const { directory } = store
    const live = new Set(store.sstables.map(({ sstable }) => sstable.descriptor.id))
    const components = new Map<string, Set<string>>()
    if (!disk.isDirectory(directory)) {
      if (live.size > 0) throw new Error(`${directory} is not there`)
      continue
    }
    for (const name of disk.list(directory)) {
      if (name === 'snapshots' || name === 'backups') continue
      const file = parseFileName(directory, name)
      if (file === null || name.endsWith('.tmp') || !live.has(file.descriptor.id)) {
        throw new Error(`${directory}/${name} is nobody's; SSTables are ${[...live]}`)
      }
      const { id } = file.descriptor
      components.set(id, (components.get(id) ?? new Set()).add(file.component))
    }
    for (const id of live) {
      const toc = new TextDecoder().decode(disk.bytes(`${directory}/nb-${id}-big-TOC.txt`))
      const missing = toc.split('\n').filter((name) => name !== '' && components.get(id)?.has(name) !== true)
      if (missing.length > 0) throw new Error(`${directory} lacks ${missing} of SSTable ${id}`)
    }
  }
}
