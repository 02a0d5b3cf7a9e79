/** A wire that can be cut: what stands in for a kill where the server is not ours to kill. */

import { connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly host: string
  readonly port: number
  /** Breaks every connection, whatever is on it, and takes no more of them. */
  cut(): void
}

export async function layWire(target: { host: string; port: number }): Promise<Wire> {
  const ends = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect({ host: target.host, port: target.port })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(from)
      from.pipe(to)
      from.on('error', () => from.destroy())
      from.on('close', () => {
        ends.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((fulfil) => server.listen(0, target.host, fulfil))
  const address = server.address() as { port: number }
  return {
    host: target.host,
    port: address.port,
    cut: () => {
      server.close()
      for (const end of ends) end.destroy()
    },
  }
}
