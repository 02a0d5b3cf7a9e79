/**
 * The network as the rest of the program sees it: listening, connecting, and connections that take and give bytes.
 * `node-network.ts` is the real one; the simulator has another.
 */
export interface Network {
  /** Resolves when connections are accepted; port 0 takes a free one. Rejects when the address can't be had. */
  listen(options: ListenOptions, onConnection: (connection: NetworkConnection) => void): Promise<Listener>
  /** Rejects when nobody listens there, when `timeoutMs` have passed, or when the TLS handshake fails. */
  connect(host: string, port: number, options?: ConnectOptions): Promise<NetworkConnection>
}

export interface ConnectOptions {
  /** Of the connection and its TLS handshake; without it what the operating system takes. */
  readonly timeoutMs?: number
  /** Encrypts, and accepts only a server whose certificate one of `ca` has signed. */
  readonly tls?: TlsIdentity & {
    /** The server's certificate must also be for the host that was connected to. */
    readonly verifyHost: boolean
  }
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsSettings
}

/** Certificates and keys as bytes, however they were stored (`client_encryption_options`, `server_encryption_options`). */
export interface TlsIdentity {
  /** Private key and certificate chain, PEM. */
  readonly key?: Buffer
  readonly cert?: Buffer
  /** The same as PKCS12. */
  readonly pfx?: Buffer
  readonly passphrase?: string
  readonly ca?: readonly (Buffer | string)[]
  readonly ciphers?: string
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** How a listener encrypts. */
export interface TlsSettings extends TlsIdentity {
  /** Plain connections are taken on the same port: a first byte of 0x16 starts TLS. */
  readonly isOptional: boolean
  /** The client must show a certificate that one of `ca` has signed. */
  readonly requireClientCertificate: boolean
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Accepts no more connections; those that are open stay open. */
  close(): Promise<void>
}

/** How a connection is encrypted, for system_views.clients. */
export interface TlsInfo {
  readonly protocol: string
  readonly cipher: string
}

/** One listener each; the last one set counts. Nothing is delivered before `onData` is called. */
export interface NetworkConnection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly tls: TlsInfo | null
  /** Takes the bytes over: they must not change afterwards. False when the caller should wait for `onDrain`. */
  write(bytes: Uint8Array): boolean
  /** Bytes taken over that have not left yet. */
  readonly unsentBytes: number
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  destroy(): void
  onData(listener: (chunk: Buffer) => void): void
  onDrain(listener: () => void): void
  /** Called once, also after an error. */
  onClose(listener: (error: Error | null) => void): void
}
