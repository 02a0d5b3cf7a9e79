import type { Row } from './cluster-client.ts'
import type { Guarantee } from './cluster-levels.ts'
import { overlaps } from './cluster-levels.ts'
import {
  guaranteeOf,
  type Part,
  type PartContext,
  readLevel,
  rowsOf,
  unexpected,
  Violation,
  writeLevel,
} from './cluster-part.ts'

const KEYS = 2

interface Addition {
  readonly p: number
  readonly amount: number
  readonly calledAt: number
  ackedAt: number
  readonly guarantee: Guarantee
  isNothingDone: boolean
}

/** Of more additions than these, all sums are too many. */
const SUMMED_MAX = 12

/** Whether some of these amounts are so much together; of many just whether it is not too little or too much. */
function isReached(wanted: number, amounts: readonly number[]): boolean {
  if (amounts.length > SUMMED_MAX) {
    const sum = (sign: number): number => amounts.reduce((a, b) => (b * sign > 0 ? a + b : a), 0)
    return wanted >= sum(-1) && wanted <= sum(1)
  }
  const sums = new Set([0])
  for (const amount of amounts) for (const sum of [...sums]) sums.add(sum + amount)
  return sums.has(wanted)
}

/** Counters: each addition that was acknowledged counts once, any other once or never. */
export class Counters implements Part {
  readonly tables = ['counts']
  readonly ddl = ['CREATE TABLE ks.counts (p int PRIMARY KEY, n counter)']
  readonly #context: PartContext
  readonly #additions: Addition[] = []

  constructor(context: PartContext) {
    this.#context = context
  }

  async act(): Promise<void> {
    const { client, random } = this.#context
    const host = client.pick()
    if (host === null) return
    const p = random.below(KEYS)
    if (random.chance(0.4)) {
      const level = readLevel(this.#context)
      const statement = { cql: 'SELECT p, n FROM ks.counts WHERE p = ?', values: [p] }
      const answer = await client.ask(host, statement, { level })
      const rows = rowsOf(answer, statement)
      if (rows !== null) this.#judge(rows, p, answer.calledAt, answer.returnedAt, guaranteeOf(host, level))
      return
    }
    const level = writeLevel(this.#context)
    const addition: Addition = {
      p,
      amount: (1 + random.below(1000)) * (random.chance(0.3) ? -1 : 1),
      calledAt: client.cluster.time.nowMs,
      ackedAt: Infinity,
      guarantee: guaranteeOf(host, level),
      isNothingDone: false,
    }
    this.#additions.push(addition)
    const statement = {
      cql: `UPDATE ks.counts SET n = n + ${addition.amount} WHERE p = ?`.replace('+ -', '- '),
      values: [p],
    }
    const answer = await client.ask(host, statement, { level })
    unexpected(answer, statement)
    if (answer.kind === 'done') addition.ackedAt = answer.returnedAt
    else if (answer.kind === 'failed') addition.isNothingDone = answer.isNothingDone
  }

  /** A value is what was acknowledged, and some of what else may have been added. */
  #judge(rows: readonly Row[], p: number, calledAt: number, returnedAt: number, read: Guarantee): void {
    const value = Number((rows.find((row) => row['p'] === p)?.['n'] as bigint | null | undefined) ?? 0)
    const { dataCenters } = this.#context
    let certain = 0
    const open: number[] = []
    for (const addition of this.#additions) {
      if (addition.p !== p || addition.isNothingDone || addition.calledAt > returnedAt) continue
      if (addition.ackedAt < calledAt && overlaps(addition.guarantee, read, dataCenters))
        certain += addition.amount
      else open.push(addition.amount)
    }
    const where = `counter ${p} read at level ${read.level} is ${value}`
    if (!isReached(value - certain, open)) {
      throw new Violation(`${where}, and is at least ${certain} with any of ${open.join(', ')}`)
    }
  }

  async finish(rows: (table: string) => readonly Row[]): Promise<void> {
    const now = this.#context.client.cluster.time.nowMs
    for (let p = 0; p < KEYS; p++) this.#judge(rows('counts'), p, now, now, { level: 5, dataCenter: '' })
  }
}
