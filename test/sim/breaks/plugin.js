import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BREAKS } from './breaks.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Puts a break into its file while that is bundled, or loaded by vitest; sources stay as they are. Throws an Error for a name that is not
 * known.
 *
 * @param {string} name
 */
export function breaking(name) {
  const one = BREAKS.find((other) => other.name === name)
  if (one === undefined) throw new Error(`There is no break ${name}`)
  const { file, search, replace } = one
  return {
    name: 'break',
    /** @param {string} code @param {string} id */
    transform(code, id) {
      if (id !== join(root, file)) return null
      if (code.split(search).length !== 2) throw new Error(`${file} has not once: ${search}`)
      return { code: code.replace(search, () => replace), map: null }
    },
  }
}
