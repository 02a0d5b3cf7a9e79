import { DEFAULT_QUERY_CONFIG, type QueryConfig } from '../query/query-processor.ts'
import { defaultConfig, type NativeTransportConfig } from '../server/index.ts'
import type { SibylOptions } from './options.ts'

/** What the settings of the options say to each room. */
export interface Settings {
  readonly query: Partial<QueryConfig>
  readonly transport: Partial<NativeTransportConfig>
}

type Values = NonNullable<SibylOptions['settings']>

/** Those of the settings that a room has, each a value of the kind that its default is. */
function ofRoom<T extends object>(defaults: T, settings: Values): Partial<T> {
  const values: Partial<T> = {}
  for (const name of Object.keys(defaults) as (keyof T & string)[]) {
    const value = settings[name]
    if (value === undefined) continue
    if (typeof value !== typeof defaults[name]) {
      throw new Error(`Invalid value of setting ${name}: ${value} is not a ${typeof defaults[name]}`)
    }
    values[name] = value as T[typeof name]
  }
  return values
}

/** Throws when a setting is none of Sibyl's. */
export function settingsOf(options: SibylOptions): Settings {
  const settings = options.settings ?? {}
  const query = ofRoom(DEFAULT_QUERY_CONFIG, settings)
  const transport = ofRoom(defaultConfig(), settings)
  const unknown = Object.keys(settings).filter((name) => !(name in query) && !(name in transport))
  if (unknown.length > 0) throw new Error(`Unknown settings: ${unknown.join(', ')}`)
  return { query, transport }
}
