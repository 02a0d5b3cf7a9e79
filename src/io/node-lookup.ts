import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'

/** The address of a host's name, or with an empty name that of this machine; null where it has none. */
export async function lookupAddress(name: string): Promise<string | null> {
  try {
    return (await lookup(name === '' ? hostname() : name)).address
  } catch {
    return null
  }
}
