/**
 * Why a statement does not parse, in Cassandra's words. Its parser is generated (ANTLR 3): it predicts an alternative
 * from as few tokens as tell it from the others and then holds on to it, so the token an error names, the wording and
 * even the excerpt (how far had been read?) follow from that. This replays the same decisions, slowly, over the
 * grammar as data. Only failed statements come here.
 */

import { lex, newTokens, tokenText, type Tokens } from './lexer.ts'
import { type Choice, type Node, queryRule, type Rule, type State } from './machine.ts'
import { T, TOKEN_NAMES } from './tokens.ts'

/** What is answered where the replay would take too long, or finds nothing wrong. */
const MAX_STEPS = 300_000
const MAX_TOKENS = 100_000
const MAX_DEPTH = 3_000

/** The excerpt shows this many tokens, white space among them, before and after the offending one. */
const TOKENS_BEFORE = 10
const TOKENS_AFTER = 2

class Stop {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** A try-out that failed: no error yet. */
const NO_MATCH = { noMatch: true } as const

export function diagnose(query: string): string {
  const tokens = newTokens()
  lex(query, tokens, true)
  if (tokens.count <= MAX_TOKENS) {
    try {
      new Replay(query, tokens).run()
    } catch (error) {
      if (error instanceof Stop) return error.message
      throw error
    }
  }
  return tokens.errorAt >= 0
    ? lexerMessage(query, tokens)
    : `Failed parsing statement: [${query}] reason: StackOverflowError null`
}

function position(query: string, at: number): string {
  let line = 1
  let start = 0
  for (let i = query.indexOf('\n'); i >= 0 && i < at; i = query.indexOf('\n', i + 1)) {
    line++
    start = i + 1
  }
  return `line ${line}:${at - start}`
}

function lexerMessage(query: string, tokens: Tokens): string {
  return `${position(query, tokens.errorAt)} ${tokens.errorMessage}`
}

/** A stack of states to go on with when rules end; interned, so that equal ones are one. */
interface Stack {
  readonly id: number
  readonly top: State
  readonly rest: Stack | null
  readonly pushed: Map<State, Stack>
}

interface Config {
  readonly state: State
  readonly stack: Stack | null
  readonly alternative: number
}

class Replay {
  private readonly query: string
  private readonly tokens: Tokens
  private at = 0
  /** How many tokens the lexer has been asked for: the excerpt ends there. */
  private read = 0
  private steps = 0
  private depth = 0
  private tryingOut = 0
  private stackIds = 0
  private readonly stateIds = new Map<State, number>()
  private readonly bottom = new Map<State, Stack>()

  constructor(query: string, tokens: Tokens) {
    this.query = query
    this.tokens = tokens
  }

  run(): void {
    this.at = this.visible(0)
    this.rule(queryRule())
  }

  private visible(index: number): number {
    let i = index
    while (this.kindAt(i) === T.HIDDEN) i++
    return i
  }

  private kindAt(index: number): number {
    const last = this.tokens.count - 1
    const i = index > last ? last : index
    if (i >= this.read) this.read = i + 1
    const kind = this.tokens.kinds[i] as number
    if (kind === T.ERROR) throw new Stop(lexerMessage(this.query, this.tokens))
    return kind
  }

  private after(index: number): number {
    return index >= this.tokens.count - 1 ? index : this.visible(index + 1)
  }

  private step(): void {
    if (++this.steps > MAX_STEPS) throw new Stop(`Failed parsing statement: [${this.query}] reason: StackOverflowError null`)
  }

  private rule(rule: Rule): void {
    if (++this.depth > MAX_DEPTH) this.steps = MAX_STEPS
    this.step()
    this.walk(rule.body)
    this.depth--
  }

  private walk(node: Node): void {
    switch (node.kind) {
      case 'token':
        if (this.kindAt(this.at) !== node.token) this.mismatch(expected(node.token))
        this.at = this.after(this.at)
        return
      case 'set':
        if (!node.tokens.has(this.kindAt(this.at))) this.mismatch('set null')
        this.at = this.after(this.at)
        return
      case 'rule':
        this.rule(node.rule)
        return
      case 'sequence':
        for (const child of node.nodes) this.walk(child)
        return
      case 'choice':
        do {
          const chosen = this.predict(node)
          if (chosen === node.alternatives.length) return
          this.walk((node.alternatives[chosen] as { node: Node }).node)
        } while (node.loops)
    }
  }

  private mismatch(expecting: string): never {
    if (this.tryingOut > 0) throw NO_MATCH
    this.report(`mismatched input ${this.display(this.at)} expecting ${expecting}`, this.at)
  }

  private noViable(offending: number): never {
    if (this.tryingOut > 0) throw NO_MATCH
    this.report(`no viable alternative at input ${this.display(offending)}`, offending)
  }

  private report(message: string, offending: number): never {
    const start = this.tokens.starts[offending] as number
    const at = this.tokens.kinds[offending] === T.EOF ? 'line 0:-1' : position(this.query, start)
    throw new Stop(excerpt(this.query, this.tokens, `${at} ${message}`, this.at, this.read))
  }

  private display(index: number): string {
    if (this.tokens.kinds[index] === T.EOF) return "'<EOF>'"
    const text = tokenText(this.tokens, index)
    return `'${text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}'`
  }

  /** The alternative to take; one past the last: none of them. */
  private predict(choice: Choice): number {
    const none = choice.alternatives.length
    let configs = this.initial(choice)
    let at = this.at
    let kind = this.kindAt(at)
    for (const [i, alternative] of choice.alternatives.entries()) {
      if (alternative.predicate === null || !this.starts(configs, i, kind)) continue
      this.after(at)
      if (this.tryOut(alternative.predicate)) return i
      configs = configs.filter((config) => config.alternative !== i)
      const only = unanimous(configs.filter((config) => this.takes(config, kind)))
      if (only >= 0) return only
    }
    for (;;) {
      const next: Config[] = []
      for (const config of configs)
        for (const step of config.state.steps)
          if (step.tokens?.has(kind))
            next.push({ state: step.to, stack: config.stack, alternative: config.alternative })
      if (next.length === 0) {
        if (choice.optional && !choice.strict) return none
        return this.noViable(at)
      }
      const chosen = unanimous(next)
      if (chosen >= 0) {
        if (choice.table) this.after(at)
        return chosen
      }
      configs = this.resolve(this.closure(next))
      const resolved = unanimous(configs)
      if (resolved >= 0) {
        if (choice.table) this.after(at)
        return resolved
      }
      if (kind === T.EOF) return (configs[0] as Config).alternative
      at = this.after(at)
      kind = this.kindAt(at)
    }
  }

  private initial(choice: Choice): Config[] {
    const configs: Config[] = choice.alternatives.map(({ start }, alternative) => ({
      state: start,
      stack: null,
      alternative,
    }))
    if (choice.optional)
      configs.push({ state: choice.exit, stack: null, alternative: choice.alternatives.length })
    return this.closure(configs)
  }

  private takes(config: Config, kind: number): boolean {
    return config.state.steps.some((step) => step.tokens?.has(kind))
  }

  private starts(configs: readonly Config[], alternative: number, kind: number): boolean {
    return configs.some((config) => config.alternative === alternative && this.takes(config, kind))
  }

  private tryOut(predicate: Node): boolean {
    const { at, depth } = this
    this.tryingOut++
    try {
      this.walk(predicate)
      return true
    } catch (error) {
      if (error !== NO_MATCH) throw error
      return false
    } finally {
      this.tryingOut--
      this.at = at
      this.depth = depth
    }
  }

  private push(stack: Stack | null, state: State): Stack {
    const known = stack === null ? this.bottom : stack.pushed
    let result = known.get(state)
    if (result === undefined) {
      result = { id: ++this.stackIds, top: state, rest: stack, pushed: new Map() }
      known.set(state, result)
    }
    return result
  }

  private idOf(state: State): number {
    let id = this.stateIds.get(state)
    if (id === undefined) {
      id = this.stateIds.size
      this.stateIds.set(state, id)
    }
    return id
  }

  /** Everything reachable without a token; of that, the states that take one. */
  private closure(from: readonly Config[]): Config[] {
    const seen = new Set<string>()
    const result: Config[] = []
    const todo = [...from]
    for (let config = todo.pop(); config !== undefined; config = todo.pop()) {
      this.step()
      const { state, stack, alternative } = config
      const key = `${this.idOf(state)}.${stack === null ? 0 : stack.id}.${alternative}`
      if (seen.has(key)) continue
      seen.add(key)
      if (state.steps.some((step) => step.tokens !== null)) result.push(config)
      for (const step of state.steps) if (step.tokens === null) todo.push({ state: step.to, stack, alternative })
      for (const call of state.calls)
        todo.push({ state: call.rule.start, stack: this.push(stack, call.to), alternative })
      if (state.ends !== null) {
        if (stack !== null) todo.push({ state: stack.top, stack: stack.rest, alternative })
        else for (const follow of state.ends.follow) todo.push({ state: follow, stack: null, alternative })
      }
    }
    return result
  }

  /** Where two alternatives have come to the same place, no token will tell them apart: the first is taken. */
  private resolve(configs: Config[]): Config[] {
    const byState = new Map<State, Config[]>()
    for (const config of configs) {
      const list = byState.get(config.state)
      if (list === undefined) byState.set(config.state, [config])
      else list.push(config)
    }
    const conflicting = new Set<number>()
    for (const list of byState.values())
      for (const [i, one] of list.entries())
        for (const other of list.slice(i + 1))
          if (one.alternative !== other.alternative && overlap(one.stack, other.stack)) {
            conflicting.add(one.alternative)
            conflicting.add(other.alternative)
          }
    if (conflicting.size === 0) return configs
    const first = Math.min(...conflicting)
    return configs.filter(({ alternative }) => alternative === first || !conflicting.has(alternative))
  }
}

function overlap(one: Stack | null, other: Stack | null): boolean {
  let a = one
  let b = other
  while (a !== null && b !== null) {
    if (a === b) return true
    if (a.top !== b.top) return false
    a = a.rest
    b = b.rest
  }
  return true
}

/** The one alternative they all belong to, or -1. */
function unanimous(configs: readonly Config[]): number {
  const first = configs[0]
  if (first === undefined) return -1
  return configs.every((config) => config.alternative === first.alternative) ? first.alternative : -1
}

function expected(token: number): string {
  return TOKEN_NAMES[token] as string
}

/** Adds an excerpt of the query, the offending token in brackets. */
function excerpt(query: string, tokens: Tokens, message: string, index: number, size: number): string {
  const from = Math.max(0, index - TOKENS_BEFORE)
  const to = Math.min(size - 1, index + TOKENS_AFTER)
  const offending = Math.min(index, size - 1)
  if ([from, to, offending].some((i) => tokens.kinds[i] === T.EOF)) return message
  try {
    return message + excerptOf(query, place(tokens, from), place(tokens, to), place(tokens, offending))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return `Failed parsing statement: [${query}] reason: ${error.message}`
  }
}

interface Place {
  readonly line: number
  readonly column: number
  /** Behind the token's text, which is shorter than what was written if there were quotes. */
  readonly end: number
}

function place(tokens: Tokens, index: number): Place {
  const start = tokens.starts[index] as number
  const before = tokens.source.slice(0, start)
  const column = start - (before.lastIndexOf('\n') + 1)
  return { line: before.split('\n').length - 1, column, end: column + tokenText(tokens, index).length }
}

function excerptOf(query: string, from: Place, to: Place, offending: Place): string {
  const lines = query.split('\n')
  // As Java splits: without empty strings at the end.
  while (lines.length > 1 && lines[lines.length - 1] === '') lines.pop()
  const count = lines.length
  const startsThere = from.line === 0 && from.column === 0
  const endsThere = to.line === count - 1 && to.end === (lines[count - 1] as string).length
  const toLine = line(lines, to.line)
  lines[to.line] = to.end >= toLine.length ? toLine : toLine.slice(0, to.end)
  const marked = line(lines, offending.line)
  const closed = `${substring(marked, 0, offending.end)}]${substring(marked, offending.end)}`
  lines[offending.line] = `${substring(closed, 0, offending.column)}[${substring(closed, offending.column)}`
  lines[from.line] = substring(line(lines, from.line), from.column)
  const text = lines.slice(from.line, to.line + 1).join('')
  return ` (${startsThere ? '' : '...'}${text}${endsThere ? '' : '...'})`
}

function line(lines: readonly string[], index: number): string {
  const found = lines[index]
  if (found === undefined)
    throw new RangeError(
      `ArrayIndexOutOfBoundsException Index ${index} out of bounds for length ${lines.length}`,
    )
  return found
}

/** Java's substring, with its errors. */
function substring(text: string, begin: number, end = text.length): string {
  if (begin < 0 || end > text.length || begin > end)
    throw new RangeError(
      `StringIndexOutOfBoundsException begin ${begin}, end ${end}, length ${text.length}`,
    )
  return text.slice(begin, end)
}
