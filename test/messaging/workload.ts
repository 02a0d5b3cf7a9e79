import { expect } from 'vitest'
import { RequestFailureReason } from '../../src/cluster/messaging/failure-reason.ts'
import type { InternodeMessaging } from '../../src/cluster/messaging/internode-messaging.ts'
import type { InboundMessage } from '../../src/cluster/messaging/messaging-service.ts'
import { Verb } from '../../src/cluster/messaging/verb.ts'
import { readInt32, writeInt32 } from '../../src/common/bytes.ts'
import { SimServices } from './sim-services.ts'

const NODES = 3
const VERBS = [Verb.MUTATION_REQ, Verb.READ_REQ, Verb.ECHO_REQ]
const ONE_WAY = [Verb.GOSSIP_DIGEST_SYN, Verb.GOSSIP_DIGEST_ACK, Verb.GOSSIP_SHUTDOWN]
/** What is due expires within a slot of the wheel, and a millisecond for rounding. */
const SLACK_MS = 10
/** One large message may go over several frames and fill the window. */
const LARGE_MAX = 600_000

/** What a request asks its handler to do. */
type Wish = 'answer' | 'answerLater' | 'fail' | 'throw' | 'keepSilent' | 'drop'

interface Asked {
  readonly wish: Wish
  readonly from: number
  readonly to: number
  readonly size: number
  readonly askedMs: number
  readonly timeoutMs: number
  handled: number
  outcome: 'response' | RequestFailureReason | null
}

/**
 * Random traffic between three nodes on a network that fails as the seed says. Every request gets one answer or one
 * failure, in time; handlers see each message once at most and as it was sent; one-way messages of one kind keep their
 * order; at the end nothing is held.
 */
export class MessagingWorkload {
  readonly sim: SimServices
  readonly #services: InternodeMessaging[] = []
  readonly #asked: Asked[] = []
  /** By sender, receiver and verb: the last number sent and received. */
  readonly #sent = new Map<string, number>()
  readonly #received = new Map<string, number>()
  /** Seen by whoever reads the figures: how much of what happened. */
  readonly seen: Record<string, number> = {}
  readonly #seed: number
  readonly #isFaulty: boolean
  #failure: Error | null = null

  constructor(seed: number) {
    this.#seed = seed
    this.sim = new SimServices(seed, [1, 5, 40][seed % 3])
    this.#isFaulty = seed % 4 !== 0
  }

  async run(): Promise<void> {
    for (let n = 0; n < NODES; n++) await this.#start(n)
    const { random } = this.sim
    for (let round = 0; round < 12; round++) {
      if (this.#isFaulty && random.chance(0.5)) await this.#fault()
      for (let left = random.below(12); left > 0; left--) this.#act()
      await this.sim.run(random.below(random.chance(0.2) ? 3000 : 60))
      if (this.#failure !== null) throw this.#failure
    }
    this.#heal()
    await this.sim.run(15_000)
    this.#checkAll()
    await this.#checkThatAllAnswers()
    await this.#close()
  }

  async #start(n: number): Promise<void> {
    const service = await this.sim.start(n, {
      settings: {
        internode_application_send_queue_capacity: 1_000_000,
        internode_application_send_queue_reserve_endpoint_capacity: 1_000_000,
        internode_application_receive_queue_capacity: 100_000,
        internode_application_receive_queue_reserve_endpoint_capacity: 700_000,
        internode_application_receive_queue_reserve_global_capacity: 700_000,
        internode_tcp_user_timeout: 4000,
      },
    })
    for (const verb of VERBS) service.handle(verb, (message) => this.#handleRequest(n, message))
    for (const verb of ONE_WAY) service.handle(verb, (message) => this.#handleOneWay(n, message))
    this.#services[n] = service
  }

  #act(): void {
    const { random } = this.sim
    const from = random.below(NODES)
    const to = random.below(NODES)
    if (random.chance(0.3)) this.#send(from, to)
    else this.#ask(from, to)
  }

  // ---- one-way messages

  #send(from: number, to: number): void {
    const verb = this.sim.random.pick(ONE_WAY)
    const key = `${from}>${to} ${verb.name}`
    const number = (this.#sent.get(key) ?? 0) + 1
    this.#sent.set(key, number)
    const payload = new Uint8Array(4)
    writeInt32(payload, 0, number)
    this.#services[from]!.send(this.#services[to]!.self, verb, payload)
    payload.fill(0xff)
  }

  #handleOneWay(n: number, message: InboundMessage): void {
    const from = Number(message.from.host.split('.')[3])
    const key = `${from}>${n} ${message.verb.name}`
    const number = readInt32(message.payload, 0)
    this.#expect(number > (this.#received.get(key) ?? 0), `${key} came out of order`)
    this.#expect(number <= this.#sent.get(key)!, `${key} was never sent`)
    this.#received.set(key, number)
    this.#count('oneWay')
  }

  // ---- requests

  #ask(from: number, to: number, wish?: Wish): Asked {
    const { random, clock } = this.sim
    const size = 8 + random.below(random.chance(0.1) ? LARGE_MAX : 300)
    const timeoutMs = 20 + random.below(3000)
    const asked: Asked = {
      wish:
        wish ??
        random.pick(['answer', 'answer', 'answer', 'answerLater', 'fail', 'throw', 'keepSilent', 'drop']),
      from,
      to,
      size,
      askedMs: clock.monotonicMs(),
      timeoutMs: wish === undefined ? timeoutMs : 5000,
      handled: 0,
      outcome: null,
    }
    const index = this.#asked.push(asked) - 1
    const payload = contentOf(index, size)
    const target = this.#services[to]!.self
    let isReturned = false
    const settle = (outcome: 'response' | RequestFailureReason, who: string): void => {
      this.#expect(isReturned, 'the callback was called inside of request')
      this.#expect(asked.outcome === null, `request ${index} has two outcomes`)
      this.#expect(who === target.text, `request ${index} was answered by ${who}`)
      const tookMs = clock.monotonicMs() - asked.askedMs
      this.#expect(tookMs <= asked.timeoutMs + SLACK_MS, `request ${index} took ${tookMs} ms`)
      asked.outcome = outcome
      this.#count(String(outcome))
    }
    this.#services[from]!.request(target, random.pick(VERBS), payload, {
      timeoutMs: asked.timeoutMs,
      session: index % 2 === 0 ? new Uint8Array(16).fill(index) : null,
      onResponse: (answer, who) => {
        this.#expect(readInt32(answer, 0) === (index ^ -1), `request ${index} got another one's answer`)
        settle('response', who.text)
      },
      onFailure: (reason, who) => settle(reason, who.text),
    })
    payload.fill(0xff)
    isReturned = true
    return asked
  }

  #handleRequest(n: number, message: InboundMessage): void {
    const { payload } = message
    const index = readInt32(payload, 0)
    const asked = this.#asked[index]!
    asked.handled++
    this.#expect(asked.to === n, `request ${index} came to ${n}`)
    this.#expect(asked.handled === 1, `request ${index} was handled twice`)
    this.#expect(Buffer.compare(payload, contentOf(index, asked.size)) === 0, `request ${index} came changed`)
    this.#expect((message.session?.[5] ?? -1) === (index % 2 === 0 ? index & 0xff : -1), 'another session')
    this.#expect(message.remainingMs <= asked.timeoutMs, `request ${index} has more time than was given`)
    const answer = new Uint8Array(4 + (index % 7))
    writeInt32(answer, 0, index ^ -1)
    switch (asked.wish) {
      case 'answer':
        message.respond(answer)
        answer.fill(0xff)
        // A second answer is passed over.
        message.fail(RequestFailureReason.UNKNOWN)
        break
      case 'answerLater':
        this.sim.timers.setTimeout(() => message.respond(answer), this.sim.random.below(500))
        break
      case 'fail':
        message.fail(RequestFailureReason.READ_SIZE)
        break
      case 'throw':
        throw new Error('on purpose')
      case 'drop':
        message.drop()
        break
      case 'keepSilent':
        break
    }
  }

  // ---- faults

  async #fault(): Promise<void> {
    const { network, random } = this.sim
    const a = random.below(NODES)
    const b = (a + 1 + random.below(NODES - 1)) % NODES
    const [hostA, hostB] = [this.sim.host(a), this.sim.host(b)]
    const kind = random.pick([
      'cut',
      'cutBoth',
      'heal',
      'healAll',
      'break',
      'flaky',
      'slow',
      'crash',
      'interrupt',
    ])
    this.#count(kind)
    switch (kind) {
      case 'cut':
        network.cut(hostA, hostB)
        break
      case 'cutBoth':
        network.cutBoth(hostA, hostB)
        break
      case 'heal':
        network.healBoth(hostA, hostB)
        break
      case 'healAll':
        network.healAll()
        break
      case 'break':
        network.breakBetween(hostA, hostB)
        break
      case 'flaky':
        network.link(hostA, hostB).breakChance = 0.05
        break
      case 'slow':
        network.link(hostA, hostB).maxDelayMs = 400
        break
      case 'interrupt':
        this.#services[a]!.interrupt(this.#services[b]!.self)
        break
      case 'crash':
        await this.#restart(a)
    }
  }

  /** The process of a node is killed and started again. Its callbacks are gone with it. */
  async #restart(n: number): Promise<void> {
    const old = this.#services[n]!
    this.sim.network.crash(this.sim.host(n))
    for (const asked of this.#asked) if (asked.from === n) asked.outcome ??= RequestFailureReason.UNKNOWN
    for (const key of this.#received.keys()) if (key.startsWith(`${n}>`)) this.#received.delete(key)
    for (const key of this.#sent.keys())
      if (key.startsWith(`${n}>`)) this.#sent.set(key, this.#sent.get(key)! + 1000)
    old.callbacks.forget()
    await this.sim.timers.run(old.close(0))
    await this.#start(n)
  }

  #heal(): void {
    const { network } = this.sim
    network.healAll()
    for (let a = 0; a < NODES; a++) {
      for (let b = 0; b < NODES; b++) {
        const link = network.link(this.sim.host(a), this.sim.host(b))
        link.breakChance = 0
        link.maxDelayMs = Math.min(link.maxDelayMs, 40)
      }
    }
  }

  // ---- what must hold

  #checkAll(): void {
    this.#asked.forEach((asked, index) => {
      this.#expect(asked.outcome !== null, `request ${index} has no outcome`)
      if (asked.outcome === 'response') {
        this.#expect(asked.wish === 'answer' || asked.wish === 'answerLater', `request ${index} was answered`)
      }
      const isSure = asked.wish === 'answer' && asked.size < 1000 && asked.timeoutMs > 2000
      if (!this.#isFaulty && isSure)
        this.#expect(asked.outcome === 'response', `request ${index} was not answered`)
    })
    for (const service of this.#services) {
      this.#expect(service.callbacks.size === 0, 'callbacks are left')
      this.#expect(service.heldBytes === 0, `${service.heldBytes} bytes are held`)
      const { send, receive } = service.borrowedBytes
      this.#expect(send + receive === 0, `${send} and ${receive} bytes are borrowed`)
      for (const connection of service.inboundConnections) {
        this.#expect(connection.pendingBytes === 0, 'requests are left in a queue')
      }
    }
    if (this.#isFaulty) return
    for (const [key, number] of this.#sent)
      this.#expect(this.#received.get(key) === number, `${key} is missing`)
  }

  /** When the network is whole again, so is messaging. */
  async #checkThatAllAnswers(): Promise<void> {
    const asked: Asked[] = []
    for (let from = 0; from < NODES; from++) {
      for (let to = 0; to < NODES; to++) asked.push(this.#ask(from, to, 'answer'))
    }
    await this.sim.run(6000)
    for (const { outcome, from, to } of asked)
      this.#expect(outcome === 'response', `${from}>${to} is still broken`)
  }

  async #close(): Promise<void> {
    for (const service of this.#services) await this.sim.timers.run(service.close())
    await this.sim.run(1000)
    expect(this.sim.network.connectionCount, `seed ${this.#seed}: connections are left`).toBe(0)
  }

  #count(what: string): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1
  }

  #expect(isTrue: boolean, text: string): void {
    if (isTrue) return
    // What is thrown inside of a handler is the service's to catch; the first one counts.
    this.#failure ??= new Error(`seed ${this.#seed}: ${text}\n${this.sim.log.slice(-20).join('\n')}`)
    throw this.#failure
  }
}

function contentOf(index: number, size: number): Uint8Array {
  const content = new Uint8Array(size)
  for (let i = 4; i < size; i++) content[i] = (index * 31 + i * 7) & 0xff
  writeInt32(content, 0, index)
  return content
}
