/** Texts as Java writes them, where nodetool's output depends on it. */

/** A number with at most or exactly so many digits after the point, halves to the even digit (`DecimalFormat`). */
function decimal(value: number, digits: number): string {
  const scaled = value * 10 ** digits
  const floor = Math.floor(scaled)
  if (scaled - floor !== 0.5) return value.toFixed(digits)
  return ((floor + (floor % 2)) / 10 ** digits).toFixed(digits)
}

/** A share as `##0.0%` writes it; Cassandra keeps shares as floats. */
export function percentText(share: number): string {
  return `${decimal(Math.fround(share) * 100, 1)}%`
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `98.8 KiB` (`FileUtils.stringifyFileSize`). */
export function fileSizeText(bytes: number): string {
  let unit = 0
  while (unit < UNITS.length - 1 && bytes >= 1024 ** (unit + 1)) unit++
  const text = decimal(bytes / 1024 ** unit, 2).replace(/\.?0+$/, '')
  return `${text} ${UNITS[unit]}`
}

/** `String.hashCode`. */
function hashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * Keys in the order in which a `java.util.HashMap` gives them, into which they were put one after the other: nodetool
 * prints some things as they come.
 */
export function hashMapOrder(keys: readonly string[]): string[] {
  let buckets = 16
  while (keys.length > 0.75 * buckets) buckets *= 2
  const bucket = (key: string): number => {
    const hash = hashCode(key)
    return (hash ^ (hash >>> 16)) & (buckets - 1)
  }
  // Keys of one bucket stay in the order in which they came.
  return [...keys].sort((a, b) => bucket(a) - bucket(b))
}

/** Rows in columns, each as wide as its widest cell, two blanks between them (`TableBuilder`). */
export function tableText(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  return rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}\n`).join('')
}

/** How wide the columns of all of these rows are. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  }
  return widths
}
