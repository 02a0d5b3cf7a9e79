import type { ColumnFamilyStore, StoragePorts } from '../column-family-store.ts'
import type { CompactionManager } from '../compaction/compaction-manager.ts'
import { listSSTables } from '../lifecycle/directories.ts'
import {
  checkSources,
  type ImportOptions,
  type ImportResult,
  importSSTables,
  refreshSSTables,
} from '../lifecycle/sstable-importer.ts'
import type { Descriptor } from '../sstable/descriptor.ts'

/** Takes SSTables that the engine has not written into its tables (`SSTableImporter`, `ColumnFamilyStore.loadNewSSTables`). */
export class SSTableImports {
  readonly #ports: StoragePorts | null
  readonly #compactions: CompactionManager | null

  /** Without files both are null, and everything is refused: data lives in memory alone. */
  constructor(ports: StoragePorts | null, compactions: CompactionManager | null) {
    this.#ports = ports
    this.#compactions = compactions
  }

  /**
   * Takes the SSTables of directories into a table (`nodetool import`), after a worker has verified them. Rejects with what
   * `importSSTables` throws.
   */
  async importInto(
    store: ColumnFamilyStore,
    directories: readonly string[],
    options: ImportOptions,
  ): Promise<ImportResult> {
    const target = store.importTarget()
    checkSources(target, directories)
    const failed: { directory: string; reason: string }[] = []
    if (options.verify) {
      for (const directory of directories) {
        const reason = await this.#verify(directory, options.extendedVerify)
        if (reason !== null) failed.push({ directory, reason })
      }
    }
    const passed = directories.filter((one) => !failed.some(({ directory }) => directory === one))
    const result = importSSTables(target, passed, { ...options, verify: false })
    this.#adopt(store, result.imported)
    return { ...result, failed: [...failed, ...result.failed] }
  }

  /** Why the SSTables of a directory cannot be trusted; null where they can. */
  async #verify(directory: string, extended: boolean): Promise<string | null> {
    const { disk, runner } = this.#ports!
    const descriptors = listSSTables(disk, directory).sstables.map(({ descriptor }) => descriptor)
    try {
      if (descriptors.length > 0) await runner.run({ kind: 'verify', descriptors, extended })
      return null
    } catch (error) {
      return `Can't import sstables of ${directory}: ${error instanceof Error ? error.message : error}`
    }
  }

  /** Takes what was put into a table's own directory (`nodetool refresh`). Throws as `refreshSSTables` does. */
  refresh(store: ColumnFamilyStore): number {
    const held = [...store.sstables, ...store.obsoleteSSTables]
    const found = refreshSSTables(
      store.importTarget(),
      held.map(({ sstable }) => sstable.descriptor),
    )
    this.#adopt(store, found)
    return found.length
  }

  #adopt(store: ColumnFamilyStore, descriptors: readonly Descriptor[]): void {
    if (descriptors.length === 0) return
    store.tracker.replace(
      [],
      descriptors.map((descriptor) => store.open(descriptor)),
    )
    this.#compactions?.submit(store)
  }
}
