import type { ConsistencyLevel } from '../../common/errors.ts'
import { shortCopy } from '../../common/short-copy.ts'
import type { Clock } from '../../io/clock.ts'
import type { Timers } from '../../io/timers.ts'
import type { ReadCommand } from '../../model/read-command.ts'
import { type Endpoint, endpointLogText } from '../endpoint.ts'
import {
  type MessagingService,
  type RequestCallback,
  RequestFailureReason,
  Verb,
} from '../messaging/index.ts'
import { type LocalReads, readFailureReason } from '../replica/local-reads.ts'
import { askForDigest, encodeRead } from '../replica/read-message.ts'
import { NOTICE_BYTES, noticeOf, withoutNotice } from '../replica/read-notice.ts'
import { digestOf, type ReadResponse, type ResponseLimits, readResponse } from '../replica/read-response.ts'
import type { ResponseHeaders } from '../replica/response-header.ts'
import type { RingNode } from '../ring/ring.ts'
import { noteReceived, noteSending, type Trace } from '../traces.ts'
import { ReadGivenUp, type ReadOutcome, readError } from './level-failure.ts'
import { ReadCallback } from './read-callback.ts'
import { type ReadListener, ReadWarnings } from './read-warnings.ts'
import { type Replicas, sameNode } from './replica-plan.ts'

/** What reads are made with. */
export interface ReadSetting {
  readonly messaging: MessagingService
  readonly clock: Clock
  readonly timers: Timers
  readonly localNode: RingNode
  readonly local: LocalReads
  readonly headers: ResponseHeaders
  readonly logger: { error(text: string): void }
  /** A node answered, or let its time pass. */
  readonly onLatency: (node: RingNode, latencyMs: number) => void
}

/** What is read, beside of whom. */
export interface ReadTask {
  readonly command: ReadCommand
  readonly limits: ResponseLimits
  readonly level: ConsistencyLevel
  readonly nowSeconds: number
  /** On the monotonic clock. */
  readonly deadlineMs: number
  readonly trace: Trace | null
  /** Hears what replicas warn of; nobody where it is not given. */
  readonly heard?: ReadListener
}

const NOBODY: Replicas = []

/** An answer as it came. */
export interface Answer {
  readonly node: RingNode
  readonly bytes: Uint8Array
}

/**
 * One command asked of some replicas: the first ones for data, the others for digests (`AbstractReadExecutor`, `ReadCallback`).
 * The callback of all its requests.
 */
export class ReadAttempt implements RequestCallback {
  /** Of the requests that are sent now: all are given up at once. */
  timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  /** Resolves when the level is reached; rejects with a ReadTimeoutError or a ReadFailureError. */
  readonly done: Promise<void>
  readonly #setting: ReadSetting
  readonly #task: ReadTask
  readonly #callback: ReadCallback
  #contacts: Replicas = NOBODY
  /** The first contacts, which were asked for data. */
  #dataCount = 0
  /** Behind them, who was asked for data late: the last ones of all. */
  #lateDataFrom = Number.POSITIVE_INFINITY
  /** By contacts; null for those that did not answer yet. */
  readonly #answers: (Uint8Array | null)[] = []
  readonly #startedMs: number
  /** What replicas have said beside their answers; null as long as there is nothing. */
  #warnings: ReadWarnings | null = null
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor(setting: ReadSetting, task: ReadTask, blockFor: number, contactCount: number) {
    this.#setting = setting
    this.#task = task
    this.session = task.trace?.id ?? null
    this.#callback = new ReadCallback(blockFor, contactCount)
    this.#startedMs = setting.clock.monotonicMs()
    this.timeoutMs = Math.max(1, task.deadlineMs - this.#startedMs)
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Asks the contacts: the first `dataCount` for data. To be called once. */
  start(contacts: Replicas, dataCount: number): void {
    const { messaging, localNode } = this.#setting
    const { command, limits, nowSeconds } = this.#task
    const verb = command.keys === null ? Verb.RANGE_REQ : Verb.READ_REQ
    let payload: Uint8Array | null = null
    let here = -1
    const tracksWarnings = this.#tracks
    this.#contacts = contacts
    this.#dataCount = dataCount
    for (let i = 0; i < contacts.length; i++) {
      const node = contacts[i]!
      const isDigest = i >= dataCount
      this.#answers.push(null)
      if (sameNode(node, localNode)) {
        here = i
        continue
      }
      payload ??= encodeRead({ command, limits, nowSeconds, isDigest: false, tracksWarnings })
      // Those asked for digests come last.
      if (isDigest) askForDigest(payload)
      this.#noteAsking(node, verb, isDigest, payload.length)
      messaging.request(node.endpoint, verb, payload, this)
    }
    if (here >= 0) this.#readHere(here)
  }

  /** One more is asked, because an answer is late: for a digest where data has come. */
  askAlso(node: RingNode): void {
    const { messaging, localNode } = this.#setting
    const { command, limits, nowSeconds } = this.#task
    const isDigest = this.#callback.dataPresent && !this.#wantsAllData
    this.#callback.addContact()
    if (!isDigest) this.#lateDataFrom = this.#contacts.length
    this.#contacts = [...this.#contacts, node]
    this.#answers.push(null)
    if (sameNode(node, localNode)) {
      this.#readHere(this.#contacts.length - 1)
      return
    }
    const tracksWarnings = this.#tracks
    const payload = encodeRead({ command, limits, nowSeconds, isDigest, tracksWarnings })
    this.timeoutMs = Math.max(1, this.#task.deadlineMs - this.#setting.clock.monotonicMs())
    const verb = command.keys === null ? Verb.RANGE_REQ : Verb.READ_REQ
    this.#task.trace?.note(`speculating read retry on ${endpointLogText(node.endpoint)}`)
    messaging.request(node.endpoint, verb, payload, this)
  }

  #noteAsking({ endpoint }: RingNode, verb: Verb, isDigest: boolean, bytes: number): void {
    const { trace } = this.#task
    if (trace === null) return
    const what =
      verb === Verb.RANGE_REQ ? 'Enqueuing request to' : `reading ${isDigest ? 'digest' : 'data'} from`
    trace.note(`${what} ${endpointLogText(endpoint)}`)
    noteSending(trace, verb, endpoint, bytes)
  }

  get #wantsAllData(): boolean {
    return this.#dataCount >= this.#contacts.length
  }

  #isDigest(index: number): boolean {
    return index >= this.#dataCount && index < this.#lateDataFrom
  }

  /** What became of it; null while that is open. */
  get isDecided(): boolean {
    return this.#callback.outcome !== null
  }

  get contacts(): Replicas {
    return this.#contacts
  }

  #readHere(index: number): void {
    const { command, limits, nowSeconds, deadlineMs, trace, heard } = this.#task
    const { clock, local } = this.#setting
    const isDigest = this.#isDigest(index)
    const request = { command, limits, nowSeconds, isDigest, trace, tracksWarnings: this.#tracks }
    let answer: ReturnType<LocalReads['answer']>
    try {
      const isOver = () => this.isDecided || clock.monotonicMs() > deadlineMs
      answer = local.answer(request, isOver, heard)
    } catch (error) {
      this.#failedHere(index, error)
      return
    }
    if (answer instanceof Promise) {
      answer.then(
        (bytes) => {
          if (bytes !== null) this.#answered(index, bytes)
          else this.#failedAt(index, RequestFailureReason.UNKNOWN)
        },
        (error: unknown) => this.#failedHere(index, error),
      )
    } else this.#answered(index, answer)
  }

  #failedHere(index: number, error: unknown): void {
    const { command } = this.#task
    const { keyspace, name } = command.table
    const text = error instanceof Error ? error.message : String(error)
    this.#setting.logger.error(`Reading ${keyspace}.${name} failed: ${text}`)
    this.#failedAt(index, readFailureReason(error))
  }

  // --- answers

  onResponse(payload: Uint8Array, from: Endpoint): void {
    const index = this.#indexOf(from)
    const { trace, command } = this.#task
    if (trace !== null) noteReceived(trace, command.keys === null ? Verb.RANGE_RSP : Verb.READ_RSP, from)
    this.#setting.onLatency(this.#contacts[index]!, this.#setting.clock.monotonicMs() - this.#startedMs)
    if (this.isDecided) return
    this.#answered(index, shortCopy(payload))
  }

  onFailure(reason: RequestFailureReason, from: Endpoint): void {
    const index = this.#indexOf(from)
    if (reason === RequestFailureReason.TIMEOUT)
      this.#setting.onLatency(this.#contacts[index]!, this.timeoutMs)
    this.#failedAt(index, reason)
  }

  #indexOf(from: Endpoint): number {
    const contacts = this.#contacts
    for (let i = 0; i < contacts.length; i++) if (contacts[i]!.endpoint === from) return i
    return contacts.findIndex((node) => node.endpoint.text === from.text)
  }

  #answered(index: number, bytes: Uint8Array): void {
    if (this.isDecided) return
    if (this.#tracks) {
      if (bytes.length < NOTICE_BYTES) {
        this.#failedAt(index, RequestFailureReason.UNKNOWN)
        return
      }
      const reason = this.#noted(index, bytes)
      if (reason !== null) {
        this.#failedAt(index, reason)
        return
      }
      bytes = withoutNotice(bytes)
    }
    this.#answers[index] = bytes
    this.#decide(this.#callback.onResponse(this.#contacts[index]!, this.#isDigest(index)))
  }

  /** Takes in what is told behind an answer; returns why there is none. */
  #noted(index: number, bytes: Uint8Array): RequestFailureReason | null {
    const notice = noticeOf(bytes)
    if (notice === null) return null
    this.#warnings ??= new ReadWarnings()
    return this.#warnings.take(this.#contacts[index]!, notice)
  }

  get #tracks(): boolean {
    return this.#task.heard?.tracks === true
  }

  #failedAt(index: number, reason: RequestFailureReason): void {
    this.#decide(this.#callback.onFailure(this.#contacts[index]!, reason))
  }

  #decide(outcome: ReadOutcome | null): void {
    if (outcome === null) return
    const { command, level, heard } = this.#task
    const warnings = this.#warnings
    if (warnings !== null) heard!.warned(command, warnings)
    if (outcome.kind === 'done') {
      this.#resolve()
      return
    }
    const isGivenUp = warnings?.isGivenUp === true
    this.#reject(isGivenUp ? new ReadGivenUp(command.table.name, outcome, level) : readError(outcome, level))
  }

  // --- what came, once it is done

  /** Whether all that answered have the same (`DigestResolver.responsesMatch`). */
  responsesMatch(): boolean {
    let first: Uint8Array | null = null
    let count = 0
    for (const bytes of this.#answers) if (bytes !== null) count++
    if (count === 1) return true
    for (let i = 0; i < this.#answers.length; i++) {
      const bytes = this.#answers[i]!
      if (bytes === null) continue
      const digest = this.#isDigest(i) ? bytes : digestOf(bytes)
      if (first === null) first = digest
      else if (Buffer.compare(first, digest) !== 0) return false
    }
    return true
  }

  /** The first answer that is data. */
  data(): ReadResponse {
    const index = this.#answers.findIndex((bytes, i) => bytes !== null && !this.#isDigest(i))
    return this.response(this.#answers[index]!)
  }

  /** All answers that are data. */
  dataAnswers(): Answer[] {
    const found: Answer[] = []
    this.#answers.forEach((bytes, i) => {
      if (bytes !== null && !this.#isDigest(i)) found.push({ node: this.#contacts[i]!, bytes })
    })
    return found
  }

  /** An answer, not read yet. Throws a CorruptSSTableError for bytes that are none. */
  response(bytes: Uint8Array): ReadResponse {
    return readResponse(bytes, this.#task.command.table, this.#setting.headers)
  }
}
