import { toHex } from '../common/bytes.ts'
import type { PreparedRef, QueryOptions } from '../model/query-options.ts'
import { consistencyName } from './consistency.ts'
import type { PreparedStatement } from './prepared-statements.ts'

/** When a statement was received, and when its execution began, on the monotonic clock. */
export interface QueryTimes {
  readonly receivedMs: number
  readonly startedMs: number
}

/** A statement that is being executed, as system_views.queries shows it. */
export interface RunningQuery {
  /** Numbers those that run at the same time, from 1 on. */
  readonly number: number
  readonly times: QueryTimes
  /** `QUERY ...` or `EXECUTE ...` (`Message.Request.toString`). */
  readonly task: string
}

/**
 * What is being executed at this moment: at most one statement is at work, which is number 1; others have given way
 * to it and go on later.
 */
export class RunningQueries {
  readonly #suspended = new Set<RunningQuery>()
  #current: RunningQuery | null = null

  /** The statement that reads a virtual table, and may ask who is running. To be ended by `leave`. */
  enter(
    times: QueryTimes,
    statement: PreparedStatement,
    options: QueryOptions,
    ref: PreparedRef | null,
  ): void {
    this.#current = { number: 1, times, task: taskText(statement, options, ref) }
  }

  leave(): void {
    this.#current = null
  }

  /** A statement goes on in later turns, until it is given to `end`. */
  suspend(
    times: QueryTimes,
    statement: PreparedStatement,
    options: QueryOptions,
    ref: PreparedRef | null,
  ): RunningQuery {
    const taken = new Set([...this.#suspended].map(({ number }) => number))
    let number = 2
    while (taken.has(number)) number++
    const query = { number, times, task: taskText(statement, options, ref) }
    this.#suspended.add(query)
    return query
  }

  end(query: RunningQuery): void {
    this.#suspended.delete(query)
  }

  get suspendedCount(): number {
    return this.#suspended.size
  }

  list(): readonly RunningQuery[] {
    return this.#current === null ? [...this.#suspended] : [this.#current, ...this.#suspended]
  }
}

function taskText(statement: PreparedStatement, options: QueryOptions, ref: PreparedRef | null): string {
  const consistency = consistencyName(options.consistency)
  if (ref === null) {
    return `QUERY ${statement.query} [pageSize = ${options.pageSize}] at consistency ${consistency}`
  }
  const id = toHex(ref.buffer.subarray(ref.idOffset, ref.idOffset + ref.idLength))
  return `EXECUTE ${id} with ${options.values.count} values at consistency ${consistency}`
}
