import { tokenToString } from '../common/murmur3.ts'
import type { Random } from '../io/random.ts'

/** Random tokens of a new node, as text, all different (`BootStrapper.getRandomTokens`). */
export function randomTokens(count: number, random: Random): string[] {
  const tokens = new Set<string>()
  while (tokens.size < count) tokens.add(tokenToString(random.uint32() | 0, random.uint32() | 0))
  return [...tokens]
}
