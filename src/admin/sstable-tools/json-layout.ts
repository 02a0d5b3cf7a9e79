import { quoteAsJsonString } from '../../types/index.ts'

/** Whether values inside an object or array stand on lines of their own (`JsonTransformer.CompactIndenter`). */
interface Indenter {
  isCompact: boolean
}

/**
 * Writes JSON in the layout of sstabledump: Jackson's DefaultPrettyPrinter with two indenters that are switched between
 * one line and many while writing. Without layout, values follow each other by lines (`MinimalPrettyPrinter`).
 */
export class JsonLayout {
  readonly objects: Indenter = { isCompact: false }
  readonly arrays: Indenter = { isCompact: false }
  readonly #isPretty: boolean
  #text = ''
  #nesting = 0
  /** Of each open object and array how many entries it has. */
  readonly #counts: number[] = []
  #isBehindName = false
  #roots = 0

  constructor(isPretty: boolean) {
    this.#isPretty = isPretty
  }

  /** Characters that wait to be taken. */
  get length(): number {
    return this.#text.length
  }

  /** What was written since the last time. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  #indent(indenter: Indenter): void {
    if (this.#isPretty) this.#text += indenter.isCompact ? ' ' : `\n${'  '.repeat(this.#nesting)}`
  }

  /** Before a value that is not behind a name: an element of an array, or a root. */
  #beforeValue(): void {
    if (this.#isBehindName) {
      this.#isBehindName = false
      return
    }
    const depth = this.#counts.length
    if (depth === 0) {
      if (this.#roots++ > 0) this.#text += this.#isPretty ? ' ' : '\n'
      return
    }
    if (this.#counts[depth - 1]!++ > 0) this.#text += ','
    this.#indent(this.arrays)
  }

  #start(bracket: string): void {
    this.#beforeValue()
    this.#text += bracket
    this.#nesting++
    this.#counts.push(0)
  }

  #end(bracket: string, indenter: Indenter): void {
    this.#nesting--
    const count = this.#counts.pop()!
    if (count > 0) this.#indent(indenter)
    else if (this.#isPretty) this.#text += ' '
    this.#text += bracket
  }

  startObject(): void {
    this.#start('{')
  }

  endObject(): void {
    this.#end('}', this.objects)
  }

  startArray(): void {
    this.#start('[')
  }

  endArray(): void {
    this.#end(']', this.arrays)
  }

  name(name: string): void {
    const depth = this.#counts.length
    if (this.#counts[depth - 1]!++ > 0) this.#text += ','
    this.#indent(this.objects)
    this.#text += `"${quoteAsJsonString(name)}"${this.#isPretty ? ' : ' : ':'}`
    this.#isBehindName = true
  }

  /** A value that is JSON already: a number, a boolean, or what a type makes of its bytes. */
  raw(json: string): void {
    this.#beforeValue()
    this.#text += json
  }

  string(text: string): void {
    this.raw(`"${quoteAsJsonString(text)}"`)
  }
}
