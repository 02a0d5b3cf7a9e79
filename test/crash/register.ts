/**
 * The judge. A register is a piece of data that has one writer, with at most one operation under way.
 * The judge keeps every state that it may be in: one, as long as all was acknowledged; and after an
 * operation whose answer never came, the states without it and with it. What is read must be one of them.
 *
 * This knows nothing of how a server works: an operation is a function from a state to the states it may leave.
 */

import type { Client } from 'cassandra-driver'
import type { Random } from './random.ts'

/** What a server's answer says, where it says more than that it was done: whether a condition held. */
export type Answer = boolean | undefined

export interface Operation<State> {
  readonly text: string
  run(client: Client): Promise<Answer>
  /** The states it may leave when it was answered so; none, if this answer can't be from this state. */
  acknowledged(state: State, answer: Answer): readonly State[]
  /** The states it may leave when no answer came, itself undone aside. */
  unknown(state: State): readonly State[]
}

export interface Kind<State> {
  readonly name: string
  /** Statements that make its tables. */
  readonly schema: readonly string[]
  readonly initial: State
  next(id: number, state: State, random: Random, serial: number): Operation<State>
  /** What a reader sees of a state, as text. */
  observe(state: State): string
  /** What a reader sees now. */
  read(client: Client, id: number): Promise<string>
  /** A statement that changes what a reader sees, for the proof that the judge would notice. */
  tamper(id: number): string
}

/** An operation that has one outcome, always. */
export function certain<State>(
  text: string,
  run: (client: Client) => Promise<unknown>,
  outcome: (state: State) => State,
): Operation<State> {
  return {
    text,
    run: async (client) => {
      await run(client)
      return undefined
    },
    acknowledged: (state) => [outcome(state)],
    unknown: (state) => [outcome(state)],
  }
}

const historyLength = 12

export class Register<State> {
  readonly kind: Kind<State>
  readonly id: number
  #allowed: readonly State[]
  #history: string[] = []
  #serial = 0
  acknowledged = 0
  unknowns = 0

  constructor(kind: Kind<State>, id: number) {
    this.kind = kind
    this.id = id
    this.#allowed = [kind.initial]
  }

  get name(): string {
    return `${this.kind.name} ${this.id}`
  }

  /** Runs one operation. `lost` tells an answer that never came from an error of the server. */
  async step(
    client: Client,
    random: Random,
    lost: (error: unknown) => boolean,
  ): Promise<'acknowledged' | 'unknown'> {
    const operation = this.kind.next(this.id, this.#allowed[0], random, this.#serial++)
    let answer: Answer
    try {
      answer = await operation.run(client)
    } catch (error) {
      if (!lost(error))
        throw new Error(`${this.name}: ${operation.text}: ${(error as Error).message}`, { cause: error })
      this.#allow([...this.#allowed, ...this.#allowed.flatMap((state) => operation.unknown(state))])
      this.#remember(`${operation.text} -> no answer`)
      this.unknowns++
      return 'unknown'
    }
    const after = this.#allowed.flatMap((state) => operation.acknowledged(state, answer))
    this.#remember(`${operation.text} -> ${answer === undefined ? 'done' : `applied: ${answer}`}`)
    if (after.length === 0)
      throw new Error(this.#complaint(`an answer that no allowed state gives: ${answer}`))
    this.#allow(after)
    this.acknowledged++
    return 'acknowledged'
  }

  /** Reads it and says what is wrong with it; from then on only states that look like this are allowed. */
  async judge(client: Client): Promise<string | undefined> {
    const seen = await this.kind.read(client, this.id)
    const left = this.#allowed.filter((state) => this.kind.observe(state) === seen)
    if (left.length === 0) return this.#complaint(`read ${seen}`)
    if (left.length < this.#allowed.length) this.#remember(`read ${seen}`)
    this.#allowed = left
    return undefined
  }

  #allow(states: readonly State[]): void {
    this.#allowed = [...new Map(states.map((state) => [JSON.stringify(state), state])).values()]
  }

  #remember(line: string): void {
    this.#history.push(line)
    if (this.#history.length > historyLength) this.#history.shift()
  }

  #complaint(what: string): string {
    const allowed = this.#allowed.map((state) => this.kind.observe(state)).join('\n    or ')
    return `${this.name}: ${what}\n  allowed: ${allowed}\n  its last operations:\n    ${this.#history.join('\n    ')}`
  }
}
