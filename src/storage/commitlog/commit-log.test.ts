import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SimClock, SimTimers } from '../../../test/sim/sim-clock.ts'
import { SimDisk } from '../../../test/sim/sim-disk.ts'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { CorruptionError } from '../../common/errors.ts'
import { CommitLog } from './commit-log.ts'
import { type CommitLogConfig, DEFAULT_COMMIT_LOG_CONFIG } from './config.ts'
import { CommitLogFailedError, MutationTooLargeError } from './errors.ts'
import { ENTRY_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.ts'
import type { ReplayResult } from './replay.ts'

const DIRECTORY = '/data/commitlog'

/** A machine with a disk, on which processes with a commit log come and go. */
class Machine {
  readonly clock = new SimClock()
  readonly disk = new SimDisk(new SimRandom(7))
  timers = new SimTimers(this.clock)
  readonly warnings: string[] = []
  readonly errors: string[] = []
  readonly failures: CommitLogFailedError[] = []
  readonly config: CommitLogConfig

  constructor(config: Partial<CommitLogConfig> = {}) {
    this.config = { ...DEFAULT_COMMIT_LOG_CONFIG, segmentSizeBytes: 4096, ...config }
  }

  async start(): Promise<{ log: CommitLog; records: Uint8Array[]; result: ReplayResult }> {
    this.timers = new SimTimers(this.clock)
    const log = await CommitLog.open({
      disk: this.disk.attach(this.timers),
      clock: this.clock,
      timers: this.timers,
      random: new SimRandom(99),
      directory: DIRECTORY,
      config: this.config,
      logger: {
        info: () => undefined,
        warn: (message) => this.warnings.push(message),
        error: (message) => this.errors.push(message),
      },
      onFailure: (error) => this.failures.push(error),
    })
    const records: Uint8Array[] = []
    const result = await this.timers.run(
      log.replay(({ buffer, offset, length }) => {
        records.push(buffer.slice(offset, offset + length))
        return null
      }),
    )
    return { log, records, result }
  }

  /** All segments that hold anything, the oldest first. */
  segments(): string[] {
    return this.disk.paths().filter((path) => this.disk.bytes(path).length > SEGMENT_HEADER_BYTES)
  }

  /** A copy of the machine as it is now, with other bytes in one file. */
  with(path: string, bytes: Uint8Array, boot: 'same' | 'other'): Machine {
    const copy = new Machine(this.config)
    const disk = copy.disk.attach(copy.timers)
    disk.mkdirpSync(DIRECTORY)
    for (const each of this.disk.paths()) {
      const file = disk.openSync(each, 'create')
      const content = each === path ? bytes : this.disk.bytes(each)
      if (content.length > 0) file.writeSync(content, 0, content.length, 0)
      file.fsyncSync()
    }
    disk.fsyncDirectorySync(DIRECTORY)
    if (boot === 'other') copy.disk.crash('power')
    return copy
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function append(log: CommitLog, ...texts: string[]): void {
  for (const text of texts) {
    const bytes = bytesOf(text)
    log.append(bytes, 0, bytes.length)
  }
}

describe('append and replay', () => {
  test('what was flushed comes back after the process was killed, in order', async () => {
    const machine = new Machine()
    const first = await machine.start()
    append(first.log, 'a', 'b')
    expect(first.log.flush()).toBe(null)
    append(first.log, 'c')
    first.log.flush()
    append(first.log, 'never flushed')
    machine.disk.crash('kill')
    const second = await machine.start()
    expect(second.records.map(textOf)).toEqual(['a', 'b', 'c'])
    expect(second.result.tornTail).toBe(undefined)
    append(second.log, 'd')
    second.log.flush()
    machine.disk.crash('kill')
    const third = await machine.start()
    expect(third.records.map(textOf)).toEqual(['a', 'b', 'c', 'd'])
    expect(machine.warnings).toEqual([])
  })

  test('any bytes are a record, over segments', async () => {
    const record = fc.uint8Array({ maxLength: 900 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(record, { maxLength: 8 }), { maxLength: 12 }), async (turns) => {
        const machine = new Machine()
        const { log } = await machine.start()
        for (const records of turns) {
          for (const payload of records) {
            log.reserve(payload.length)
            const { segmentId, position } = log
            expect(log.append(payload, 0, payload.length)).toBe(position.offset)
            expect(log.segmentId).toBe(segmentId)
          }
          log.flush()
        }
        machine.disk.crash('kill')
        const { records, log: second } = await machine.start()
        expect(records).toEqual(turns.flat())
        await machine.timers.run(second.close())
      }),
      { numRuns: 60 },
    )
  })

  test('a record bigger than what is pending between flushes', async () => {
    const machine = new Machine({ segmentSizeBytes: 8 * 1024 * 1024 })
    const { log } = await machine.start()
    const big = new Uint8Array(3_000_000)
    new SimRandom(3).bytes(big)
    append(log, 'before')
    log.append(big, 1, big.length - 1)
    append(log, 'after')
    log.flush()
    machine.disk.crash('kill')
    const { records } = await machine.start()
    expect(records.map(({ length }) => length)).toEqual([6, big.length - 1, 5])
    expect(Buffer.compare(records[1], big.subarray(1))).toBe(0)
  })

  test('a record over max_mutation_size is refused, with nothing done', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    const before = log.position
    expect(() => log.append(new Uint8Array(2049), 0, 2049)).toThrow(MutationTooLargeError)
    expect(log.position).toEqual(before)
    log.append(new Uint8Array(2048), 0, 2048)
  })

  test('segment ids increase though the clock goes back', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    append(log, 'x')
    log.flush()
    const { segmentId } = log
    machine.disk.crash('kill')
    machine.clock.jump(-86_400_000)
    const { log: second, records } = await machine.start()
    expect(second.segmentId).toBeGreaterThan(segmentId)
    expect(records.map(textOf)).toEqual(['x'])
  })

  test('starts and stops without a write leave nothing behind', async () => {
    const machine = new Machine()
    for (let i = 0; i < 5; i++) {
      const { log } = await machine.start()
      await machine.timers.run(log.close())
    }
    for (let i = 0; i < 5; i++) {
      await machine.start()
      machine.disk.crash('kill')
    }
    expect(machine.disk.paths().length).toBeLessThanOrEqual(3)
  })

  test('replay gives the loop a turn when a slice is over', async () => {
    const machine = new Machine({ segmentSizeBytes: 1024 * 1024 })
    const { log } = await machine.start()
    for (let i = 0; i < 2000; i++) append(log, `record ${i}`)
    log.flush()
    machine.disk.crash('kill')
    machine.timers = new SimTimers(machine.clock)
    const second = await CommitLog.open({
      disk: machine.disk.attach(machine.timers),
      clock: machine.clock,
      timers: machine.timers,
      random: new SimRandom(1),
      directory: DIRECTORY,
      config: machine.config,
    })
    let longest = 0
    let slice = 0
    let turns = 0
    const countTurns = (): void => {
      slice = 0
      turns++
      machine.timers.setImmediate(countTurns)
    }
    machine.timers.setImmediate(countTurns)
    const replay = second.replay(
      () => {
        machine.clock.advance(0.1)
        slice += 0.1
        longest = Math.max(longest, slice)
      },
      { sliceMs: 5 },
    )
    const { records } = await machine.timers.run(replay)
    expect(records).toBe(2000)
    expect(longest).toBeLessThan(10)
    expect(turns).toBeGreaterThan(20)
  })

  test('a handler that throws ends replay with its error', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    append(log, 'x')
    await machine.timers.run(log.close())
    const second = await CommitLog.open({
      disk: machine.disk.attach(machine.timers),
      clock: machine.clock,
      timers: machine.timers,
      random: new SimRandom(1),
      directory: DIRECTORY,
      config: machine.config,
    })
    const replay = second.replay(() => {
      throw new Error('unknown kind of record')
    })
    await expect(machine.timers.run(replay)).rejects.toThrow('unknown kind of record')
    expect(() => append(second, 'y')).toThrow('The commit log is closed')
    expect((await machine.start()).records.map(textOf)).toEqual(['x'])
  })

  test('closed during replay, it does not come to life', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    for (let i = 0; i < 40; i++) append(log, `record ${i}`)
    await machine.timers.run(log.close())
    const second = await CommitLog.open({
      disk: machine.disk.attach(machine.timers),
      clock: machine.clock,
      timers: machine.timers,
      random: new SimRandom(1),
      directory: DIRECTORY,
      config: machine.config,
    })
    const replay = second.replay(() => {
      machine.clock.advance(1)
      return null
    })
    await Promise.resolve()
    const closed = second.close()
    await expect(machine.timers.run(replay)).rejects.toThrow('The commit log was closed during replay')
    await machine.timers.run(closed)
    expect(machine.timers.pending).toBe(0)
  })
})

describe('torn tails and corruption', () => {
  const texts = ['one', 'two', '', 'a longer one with some more bytes', 'five']

  async function written(machine: Machine): Promise<string> {
    const { log } = await machine.start()
    for (const text of texts) {
      append(log, text)
      log.flush()
    }
    machine.disk.crash('kill')
    return machine.segments()[0]
  }

  /** Offset at which each record's entry ends. */
  function ends(): number[] {
    let at = SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES // an empty history
    return texts.map((text) => (at += ENTRY_HEADER_BYTES + text.length))
  }

  test('cut at every byte, it replays a beginning of the records and says where it is torn', async () => {
    const machine = new Machine()
    const path = await written(machine)
    const whole = machine.disk.bytes(path)
    expect(whole.length).toBe(ends()[texts.length - 1])
    for (let length = 0; length <= whole.length; length++) {
      const cut = machine.with(path, whole.slice(0, length), length % 2 ? 'same' : 'other')
      const { records, result, log } = await cut.start()
      const expected = ends().filter((end) => end <= length).length
      expect(records.map(textOf)).toEqual(texts.slice(0, expected))
      const boundaries = [0, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + ENTRY_HEADER_BYTES, ...ends()]
      const lastWhole = Math.max(...boundaries.filter((end) => end <= length))
      if (length <= SEGMENT_HEADER_BYTES || lastWhole === length) {
        expect(result.tornTail).toBe(undefined)
        expect(cut.warnings).toEqual([])
      } else {
        expect(result.tornTail).toEqual({ file: path, offset: lastWhole, recordsBehind: 0 })
        expect(cut.warnings).toEqual([`Commit log ends in a torn tail: ${path} at offset ${lastWhole}`])
      }
      // What comes after replay follows the records that are left, at the next start and the one after.
      append(log, 'next')
      await cut.timers.run(log.close())
      for (let start = 0; start < 2; start++) {
        const again = await cut.start()
        expect(again.records.map(textOf)).toEqual([...texts.slice(0, expected), 'next'])
        expect(again.result.tornTail).toBe(undefined)
        cut.disk.crash('power')
      }
    }
  })

  test('a flipped bit anywhere stops the start or costs the tail, and never gives another record', async () => {
    const machine = new Machine()
    const path = await written(machine)
    const whole = machine.disk.bytes(path)
    const lastRecord = ends()[texts.length - 2]
    for (const boot of ['same', 'other'] as const) {
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const flipped = whole.slice()
        flipped[bit >> 3] ^= 1 << (bit & 7)
        const broken = machine.with(path, flipped, boot)
        let records: string[]
        try {
          records = (await broken.start()).records.map(textOf)
        } catch (error) {
          if (!(error instanceof CorruptionError)) throw error
          expect(error.file).toBe(path)
          expect(error.offset).toBeLessThanOrEqual(bit >> 3)
          // Nothing of the last entry can be told from a torn tail, so that never stops a start.
          expect(bit >> 3).toBeLessThan(lastRecord)
          continue
        }
        expect(records).toEqual(texts.slice(0, records.length))
        expect(records.length).toBeLessThan(texts.length)
        // In the same boot nothing but the last entry can have been lost.
        if (boot === 'same') expect(bit >> 3).toBeGreaterThanOrEqual(lastRecord)
      }
    }
  })

  test('what a sync entry vouches for must be whole, after a power loss too', async () => {
    const machine = new Machine({ sync: 'batch' })
    const { log } = await machine.start()
    append(log, 'one')
    await machine.timers.run(log.flush() ?? Promise.resolve())
    const { offset } = log.position
    append(log, 'two')
    await machine.timers.run(log.flush() ?? Promise.resolve())
    machine.disk.crash('power')
    const [path] = machine.segments()
    const flipped = machine.disk.bytes(path).slice()
    flipped[offset - 1] ^= 1
    await expect(machine.with(path, flipped, 'other').start()).rejects.toMatchObject({
      file: path,
      offset: offset - ENTRY_HEADER_BYTES - 3,
    })
  })

  test('after a clean stop all of it must be whole, after a reboot too', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    append(log, ...texts)
    await machine.timers.run(log.close())
    machine.disk.crash('power')
    const [path] = machine.segments()
    const whole = machine.disk.bytes(path)
    for (let at = SEGMENT_HEADER_BYTES; at < ends()[texts.length - 1]; at++) {
      const flipped = whole.slice()
      flipped[at] ^= 0x10
      await expect(machine.with(path, flipped, 'other').start()).rejects.toBeInstanceOf(CorruptionError)
    }
  })

  test('a segment that others follow must be whole and there', async () => {
    const machine = new Machine({ segmentSizeBytes: 1024 })
    const { log } = await machine.start()
    for (let i = 0; i < 60; i++) {
      append(log, `record ${i} ${'x'.repeat(50)}`)
      log.flush()
      await machine.timers.advance(5)
    }
    await machine.timers.run(log.close())
    const segments = machine.segments()
    expect(segments.length).toBeGreaterThan(4)
    const whole = machine.disk.bytes(segments[1])
    for (const length of [0, 30, SEGMENT_HEADER_BYTES, 100, whole.length - 1]) {
      for (const boot of ['same', 'other'] as const) {
        const cut = machine.with(segments[1], whole.slice(0, length), boot)
        await expect(cut.start()).rejects.toMatchObject({ file: segments[1] })
      }
    }
    const missing = machine.with('', new Uint8Array(), 'same')
    missing.disk.attach(missing.timers).unlinkSync(segments[1])
    await expect(missing.start()).rejects.toThrow('A segment of the commit log is missing')
  })

  test('bytes of the log inside a torn record do not pass for entries behind it', async () => {
    const machine = new Machine()
    const path = await written(machine)
    const inside = machine.disk.bytes(path).slice()
    const { log } = await machine.start()
    log.append(inside, 0, inside.length)
    log.flush()
    // Its own segment's bytes too: they have its seed and only stand in another place.
    const first = machine.disk.bytes(machine.segments()[1]).slice()
    log.append(first, 0, first.length)
    log.flush()
    machine.disk.crash('kill')
    const last = machine.segments()[1]
    const torn = machine.with(last, machine.disk.bytes(last).slice(0, -1), 'same')
    const { records, result } = await torn.start()
    expect(records.length).toBe(texts.length + 1)
    expect(result.tornTail).toEqual({ file: last, offset: first.length, recordsBehind: 0 })
  })

  test('a log of another version is refused', async () => {
    const machine = new Machine()
    const disk = machine.disk.attach(machine.timers)
    disk.mkdirpSync(DIRECTORY)
    disk.openSync(`${DIRECTORY}/CommitLog-2-1.log`, 'create')
    await expect(machine.start()).rejects.toThrow('Commit log version 2 is not supported')
  })
})

describe('sync modes', () => {
  test('periodic: fsync every period, and a promise only when the disk lags', async () => {
    const machine = new Machine({ syncPeriodMs: 1000 })
    const { log } = await machine.start()
    append(log, 'a')
    expect(log.flush()).toBe(null)
    await machine.timers.advance(1100)
    append(log, 'b')
    expect(log.flush()).toBe(null)
    machine.disk.crash('power')
    expect((await machine.start()).records.map(textOf)).toContain('a')

    const other = new Machine({ syncPeriodMs: 1000 })
    const { log: lagging } = await other.start()
    other.clock.advance(2000) // The loop or the disk stood still, timers did not fire.
    append(lagging, 'c')
    const wait = lagging.flush()
    expect(wait).not.toBe(null)
    await other.timers.run(wait ?? Promise.resolve())
    append(lagging, 'd')
    expect(lagging.flush()).toBe(null)
  })

  test('batch: the promise resolves after an fsync that began after the write; flushes are coalesced', async () => {
    const machine = new Machine({ sync: 'batch' })
    const { log } = await machine.start()
    const promises = ['a', 'b', 'c', 'd'].map((text) => {
      append(log, text)
      return log.flush()
    })
    expect(new Set(promises).size).toBeLessThanOrEqual(2)
    await machine.timers.run(Promise.all(promises))
    machine.disk.crash('power')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('group: one fsync for all flushes of a window', async () => {
    const machine = new Machine({ sync: 'group', syncGroupWindowMs: 100 })
    const { log } = await machine.start()
    let done = 0
    for (const text of ['a', 'b', 'c']) {
      append(log, text)
      log.flush()?.then(() => done++)
      await machine.timers.advance(20)
    }
    expect(done).toBe(0)
    await machine.timers.advance(100)
    expect(done).toBe(3)
    append(log, 'd')
    const last = log.flush()
    await machine.timers.run(log.close())
    await last
    machine.disk.crash('power')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('records of a killed process are fsynced by the first sync of the next', async () => {
    const machine = new Machine({ sync: 'batch' })
    const { log } = await machine.start()
    append(log, 'a')
    log.flush()?.catch(() => undefined)
    machine.disk.crash('kill')
    const { log: second } = await machine.start()
    append(second, 'b')
    await machine.timers.run(second.flush() ?? Promise.resolve())
    machine.disk.crash('power')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b'])
  })
})

describe('failures', () => {
  test('a failed write ends the log', async () => {
    for (const code of ['EIO', 'ENOSPC'] as const) {
      const machine = new Machine()
      const { log } = await machine.start()
      append(log, 'a')
      log.flush()
      machine.disk.faults.push({ operation: 'write', code, after: 0 })
      append(log, 'b')
      expect(() => log.flush()).toThrow(CommitLogFailedError)
      machine.disk.faults.length = 0
      expect(() => append(log, 'c')).toThrow(CommitLogFailedError)
      expect(() => log.flush()).toThrow(CommitLogFailedError)
      expect(() => log.reserve(1)).toThrow(CommitLogFailedError)
      expect(machine.failures.length).toBe(1)
      expect(machine.errors[0]).toMatch(/Failed to write to .*Commit disk failure policy is stop/)
      await machine.timers.run(log.close())
      machine.disk.crash('kill')
      expect((await machine.start()).records.map(textOf)).toEqual(['a'])
    }
  })

  test('a short write goes on where it stopped', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    machine.disk.faults.push({ operation: 'write', code: 'SHORT', after: 0, times: 5 })
    append(log, 'a', 'b', 'c')
    log.flush()
    machine.disk.crash('kill')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b', 'c'])
  })

  test('a failed fsync is not retried, and all who wait for it are told', async () => {
    const machine = new Machine({ sync: 'batch' })
    const { log } = await machine.start()
    machine.disk.faults.push({ operation: 'fsync', code: 'EIO', after: 0, times: 1 })
    append(log, 'a')
    const first = log.flush()
    await Promise.resolve()
    append(log, 'b')
    const second = log.flush()
    const settled = machine.timers.run(Promise.allSettled([first, second]))
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(machine.failures.length).toBe(1)
    expect(() => log.flush()).toThrow(CommitLogFailedError)
  })

  test('group: a failure is told to those who wait for the window', async () => {
    const machine = new Machine({ sync: 'group', syncGroupWindowMs: 100 })
    const { log } = await machine.start()
    append(log, 'a')
    const waiting = log.flush()
    machine.disk.faults.push({ operation: 'write', code: 'EIO', after: 0 })
    append(log, 'b')
    expect(() => log.flush()).toThrow(CommitLogFailedError)
    await expect(waiting).rejects.toBeInstanceOf(CommitLogFailedError)
  })

  test('periodic: a failed fsync in the background ends the log', async () => {
    const machine = new Machine({ syncPeriodMs: 1000 })
    const { log } = await machine.start()
    machine.disk.faults.push({ operation: 'fsync', code: 'EIO', after: 0 })
    append(log, 'a')
    expect(log.flush()).toBe(null)
    await machine.timers.advance(1500)
    expect(machine.failures.length).toBe(1)
    expect(() => append(log, 'b')).toThrow(CommitLogFailedError)
    expect(machine.timers.pending).toBe(0)
  })

  test('ignore: the batch fails, the log goes on in a new segment', async () => {
    const machine = new Machine({ failurePolicy: 'ignore' })
    const { log } = await machine.start()
    append(log, 'a')
    log.flush()
    machine.disk.faults.push({ operation: 'write', code: 'ENOSPC', after: 0, times: 1 })
    append(log, 'lost')
    expect(() => log.flush()).toThrow(CommitLogFailedError)
    append(log, 'b')
    expect(log.flush()).toBe(null)
    expect(machine.failures).toEqual([])
    expect(machine.errors.length).toBe(1)
    machine.disk.crash('kill')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b'])
  })

  test('ignore: a failed fsync gives its segment up, and vouches for nothing any more', async () => {
    const machine = new Machine({ failurePolicy: 'ignore', sync: 'batch' })
    const { log } = await machine.start()
    machine.disk.faults.push({ operation: 'fsync', code: 'EIO', after: 0, times: 1 })
    append(log, 'a')
    await expect(machine.timers.run(log.flush() ?? Promise.resolve())).rejects.toBeInstanceOf(
      CommitLogFailedError,
    )
    const { segmentId } = log
    append(log, 'b')
    await machine.timers.run(log.flush() ?? Promise.resolve())
    expect(log.segmentId).toBeGreaterThan(segmentId)
    await expect(machine.timers.run(log.beginSnapshot().complete())).rejects.toBeInstanceOf(
      CommitLogFailedError,
    )
    machine.disk.crash('kill')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b'])
  })

  test('an error while reading stops the start', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    append(log, 'a')
    await machine.timers.run(log.close())
    machine.disk.faults.push({ operation: 'read', code: 'EIO', after: 2 })
    await expect(machine.start()).rejects.toThrow('EIO')
  })
})

describe('segments that are not needed any more', () => {
  test('a snapshot takes the place of what came before', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    for (let i = 0; i < 500; i++) append(log, `key=${i}`)
    log.flush()
    const grown = log.sizeBytes
    const snapshot = log.beginSnapshot()
    append(log, 'key=499')
    log.flush()
    append(log, 'other=1')
    await machine.timers.run(snapshot.complete())
    expect(log.sizeBytes).toBeLessThan(grown / 10)
    expect(log.segments[0].id).toBe(snapshot.floorSegmentId)
    append(log, 'other=2')
    log.flush()
    for (const kind of ['kill', 'power'] as const) {
      machine.disk.crash(kind)
      const { records } = await machine.start()
      expect(records.map(textOf).slice(0, 2)).toEqual(['key=499', 'other=1'])
    }
  })

  test('a snapshot that was not completed changes nothing', async () => {
    const machine = new Machine()
    const { log } = await machine.start()
    append(log, 'a', 'b')
    log.beginSnapshot()
    append(log, 'b')
    log.flush()
    machine.disk.crash('kill')
    expect((await machine.start()).records.map(textOf)).toEqual(['a', 'b', 'b'])
  })

  test('dropped segments leave with the next one', async () => {
    const machine = new Machine({ syncPeriodMs: 100 })
    const { log } = await machine.start()
    append(log, 'a')
    const first = log.segmentId
    append(log, 'b')
    const second = log.startSegment()
    expect(second).toBeGreaterThan(first)
    append(log, 'c')
    log.discardBefore({ segmentId: second, offset: 0 })
    log.flush()
    log.startSegment()
    log.flush()
    await machine.timers.advance(500)
    expect(log.segments.map(({ id }) => id)).not.toContain(first)
    expect(machine.disk.paths().some((path) => path.includes(`-${first}.log`))).toBe(false)
    machine.disk.crash('power')
    expect((await machine.start()).records.map(textOf)).toEqual(['c'])
  })
})
