import { ConfigurationError } from '../common/errors.ts'
import { doubleText } from '../types/floating.ts'
import type { SibylOptions } from './options.ts'

/**
 * How a value is written: bytes or '16MiB', bytes a second or '64MiB/s', milliseconds or '10s' (kept as microseconds by `micros`), a whole number,
 * one with a fraction, true or false, one of some words, or names with commas or spaces between them.
 */
export type Kind = NumberKind | 'fraction' | 'boolean' | 'word' | 'names'
type NumberKind = 'size' | 'rate' | 'duration' | 'micros' | 'number'

export type SettingValue = number | boolean | string | null | readonly string[]

export interface Setting {
  readonly kind: Kind
  /** Where it is null, the setting may be without a value. */
  readonly default: SettingValue
  /** Why it has no effect. */
  readonly inert?: string
  /** What a word may be. */
  readonly words?: readonly string[]
  /** Least and greatest number. */
  readonly min?: number
  readonly max?: number
}

/** Settings as they are given: numbers in the unit of the setting, or texts with units. */
export type Given = NonNullable<SibylOptions['settings']>

/** In bytes. */
export const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
/** In milliseconds. */
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
  d: 864e5,
}

/** Throws a ConfigurationError where the value cannot be one of the setting. */
export function parseValue(name: string, setting: Setting, value: number | boolean | string): SettingValue {
  if (setting.kind === 'names') {
    // Also as YAML and JSON write a list: [a, b] and ["a", "b"].
    const list = String(value)
      .trim()
      .replace(/^\[(.*)\]$/, '$1')
    return list.split(/[\s,"']+/).filter((item) => item !== '')
  }
  if (setting.default === null && (value === '' || value === 'null')) return null
  if (setting.kind === 'boolean') {
    if (String(value) !== 'true' && String(value) !== 'false') wrong(name, value, 'is true or false')
    return String(value) === 'true'
  }
  const { kind } = setting
  if (kind === 'word') {
    const word = String(value)
    return setting.words!.includes(word) ? word : wrong(name, value, `is ${setting.words!.join(' or ')}`)
  }
  if (kind === 'fraction') {
    const fraction = String(value).trim() === '' ? Number.NaN : Number(value)
    return Number.isFinite(fraction) ? fraction : wrong(name, value, 'is a number')
  }
  const { min = 0, max = setting.kind === 'micros' ? 2 ** 63 : Number.MAX_SAFE_INTEGER } = setting
  const parsed =
    typeof value === 'string'
      ? parseNumber(kind, value)
      : setting.kind === 'micros'
        ? Number(value) * 1000
        : value
  if (typeof parsed !== 'number' || !Number.isInteger(parsed)) return wrong(name, value, FORMS[kind])
  if (parsed < min) wrong(name, value, `is at least ${min}`)
  if (parsed > max) wrong(name, value, `is at most ${max}`)
  return parsed
}

const FORMS: Readonly<Record<NumberKind, string>> = {
  micros: 'is a number of milliseconds, or one with a unit: us, ms, s, m, h or d',
  size: 'is a number of bytes, or one with a unit: B, KiB, MiB or GiB',
  rate: 'is a number of bytes a second, or one with a unit: B/s, KiB/s, MiB/s or GiB/s',
  duration: 'is a number of milliseconds, or one with a unit: ns, us, ms, s, m, h or d',
  number: 'is a whole number',
}

function parseNumber(kind: NumberKind, text: string): number {
  const match = (kind === 'rate' ? /^(-?\d+)(?:([a-zA-Z]+)\/s)?$/ : /^(-?\d+)([a-zA-Zµ]*)$/).exec(text.trim())
  if (match === null) return Number.NaN
  const [, digits, unit = ''] = match
  if (unit === '') return Number(digits) * (kind === 'micros' ? 1000 : 1)
  const units = kind === 'size' || kind === 'rate' ? SIZE_UNITS : kind === 'number' ? {} : DURATION_UNITS
  if (!Object.hasOwn(units, unit!)) return Number.NaN
  return Math.ceil(Number(digits) * units[unit!]! * (kind === 'micros' ? 1000 : 1))
}

function wrong(name: string, value: number | boolean | string, expected: string): never {
  throw new ConfigurationError(`Invalid value of the setting ${name}: ${value}. It ${expected}`)
}

/** As Cassandra writes it in system_views.settings. */
export function valueText(kind: Kind, value: SettingValue): string | null {
  if (value === null) return null
  if (typeof value === 'object') return `[${value.join(', ')}]`
  if (typeof value === 'string') return value
  if (kind === 'fraction') return doubleText(Number(value))
  if (typeof value === 'boolean' || kind === 'number') return String(value)
  if (kind === 'micros') return `${value}us`
  if (kind === 'duration') return `${value}ms`
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => value > 0 && value % SIZE_UNITS[name]! === 0) ?? 'B'
  return `${value / SIZE_UNITS[unit]!}${unit}${kind === 'rate' ? '/s' : ''}`
}

/** What was given with a unit stays as it is. */
export function writtenText(
  kind: Kind,
  value: SettingValue,
  given: Given[string] | undefined,
): string | null {
  const isWritten = typeof given === 'string' && /^\d+[a-zA-Zµ]+(\/s)?$/.test(given)
  return isWritten ? given : valueText(kind, value)
}
