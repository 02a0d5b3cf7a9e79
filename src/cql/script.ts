/** A statement of a script, with the line it begins on. */
export interface ScriptStatement {
  readonly text: string
  readonly line: number
}

/**
 * Cuts a script into its statements: at each `;` outside quotes, comments and `BEGIN BATCH ... APPLY BATCH`.
 * What stands between is not parsed.
 */
export function splitScript(text: string): ScriptStatement[] {
  const statements: ScriptStatement[] = []
  let start = 0
  let at = 0
  let inBatch = false
  let word = ''
  let previousWord = ''
  let firstWord = ''
  let hasContent = false

  const endWord = (): void => {
    if (word === '') return
    const upper = word.toUpperCase()
    if (upper === 'BATCH') {
      if (previousWord === 'APPLY') inBatch = false
      else if (firstWord === 'BEGIN') inBatch = true
    }
    if (firstWord === '') firstWord = upper
    previousWord = upper
    word = ''
  }
  const push = (end: number): void => {
    if (hasContent) {
      const raw = text.slice(start, end)
      const lead = raw.length - raw.trimStart().length
      statements.push({ text: raw.trim(), line: text.slice(0, start + lead).split('\n').length })
    }
    hasContent = false
    firstWord = ''
  }
  const skipTo = (needle: string, from: number): number => {
    const found = text.indexOf(needle, from)
    return found < 0 ? text.length : found + needle.length
  }

  while (at < text.length) {
    const c = text[at]!
    const two = text.slice(at, at + 2)
    if (c === ';') endWord()
    if (two === '--' || two === '//') {
      endWord()
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (two === '/*') {
      endWord()
      at = skipTo('*/', at + 2)
    } else if (two === '$$') {
      endWord()
      hasContent = true
      at = skipTo('$$', at + 2)
    } else if (c === "'" || c === '"') {
      endWord()
      hasContent = true
      at = skipTo(c, at + 1)
    } else if (c === ';' && !inBatch) {
      push(at)
      at++
      start = at
    } else {
      if (/\w/.test(c)) word += c
      else endWord()
      if (!/\s/.test(c)) hasContent = true
      at++
      if (at === text.length) endWord()
    }
  }
  push(text.length)
  return statements
}
