import type { Socket } from 'node:net'
import { connect } from 'node:net'

export type ConnectToServer = () => Promise<Socket>

/** Opens sockets to `host:port`. */
export function connector(host: string, port: number): ConnectToServer {
  return () =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
    })
}
