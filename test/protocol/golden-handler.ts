import type { QueryResult, SchemaChange } from '../../src/model/query-result.ts'
import type { QueryHandler } from '../../src/query/query-handler.ts'
import type { Exchange } from './golden.ts'
import { goldenChange, goldenError, goldenResult } from './golden-model.ts'
import { replayData } from './replay.ts'

/** How a handler answers: at once, or by promises that the transport has to wait for. */
export type AnswerMode = 'now' | 'later'

/** A query room that gives the recorded answers, so that the transport alone is replayed. */
export class GoldenHandler implements QueryHandler {
  private readonly mode: AnswerMode
  private exchange: Exchange | null = null
  private answered = 0
  private readonly listeners = new Set<(change: SchemaChange) => void>()

  constructor(mode: AnswerMode) {
    this.mode = mode
  }

  play(exchange: Exchange): void {
    const { comment } = exchange
    // One DROP KEYSPACE causes several events: the statement is run before the first of them only.
    const isMoreOfOne = comment.startsWith('DROP KEYSPACE of') && this.exchange?.comment === comment
    this.exchange = exchange
    this.answered = 0
    if (isMoreOfOne) this.sideStatement()
  }

  private next(): QueryResult | Promise<QueryResult> {
    const response = this.exchange?.responses?.[this.answered++]
    if (response === undefined) return this.sideStatement()
    const answer = (): QueryResult => {
      if (response.opcode === 'ERROR') throw goldenError(response.decoded)
      return goldenResult(response.decoded)
    }
    if (this.mode === 'now') return answer()
    return new Promise((resolve) => setTimeout(resolve, 1)).then(answer)
  }

  /** A statement beside the recorded ones: it causes the event that was recorded. */
  private sideStatement(): QueryResult {
    const decoded = this.exchange?.push?.decoded
    if (decoded?.['event'] === 'SCHEMA_CHANGE') {
      const change = goldenChange(decoded)
      queueMicrotask(() => {
        for (const listener of this.listeners) listener(change)
      })
    }
    return { kind: 'void' }
  }

  query(text: string): QueryResult | Promise<QueryResult> {
    const { request } = this.exchange ?? {}
    const recorded = request?.envelope ?? request?.wire ?? ''
    const isRecorded = recorded.includes(Buffer.from(text).toString('hex'))
    const isSide = replayData.side.some(({ statement }) => text.startsWith(statement.slice(0, 20)))
    if (isSide && !isRecorded) return { kind: 'void' }
    return this.next()
  }

  prepare(): QueryResult | Promise<QueryResult> {
    return this.next()
  }

  execute(): QueryResult | Promise<QueryResult> {
    return this.next()
  }

  batch(): QueryResult | Promise<QueryResult> {
    return this.next()
  }

  commit(): Promise<void> | null {
    return this.mode === 'now' ? null : new Promise((resolve) => setTimeout(resolve, 1))
  }

  onSchemaChange(listener: (change: SchemaChange) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
