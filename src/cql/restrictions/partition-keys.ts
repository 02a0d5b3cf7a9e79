import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import type { DecoratedKey } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import { packComposite } from '../../types/index.ts'
import type { ExecutionContext } from '../term.ts'
import { equalValues, ownedValue } from './bound-values.ts'
import { appendValues } from './clustering-bounds.ts'
import { invalid, type Restriction } from './restriction.ts'

/** Greatest length of a partition key, and of a clustering (`FBUtilities.MAX_UNSIGNED_SHORT`). */
const MAX_KEY_LENGTH = 65_535

const token = new Int32Array(2)

/** The key with its token. */
export function decorateKey(key: Uint8Array): DecoratedKey {
  murmur3Token(key, 0, key.length, token)
  return { key, tokenHi: token[0], tokenLo: token[1] }
}

/** Refuses clusterings that are too long (`ClusteringPrefix.validate`). */
export function validateClustering(components: readonly Uint8Array[]): void {
  let sum = 0
  for (const component of components) sum += component.length
  if (sum > MAX_KEY_LENGTH) throw invalid(`Key length of ${sum} is longer than maximum of ${MAX_KEY_LENGTH}`)
}

/** Refuses a key that is empty or too long (`QueryProcessor.validateKey`). */
export function validateKey({ key }: DecoratedKey): void {
  if (key.length === 0) throw invalid('Key may not be empty')
  if (key.length > MAX_KEY_LENGTH) {
    throw invalid(`Key length of ${key.length} is longer than maximum of ${MAX_KEY_LENGTH}`)
  }
}

/** The serialized partition key of its columns' values. */
export function partitionKey(components: readonly Uint8Array[]): DecoratedKey {
  validateClustering(components)
  return decorateKey(components.length === 1 ? components[0] : packComposite(components))
}

/** The keys that equalities and INs give, ordered by the columns' values, each once; not validated. */
export function bindKeys(
  table: TableMetadata,
  restrictions: readonly Restriction[],
  context: ExecutionContext,
): readonly DecoratedKey[] {
  const first = restrictions[0]
  if (restrictions.length === 1 && first.kind === 'eq') return [singleKey(first, context)]
  let tuples: readonly (readonly Uint8Array[])[] = [[]]
  for (const restriction of restrictions) {
    tuples = appendValues<never>(tuples, restriction, context)
    // Behind an IN of nothing no value is looked at.
    if (tuples.length === 0) return []
  }
  const types = table.partitionKeys.map((column) => column.type)
  const order = (a: readonly Uint8Array[], b: readonly Uint8Array[]) => {
    for (let i = 0; i < types.length; i++) {
      const sign = types[i].compare(a[i], 0, a[i].length, b[i], 0, b[i].length)
      if (sign !== 0) return sign
    }
    return 0
  }
  const sorted = tuples.length < 2 ? tuples : [...tuples].sort(order)
  return sorted.filter((tuple, i) => i === 0 || order(sorted[i - 1], tuple) !== 0).map(partitionKey)
}

/** The most frequent statement's key, `WHERE k = ?`. */
function singleKey(
  restriction: Extract<Restriction, { kind: 'eq' }>,
  context: ExecutionContext,
): DecoratedKey {
  if (restriction.value.kind === 'terms') {
    const key = ownedValue(restriction.value.terms[0], context)
    if (key instanceof Uint8Array && key.length > 0 && key.length <= MAX_KEY_LENGTH) return decorateKey(key)
  }
  return partitionKey(equalValues(restriction, context))
}

export function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, 0, a.length, b, 0, b.length) === 0
}
