import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { type ClientEncryptionOptions, tlsSettings } from '../../src/server/client-encryption.ts'
import { NativeTransport } from '../../src/server/index.ts'
import { FakeHandler } from './fake-handler.ts'
import { TestClient } from './test-client.ts'

/** Keys and stores made with openssl and keytool, of a CA that nobody else trusts; valid for a century. */
const FOLDER = new URL('tls/', import.meta.url).pathname
const path = (name: string): string => `${FOLDER}${name}`
const file = (name: string): Buffer => readFileSync(path(name))

const running: NativeTransport[] = []

async function serve(
  options: ClientEncryptionOptions,
): Promise<{ port: number; transport: NativeTransport }> {
  const tls = tlsSettings({ enabled: true, ...options }, readFileSync)
  if (tls === null) throw new Error('encryption is off')
  const transport = await NativeTransport.start({
    network: new NodeNetwork(),
    host: '127.0.0.1',
    port: 0,
    handler: new FakeHandler(),
    tls,
  })
  running.push(transport)
  return { port: transport.address.port, transport }
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((transport) => transport.stop(500)))
})

/** A socket that trusts the test CA. */
function encrypted(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: file('ca.pem'), ...options })
    socket.once('error', reject)
    socket.once('secureConnect', () => resolve(socket))
  })
}

async function speaks(port: number, options: ConnectionOptions = {}): Promise<void> {
  const client = await TestClient.connect(port, { version: 5, socket: await encrypted(port, options) })
  expect((await client.query('echo encrypted'))['kind']).toBe('rows')
  expect((await client.query('big 3000000'))['kind']).toBe('rows')
  client.close()
}

describe('client_encryption_options', () => {
  it.each([
    ['PEM', { keystore: path('server.pem') }],
    ['PKCS12', { keystore: path('server.p12'), keystore_password: 'secret' }],
  ])('takes a keystore in %s', async (_format, options) => {
    const { port, transport } = await serve(options)
    const client = await TestClient.connect(port, { socket: await encrypted(port) })
    expect(transport.connections()[0].tls).toEqual({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' })
    client.close()
    await speaks(port)
  })

  it('closes plain connections, unless encryption is optional', async () => {
    const strict = await serve({ keystore: path('server.pem') })
    const refused = await TestClient.open(strict.port)
    refused.socket.write(Buffer.from('040000010500000000', 'hex'))
    await refused.closed()

    const { port, transport } = await serve({ keystore: path('server.pem'), optional: true })
    const plain = await TestClient.connect(port)
    expect((await plain.query('echo plain'))['kind']).toBe('rows')
    expect(transport.connections()[0].tls).toBeNull()
    plain.close()
    await speaks(port)
  })

  it.each([
    ['PEM', { truststore: path('ca.pem') }],
    ['PKCS12', { truststore: path('trust.p12'), truststore_password: 'secret' }],
  ])('asks for a certificate of a truststore in %s', async (_format, store) => {
    const { port } = await serve({ keystore: path('server.pem'), require_client_auth: true, ...store })
    await speaks(port, { key: file('client.pem'), cert: file('client.pem') })
    const stranger = await encrypted(port)
    const client = await TestClient.open(port, { socket: stranger })
    stranger.write(Buffer.from('040000010500000000', 'hex'))
    await client.closed()
    expect(client.strays).toEqual([])
  })

  it('speaks the accepted protocols only', async () => {
    const { port } = await serve({ keystore: path('server.pem'), accepted_protocols: ['TLSv1.2'] })
    await speaks(port, { maxVersion: 'TLSv1.2' })
    await expect(encrypted(port, { minVersion: 'TLSv1.3' })).rejects.toThrow()
  })

  it('refuses JKS with the line that converts it', () => {
    const options = { enabled: true, keystore: path('server.pem'), truststore: path('trust.jks') }
    expect(() => tlsSettings(options, readFileSync)).toThrow(
      `keytool -importkeystore -srckeystore ${path('trust.jks')} -destkeystore ${path('trust.p12')} -deststoretype PKCS12`,
    )
    expect(() => tlsSettings({ enabled: true, keystore: path('trust.jks') }, readFileSync)).toThrow(/JKS/)
  })

  it('says what is wrong with other files', () => {
    const settings = (options: ClientEncryptionOptions) =>
      tlsSettings({ enabled: true, ...options }, readFileSync)
    expect(() => settings({})).toThrow(/keystore must be set/)
    expect(() => settings({ keystore: path('ca.pem') })).toThrow(/must hold a private key/)
    const wrong = {
      keystore: path('server.pem'),
      truststore: path('trust.p12'),
      truststore_password: 'wrong',
    }
    expect(() => settings(wrong)).toThrow('The password of the PKCS12 file is wrong')
    expect(() => settings({ keystore: path('server.pem'), accepted_protocols: ['SSLv3'] })).toThrow(
      /None of SSLv3/,
    )
    expect(tlsSettings({ enabled: false }, readFileSync)).toBeNull()
  })

  it('lets a handshake that never comes keep nothing from stopping', async () => {
    const { port, transport } = await serve({ keystore: path('server.pem'), optional: true })
    const silent = connectPlain(port, '127.0.0.1')
    const half = connectPlain(port, '127.0.0.1')
    silent.on('error', () => {})
    half.on('error', () => {})
    await new Promise<void>((resolve) => half.once('connect', resolve))
    half.write(Buffer.from([0x16, 0x03]))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await transport.stop(200)
    await Promise.all(
      [silent, half].map((socket) => (socket.closed ? null : new Promise((r) => socket.once('close', r)))),
    )
  })
})
