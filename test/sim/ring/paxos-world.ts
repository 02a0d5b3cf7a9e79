import { Verb } from '../../../src/cluster/messaging/index.ts'
import { Paxos, PaxosAcceptor } from '../../../src/cluster/paxos/index.ts'
import { MutationEncoder } from '../../../src/cluster/replica/mutation-message.ts'
import type { RingNode } from '../../../src/cluster/ring/ring.ts'
import { ConsistencyLevel, CqlError, ReadTimeoutError } from '../../../src/common/errors.ts'
import { TimestampSource } from '../../../src/io/clock.ts'
import { ALL_ROWS } from '../../../src/model/clustering.ts'
import { LiveRow } from '../../../src/model/live-row.ts'
import { updatesAt } from '../../../src/model/mutation.ts'
import { type DecoratedKey, FULL_RING } from '../../../src/model/read-command.ts'
import { SimClock, SimTimers } from '../sim-clock.ts'
import { SimRandom } from '../sim-random.ts'
import { type Call, findViolation } from './linearizability.ts'
import { LoggedEngine, SimCommits, SimLog } from './logged-engine.ts'
import { type BusNode, SimBus } from './sim-bus.ts'
import { keyOf, planView, REGISTERS, ringOf, setRegister, simNodes, skewed, systemTable } from './sim-ring.ts'

/** How registers are read by tests: not by the coordinator, which is tested elsewhere. */
const READ = Verb.READ_REQ
/** No value: nothing has been written yet. */
const NOTHING = 0
const NO_UPDATE = new Uint8Array(0)
const COMMIT_LEVELS = [ConsistencyLevel.ANY, ConsistencyLevel.ONE, ConsistencyLevel.QUORUM]
/** Longer than any request takes: one that takes longer was at a node that died. */
const OPERATION_MS = 6_000
const encoder = new MutationEncoder()

/** What may go wrong in a run. */
export interface PaxosFaults {
  readonly loss: number
  readonly duplication: number
  readonly slowness: number
  /** How many proposals and commits are lost. */
  readonly proposeLoss: number
  readonly commitLoss: number
  readonly partitions: boolean
  readonly crashes: boolean
  readonly skewMs: number
}

/** A node whose process comes and goes. */
class Machine {
  readonly node: RingNode
  readonly log = new SimLog()
  skewMs = 0
  process: PaxosProcess | null = null

  constructor(node: RingNode) {
    this.node = node
  }
}

/** What runs on a machine between two crashes. */
class PaxosProcess {
  readonly bus: BusNode
  readonly engine: LoggedEngine
  readonly paxos: Paxos
  readonly #world: PaxosWorld

  constructor(world: PaxosWorld, machine: Machine) {
    const { bus, random } = world
    this.#world = world
    this.bus = bus.start(machine.node.endpoint)
    const timers = bus.timersOf(this.bus)
    const clock = skewed(world.clock, () => machine.skewMs)
    const paxosTable = systemTable('paxos')
    this.engine = new LoggedEngine(machine.log, [REGISTERS, paxosTable], (callback) =>
      timers.setTimeout(callback, random.below(4)),
    )
    new PaxosAcceptor({
      messaging: this.bus,
      engine: this.engine,
      commits: new SimCommits(this.engine),
      paxos: paxosTable,
      tableById: (id) => (id === REGISTERS.id ? REGISTERS : null),
      truncatedAtMs: () => 0,
      clock,
      logger: { error: (text) => world.log.push(text) },
    }).listen()
    this.bus.handle(READ, (message) => {
      const answer = new Uint8Array(12)
      const { value, micros } = this.#read(new Uint8Array(message.payload))
      const view = new DataView(answer.buffer)
      view.setInt32(0, value)
      view.setFloat64(4, micros)
      message.respond(answer)
    })
    this.paxos = new Paxos({
      messaging: this.bus,
      clock,
      timers,
      random,
      timestamps: new TimestampSource(clock),
      viewOf: () => planView(world.ring, world.nodes.length, (endpoint) => !world.dead.has(endpoint.text)),
      hints: () => null,
      timeouts: () => ({ cas_contention_timeout_ms: 1_800, write_request_timeout_ms: 2_000 }),
    })
  }

  /** What this replica has of a register. */
  #read(key: Uint8Array): { value: number; micros: number } {
    const { tokenHi, tokenLo } = keyOf(new DataView(key.buffer).getInt32(0))
    const command = {
      table: REGISTERS,
      keys: [{ key, tokenHi, tokenLo }],
      range: FULL_RING,
      slices: ALL_ROWS,
      reversed: false,
    }
    const reader = this.engine.read(command)
    try {
      if (!reader.nextPartition() || !reader.nextRow()) return { value: NOTHING, micros: -1 }
      const live = new LiveRow()
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, 0)
      const value = live.copySimple(REGISTERS.columns.get('v')!.id)!
      const { timestampHi, timestampLo } = live.cell
      const micros = timestampHi * 2 ** 32 + (timestampLo >>> 0)
      return { value: new DataView(value.buffer).getInt32(0), micros }
    } finally {
      reader.close()
    }
  }

  /** Reads at QUORUM: the newest value of those that a majority has. Rejects where it does not answer. */
  readQuorum({ key }: DecoratedKey): Promise<number> {
    const { nodes } = this.#world
    const required = (nodes.length >> 1) + 1
    return new Promise((resolve, reject) => {
      let newest = { value: NOTHING, micros: -1 }
      let answers = 0
      let open = nodes.length
      const settleOne = () => {
        open--
        if (answers === required) resolve(newest.value)
        else if (open === 0 && answers < required) {
          reject(new ReadTimeoutError('', ConsistencyLevel.QUORUM, answers, required, false))
        }
      }
      for (const { endpoint } of nodes) {
        this.bus.request(endpoint, READ, key, {
          onResponse: (answer) => {
            const view = new DataView(new Uint8Array(answer).buffer)
            const micros = view.getFloat64(4)
            if (answers < required && micros > newest.micros) newest = { value: view.getInt32(0), micros }
            answers++
            settleOne()
          },
          onFailure: settleOne,
        })
      }
    })
  }
}

/** A cluster that agrees on registers, clients that use them, and what goes wrong meanwhile. */
export class PaxosWorld {
  readonly clock = new SimClock()
  readonly timers = new SimTimers(this.clock)
  readonly random: SimRandom
  readonly bus: SimBus
  readonly nodes: readonly RingNode[]
  readonly ring
  readonly machines: readonly Machine[]
  /** Endpoints that all take to be dead. */
  readonly dead = new Set<string>()
  readonly log: string[] = []
  /** What was called, by keys. */
  readonly history = new Map<number, Call<number>[]>()
  /** How many operations ended how. */
  readonly outcomes = { applied: 0, refused: 0, read: 0, unknown: 0, failed: 0 }
  #nextValue = 1
  #isOver = false

  constructor(seed: number, size: number, faults: PaxosFaults) {
    this.random = new SimRandom(seed)
    this.bus = new SimBus(this.clock, this.timers, this.random)
    Object.assign(this.bus.faults, {
      loss: faults.loss,
      duplication: faults.duplication,
      slowness: faults.slowness,
    })
    const { lossOf } = this.bus.faults
    lossOf.set(Verb.PAXOS_PROPOSE_REQ, faults.proposeLoss).set(Verb.PAXOS_COMMIT_REQ, faults.commitLoss)
    this.nodes = simNodes(size)
    this.ring = ringOf(this.nodes)
    this.machines = this.nodes.map((node) => new Machine(node))
    for (const machine of this.machines) {
      machine.skewMs = this.random.below(2 * faults.skewMs + 1) - faults.skewMs
      machine.process = new PaxosProcess(this, machine)
    }
  }

  /** Runs clients for a time, and returns what is wrong with what they saw; null where nothing is. */
  async run(faults: PaxosFaults, clients: number, operations: number, keys: number): Promise<string | null> {
    const running = Promise.all(Array.from({ length: clients }, () => this.#client(operations, keys))).then(
      () => {
        this.#isOver = true
      },
    )
    if (faults.partitions) this.#again(400, () => this.#partition())
    if (faults.crashes) this.#again(500, () => this.#crash())
    await this.timers.run(running)
    this.bus.cut.clear()
    Object.assign(this.bus.faults, { loss: 0, duplication: 0, slowness: 0 })
    this.bus.faults.lossOf.clear()
    for (const machine of this.machines) this.#restart(machine)
    // What was left unfinished is finished by whoever comes next.
    const readBefore = this.outcomes.read
    const last = Array.from({ length: keys }, (_, key) => this.#operation(key, 'read'))
    await this.timers.run(Promise.all(last))
    if (this.outcomes.read !== readBefore + keys) return 'what was left unfinished can not be finished'
    for (const [key, calls] of this.history) {
      const violation = findViolation(calls, NOTHING)
      if (violation !== null) return `register ${key}: ${violation}`
    }
    return null
  }

  #again(everyMs: number, work: () => void): void {
    this.timers.setTimeout(
      () => {
        if (this.#isOver) return
        work()
        this.#again(everyMs, work)
      },
      50 + this.random.below(everyMs * 2),
    )
  }

  #partition(): void {
    const { cut } = this.bus
    cut.clear()
    if (this.random.chance(0.4)) return
    const apart = this.random.pick(this.nodes).endpoint.text
    const oneWay = this.random.chance(0.3)
    for (const { endpoint } of this.nodes) {
      if (endpoint.text === apart) continue
      cut.add(`${apart}>${endpoint.text}`)
      if (!oneWay) cut.add(`${endpoint.text}>${apart}`)
    }
  }

  /** A machine loses its power, or comes back. */
  #crash(): void {
    const machine = this.random.pick(this.machines)
    if (machine.process === null) {
      this.#restart(machine)
      return
    }
    this.bus.crash(machine.node.endpoint)
    machine.process = null
    machine.log.lose(this.random)
    if (this.random.chance(0.3)) this.dead.add(machine.node.endpoint.text)
    this.timers.setTimeout(() => this.#restart(machine), this.random.below(600))
  }

  #restart(machine: Machine): void {
    if (machine.process !== null) return
    this.dead.delete(machine.node.endpoint.text)
    machine.process = new PaxosProcess(this, machine)
  }

  async #client(operations: number, keys: number): Promise<void> {
    for (let i = 0; i < operations; i++) {
      const key = this.random.below(keys)
      await this.#operation(key, this.random.chance(0.35) ? 'read' : 'cas')
      await this.#pause(this.random.below(20))
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.timers.setTimeout(resolve, ms))
  }

  /** What became of a promise; null where it does not end, since its process died, or where it failed. */
  #ended<T>(promise: Promise<T>): Promise<{ readonly value: T } | null> {
    return new Promise((resolve) => {
      this.timers.setTimeout(() => resolve(null), OPERATION_MS)
      promise.then(
        (value) => resolve({ value }),
        (error: unknown) => {
          if (!(error instanceof CqlError)) this.log.push(`unexpected: ${error}`)
          resolve(null)
        },
      )
    })
  }

  /** One operation at some node; resolves when it ended or its time is over. */
  async #operation(register: number, kind: 'read' | 'cas'): Promise<void> {
    const { process } = this.random.pick(this.machines)
    if (process === null) return this.#pause(10)
    const calls = this.history.get(register) ?? []
    this.history.set(register, calls)
    if (kind === 'read') await this.#read(process, register, calls)
    else await this.#cas(process, register, calls)
  }

  #request(register: number, startedMs: number) {
    return {
      table: REGISTERS,
      key: keyOf(register),
      consistencyForPaxos: ConsistencyLevel.SERIAL,
      consistencyForReplayCommits: ConsistencyLevel.QUORUM,
      startedMs,
    }
  }

  /** A read at SERIAL. */
  async #read(process: PaxosProcess, register: number, calls: Call<number>[]): Promise<void> {
    const calledAt = this.clock.monotonicMs()
    const request = this.#request(register, calledAt)
    const propose = async () => ({ update: NO_UPDATE, result: null })
    const read = process.paxos
      .execute({ ...request, consistencyForCommit: ConsistencyLevel.ANY, propose })
      .then(() => process.readQuorum(request.key))
    const ended = await this.#ended(read)
    if (ended === null) {
      this.outcomes.failed++
      return
    }
    const { value } = ended
    const returnedAt = this.clock.monotonicMs()
    calls.push({ calledAt, returnedAt, text: `read ${value}`, apply: (s) => (s === value ? s : null) })
    this.outcomes.read++
  }

  /** UPDATE ... SET v = wanted IF v = expected. */
  async #cas(process: PaxosProcess, register: number, calls: Call<number>[]): Promise<void> {
    const wanted = this.#nextValue++
    // Mostly what is there, as far as a client can know; else anything.
    const seen = await this.#ended(process.readQuorum(keyOf(register)))
    const isGuess = seen === null || this.random.chance(0.1)
    const expected = isGuess ? this.random.below(wanted) : seen.value
    const calledAt = this.clock.monotonicMs()
    const request = this.#request(register, calledAt)
    const name = `cas ${expected}>${wanted}`
    const index =
      calls.push({
        calledAt,
        returnedAt: Number.POSITIVE_INFINITY,
        text: `${name}?`,
        apply: (s) => (s === expected ? wanted : null),
      }) - 1
    const cas = process.paxos.execute<number | null>({
      ...request,
      consistencyForCommit: this.random.pick(COMMIT_LEVELS),
      propose: async (micros) => {
        const current = await process.readQuorum(request.key)
        if (current !== expected) return { update: NO_UPDATE, result: current }
        const mutation = setRegister(request.key, wanted, micros)
        const update = encoder.encode(mutation, updatesAt(mutation), () => REGISTERS).slice()
        return { update, result: null }
      },
    })
    const ended = await this.#ended(cas)
    if (ended === null) {
      this.outcomes.unknown++
      return
    }
    const found = ended.value
    const returnedAt = this.clock.monotonicMs()
    if (found === null) {
      this.outcomes.applied++
      calls[index] = { ...calls[index]!, returnedAt, text: name }
    } else {
      this.outcomes.refused++
      const apply = (s: number) => (s === found ? s : null)
      calls[index] = { calledAt, returnedAt, text: `${name} refused by ${found}`, apply }
    }
  }
}
