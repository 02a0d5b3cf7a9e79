import type { Json } from '../admin-node.ts'

/** An option of a verb, as airline has them: `-t <tag>`. */
export interface VerbOption {
  readonly names: readonly string[]
  /** How the value is called; null of one that is there or not. */
  readonly value: string | null
  readonly description: string
}

/** What a verb was called with. */
export class Given {
  readonly args: readonly string[]
  readonly #options: ReadonlyMap<string, string>

  /** Options by the first of their names. */
  constructor(args: readonly string[], options: ReadonlyMap<string, string>) {
    this.args = args
    this.#options = options
  }

  has(name: string): boolean {
    return this.#options.has(name)
  }

  text(name: string): string | null {
    return this.#options.get(name) ?? null
  }
}

/** Where a verb asks the node, and where it writes. */
export interface Session {
  /** Asks the admin port. Rejects with a BadUseError, or an Error with the server's words. */
  ask(operation: string, args?: { readonly [name: string]: Json | undefined }): Promise<Json>
  out(text: string): void
  err(text: string): void
  /** Addresses of nodes are to be printed with their ports (-pp). */
  readonly printPort: boolean
  /** The absolute path of a file or directory that was given. */
  path(text: string): string
  nowMs(): number
}

/** One verb of nodetool. */
export interface Verb {
  readonly description: string
  /** What stands behind its name in the help. */
  readonly usage: string
  readonly options: readonly VerbOption[]
  /** Returns the exit code where it is not 0. Throws a BadUseError for wrong use. */
  run(session: Session, given: Given): Promise<number | undefined>
}

/** An object out of an answer. */
export type Figures = { readonly [name: string]: Json }
