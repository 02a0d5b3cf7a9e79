/**
 * A workload over a commit log on the simulated disk: some sessions of appends, flushes, syncs and snapshots, each
 * ended by a crash (or a clean stop) at any point, and judged by a model that knows what had been acknowledged.
 *
 * What replay gives must be a beginning of what was appended, without the segments that a snapshot replaced, and
 * must go at least as far as was promised: what `flush` handed to the operating system if the process was
 * killed, what an fsync covered if the power failed.
 */
import { CommitLog } from '../../src/storage/commitlog/commit-log.ts'
import { type CommitLogConfig, DEFAULT_COMMIT_LOG_CONFIG } from '../../src/storage/commitlog/config.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

export const DIRECTORY = '/data/commitlog'

interface Appended {
  readonly number: number
  readonly segmentId: number
  readonly length: number
}

/** All segments before `floor` may go, once everything up to `needs` appended records is on stable storage. */
interface Removal {
  readonly floor: number
  readonly needs: number
}

/** What a crash of one kind must leave. */
interface Promised {
  records: number
  removals: number
}

/** The payload of record `number`: its number, its length, and bytes that follow from both. */
function payloadOf(number: number, length: number): Uint8Array {
  const payload = new Uint8Array(length)
  new SimRandom(number * 31 + length).bytes(payload)
  new DataView(payload.buffer).setUint32(0, number)
  return payload
}

/** Counts what the seeds reached, to see that they reach it all. */
export interface Coverage {
  sessions: number
  kills: number
  powerLosses: number
  cleanStops: number
  diedInside: number
  tornTails: number
  recordsBehind: number
  snapshots: number
  discards: number
  faults: number
}

export function newCoverage(): Coverage {
  return {
    sessions: 0,
    kills: 0,
    powerLosses: 0,
    cleanStops: 0,
    diedInside: 0,
    tornTails: 0,
    recordsBehind: 0,
    snapshots: 0,
    discards: 0,
    faults: 0,
  }
}

export class CommitLogWorkload {
  readonly #random: SimRandom
  readonly #disk: SimDisk
  readonly #clock = new SimClock()
  readonly #config: CommitLogConfig
  readonly #coverage: Coverage
  #appended: Appended[] = []
  #removals: Removal[] = [{ floor: 0, needs: 0 }]
  readonly #afterKill: Promised = { records: 0, removals: 0 }
  readonly #afterPowerLoss: Promised = { records: 0, removals: 0 }
  #nextNumber = 1

  constructor(seed: number, coverage: Coverage) {
    this.#random = new SimRandom(seed)
    this.#disk = new SimDisk(new SimRandom(seed ^ 0x5bd1e995))
    this.#coverage = coverage
    this.#config = {
      ...DEFAULT_COMMIT_LOG_CONFIG,
      sync: this.#random.pick(['periodic', 'batch', 'group']),
      syncPeriodMs: this.#random.pick([20, 100, 10_000]),
      syncGroupWindowMs: this.#random.pick([5, 50]),
      segmentSizeBytes: this.#random.pick([1024, 4096, 16_384]),
      mutationSizeBytesMax: 2048,
    }
  }

  async run(): Promise<void> {
    const sessions = 2 + this.#random.below(6)
    for (let i = 0; i < sessions; i++) await this.#session()
    const timers = new SimTimers(this.#clock)
    await this.#start(timers, this.#lastCrash)
  }

  #lastCrash: 'kill' | 'power' = 'kill'

  async #session(): Promise<void> {
    this.#coverage.sessions++
    const timers = new SimTimers(this.#clock)
    let mustLosePower = false
    if (this.#random.chance(0.5)) this.#disk.crashAfter(this.#random.below(this.#random.pick([8, 60, 300])))
    try {
      const log = await this.#start(timers, this.#lastCrash)
      this.#lastCrash = 'kill'
      if (this.#random.chance(0.15)) {
        const operation = this.#random.pick(['write', 'fsync', 'create', 'fsyncDirectory'] as const)
        const code = operation === 'write' ? this.#random.pick(['SHORT', 'ENOSPC', 'EIO'] as const) : 'EIO'
        this.#disk.faults.push({ operation, code, after: this.#random.below(40) })
        // After a failed fsync nobody knows what the page cache holds but not the disk: only a reboot tells.
        mustLosePower = operation === 'fsync'
        this.#coverage.faults++
      }
      await this.#work(log, timers)
      if (this.#random.chance(0.25)) {
        await timers.run(log.close())
        if (log.failure === undefined) {
          this.#afterKill.records = this.#afterPowerLoss.records = this.#appended.length
          this.#coverage.cleanStops++
        }
      }
    } catch (error) {
      if (!isExpected(error)) throw error
    }
    if (this.#disk.hasCrashed) this.#coverage.diedInside++
    const kind = mustLosePower || this.#random.chance(0.6) ? 'power' : 'kill'
    if (kind === 'power') this.#lastCrash = 'power'
    this.#coverage[kind === 'power' ? 'powerLosses' : 'kills']++
    timers.clear()
    this.#disk.crash(kind)
    if (this.#random.chance(0.1)) this.#clock.jump(-3_600_000)
    this.#clock.advance(this.#random.below(5000))
  }

  /** Opens the log, replays it and judges what came. */
  async #start(timers: SimTimers, lastCrash: 'kill' | 'power'): Promise<CommitLog> {
    const disk = this.#disk.attach(timers)
    const log = await CommitLog.open({
      disk,
      clock: this.#clock,
      timers,
      random: this.#random,
      directory: DIRECTORY,
      config: this.#config,
    })
    const replayed: number[] = []
    const replay = log.replay(({ buffer, offset, length }) => {
      const payload = buffer.slice(offset, offset + length)
      const number = new DataView(payload.buffer).getUint32(0)
      if (Buffer.compare(payload, payloadOf(number, length)) !== 0)
        throw new Error(`record ${number} is damaged`)
      replayed.push(number)
    })
    const { tornTail } = await timers.run(replay)
    if (tornTail !== undefined) {
      this.#coverage.tornTails++
      if (tornTail.recordsBehind > 0) this.#coverage.recordsBehind++
    }
    this.#judge(replayed, lastCrash)
    return log
  }

  #judge(replayed: readonly number[], lastCrash: 'kill' | 'power'): void {
    const promised = lastCrash === 'power' ? this.#afterPowerLoss : this.#afterKill
    for (let removals = this.#removals.length - 1; removals >= promised.removals; removals--) {
      const { floor, needs } = this.#removals[removals]
      const end = this.#matches(replayed, floor)
      if (end === undefined || end < Math.max(needs, promised.records)) continue
      this.#appended = this.#appended.slice(0, end)
      this.#removals = this.#removals.slice(0, removals + 1)
      Object.assign(this.#afterKill, { records: end, removals })
      if (lastCrash === 'power') Object.assign(this.#afterPowerLoss, { records: end, removals })
      return
    }
    const at = Math.max(promised.records - 1, 0)
    throw new Error(
      `replay after ${lastCrash} (${this.#config.sync}) gave ${replayed.length} records, ${replayed[0]} to ` +
        `${replayed.at(-1)}; promised ${promised.records} up to ${this.#appended[at]?.number} of ` +
        `${this.#appended.length}, removals from ${promised.removals} of ${JSON.stringify(this.#removals)}`,
    )
  }

  /** How many appended records replay has covered, if it is a beginning of those from `floor` on. */
  #matches(replayed: readonly number[], floor: number): number | undefined {
    let at = 0
    for (let i = 0; i < this.#appended.length; i++) {
      if (this.#appended[i].segmentId < floor) continue
      if (at === replayed.length) return i
      if (this.#appended[i].number !== replayed[at++]) return undefined
    }
    return at === replayed.length ? this.#appended.length : undefined
  }

  async #work(log: CommitLog, timers: SimTimers): Promise<void> {
    const turns = this.#random.below(40)
    const background: Promise<void>[] = []
    const swallow = (error: unknown): void => {
      if (!isExpected(error)) throw error
    }
    try {
      for (let turn = 0; turn < turns; turn++) {
        this.#turn(log, background, swallow)
        const what = this.#random.below(12)
        if (what === 0) background.push(this.#sync(log).catch(swallow))
        else if (what === 1) background.push(this.#snapshot(log).catch(swallow))
        else if (what === 7) this.#discard(log)
        else if (what < 5) await timers.advance(this.#random.below(60))
        else if (what < 7) await timers.runNext()
      }
      if (this.#random.chance(0.5)) await timers.run(Promise.all(background))
    } catch (error) {
      if (!isExpected(error)) throw error
    }
  }

  /** One turn of the loop: some appends, one flush. */
  #turn(log: CommitLog, background: Promise<void>[], swallow: (error: unknown) => void): void {
    const records = this.#random.below(6)
    for (let i = 0; i < records; i++) this.#append(log)
    const count = this.#appended.length
    const synced = log.flush()
    this.#afterKill.records = count
    const isPeriodic = this.#config.sync === 'periodic'
    const promise = (): void => {
      // A promise in periodic mode only waits for a disk that lags behind.
      if (!isPeriodic) this.#afterPowerLoss.records = Math.max(this.#afterPowerLoss.records, count)
    }
    if (synced === null) promise()
    else background.push(synced.then(promise, swallow))
  }

  #append(log: CommitLog): void {
    const number = this.#nextNumber++
    const length = 4 + this.#random.below(this.#random.pick([16, 300, 1500]))
    log.reserve(length)
    const { segmentId } = log
    // If the append fails, the record may or may not be there.
    this.#appended.push({ number, segmentId, length })
    log.append(payloadOf(number, length), 0, length)
    if (log.segmentId !== segmentId) throw new Error('append went on to another segment after reserve')
  }

  async #sync(log: CommitLog): Promise<void> {
    const count = this.#afterKill.records
    await log.sync()
    this.#afterPowerLoss.records = Math.max(this.#afterPowerLoss.records, count)
  }

  /** As after a flush of all memtables: what lies before the current segment is durable elsewhere. */
  #discard(log: CommitLog): void {
    this.#coverage.discards++
    this.#removals.push({ floor: log.segmentId, needs: 0 })
    log.discardBefore({ segmentId: log.segmentId, offset: 0 })
    if (this.#random.chance(0.5)) log.startSegment()
  }

  async #snapshot(log: CommitLog): Promise<void> {
    this.#coverage.snapshots++
    const snapshot = log.beginSnapshot()
    const records = this.#random.below(5)
    for (let i = 0; i < records; i++) this.#append(log)
    const removals = this.#removals.push({ floor: snapshot.floorSegmentId, needs: this.#appended.length }) - 1
    await snapshot.complete()
    this.#afterKill.removals = Math.max(this.#afterKill.removals, removals)
    this.#afterPowerLoss.removals = Math.max(this.#afterPowerLoss.removals, removals)
  }
}

/** The disk's failures and what the log makes of them; anything else is a finding. */
function isExpected(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.constructor.name === 'CommitLogFailedError') return true
  return 'code' in error && (error.code === 'ECRASHED' || error.code === 'EIO' || error.code === 'ENOSPC')
}
