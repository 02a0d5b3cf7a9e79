/** Where the nodes of a ring are: addresses of the loopback, or network namespaces that can be cut off from each other. */

import { execFileSync } from 'node:child_process'

export interface HostNetwork {
  hosts(count: number): readonly string[]
  /** What a program is run by at a host, in front of its name. */
  runner(host: string): readonly string[]
  /** Whether hosts can be cut off. */
  readonly canCut: boolean
  /** Packets from one host to another are lost, or all from and to it but those of this process (`to` is null). */
  cut(from: string, to: string | null): void
  heal(): void
  close(): void
}

/** Addresses 127.0.N.1 and on. */
export function loopback(third: number): HostNetwork {
  return {
    hosts: (count) => Array.from({ length: count }, (_, i) => `127.0.${third}.${i + 1}`),
    runner: () => [],
    canCut: false,
    cut: () => {
      throw new Error('The loopback cannot be cut')
    },
    heal: () => undefined,
    close: () => undefined,
  }
}

const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: 'ignore' })
}

/** Whether this user may make network namespaces, and there is an `ip` to make them with. */
export function mayMakeNamespaces(): boolean {
  try {
    ip('netns', 'add', 'sibyl-try')
    ip('netns', 'del', 'sibyl-try')
    return true
  } catch {
    return false
  }
}

/** A namespace for each host, 10.77.N.1 and on, all of them at one bridge; this process is at 10.77.N.254 of it. */
export class NamespaceNetwork implements HostNetwork {
  readonly canCut = true
  readonly #name: string
  readonly #prefix: string
  readonly #bridge: string
  #hosts: string[] = []
  /** Routes that lead nowhere. */
  #cuts: (readonly [namespace: string, host: string])[] = []

  constructor(third: number) {
    this.#name = `sibyl${third}`
    this.#prefix = `10.77.${third}`
    this.#bridge = `${this.#name}b`
  }

  hosts(count: number): readonly string[] {
    this.#remove(count)
    ip('link', 'add', this.#bridge, 'type', 'bridge')
    ip('addr', 'add', `${this.#prefix}.254/24`, 'dev', this.#bridge)
    ip('link', 'set', this.#bridge, 'up')
    for (let n = 1; n <= count; n++) {
      const host = `${this.#prefix}.${n}`
      const space = this.#space(host)
      const [outer, inner] = [`${this.#name}o${n}`, `${this.#name}i${n}`]
      ip('netns', 'add', space)
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner)
      ip('link', 'set', outer, 'master', this.#bridge, 'up')
      ip('link', 'set', inner, 'netns', space)
      ip('-n', space, 'addr', 'add', `${host}/24`, 'dev', inner)
      ip('-n', space, 'link', 'set', inner, 'up')
      ip('-n', space, 'link', 'set', 'lo', 'up')
      this.#hosts.push(host)
    }
    return this.#hosts
  }

  #space(host: string): string {
    return `${this.#name}n${host.split('.').at(-1)}`
  }

  runner(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#space(host)]
  }

  cut(from: string, to: string | null): void {
    if (to !== null) {
      this.#lose(from, to)
      return
    }
    for (const other of this.#hosts) if (other !== from) this.#lose(from, other)
  }

  #lose(from: string, to: string): void {
    const space = this.#space(from)
    ip('-n', space, 'route', 'add', 'blackhole', `${to}/32`)
    this.#cuts.push([space, to])
  }

  heal(): void {
    for (const [space, host] of this.#cuts) ip('-n', space, 'route', 'del', 'blackhole', `${host}/32`)
    this.#cuts = []
  }

  close(): void {
    this.#remove(this.#hosts.length)
    this.#hosts = []
    this.#cuts = []
  }

  /** What is left of a run that was killed goes, too. */
  #remove(count: number): void {
    for (let n = 1; n <= count; n++) quietly('netns', 'del', `${this.#name}n${n}`)
    quietly('link', 'del', this.#bridge)
  }
}

/** A namespace in which there is 127.0.0.1 alone, as on macOS: what a program is run by in it, in front of its name. */
export class OneAddress {
  readonly #name: string
  readonly runner: readonly string[]

  constructor(name: string) {
    this.#name = name
    this.runner = ['ip', 'netns', 'exec', name]
    this.close()
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    ip('-n', name, 'addr', 'del', '127.0.0.1/8', 'dev', 'lo')
    ip('-n', name, 'addr', 'add', '127.0.0.1/32', 'dev', 'lo')
  }

  /** What is left of a run that was killed goes, too. */
  close(): void {
    quietly('netns', 'del', this.#name)
  }
}

function quietly(...args: string[]): void {
  try {
    ip(...args)
  } catch {
    // It is not there.
  }
}
