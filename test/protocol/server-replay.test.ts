import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Authenticator } from '../../src/auth/index.ts'
import { AllowAllAuthenticator, PasswordAuthenticator } from '../../src/auth/index.ts'
import { AuthenticationError } from '../../src/common/errors.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { parseAddress } from '../../src/protocol/address.ts'
import type { NativeTransportConfig } from '../../src/server/index.ts'
import { NativeTransport } from '../../src/server/index.ts'
import { connector } from './connector.ts'
import type { Exchange } from './golden.ts'
import { goldenNames } from './golden.ts'
import type { AnswerMode } from './golden-handler.ts'
import { GoldenHandler } from './golden-handler.ts'
import type { Feature } from './replay.ts'
import { replayFile } from './replay.ts'

/** All 1,022 recorded exchanges, replayed to the transport over real sockets on a query room that knows the answers. */
const EVERYTHING: readonly Feature[] = [
  'several nodes',
  'indexes',
  'views',
  'functions',
  'roles',
  'thresholds',
]

interface Case {
  readonly files: RegExp
  readonly config: Partial<NativeTransportConfig>
  readonly authenticator: Authenticator
}

function recordedUsers(user: string, password: string): boolean {
  if (user === 'nologin') throw new AuthenticationError('nologin is not permitted to log in')
  return (user === 'cassandra' && password === 'cassandra') || (user === 'joe' && password === 'secret')
}

const CASES: readonly Case[] = [
  { files: /^(?!auth|overload)/, config: {}, authenticator: new AllowAllAuthenticator() },
  { files: /^auth/, config: {}, authenticator: new PasswordAuthenticator(recordedUsers) },
  {
    files: /^overload/,
    config: {
      native_transport_max_request_data_in_flight: 53_687_091,
      native_transport_max_request_data_in_flight_per_ip: 4096,
      native_transport_receive_queue_capacity: 1024,
    },
    authenticator: new AllowAllAuthenticator(),
  },
]

describe.each(['now', 'later'] satisfies AnswerMode[])('the transport, answers given %s', (mode) => {
  describe.each(CASES)('$files', ({ files, config, authenticator }) => {
    const handler = new GoldenHandler(mode)
    let transport: NativeTransport

    beforeAll(async () => {
      transport = await NativeTransport.start({
        network: new NodeNetwork(),
        host: '127.0.0.1',
        port: 0,
        handler,
        config,
        authenticator,
      })
    })

    afterAll(async () => {
      await transport.stop()
      expect(transport.connections()).toEqual([])
    })

    it.each(goldenNames().filter((name) => files.test(name)))('%s', async (name) => {
      const { host, port } = transport.address
      const onExchange = (exchange: Exchange): void => {
        handler.play(exchange)
        if (name.startsWith('status-events') && exchange.push !== undefined) pushNodeEvent(exchange)
      }
      const pushNodeEvent = (exchange: Exchange): void => {
        const decoded = exchange.push?.decoded ?? {}
        const [address, nodePort] = decoded['address'] as [string, number]
        transport.push({
          kind: decoded['event'] as 'STATUS_CHANGE',
          change: decoded['change'] as 'UP',
          node: { address: parseAddress(address) as Uint8Array, port: nodePort },
        })
      }
      const report = await replayFile(name, connector(host, port), {
        features: EVERYTHING,
        timeoutMs: 2_000,
        silenceMs: 30,
        onExchange,
      })
      for (const difference of report.differences) console.log(JSON.stringify(difference, null, 1))
      expect(report.differences).toEqual([])
      expect(report.skipped).toEqual([])
    })
  })
})
