import { MemtableReader } from '../memtable/memtable-reader.ts'
import { MergedReader } from '../merged-reader.ts'

/** Readers that are made once and used by one read after another: each comes back when it is closed. */
export class ReaderPool {
  readonly #memtableReaders: MemtableReader[] = []
  readonly #mergedReaders: MergedReader[] = []

  /** A reader of one memtable, to be opened. */
  memtableReader(): MemtableReader {
    return this.#memtableReaders.pop() ?? new MemtableReader((done) => this.#memtableReaders.push(done))
  }

  /** A reader of all that a view has, to be opened. */
  mergedReader(): MergedReader {
    return this.#mergedReaders.pop() ?? new MergedReader((done) => this.#mergedReaders.push(done))
  }
}
