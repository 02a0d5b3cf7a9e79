import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Sibyl as Server, type Sibyl, type SibylOptions } from '../../src/index.ts'
import { failure, Workbench } from './support.ts'

/** client_encryption_options with the stock driver; keys and certificates are made by the openssl command. */

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const bench = new Workbench()
let folder = ''

const at = (name: string): string => join(folder, name)

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr.toString()}`)
}

/** A key and a certificate that `ca` has signed. */
function certify(name: string, ca: string): void {
  writeFileSync(at('names.cnf'), 'subjectAltName = DNS:localhost, IP:127.0.0.1\n')
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
  )
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial'],
    ...['-out', `${name}.crt`, '-days', '2', '-extfile', 'names.cnf'],
  )
  writeFileSync(
    at(`${name}.pem`),
    readFileSync(at(`${name}.key`), 'utf8') + readFileSync(at(`${name}.crt`), 'utf8'),
  )
}

function makeCa(name: string): void {
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.crt`],
    ...['-days', '2', '-subj', `/CN=${name}`],
  )
}

describe.skipIf(!hasOpenssl)('TLS', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sibyl-tls-'))
    for (const ca of ['ca', 'strangers']) makeCa(ca)
    certify('server', 'ca')
    certify('client', 'ca')
    certify('stranger', 'strangers')
    const store = ['pkcs12', '-export', '-passout', 'pass:secret']
    openssl(...store, '-in', 'server.crt', '-inkey', 'server.key', '-out', 'server.p12')
    openssl(...store, '-nokeys', '-in', 'ca.crt', '-out', 'trust.p12')
    const encrypted = ['-aes256', '-passout', 'pass:secret', '-out', 'locked.key']
    openssl('rsa', '-in', 'server.key', ...encrypted)
    writeFileSync(
      at('locked.pem'),
      readFileSync(at('locked.key'), 'utf8') + readFileSync(at('server.crt'), 'utf8'),
    )
  })
  afterEach(() => bench.release())
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const start = (options: NonNullable<SibylOptions['clientEncryption']>): Promise<Sibyl> =>
    bench.start({ clientEncryption: { enabled: true, keystore: at('server.pem'), ...options } })

  /** Trusts the test CA only, and checks the server's name. */
  const trusting = (more: ConnectionOptions = {}): ConnectionOptions => ({
    ca: [readFileSync(at('ca.crt'))],
    rejectUnauthorized: true,
    ...more,
  })

  const as = (name: string): ConnectionOptions =>
    trusting({ key: readFileSync(at(`${name}.key`)), cert: readFileSync(at(`${name}.crt`)) })

  async function works(server: Sibyl, sslOptions?: ConnectionOptions): Promise<boolean | null> {
    // The driver does not hear that a socket was closed before its first answer: it waits for its timeout.
    const socketOptions = { readTimeout: 1_000 }
    const client = await bench.connect(
      server,
      sslOptions === undefined ? { socketOptions } : { socketOptions, sslOptions },
    )
    const { rows } = await client.execute('SELECT ssl_enabled FROM system_views.clients')
    return rows[0]!['ssl_enabled']
  }

  it.each([
    ['PEM', () => ({ keystore: at('server.pem') })],
    ['PEM with a password', () => ({ keystore: at('locked.pem'), keystore_password: 'secret' })],
    ['PKCS12', () => ({ keystore: at('server.p12'), keystore_password: 'secret' })],
  ])('serves with a keystore in %s', async (_format, options) => {
    const server = await start(options())
    expect(await works(server, trusting())).toBe(true)
  })

  it('takes no plain connection', async () => {
    const server = await start({})
    expect((await failure(works(server))).name).toBe('NoHostAvailableError')
    expect(await works(server, trusting())).toBe(true)
  })

  it('is not trusted by who does not know its CA', async () => {
    const server = await start({})
    const sslOptions = trusting({ ca: [readFileSync(at('strangers.crt'))] })
    expect((await failure(works(server, sslOptions))).name).toBe('NoHostAvailableError')
  })

  it('takes plain connections too when optional', async () => {
    const server = await start({ optional: true })
    expect(await works(server, trusting())).toBe(true)
    expect(await works(server)).toBeDefined()
    const client = await bench.connect(server)
    const { rows } = await client.execute('SELECT ssl_enabled, ssl_protocol FROM system_views.clients')
    expect(new Set(rows.map((row) => row['ssl_enabled']))).toEqual(new Set([true, false]))
  })

  it.each([
    ['PEM', () => ({ truststore: at('ca.crt') })],
    ['PKCS12', () => ({ truststore: at('trust.p12'), truststore_password: 'secret' })],
  ])('demands certificates of clients, against a truststore in %s', async (_format, truststore) => {
    const server = await start({ require_client_auth: true, ...truststore() })
    expect(await works(server, as('client'))).toBe(true)
    expect((await failure(works(server, trusting()))).name).toBe('NoHostAvailableError')
    expect((await failure(works(server, as('stranger')))).name).toBe('NoHostAvailableError')
    expect(await works(server, as('client'))).toBe(true)
  })

  it('goes together with passwords', async () => {
    const server = await bench.start({
      authenticator: 'PasswordAuthenticator',
      clientEncryption: { enabled: true, keystore: at('server.p12'), keystore_password: 'secret' },
    })
    const credentials = { username: 'cassandra', password: 'cassandra' }
    const client = await bench.connect(server, { sslOptions: trusting(), credentials })
    expect((await client.execute('SELECT key FROM system.local')).rowLength).toBe(1)
  })

  it('is plain when not enabled', async () => {
    const server = await bench.start({ clientEncryption: { enabled: false, keystore: at('server.pem') } })
    expect(await works(server)).toBe(false)
  })

  it('refuses Java keystores with the line that converts them, and lets go of its directory', async () => {
    writeFileSync(at('old.jks'), Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 0]))
    const dir = bench.folder()
    const refused = (clientEncryption: NonNullable<SibylOptions['clientEncryption']>) =>
      failure(Server.start({ dir, clientEncryption: { enabled: true, ...clientEncryption } }))
    const line = `keytool -importkeystore -srckeystore ${at('old.jks')} -destkeystore ${at('old.p12')} -deststoretype PKCS12`
    expect((await refused({ keystore: at('old.jks') })).message).toContain(line)
    expect((await refused({ keystore: at('server.pem'), truststore: at('old.jks') })).message).toContain(line)
    expect((await refused({})).message).toBe('client_encryption_options.keystore must be set')
    expect((await refused({ keystore: at('nothing.pem') })).message).toContain(at('nothing.pem'))
    expect((await refused({ keystore: at('server.p12'), keystore_password: 'wrong' })).message).toMatch(
      /mac verify/i,
    )
    await bench.start({ dir })
  })
})

if (!hasOpenssl) it.skip('TLS is not tested with the driver here: there is no openssl command')
