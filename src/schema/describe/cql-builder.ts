import { maybeQuote } from '../../types/index.ts'

const INDENTATION = '    '

/** Text of CQL statements, indented as DESCRIBE gives it (`CqlBuilder`). */
export class CqlBuilder {
  #text = ''
  #indent = 0
  #isNewLine = false

  append(text: string): this {
    if (this.#isNewLine) {
      this.#text += INDENTATION.repeat(this.#indent)
      this.#isNewLine = false
    }
    this.#text += text
    return this
  }

  /** A name, in double quotes where it needs them. */
  appendName(name: string): this {
    return this.append(maybeQuote(name))
  }

  appendWithSingleQuotes(text: string): this {
    return this.append(quoted(text))
  }

  /** A map literal in the order of its keys (UTF-16); the values in single quotes. */
  appendMap(map: ReadonlyMap<string, string>): this {
    return this.#appendEntries([...map].map(([key, value]) => [key, quoted(value)]))
  }

  /** The same with values that are literals already. */
  appendLiteralMap(map: ReadonlyMap<string, string>): this {
    return this.#appendEntries([...map])
  }

  #appendEntries(entries: [key: string, literal: string][]): this {
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return this.append(`{${entries.map(([key, literal]) => `${quoted(key)}: ${literal}`).join(', ')}}`)
  }

  newLine(): this {
    this.#text += '\n'
    this.#isNewLine = true
    return this
  }

  increaseIndent(): this {
    this.#indent++
    return this
  }

  decreaseIndent(): this {
    if (this.#indent > 0) this.#indent--
    return this
  }

  toString(): string {
    return this.#text
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
