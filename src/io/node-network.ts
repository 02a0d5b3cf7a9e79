import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  Network,
  NetworkConnection,
  TlsIdentity,
  TlsInfo,
  TlsSettings,
} from './network.ts'

/** How long a client may take to say its first byte and shake hands. */
const OPENING_TIMEOUT_MS = 10_000
/** First byte of a TLS record that holds a handshake. */
const TLS_HANDSHAKE = 0x16

/** The machine's own network. `node:tls` loads with the first encrypted listener. */
export class NodeNetwork implements Network {
  async listen(
    options: ListenOptions,
    onConnection: (connection: NetworkConnection) => void,
  ): Promise<Listener> {
    const opening = new Set<Socket>()
    const accept = await accepting(options.tls, opening, onConnection)
    const server = createServer({ noDelay: true, keepAlive: true }, accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', () => {})
    return new NodeListener(server, opening)
  }

  async connect(host: string, port: number, options: ConnectOptions = {}): Promise<NetworkConnection> {
    const { tls, timeoutMs } = options
    const connectTls = tls === undefined ? null : (await import('node:tls')).connect
    return new Promise((resolve, reject) => {
      const raw = connect({ host, port, noDelay: true, keepAlive: true })
      let socket: Socket = raw
      const fail = (error: Error): void => {
        clearTimeout(timer)
        socket.destroy()
        raw.destroy()
        reject(error)
      }
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => fail(new Error(`connect ETIMEDOUT ${host}:${port}`)), timeoutMs)
      const done = (info: TlsInfo | null): void => {
        clearTimeout(timer)
        const connection = new NodeConnection(socket, info)
        // Under TLS the plain socket fails with the encrypted one; nobody else listens to it.
        raw.on('error', () => {})
        raw.off('error', fail)
        socket.off('error', fail)
        resolve(connection)
      }
      raw.on('error', fail)
      if (connectTls === null || tls === undefined) {
        raw.once('connect', () => done(null))
        return
      }
      const secure = connectTls({
        socket: raw,
        ...tlsOptions(tls),
        host,
        rejectUnauthorized: true,
        ...(tls.verifyHost ? {} : { checkServerIdentity: () => undefined }),
      })
      socket = secure
      secure.on('error', fail)
      secure.once('secureConnect', () => done(tlsInfo(secure)))
    })
  }
}

/** What both sides of TLS are told of keys, certificates and versions. */
function tlsOptions(tls: TlsIdentity): SecureContextOptions {
  return {
    key: tls.key,
    cert: tls.cert,
    pfx: tls.pfx,
    passphrase: tls.passphrase,
    ca: tls.ca === undefined ? undefined : [...tls.ca],
    ciphers: tls.ciphers,
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
  }
}

function tlsInfo(socket: TLSSocket): TlsInfo {
  return { protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName }
}

/** What to do with a socket that was accepted; `opening` keeps those that are no connections yet. */
async function accepting(
  tls: TlsSettings | undefined,
  opening: Set<Socket>,
  onConnection: (connection: NetworkConnection) => void,
): Promise<(socket: Socket) => void> {
  if (tls === undefined) return (socket) => onConnection(new NodeConnection(socket, null))
  const { createServer: createTlsServer } = await import('node:tls')
  const secure = createTlsServer({
    ...tlsOptions(tls),
    requestCert: tls.requireClientCertificate,
    rejectUnauthorized: tls.requireClientCertificate,
  })
  /** By the client's address: called when its handshake is done. */
  const opened = new Map<string, () => void>()
  const startTls = (raw: Socket): void => {
    secure.emit('connection', raw)
  }
  secure.on('secureConnection', (socket: TLSSocket) => {
    opened.get(peer(socket))?.()
    onConnection(new NodeConnection(socket, tlsInfo(socket)))
  })
  secure.on('tlsClientError', (_error, socket) => socket.destroy())
  return (socket) => {
    const key = peer(socket)
    const timer = setTimeout(() => socket.destroy(), OPENING_TIMEOUT_MS)
    timer.unref()
    const settle = (): void => {
      clearTimeout(timer)
      opening.delete(socket)
      opened.delete(key)
    }
    opening.add(socket)
    opened.set(key, settle)
    socket.on('error', () => socket.destroy())
    socket.once('close', settle)
    if (!tls.isOptional) {
      startTls(socket)
      return
    }
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (first === null) {
        socket.destroy()
        return
      }
      socket.unshift(first)
      if (first[0] === TLS_HANDSHAKE) {
        startTls(socket)
        return
      }
      settle()
      onConnection(new NodeConnection(socket, null))
    })
  }
}

function peer(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

class NodeListener implements Listener {
  readonly host: string
  readonly port: number
  private readonly server: Server
  private readonly opening: ReadonlySet<Socket>

  constructor(server: Server, opening: ReadonlySet<Socket>) {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server does not listen on TCP')
    this.server = server
    this.opening = opening
    this.host = address.address
    this.port = address.port
  }

  close(): Promise<void> {
    // Server.close would wait for every connection; accepting ends at once.
    return new Promise((resolve) => {
      this.server.close()
      this.server.unref()
      for (const socket of this.opening) socket.destroy()
      resolve()
    })
  }
}

class NodeConnection implements NetworkConnection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly tls: TlsInfo | null
  private readonly socket: Socket
  private error: Error | null = null
  private dataListener: ((chunk: Buffer) => void) | null = null
  private drainListener: (() => void) | null = null
  private closeListener: ((error: Error | null) => void) | null = null

  constructor(socket: Socket, tls: TlsInfo | null) {
    this.socket = socket
    this.tls = tls
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.localPort = socket.localPort ?? 0
    socket.on('error', (error) => {
      this.error = error
      socket.destroy()
    })
  }

  get unsentBytes(): number {
    return this.socket.writableLength
  }

  write(bytes: Uint8Array): boolean {
    if (this.socket.destroyed || this.socket.writableEnded) return true
    return this.socket.write(bytes)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  onData(listener: (chunk: Buffer) => void): void {
    if (this.dataListener !== null) this.socket.off('data', this.dataListener)
    this.dataListener = listener
    this.socket.on('data', listener)
  }

  onDrain(listener: () => void): void {
    if (this.drainListener !== null) this.socket.off('drain', this.drainListener)
    this.drainListener = listener
    this.socket.on('drain', listener)
  }

  onClose(listener: (error: Error | null) => void): void {
    const isFirst = this.closeListener === null
    this.closeListener = listener
    if (!isFirst) return
    const closed = (): void => this.closeListener?.(this.error)
    if (this.socket.closed) queueMicrotask(closed)
    else this.socket.once('close', closed)
  }
}
