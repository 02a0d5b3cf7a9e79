import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../src/cluster/endpoint.ts'
import { wordsOf } from '../../src/cluster/messaging/aligned.ts'
import { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import {
  internodeEncryption,
  type Locality,
  type ServerEncryptionOptions,
} from '../../src/cluster/messaging/internode-encryption.ts'
import { InternodeMessaging, type MessagingOptions } from '../../src/cluster/messaging/internode-messaging.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { nodeRandom } from '../../src/io/node-random.ts'
import { nodeTimers } from '../../src/io/node-timers.ts'

const running: InternodeMessaging[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()))
})

async function start(address: string, options: Partial<MessagingOptions> = {}): Promise<InternodeMessaging> {
  const service = new InternodeMessaging({
    self: parseEndpoint(address)!,
    network: new NodeNetwork(),
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
    ...options,
  })
  await service.listen()
  running.push(service)
  return service
}

function ask(
  from: InternodeMessaging,
  to: InternodeMessaging,
  payload: Uint8Array,
): Promise<Uint8Array | RequestFailureReason> {
  return new Promise((resolve) => {
    from.request(to.self, Verb.MUTATION_REQ, payload, {
      timeoutMs: 1000,
      onResponse: (answer) => resolve(Uint8Array.from(answer)),
      onFailure: resolve,
    })
  })
}

describe('messaging over sockets', () => {
  it('answers requests of all sizes, and of a node to itself', async () => {
    const a = await start('127.0.0.31:17000')
    const b = await start('127.0.0.32:17000')
    for (const service of [a, b]) {
      service.handle(Verb.MUTATION_REQ, (message) => {
        const words = wordsOf(message.payload)
        message.respond(Uint8Array.of(message.payload.length & 0xff, words.length > 0 ? words[0]! & 0xff : 0))
      })
    }
    for (const size of [0, 1, 3, 200, 70_000, 131_000, 131_072, 200_000, 5_000_000]) {
      const payload = new Uint8Array(size).fill(7)
      const expected = Uint8Array.of(size & 0xff, size >= 4 ? 7 : 0)
      expect(await ask(a, b, payload), `${size} bytes`).toEqual(expected)
      expect(await ask(b, a, payload), `${size} bytes`).toEqual(expected)
      expect(await ask(a, a, payload), `${size} bytes`).toEqual(expected)
    }
  })
})

describe('a peer', () => {
  it('that was away is found again', async () => {
    const a = await start('127.0.0.31:17001')
    const answering = async (): Promise<InternodeMessaging> => {
      const service = await start('127.0.0.32:17001')
      service.handle(Verb.MUTATION_REQ, (message) => message.respond(message.payload))
      return service
    }
    const b = await answering()
    expect(await ask(a, b, new Uint8Array(3))).toEqual(new Uint8Array(3))
    await b.close()
    running.splice(running.indexOf(b), 1)
    expect(await ask(a, b, new Uint8Array(3))).toBe(RequestFailureReason.TIMEOUT)
    await answering()
    expect(await ask(a, b, new Uint8Array(3))).toEqual(new Uint8Array(3))
  })
})

/** Keys and stores of the tests of client_encryption_options; the certificate is for 127.0.0.1 and localhost. */
const stores = new URL('../protocol/tls/', import.meta.url).pathname
const PKCS12: ServerEncryptionOptions = {
  keystore: `${stores}server.p12`,
  keystore_password: 'secret',
  truststore: `${stores}trust.p12`,
  truststore_password: 'secret',
}
const PEM: ServerEncryptionOptions = { keystore: `${stores}server.pem`, truststore: `${stores}ca.pem` }
const ELSEWHERE: Locality = () => 'elsewhere'

function encrypted(
  options: ServerEncryptionOptions,
  locality: Locality = ELSEWHERE,
): Partial<MessagingOptions> {
  return { encryption: internodeEncryption(options, locality, readFileSync) }
}

describe('server_encryption_options', () => {
  let port = 17_200

  /** Whether a request of the one to the other is answered, and whether what it came over was encrypted. */
  async function meet(
    one: Partial<MessagingOptions>,
    other: Partial<MessagingOptions>,
  ): Promise<'plain' | 'encrypted' | 'refused'> {
    port++
    const log: string[] = []
    const say = (message: string): void => {
      log.push(message)
    }
    const logger = { info: say, warn: say, error: say }
    const a = await start(`127.0.0.31:${port}`, { logger, ...one })
    const b = await start(`127.0.0.32:${port}`, { logger, ...other })
    b.handle(Verb.MUTATION_REQ, (message) => message.respond(message.payload))
    const answer = await ask(a, b, new Uint8Array(300_000).fill(1))
    if (typeof answer === 'number') return 'refused'
    expect(answer).toHaveLength(300_000)
    const kinds = new Set([...b.inboundConnections].map(({ network }) => network.tls?.protocol ?? 'plain'))
    expect(kinds.size).toBe(1)
    return kinds.has('plain') ? 'plain' : 'encrypted'
  }

  it.each([
    ['PKCS12', PKCS12],
    ['PEM', PEM],
  ])('encrypt all with stores in %s', async (_format, options) => {
    const all = encrypted({ ...options, internode_encryption: 'all', require_client_auth: true })
    expect(await meet(all, all)).toBe('encrypted')
  })

  it('all refuses who does not encrypt, and who shows no certificate', async () => {
    const all = encrypted({ ...PKCS12, internode_encryption: 'all', require_client_auth: true })
    expect(await meet({}, all)).toBe('refused')
    expect(await meet(all, {})).toBe('refused')
    await start('127.0.0.33:17199', all)
    const bare = connectTls({ host: '127.0.0.33', port: 17_199, ca: readFileSync(`${stores}ca.pem`) })
    await new Promise((resolve) => bare.once('error', resolve))
  })

  it('verifies the address where that is asked for', async () => {
    const all = encrypted({ ...PKCS12, internode_encryption: 'all' })
    const verifying = encrypted({
      ...PKCS12,
      internode_encryption: 'all',
      require_endpoint_verification: true,
    })
    expect(await meet(verifying, all)).toBe('refused')
  })

  it('dc and rack encrypt what leaves them, and refuse the same from others unencrypted', async () => {
    const near = (
      where: ReturnType<Locality>,
      internode_encryption: 'dc' | 'rack',
    ): Partial<MessagingOptions> => encrypted({ ...PKCS12, internode_encryption }, () => where)
    expect(await meet(near('sameDatacenter', 'dc'), near('sameDatacenter', 'dc'))).toBe('plain')
    expect(await meet(near('elsewhere', 'dc'), near('elsewhere', 'dc'))).toBe('encrypted')
    expect(await meet(near('sameDatacenter', 'rack'), near('sameDatacenter', 'rack'))).toBe('encrypted')
    expect(await meet(near('sameRack', 'rack'), near('sameRack', 'rack'))).toBe('plain')
    expect(await meet({}, near('elsewhere', 'dc'))).toBe('refused')
  })

  it('optional takes both, and falls back to plain', async () => {
    const optional = encrypted({ ...PKCS12, internode_encryption: 'all', optional: true })
    expect(await meet(optional, optional)).toBe('encrypted')
    expect(await meet({}, optional)).toBe('plain')
    expect(await meet(optional, {})).toBe('plain')
    // A keystore without encryption is the beginning of a change-over: encrypted connections are taken.
    expect(await meet(optional, encrypted(PKCS12))).toBe('encrypted')
    expect(await meet(encrypted(PKCS12), optional)).toBe('plain')
  })

  it('legacy_ssl_storage_port_enabled listens on ssl_storage_port besides', async () => {
    const options = { ...PKCS12, legacy_ssl_storage_port_enabled: true }
    const service = new InternodeMessaging({
      self: parseEndpoint('127.0.0.34:17198')!,
      network: new NodeNetwork(),
      clock: nodeClock,
      timers: nodeTimers,
      random: nodeRandom,
      ...encrypted(options),
    })
    running.push(service)
    await service.listen({ sslPort: 17_197 })
    expect(service.ports).toEqual([17_197, 17_198])
    const bare = connectTls({ host: '127.0.0.34', port: 17_197, rejectUnauthorized: false })
    await new Promise((resolve) => bare.once('secureConnect', resolve))
    bare.destroy()
  })
})

describe('a network connection', () => {
  it('gives up after its time', async () => {
    // An address that nobody answers for: TEST-NET-1.
    const started = performance.now()
    await expect(new NodeNetwork().connect('192.0.2.1', 7000, { timeoutMs: 200 })).rejects.toThrow()
    expect(performance.now() - started).toBeLessThan(2000)
  })
})
