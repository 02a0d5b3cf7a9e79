import { describe, expect, it } from 'vitest'
import { SimClock, SimTimers } from '../../../test/sim/sim-clock.ts'
import { SimDisk } from '../../../test/sim/sim-disk.ts'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import type { Disk } from '../../io/disk.ts'
import { parseEndpoint } from '../endpoint.ts'
import { type RequestCallback, RequestFailureReason } from '../messaging/index.ts'
import { encodeHint } from './hint.ts'
import { HintsDispatcher } from './hints-dispatcher.ts'
import { HintsMetrics } from './hints-metrics.ts'
import { HintsStore } from './hints-store.ts'

const HOST = '6e5b1a9e-7e4c-4b53-9d1c-0c3a2a8f4f10'
const TARGET = parseEndpoint('10.0.0.2:7000')!
/** The first word of a hint's mutation, which says which one it is, in a payload of HINT_REQ. */
const NUMBER_AT = 16 + 12

/** Delivers hints of so many bytes from a store to a target that says what it takes. */
class Delivery {
  readonly clock = new SimClock()
  readonly timers = new SimTimers(this.clock)
  readonly random = new SimRandom(3)
  readonly disk = new SimDisk(this.random)
  readonly store: HintsStore
  readonly metrics = new HintsMetrics()
  readonly taken: number[] = []
  readonly refused = new Set<number>()
  readonly log: string[] = []
  readonly #attached: Disk

  constructor(count: number, bytes: number) {
    this.#attached = this.disk.attach(this.timers)
    this.#attached.mkdirpSync('/hints')
    this.store = new HintsStore(HOST, this.#attached, this.random, '/hints')
    for (let i = 0; i < count; i++) {
      const mutation = new Uint8Array(bytes)
      new DataView(mutation.buffer).setUint32(0, i)
      this.store.buffer(encodeHint(mutation, this.clock.nowMs(), 100))
    }
    this.store.flush(this.clock.nowMs(), 1 << 30)
    this.store.closeWriter()
  }

  async run(): Promise<void> {
    const say = (text: string): void => void this.log.push(text)
    const { clock, timers, metrics } = this
    const parts = {
      disk: this.#attached,
      clock,
      timers,
      metrics,
      logger: { info: say, warn: say, error: say },
      isWanted: () => true,
      readdress: () => undefined,
      messaging: {
        request: (_to: unknown, _verb: unknown, payload: Uint8Array, callback: RequestCallback) => {
          const number = new DataView(payload.buffer, payload.byteOffset).getUint32(NUMBER_AT)
          timers.setTimeout(() => {
            if (this.refused.has(number)) callback.onFailure(RequestFailureReason.UNKNOWN, TARGET)
            else {
              this.taken.push(number)
              callback.onResponse(new Uint8Array(0), TARGET)
            }
          }, 1)
        },
      },
    }
    const target = { endpoint: () => TARGET, isStopped: () => false }
    const dispatcher = new HintsDispatcher(parts, this.store, target, Number.POSITIVE_INFINITY)
    await timers.run(dispatcher.run())
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

describe('the delivery of hints', () => {
  it('goes page by page, and on from the page in which one was refused', async () => {
    // Two of them are more than a page.
    const delivery = new Delivery(10, 300_000)
    delivery.refused.add(5)
    await delivery.run()
    expect(delivery.taken).toEqual([0, 1, 2, 3, 4])
    expect(delivery.store.hasFiles).toBe(true)
    delivery.refused.clear()
    await delivery.run()
    expect(delivery.taken).toEqual([0, 1, 2, 3, 4, ...numbers(5, 10)])
    expect(delivery.disk.paths()).toEqual([])
    expect(delivery.metrics).toMatchObject({ succeeded: 10, failed: 1 })
  })

  it('sends a page again of which one was refused', async () => {
    const delivery = new Delivery(10, 100_000)
    delivery.refused.add(7)
    await delivery.run()
    await delivery.run()
    expect(delivery.taken).toEqual([...numbers(0, 5), 5, 6, 8, 9, 5, 6, 8, 9])
    delivery.refused.clear()
    await delivery.run()
    expect(delivery.taken.slice(-5)).toEqual(numbers(5, 10))
  })

  it('takes hints that are longer than a page', async () => {
    const delivery = new Delivery(3, 2_000_000)
    await delivery.run()
    expect(delivery.taken).toEqual([0, 1, 2])
  })

  it('passes over what can not be read, and says so', async () => {
    const delivery = new Delivery(10, 1_000)
    const [path] = delivery.disk.paths()
    delivery.disk.bytes(path!)[5_000]! ^= 1
    await delivery.run()
    expect(delivery.taken).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
    expect(delivery.log.some((line) => line.includes('bytes of hints file'))).toBe(true)
    expect(delivery.disk.paths()).toEqual([])
  })

  it('leaves alone what the disk can not read, until the next start', async () => {
    const delivery = new Delivery(3, 100)
    delivery.disk.faults.push({ operation: 'read', code: 'EIO', after: 0, times: 1 })
    await delivery.run()
    expect(delivery.taken).toEqual([])
    expect(delivery.store.hasFiles).toBe(false)
    expect(delivery.disk.paths()).toHaveLength(1)
    expect(delivery.log.some((line) => line.startsWith('Failed to dispatch hints file'))).toBe(true)
  })
})
