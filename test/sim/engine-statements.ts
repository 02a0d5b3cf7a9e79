/** Random statements for the crash proof of the engine, each with what it does to the model. */
import { type Model, type ModelCell, type ModelTable, newRow } from './engine-model.ts'
import type { SimRandom } from './sim-random.ts'

/** Columns that come and go; `v` stays. */
const COLUMNS: Readonly<Record<string, string>> = {
  m: 'map<int, text>',
  s: 'text static',
  w: 'text',
}

const COMPACTIONS: readonly string[] = [
  "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2}",
  "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2, 'max_threshold': 2, 'min_sstable_size': 1}",
  "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2, 'tombstone_compaction_interval': 1, 'tombstone_threshold': 0.01, 'unchecked_tombstone_compaction': true}",
  "{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 1}",
  "{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': 1, 'fanout_size': 2, 'single_sstable_uplevel': false, 'tombstone_compaction_interval': 1, 'tombstone_threshold': 0.01}",
  "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'MINUTES', 'compaction_window_size': 1, 'min_threshold': 2, 'expired_sstable_check_frequency_seconds': 0}",
]
const COMPRESSIONS: readonly string[] = [
  "{'enabled': false}",
  "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 4}",
  "{'class': 'SnappyCompressor'}",
  "{'class': 'DeflateCompressor', 'chunk_length_in_kb': 16}",
]

export type StatementKind = 'data' | 'truncate' | 'create' | 'drop' | 'alter' | 'options'

export interface RandomStatement {
  readonly kind: StatementKind
  readonly text: string
}

export const TABLES: readonly string[] = ['t0', 't1', 't2']

/** Partitions and rows are few, so that statements meet. */
const PARTITIONS = 3
const CLUSTERINGS = 6

/** Chooses statements over the tables of TABLES and `counters`, all in the keyspace `ks`. */
export class EngineStatements {
  readonly #random: SimRandom
  #number = 1

  constructor(random: SimRandom) {
    this.#random = random
  }

  /** A value that no other statement has. */
  #value(): string {
    const random = this.#random
    const length = random.chance(0.5) ? 0 : random.below(random.pick([100, 3000, 30_000]))
    return `${this.#number++}${'x'.repeat(length)}`
  }

  #options(): string {
    const random = this.#random
    const options: string[] = []
    if (random.chance(0.5)) options.push(`gc_grace_seconds = ${random.pick([0, 0, 1, 864_000])}`)
    if (random.chance(0.6)) options.push(`compaction = ${random.pick(COMPACTIONS)}`)
    if (random.chance(0.2)) options.push(`compression = ${random.pick(COMPRESSIONS)}`)
    if (random.chance(0.2)) {
      options.push(`memtable_flush_period_in_ms = ${random.pick([0, 60, 200, 1000])}`)
    }
    if (options.length === 0) options.push(`compaction = ${random.pick(COMPACTIONS)}`)
    return options.join(' AND ')
  }

  /** A statement, done to the model's table `name` already; null when there is nothing to do it to. */
  choose(model: Model, name: string, nowSeconds: number): RandomStatement | null {
    const random = this.#random
    const table = model.tables.get(name)
    if (table === undefined) return random.chance(0.5) ? this.#create(model, name) : null
    const kind = random.below(100)
    if (kind < 8) {
      const key = random.below(3)
      const by = 1 + random.below(5)
      model.counters.set(String(key), (model.counters.get(String(key)) ?? 0) + by)
      return { kind: 'data', text: `UPDATE ks.counters SET n = n + ${by} WHERE p = ${key}` }
    }
    if (kind < 11) return this.#alterOrTruncate(table, name)
    if (kind < 12) {
      if (random.chance(0.3)) return null
      model.tables.delete(name)
      return { kind: 'drop', text: `DROP TABLE ks.${name}` }
    }
    if (kind < 15) return this.#alterColumn(table, name)
    if (kind < 42) return this.#delete(table, name)
    return this.#write(table, name, nowSeconds)
  }

  #create(model: Model, name: string): RandomStatement {
    const random = this.#random
    const columns = Object.keys(COLUMNS).filter(() => random.chance(0.8))
    model.tables.set(name, { columns: new Set(columns), partitions: new Map() })
    const defined = columns.map((column) => `, ${column} ${COLUMNS[column]}`).join('')
    const order = random.chance(0.3) ? 'CLUSTERING ORDER BY (c DESC) AND ' : ''
    return {
      kind: 'create',
      text: `CREATE TABLE ks.${name} (p int, c int, v text${defined}, PRIMARY KEY (p, c)) WITH ${order}${this.#options()}`,
    }
  }

  #alterOrTruncate(table: ModelTable, name: string): RandomStatement {
    const random = this.#random
    switch (random.below(4)) {
      case 0:
        // Changes no data, but writes the row without which replay does not see the keyspace.
        return { kind: 'options', text: `ALTER KEYSPACE ks WITH durable_writes = ${random.chance(0.5)}` }
      case 1:
      case 2:
        return { kind: 'options', text: `ALTER TABLE ks.${name} WITH ${this.#options()}` }
      default:
        table.partitions.clear()
        return { kind: 'truncate', text: `TRUNCATE ks.${name}` }
    }
  }

  #alterColumn({ columns, partitions }: ModelTable, name: string): RandomStatement | null {
    const random = this.#random
    if (random.chance(0.3)) return null
    const column = random.pick(Object.keys(COLUMNS))
    if (!columns.has(column)) {
      columns.add(column)
      return { kind: 'alter', text: `ALTER TABLE ks.${name} ADD ${column} ${COLUMNS[column]}` }
    }
    columns.delete(column)
    for (const partition of partitions.values()) {
      if (column === 's') partition.s = null
      for (const { cells, map } of partition.rows.values()) {
        cells.delete(column)
        if (column === 'm') map.clear()
      }
    }
    return { kind: 'alter', text: `ALTER TABLE ks.${name} DROP ${column}` }
  }

  #delete({ columns, partitions }: ModelTable, name: string): RandomStatement | null {
    const random = this.#random
    const p = random.below(PARTITIONS)
    const c = random.below(CLUSTERINGS)
    const where = `WHERE p = ${p} AND c = ${c}`
    const rows = partitions.get(p)?.rows
    const row = rows?.get(c)
    const data = (text: string): RandomStatement => ({ kind: 'data', text })
    switch (random.below(8)) {
      case 0:
        partitions.delete(p)
        return data(`DELETE FROM ks.${name} WHERE p = ${p}`)
      case 1:
        rows?.delete(c)
        return data(`DELETE FROM ks.${name} ${where}`)
      case 2: {
        const end = c + random.below(4)
        for (const key of [...(rows?.keys() ?? [])]) if (key >= c && key < end) rows?.delete(key)
        return data(`DELETE FROM ks.${name} WHERE p = ${p} AND c >= ${c} AND c < ${end}`)
      }
      case 3:
        for (const key of [...(rows?.keys() ?? [])]) if (key > c) rows?.delete(key)
        return data(`DELETE FROM ks.${name} WHERE p = ${p} AND c > ${c}`)
      case 4: {
        const column = random.chance(0.5) && columns.has('w') ? 'w' : 'v'
        row?.cells.delete(column)
        return data(`DELETE ${column} FROM ks.${name} ${where}`)
      }
      case 5: {
        if (!columns.has('s')) return null
        const partition = partitions.get(p)
        if (partition !== undefined) partition.s = null
        return data(`DELETE s FROM ks.${name} WHERE p = ${p}`)
      }
      case 6: {
        if (!columns.has('m')) return null
        row?.map.clear()
        return data(`DELETE m FROM ks.${name} ${where}`)
      }
      default: {
        if (!columns.has('m')) return null
        const key = random.below(4)
        row?.map.delete(key)
        return data(`DELETE m[${key}] FROM ks.${name} ${where}`)
      }
    }
  }

  #write({ columns, partitions }: ModelTable, name: string, nowSeconds: number): RandomStatement | null {
    const random = this.#random
    const p = random.below(PARTITIONS)
    const c = random.below(CLUSTERINGS)
    const where = `WHERE p = ${p} AND c = ${c}`
    const ttl = random.chance(0.4) ? random.pick([1, 2, 5, 30, 90, 500_000]) : null
    const using = ttl === null ? '' : ` USING TTL ${ttl}`
    const expires = ttl === null ? null : nowSeconds + ttl
    const cell = (value: string): ModelCell => ({ value, expires })
    const data = (text: string): RandomStatement => ({ kind: 'data', text })
    const partition = partitions.get(p) ?? { s: null, rows: new Map() }
    const rowAt = (at: number) => {
      partitions.set(p, partition)
      const row = partition.rows.get(at) ?? newRow()
      partition.rows.set(at, row)
      return row
    }
    const value = this.#value()
    switch (random.below(12)) {
      case 0:
      case 1: {
        if (!columns.has('m')) return null
        const key = random.below(4)
        rowAt(c).map.set(key, cell(value))
        return data(`UPDATE ks.${name}${using} SET m[${key}] = '${value}' ${where}`)
      }
      case 2: {
        if (!columns.has('m')) return null
        const { map } = rowAt(c)
        map.clear()
        map.set(9, cell(value))
        return data(`UPDATE ks.${name}${using} SET m = {9: '${value}'} ${where}`)
      }
      case 3: {
        if (!columns.has('s')) return null
        partitions.set(p, partition)
        partition.s = cell(value)
        return data(`UPDATE ks.${name}${using} SET s = '${value}' WHERE p = ${p}`)
      }
      case 4:
      case 5: {
        const column = random.chance(0.5) && columns.has('w') ? 'w' : 'v'
        rowAt(c).cells.set(column, cell(value))
        return data(`UPDATE ks.${name}${using} SET ${column} = '${value}' ${where}`)
      }
      case 6: {
        const row = rowAt(c)
        row.marker = { expires: null }
        row.cells.set('v', { value, expires: null })
        rowAt(c + 1).cells.set('v', { value, expires: null })
        return data(
          `BEGIN UNLOGGED BATCH INSERT INTO ks.${name} (p, c, v) VALUES (${p}, ${c}, '${value}'); UPDATE ks.${name} SET v = '${value}' WHERE p = ${p} AND c = ${c + 1}; APPLY BATCH`,
        )
      }
      default: {
        const row = rowAt(c)
        row.marker = { expires }
        row.cells.set('v', cell(value))
        if (!columns.has('w')) {
          return data(`INSERT INTO ks.${name} (p, c, v) VALUES (${p}, ${c}, '${value}')${using}`)
        }
        const w = this.#value()
        row.cells.set('w', cell(w))
        return data(`INSERT INTO ks.${name} (p, c, v, w) VALUES (${p}, ${c}, '${value}', '${w}')${using}`)
      }
    }
  }
}
