import { compareBytes, utf8Bytes } from '../../common/bytes.ts'
import type { ColumnKind, ColumnMetadata } from '../../model/table.ts'
import { mergeRestrictions, type Restriction } from './restriction.ts'

interface Entry {
  readonly column: ColumnMetadata
  restriction: Restriction
}

function compareColumns(a: ColumnMetadata, b: ColumnMetadata): number {
  if (a.position !== b.position) return a.position - b.position
  if (a.name === b.name) return 0
  const x = utf8Bytes(a.name)
  const y = utf8Bytes(b.name)
  return compareBytes(x, 0, x.length, y, 0, y.length)
}

/** Restrictions by column, in the order of the columns' positions, then names; grows while a statement is prepared. */
export class RestrictionSet {
  readonly #entries: Entry[] = []
  #hasIn = false
  #hasSlice = false
  #hasContains = false
  #onlyEqualities = true

  add(restriction: Restriction): void {
    const existing = new Set<Restriction>()
    for (const column of restriction.columns) {
      const found = this.#entries.find((entry) => entry.column === column)
      if (found !== undefined) existing.add(found.restriction)
    }
    let merged = restriction
    for (const other of existing) merged = mergeRestrictions(other, restriction)
    for (const column of restriction.columns) {
      const found = this.#entries.find((entry) => entry.column === column)
      if (found !== undefined) found.restriction = merged
      else this.#entries.push({ column, restriction: merged })
    }
    this.#entries.sort((a, b) => compareColumns(a.column, b.column))
    if (restriction.kind === 'in') this.#hasIn = true
    if (restriction.kind === 'slice') this.#hasSlice = true
    if (restriction.kind === 'contains') this.#hasContains = true
    if (restriction.kind !== 'eq' && restriction.kind !== 'in') this.#onlyEqualities = false
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Number of restricted columns. */
  get size(): number {
    return this.#entries.length
  }

  get columns(): readonly ColumnMetadata[] {
    return this.#entries.map((entry) => entry.column)
  }

  get hasIn(): boolean {
    return this.#hasIn
  }

  get hasSlice(): boolean {
    return this.#hasSlice
  }

  get hasContains(): boolean {
    return this.#hasContains
  }

  get hasOnlyEqualities(): boolean {
    return this.#onlyEqualities
  }

  hasKind(kind: ColumnKind): boolean {
    return this.#entries.some((entry) => entry.column.kind === kind)
  }

  of(column: ColumnMetadata): Restriction | undefined {
    return this.#entries.find((entry) => entry.column === column)?.restriction
  }

  /** The restriction of the last column. */
  get last(): Restriction | undefined {
    return this.#entries.at(-1)?.restriction
  }

  /** The restricted column that follows. */
  columnAfter(column: ColumnMetadata): ColumnMetadata {
    return this.#entries[this.#entries.findIndex((entry) => entry.column === column) + 1].column
  }

  /** Each restriction once, though it stands for several columns. */
  get restrictions(): readonly Restriction[] {
    const all: Restriction[] = []
    for (const { restriction } of this.#entries) if (all.at(-1) !== restriction) all.push(restriction)
    return all
  }
}
