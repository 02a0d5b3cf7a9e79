import type { ClusterNode } from '../../src/cluster/cluster-node.ts'
import type { Verb } from '../../src/cluster/messaging/index.ts'
import { TimestampSource } from '../../src/io/clock.ts'
import type { Network } from '../../src/io/network.ts'
import { type Database, openDatabase } from '../../src/node/database.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { createRingNode, ringPlanOf, startRingNode } from '../../src/node/ring-node.ts'
import { ringAddressesOf } from '../../src/node/ring-options.ts'
import { settingsOf } from '../../src/node/settings.ts'
import { createTask } from '../../src/storage/tasks/create-task.ts'
import { type ClockFault, ProcessTime, type WorldTime } from './cluster-time.ts'
import { type CrashKind, SimDisk } from './sim-disk.ts'
import type { SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

/** Where simulated time begins. */
const EPOCH_MS = Date.UTC(2026, 0, 1)

/**
 * What may come to a node twice, the second time late, without harm. Nothing here sends the others twice: additions to counters, TRUNCATE,
 * a node's goodbye.
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  'BATCH_REMOVE_REQ',
  'BATCH_STORE_REQ',
  'GOSSIP_DIGEST_ACK',
  'GOSSIP_DIGEST_ACK2',
  'GOSSIP_DIGEST_SYN',
  'HINT_REQ',
  'MUTATION_REQ',
  'PAXOS_COMMIT_REQ',
  'PAXOS_PREPARE_REQ',
  'PAXOS_PROPOSE_REQ',
  'RANGE_REQ',
  'READ_REPAIR_REQ',
  'READ_REQ',
  'SCHEMA_PUSH_REQ',
])
/** How late the second time may be, milliseconds. */
const REPEATED_WITHIN_MS = 4_000
/** The answer to a repeated request is nobody's. */
const NOBODY = { onResponse: () => undefined, onFailure: () => undefined }

/** What a host has of the world it is in. */
export interface HostWorld {
  readonly time: WorldTime
  readonly network: SimNetwork
  /** How likely a message comes twice. */
  readonly repeatChance: number
  /** What a node said that should not have happened. */
  readonly onError: (host: SimHost, text: string) => void
  readonly onWarning: (host: SimHost, text: string) => void
  readonly trace: (text: string) => void
  /** Something was done once more, or so many times. */
  readonly count: (what: string, times?: number) => void
}

/** A process that runs: a database and what makes it a node. */
interface Process {
  readonly time: ProcessTime
  database: Database | null
  node: ClusterNode | null
  /** Those who wait for an answer that can't come any more. */
  readonly onDeath: Set<() => void>
}

/** A machine of a simulated cluster: its disk outlives its processes. */
export class SimHost {
  readonly name: string
  readonly address: string
  readonly disk: SimDisk
  readonly clockFault: ClockFault
  readonly options: SibylOptions
  readonly #world: HostWorld
  readonly #random: SimRandom
  readonly #repeating: SimRandom
  #process: Process | null = null
  /** Clients are served. */
  isServing = false
  /** Hears of what its processes ask of other nodes. */
  onSend: ((verb: string) => void) | null = null
  starts = 0
  #pausedMs = 0
  #pausedAt = 0

  constructor(world: HostWorld, address: string, seed: number, options: SibylOptions, clock: ClockFault) {
    this.#world = world
    this.address = address
    this.name = address.slice(address.lastIndexOf('.') + 1)
    this.options = options
    this.clockFault = clock
    this.#random = new SimRandom(seed)
    this.#repeating = new SimRandom(seed ^ 0x1b873593)
    this.disk = new SimDisk(new SimRandom(seed ^ 0x5bd1e995))
    this.disk.onDeath = () => this.#die()
  }

  get isRunning(): boolean {
    return this.#process !== null
  }

  get isPaused(): boolean {
    return this.#process?.time.isPaused === true
  }

  /** Throws where none is open. */
  get database(): Database {
    return this.#process!.database!
  }

  /** What its process reaches the machine by. */
  get ports(): { clock: ProcessTime; timers: ProcessTime; random: SimRandom; timestamps: TimestampSource } {
    const { time } = this.#process!
    return { clock: time, timers: time, random: new SimRandom(1), timestamps: new TimestampSource(time) }
  }

  get node(): ClusterNode {
    return this.#process!.node!
  }

  /** Resolves when clients are served; false where the process died before. Rejects when the start was refused. */
  async start(): Promise<boolean> {
    const { time: world } = this.#world
    const process: Process = {
      time: new ProcessTime(world, this.clockFault, EPOCH_MS),
      database: null,
      node: null,
      onDeath: new Set(),
    }
    this.#process = process
    this.starts++
    const isGone = (): boolean => this.#process !== process
    const died = new Promise<false>((resolve) => process.onDeath.add(() => resolve(false)))
    const started = this.#open(process).then(
      () => true,
      (error: unknown) => {
        if (isGone()) return false
        throw error
      },
    )
    const isUp = await Promise.race([started, died])
    if (isUp && !isGone()) {
      this.isServing = true
      return true
    }
    return false
  }

  async #open(process: Process): Promise<void> {
    const { options } = this
    const { time } = process
    const isGone = (): boolean => time.isDead
    const logger = {
      info: (text: string): void => {
        if (!isGone()) this.#world.trace(`${this.name} says ${text}`)
      },
      warn: (text: string): void => {
        if (!isGone()) this.#world.onWarning(this, text)
      },
      error: (text: string): void => {
        if (!isGone()) this.#world.onError(this, text)
      },
    }
    const disk = this.disk.attach(time)
    disk.mkdirpSync('/data')
    const random = new SimRandom(this.#random.uint32())
    const network = this.#networkOf(process)
    const ports = { disk, clock: time, timers: time, random, createTask, network }
    const found = await ringAddressesOf(options, async () => null, logger)
    const readFile = (path: string): never => {
      throw new Error(`there is no ${path}`)
    }
    const plan = ringPlanOf(options, found, readFile, logger)
    const { listen, broadcast, rpcHost, nativeHost } = found
    const nativePort = 9042
    const full = { ...options, ...plan.location, host: rpcHost, port: nativePort }
    const settings = settingsOf(full)
    const onFailure = (error: Error): void => logger.error(`the commit log failed: ${error.message}`)
    const addresses = { listen, broadcast, native: { host: nativeHost, port: nativePort } }
    const database = await openDatabase(full, settings, ports, logger, onFailure, addresses)
    process.database = database
    const node = createRingNode({
      options: full,
      settings,
      plan,
      database,
      ports,
      logger,
      nativePort,
      readFile,
      push: () => {},
    })
    process.node = node
    this.#watch(node, time)
    await startRingNode(node, database)
    node.setRpcReady(true)
    await database.processor.commit()
  }

  /** Hears what a node sends, and repeats some of it. */
  #watch({ messaging }: ClusterNode, time: ProcessTime): void {
    const request = messaging.request.bind(messaging)
    const send = messaging.send.bind(messaging)
    messaging.request = (to, verb, payload, callback) => {
      this.#world.count(verb.name)
      this.#repeat(time, verb, payload, (copy) => request(to, verb, copy, NOBODY))
      request(to, verb, payload, callback)
      this.onSend?.(verb.name)
    }
    messaging.send = (to, verb, payload, options) => {
      this.#repeat(time, verb, payload, (copy) => send(to, verb, copy))
      send(to, verb, payload, options)
    }
  }

  #repeat(time: ProcessTime, verb: Verb, payload: Uint8Array, again: (copy: Uint8Array) => void): void {
    const random = this.#repeating
    const { repeatChance } = this.#world
    if (repeatChance === 0 || !REPEATABLE.has(verb.name) || !random.chance(repeatChance)) return
    const copy = new Uint8Array(payload)
    time.setTimeout(() => {
      this.#world.count('messagesRepeated')
      again(copy)
    }, random.below(REPEATED_WITHIN_MS))
  }

  /** What a process that died does is never heard of. */
  #networkOf({ time }: Process): Network {
    const network = this.#world.network.host(this.address)
    const never = (): Promise<never> => new Promise(() => {})
    return {
      listen: (options, onConnection) => (time.isDead ? never() : network.listen(options, onConnection)),
      connect: (host, port, options) => {
        if (time.isDead) return never()
        return network.connect(host, port, options).then((connection) => {
          if (!time.isDead) return connection
          connection.destroy()
          return never()
        })
      },
    }
  }

  /** Whether something is kept for other nodes: hints, or batches that are not finished. */
  get isKeeping(): boolean {
    const { hints, batchlog } = this.node.keeping
    // Batches that were there when it started are looked for when it has run for a while.
    return hints.hasHints || !batchlog.isLoaded || batchlog.batchCount > 0
  }

  /** Nothing of the process does anything any more. */
  #die(): void {
    const process = this.#process
    if (process === null) return
    if (process.node !== null) {
      const { hints, batchlog, paxos } = process.node.keeping
      this.#world.count('hintsWritten', hints.metrics.created)
      this.#world.count('hintsDelivered', hints.metrics.succeeded)
      this.#world.count('batchesReplayed', batchlog.totalBatchesReplayed)
      this.#world.count('unfinishedRoundsRepaired', paxos.metrics.unfinishedCommits)
    }
    this.#pausedMs = this.pausedMs
    this.#process = null
    this.isServing = false
    process.time.die()
    this.#world.network.crash(this.address)
    for (const callback of process.onDeath) callback()
  }

  /** The process is killed, or has died before, and with the power what was not synced is lost. */
  crash(kind: CrashKind): void {
    this.#die()
    this.disk.crash(kind)
  }

  /** How long its processes have been paused, all in all. */
  get pausedMs(): number {
    return this.#pausedMs + (this.isPaused ? this.#world.time.nowMs - this.#pausedAt : 0)
  }

  pause(): void {
    if (this.#process === null || this.isPaused) return
    this.#pausedAt = this.#world.time.nowMs
    this.#process.time.pause()
    this.#world.network.sleep(this.address)
  }

  resume(): void {
    if (!this.isPaused) return
    this.#pausedMs = this.pausedMs
    this.#world.network.wake(this.address)
    this.#process?.time.resume()
  }

  /** Stops as an operator stops it. False where the process died in between. */
  async stop(): Promise<boolean> {
    const process = this.#process!
    this.isServing = false
    const died = new Promise<false>((resolve) => process.onDeath.add(() => resolve(false)))
    const stopped = (async () => {
      process.node!.setRpcReady(false)
      await process.node!.stop()
      await process.database!.close()
      return true
    })()
    stopped.catch(() => {})
    const isStopped = await Promise.race([stopped, died])
    if (isStopped) this.crash('kill')
    return isStopped
  }

  /**
   * What a client of this node does: null where the node died before it was answered. What `ask` returns or throws was
   * acknowledged as the native transport acknowledges: when what the node wrote in that turn is as durable as it is to be.
   */
  async serve<T>(ask: (database: Database) => T | Promise<T>): Promise<T | null> {
    const process = this.#process
    if (process === null || process.database === null) return null
    let died = (): void => {}
    const gone = new Promise<null>((resolve) => {
      died = () => resolve(null)
      process.onDeath.add(died)
    })
    try {
      return await Promise.race([this.#ask(process, process.database, ask), gone])
    } finally {
      process.onDeath.delete(died)
    }
  }

  async #ask<T>(
    process: Process,
    database: Database,
    ask: (database: Database) => T | Promise<T>,
  ): Promise<T> {
    // A process that is stopped reads what was sent when it goes on.
    if (process.time.isPaused) await new Promise<void>((resolve) => process.time.setImmediate(resolve))
    const result = await ask(database)
    const durable = database.processor.commit()
    if (durable !== null) await durable
    return result
  }
}
