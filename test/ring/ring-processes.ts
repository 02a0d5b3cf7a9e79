/** A ring of real processes, each with a directory of its own, that are killed, paused and cut off. */

import { type SibylProcess, sleep, spawnSibyl, temporaryDirectory } from '../../compat-tests/harness.ts'
import type { HostNetwork } from './host-network.ts'

const PORT = 9042
const ADMIN_PORT = 7199
const SEEN_WITHIN_MS = 60_000

/** One node; its process comes and goes. */
export class RingProcess {
  readonly host: string
  readonly #directory = temporaryDirectory('ring')
  readonly #network: HostNetwork
  readonly #seeds: readonly string[]
  readonly #more: readonly string[]
  #process: SibylProcess | null = null
  /** What all its processes have printed. */
  #printed = ''

  /** `more` are options of the command line, beside where the node is. */
  constructor(host: string, seeds: readonly string[], network: HostNetwork, more: readonly string[] = []) {
    this.host = host
    this.#seeds = seeds
    this.#network = network
    this.#more = more
  }

  async start(): Promise<void> {
    const args = ['--host', this.host, '--admin-host', this.host, '--admin-port', String(ADMIN_PORT)]
    args.push('--seeds', this.#seeds.join(','), '--quick-gossip', '--commitlog-sync', 'batch', ...this.#more)
    const runner = this.#network.runner(this.host)
    this.#process = await spawnSibyl({ port: PORT, dir: this.#directory.path, args, runner })
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const server = this.#process
    if (server === null) return
    this.#process = null
    await server.kill(signal)
    this.#printed += server.output()
  }

  /** Stands still, with its connections open. */
  pause(): void {
    this.#process?.child.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.child.kill('SIGCONT')
  }

  /** What the admin port answers, of which nodetool makes its texts. */
  async ask(operation: string, args: object = {}): Promise<unknown> {
    const url = `http://${this.host}:${ADMIN_PORT}/v1/${operation}`
    const signal = AbortSignal.timeout(2000)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(args), signal })
    const answer = (await response.json()) as { readonly result?: unknown; readonly error?: unknown }
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error))
    return answer.result
  }

  /** Whether it sees so many nodes, of which `down` are down. */
  async sees(count: number, down = 0): Promise<boolean> {
    try {
      const { nodes } = (await this.ask('status')) as { nodes: readonly { readonly state: string }[] }
      return nodes.length === count && nodes.filter(({ state }) => state === 'UN').length === count - down
    } catch {
      return false
    }
  }

  output(): string {
    return this.#printed + (this.#process?.output() ?? '')
  }

  remove(): void {
    this.#directory.remove()
  }
}

/** So many nodes; `more` are the options of each. */
export class ProcessRing {
  readonly nodes: readonly RingProcess[]
  readonly network: HostNetwork

  constructor(count: number, network: HostNetwork, more: readonly (readonly string[])[] = []) {
    const hosts = network.hosts(count)
    this.network = network
    this.nodes = hosts.map((host, i) => new RingProcess(host, hosts.slice(0, 2), network, more[i]))
  }

  /** Starts all of them; resolves when each sees all. */
  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
    await this.settled()
  }

  /** Resolves when each node that is not `down` sees all others up. */
  async settled(down: readonly RingProcess[] = []): Promise<void> {
    const end = Date.now() + SEEN_WITHIN_MS
    const up = this.nodes.filter((node) => !down.includes(node))
    for (;;) {
      const seen = await Promise.all(up.map((node) => node.sees(this.nodes.length, down.length)))
      if (!seen.includes(false)) return
      if (Date.now() > end) throw new Error(`Who sees all others: ${seen}`)
      await sleep(100)
    }
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.resume()
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')))
    for (const node of this.nodes) node.remove()
    this.network.close()
  }
}
