/**
 * The grammar as a machine: its text compiled to syntax trees, which are walked to parse, and to the states of a
 * nondeterministic automaton, over which alternatives are told apart.
 */

import { GRAMMAR } from './grammar.ts'
import { BASIC_UNRESERVED, T, TOKEN_NAMES } from './tokens.ts'

export interface State {
  /** Where it leads by one of these tokens; null: without any. */
  readonly steps: { readonly tokens: ReadonlySet<number> | null; readonly to: State }[]
  /** Where it leads through a rule: into its first state, and on to `to` when that is done. */
  readonly calls: { readonly rule: Rule; readonly to: State }[]
  /** The rule that ends here. */
  ends: Rule | null
}

export interface Rule {
  readonly name: string
  body: Node
  start: State
  /** Where every call of this rule goes on. */
  readonly follow: State[]
}

export type Node =
  | { readonly kind: 'token'; readonly token: number }
  | { readonly kind: 'set'; readonly tokens: ReadonlySet<number> }
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | Choice

export interface Alternative {
  readonly node: Node
  start: State
  /** To be tried out first. */
  readonly predicate: Node | null
}

export interface Choice {
  readonly kind: 'choice'
  readonly alternatives: readonly Alternative[]
  /** `?` and `*` may take none. */
  readonly optional: boolean
  readonly loops: boolean
  /** Fails on a token that can't come after it either. */
  readonly strict: boolean
  readonly table: boolean
  /** Where it goes on when it is done. */
  exit: State
}

function newState(): State {
  return { steps: [], calls: [], ends: null }
}

/** Token kinds by how the grammar's text writes them. */
const TOKENS = new Map<string, number>()
for (const [name, kind] of Object.entries(T)) if (name.startsWith('K_')) TOKENS.set(name.slice(2), kind)
for (const [name, kind] of Object.entries(T)) TOKENS.set(name, kind)
for (let kind = T.NOT_EQUAL; kind <= T.RBRACE; kind++)
  TOKENS.set((TOKEN_NAMES[kind] as string).replace('\\', ''), kind)
TOKENS.set('K_DURATION_LITERAL', T.DURATION)

class Compiler {
  private readonly words: string[]
  private at = 0
  private readonly rules = new Map<string, Rule>()

  constructor(text: string) {
    this.words = text.match(/'[^']+'|\[|\]=>|\?!|\*!|[\w]+|\S/g) ?? []
  }

  compile(): Rule {
    while (this.at < this.words.length) {
      const rule = this.rule(this.next())
      this.next() // the colon
      rule.body = this.choice(';', false)
    }
    for (const rule of this.rules.values()) {
      const end = newState()
      end.ends = rule
      this.wire(rule.body, rule.start, end)
    }
    return this.rule('query')
  }

  private next(): string {
    return this.words[this.at++] as string
  }

  private rule(name: string): Rule {
    let rule = this.rules.get(name)
    if (rule === undefined) {
      rule = { name, body: { kind: 'sequence', nodes: [] }, start: newState(), follow: [] }
      this.rules.set(name, rule)
    }
    return rule
  }

  /** Alternatives up to the closing word, and what makes them optional behind it. */
  private choice(close: string, grouped: boolean): Node {
    const table = this.words[this.at] === '@'
    if (table) this.at++
    const alternatives: Alternative[] = []
    do {
      let predicate: Node | null = null
      if (this.words[this.at] === '[') {
        this.at++
        predicate = this.sequence()
        this.at++
      }
      alternatives.push({ node: this.sequence(), predicate, start: newState() })
    } while (this.next() === '|')
    if (this.words[this.at - 1] !== close) throw new Error(`grammar: expected ${close} at word ${this.at}`)
    const suffix = grouped ? this.suffix() : ''
    if (suffix === '' && alternatives.length === 1) return (alternatives[0] as Alternative).node
    return makeChoice(alternatives, suffix, table)
  }

  private suffix(): string {
    const word = this.words[this.at] as string
    if (word !== '?' && word !== '*' && word !== '?!' && word !== '*!') return ''
    this.at++
    return word
  }

  private sequence(): Node {
    const nodes: Node[] = []
    for (;;) {
      const word = this.words[this.at] as string
      if (word === '|' || word === ')' || word === ';' || word === ']=>') break
      this.at++
      if (word === '(') {
        nodes.push(this.choice(')', true))
        continue
      }
      const node = word === '<' ? this.set() : this.leaf(word)
      const suffix = this.suffix()
      if (suffix === '') nodes.push(node)
      else nodes.push(makeChoice([{ node, predicate: null, start: newState() }], suffix, false))
    }
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'sequence', nodes }
  }

  private set(): Node {
    const tokens = new Set<number>()
    for (let word = this.next(); word !== '>'; word = this.next()) {
      if (word === 'BASIC') for (const kind of BASIC_UNRESERVED) tokens.add(kind)
      else tokens.add(this.token(word))
    }
    return { kind: 'set', tokens }
  }

  private token(word: string): number {
    const token = TOKENS.get(word)
    if (token === undefined) throw new Error(`grammar: no token ${word}`)
    return token
  }

  private leaf(word: string): Node {
    if (/^[a-z]/.test(word)) return { kind: 'rule', rule: this.rule(word) }
    return { kind: 'token', token: this.token(word) }
  }

  /** States from `from` to `to` that go through the node. */
  private wire(node: Node, from: State, to: State): void {
    switch (node.kind) {
      case 'token':
        from.steps.push({ tokens: new Set([node.token]), to })
        return
      case 'set':
        from.steps.push({ tokens: node.tokens, to })
        return
      case 'rule':
        from.calls.push({ rule: node.rule, to })
        node.rule.follow.push(to)
        return
      case 'sequence': {
        let at = from
        for (const [i, child] of node.nodes.entries()) {
          const next = i === node.nodes.length - 1 ? to : newState()
          this.wire(child, at, next)
          at = next
        }
        if (node.nodes.length === 0) from.steps.push({ tokens: null, to })
        return
      }
      case 'choice':
        node.exit = to
        for (const alternative of node.alternatives) {
          from.steps.push({ tokens: null, to: alternative.start })
          this.wire(alternative.node, alternative.start, node.loops ? from : to)
        }
        if (node.optional) from.steps.push({ tokens: null, to })
    }
  }
}

function makeChoice(alternatives: Alternative[], suffix: string, table: boolean): Choice {
  return {
    kind: 'choice',
    alternatives,
    optional: suffix !== '',
    loops: suffix.startsWith('*'),
    strict: suffix.endsWith('!'),
    table,
    exit: newState(),
  }
}

let compiled: Rule | null = null

/** The rule of a whole query; compiled when the first error asks for it. */
export function queryRule(): Rule {
  compiled ??= new Compiler(GRAMMAR).compile()
  return compiled
}
