import type { SimCluster } from './cluster.ts'
import type { SimHost } from './cluster-host.ts'
import type { CrashKind } from './sim-disk.ts'
import type { SimRandom } from './sim-random.ts'

export interface FaultPlan {
  /** Machines that may lose power; else processes die only, and what was written is there. */
  readonly powerLoss: boolean
  /** The only node that dies or stops; null where any may. Empty: none does. */
  readonly victims: readonly SimHost[]
  /** Between two faults, milliseconds at most. */
  readonly gapMs: number
}

/** What is half done when a process dies right behind it. */
const HALF_DONE = [
  'MUTATION_REQ',
  'MUTATION_REQ',
  'PAXOS_COMMIT_REQ',
  'PAXOS_COMMIT_REQ',
  'PAXOS_PROPOSE_REQ',
]
/** As long as messages between nodes are under way, mostly. */
const UNDER_WAY_MS = 4

type Undo = () => void | Promise<void>

/** What goes wrong in a cluster, one thing after another and several at once, until it is healed. */
export class Faults {
  readonly #cluster: SimCluster
  readonly #random: SimRandom
  readonly #plan: FaultPlan
  readonly #count: (what: string) => void
  readonly #undone = new Set<Undo>()
  /** It dies soon after it is asked something. */
  #doomed: { readonly host: SimHost; readonly kind: CrashKind } | null = null
  #isOver = false

  constructor(cluster: SimCluster, random: SimRandom, plan: FaultPlan, count: (what: string) => void) {
    this.#cluster = cluster
    this.#random = random
    this.#plan = plan
    this.#count = count
  }

  /** Faults until `isOver` is set by `heal`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      await this.#wait(this.#random.below(this.#plan.gapMs))
      if (!this.#isOver) this.#one()
    }
  }

  /** A client asks a node: what is under way when a coordinator dies is what matters most. */
  asked(host: SimHost): void {
    const doomed = this.#doomed
    if (doomed?.host !== host) return
    this.#doomed = null
    this.#cluster.time.setTimeout(() => {
      if (host.isServing && !this.#isOver) host.crash(doomed.kind)
    }, this.#random.below(25))
  }

  /** It dies when it has asked something of others, which some of them have heard, and some have not. */
  #dieSending(host: SimHost, verb: string, kind: CrashKind): void {
    host.onSend = (sent) => {
      if (sent !== verb) return
      host.onSend = null
      this.#cluster.time.setTimeout(() => {
        if (host.isServing && !this.#isOver) host.crash(kind)
      }, this.#random.below(UNDER_WAY_MS))
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#cluster.time.setTimeout(resolve, ms))
  }

  #say(what: string, detail: string): void {
    this.#count(what)
    this.#cluster.say(`FAULT ${what} ${detail}`)
  }

  #one(): void {
    const random = this.#random
    const { hosts } = this.#cluster
    const kinds = [
      () => this.#slowLink(),
      () => this.#slowLink(),
      () => this.#breaking(),
      () => this.#breakNow(),
      () => this.#cut(random.pick(hosts), random.pick(hosts), false),
      () => this.#cut(random.pick(hosts), random.pick(hosts), true),
      () => this.#isolate(),
      () => this.#split(),
      () => this.#pause(),
      () => this.#slowDisk(),
      () => this.#clockJump(),
      () => this.#end(),
      () => this.#end(),
      () => this.#end(),
      () => this.#end(),
    ]
    random.pick(kinds)()
  }

  /** Undoes it after a time of the seed's, or when all is healed. */
  #for(maxMs: number, undo: Undo): void {
    this.#undone.add(undo)
    const ms = this.#random.below(maxMs)
    this.#cluster.time.setTimeout(() => {
      if (this.#undone.delete(undo)) void undo()
    }, ms)
  }

  #slowLink(): void {
    const { hosts, network } = this.#cluster
    const [a, b] = [this.#random.pick(hosts), this.#random.pick(hosts)]
    if (a === b) return
    const maxDelayMs = this.#random.pick([50, 500, 3_000, 8_000])
    const minDelayMs = this.#random.below(maxDelayMs)
    this.#say('slowLinks', `${a.name}>${b.name} ${minDelayMs}..${maxDelayMs}`)
    const link = network.link(a.address, b.address)
    Object.assign(link, { minDelayMs, maxDelayMs })
    this.#for(20_000, () => void Object.assign(link, { minDelayMs: 0, maxDelayMs: 3 }))
  }

  #breaking(): void {
    const { hosts, network } = this.#cluster
    const [a, b] = [this.#random.pick(hosts), this.#random.pick(hosts)]
    if (a === b) return
    this.#say('lossyLinks', `${a.name}>${b.name}`)
    const link = network.link(a.address, b.address)
    link.breakChance = this.#random.pick([0.02, 0.1, 0.3])
    this.#for(15_000, () => {
      link.breakChance = 0
    })
  }

  #breakNow(): void {
    const { hosts, network } = this.#cluster
    const [a, b] = [this.#random.pick(hosts), this.#random.pick(hosts)]
    if (a === b) return
    this.#say('brokenConnections', `${a.name}-${b.name}`)
    network.breakBetween(a.address, b.address)
  }

  #cut(a: SimHost, b: SimHost, isBoth: boolean): void {
    if (a === b) return
    const { network } = this.#cluster
    this.#say(isBoth ? 'cuts' : 'oneWayCuts', `${a.name}>${b.name}`)
    network.cut(a.address, b.address)
    if (isBoth) network.cut(b.address, a.address)
    this.#for(30_000, () => {
      network.heal(a.address, b.address)
      if (isBoth) network.heal(b.address, a.address)
    })
  }

  #isolate(): void {
    const { hosts, network } = this.#cluster
    const one = this.#random.pick(hosts)
    this.#say('isolations', one.name)
    for (const other of hosts) if (other !== one) network.cutBoth(one.address, other.address)
    this.#for(35_000, () => {
      for (const other of hosts) if (other !== one) network.healBoth(one.address, other.address)
    })
  }

  #split(): void {
    const { hosts, network } = this.#cluster
    const half = hosts.filter(() => this.#random.chance(0.5))
    const rest = hosts.filter((host) => !half.includes(host))
    if (half.length === 0 || rest.length === 0) return
    this.#say('splits', half.map(({ name }) => name).join(','))
    for (const a of half) for (const b of rest) network.cutBoth(a.address, b.address)
    this.#for(25_000, () => {
      for (const a of half) for (const b of rest) network.healBoth(a.address, b.address)
    })
  }

  #pause(): void {
    const host = this.#random.pick(this.#cluster.hosts)
    if (!host.isServing || host.isPaused) return
    this.#say('pauses', host.name)
    host.pause()
    this.#for(this.#random.pick([1_000, 8_000, 30_000]), () => host.resume())
  }

  #slowDisk(): void {
    const host = this.#random.pick(this.#cluster.hosts)
    this.#say('slowDisks', host.name)
    host.disk.fsyncMsMax = this.#random.pick([200, 1_500, 4_000])
    this.#for(15_000, () => {
      host.disk.fsyncMsMax = 20
    })
  }

  #clockJump(): void {
    const host = this.#random.pick(this.#cluster.hosts)
    const ms = Math.round((this.#random.below(2001) / 1000 - 1) * this.#random.pick([20, 500, 5_000]))
    this.#say('clockJumps', `${host.name} ${ms}`)
    host.clockFault.skewMs += ms
  }

  /** A process ends, in one of the ways in which processes end, and comes back. */
  #end(): void {
    if (this.#plan.victims.length === 0) return
    const host = this.#random.pick(this.#plan.victims)
    if (!host.isServing || host.isPaused) return
    const how = this.#random.below(9)
    if (how === 0) {
      this.#say('stops', host.name)
      const stopping = host.stop()
      this.#for(30_000, async () => {
        // It may have died while it was stopping.
        if (!(await stopping) && !host.isRunning) host.crash('kill')
        await this.#restart(host)
      })
      return
    }
    const isPower = this.#plan.powerLoss && this.#random.chance(0.6)
    const what = isPower ? 'powerLosses' : 'kills'
    if (how === 1) {
      // In the middle of a write or of an fsync, as soon as there are so many.
      const after = this.#random.below(40)
      this.#say(what, `${host.name} after ${after} calls`)
      host.disk.crashAfter(after)
    } else if (how < 4) {
      this.#say(what, `${host.name} when it is asked`)
      this.#doomed = { host, kind: isPower ? 'power' : 'kill' }
    } else if (how < 7) {
      const verb = this.#random.pick(HALF_DONE)
      this.#say(what, `${host.name} when it sends ${verb}`)
      this.#dieSending(host, verb, isPower ? 'power' : 'kill')
    } else {
      this.#say(what, host.name)
      host.crash(isPower ? 'power' : 'kill')
    }
    this.#for(40_000, async () => {
      host.crash(isPower ? 'power' : 'kill')
      await this.#restart(host)
    })
  }

  /** Starts it; where others can't be heard it may be refused, and is tried again when all is healed. */
  async #restart(host: SimHost): Promise<void> {
    if (host.isRunning) return
    this.#cluster.say(`START ${host.name}`)
    try {
      await host.start()
    } catch (error) {
      if (this.#isOver) throw error
      this.#say('refusedStarts', `${host.name} ${error instanceof Error ? error.message : error}`)
      host.crash('kill')
    }
  }

  /** Nothing is wrong any more, and all nodes are there. */
  async heal(): Promise<void> {
    this.#isOver = true
    const { cluster } = this
    cluster.say('HEAL')
    cluster.network.healAll()
    for (const undo of [...this.#undone]) {
      this.#undone.delete(undo)
      await undo()
    }
    for (const host of cluster.hosts) {
      host.onSend = null
      host.disk.crashAfter(Number.POSITIVE_INFINITY)
      host.resume()
    }
    const starting = cluster.hosts.filter(({ isServing }) => !isServing)
    await Promise.all(
      starting.map(async (host) => {
        if (host.isRunning && !host.isServing) host.crash('kill')
        await this.#restart(host)
      }),
    )
  }

  get cluster(): SimCluster {
    return this.#cluster
  }
}
