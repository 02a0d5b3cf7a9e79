/** The `speculative_retry` and `additional_write_policy` options, as Cassandra writes them back (`SpeculativeRetryPolicy`). */

import { ConfigurationError } from '../../common/errors.ts'
import { parseDouble } from '../../types/index.ts'

const PERCENTILE = /^([0-9.]+)p(?:ercentile)?$/i
const FIXED = /^([0-9.]+)ms$/i
const HYBRID = /^(MIN|MAX)\(([0-9.]+[a-z]+)\s*,\s*([0-9.]+[a-z]+)\)$/i

const INT_MAX = 0x7fffffff

function invalid(text: string): ConfigurationError {
  return new ConfigurationError(`Invalid value ${text} for option 'speculative_retry'`)
}

export function speculativeRetryFrom(text: string): string {
  if (/^always$/i.test(text)) return 'ALWAYS'
  if (/^(?:never|none)$/i.test(text)) return 'NEVER'
  const percentile = PERCENTILE.exec(text)
  if (percentile !== null) return percentileText(text, percentile[1])
  const fixed = FIXED.exec(text)
  if (fixed !== null) {
    const ms = parseDouble(fixed[1])
    if (ms === undefined) throw invalid(text)
    return `${Math.min(Math.trunc(ms), INT_MAX)}ms`
  }
  const hybrid = HYBRID.exec(text)
  if (hybrid !== null) return hybridText(text, hybrid)
  throw invalid(text)
}

function percentileText(text: string, digits: string): string {
  const value = parseDouble(digits)
  if (value === undefined) throw invalid(text)
  if (value <= 0 || value >= 100) {
    throw new ConfigurationError(
      `Invalid value ${text} for PERCENTILE option 'speculative_retry': must be between (0.0 and 100.0)`,
    )
  }
  return `${fourDecimals(value)}p`
}

/** Java's `DecimalFormat("#.####")`: half-even. */
function fourDecimals(value: number): string {
  const scaled = value * 10_000
  const floor = Math.floor(scaled)
  const difference = scaled - floor
  const rounded = difference > 0.5 || (difference === 0.5 && floor % 2 === 1) ? floor + 1 : floor
  return String(rounded / 10_000)
}

function hybridText(text: string, [, name, first, second]: RegExpExecArray): string {
  let values: string[]
  try {
    values = [speculativeRetryFrom(first), speculativeRetryFrom(second)]
  } catch (error) {
    throw error instanceof ConfigurationError ? invalid(text) : error
  }
  const [a, b] = values
  const kind = (value: string) => (value.endsWith('ms') ? 'FIXED' : 'PERCENTILE')
  if (kind(a) === kind(b)) {
    throw new ConfigurationError(
      `Invalid value ${text} for option 'speculative_retry': MIN()/MAX() arguments should be of different types, but both are of type ${kind(a)}`,
    )
  }
  const [percentile, fixed] = kind(a) === 'PERCENTILE' ? [a, b] : [b, a]
  return `${name.toUpperCase()}(${percentile},${fixed})`
}
