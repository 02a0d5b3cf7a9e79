import { MutationBuilder } from '../../../src/model/mutation.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import { StorageEngine } from '../../../src/storage/storage-engine.ts'
import type { SimRandom } from '../sim-random.ts'

/** The log of a node: what was applied, in order, and how much of that has been synced. Outlives the node's process. */
export class SimLog {
  records: Uint8Array[] = []
  synced = 0

  /** The power goes: of what was not synced, the first few records may be there. */
  lose(random: SimRandom): void {
    const kept = this.synced + random.below(this.records.length - this.synced + 1)
    this.records.length = kept
    this.synced = kept
  }
}

/** A storage engine in memory that logs what is applied, and syncs its log some time after a commit asks for it. */
export class LoggedEngine extends StorageEngine {
  readonly simLog: SimLog
  readonly #later: (callback: () => void) => void
  #isReplaying = false

  constructor(simLog: SimLog, tables: readonly TableMetadata[], later: (callback: () => void) => void) {
    super({ memtableSpaceBytes: 1 << 26, maxMutationSizeBytes: 1 << 22 })
    this.simLog = simLog
    this.#later = later
    for (const table of tables) this.setTable(table)
    this.#isReplaying = true
    for (const record of simLog.records) this.apply(mutationOf(record))
    this.#isReplaying = false
  }

  override apply(mutation: MutationBuilder): void {
    super.apply(mutation)
    if (this.#isReplaying) return
    mutation.finish()
    this.simLog.records.push(mutation.copy())
  }

  override commit(): Promise<void> | null {
    const { simLog } = this
    const end = simLog.records.length
    if (simLog.synced >= end) return null
    return new Promise((resolve) => {
      this.#later(() => {
        simLog.synced = Math.max(simLog.synced, end)
        resolve()
      })
    })
  }
}

function mutationOf(bytes: Uint8Array): MutationBuilder {
  const mutation = new MutationBuilder(1 << 12)
  mutation.begin()
  const copy = bytes.slice()
  const words = { i32: new Int32Array(copy.buffer), u8: copy }
  let at = 2
  for (let n = words.i32[1]!; n > 0; n--) {
    mutation.copyUpdate(words, at)
    at += words.i32[at]! >>> 2
  }
  mutation.finish()
  return mutation
}

interface CommitWaiter {
  committed(): void
  commitFailed(error: unknown): void
}

/** Commits of a turn together, as `LocalCommits` has them. */
export class SimCommits {
  readonly #engine: LoggedEngine
  #waiting: CommitWaiter[] = []

  constructor(engine: LoggedEngine) {
    this.#engine = engine
  }

  add(waiter: CommitWaiter): void {
    this.#waiting.push(waiter)
    if (this.#waiting.length > 1) return
    void Promise.resolve().then(() => {
      const waiting = this.#waiting
      this.#waiting = []
      const done = this.#engine.commit() ?? Promise.resolve()
      done.then(() => {
        for (const one of waiting) one.committed()
      })
    })
  }
}
