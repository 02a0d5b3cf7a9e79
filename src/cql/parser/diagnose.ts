/**
 * Why a statement does not parse, in Cassandra's words. Its parser is generated (ANTLR 3): it predicts an alternative
 * from as few tokens as tell it from the others and then holds on to it, so the token an error names, the wording and
 * even the excerpt (how far had been read?) follow from that. This replays the same decisions, slowly, over the
 * grammar as data. Only failed statements come here.
 */

import { lex, newTokens, type Tokens, tokenText } from './lexer.ts'
import { type Choice, type Node, queryRule, type Rule, type State } from './machine.ts'
import { T, TOKEN_NAMES } from './tokens.ts'

/** Beyond these the replay would take too long: the message is made from where the parser failed. */
const MAX_STEPS = 200_000
const MAX_TOKENS = 20_000
const MAX_DEPTH = 500

/** The excerpt shows this many tokens, white space among them, before and after the offending one. */
const TOKENS_BEFORE = 10
const TOKENS_AFTER = 2

/** An error that is none of grammar, and how far the text had been taken when it was found. */
export interface Complaint {
  readonly text: string
  readonly at: number
}

class Stop {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** The replay takes too long. */
const GIVEN_UP = { givenUp: true } as const

/** A try-out that failed: no error yet. */
const NO_MATCH = { noMatch: true } as const

/** A rule that failed; its caller goes on as if it had not. */
const RULE_FAILED = { ruleFailed: true } as const

/**
 * The text for a statement that failed, the parser's last token being at `failedAt`. A complaint was made when the
 * text up to `complaintAt` had been taken: it wins over an error found later.
 */
export function diagnose(query: string, failedAt: number, complaint: Complaint | null): string {
  const tokens = newTokens()
  lex(query, tokens, true)
  const replay = new Replay(query, tokens, complaint)
  try {
    if (tokens.count <= MAX_TOKENS) replay.run()
  } catch (error) {
    if (error instanceof Stop) return error.message
    if (error !== GIVEN_UP) throw error
  }
  return replay.firstError ?? complaint?.text ?? withoutReplay(query, tokens, failedAt)
}

function withoutReplay(query: string, tokens: Tokens, failedAt: number): string {
  let i = 0
  while (i < tokens.count - 1 && (tokens.starts[i] as number) < failedAt) i++
  if (tokens.kinds[i] === T.ERROR) return lexerMessage(query, tokens)
  if (tokens.kinds[i] === T.EOF) return "line 0:-1 no viable alternative at input '<EOF>'"
  const message = `${position(query, tokens.starts[i] as number)} no viable alternative at input '${tokenText(tokens, i)}'`
  return excerpt(query, tokens, message, i, i + 1)
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

/** A rule in progress: what failed in it matters only once the message is known. */
interface Frame {
  readonly name: string
  readonly caller: Frame
  readonly failed: Set<string>
  readonly children: Set<string>
  /** The token last taken. */
  last: number
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
  private readonly complaint: Complaint | null
  /** The message, once there is one: the rest is only parsed for exceptions it would cause. */
  firstError: string | null = null
  private frame: Frame = newFrame('', null)
  /** Assignments of an UPDATE whose column was not understood. */
  private unnamedAssignments = 0

  constructor(query: string, tokens: Tokens, complaint: Complaint | null) {
    this.query = query
    this.tokens = tokens
    this.complaint = complaint
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
    const i = Math.min(index, last)
    if (i >= this.read) this.read = i + 1
    const kind = this.tokens.kinds[i] as number
    if (kind === T.ERROR)
      throw new Stop(this.firstError ?? this.earlier() ?? lexerMessage(this.query, this.tokens))
    return kind
  }

  private after(index: number): number {
    return index >= this.tokens.count - 1 ? index : this.visible(index + 1)
  }

  private step(): void {
    if (++this.steps > MAX_STEPS) throw GIVEN_UP
  }

  private exception(text: string): string {
    return `Failed parsing statement: [${this.query}] reason: ${text}`
  }

  /** The complaint, if it was made before the parser came here. */
  private earlier(): string | null {
    if (this.complaint === null || (this.tokens.starts[this.at] as number) < this.complaint.at) return null
    return this.complaint.text
  }

  /** Whether it succeeded. */
  private rule(rule: Rule): boolean {
    if (++this.depth > MAX_DEPTH) throw GIVEN_UP
    this.step()
    const caller = this.frame
    this.frame = newFrame(rule.name, caller)
    try {
      this.walk(rule.body)
      if (this.firstError === null) return true
      this.finish(rule.name, this.frame, caller)
      // A function without a name is none.
      return !this.frame.failed.has('allowedFunctionName')
    } catch (error) {
      if (error !== RULE_FAILED) throw error
      return false
    } finally {
      this.depth--
      this.frame = caller
    }
  }

  private nullPointer(text: string): never {
    throw new Stop(this.exception(`NullPointerException ${text}`))
  }

  /** What Cassandra's actions do right behind a rule that failed and left them nothing. */
  private failedChild(name: string, frame: Frame): void {
    frame.failed.add(name)
    if (frame.name === 'permissionOrAll' && name === 'permission')
      this.nullPointer('Cannot invoke "Object.getClass()" because "e" is null')
    if (frame.name !== 'describeStatement') return
    if (name === 'functionName')
      this.nullPointer(
        `Cannot read field "keyspace" because "${frame.last === T.K_AGGREGATE ? 'ag' : 'fn'}" is null`,
      )
    if (name === 'userTypeName')
      this.nullPointer('Cannot invoke "org.apache.cassandra.cql3.UTName.getKeyspace()" because "tn" is null')
  }

  /** The same at the end of a rule that went on after such a failure. */
  private finish(name: string, frame: Frame, caller: Frame): void {
    const column = 'Cannot invoke "org.apache.cassandra.cql3.ColumnIdentifier'
    const type = 'Cannot invoke "org.apache.cassandra.cql3.CQL3Type$Raw'
    switch (name) {
      case 'createTriggerStatement':
      case 'dropTriggerStatement':
        if (frame.failed.has('ident')) this.nullPointer(`${column}.toString()" because "name" is null`)
        return
      case 'userTypeName':
        if (frame.failed.has('non_type_ident') && caller.name === 'describeStatement')
          this.nullPointer(`${column}.toString()" because "this.utName" is null`)
        return
      case 'tuple_type':
        if (frame.failed.has('comparatorType'))
          this.nullPointer(`${type}.supportsFreezing()" because "t" is null`)
        return
      case 'comparatorType':
        if (frame.failed.has('comparatorType')) this.nullPointer(`${type}.freeze()" because "f" is null`)
        return
      case 'normalColumnOperation':
        if (this.unnamed(caller) && frame.children.has('cident'))
          this.nullPointer(`${column}.equals(Object)" because "key" is null`)
        this.assigned(caller)
        return
      case 'shorthandColumnOperation':
      case 'collectionColumnOperation':
      case 'udtColumnOperation':
        this.assigned(caller)
    }
  }

  private unnamed(differentiator: Frame): boolean {
    return differentiator.caller.failed.has('cident')
  }

  private assigned(differentiator: Frame): void {
    if (this.unnamedAssignments > 0)
      this.nullPointer(
        'Cannot invoke "org.apache.cassandra.cql3.ColumnIdentifier.equals(Object)" because "p.left" is null',
      )
    if (this.unnamed(differentiator)) this.unnamedAssignments++
  }

  private walk(node: Node): void {
    switch (node.kind) {
      case 'token':
        if (this.kindAt(this.at) !== node.token) this.mismatch(expected(node.token))
        this.frame.last = node.token
        this.at = this.after(this.at)
        return
      case 'set':
        if (!node.tokens.has(this.kindAt(this.at))) this.mismatch('set null')
        this.at = this.after(this.at)
        return
      case 'rule':
        this.frame.children.add(node.rule.name)
        if (!this.rule(node.rule)) this.failedChild(node.rule.name, this.frame)
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
    if (this.firstError !== null) throw RULE_FAILED
    const start = this.tokens.starts[offending] as number
    const at = this.tokens.kinds[offending] === T.EOF ? 'line 0:-1' : position(this.query, start)
    this.firstError =
      this.earlier() ?? excerpt(this.query, this.tokens, `${at} ${message}`, this.at, this.read)
    if (this.firstError.startsWith('Failed parsing')) throw new Stop(this.firstError)
    throw RULE_FAILED
  }

  private display(index: number): string {
    if (this.tokens.kinds[index] === T.EOF) return "'<EOF>'"
    const text = tokenText(this.tokens, index)
    return `'${text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}'`
  }

  /** The alternative to take; one past the last: none of them. */
  private predict(choice: Choice): number {
    const none = choice.alternatives.length
    let decision = rootDecision(choice)
    let at = this.at
    let kind = this.kindAt(at)
    for (const [i, alternative] of choice.alternatives.entries()) {
      if (alternative.predicate === null || !this.starts(decision.configs, i, kind)) continue
      const second = this.after(at)
      const fits = this.tryOut(alternative.predicate)
      this.after(second)
      if (fits) return i
      const others = decision.configs.filter((config) => config.alternative !== i)
      const only = unanimous(others.filter((config) => this.takes(config, kind)))
      if (only >= 0) return only
      decision = newDecision(others)
    }
    for (;;) {
      this.step()
      const next = follow(decision, kind)
      if (next === null) {
        if (choice.optional && !choice.strict) return none
        return this.noViable(at)
      }
      if (next.chosen >= 0) {
        if (choice.table) this.after(at)
        return next.chosen
      }
      if (kind === T.EOF) return (next.configs[0] as Config).alternative
      decision = next
      at = this.after(at)
      kind = this.kindAt(at)
    }
  }

  private takes(config: Config, kind: number): boolean {
    return config.state.steps.some((step) => step.tokens?.has(kind))
  }

  private starts(configs: readonly Config[], alternative: number, kind: number): boolean {
    return configs.some((config) => config.alternative === alternative && this.takes(config, kind))
  }

  private tryOut(predicate: Node): boolean {
    const { at, depth, frame } = this
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
      this.frame = frame
    }
  }
}

/**
 * What is known after some tokens of a lookahead: the places one may be at, by alternative. Worked out once for each
 * sequence of tokens that was ever looked at, and kept.
 */
interface Decision {
  readonly configs: readonly Config[]
  /** The one alternative left, or -1. */
  readonly chosen: number
  readonly next: Map<number, Decision | null>
}

const DECISIONS_KEPT = 20_000
let decisions = 0
let roots = new Map<Choice, Decision>()
let bottom = new Map<State, Stack>()
let stackIds = 0
const stateIds = new Map<State, number>()

function newDecision(configs: readonly Config[]): Decision {
  return { configs, chosen: unanimous(configs), next: new Map() }
}

function rootDecision(choice: Choice): Decision {
  if (decisions > DECISIONS_KEPT) {
    decisions = 0
    roots = new Map()
    bottom = new Map()
  }
  let root = roots.get(choice)
  if (root === undefined) {
    const configs: Config[] = choice.alternatives.map(({ start }, alternative) => ({
      state: start,
      stack: null,
      alternative,
    }))
    if (choice.optional)
      configs.push({ state: choice.exit, stack: null, alternative: choice.alternatives.length })
    root = newDecision(closure(configs))
    roots.set(choice, root)
  }
  return root
}

/** After one more token; null if none of the alternatives can have it. */
function follow(decision: Decision, kind: number): Decision | null {
  const known = decision.next.get(kind)
  if (known !== undefined) return known
  const moved: Config[] = []
  for (const config of decision.configs)
    for (const step of config.state.steps)
      if (step.tokens?.has(kind))
        moved.push({ state: step.to, stack: config.stack, alternative: config.alternative })
  let result: Decision | null = null
  if (moved.length > 0) result = newDecision(unanimous(moved) >= 0 ? moved : resolve(closure(moved)))
  decision.next.set(kind, result)
  decisions++
  return result
}

function push(stack: Stack | null, state: State): Stack {
  const known = stack === null ? bottom : stack.pushed
  let result = known.get(state)
  if (result === undefined) {
    result = { id: ++stackIds, top: state, rest: stack, pushed: new Map() }
    known.set(state, result)
  }
  return result
}

function idOf(state: State): number {
  let id = stateIds.get(state)
  if (id === undefined) {
    id = stateIds.size
    stateIds.set(state, id)
  }
  return id
}

/** Everything reachable without a token; of that, the states that take one. */
function closure(from: readonly Config[]): Config[] {
  const seen = new Set<string>()
  const result: Config[] = []
  const todo = [...from]
  for (let config = todo.pop(); config !== undefined; config = todo.pop()) {
    const { state, stack, alternative } = config
    const key = `${idOf(state)}.${stack === null ? 0 : stack.id}.${alternative}`
    if (seen.has(key)) continue
    seen.add(key)
    if (state.steps.some((step) => step.tokens !== null)) result.push(config)
    for (const step of state.steps)
      if (step.tokens === null) todo.push({ state: step.to, stack, alternative })
    for (const call of state.calls)
      todo.push({ state: call.rule.start, stack: push(stack, call.to), alternative })
    if (state.ends !== null) {
      if (stack !== null) todo.push({ state: stack.top, stack: stack.rest, alternative })
      else for (const next of state.ends.follow) todo.push({ state: next, stack: null, alternative })
    }
  }
  return result
}

/** Where two alternatives have come to the same place, no token will tell them apart: the first is taken. */
function resolve(configs: readonly Config[]): readonly Config[] {
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

function newFrame(name: string, caller: Frame | null): Frame {
  const frame = {
    name,
    caller: caller as Frame,
    failed: new Set<string>(),
    children: new Set<string>(),
    last: T.EOF,
  }
  if (caller === null) frame.caller = frame
  return frame
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
    throw new RangeError(`StringIndexOutOfBoundsException begin ${begin}, end ${end}, length ${text.length}`)
  return text.slice(begin, end)
}
