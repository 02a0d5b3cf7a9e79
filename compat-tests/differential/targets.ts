import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sibyl } from '../../src/node/sibyl.ts'
import { type SibylProcess, spawnSibyl } from '../sibyl-process.ts'
import type { Target } from './compare.ts'
import { Server } from './server.ts'

/** The command, as a process on a directory of its own. */
export class ProcessTarget implements Target {
  readonly server: Server
  #process: SibylProcess
  readonly #dir: string

  private constructor(server: Server, process: SibylProcess, dir: string) {
    this.server = server
    this.#process = process
    this.#dir = dir
  }

  static async start(): Promise<ProcessTarget> {
    const dir = mkdtempSync(join(tmpdir(), 'sibyl-differential-'))
    const process = await spawnSibyl({ dir })
    return new ProcessTarget(await Server.connect(process.host, process.port), process, dir)
  }

  async restart(how: 'stop' | 'kill'): Promise<void> {
    await this.#process.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM')
    this.#process = await spawnSibyl({ dir: this.#dir })
    await this.server.reconnect(this.#process.host, this.#process.port)
  }

  async stop(): Promise<void> {
    this.server.close()
    await this.#process.kill('SIGTERM')
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Sibyl in this process, on a directory of its own: it can be stopped, not killed. */
export class EmbeddedTarget implements Target {
  readonly server: Server
  #sibyl: Sibyl
  readonly #dir: string

  private constructor(server: Server, sibyl: Sibyl, dir: string) {
    this.server = server
    this.#sibyl = sibyl
    this.#dir = dir
  }

  static async start(): Promise<EmbeddedTarget> {
    const dir = mkdtempSync(join(tmpdir(), 'sibyl-differential-'))
    const sibyl = await Sibyl.start({ dir, port: 0 })
    return new EmbeddedTarget(await Server.connect(sibyl.host, sibyl.port), sibyl, dir)
  }

  async restart(): Promise<void> {
    await this.#sibyl.stop()
    this.#sibyl = await Sibyl.start({ dir: this.#dir, port: 0 })
    await this.server.reconnect(this.#sibyl.host, this.#sibyl.port)
  }

  async stop(): Promise<void> {
    this.server.close()
    await this.#sibyl.stop()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
