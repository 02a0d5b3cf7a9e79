import { describe, expect, it } from 'vitest'
import { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import { FrameWriter } from '../../src/cluster/messaging/frame-writer.ts'
import { decodeAccept, encodeInitiate, Refusal } from '../../src/cluster/messaging/handshake.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import type { Network } from '../../src/io/network.ts'
import { ask, BYTES, echo } from './asking.ts'
import { SimServices } from './sim-services.ts'

describe('connections', () => {
  it('are three a peer, so that gossip does not wait behind data', async () => {
    const sim = new SimServices(1, 20)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const order: string[] = []
    for (const verb of [Verb.MUTATION_REQ, Verb.READ_REQ, Verb.GOSSIP_DIGEST_SYN]) {
      b.handle(verb, (message) => order.push(`${verb.name} ${message.payload.length}`))
    }
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(5_000_000))
    a.send(b.self, Verb.READ_REQ, BYTES)
    a.send(b.self, Verb.GOSSIP_DIGEST_SYN, BYTES)
    await sim.run(10_000)
    expect([...order].sort()).toEqual(['GOSSIP_DIGEST_SYN 200', 'MUTATION_REQ 5000000', 'READ_REQ 200'])
    expect(order.at(-1)).toBe('MUTATION_REQ 5000000')
    expect([...b.inboundConnections].map(({ type }) => type).sort()).toEqual([0, 1, 2])
  })

  it('get all messages of a turn in one write', async () => {
    const sim = new SimServices(2)
    const writes: number[] = []
    const plain = sim.network.host(sim.host(1))
    const network: Network = {
      listen: (options, accept) => plain.listen(options, accept),
      connect: async (host, port, options) => {
        const connection = await plain.connect(host, port, options)
        const write = connection.write.bind(connection)
        return Object.assign(connection, {
          write: (bytes: Uint8Array) => {
            writes.push(bytes.length)
            return write(bytes)
          },
        })
      },
    }
    const [a, b] = [await sim.start(1, { network }), await sim.start(2)]
    echo(b)
    ask(sim, a, b)
    await sim.run(1000)
    writes.length = 0
    const answers = Array.from({ length: 50 }, () => ask(sim, a, b))
    await sim.run(1000)
    expect(answers.map(({ outcome }) => outcome)).toEqual(new Array(50).fill('response'))
    expect(writes).toEqual([12 + 50 * 220 + 4])
  })

  it('are made anew with patience, and only while there is something to send', async () => {
    const sim = new SimServices(3)
    const a = await sim.start(1)
    const b = await sim.start(2)
    await sim.timers.run(b.close())
    const answer = ask(sim, a, b, { timeoutMs: 4000 })
    await sim.run(20_000)
    expect(answer.outcome).toBe(RequestFailureReason.TIMEOUT)
    const { connectionAttempts } = a.peers[0]!.small.figures
    expect(connectionAttempts).toBeGreaterThan(4)
    expect(connectionAttempts).toBeLessThan(10)
    expect(sim.timers.pending).toBe(0)
    echo(await sim.start(2))
    const again = ask(sim, a, b)
    await sim.run(2000)
    expect(again.outcome).toBe('response')
  })

  it('whose peer acknowledges nothing are replaced', async () => {
    const sim = new SimServices(4)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    echo(b)
    ask(sim, a, b)
    await sim.run(1000)
    sim.network.cut(sim.host(1), sim.host(2))
    const lost = ask(sim, a, b)
    await sim.run(29_000)
    expect(lost.outcome).toBe(RequestFailureReason.TIMEOUT)
    expect(a.peers[0]!.small.isEstablished).toBe(true)
    await sim.run(2000)
    expect(a.peers[0]!.small.isEstablished).toBe(false)
    const text =
      '1: 10.0.0.1:7000->10.0.0.2:7000-SMALL_MESSAGES broken: nothing was acknowledged for 30000 ms'
    expect(sim.log.filter((line) => line === text)).toHaveLength(1)
    sim.network.healAll()
    const again = ask(sim, a, b)
    await sim.run(2000)
    expect(again.outcome).toBe('response')
  })

  it('keep the order of their messages when they can not take all at once', async () => {
    const sim = new SimServices(18, 30)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const came: number[] = []
    b.handle(Verb.MUTATION_REQ, ({ payload }) => came.push(payload[0]!))
    let n = 0
    const next = (): void => {
      const size = n % 2 === 0 ? 60_000 : 50
      a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(size).fill(n % 251), { timeoutMs: 60_000 })
      // Often at the moment at which the connection has room again, and what waits has not gone yet.
      if (++n < 400) sim.timers.setTimeout(next, 1)
    }
    next()
    await sim.run(60_000)
    expect(came).toEqual(Array.from({ length: 400 }, (_, i) => i % 251))
  })

  it('finish a message that is under way, even if its time is over and there is no room', async () => {
    const sim = new SimServices(19)
    const reserve = { internode_application_send_queue_reserve_endpoint_capacity: 0 }
    const [a, b] = [await sim.start(1, { settings: reserve }), await sim.start(2)]
    const came: number[] = []
    b.handle(Verb.MUTATION_REQ, ({ payload }) => came.push(payload.length))
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(100_000))
    await sim.run(1000)
    sim.network.cut(sim.host(1), sim.host(2))
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(3_000_000), { timeoutMs: 300 })
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(1_000_000), { timeoutMs: 300 })
    await sim.run(1000)
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(1_100_000), { timeoutMs: 30_000 })
    expect(a.peers[0]!.large.figures).toMatchObject({ expiredCount: 1, overloadedCount: 0, pendingCount: 2 })
    sim.network.healAll()
    await sim.run(5000)
    // The one that was late is dropped where it arrives.
    expect(came).toEqual([100_000, 1_100_000])
    expect(b.dropped.of(Verb.MUTATION_REQ)).toEqual({ internal: 0, crossNode: 1 })
    expect(sim.log.join()).not.toContain('corrupt')
  })

  it('to a peer that has left are closed, and made anew if it is asked again', async () => {
    const sim = new SimServices(22)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    echo(b)
    ask(sim, a, b)
    await sim.run(1000)
    sim.network.cutBoth(sim.host(1), sim.host(2))
    const lost = ask(sim, a, b, { verb: Verb.ECHO_REQ })
    await sim.run(10)
    a.closeOutbound(b.self)
    await sim.run(10)
    expect(lost.outcome).toBe(RequestFailureReason.TIMEOUT)
    expect([a.peers.length, a.heldBytes]).toEqual([0, 0])
    sim.network.healAll()
    await sim.run(5000)
    expect(b.inboundConnections.size).toBe(0)
    const again = ask(sim, a, b)
    await sim.run(1000)
    expect(again.outcome).toBe('response')
  })

  it('that say nothing are closed', async () => {
    const sim = new SimServices(5)
    await sim.start(1)
    const stranger = await sim.connect(1)
    let isClosed = false
    stranger.onClose(() => {
      isClosed = true
    })
    await sim.run(9_000)
    expect(isClosed).toBe(false)
    await sim.run(2_000)
    expect(isClosed).toBe(true)
  })

  it('are closed with what waits sent before', async () => {
    const sim = new SimServices(6)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const came: number[] = []
    b.handle(Verb.GOSSIP_SHUTDOWN, () => came.push(0))
    b.handle(Verb.MUTATION_REQ, ({ payload }) => came.push(payload.length))
    a.send(b.self, Verb.GOSSIP_SHUTDOWN, BYTES)
    a.send(b.self, Verb.MUTATION_REQ, new Uint8Array(300_000))
    const open = ask(sim, a, b, { verb: Verb.READ_REQ })
    await sim.timers.run(a.close(5000))
    expect(open.outcome).toBe(RequestFailureReason.TIMEOUT)
    await sim.run(1000)
    expect(came.sort()).toEqual([0, 300_000])
    expect(sim.network.connectionCount).toBe(0)
    const late = ask(sim, a, b)
    await sim.run(100)
    expect(late.outcome).toBe(RequestFailureReason.TIMEOUT)
  })
})

describe('the handshake', () => {
  it('refuses a node of another cluster, in words', async () => {
    const sim = new SimServices(7)
    const a = await sim.start(1, { settings: { clusterName: 'mine' } })
    const b = await sim.start(2, { settings: { clusterName: 'yours' } })
    echo(b)
    const answer = ask(sim, a, b)
    await sim.run(3000)
    expect(answer.outcome).toBe(RequestFailureReason.TIMEOUT)
    const text = 'ClusterName mismatch from 10.0.0.1:7000 mine!=yours'
    expect(sim.log.some((line) => line.startsWith('1:') && line.includes(`refused: ${text}`))).toBe(true)
    expect(sim.log.some((line) => line.startsWith('2:') && line.includes(text))).toBe(true)
  })

  it.each([
    [{ min: 1, max: 2 }, { min: 1, max: 1 }, 1],
    [{ min: 1, max: 2 }, { min: 1, max: 3 }, 2],
    [{ min: 1, max: 1 }, { min: 2, max: 3 }, 0],
    [{ min: 2, max: 3 }, { min: 1, max: 1 }, 0],
  ])('agrees on the version of the older one, or refuses: %j and %j', async (one, other, version) => {
    const sim = new SimServices(8)
    const [a, b] = [await sim.start(1, { versions: one }), await sim.start(2, { versions: other })]
    echo(a, b)
    const answers = [ask(sim, a, b), ask(sim, b, a)]
    await sim.run(3000)
    const outcome = version === 0 ? RequestFailureReason.TIMEOUT : 'response'
    expect(answers.map((answer) => answer.outcome)).toEqual([outcome, outcome])
    expect(a.peers[0]!.small.version).toBe(version)
    if (version === 0) expect(sim.log.join()).toContain('only supports messaging versions')
  })
})

describe('what is corrupt', () => {
  it('closes its connection and nothing else', async () => {
    const sim = new SimServices(9)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    echo(a, b)
    ask(sim, a, b)
    await sim.run(1000)
    const stranger = await sim.connect(2)
    let received = Buffer.alloc(0)
    let isClosed = false
    stranger.onClose(() => {
      isClosed = true
    })
    stranger.onData((chunk) => {
      received = Buffer.concat([received, chunk])
    })
    const from = '10.0.0.1:7000'
    const hello = { versions: { min: 1, max: 1 }, type: 1, features: 0, clusterName: 'Test Cluster', from }
    stranger.write(encodeInitiate(hello))
    const writer = new FrameWriter()
    const id = { instance: 1, number: 1 }
    const header = { verbId: 0, flags: 0, id, deadlineMs: 1e6, session: null }
    writer.append(header, BYTES, 0)
    writer.append({ ...header, verbId: 250 }, BYTES, 0)
    const frame = writer.take(0)!
    stranger.write(Buffer.from(frame))
    await sim.run(100)
    expect(decodeAccept(received)?.message).toMatchObject({ version: 1, refusal: Refusal.NONE })
    expect(isClosed).toBe(false)
    expect(sim.log.join()).toContain('a verb that is not known: 250')
    const broken = Buffer.from(frame)
    broken[100]! ^= 1
    stranger.write(broken)
    await sim.run(100)
    expect(isClosed).toBe(true)
    expect(sim.log.filter((line) => line.includes('corrupt'))).toHaveLength(1)
    const answers = [ask(sim, a, b), ask(sim, b, a)]
    await sim.run(1000)
    expect(answers.map(({ outcome }) => outcome)).toEqual(['response', 'response'])
    expect(a.peers[0]!.small.figures.successfulConnections).toBe(1)
  })
})
