import type { TableMetadata } from '../../model/table.ts'
import type { ColumnFamilyStore } from '../column-family-store.ts'

/** Whether the server alone writes to a table: what it must be able to, and what the schema of the others is read from. */
export function isServersOwn({ keyspace }: TableMetadata): boolean {
  return keyspace === 'system' || keyspace === 'system_schema'
}

/** The tables of one engine by their handles, as mutations name them (`Schema.getColumnFamilyStoreInstance`). */
export class TableStores {
  readonly #stores = new Map<number, ColumnFamilyStore>()

  /** Throws an Error where there is no such table: who has a handle has looked at the schema before. */
  of(handle: number): ColumnFamilyStore {
    const store = this.#stores.get(handle)
    if (store === undefined) throw new Error(`no table with handle ${handle}`)
    return store
  }

  find(handle: number): ColumnFamilyStore | undefined {
    return this.#stores.get(handle)
  }

  set(handle: number, store: ColumnFamilyStore): void {
    this.#stores.set(handle, store)
  }

  delete(handle: number): void {
    this.#stores.delete(handle)
  }

  values(): IterableIterator<ColumnFamilyStore> {
    return this.#stores.values()
  }

  /** The table whose memtable has the most memory (`AbstractAllocatorMemtable.flushLargestMemtable`); null where all are empty. */
  get largest(): ColumnFamilyStore | null {
    let largest: ColumnFamilyStore | null = null
    for (const store of this.#stores.values()) {
      if (store.memtable.partitionCount === 0) continue
      if (largest === null || store.memtable.slabs.reservedBytes > largest.memtable.slabs.reservedBytes)
        largest = store
    }
    return largest
  }
}
