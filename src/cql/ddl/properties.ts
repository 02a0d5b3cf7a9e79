/** The `name = value` behind WITH (`PropertyDefinitions`). */

import { SyntaxError as CqlSyntaxError } from '../../common/errors.ts'
import { parseInt32 } from '../../common/java-numbers.ts'
import { parseDouble } from '../../types/index.ts'
import type { Property } from '../raw/index.ts'
import { hashOrder } from './java.ts'

export class Properties {
  readonly #values: Map<string, string | ReadonlyMap<string, string>>

  constructor(properties: readonly Property[]) {
    this.#values = new Map(properties.map(({ name, value }) => [name, value]))
  }

  names(): string[] {
    return hashOrder(this.#values.keys())
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  remove(name: string): void {
    this.#values.delete(name)
  }

  set(name: string, value: string | ReadonlyMap<string, string>): void {
    this.#values.set(name, value)
  }

  refuseUnknown(known: ReadonlySet<string>): void {
    for (const name of this.names()) {
      if (!known.has(name)) throw new CqlSyntaxError(`Unknown property '${name}'`)
    }
  }

  string(name: string): string | null {
    const value = this.#values.get(name)
    if (value === undefined) return null
    if (typeof value === 'string') return value
    throw new CqlSyntaxError(`Invalid value for property '${name}'. It should be a string`)
  }

  map(name: string): ReadonlyMap<string, string> | null {
    const value = this.#values.get(name)
    if (value === undefined) return null
    if (typeof value !== 'string') return value
    throw new CqlSyntaxError(`Invalid value for property '${name}'. It should be a map.`)
  }

  boolean(name: string): boolean | null {
    const value = this.string(name)
    if (value === null) return null
    const lower = value.toLowerCase()
    if (lower === '1' || lower === 'true' || lower === 'yes') return true
    if (lower === '0' || lower === 'false' || lower === 'no') return false
    throw new CqlSyntaxError(
      `Invalid boolean value ${value} for '${name}'. Positive values can be '1', 'true' or 'yes'. Negative values can be '0', 'false' or 'no'.`,
    )
  }

  integer(name: string): number | null {
    const value = this.string(name)
    if (value === null) return null
    const integer = parseInt32(value)
    if (integer === null) throw new CqlSyntaxError(`Invalid integer value ${value} for '${name}'`)
    return integer
  }

  double(name: string): number | null {
    const value = this.string(name)
    if (value === null) return null
    const double = parseDouble(value)
    if (double === undefined) throw new CqlSyntaxError(`Invalid double value ${value} for '${name}'`)
    return double
  }
}
