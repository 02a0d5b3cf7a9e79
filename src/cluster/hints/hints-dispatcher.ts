import type { Clock } from '../../io/clock.ts'
import type { Disk } from '../../io/disk.ts'
import { delay, type Timers } from '../../io/timers.ts'
import type { Endpoint } from '../endpoint.ts'
import { type MessagingService, RequestFailureReason, Verb } from '../messaging/index.ts'
import { RateLimiter } from '../rate-limiter.ts'
import { decodeHint, encodeHintMessage, type Hint } from './hint.ts'
import type { HintsMetrics } from './hints-metrics.ts'
import { type HintsPage, HintsReader } from './hints-reader.ts'
import type { HintsFile, HintsStore } from './hints-store.ts'

export interface DispatcherParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly messaging: Pick<MessagingService, 'request'>
  readonly logger: { info(text: string): void; warn(text: string): void; error(text: string): void }
  readonly metrics: HintsMetrics
  /** Whether a hint may be sent: it has not expired, and its tables are there. */
  readonly isWanted: (hint: Hint) => boolean
  /** Writes a hint for the replicas that there are now. */
  readonly readdress: (hint: Hint) => void
}

/** What a dispatcher is to know of the node that it delivers to; asked again and again. */
export interface DispatchTarget {
  /** Where it is; undefined once it left the ring. */
  readonly endpoint: () => Endpoint | undefined
  /** Whether to stop: it is dead, or delivery is paused. */
  readonly isStopped: (endpoint: Endpoint | undefined) => boolean
}

/** A page is given up when one of its hints was not taken: it is sent again later, all of it. */
type Outcome = 'delivered' | 'stopped'

/** Delivers the hints of one node, file by file and page by page (`HintsDispatchExecutor`, `HintsDispatcher`). */
export class HintsDispatcher {
  readonly #parts: DispatcherParts
  readonly #store: HintsStore
  readonly #target: DispatchTarget
  readonly #limiter: RateLimiter

  /** @param bytesPerSecond infinite where nothing is throttled */
  constructor(parts: DispatcherParts, store: HintsStore, target: DispatchTarget, bytesPerSecond: number) {
    this.#parts = parts
    this.#store = store
    this.#target = target
    this.#limiter = new RateLimiter(bytesPerSecond, parts.clock.monotonicMs())
  }

  /** Delivers until there is no file left, or the target takes no more. Never rejects. */
  async run(): Promise<void> {
    const { logger } = this.#parts
    for (;;) {
      if (this.#target.isStopped(this.#target.endpoint())) return
      const file = this.#store.poll()
      if (file === undefined) return
      try {
        if ((await this.#deliver(file)) === 'stopped') {
          this.#store.putBack(file)
          return
        }
        this.#store.remove(file)
      } catch (error) {
        this.#store.markUnreadable(file)
        const text = error instanceof Error ? error.message : String(error)
        logger.error(`Failed to dispatch hints file ${this.#store.pathOf(file)}: ${text}`)
        return
      }
    }
  }

  async #deliver(file: HintsFile): Promise<Outcome> {
    const { disk, logger } = this.#parts
    const path = this.#store.pathOf(file)
    if (!disk.existsSync(path)) return 'delivered'
    const reader = new HintsReader(disk, path, file.name)
    try {
      if (!reader.isReadable) {
        // The power went before its beginning was on the disk: nothing of it was synced.
        logger.warn(`Hints file ${path} has no header; it is removed`)
        return 'delivered'
      }
      for (;;) {
        const page = await reader.page(file.position)
        const outcome = await this.#sendPage(page)
        if (outcome === 'stopped') {
          logger.info(`Finished hinted handoff of file ${path} to ${this.#store.hostId}, partially`)
          return outcome
        }
        if (page.skipped > 0)
          logger.warn(`${page.skipped} bytes of hints file ${path} are no hints; passed over`)
        file.position = page.end
        if (page.isLast) break
      }
      logger.info(`Finished hinted handoff of file ${path} to ${this.#store.hostId}`)
      return 'delivered'
    } finally {
      reader.close()
    }
  }

  /** Sends the hints of a page, and waits until all of them are taken or one is not. */
  async #sendPage({ hints }: HintsPage): Promise<Outcome> {
    const { clock, timers, isWanted, readdress } = this.#parts
    const answers: Promise<boolean>[] = []
    let isWhole = true
    for (const bytes of hints) {
      const waitMs = this.#limiter.acquire(bytes.length, clock.monotonicMs())
      if (waitMs > 0) await delay(timers, waitMs, { unref: true })
      const endpoint = this.#target.endpoint()
      if (this.#target.isStopped(endpoint)) {
        isWhole = false
        break
      }
      const hint = decodeHint(bytes)
      if (!isWanted(hint)) continue
      // The node left the ring: what it missed is for those that have its ranges now.
      if (endpoint === undefined) readdress(hint)
      else answers.push(this.#send(endpoint, bytes, hint))
    }
    const taken = await Promise.all(answers)
    return isWhole && taken.every((one) => one) ? 'delivered' : 'stopped'
  }

  #send(endpoint: Endpoint, bytes: Uint8Array, hint: Hint): Promise<boolean> {
    const { messaging, metrics, clock } = this.#parts
    return new Promise((resolve) => {
      messaging.request(endpoint, Verb.HINT_REQ, encodeHintMessage(this.#store.hostId, bytes), {
        onResponse: () => {
          metrics.delivered(Math.max(0, clock.nowMs() - hint.creationMs))
          resolve(true)
        },
        onFailure: (reason) => {
          if (reason === RequestFailureReason.TIMEOUT) metrics.timedOut++
          else metrics.failed++
          resolve(false)
        },
      })
    })
  }
}
