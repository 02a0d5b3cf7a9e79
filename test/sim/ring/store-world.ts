import {
  type Batch,
  BatchlogManager,
  DEFAULT_BATCHLOG_SETTINGS,
} from '../../../src/cluster/batchlog/index.ts'
import type { Endpoint } from '../../../src/cluster/endpoint.ts'
import { DEFAULT_HINTS_SETTINGS, HintHandler, HintsService } from '../../../src/cluster/hints/index.ts'
import { Verb, wordsOf } from '../../../src/cluster/messaging/index.ts'
import { committed } from '../../../src/cluster/replica/commit-promise.ts'
import { MutationDecoder, MutationEncoder } from '../../../src/cluster/replica/mutation-message.ts'
import type { Ring, RingNode } from '../../../src/cluster/ring/ring.ts'
import { simpleStrategy } from '../../../src/cluster/ring/strategy.ts'
import type { RingView } from '../../../src/cluster/ring-view.ts'
import { ALL_ROWS } from '../../../src/model/clustering.ts'
import { LiveRow } from '../../../src/model/live-row.ts'
import { updatesAt } from '../../../src/model/mutation.ts'
import { FULL_RING } from '../../../src/model/read-command.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import { SimClock, SimTimers } from '../sim-clock.ts'
import { type CrashKind, SimDisk } from '../sim-disk.ts'
import { SimRandom } from '../sim-random.ts'
import { LoggedEngine, SimCommits, SimLog } from './logged-engine.ts'
import { type BusNode, SimBus } from './sim-bus.ts'
import { KEYSPACE, keyOf, REGISTERS, ringOf, setRegister, simNodes, systemTable } from './sim-ring.ts'

const HINTS = '/hints'
const encoder = new MutationEncoder()

/** The table of registers with another gc_grace_seconds. */
export function registersWith(gcGraceSeconds: number): TableMetadata {
  return { ...REGISTERS, params: { ...REGISTERS.params, gcGraceSeconds } }
}

/** A machine with its disk and its log, and the process on it. */
export class StoreMachine {
  readonly node: RingNode
  readonly disk: SimDisk
  readonly log = new SimLog()
  process: StoreProcess | null = null

  constructor(node: RingNode, random: SimRandom) {
    this.node = node
    this.disk = new SimDisk(random)
  }
}

/** Everything of a node that keeps writes for others. */
export class StoreProcess {
  readonly bus: BusNode
  readonly engine: LoggedEngine
  readonly commits: SimCommits
  readonly hints: HintsService
  readonly batchlog: BatchlogManager
  readonly #world: StoreWorld

  constructor(world: StoreWorld, machine: StoreMachine) {
    const { clock, random, table } = world
    this.#world = world
    this.bus = world.bus.start(machine.node.endpoint)
    const timers = world.bus.timersOf(this.bus)
    const batches = systemTable('batches')
    this.engine = new LoggedEngine(machine.log, [table, batches], (callback) =>
      timers.setTimeout(callback, random.below(4)),
    )
    this.commits = new SimCommits(this.engine)
    const ring = world.ringView(machine.node)
    const tableById = (id: string) => (id === table.id ? table : null)
    const logger = {
      info: () => undefined,
      warn: (text: string) => world.warnings.push(text),
      // What a process that died would have said nobody hears.
      error: (text: string) => {
        if (!this.bus.isDead) world.errors.push(text)
      },
    }
    const truncatedAtMs = () => 0
    const common = { messaging: this.bus, clock, timers, random, ring, tableById, logger, truncatedAtMs }
    this.hints = new HintsService(
      { ...DEFAULT_HINTS_SETTINGS, directory: HINTS, ...world.hintsSettings },
      {
        ...common,
        disk: machine.disk.attach(timers),
        largestGcGraceSeconds: () => table.params.gcGraceSeconds,
      },
    )
    const { engine, commits, hints } = this
    new HintHandler({ ...common, engine, commits, hints }).listen()
    const settings = { ...DEFAULT_BATCHLOG_SETTINGS, startDelayMs: 2_000 }
    this.batchlog = new BatchlogManager(settings, { ...common, engine, commits, table: batches, hints })
    this.batchlog.listen()
    this.#listenToMutations()
    this.hints.start()
    this.batchlog.start()
  }

  /** The verb of ordinary writes, as `Replica` has it. */
  #listenToMutations(): void {
    const decoder = new MutationDecoder()
    this.bus.handle(Verb.MUTATION_REQ, (message) => {
      this.engine.apply(decoder.decode(wordsOf(message.payload).slice(), () => this.#world.table))
      committed(this.commits).then(() => message.respond(new Uint8Array(0)))
    })
  }

  /** What this node has of a register; null where there is nothing. */
  value(register: number): number | null {
    const reader = this.engine.read({
      table: this.#world.table,
      keys: [keyOf(register)],
      range: FULL_RING,
      slices: ALL_ROWS,
      reversed: false,
    })
    try {
      if (!reader.nextPartition() || !reader.nextRow()) return null
      const live = new LiveRow()
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, 0)
      const value = live.copySimple(REGISTERS.columns.get('v')!.id)!
      return new DataView(value.buffer).getInt32(0)
    } finally {
      reader.close()
    }
  }
}

/** Nodes that keep hints and batches for each other. */
export class StoreWorld {
  readonly clock = new SimClock()
  readonly timers = new SimTimers(this.clock)
  readonly random: SimRandom
  readonly bus: SimBus
  readonly nodes: readonly RingNode[]
  ring: Ring
  readonly factor: number
  readonly machines: readonly StoreMachine[]
  readonly table: TableMetadata
  readonly hintsSettings: Partial<typeof DEFAULT_HINTS_SETTINGS>
  /** Since when endpoints are dead, for all. */
  readonly dead = new Map<string, number>()
  /** Endpoints of nodes that do not know their tokens yet. */
  readonly joining = new Set<string>()
  readonly warnings: string[] = []
  readonly errors: string[] = []

  constructor(
    seed: number,
    size: number,
    factor: number,
    gcGraceSeconds = 864_000,
    hintsSettings: Partial<typeof DEFAULT_HINTS_SETTINGS> = {},
  ) {
    this.random = new SimRandom(seed)
    this.bus = new SimBus(this.clock, this.timers, this.random)
    this.nodes = simNodes(size)
    this.ring = ringOf(this.nodes)
    this.factor = factor
    this.table = registersWith(gcGraceSeconds)
    this.hintsSettings = hintsSettings
    this.machines = this.nodes.map((node) => new StoreMachine(node, this.random))
    for (const machine of this.machines) this.start(machine)
  }

  ringView(local: RingNode): RingView {
    const world = this
    return {
      local,
      get isJoined() {
        return !world.joining.has(local.endpoint.text)
      },
      get memberCount() {
        return world.ring.nodes.length
      },
      endpointOf: (hostId) => world.ring.nodes.find((node) => node.hostId === hostId)?.endpoint,
      isAlive: ({ text }: Endpoint) => !world.dead.has(text),
      downtimeMs: ({ text }) => {
        const since = world.dead.get(text)
        return since === undefined ? 0 : world.clock.nowMs() - since
      },
      replicas: (keyspace, hi, lo) =>
        keyspace === KEYSPACE ? world.ring.replicas(simpleStrategy(world.factor), hi, lo) : [],
    }
  }

  start(machine: StoreMachine): void {
    if (machine.process !== null) return
    this.dead.delete(machine.node.endpoint.text)
    machine.process = new StoreProcess(this, machine)
    for (const { process } of this.machines) process?.hints.dispatch()
  }

  /** The process dies, or the machine loses its power. */
  crash(machine: StoreMachine, kind: CrashKind): void {
    if (machine.process === null) return
    this.bus.crash(machine.node.endpoint)
    machine.process = null
    machine.disk.crash(kind)
    if (kind === 'power') machine.log.lose(this.random)
    this.dead.set(machine.node.endpoint.text, this.clock.nowMs())
  }

  /** The encoded mutation that sets a register to its own number, now. */
  mutation(register: number): Uint8Array {
    const mutation = setRegister(keyOf(register), register, this.clock.nowMicros())
    return encoder.encode(mutation, updatesAt(mutation), () => this.table).slice()
  }

  replicasOf(register: number): readonly StoreMachine[] {
    const { tokenHi, tokenLo } = keyOf(register)
    const replicas = this.ring.replicas(simpleStrategy(this.factor), tokenHi, tokenLo)
    return this.machines.filter(({ node }) => replicas.some(({ hostId }) => hostId === node.hostId))
  }

  /** Keeps a batch at some nodes, as a coordinator does; true where all of them acknowledged. */
  async store(from: StoreProcess, batch: Batch, at: readonly RingNode[]): Promise<boolean> {
    const payload = from.batchlog.encode(batch)
    const answers = at.map(
      ({ endpoint }) =>
        new Promise<boolean>((resolve) =>
          from.bus.request(endpoint, Verb.BATCH_STORE_REQ, payload, {
            onResponse: () => resolve(true),
            onFailure: () => resolve(false),
          }),
        ),
    )
    return (await Promise.all(answers)).every((one) => one)
  }

  /** All is well from now on, and everybody is there. */
  heal(): void {
    this.bus.cut.clear()
    Object.assign(this.bus.faults, { loss: 0, duplication: 0, slowness: 0 })
    for (const machine of this.machines) this.start(machine)
  }
}
