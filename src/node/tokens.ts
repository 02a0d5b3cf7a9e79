import { tokenToString } from '../common/murmur3.ts'
import type { Random } from '../io/random.ts'

/** Random tokens of a new node, as text, all different (`BootStrapper.getRandomTokens`). */
export function randomTokens(count: number, random: Random): string[] {
  const tokens = new Set<string>()
  const halves = new Int32Array(2 * count)
  while (tokens.size < count) {
    random.bytes(new Uint8Array(halves.buffer))
    for (let i = 0; i < halves.length && tokens.size < count; i += 2)
      tokens.add(tokenToString(halves[i]!, halves[i + 1]!))
  }
  return [...tokens]
}
