/** The `caching` option (`CachingParams`). */

import { ConfigurationError } from '../../common/errors.ts'
import { parseInt32 } from '../../common/java-numbers.ts'
import { hashOrder, isNumeric, listText, numberFormatError } from './java.ts'

const INT_MAX = 0x7fffffff

/** The option as system_schema holds it; what is not named is off. */
export function cachingFromOptions(options: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const keys = keysText(options.get('keys'))
  const rows = rowsText(options.get('rows_per_partition'))
  const others = new Map(options)
  others.delete('keys')
  others.delete('rows_per_partition')
  if (others.size > 0) {
    throw new ConfigurationError(
      `Invalid caching sub-options ${listText(hashOrder(others.keys()))}: only 'keys' and 'rows_per_partition' are allowed`,
    )
  }
  return new Map([
    ['keys', keys],
    ['rows_per_partition', rows],
  ])
}

function keysText(value: string | undefined): string {
  if (value === undefined) return 'NONE'
  const upper = value.toUpperCase()
  if (upper === 'ALL' || upper === 'NONE') return upper
  throw new ConfigurationError(
    `Invalid value '${value}' for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed`,
  )
}

function rowsText(value: string | undefined): string {
  if (value === undefined) return 'NONE'
  const upper = value.toUpperCase()
  if (upper === 'ALL' || upper === 'NONE') return upper
  if (!isNumeric(value)) {
    throw new ConfigurationError(
      `Invalid value '${value}' for caching sub-option 'rows_per_partition': only 'ALL', 'NONE', and integer values are allowed`,
    )
  }
  const rows = parseInt32(value)
  if (rows === null) throw numberFormatError(value)
  if (rows === 0) return 'NONE'
  return rows === INT_MAX ? 'ALL' : String(rows)
}
