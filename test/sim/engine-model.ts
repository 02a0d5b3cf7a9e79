/**
 * What the tables of a crash proof hold, by a model that knows nothing of timestamps, tombstones, memtables or files: a
 * later statement wins, what has expired is gone.
 */

/** A value, and from which second on it is not there any more; null for never. */
export interface ModelCell {
  readonly value: string
  readonly expires: number | null
}

export interface ModelRow {
  /** It was inserted: there even when all columns are null. The seconds at which that ends, null for never. */
  marker: { readonly expires: number | null } | null
  readonly cells: Map<string, ModelCell>
  readonly map: Map<number, ModelCell>
}

export interface ModelPartition {
  s: ModelCell | null
  readonly rows: Map<number, ModelRow>
}

export interface ModelTable {
  readonly columns: Set<string>
  readonly partitions: Map<number, ModelPartition>
}

export interface Model {
  readonly tables: Map<string, ModelTable>
  readonly counters: Map<string, number>
}

/** A row as SELECT * shows it: its values sorted by their columns' names, as CQL. */
export interface SeenRow {
  readonly p: number
  /** Null for a partition that has its static column alone. */
  readonly c: number | null
  readonly text: string
}

export function newRow(): ModelRow {
  return { marker: null, cells: new Map(), map: new Map() }
}

/** A copy in which one table may be changed; the others, and the partitions but one, stay the same objects. */
export function copyOf(model: Model, name: string): Model {
  const tables = new Map(model.tables)
  const table = tables.get(name)
  if (table !== undefined) {
    const partitions = new Map<number, ModelPartition>()
    for (const [p, { s, rows }] of table.partitions) {
      const copied = new Map<number, ModelRow>()
      for (const [c, { marker, cells, map }] of rows) {
        copied.set(c, { marker, cells: new Map(cells), map: new Map(map) })
      }
      partitions.set(p, { s, rows: copied })
    }
    tables.set(name, { columns: new Set(table.columns), partitions })
  }
  return { tables, counters: new Map(model.counters) }
}

function isThere(cell: { readonly expires: number | null }, nowSeconds: number): boolean {
  return cell.expires === null || nowSeconds < cell.expires
}

/** What SELECT * of a table gives, by partition and clustering. */
export function rowsOf({ partitions }: ModelTable, nowSeconds: number): SeenRow[] {
  const found: SeenRow[] = []
  for (const [p, partition] of partitions) {
    const s = partition.s !== null && isThere(partition.s, nowSeconds) ? partition.s.value : null
    const fixed = s === null ? [`p=${p}`] : [`p=${p}`, `s='${s}'`]
    let count = 0
    for (const [c, { marker, cells, map }] of partition.rows) {
      const values = [...fixed, `c=${c}`]
      let isAlive = marker !== null && isThere(marker, nowSeconds)
      for (const [column, cell] of cells) {
        if (!isThere(cell, nowSeconds)) continue
        isAlive = true
        values.push(`${column}='${cell.value}'`)
      }
      const entries = [...map].filter(([, cell]) => isThere(cell, nowSeconds)).sort(([a], [b]) => a - b)
      if (entries.length > 0) {
        values.push(`m={${entries.map(([key, { value }]) => `${key}: '${value}'`).join(', ')}}`)
      }
      if (!isAlive && entries.length === 0) continue
      found.push({ p, c, text: values.sort().join(' ') })
      count++
    }
    if (count === 0 && s !== null) found.push({ p, c: null, text: fixed.join(' ') })
  }
  return found
}

/** All that the tables hold. */
export function digest(model: Model, nowSeconds: number): string {
  if (model.tables.size === 0 && model.counters.size === 0) return ''
  const lines: string[] = ['counters (n,p)']
  lines.push(...[...model.counters].map(([p, n]) => `  n=${n} p=${p}`).sort())
  for (const [name, table] of [...model.tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${name} (${['p', 'c', 'v', ...table.columns].sort()})`)
    lines.push(
      ...rowsOf(table, nowSeconds)
        .map(({ text }) => `  ${text}`)
        .sort(),
    )
  }
  return lines.join('\n')
}
