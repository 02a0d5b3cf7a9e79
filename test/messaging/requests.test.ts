import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../src/cluster/messaging/aligned.ts'
import { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import type { InboundMessage } from '../../src/cluster/messaging/messaging-service.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import { ask, BYTES, echo } from './asking.ts'
import { SimServices } from './sim-services.ts'

describe('requests', () => {
  it('of what nobody handles fail', async () => {
    const sim = new SimServices(10)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const answers = [ask(sim, a, b), ask(sim, a, a)]
    await sim.run(500)
    expect(answers.map(({ outcome }) => outcome)).toEqual([0, 0])
    expect(() => a.request(b.self, Verb.GOSSIP_SHUTDOWN, BYTES, undefined as never)).toThrow('no response')
  })

  it('are dropped on both sides when their time is over, and counted', async () => {
    const sim = new SimServices(11)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    let handled = 0
    b.handle(Verb.READ_REQ, (message) => {
      handled++
      message.respond(BYTES)
    })
    ask(sim, a, b, { verb: Verb.READ_REQ })
    await sim.run(1000)
    expect(handled).toBe(1)
    // On the way for longer than it may take: dropped where it arrives.
    sim.network.cut(sim.host(1), sim.host(2))
    ask(sim, a, b, { verb: Verb.READ_REQ, timeoutMs: 300 })
    await sim.run(2000)
    sim.network.healAll()
    await sim.run(1000)
    expect(handled).toBe(1)
    expect(b.dropped.of(Verb.READ_REQ)).toEqual({ internal: 0, crossNode: 1 })
    // Before there is a connection: dropped where it was to be sent.
    sim.network.cutBoth(sim.host(1), sim.host(2))
    a.interrupt(b.self)
    ask(sim, a, b, { verb: Verb.READ_REQ, timeoutMs: 300 })
    ask(sim, a, b, { verb: Verb.READ_REQ, timeoutMs: 60_000 })
    await sim.run(5000)
    sim.network.healAll()
    await sim.run(5000)
    expect(handled).toBe(2)
    expect(a.dropped.all()).toEqual(new Map([['READ_REQ', { internal: 1, crossNode: 0 }]]))
  })

  it('are not answered when it is too late', async () => {
    const sim = new SimServices(12)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const kept: InboundMessage[] = []
    b.handle(Verb.MUTATION_REQ, (message) => kept.push(message))
    ask(sim, a, b, { timeoutMs: 500 })
    await sim.run(200)
    expect(kept[0]!.remainingMs).toBeGreaterThan(250)
    await sim.run(1000)
    const sent = b.peers.length
    kept[0]!.respond(BYTES)
    await sim.run(1000)
    expect([sent, b.peers.length]).toEqual([0, 0])
    expect(b.dropped.of(Verb.MUTATION_REQ)).toEqual({ internal: 0, crossNode: 1 })
  })

  it('fail at once when there is no room, and no other peer is the worse for it', async () => {
    const sim = new SimServices(13)
    const [a, b, c] = [await sim.start(1), await sim.start(2), await sim.start(3)]
    echo(b, c)
    sim.network.cutBoth(sim.host(1), sim.host(2))
    // The first attempt fails, and from then on nothing is borrowed for this peer.
    ask(sim, a, b)
    await sim.run(2500)
    const payload = new Uint8Array(50_000)
    const startMs = sim.clock.monotonicMs()
    const answers = Array.from({ length: 100 }, () => ask(sim, a, b, { payload, timeoutMs: 60_000 }))
    const other = ask(sim, a, c, { payload })
    await sim.run(100)
    const refused = answers.filter(({ outcome }) => outcome === RequestFailureReason.TIMEOUT)
    expect(refused).toHaveLength(100 - Math.floor((4 * 1024 * 1024) / 50_020))
    for (const { atMs } of refused) expect(atMs - startMs).toBeLessThan(10)
    expect(other.outcome).toBe('response')
    expect(a.peers[0]!.small.figures.overloadedCount).toBe(refused.length)
    sim.network.healAll()
    await sim.run(5000)
    expect(answers.filter(({ outcome }) => outcome === 'response')).toHaveLength(100 - refused.length)
    expect(a.heldBytes).toBe(0)
  })

  it('larger than the queue are taken one at a time', async () => {
    const sim = new SimServices(20)
    const capacities = {
      internode_application_receive_queue_capacity: 10_000,
      internode_application_receive_queue_reserve_endpoint_capacity: 0,
    }
    const [a, b] = [await sim.start(1), await sim.start(2, { settings: capacities })]
    const kept: InboundMessage[] = []
    b.handle(Verb.MUTATION_REQ, (message) => kept.push(message))
    const answers = [20_000, 200_000].flatMap((size) =>
      [1, 2].map(() => ask(sim, a, b, { payload: new Uint8Array(size), timeoutMs: 30_000 })),
    )
    await sim.run(2000)
    expect(kept).toHaveLength(2)
    while (kept.length > 0) {
      kept.shift()!.respond(BYTES)
      await sim.run(2000)
    }
    expect(answers.map(({ outcome }) => outcome)).toEqual(new Array(4).fill('response'))
  })

  it('that wait behind others are dropped before they are sent', async () => {
    const sim = new SimServices(21)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    echo(b)
    ask(sim, a, b)
    await sim.run(1000)
    sim.network.cut(sim.host(1), sim.host(2))
    const payload = new Uint8Array(50_000)
    const long = Array.from({ length: 10 }, () => ask(sim, a, b, { payload, timeoutMs: 20_000 }))
    const short = Array.from({ length: 10 }, () => ask(sim, a, b, { payload, timeoutMs: 500 }))
    await sim.run(1000)
    sim.network.healAll()
    await sim.run(3000)
    expect(long.every(({ outcome }) => outcome === 'response')).toBe(true)
    expect(short.every(({ outcome }) => outcome === RequestFailureReason.TIMEOUT)).toBe(true)
    expect(a.dropped.of(Verb.MUTATION_REQ)).toEqual({ internal: 10, crossNode: 0 })
    expect(b.dropped.of(Verb.MUTATION_REQ)).toEqual({ internal: 0, crossNode: 0 })
  })

  it('stop being read while those that came before are not answered', async () => {
    const sim = new SimServices(14)
    const capacities = {
      internode_application_receive_queue_capacity: 10_000,
      internode_application_receive_queue_reserve_endpoint_capacity: 0,
      internode_application_receive_queue_reserve_global_capacity: 0,
    }
    const [a, b] = [await sim.start(1), await sim.start(2, { settings: capacities })]
    const kept: InboundMessage[] = []
    b.handle(Verb.MUTATION_REQ, (message) => kept.push(message))
    b.handle(Verb.ECHO_REQ, (message) => message.respond(BYTES))
    const answers = Array.from({ length: 500 }, () => ask(sim, a, b, { timeoutMs: 30_000 }))
    await sim.run(1000)
    expect(kept).toHaveLength(Math.floor(10_000 / 220))
    // More than sockets and buffers hold: the connection is not read, and what is sent waits at the sender.
    const payload = new Uint8Array(50_000)
    for (let n = 0; n < 60; n++) answers.push(ask(sim, a, b, { payload, timeoutMs: 30_000 }))
    const urgent = ask(sim, a, b, { verb: Verb.ECHO_REQ })
    await sim.run(1000)
    expect(urgent.outcome).toBe('response')
    expect(Math.max(...[...b.inboundConnections].map(({ unreadBytes }) => unreadBytes))).toBeLessThan(300_000)
    expect(a.peers[0]!.small.figures.pendingBytes).toBeGreaterThan(2_000_000)
    for (let rounds = 0; rounds < 300 && kept.length > 0; rounds++) {
      for (const message of kept.splice(0)) message.respond(BYTES)
      await sim.run(50)
    }
    expect(answers.every(({ outcome }) => outcome === 'response')).toBe(true)
  })

  it('of a process that has died are not answered to the one that came after it', async () => {
    const sim = new SimServices(17)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const kept: InboundMessage[] = []
    b.handle(Verb.MUTATION_REQ, (message) => kept.push(message))
    ask(sim, a, b, { timeoutMs: 20_000 })
    await sim.run(500)
    sim.network.crash(sim.host(1))
    a.callbacks.forget()
    await sim.timers.run(a.close(0))
    const reborn = await sim.start(1)
    const answer = ask(sim, reborn, b, { timeoutMs: 20_000 })
    await sim.run(500)
    expect(kept).toHaveLength(2)
    kept[0]!.respond(BYTES)
    await sim.run(5000)
    expect(answer.outcome).toBeNull()
    kept[1]!.respond(BYTES)
    await sim.run(5000)
    expect(answer.outcome).toBe('response')
  })

  it('larger than any message may be fail, and are not sent', async () => {
    const sim = new SimServices(15)
    const [a, b] = [
      await sim.start(1, { settings: { internode_max_message_size: 1000 } }),
      await sim.start(2),
    ]
    echo(b)
    const answers = [
      ask(sim, a, b, { payload: new Uint8Array(981) }),
      ask(sim, a, b, { payload: new Uint8Array(980) }),
    ]
    await sim.run(500)
    expect(answers.map(({ outcome }) => outcome)).toEqual([RequestFailureReason.TIMEOUT, 'response'])
  })
})

describe('payloads', () => {
  it('can be read as words', async () => {
    const sim = new SimServices(16)
    const [a, b] = [await sim.start(1), await sim.start(2)]
    const sums: number[] = []
    b.handle(Verb.MUTATION_REQ, ({ payload }) => {
      sums.push(wordsOf(payload).reduce((sum, word) => sum + word, 0))
    })
    const expected: number[] = []
    for (let i = 1; i < 100; i++) {
      const words = Int32Array.from({ length: i }, (_, n) => n * i)
      expected.push(words.reduce((sum, word) => sum + word, 0))
      const payload = new Uint8Array(words.buffer)
      a.send(b.self, Verb.MUTATION_REQ, i % 3 === 0 ? Buffer.concat([payload, Buffer.from('abc')]) : payload)
    }
    await sim.run(1000)
    expect(sums).toEqual(expected)
  })
})
