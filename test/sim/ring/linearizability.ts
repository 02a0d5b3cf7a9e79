/**
 * Whether a history of operations on one object could have happened one after the other, each at some moment between its
 * call and its return (Wing and Gong's search, with what was tried remembered as by Lowe).
 */

/** An operation that was called. */
export interface Call<State> {
  readonly calledAt: number
  /** Infinite where nobody knows what became of it: it happens at any time after its call, or never. */
  readonly returnedAt: number
  /** The state behind the operation; null where it could not have returned what it returned. */
  readonly apply: (state: State) => State | null
  readonly text: string
}

/** Null where there is an order, and else the longest one that was found. States are compared by `===`. */
export function findViolation<State extends string | number>(
  history: readonly Call<State>[],
  initial: State,
): string | null {
  const calls = [...history].sort((a, b) => a.calledAt - b.calledAt)
  const taken = new Array<boolean>(calls.length).fill(false)
  const tried = new Set<string>()
  const order: number[] = []
  let longest: number[] = []

  const isDone = (): boolean => calls.every(({ returnedAt }, i) => taken[i] || returnedAt === Infinity)

  const search = (state: State): boolean => {
    if (isDone()) return true
    const key = `${taken.map((one) => (one ? 1 : 0)).join('')}|${state}`
    if (tried.has(key)) return false
    tried.add(key)
    // What was called after another one had returned can't come before it.
    let firstReturn = Infinity
    for (let i = 0; i < calls.length; i++) {
      if (!taken[i]) firstReturn = Math.min(firstReturn, calls[i]!.returnedAt)
    }
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i]!
      if (call.calledAt > firstReturn) break
      if (taken[i]) continue
      const next = call.apply(state)
      if (next === null) continue
      // What may never have happened need not happen where it does nothing.
      if (next === state && call.returnedAt === Infinity) continue
      taken[i] = true
      order.push(i)
      if (order.length > longest.length) longest = [...order]
      if (search(next)) return true
      order.pop()
      taken[i] = false
    }
    return false
  }

  if (search(initial)) return null
  const found = longest.map((i) => calls[i]!.text)
  const left = calls.filter((_, i) => !longest.includes(i)).map(({ text }) => text)
  return `order: ${found.join(', ')}\nleft: ${left.join(', ')}`
}
