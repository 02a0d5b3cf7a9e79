import { afterEach, describe, expect, it } from 'vitest'
import { PasswordAuthenticator } from '../../src/auth/index.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { executeBody, queryBody, registerBody } from '../../src/protocol/client-request.ts'
import type { Decoded } from '../../src/protocol/client-response.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import type { NativeTransportOptions } from '../../src/server/index.ts'
import { NativeTransport } from '../../src/server/index.ts'
import { FakeHandler } from './fake-handler.ts'
import { TestClient } from './test-client.ts'

const running: NativeTransport[] = []

async function serve(
  handler: FakeHandler,
  options: Partial<NativeTransportOptions> = {},
): Promise<{ transport: NativeTransport; port: number }> {
  const transport = await NativeTransport.start({
    network: new NodeNetwork(),
    host: '127.0.0.1',
    port: 0,
    handler,
    ...options,
  })
  running.push(transport)
  return { transport, port: transport.address.port }
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((transport) => transport.stop(500)))
})

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const cell = (decoded: Decoded): string =>
  Buffer.from((decoded['rows'] as string[][])[0][0], 'hex').toString()
const text = (value: string): string => Buffer.from(value).toString()

async function until(what: () => boolean, ms = 5_000): Promise<void> {
  const end = Date.now() + ms
  while (!what()) {
    if (Date.now() > end) throw new Error('it did not happen in time')
    await sleep(5)
  }
}

describe('streams', () => {
  it.each([3, 4, 5])('32,768 of a connection are answered in any order (v%i)', async (version) => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const client = await TestClient.connect(port, { version })
    const answers: Promise<number>[] = []
    const wires: Buffer[] = []
    for (let stream = 0; stream < 32_768; stream++) {
      const isLater = stream % 3 === 0
      wires.push(
        client.wire(Opcode.QUERY, queryBody(version, isLater ? `gate ${stream}` : `echo ${stream}`), stream),
      )
      answers.push(
        client.answer(stream).then((frame) => {
          const decoded = decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
          expect(cell(decoded)).toBe(isLater ? `gate ${stream}` : `${stream}`)
          return stream
        }),
      )
    }
    client.socket.write(Buffer.concat(wires))
    await until(() => handler.gates.length === Math.ceil(32_768 / 3), 20_000)
    for (const gate of handler.gates.reverse()) gate()
    expect((await Promise.all(answers)).length).toBe(32_768)
    client.close()
  })

  it('a slow request holds up no other, and keeps its own values', async () => {
    const { port } = await serve(new FakeHandler())
    const client = await TestClient.connect(port, { version: 5 })
    const order: string[] = []
    const execute = (id: string, value: string): Promise<number> =>
      client
        .request(
          Opcode.EXECUTE,
          executeBody(5, Buffer.from(id), Buffer.alloc(0), { values: [Buffer.from(value)] }),
        )
        .then((frame) => order.push(cell(decodeResponse(5, frame.opcode, frame.flags, frame.body))))
    await Promise.all([
      execute('later', 'slow one'),
      execute('now', 'fast'),
      execute('later', 'slow two'),
      execute('now', 'x'),
    ])
    expect(order).toEqual(['fast', 'x', 'slow one', 'slow two'])
    client.close()
  })
})

describe('errors of the query room', () => {
  it('are answered on their stream; a bug is a server error and does not end the connection', async () => {
    const { port } = await serve(new FakeHandler())
    const client = await TestClient.connect(port)
    expect(await client.query('fail')).toEqual({ code: '0x2200', message: 'no' })
    expect(await client.query('failLater')).toEqual({ code: '0x2200', message: 'not later either' })
    expect(await client.query('bug')).toEqual({ code: '0x0000', message: 'TypeError: a bug' })
    expect(cell(await client.query('echo still here'))).toBe('still here')
    const zero = await client.request(Opcode.QUERY, queryBody(4, 'x', { pageSize: 0 }))
    expect(decodeResponse(4, zero.opcode, zero.flags, zero.body)).toEqual({
      code: '0x000a',
      message: 'The page size cannot be 0',
    })
    client.close()
  })
})

describe('the commit log', () => {
  it('is asked once a turn, and the answers of one connection leave in order', async () => {
    const handler = new FakeHandler()
    const pending: (() => void)[] = []
    handler.onCommit = () => (handler.queries === 0 ? null : new Promise((resolve) => pending.push(resolve)))
    const { port } = await serve(handler)
    const client = await TestClient.connect(port)
    const order: string[] = []
    const first = client.query('echo one').then((d) => order.push(cell(d)))
    await until(() => pending.length === 1)
    // The second turn needs no wait, but its answer must not overtake.
    handler.onCommit = () => null
    const second = client.query('echo two').then((d) => order.push(cell(d)))
    await sleep(30)
    expect(order).toEqual([])
    for (const resolve of pending) resolve()
    await Promise.all([first, second])
    expect(order).toEqual(['one', 'two'])
    const { commits } = handler
    const wires = Array.from({ length: 100 }, (_, i) =>
      client.wire(Opcode.QUERY, queryBody(4, 'echo x'), 1000 + i),
    )
    const all = Promise.all(wires.map((_, i) => client.answer(1000 + i)))
    client.socket.write(Buffer.concat(wires))
    await all
    expect(handler.commits - commits).toBeLessThan(20)
    client.close()
  })

  it.each(['throws', 'rejects'])('that %s acknowledges nothing: the connections end', async (how) => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const writer = await TestClient.connect(port)
    const idle = await TestClient.connect(port)
    handler.onCommit = () => {
      if (how === 'throws') throw new Error('disk full')
      return Promise.reject(new Error('disk full'))
    }
    writer.socket.write(writer.wire(Opcode.QUERY, queryBody(4, 'echo lost'), 5))
    await writer.closed()
    expect(writer.strays).toEqual([])
    expect(idle.isClosed).toBe(false)
    handler.onCommit = () => null
    expect(cell(await idle.query('echo fine'))).toBe('fine')
    idle.close()
  })
})

describe('back-pressure', () => {
  it('a client that does not read stops being read', async () => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const client = await TestClient.connect(port)
    client.socket.pause()
    const wire = client.wire(Opcode.QUERY, queryBody(4, 'big 100000'), 7)
    let sent = 0
    for (; sent < 5_000; sent++) client.socket.write(wire)
    await sleep(500)
    const { queries } = handler
    // 100 KB each: what the kernel buffers and a bit more, far from the 500 MB asked for.
    expect(queries).toBeLessThan(400)
    await sleep(100)
    expect(handler.queries).toBe(queries)
    const before = process.memoryUsage().arrayBuffers
    expect(before).toBeLessThan(200 * 1024 * 1024)
    client.socket.resume()
    await until(() => handler.queries === sent, 20_000)
    client.close()
  })

  it('answers that come later do not pile up either', async () => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const client = await TestClient.connect(port)
    client.socket.pause()
    const wire = client.wire(Opcode.QUERY, queryBody(4, 'bigLater 1000000'), 7)
    for (let i = 0; i < 2_000; i++) client.socket.write(wire)
    await sleep(500)
    expect(handler.queries).toBeLessThan(300)
    client.close()
  })

  it('a client that floods does not hold up another', async () => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const flood = await TestClient.connect(port)
    const other = await TestClient.connect(port)
    const wire = flood.wire(Opcode.QUERY, queryBody(4, 'spin 1'), 7)
    for (let i = 0; i < 2_000; i++) flood.socket.write(wire)
    await until(() => handler.queries > 10)
    for (let i = 0; i < 10; i++) await other.query('echo x')
    // Ten round trips come to their end long before two thousand pieces of work do: each waits for a turn or two.
    expect(handler.queries).toBeLessThan(1_500)
    flood.close()
    other.close()
  })
})

describe('limits', () => {
  it('on connections close what is too many', async () => {
    const { port } = await serve(new FakeHandler(), {
      config: { native_transport_max_concurrent_connections: 2 },
    })
    const clients = [await TestClient.connect(port), await TestClient.connect(port)]
    const third = await TestClient.open(port)
    await third.closed()
    clients[0].close()
    await sleep(50)
    const fourth = await TestClient.connect(port)
    expect(cell(await fourth.query('echo in'))).toBe('in')
    for (const client of [...clients, fourth]) client.close()
  })

  it('on connections from one address', async () => {
    const { port } = await serve(new FakeHandler(), {
      config: { native_transport_max_concurrent_connections_per_ip: 1 },
    })
    const first = await TestClient.connect(port)
    const second = await TestClient.open(port)
    await second.closed()
    first.close()
  })

  it.each([4, 5])('on bytes in flight hold the connection, and warn (v%i)', async (version) => {
    const handler = new FakeHandler()
    const { port } = await serve(handler, {
      config: {
        native_transport_max_request_data_in_flight_per_ip: 2_000,
        native_transport_receive_queue_capacity: 100,
      },
    })
    const client = await TestClient.connect(port, { version })
    const answers: Decoded[] = []
    for (let i = 0; i < 4; i++) void client.query(`gate ${'x'.repeat(900)}`).then((d) => answers.push(d))
    await until(() => handler.gates.length >= 3)
    await sleep(50)
    expect(handler.gates.length).toBe(3)
    for (const gate of handler.gates.splice(0)) gate()
    await until(() => handler.gates.length === 1)
    handler.gates[0]()
    await until(() => answers.length === 4)
    expect(answers.map((answer) => answer['warnings']).filter(Boolean)).toEqual([
      [
        expect.stringMatching(
          /^Request breached limit\(s\) on bytes in flight \(Endpoint: 2000, Global: \d+\) and triggered backpressure\.$/,
        ),
      ],
    ])
    client.close()
  })

  it('on requests a second hold the connection, or are answered OVERLOADED', async () => {
    const { port } = await serve(new FakeHandler(), {
      config: { native_transport_rate_limiting_enabled: true, native_transport_max_requests_per_second: 20 },
    })
    const eager = await TestClient.connect(port, { options: { THROW_ON_OVERLOAD: '1' } })
    // The burst of the first second is granted.
    const answers = await Promise.all(Array.from({ length: 40 }, () => eager.query('echo x')))
    const overloaded = answers.filter((answer) => answer['code'] === '0x1001')
    expect(overloaded.length).toBeGreaterThan(10)
    expect(overloaded[0]['message']).toBe(
      'Request breached global limit of 20 requests/second. Server is currently in an overloaded state and cannot accept more requests.',
    )
    const patient = await TestClient.connect(port)
    const start = performance.now()
    const late = await Promise.all(Array.from({ length: 10 }, () => patient.query('echo x')))
    expect(performance.now() - start).toBeGreaterThan(250)
    expect(late.every((answer) => answer['code'] === undefined)).toBe(true)
    expect(late.some((answer) => answer['warnings'] !== undefined)).toBe(true)
    eager.close()
    patient.close()
  })

  /** Sends queries at once, of which each takes so long; and the answers. */
  async function blockFor(client: TestClient, count: number, ms: number): Promise<Decoded[]> {
    const wires: Buffer[] = []
    const answers: Promise<Decoded>[] = []
    for (let stream = 1; stream <= count; stream++) {
      wires.push(client.wire(Opcode.QUERY, queryBody(client.version, `block ${ms}`), stream))
      answers.push(
        client
          .answer(stream)
          .then(({ version, opcode, flags, body }) => decodeResponse(version, opcode, flags, body)),
      )
    }
    client.socket.write(Buffer.concat(wires))
    return Promise.all(answers)
  }

  it.each([
    4, 5,
  ])('on the time that requests wait: they are not begun when it is over (v%i)', async (version) => {
    const { transport, port } = await serve(new FakeHandler(), { config: { native_transport_timeout: 60 } })
    const client = await TestClient.connect(port, { version })
    const before = transport.handled.requests
    const answers = await blockFor(client, 60, 5)
    const texts = new Set(answers.map((answer) => `${answer['code'] ?? ''} ${answer['message'] ?? ''}`))
    expect([...texts]).toEqual([' ', '0x1001 Query timed out before it could start'])
    // The clock is looked at every sixteen requests.
    const begun = transport.handled.requests - before
    expect(begun).toBeGreaterThanOrEqual(16)
    expect(begun).toBeLessThan(50)
    expect(answers.slice(0, begun).every((answer) => answer['code'] === undefined)).toBe(true)
    // What comes when there is no queue is answered as ever.
    expect((await client.query('echo x'))['code']).toBeUndefined()
    expect(transport.requestBytesInFlight).toBe(0)
    client.close()
  })

  it('on the age of the queue hold those that come, or are answered OVERLOADED', async () => {
    const { port } = await serve(new FakeHandler(), {
      config: {
        native_transport_timeout: 10_000,
        native_transport_queue_max_item_age_threshold: 0.01,
        native_transport_min_backoff_on_queue_overload: 40,
        native_transport_max_backoff_on_queue_overload: 80,
      },
    })
    const text = 'Request has spent over 0.01 time of the maximum timeout 10000ms in the queue'
    const busy = await TestClient.connect(port)
    const patient = await TestClient.connect(port)
    const eager = await TestClient.connect(port, { options: { THROW_ON_OVERLOAD: '1' } })
    const load = blockFor(busy, 200, 5)
    await sleep(300)
    const refused = await eager.query('echo x')
    expect(refused).toMatchObject({ code: '0x1001', message: text })
    const late = await patient.query('echo x')
    expect(late['warnings']).toEqual([text])
    expect((await load).every((answer) => answer['code'] === undefined)).toBe(true)
    // When nothing waits any more, nobody is held up.
    expect((await eager.query('echo x'))['code']).toBeUndefined()
    expect((await patient.query('echo x'))['warnings']).toBeUndefined()
    for (const client of [busy, patient, eager]) client.close()
  })

  it('on idleness close the connection', async () => {
    const { port } = await serve(new FakeHandler(), { config: { native_transport_idle_timeout: 100 } })
    const client = await TestClient.connect(port)
    for (let i = 0; i < 6; i++) {
      await sleep(40)
      await client.query('echo x')
    }
    expect(client.isClosed).toBe(false)
    await client.closed()
  })
})

describe('events', () => {
  it('reach those who asked, and nobody else', async () => {
    const handler = new FakeHandler()
    const { transport, port } = await serve(handler)
    const schema = await TestClient.connect(port)
    const nodes = await TestClient.connect(port, { version: 5, compression: 'lz4' })
    const nothing = await TestClient.connect(port)
    await schema.request(Opcode.REGISTER, registerBody(['SCHEMA_CHANGE']))
    await nodes.request(Opcode.REGISTER, registerBody(['STATUS_CHANGE', 'TOPOLOGY_CHANGE']))
    handler.change({ change: 'CREATED', target: 'TABLE', keyspace: 'ks', name: 't' })
    transport.push({
      kind: 'STATUS_CHANGE',
      change: 'UP',
      node: { address: Uint8Array.of(10, 0, 0, 1), port: 9042 },
    })
    await until(() => schema.events.length + nodes.events.length === 2)
    expect(schema.events).toEqual([
      {
        event: 'SCHEMA_CHANGE',
        change: { change_type: 'CREATED', target: 'TABLE', keyspace: 'ks', name: 't' },
      },
    ])
    expect(nodes.events).toEqual([{ event: 'STATUS_CHANGE', change: 'UP', address: ['10.0.0.1', 9042] }])
    expect(nothing.events).toEqual([])
    for (const client of [schema, nodes, nothing]) client.close()
  })
})

describe('connections', () => {
  it('are described for system_views.clients', async () => {
    const { transport, port } = await serve(new FakeHandler(), { authenticator: new PasswordAuthenticator() })
    const client = await TestClient.connect(port, {
      version: 5,
      options: { DRIVER_NAME: 'test', DRIVER_VERSION: '1.2' },
    })
    expect(transport.connections()[0].connectionStage).toBe('AUTHENTICATING')
    const token = Buffer.from('\0cassandra\0cassandra')
    const body = Buffer.concat([Buffer.from([0, 0, 0, token.length]), token])
    expect((await client.request(Opcode.AUTH_RESPONSE, body)).opcode).toBe(Opcode.AUTH_SUCCESS)
    await client.query('use ks')
    expect(transport.connections()).toEqual([
      expect.objectContaining({
        address: '127.0.0.1',
        username: 'cassandra',
        connectionStage: 'READY',
        protocolVersion: 5,
        driverName: 'test',
        driverVersion: '1.2',
        keyspace: 'ks',
        requestCount: 3,
        tls: null,
      }),
    ])
    client.close()
    await until(() => transport.connections().length === 0)
  })
})

describe('stopping', () => {
  it('answers what is being handled, then closes; nobody gets in', async () => {
    const handler = new FakeHandler()
    const { transport, port } = await serve(handler)
    const client = await TestClient.connect(port)
    const answer = client.query('later 100')
    await until(() => handler.queries === 1)
    const stopped = transport.stop()
    expect(cell(await answer)).toBe('late')
    await stopped
    expect(client.isClosed).toBe(true)
    expect(handler.listenerCount).toBe(0)
    await expect(TestClient.connect(port)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('cuts off a client that does not take its answers', async () => {
    const handler = new FakeHandler()
    const { transport, port } = await serve(handler)
    const client = await TestClient.connect(port)
    client.socket.pause()
    for (let i = 0; i < 100; i++)
      client.socket.write(client.wire(Opcode.QUERY, queryBody(4, 'big 1000000'), i))
    await until(() => handler.queries > 0)
    await transport.stop(100)
    expect(transport.connections()).toEqual([])
    client.close()
  })

  it('frees the port for another', async () => {
    const first = await serve(new FakeHandler())
    await first.transport.stop()
    const second = await serve(new FakeHandler(), { port: first.port })
    expect(second.port).toBe(first.port)
    await expect(serve(new FakeHandler(), { port: second.port })).rejects.toThrow(/EADDRINUSE/)
  })
})

describe('flags', () => {
  it('of the frame reach the query room', async () => {
    const handler = new FakeHandler()
    const { port } = await serve(handler)
    const client = await TestClient.connect(port)
    await client.request(Opcode.QUERY, queryBody(4, 'echo x'), 0x02)
    const payload = Buffer.from('00010001610000000162', 'hex')
    await client.request(Opcode.QUERY, Buffer.concat([payload, queryBody(4, 'echo x')]), 0x04)
    expect(handler.flags[0]).toEqual({ tracing: true, customPayload: null })
    expect(handler.flags[1].customPayload).toEqual(new Map([['a', Uint8Array.from(Buffer.from('b'))]]))
    expect(text('x')).toBe('x')
    client.close()
  })
})
