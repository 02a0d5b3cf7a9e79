import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sibyl, type SibylOptions } from '../../src/node/sibyl.ts'
import { connector } from './connector.ts'
import type { Feature } from './replay.ts'
import { replayData, replayFile, setUp } from './replay.ts'

/** The recorded exchanges, replayed to whole servers set as the recorded ones were. */

interface Run {
  readonly name: string
  readonly files: readonly string[]
  readonly options: SibylOptions
  readonly features: readonly Feature[]
}

const RUNS: readonly Run[] = [
  {
    name: 'low thresholds of tombstones',
    files: replayData.order,
    options: { settings: { tombstone_warn_threshold: 20, tombstone_failure_threshold: 60 } },
    features: ['thresholds'],
  },
  {
    name: 'authentication',
    files: replayData.authOrder,
    options: { authenticator: 'PasswordAuthenticator' },
    features: [],
  },
  {
    name: 'small limits of requests in flight',
    files: replayData.overloadOrder,
    options: {
      settings: {
        native_transport_max_request_data_in_flight: 53_687_091,
        native_transport_max_request_data_in_flight_per_ip: 4096,
        native_transport_receive_queue_capacity: 1024,
      },
    },
    features: [],
  },
]

describe.each(RUNS)('a server with $name', ({ files, options, features }) => {
  let server: Sibyl

  beforeAll(async () => {
    server = await Sibyl.start(options)
    if (files === replayData.order) await setUp(connector(server.host, server.port))
  })

  afterAll(async () => {
    await server.stop()
  })

  it.each(files)('%s', async (name) => {
    const report = await replayFile(name, connector(server.host, server.port), {
      features,
      silenceMs: 50,
      timeoutMs: 5_000,
    })
    for (const difference of report.differences) console.log(JSON.stringify(difference, null, 1))
    expect(report.differences.map(({ comment }) => comment)).toEqual([])
    expect(report.compared).toBeGreaterThan(0)
  })
})
