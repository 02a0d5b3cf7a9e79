import type { Decoded, DecodedValue } from '../../../src/protocol/client-response.ts'

/** The texts in which Cassandra gives the signatures of functions, in the order of a hash of its objects. */
const SIGNATURES = /(known type signatures: |following signatures: )(.*?)(?=\)$|\): )/

/** Columns of a relation in the order of such a hash. */
const COLUMNS = /(?<=^|on )(\w+(?: ,\w+)+)(?= cannot be restricted|$)/

/**
 * What is left of an answer when what no two Cassandra nodes have in common is taken out of it: the order of
 * warnings, of the signatures and of the columns in a refusal, and under which of its two names a function of
 * JSON was called first since the node was started.
 */
export function canonical(answer: Decoded): Decoded {
  const changed: Decoded = {}
  for (const [name, value] of Object.entries(answer)) changed[name] = canonicalValue(name, value)
  return changed
}

function canonicalValue(name: string, value: DecodedValue): DecodedValue {
  if (name === 'warnings') return [...(value as string[])].sort()
  if (name === 'message') return canonicalMessage(value as string)
  if (name === 'columns') return (value as string[]).map(jsonFunctionName)
  if (name === 'function') return jsonFunctionName(value as string)
  if (name === 'pages') return (value as Decoded[]).map(canonical)
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return canonical(value)
  return value
}

function canonicalMessage(message: string): string {
  return jsonFunctionName(message)
    .replace(SIGNATURES, (_, start: string, signatures: string) => start + sorted(signatures, ', system.'))
    .replace(COLUMNS, (columns) => sorted(columns, ' ,'))
}

function sorted(list: string, separator: string): string {
  return list
    .split(separator)
    .map((part) => part.replace(/^system\./, ''))
    .sort()
    .join(separator)
}

function jsonFunctionName(text: string): string {
  return text.replace(/\b(to|from)json\b/g, '$1_json')
}
