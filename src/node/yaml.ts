import { createRequire } from 'node:module'
import { ConfigurationError } from '../common/errors.ts'

/** What a YAML file holds: cassandra.yaml has nothing else. */
export type Yaml = null | boolean | number | string | readonly Yaml[] | YamlMapping

export interface YamlMapping {
  readonly [name: string]: Yaml
}

export function isMapping(value: Yaml): value is YamlMapping {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/**
 * Reads YAML 1.1, as Cassandra does (`yes` and `on` are true). Whole numbers that a number here can't hold, such as tokens, stay
 * texts, and so do dates. Throws a ConfigurationError that names the line. The library is loaded with the first file: most starts
 * have none.
 */
export function parseYaml(text: string): Yaml {
  const { LineCounter, parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, {
    version: '1.1',
    customTags: (tags) => tags.filter((tag) => typeof tag !== 'object' || !tag.tag.endsWith(':timestamp')),
    intAsBigInt: true,
    lineCounter,
    prettyErrors: false,
  })
  // A warning is about a tag that nobody knows, whose value is then not what was meant.
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0])
    throw new ConfigurationError(`Invalid yaml: ${problem.message} (line ${line})`)
  }
  try {
    return document.toJS({
      reviver: (_, value: unknown) => (typeof value === 'bigint' ? whole(value) : value),
    })
  } catch (error) {
    // An alias of nothing, or aliases that would unfold to more than a configuration can be.
    if (error instanceof ReferenceError) throw new ConfigurationError(`Invalid yaml: ${error.message}`)
    throw error
  }
}

function whole(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
