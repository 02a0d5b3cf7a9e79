import { murmur3Hash } from '../../common/murmur3.ts'
import type { Clock } from '../../io/clock.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import { ByteSink } from '../../storage/sstable/byte-sink.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import {
  type InboundMessage,
  type MessagingService,
  RequestFailureReason,
  Verb,
  wordsOf,
} from '../messaging/index.ts'
import { IncompatibleSchemaError, MutationDecoder } from './mutation-message.ts'
import { decodeRead, type ReadRequest } from './read-message.ts'
import { ReadResponseWriter } from './read-response.ts'

/** What a replica works on. */
export interface ReplicaParts {
  readonly messaging: MessagingService
  readonly engine: StorageEngine
  /** The table of that UUID as the schema is now, or null. */
  readonly tableById: (id: string) => TableMetadata | null
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: { error(text: string): void }
}

/** A read gives way to other work after so many milliseconds. */
const SLICE_MS = 5
const NO_BYTES = new Uint8Array(0)
const DIGEST_BYTES = 16

/**
 * What this node does for others: it applies their mutations and reads for them (`MutationVerbHandler`,
 * `ReadCommandVerbHandler`). Writes of one turn of the event loop are committed together before any is acknowledged.
 */
export class Replica {
  readonly #parts: ReplicaParts
  readonly #decoder = new MutationDecoder()
  /** Messages whose mutations have been applied in this turn. */
  #applied: InboundMessage[] = []

  constructor(parts: ReplicaParts) {
    this.#parts = parts
  }

  /** Answers from now on. */
  listen(): void {
    const { messaging } = this.#parts
    for (const verb of [Verb.MUTATION_REQ, Verb.READ_REPAIR_REQ, Verb.HINT_REQ]) {
      messaging.handle(verb, (message) => this.#mutate(message))
    }
    for (const verb of [Verb.READ_REQ, Verb.RANGE_REQ]) {
      messaging.handle(verb, (message) => this.#read(message))
    }
  }

  // --- writes

  #mutate(message: InboundMessage): void {
    const { engine, tableById } = this.#parts
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    try {
      engine.apply(this.#decoder.decode(wordsOf(message.payload).slice(), tableById))
    } catch (error) {
      this.#failed(message, error)
      return
    }
    this.#applied.push(message)
    if (this.#applied.length > 1) return
    // What else has come in this turn is applied before.
    void Promise.resolve().then(() => this.#commit())
  }

  async #commit(): Promise<void> {
    const applied = this.#applied
    this.#applied = []
    try {
      await this.#parts.engine.commit()
    } catch (error) {
      for (const message of applied) this.#failed(message, error)
      return
    }
    for (const message of applied) message.respond(NO_BYTES)
  }

  #failed(message: InboundMessage, error: unknown): void {
    if (error instanceof IncompatibleSchemaError) message.fail(RequestFailureReason.INCOMPATIBLE_SCHEMA)
    else {
      const text = error instanceof Error ? error.message : String(error)
      this.#parts.logger.error(`${message.verb.name} of ${message.from.text} failed: ${text}`)
      message.fail(RequestFailureReason.UNKNOWN)
    }
  }

  // --- reads

  #read(message: InboundMessage): void {
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    let request: ReadRequest
    try {
      request = decodeRead(message.payload, this.#parts.tableById)
    } catch (error) {
      this.#failed(message, error)
      return
    }
    this.#answer(message, request).catch((error: unknown) => {
      const { table } = request.command
      if (error instanceof CorruptSSTableError) this.#parts.engine.readFailed(error, table)
      this.#failed(message, error)
    })
  }

  async #answer(
    message: InboundMessage,
    { command, limits, nowSeconds, isDigest }: ReadRequest,
  ): Promise<void> {
    const { engine, clock, timers } = this.#parts
    const reader = engine.readUnfiltered(command)
    try {
      const writer = new ReadResponseWriter(reader, command, limits, nowSeconds)
      let sliceMs = clock.monotonicMs()
      while (!writer.run(() => clock.monotonicMs() - sliceMs > SLICE_MS)) {
        reader.suspend()
        await nextTurn(timers)
        if (message.remainingMs <= 0) {
          message.drop()
          return
        }
        sliceMs = clock.monotonicMs()
      }
      const bytes = writer.bytes()
      message.respond(isDigest ? digestOf(bytes) : bytes)
    } finally {
      reader.close()
    }
  }
}

/** The digest of an answer, 16 bytes: equal where the answers are (`ReadResponse.makeDigest`). */
export function digestOf(answer: Uint8Array): Uint8Array {
  const hash = new Int32Array(4)
  murmur3Hash(answer, 0, answer.length, hash)
  const out = new ByteSink(DIGEST_BYTES)
  for (const word of hash) out.int32(word)
  return out.u8.slice(0, DIGEST_BYTES)
}
