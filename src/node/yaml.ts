import { ConfigurationError } from '../common/errors.ts'

/** What a YAML file holds: cassandra.yaml has nothing else. */
export type Yaml = null | boolean | number | string | readonly Yaml[] | { readonly [name: string]: Yaml }

interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

/**
 * Reads as much of YAML as configuration files are written in: mappings and lists by indentation, lists and mappings in brackets
 * on one line, scalars plain or in quotes, comments. Throws a ConfigurationError that names the line for anything else, such as
 * anchors, tags and texts of several lines.
 */
export function parseYaml(text: string): Yaml {
  const lines = text.split(/\r?\n/).flatMap((raw, i): Line[] => {
    const bare = withoutComment(raw).trimEnd()
    if (bare.trim() === '' || /^(---|\.\.\.)$/.test(bare)) return []
    const indent = bare.length - bare.trimStart().length
    if (bare.slice(0, indent).includes('\t')) throw problem(i + 1, 'A tab is no indentation')
    return [{ number: i + 1, indent, text: bare.trim() }]
  })
  const reader = new BlockReader(lines)
  const value = reader.block(0)
  reader.expectEnd()
  return value
}

function problem(line: number, what: string): ConfigurationError {
  return new ConfigurationError(`Invalid yaml: ${what} (line ${line})`)
}

/** Cuts a comment off: `#` at the beginning or behind white space, outside of quotes. */
function withoutComment(line: string): string {
  let quote: string | null = null
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (quote !== null) {
      if (quote === '"' && c === '\\') i++
      else if (c === quote) quote = null
    } else if ((c === '"' || c === "'") && /(^|[\s[{,:-])$/.test(line.slice(0, i))) quote = c
    else if (c === '#' && (i === 0 || /\s/.test(line[i - 1]!))) return line.slice(0, i)
  }
  return line
}

const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'[\]{}#&*!|>%@`-][^#]*?|-[^\s][^#]*?)\s*:(?:\s+(.*))?$/

class BlockReader {
  readonly #lines: readonly Line[]
  #at = 0

  constructor(lines: readonly Line[]) {
    this.#lines = lines
  }

  expectEnd(): void {
    const line = this.#lines[this.#at]
    if (line !== undefined) throw problem(line.number, `"${line.text}" is not where it could be`)
  }

  /** What stands at that indentation or deeper; null for nothing. */
  block(indent: number): Yaml {
    const line = this.#lines[this.#at]
    if (line === undefined || line.indent < indent) return null
    if (isItem(line.text)) return this.#list(line.indent)
    if (KEY.test(line.text)) return this.#mapping(line.indent)
    this.#at++
    return scalar(line.text, line.number)
  }

  #list(indent: number): Yaml[] {
    const list: Yaml[] = []
    for (
      let line = this.#lines[this.#at];
      line?.indent === indent && isItem(line.text);
      line = this.#lines[this.#at]
    ) {
      const rest = line.text.slice(1).trimStart()
      if (rest === '') {
        this.#at++
        list.push(this.block(indent + 1))
      } else if (KEY.test(rest)) {
        // A mapping that begins behind the dash goes on below its first key.
        const inner = indent + line.text.length - rest.length
        list.push(this.#mapping(inner, { ...line, indent: inner, text: rest }))
      } else {
        this.#at++
        list.push(scalar(rest, line.number))
      }
    }
    return list
  }

  #mapping(indent: number, first: Line | null = null): Yaml {
    const mapping: Record<string, Yaml> = {}
    for (let line = first ?? this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const match = isItem(line.text) ? null : KEY.exec(line.text)
      if (match === null) throw problem(line.number, `"${line.text}" is no key with a value`)
      const name = String(scalar(match[1]!, line.number))
      if (Object.hasOwn(mapping, name)) throw problem(line.number, `found duplicate key ${name}`)
      this.#at++
      const value = match[2] ?? ''
      mapping[name] = value === '' ? this.#below(indent) : scalar(value, line.number)
    }
    return mapping
  }

  /** What belongs to a key without a value on its line; a list may stand as far left as the key. */
  #below(indent: number): Yaml {
    const line = this.#lines[this.#at]
    if (line === undefined) return null
    if (line.indent === indent && isItem(line.text)) return this.#list(indent)
    return line.indent > indent ? this.block(line.indent) : null
  }
}

function isItem(text: string): boolean {
  return text === '-' || text.startsWith('- ')
}

function scalar(text: string, line: number): Yaml {
  const reader = new FlowReader(text, line)
  return reader.whole()
}

/** Scalars, and lists and mappings in brackets. */
class FlowReader {
  readonly #text: string
  readonly #line: number
  #at = 0

  constructor(text: string, line: number) {
    this.#text = text
    this.#line = line
  }

  whole(): Yaml {
    const first = this.#text[0]!
    if ('[{"\''.includes(first)) {
      const value = this.#value()
      this.#skip()
      if (this.#at < this.#text.length) throw problem(this.#line, `"${this.#text}" has more than a value`)
      return value
    }
    if ('&*!|>%@`'.includes(first)) throw problem(this.#line, `"${this.#text}" is not understood here`)
    return plain(this.#text)
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #take(char: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #value(): Yaml {
    this.#skip()
    if (this.#take('[')) return this.#items()
    if (this.#take('{')) return this.#pairs()
    const quote = this.#text[this.#at]
    if (quote === '"' || quote === "'") return this.#quoted(quote)
    const match = /^[^,[\]{}:]*(?::(?!\s)[^,[\]{}:]*)*/.exec(this.#text.slice(this.#at))![0]
    this.#at += match.length
    return plain(match.trim())
  }

  #items(): Yaml {
    const items: Yaml[] = []
    while (!this.#take(']')) {
      items.push(this.#value())
      if (!this.#take(',') && this.#text[this.#at] !== ']') throw problem(this.#line, 'A list has no end')
    }
    return items
  }

  #pairs(): Yaml {
    const pairs: Record<string, Yaml> = {}
    while (!this.#take('}')) {
      const name = String(this.#value())
      pairs[name] = this.#take(':') ? this.#value() : null
      if (!this.#take(',') && this.#text[this.#at] !== '}') throw problem(this.#line, 'A mapping has no end')
    }
    return pairs
  }

  #quoted(quote: string): string {
    let text = ''
    for (let i = this.#at + 1; i < this.#text.length; i++) {
      const c = this.#text[i]!
      if (c === quote) {
        if (quote === "'" && this.#text[i + 1] === "'") {
          text += "'"
          i++
          continue
        }
        this.#at = i + 1
        return text
      }
      if (c === '\\' && quote === '"') text += escaped(this.#text[++i] ?? '')
      else text += c
    }
    throw problem(this.#line, 'A quote has no end')
  }
}

function escaped(c: string): string {
  return { n: '\n', t: '\t', r: '\r', '0': '\0' }[c] ?? c
}

function plain(text: string): Yaml {
  if (text === '' || text === '~' || /^null$/i.test(text)) return null
  if (/^(true|yes|on)$/i.test(text)) return true
  if (/^(false|no|off)$/i.test(text)) return false
  return /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : text
}
