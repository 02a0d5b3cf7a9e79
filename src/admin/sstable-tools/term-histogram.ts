import { EstimatedHistogram } from '../../storage/sstable/histograms.ts'

/** Colours of a terminal as Cassandra's tools use them (`tools.Util`). */
export const RESET = '\u001B[0m'
export const BLUE = '\u001B[34m'
export const CYAN = '\u001B[36m'
export const WHITE = '\u001B[37m'

export interface Style {
  readonly color: boolean
  readonly unicode: boolean
}

const UNICODE_BARS: readonly (readonly [number, string])[] = [
  [1, '\u2589'],
  [7 / 8, '\u2589'],
  [3 / 4, '\u258A'],
  [5 / 8, '\u258B'],
  [3 / 8, '\u258D'],
  [1 / 4, '\u258E'],
  [1 / 8, '\u258F'],
]
const ASCII_BARS: readonly (readonly [number, string])[] = [
  [1, 'O'],
  [0.75, 'o'],
  [0.3, '.'],
]
const BAR_LENGTH = 30
const BOUNDS = 165
const PERCENTILES: readonly (readonly [string, number])[] = [
  ['50th', 0.5],
  ['75th', 0.75],
  ['95th', 0.95],
  ['98th', 0.98],
  ['99th', 0.99],
]

/** Length without the sequences that colour it. */
function shownLength(text: string): number {
  return [RESET, BLUE, CYAN, WHITE].reduce((rest, code) => rest.replaceAll(code, ''), text).length
}

/** The text in brackets, grey where there are colours; nothing for nothing. */
export function wrapQuiet(text: string | null, { color }: Style): string {
  if (text === null || text === '') return ''
  return color ? `${WHITE}(${text})${RESET}` : `(${text})`
}

function bar(count: number, max: number, { color, unicode }: Style): string {
  const bars = unicode ? UNICODE_BARS : ASCII_BARS
  const width = (count / max) * BAR_LENGTH
  const whole = Math.trunc(width)
  const rest = bars.find(([from]) => from <= width - whole)?.[1] ?? ''
  const text = bars[0]![1].repeat(whole) + rest
  return color ? `${WHITE}${text}${RESET}` : text
}

/**
 * The lines of a histogram of numbers and their counts, in the order of the numbers, with percentiles
 * (`Util.TermHistogram`).
 */
export function histogramText(
  entries: readonly (readonly [value: number, count: number])[],
  title: string,
  valueText: (value: number) => string,
  style: Style,
): string {
  const { color } = style
  const max = entries.reduce((greatest, [, count]) => Math.max(greatest, count), 0)
  const sum = entries.reduce((total, [, count]) => total + count, 0)
  const countWidth = entries.reduce((width, [, count]) => Math.max(width, String(count).length), 5)
  const width = entries.reduce(
    (widest, [value]) => Math.max(widest, shownLength(valueText(value))),
    title.length,
  )
  const blue = color ? BLUE : ''
  const reset = color ? RESET : ''
  const head = `${blue}${title}`.padEnd(width + blue.length)
  const bars = color ? [`${CYAN}|${BLUE}`, `${CYAN}|${RESET}`] : ['|', '|']
  const quiet = wrapQuiet('%', style)
  let text = `   ${head} ${bars[0]} ${'Count'.padEnd(countWidth)}  ${quiet}  ${blue}Histogram${reset} \n`
  for (const [value, count] of entries) {
    const shown = valueText(value)
    const padded = shown.padEnd(width + shown.length - shownLength(shown))
    const share = wrapQuiet(String(Math.trunc(100 * (count / sum))).padStart(3), style)
    text += `   ${padded} ${bars[1]} ${String(count).padStart(countWidth)} ${share} ${bar(count, max, style)}\n`
  }
  const estimate = new EstimatedHistogram(BOUNDS)
  for (const [value, count] of entries) estimate.add(value, count)
  text += `${blue}   Percentiles${reset}\n`
  const numbers = [
    ...PERCENTILES.map(([name, share]) => [name, percentile(estimate, share)] as const),
    ['Min', min(estimate)] as const,
    ['Max', maximum(estimate)] as const,
  ]
  for (const [name, value] of numbers) text += `   ${blue}${name.padEnd(10)}${reset}${valueText(value)}\n`
  return text
}

function percentile({ offsets, counts }: EstimatedHistogram, share: number): number {
  const wanted = Math.ceil(counts.reduce((total, count) => total + count, 0) * share)
  if (wanted === 0) return 0
  let elements = 0
  for (let i = 0; i < offsets.length; i++) {
    elements += counts[i]!
    if (elements >= wanted) return offsets[i]!
  }
  return 0
}

function min({ offsets, counts }: EstimatedHistogram): number {
  const first = counts.findIndex((count) => count > 0)
  return first <= 0 ? 0 : 1 + offsets[first - 1]!
}

function maximum({ offsets, counts }: EstimatedHistogram): number {
  const last = counts.findLastIndex((count) => count > 0)
  return last < 0 ? 0 : (offsets[last] ?? Number.MAX_SAFE_INTEGER)
}
