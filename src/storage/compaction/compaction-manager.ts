import { FifteenMinuteRate } from '../../common/metrics.ts'
import { warmUp } from '../cache/warm-up.ts'
import type { ColumnFamilyStore, StoragePorts } from '../column-family-store.ts'
import { LogTransaction } from '../lifecycle/log-transaction.ts'
import type { OperationType } from '../lifecycle/operation-type.ts'
import type { LiveSSTable } from '../live-sstable.ts'
import { CorruptSSTableError } from '../sstable/corruption.ts'
import { componentPath, type Descriptor } from '../sstable/descriptor.ts'
import type { CompactionJob } from '../tasks/storage-task.ts'
import { TaskHandle, TaskStoppedError } from '../tasks/task-runner.ts'
import type { CompactionCandidate, CompactionView } from './candidate.ts'
import { candidateOf } from './candidate-of.ts'
import type { CompactionKind, CompactionPlan } from './plan.ts'
import { CompactionStrategyManager } from './strategy-manager.ts'

/** A compaction that is under way (`CompactionInfo`). */
export interface RunningCompaction {
  /** A time UUID as text. */
  readonly id: string
  readonly store: ColumnFamilyStore
  readonly kind: CompactionKind
  readonly handle: TaskHandle
  /** How many SSTables are compacted. */
  readonly inputs: number
}

/** A compaction that has ended (a row of system.compaction_history). */
export interface CompletedCompaction {
  readonly id: string
  readonly store: ColumnFamilyStore
  readonly completedAtMillis: number
  readonly kind: CompactionKind
  /** Bytes of Data.db on disk, before and after. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Of how many partitions so many of the SSTables had something, from 1 on. */
  readonly mergedCounts: readonly number[]
}

/** Hears of compactions. */
export interface CompactionListener {
  onCompleted(compaction: CompletedCompaction): void
  onFailure(error: unknown, store: ColumnFamilyStore): void
  /** Resolves when all that the commit log has is on stable storage. */
  logged(): Promise<void>
}

/** What is known of one table's compactions. */
interface TableState {
  readonly store: ColumnFamilyStore
  readonly strategies: CompactionStrategyManager
  /** Numbers of the SSTables that are being compacted, and of those whose compaction failed. */
  readonly compacting: Set<number>
  readonly suspect: Set<number>
  readonly running: Map<TaskHandle, Promise<void>>
}

const OPERATIONS: Readonly<Record<CompactionKind, OperationType>> = {
  compaction: 'compaction',
  expired: 'compaction',
  major: 'majorcompaction',
  tombstone: 'tombstonecompaction',
}

/** What compactionstats and system.compaction_history call them (`OperationType.toString`). */
export const TYPE_TEXTS: Readonly<Record<CompactionKind, string>> = {
  compaction: 'Compaction',
  expired: 'Compaction',
  major: 'Major compaction',
  tombstone: 'Tombstone Compaction',
}

/**
 * Asks the strategies of all tables what to compact, has it done, and puts what was written in the place of what was read
 * (`CompactionManager`).
 */
export class CompactionManager {
  readonly #ports: StoragePorts
  readonly #listener: CompactionListener
  readonly #tables = new Map<ColumnFamilyStore, TableState>()
  readonly #candidates = new WeakMap<LiveSSTable, CompactionCandidate>()
  /** Tables that may have something to do in the background. */
  readonly #queue = new Set<TableState>()
  readonly #running = new Map<TaskHandle, RunningCompaction>()
  #concurrent: number
  #background = 0
  #isStopped = false
  /** Figures of nodetool compactionstats: compactions that were completed, and bytes that they read. */
  completed = 0
  bytesCompacted = 0
  /** Compactions that were stopped. */
  aborted = 0
  readonly rate = new FifteenMinuteRate()

  /** At most `concurrent` compactions go on in the background at a time: concurrent_compactors. */
  constructor(ports: StoragePorts, concurrent: number, listener: CompactionListener) {
    this.#ports = ports
    this.#concurrent = concurrent
    this.#listener = listener
  }

  /** Begins to see to a table, or takes another version of its options. Nothing is compacted before `submit`. */
  setTable(store: ColumnFamilyStore): void {
    const { keyspace, name, params } = store.table
    let state = this.#tables.get(store)
    if (state === undefined) {
      const strategies = new CompactionStrategyManager({ keyspace, name }, params.compaction)
      state = { store, strategies, compacting: new Set(), suspect: new Set(), running: new Map() }
      this.#tables.set(store, state)
      this.#warn(strategies)
      return
    }
    const before = state.strategies.warnings
    state.strategies.setOptions(params.compaction)
    if (state.strategies.warnings !== before) this.#warn(state.strategies)
  }

  #warn({ warnings }: CompactionStrategyManager): void {
    for (const warning of warnings) this.#ports.logger.warn(warning)
  }

  /** Forgets a table and stops its compactions; resolves when they have ended. */
  async dropTable(store: ColumnFamilyStore): Promise<void> {
    const ended = this.stop(store)
    const state = this.#tables.get(store)
    if (state !== undefined) this.#queue.delete(state)
    this.#tables.delete(store)
    await ended
  }

  /** Stops the compactions of a table, or of all; resolves when they have ended. Others may begin. */
  async stop(store: ColumnFamilyStore | null = null): Promise<void> {
    const states = store === null ? [...this.#tables.values()] : [this.#tables.get(store)]
    const ended: Promise<void>[] = []
    for (const state of states) {
      for (const [handle, running] of state?.running ?? []) {
        handle.stop()
        ended.push(running)
      }
    }
    await Promise.allSettled(ended)
  }

  /** Stops all compactions, and begins none any more. */
  async close(): Promise<void> {
    this.#isStopped = true
    this.#queue.clear()
    await this.stop()
  }

  /** What is under way. */
  get running(): readonly RunningCompaction[] {
    return [...this.#running.values()]
  }

  /** How many compactions there are still to be, roughly, with those that run (`PendingTasks`). */
  get pendingTasks(): number {
    let sum = this.#running.size
    for (const store of this.#tables.keys()) sum += this.pendingTasksOf(store)
    return sum
  }

  /** The same of one table, without those that run. */
  pendingTasksOf(store: ColumnFamilyStore): number {
    const state = this.#tables.get(store)
    return state === undefined ? 0 : state.strategies.estimatedRemainingTasks(this.#viewOf(state))
  }

  /** What the strategies of a table say. */
  strategiesOf(store: ColumnFamilyStore): CompactionStrategyManager | null {
    return this.#tables.get(store)?.strategies ?? null
  }

  /** SSTables in each level, L0 first; null where the strategy has none. */
  levelsOf(store: ColumnFamilyStore): readonly number[] | null {
    const state = this.#tables.get(store)
    return state === undefined ? null : state.strategies.levelSizes(this.#viewOf(state))
  }

  /** How many go on in the background at a time. */
  get concurrentCompactors(): number {
    return this.#concurrent
  }

  /** Stops those that `matches` says, and waits for none of them (`CompactionManager.stopCompactionById`). */
  interrupt(matches: (compaction: RunningCompaction) => boolean): void {
    for (const compaction of this.#running.values()) if (matches(compaction)) compaction.handle.stop()
  }

  /** Whether a table is compacted in the background; a change of the setting begins what there is to do. */
  setEnabled(store: ColumnFamilyStore, isEnabled: boolean): void {
    const strategies = this.#tables.get(store)?.strategies
    if (isEnabled) strategies?.enable()
    else strategies?.disable()
    if (isEnabled) this.submit(store)
  }

  /** The same for all tables: bytes a second, 0 without limit. */
  setThroughput(bytesPerSecond: number): void {
    this.#ports.runner.setCompactionThroughput(bytesPerSecond)
  }

  setConcurrentCompactors(count: number): void {
    this.#concurrent = count
    this.#ports.runner.setConcurrentCompactors(count)
    this.#runQueue()
  }

  /** A table has other SSTables than before, or another strategy: what is to be done is begun. */
  submit(store: ColumnFamilyStore): void {
    const state = this.#tables.get(store)
    if (state === undefined || this.#isStopped) return
    this.#queue.add(state)
    this.#runQueue()
  }

  #runQueue(): void {
    for (const state of this.#queue) {
      if (this.#background >= this.#concurrent) return
      this.#queue.delete(state)
      const plan = this.#nextPlan(state)
      if (plan === null) continue
      this.#background++
      this.#run(state, plan)
        .then(
          () => this.#queue.add(state),
          // It is tried again with the next flush.
          () => this.#queue.delete(state),
        )
        .finally(() => {
          this.#background--
          if (!this.#isStopped) this.#runQueue()
        })
      // There may be more to do beside it.
      this.#queue.add(state)
    }
  }

  /** What to do for a table next; where its files cannot be looked at, nothing. */
  #nextPlan(state: TableState): CompactionPlan | null {
    if (state.store.isUnknown) return null
    try {
      return state.strategies.nextBackgroundTask(this.#viewOf(state))
    } catch (error) {
      this.#listener.onFailure(error, state.store)
      return null
    }
  }

  /**
   * Compacts all SSTables of a table (`nodetool compact`); where compactions of it are under way, they are stopped first.
   * Rejects when one fails.
   */
  async major(store: ColumnFamilyStore, splitOutput: boolean = false): Promise<void> {
    await this.#runPlans(store, (state) => state.strategies.maximalTasks(this.#viewOf(state), splitOutput))
  }

  /** Compacts the SSTables that have tokens of a range. */
  async tokenRange(store: ColumnFamilyStore, start: bigint, end: bigint): Promise<void> {
    await this.#runPlans(store, (state) => state.strategies.tokenRangeTasks(this.#viewOf(state), start, end))
  }

  /** Compacts these SSTables. */
  async userDefined(store: ColumnFamilyStore, sstables: readonly LiveSSTable[]): Promise<void> {
    await this.#runPlans(store, (state) =>
      state.strategies.userDefinedTasks(
        this.#viewOf(state),
        sstables.map((live) => this.#candidateOf(state, live)),
      ),
    )
  }

  async #runPlans(
    store: ColumnFamilyStore,
    plansOf: (state: TableState) => readonly CompactionPlan[],
  ): Promise<void> {
    const state = this.#tables.get(store)
    if (state === undefined || this.#isStopped) return
    store.checkKnown()
    // One that ends may have another begin in its place, and no SSTable is compacted twice at a time.
    do await this.stop(store)
    while (state.running.size > 0)
    // The node may be about to stop: what ends after its tables were let go of would be taken for a truncated one's.
    if (this.#isStopped) return
    const results = await Promise.allSettled(plansOf(state).map((plan) => this.#run(state, plan)))
    this.submit(store)
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  #viewOf(state: TableState): CompactionView {
    const { store, compacting } = state
    const nowMillis = this.#ports.clock.nowMs()
    return {
      live: store.sstables.map((live) => this.#candidateOf(state, live)),
      compacting,
      nowMillis,
      gcBeforeSeconds: Math.floor(nowMillis / 1000) - store.table.params.gcGraceSeconds,
      memtableMinTimestamp: store.memtableMinTimestamp,
    }
  }

  #candidateOf({ suspect }: TableState, live: LiveSSTable): CompactionCandidate {
    let candidate = this.#candidates.get(live)
    const isSuspect = suspect.has(live.number)
    if (candidate === undefined || candidate.isSuspect !== isSuspect) {
      const path = componentPath(live.sstable.descriptor, 'Data.db')
      const createdAtMillis = this.#ports.disk.modifiedMsSync(path)
      candidate = candidateOf(live, { createdAtMillis, isSuspect })
      this.#candidates.set(live, candidate)
    }
    return candidate
  }

  /** Runs a compaction to its end. Rejects when it fails, or is stopped. */
  #run(state: TableState, plan: CompactionPlan): Promise<void> {
    const { store, compacting } = state
    const numbers = plan.inputs.map(({ number }) => number)
    const inputs = store.sstables.filter(({ number }) => numbers.includes(number))
    // Files that are read, or looked at for what tombstones cover, stay until the end.
    const held = [...store.sstables]
    for (const sstable of held) sstable.retain()
    for (const number of numbers) compacting.add(number)
    const id = this.#ports.timeUuid()
    const handle = new TaskHandle()
    this.#running.set(handle, { id, store, kind: plan.kind, handle, inputs: inputs.length })
    const running = this.#compact(state, plan, inputs, id, handle)
      .catch((error: unknown) => {
        this.#failed(state, inputs, error)
        throw error
      })
      .finally(() => {
        for (const number of numbers) compacting.delete(number)
        for (const sstable of held) sstable.release()
        this.#running.delete(handle)
        state.running.delete(handle)
      })
    state.running.set(handle, running)
    return running
  }

  #failed({ store, suspect }: TableState, inputs: readonly LiveSSTable[], error: unknown): void {
    if (error instanceof TaskStoppedError) {
      this.aborted++
      return
    }
    if (error instanceof CorruptSSTableError) {
      // What cannot be read is left alone, or it would be tried for ever (`SSTableReader.markSuspect`).
      const broken = inputs.filter(({ sstable }) => error.path.startsWith(pathPrefix(sstable.descriptor)))
      for (const { number } of broken) suspect.add(number)
    }
    this.#listener.onFailure(error, store)
  }

  async #compact(
    state: TableState,
    plan: CompactionPlan,
    inputs: readonly LiveSSTable[],
    id: string,
    handle: TaskHandle,
  ): Promise<void> {
    const { store, strategies } = state
    const { disk, runner, clock } = this.#ports
    const transaction = LogTransaction.begin(disk, store.directory, OPERATIONS[plan.kind], id)
    const opened: LiveSSTable[] = []
    const mergedCounts = new SharedArrayBuffer(inputs.length * Float64Array.BYTES_PER_ELEMENT)
    try {
      const written =
        plan.kind === 'expired'
          ? []
          : await runner.run({ ...this.#jobOf(store, plan, inputs, transaction.path), mergedCounts }, handle)
      // The table may have been truncated or dropped meanwhile.
      if (!inputs.every((input) => store.sstables.includes(input))) throw new TaskStoppedError()
      // Cells that are gone because their columns were dropped are not to be missed by those who have the columns again.
      if (store.table.dropped.size > 0) await this.#listener.logged()
      for (const sstable of written) opened.push(store.openWritten(sstable))
      await this.#warmUp(inputs, opened, handle)
      await transaction.commitReplacing(inputs.map(({ sstable }) => sstable.descriptor))
    } catch (error) {
      if (transaction.state === 'unknown') store.becomeUnknown(transaction)
      for (const sstable of opened) sstable.release()
      await transaction.abortLater()
      throw error
    }
    store.obsolete(inputs, transaction)
    if (!inputs.every((input) => store.sstables.includes(input))) {
      // It was truncated or dropped while the transaction was committed.
      await store.remove(opened)
      throw new TaskStoppedError()
    }
    store.tracker.replace(inputs, opened)
    const removed = inputs.map((live) => this.#candidateOf(state, live))
    const added = opened.map((live) => this.#candidateOf(state, live))
    strategies.replaced(removed, added)
    const bytesIn = sum(removed)
    this.completed++
    this.bytesCompacted += handle.totalBytes
    const completedAtMillis = clock.nowMs()
    this.rate.mark(completedAtMillis)
    this.#listener.onCompleted({
      id,
      store,
      completedAtMillis,
      kind: plan.kind,
      bytesIn,
      bytesOut: sum(added),
      mergedCounts: [...new Float64Array(mergedCounts)],
    })
  }

  /** Keeps in memory what was there, of those that take the inputs' place. */
  async #warmUp(
    inputs: readonly LiveSSTable[],
    opened: readonly LiveSSTable[],
    handle: TaskHandle,
  ): Promise<void> {
    const { caches, timers } = this.#ports
    if (caches.chunks === null) return
    const files = (all: readonly LiveSSTable[]) => all.flatMap(({ cachedFiles }) => cachedFiles)
    await warmUp(caches.chunks, files(inputs), files(opened), timers, () => !handle.isStopped)
  }

  #jobOf(
    store: ColumnFamilyStore,
    plan: CompactionPlan,
    inputs: readonly LiveSSTable[],
    transaction: string,
  ): CompactionJob {
    const expired = new Set(plan.expired.map(({ number }) => number))
    const others = plan.ignoreOverlaps ? [] : store.sstables.filter((live) => !inputs.includes(live))
    return {
      ...store.target(transaction),
      kind: 'compaction',
      inputs: inputs.map(descriptorOf),
      others: others.map(descriptorOf),
      expired: inputs.filter(({ number }) => expired.has(number)).map(descriptorOf),
      memtableMinTimestamp: store.memtableMinTimestamp,
      gcBeforeSeconds: plan.gcBeforeSeconds,
      nowSeconds: Math.floor(this.#ports.clock.nowMs() / 1000),
      level: plan.level,
      maxSSTableBytes: plan.maxSSTableBytes,
      split: plan.split,
    }
  }
}

function descriptorOf({ sstable }: LiveSSTable): Descriptor {
  return sstable.descriptor
}

/** What the paths of all files of an SSTable begin with. */
function pathPrefix(descriptor: Descriptor): string {
  return componentPath(descriptor, 'Data.db').slice(0, -'Data.db'.length)
}

function sum(candidates: readonly CompactionCandidate[]): number {
  return candidates.reduce((bytes, { onDiskLength }) => bytes + onDiskLength, 0)
}
