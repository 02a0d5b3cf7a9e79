import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import type { Row, Statement } from './cluster-client.ts'
import { type Part, type PartContext, rowsOf, unexpected, Violation } from './cluster-part.ts'
import { type Call, findViolation } from './ring/linearizability.ts'

const KEYS = 2
/** A search over longer histories takes too long. */
const CALLS_MAX = 28

/** What is in a partition: the values of its two rows, `-` where there is none. */
type State = string

interface Operation {
  readonly statement: Statement
  /** The state behind it where its conditions hold, and null where they don't. */
  readonly apply: (state: State) => State | null
}

const NONE = '-'
const stateOf = (a: string, b: string): State => `${a}|${b}`
const valuesOf = (state: State): [string, string] => state.split('|') as [string, string]

function with0(state: State, c: number, value: string): State {
  const values = valuesOf(state)
  values[c] = value
  return stateOf(...values)
}

/** Conditional statements and batches, and SERIAL reads: each partition has a history that could have been one by one. */
export class Conditions implements Part {
  readonly tables = ['cas']
  readonly ddl = ['CREATE TABLE ks.cas (p int, c int, v int, PRIMARY KEY (p, c))']
  readonly #context: PartContext
  readonly #histories = Array.from({ length: KEYS }, (): Call<State>[] => [])
  /** What was last seen of a partition, to ask for what may well be. */
  readonly #guess = Array.from({ length: KEYS }, () => stateOf(NONE, NONE))
  readonly #serial: Level
  #value = 0

  constructor(context: PartContext) {
    this.#context = context
    // Of several data centres each has rounds of its own at LOCAL_SERIAL.
    this.#serial = context.dataCenters === 1 && context.random.chance(0.4) ? Level.LOCAL_SERIAL : Level.SERIAL
  }

  async act(): Promise<void> {
    const { random } = this.#context
    const p = random.below(KEYS)
    if (this.#histories[p]!.length >= CALLS_MAX) return
    // Several at once get in each other's way.
    const one = (): Promise<void> => (random.chance(0.3) ? this.#read(p) : this.#change(p))
    await Promise.all(Array.from({ length: random.pick([1, 1, 2, 3]) }, one))
  }

  #operation(p: number): Operation {
    const { random } = this.#context
    const [a, b] = valuesOf(this.#guess[p]!)
    const next = String(++this.#value)
    const c = random.below(2)
    const old = c === 0 ? a : b
    const insert: Operation = {
      statement: {
        cql: 'INSERT INTO ks.cas (p, c, v) VALUES (?, ?, ?) IF NOT EXISTS',
        values: [p, c, Number(next)],
      },
      apply: (state) => (valuesOf(state)[c] === NONE ? with0(state, c, next) : null),
    }
    if (old === NONE) return insert
    return random.pick([
      insert,
      this.#update(p, c, old, next),
      this.#update(p, c, old, next),
      this.#update(p, c, old, next),
      {
        statement: { cql: 'DELETE FROM ks.cas WHERE p = ? AND c = ? IF EXISTS', values: [p, c] },
        apply: (state) => (valuesOf(state)[c] === NONE ? null : with0(state, c, NONE)),
      },
      {
        statement: {
          cql: `BEGIN BATCH UPDATE ks.cas SET v = ? WHERE p = ? AND c = ? IF v = ?; INSERT INTO ks.cas (p, c, v) VALUES (?, ?, ?); APPLY BATCH`,
          values: [Number(next), p, c, Number(old), p, 1 - c, Number(next)],
        },
        apply: (state) => (valuesOf(state)[c] === old ? stateOf(next, next) : null),
      },
    ] satisfies Operation[])
  }

  #update(p: number, c: number, old: string, next: string): Operation {
    return {
      statement: {
        cql: 'UPDATE ks.cas SET v = ? WHERE p = ? AND c = ? IF v = ?',
        values: [Number(next), p, c, Number(old)],
      },
      apply: (state) => (valuesOf(state)[c] === old ? with0(state, c, next) : null),
    }
  }

  async #change(p: number): Promise<void> {
    const { client, random, count } = this.#context
    const host = client.pick()
    if (host === null) return
    const { statement, apply } = this.#operation(p)
    const level = random.pick([Level.QUORUM, Level.QUORUM, Level.LOCAL_QUORUM, Level.ALL, Level.ONE])
    const answer = await client.ask(host, statement, { level, serial: this.#serial })
    unexpected(answer, statement)
    const text = `${statement.cql} of ${statement.values.join(', ')}`
    const { calledAt, returnedAt } = answer
    const history = this.#histories[p]!
    if (answer.kind === 'rows') {
      const isApplied = answer.rows[0]?.['[applied]'] === true
      count(isApplied ? 'casApplied' : 'casRefused')
      const judge = isApplied ? apply : (state: State) => (apply(state) === null ? state : null)
      history.push({
        calledAt,
        returnedAt,
        apply: judge,
        text: `${text}: ${isApplied} ${calledAt}..${returnedAt}`,
      })
      if (isApplied) this.#guess[p] = apply(this.#guess[p]!) ?? this.#guess[p]!
    } else {
      count('casUnknown')
      // Once, at some time, or never: where its condition does not hold then it has done nothing.
      const judge = (state: State): State => apply(state) ?? state
      history.push({ calledAt, returnedAt: Infinity, apply: judge, text: `${text}: unknown ${calledAt}` })
    }
  }

  async #read(p: number): Promise<void> {
    const { client } = this.#context
    const host = client.pick()
    if (host === null) return
    const statement = { cql: 'SELECT c, v FROM ks.cas WHERE p = ?', values: [p] }
    const answer = await client.ask(host, statement, { level: this.#serial })
    const rows = rowsOf(answer, statement)
    if (rows !== null) this.#seen(p, rows, answer.calledAt, answer.returnedAt)
  }

  #seen(p: number, rows: readonly Row[], calledAt: number, returnedAt: number): void {
    const value = (c: number): string => {
      const v = rows.find((row) => row['c'] === c)?.['v']
      return v === undefined || v === null ? NONE : String(v)
    }
    const found = stateOf(value(0), value(1))
    this.#guess[p] = found
    this.#histories[p]!.push({
      calledAt,
      returnedAt,
      apply: (state) => (state === found ? state : null),
      text: `read ${p}: ${found} ${calledAt}..${returnedAt}`,
    })
  }

  async finish(rows: (table: string) => readonly Row[]): Promise<void> {
    const { client } = this.#context
    const host = client.pick()!
    for (let p = 0; p < KEYS; p++) {
      const statement = { cql: 'SELECT c, v FROM ks.cas WHERE p = ?', values: [p] }
      const answer = await client.ask(host, statement, { level: this.#serial })
      const found = rowsOf(answer, statement)
      if (found === null) {
        throw new Violation(
          `a SERIAL read of a whole ring: ${answer.kind === 'failed' ? answer.error : answer.kind}`,
        )
      }
      this.#seen(p, found, answer.calledAt, answer.returnedAt)
      const violation = findViolation(this.#histories[p]!, stateOf(NONE, NONE))
      if (violation !== null) throw new Violation(`partition ${p} is not linearizable\n${violation}`)
    }
    void rows
  }
}
