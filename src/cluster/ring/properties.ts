/** Java's property files (`java.util.Properties.load`), in which snitches are told where nodes are. */

/**
 * Reads names and values; of two with the same name the later counts. `#` and `!` begin comments, a backslash at the end of a
 * line continues it, and a name ends at the first `=`, `:` or white space that has no backslash before it.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const name = /^(?:[^\\=: \t\f]|\\[\s\S])*/.exec(line)![0]
    const value = line.slice(name.length).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    properties.set(unescape(name), unescape(value))
  }
  return properties
}

/** Lines without comments and without what is before them, continued ones as one. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open: string | null = null
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const isContinued = /\\*$/.exec(line)![0].length % 2 === 1
    const whole: string = (open ?? '') + (isContinued ? line.slice(0, -1) : line)
    open = isContinued ? whole : null
    if (!isContinued) lines.push(whole)
  }
  if (open !== null) lines.push(open)
  return lines
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', f: '\f' }

function unescape(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex: string | undefined, other: string) =>
    hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
