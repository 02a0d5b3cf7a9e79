import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { type ClusteringBound, clusteringTypes, compareBounds, type Slice } from '../../model/clustering.ts'
import type { DecoratedKey, ReadCommand } from '../../model/read-command.ts'
import type { ResponseEnd } from '../replica/read-response.ts'

/**
 * What is left of a command behind the end of a response, in the order in which it is to be read: the rest of a partition, then
 * those behind it. Throws a RangeError where the end is none of the command's.
 */
export function commandsAfter(command: ReadCommand, { key, clustering }: ResponseEnd): ReadCommand[] {
  const rest: ReadCommand[] = []
  const decorated = decorate(key)
  if (clustering !== null) {
    const slices = slicesAfter(command, clustering)
    if (slices.length > 0) rest.push({ ...command, keys: [decorated], slices })
  }
  const { keys, range } = command
  if (keys === null) {
    const { tokenHi, tokenLo } = decorated
    const behind = { ...range, startHi: tokenHi, startLo: tokenLo, startInclusive: true, afterKey: key }
    rest.push({ ...command, range: behind })
    return rest
  }
  const at = keys.findIndex((other) => sameBytes(other.key, key))
  if (at < 0) throw new RangeError('A response ends with a key that was not asked for')
  if (at + 1 < keys.length) rest.push({ ...command, keys: keys.slice(at + 1) })
  return rest
}

function decorate(key: Uint8Array): DecoratedKey {
  const token = new Int32Array(2)
  murmur3Token(key, 0, key.length, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, 0, a.length, b, 0, b.length) === 0
}

/** Slices without the row of that clustering and what is read before it. */
function slicesAfter({ table, slices, reversed }: ReadCommand, clustering: readonly Uint8Array[]): Slice[] {
  const types = clusteringTypes(table)
  const place: ClusteringBound = { components: clustering, side: reversed ? 0 : 1 }
  return slices.flatMap((slice): Slice[] => {
    const { start, end } = slice
    if (reversed) {
      if (compareBounds(types, start, place) >= 0) return []
      return [compareBounds(types, end, place) > 0 ? { start, end: place } : slice]
    }
    if (compareBounds(types, end, place) <= 0) return []
    return [compareBounds(types, start, place) < 0 ? { start: place, end } : slice]
  })
}
